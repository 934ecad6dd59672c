"""Two writers at once, answers that are lost, processes that are killed: one save wins, and none is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from builders import NOW, known, record
from repositories import REF, Bridge, file_in, git, put, tip_of, wrapper

import reconciler
from reconciler.core.history import Event
from reconciler.core.record import Record, with_known
from reconciler.core.secret import Hidden
from reconciler.errors import Busy, NotSaved
from reconciler.ledger.git.place import GitPlace
from reconciler.ledger.git.ref import Patience
from reconciler.ledger.git.store import GitStore

Open = Callable[..., GitStore]
SHORT = Patience(push_s=1.5)


@pytest.fixture
def bridge(bare: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bridge]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Bridge(bare.parent) as running:
        yield running


@pytest.fixture
def remote(request, bare) -> str:
    """The repository's address: over a path, file:// or http."""
    if request.param == "http":
        return request.getfixturevalue("bridge").url(bare.name)
    return f"file://{bare}" if request.param == "file" else str(bare)


each_way = pytest.mark.parametrize("remote", ["path", "file", "http"], indirect=True)


@pytest.fixture
def opened() -> Iterator[Open]:
    """Opens stores on a repository; the test's end closes them."""
    with ExitStack() as stack:

        def open_(remote: str | Path, **options: Any) -> GitStore:
            store = GitStore(GitPlace(Hidden(remote)), account=1, owner="default", **options)
            stack.callback(store.close)
            return store

        yield open_


@pytest.fixture
def loaded(opened: Open) -> Open:
    """Opens stores that have read the ledger."""

    def load(remote: str | Path, **options: Any) -> GitStore:
        store = opened(remote, **options)
        store.load()
        return store

    return load


def ids_in(bare: Path, tip: str = REF) -> list[int]:
    return sorted(each["id"] for each in json.loads(file_in(bare, "record.json", tip))["known"])


def epoch_in(bare: Path) -> int:
    return int(json.loads(file_in(bare, "meta.json"))["epoch"])


# --- two writers ----------------------------------------------------------------------------------


@each_way
def test_of_two_writers_that_save_at_once_one_wins_and_one_is_busy(opened, remote, bare):
    """Round after round both read the same and save together: each save counts or is refused, and none is lost."""
    rounds, ready = 4, threading.Barrier(2)

    def writer(number: int) -> list[int]:
        won, store = [], opened(remote)
        for turn in range(rounds):
            ready.wait(30)
            before = store.load()
            ready.wait(30)
            with suppress(Busy):
                store.save(with_known(before, [known(turn * 2 + number)]), [Event(NOW, "paused", "june", number)])
                won.append(turn * 2 + number)
        return won

    with ThreadPoolExecutor(2) as both:
        wins = [won.result() for won in [both.submit(writer, number) for number in (0, 1)]]
    assert sorted([*wins[0], *wins[1]]) == ids_in(bare)
    assert [sum(turn in (w // 2 for w in won) for won in wins) for turn in range(rounds)] == [1] * rounds
    assert epoch_in(bare) == rounds
    assert len(opened(remote, read_only=True).events()) == rounds


@each_way
def test_of_two_first_writers_one_makes_the_ledger(loaded, remote, bare):
    first, second = loaded(remote), loaded(remote)
    first.save(record(known(1)))
    with pytest.raises(Busy, match="another run has written"):
        second.save(record(known(2)))
    assert ids_in(bare) == [1]
    assert second.load() == record(known(1))
    second.save(record(known(1), known(2)))
    with pytest.raises(Busy):
        first.save(record())
    assert ids_in(bare) == [1, 2]


def test_two_writers_that_save_the_same_do_not_both_win(loaded, bare):
    first, second = loaded(bare), loaded(bare)
    first.save(record(known()))
    with pytest.raises(Busy):
        second.save(record(known()))


# --- answers that are lost ------------------------------------------------------------------------


def test_a_push_whose_answer_is_lost_after_its_effect_counts(loaded, bridge, bare):
    store = loaded(bridge.url(bare.name))
    for number in (1, 2):
        bridge.dropped = 1
        before = bridge.pushes
        store.save(record(known(number)))
        assert ids_in(bare) == [number]
        assert bridge.pushes == before + 1


def test_a_push_that_was_lost_before_its_effect_is_sent_once_more(loaded, bridge, bare):
    store = loaded(bridge.url(bare.name))
    left = [1]

    def fails(bridge: Bridge, request) -> bool:
        if request.command == "POST" and "receive-pack" in request.path and left[0] > 0:
            left[0] -= 1
            return bool(request.refuse(503))
        return False

    bridge.before = fails
    store.save(record(known(1)))
    assert (ids_in(bare), epoch_in(bare)) == ([1], 1)
    left[0] = 2
    with pytest.raises(NotSaved, match="cannot be written"):
        store.save(record(known(2)))
    assert ids_in(bare) == [1]
    store.save(record(known(3)))
    assert ids_in(bare) == [3]


def test_a_push_whose_answer_is_lost_and_that_another_run_followed_is_busy(loaded, bridge, bare):
    store = loaded(bridge.url(bare.name))

    def overtakes(bridge: Bridge, request) -> bool:
        if request.command == "GET" and "upload-pack" in request.path:
            bridge.before = lambda bridge, request: False
            put(bare, {"other": "run"})
        return False

    bridge.dropped, bridge.before = 1, overtakes
    with pytest.raises(Busy):
        store.save(record(known(1)))


def test_where_nobody_says_what_stands_there_nothing_counts_as_saved(loaded, bridge, bare):
    """The push took effect, its answer was lost, and then nobody answers: the caller sends nothing."""
    store = loaded(bridge.url(bare.name))

    def goes_away(bridge: Bridge, request) -> bool:
        return bool("upload-pack" in request.path and request.refuse(503))

    bridge.dropped, bridge.before = 1, goes_away
    with pytest.raises(NotSaved, match="cannot be reached"):
        store.save(record(known(1)))
    bridge.before = lambda bridge, request: False
    with pytest.raises(Busy):
        store.save(record(known(2)))
    assert sorted(store.load().known) == [1]


PUSHES = 'case " $* " in *" push "*) {} ;; esac; exec "$GIT" "$@"'
HANGS_AFTER = '"$GIT" "$@" >/dev/null 2>&1; sleep 30; exit 1'
LIES = '"$GIT" "$@" >/dev/null 2>&1; echo "fatal: the remote end hung up" >&2; exit 128'


@pytest.mark.parametrize("what", [HANGS_AFTER, LIES], ids=["and hangs", "and says it failed"])
def test_a_git_that_pushes_is_believed_by_what_stands_there(loaded, bare, tmp_path, what):
    store = loaded(bare, program=wrapper(tmp_path / "bin", PUSHES.format(what)), patience=SHORT)
    store.save(record(known(1)))
    assert (ids_in(bare), epoch_in(bare)) == ([1], 1)


def test_a_push_that_never_ends_is_ended(loaded, bare, tmp_path):
    store = loaded(bare, program=wrapper(tmp_path / "bin", PUSHES.format("sleep 60")), patience=Patience(push_s=0.3))
    with pytest.raises(NotSaved, match="no answer within"):
        store.save(record(known(1)))
    assert tip_of(bare) is None


def test_a_fetch_that_never_ends_is_ended(opened, bare, tmp_path):
    hangs = wrapper(tmp_path / "bin", 'case " $* " in *" fetch "*|*" ls-remote "*) sleep 60 ;; esac; exec "$GIT" "$@"')
    with pytest.raises(NotSaved, match="no answer within"):
        opened(bare, program=hangs, patience=Patience(0.3, 0.3, 0.3))


# --- refused --------------------------------------------------------------------------------------


def test_a_remote_that_may_only_be_read_is_read_and_not_written(loaded, opened, bridge, bare):
    loaded(bridge.url(bare.name)).save(record(known(1)))
    bridge.read_only = True
    store = opened(bridge.url(bare.name))
    assert sorted(store.load().known) == [1]
    with pytest.raises(NotSaved, match=r"cannot be written.*403") as refusal:
        store.save(record())
    assert "contents: write" in refusal.value.hint
    assert ids_in(bare) == [1]


def test_a_hook_of_the_other_side_that_says_no_is_quoted(loaded, bare):
    hook = bare / "hooks" / "pre-receive"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\nprintf 'not \\033[31mon\\n' >&2\nexit 1\n")
    hook.chmod(0o755)
    store = loaded(bare)
    with pytest.raises(NotSaved, match="cannot be written") as refusal:
        store.save(record())
    assert "\x1b" not in str(refusal.value)
    assert "not \\u001b[31mon" in str(refusal.value)


@pytest.mark.parametrize("read_only", [True, False], ids=["to read", "to write"])
@pytest.mark.parametrize("remote", ["nowhere.git", "file:///nowhere.git", "http://127.0.0.1:1/x.git"])
def test_a_repository_that_is_not_there_is_no_cold_start(opened, tmp_path, monkeypatch, remote, read_only):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(NotSaved, match=r"cannot be reached|no git remote") as refusal:
        opened(remote, folder=tmp_path, read_only=read_only)
    assert "git" in refusal.value.hint


# --- kill -9 --------------------------------------------------------------------------------------

KILLS = 6
SAVES = """
import sys
from pathlib import Path
from builders import NOW, known, record
from reconciler.core.history import Event
from reconciler.core.secret import Hidden
from reconciler.errors import Busy
from reconciler.ledger.git.place import GitPlace
from reconciler.ledger.git.store import GitStore
store = GitStore(GitPlace(Hidden(sys.argv[1])), account=1, owner="default", program=sys.argv[2])
number = min(store.load().known, default=0)
while True:
    try:
        store.save(record(known(number + 1)), [Event(NOW, "paused", "june", number + 1)])
    except Busy:  # The last push of a run that is dead has arrived.
        number = min(store.load().known)
        continue
    number += 1
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""
KILLED = """
case " $* " in
*" push "*)
    if test -e {armed}; then
        rm {armed}
        echo $PPID > {writer}
        "$GIT" "$@" & pushes=$!
        {then}
        exit 1
    fi ;;
esac
exec "$GIT" "$@"
"""
MEETS = """#!/bin/sh
cat >/dev/null
if test -e {writer} && test {half} = True; then
    kill -9 $(cat {writer})
    exit 1
fi
"""


def test_nothing_is_lost_when_writer_and_push_are_killed_in_the_middle(loaded, bare, tmp_path):
    root = Path(reconciler.__file__).parents[1]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "tests")]), "TMPDIR": str(tmp_path)}
    acknowledged, armed, half_done = 0, tmp_path / "armed", 0
    hook, target = bare / "hooks" / "pre-receive", tmp_path / "writer"
    hook.parent.mkdir()
    for kill in range(KILLS):
        half = kill % 2 == 0  # The writer dies while the other side holds all objects and the ref is still the old one.
        hook.write_text(MEETS.format(writer=target, half=half))
        hook.chmod(0o755)
        target.unlink(missing_ok=True)
        then = "wait" if half else f"sleep {0.003 * kill}; kill -9 $PPID $pushes"
        script = KILLED.format(armed=armed, writer=target, then=then)
        program = wrapper(tmp_path / "bin", script)
        writer = subprocess.Popen(
            [sys.executable, "-c", SAVES, str(bare), program], env=env, stdout=subprocess.PIPE, text=True
        )
        with writer:
            assert writer.stdout is not None
            acknowledged = int(writer.stdout.readline())
            armed.touch()
            for said in writer.stdout:
                acknowledged = int(said)
        assert writer.returncode == -9
        tip = tip_of(bare)  # A push whose writer is dead may still arrive later.
        assert tip is not None
        (saved,) = ids_in(bare, tip)
        told = file_in(bare, "events/2026-11-20.jsonl", tip).splitlines()
        assert [json.loads(line)["seat"] for line in told] == list(range(1, saved + 1))
        assert saved in (acknowledged, acknowledged + 1)
        half_done += saved == acknowledged
    hook.unlink()
    assert half_done >= KILLS / 2
    assert git(bare, "fsck", "--no-dangling", "--strict", check=False).count("error") == 0
    loaded(bare).save(Record())
    assert ids_in(bare) == []
