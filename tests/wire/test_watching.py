"""The command as a service runs it: its pages over HTTP, its signals, and `kill -9` wherever it hits."""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from views.exposition import assert_documented, parsed, value

import reconciler
from reconciler.core.record import Record
from reconciler.core.states import GRACE_S
from reconciler.ledger.sqlite import SqliteStore

from .stub import ACCOUNT, Gate, Reply, Seen, Stub, no_credit, offer_rows, says
from .world import Shell, ended, fleet

LISTEN = ("--listen", "127.0.0.1:0")


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def started(shell: Shell) -> Iterator[Start]:
    """Begins a watch that passes every second; whatever becomes of the test, none is left."""
    with ExitStack() as stack:

        def start(*more: str) -> subprocess.Popen[str]:
            line = ["watch", str(shell.spec), "--yes", "--first-run", "--interval", "1s", *more]
            process = shell.start(*line, RECONCILE_PACE="0")
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start


def lines(process: subprocess.Popen[str]) -> Iterator[dict]:
    assert process.stderr is not None
    for line in process.stderr:
        yield json.loads(line)


def until(process: subprocess.Popen[str], event: str, **fields) -> dict:
    """Read on to the next line of an event."""
    for line in lines(process):
        if line["event"] == event and fields.items() <= line.items():
            return line
    raise AssertionError(f"{event} never came")


def get(url: str) -> tuple[int, str, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read().decode()


def test_its_pages_are_served_while_it_works_and_sigterm_ends_it(stub, shell, started):
    process = started(*LISTEN)
    url = until(process, "started")["listen"]
    assert url.startswith("http://127.0.0.1:")
    until(process, "pass", ready=1)
    status, kind, page = get(f"{url}/metrics")
    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert 'reconcile_fleet_ready{fleet="june"} 1\n' in page
    assert 'reconcile_rents_total{fleet="june",reason="new"} 1\n' in page
    assert int(re.findall(r'reconcile_api_calls_total\{route="list"\} (\d+)', page)[0]) >= 2
    assert get(f"{url}/healthz")[0] == 200
    assert get(f"{url}/other")[0] == 404
    ran = ended(process, signal.SIGTERM)
    assert ran.code == 0, ran.said
    assert json.loads(ran.last_line)["event"] == "stopped"
    assert ran.out == ""
    with pytest.raises(urllib.error.URLError):
        get(f"{url}/healthz")


def test_sigterm_while_a_rent_is_in_flight_waits_for_its_answer(stub, shell, started):
    shell.spec.write_text(fleet(replicas=3), encoding="utf-8")
    gate = Gate()
    stub.on("rent", gate)
    process = started("--listen", "off")
    stub.await_request("rent")
    process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    gate.open()
    ran = ended(process)
    assert ran.code == 130, ran.said
    assert len(stub.mutations) == 1
    assert '"event":"rented"' in ran.err


def test_429s_are_counted(stub, shell, started):
    stub.on("list", lambda stub, request: Reply(429, {"msg": "too many"}))
    process = started(*LISTEN)
    url = until(process, "started")["listen"]
    until(process, "pass")
    assert 'reconcile_api_too_many_total{route="list"} 1\n' in get(f"{url}/metrics")[2]
    ended(process, signal.SIGTERM)


def test_the_live_page_is_read_by_the_library_of_prometheus(stub, shell, started):
    """After rents, a refused one, a guard that holds one back, a destroy, and calls answered with 429."""
    two = "max_per_hour: 0.50, budget_per_hour: 0.45"
    shell.spec.write_text(fleet(replicas=3).replace("max_per_hour: 0.50", two), encoding="utf-8")
    stub.on("list", says(429, {"msg": "too many"}))
    stub.on("rent", no_credit)
    process = started(*LISTEN)
    url = until(process, "started")["listen"]
    assert_documented(parsed(get(f"{url}/metrics")[2]))
    until(process, "pass", ready=2)
    shell.spec.write_text(fleet(replicas=1), encoding="utf-8")
    until(process, "destroyed")
    until(process, "pass")
    families = parsed(get(f"{url}/metrics")[2])
    assert_documented(families)
    assert value(families, "reconcile_rents_total", fleet="june", reason="new") == 2
    assert value(families, "reconcile_rents_failed_total", fleet="june", reason="refused") == 1
    assert value(families, "reconcile_refusals_total", fleet="june", reason="fleet budget") == 1
    assert value(families, "reconcile_destroys_total", fleet="june", reason="surplus") == 1
    assert value(families, "reconcile_api_too_many_total", route="list") == 1
    assert value(families, "reconcile_api_calls_total", route="rent") == len(stub.of("rent"))
    assert value(families, "reconcile_fleet_ready", fleet="june") == len(stub.instances) == 1
    ended(process, signal.SIGTERM)


def test_a_port_that_is_taken_is_one_clear_error(stub, shell, started):
    taken = stub.url.removeprefix("http://")
    ran = ended(started("--listen", taken))
    assert ran.code == 1
    assert f"error: cannot listen on {taken}" in ran.err
    assert stub.seen == []


HURRY = 60
"""A minute of the killed watches takes a second."""
KILLS, MOST_KILLS = 12, 40
FAILS = {2: "offline", 3: "exited", 7: "exited"}
"""After which kill an instance fails, and how."""
CALM = """\
---
kind: Policy
limits: {max_unasked_destroy_share: 1}
"""


@dataclass
class Restarts:
    """A watch of three replicas that is killed and started again and again, in hurried time."""

    stub: Stub
    shell: Shell
    dice: random.Random
    began: float = field(default_factory=time.time)
    failed: dict[int, tuple[str, float]] = field(default_factory=dict)
    """Instances that were broken: how, and when in hurried time."""
    gone: dict[int, float] = field(default_factory=dict)
    """When they were destroyed."""
    since: dict[tuple[int, str], float] = field(default_factory=dict)
    """Since when the ledger knew of each fault."""
    sightings: Counter[tuple[int, str]] = field(default_factory=Counter)
    """After how many kills it knew of it."""

    def now(self) -> float:
        return self.began + (time.time() - self.began) * HURRY

    def slow(self, stub: Stub, request: Seen) -> None:
        """Rents and destroys are slow, so that a good part of the kills hits one in flight."""
        time.sleep(0.1)
        if request.route == "destroy" and request.number in stub.instances:
            self.gone[request.number or 0] = self.now()

    @contextmanager
    def watch(self) -> Iterator[subprocess.Popen[str]]:
        hurried = (str(Path(__file__).with_name("hurried.py")), str(HURRY), str(self.began))
        line = ["watch", str(self.shell.spec), "--yes", "--first-run", "--interval", "20s", "--listen", "off"]
        path = str(Path(reconciler.__file__).parents[1])
        with self.shell.start(*line, program=hurried, RECONCILE_SETTLE=None, PYTHONPATH=path) as process:
            try:
                yield process
            finally:
                process.kill()

    def kill_one(self) -> None:
        """After so many passes and a moment."""
        passes, moment = self.dice.choice((0, 1, 1, 2, 3)), self.dice.uniform(0.0, 0.4)
        sys.stdout.write(f"kill after {passes} passes and {moment:.2f}s\n")
        with self.watch() as process:
            until(process, "started")
            for _ in range(passes):
                until(process, "pass")
            time.sleep(moment)
            assert ended(process, signal.SIGKILL).code == -signal.SIGKILL
        self.nothing_is_forgotten()

    def record(self) -> Record:
        path = self.shell.folder / "state" / "reconcile" / f"{ACCOUNT}-default.db"
        with closing(SqliteStore(path, account=ACCOUNT, owner="default", read_only=True)) as store:
            return store.load()

    def nothing_is_forgotten(self) -> None:
        """Every instance or its attempt is in the ledger, and faults are as old as they were."""
        record = self.record()
        for number, row in self.stub.instances.items():
            attempt = row["label"].rpartition("/")[2]
            assert number in record.known or attempt in record.intents, f"nobody knows {row['label']}"
        changed = {key for key in self.since.keys() & record.since.keys() if self.since[key] != record.since[key]}
        assert not changed, f"since when was forgotten: {changed}"
        self.since |= record.since
        self.sightings.update(record.since.keys())

    def fail_one(self, how: str) -> None:
        sound = [number for number in self.stub.instances if number not in self.failed]
        number = self.dice.choice(sound)
        self.stub.instances[number]["actual_status"] = how
        self.failed[number] = how, self.now()


def test_killed_anywhere_and_started_again_it_rents_nothing_twice_and_forgets_nothing(stub, shell):
    """It is killed until what failed is replaced, and none lives as long as the grace of a host that is offline."""
    seed = 6
    sys.stdout.write(f"seed {seed}\n")
    for row in offer_rows(12):
        stub.offers.setdefault(row["id"], row)
    shell.spec.write_text(fleet(replicas=3) + CALM, encoding="utf-8")
    restarts = Restarts(stub, shell, random.Random(seed))
    stub.always("rent", restarts.slow)
    stub.always("destroy", restarts.slow)
    kills = 0
    while kills < KILLS or restarts.failed.keys() & stub.instances.keys():
        assert kills < MOST_KILLS, f"never replaced: {restarts.failed}, {sorted(stub.instances)}"
        restarts.kill_one()
        kills += 1
        if kills in FAILS:
            restarts.fail_one(FAILS[kills])
    stub.honest("rent", "destroy")
    with restarts.watch() as process:
        until(process, "pass", ready=3)
        until(process, "pass", ready=3)
        ran = ended(process, signal.SIGTERM)
    assert ran.code in (0, 130), ran.said
    seats = sorted(row["label"].split("/")[3] for row in stub.instances.values())
    assert seats == ["0", "1", "2"]
    assert stub.next_id - 9001 == 3 + len(FAILS), "each seat was rented for once, and once more for each failure"
    labels = [request.body["label"] for request in stub.of("rent")]
    assert len(set(labels)) == len(labels), "no attempt was sent twice"
    record = restarts.record()
    assert (record.intents, record.leaving, set(record.known)) == ({}, {}, set(stub.instances))
    for number, (how, at) in restarts.failed.items():
        assert restarts.gone[number] - at >= GRACE_S[how], f"{number} was {how}"
        assert how != "offline" or restarts.sightings[number, how] > 1, "its grace outlived more than one watch"


OLD, NEW = "ghcr.io/acme/june:1", "ghcr.io/acme/june:2"
TEN = 10


def images(stub: Stub) -> list[str]:
    return sorted(row["image_uuid"] for row in stub.instances.values())


def test_a_rollout_that_is_killed_at_random_moments_ends_with_all_new_and_never_has_more_than_a_step_besides(
    stub, shell, started
):
    """Ten replicas, four at once; rents and destroys are slow, so that most kills hit one in flight."""
    for row in offer_rows(24):
        stub.offers.setdefault(row["id"], row)
    spec = fleet(replicas=TEN, more="rollout: {at_once: 4}\n")
    shell.spec.write_text(spec, encoding="utf-8")
    for _ in range(2):  # The first two are tried out before the others follow.
        shell.apply("--no-wait", RECONCILE_PACE="0")
    assert images(stub) == [OLD] * TEN
    shell.spec.write_text(spec.replace(OLD, NEW), encoding="utf-8")
    most = 0

    def slowly(stub, request):
        nonlocal most
        most = max(most, len(stub.instances))
        time.sleep(0.1)

    stub.always("rent", slowly)
    stub.always("destroy", slowly)
    dice, middle = random.Random(3), ""
    for _ in range(5):
        process = started("--listen", "off")
        for line in lines(process):
            if line["event"] in ("rented", "destroying", "destroyed", "pass"):
                break
        time.sleep(dice.uniform(0.0, 1.0))
        assert ended(process, signal.SIGKILL).code == -signal.SIGKILL
        if not middle and OLD in images(stub) and NEW in images(stub):
            middle = shell.run("plan", str(shell.spec)).out
    assert "of 10 seats to go" in middle, images(stub)
    process = started("--listen", "off")
    until(process, "started")
    for line in lines(process):
        if images(stub) == [NEW] * TEN and line.get("ready") == TEN:
            break
    ended(process, signal.SIGTERM)
    assert images(stub) == [NEW] * TEN
    assert most <= TEN + 4
    seats = {row["label"].split("/")[3] for row in stub.instances.values()}
    assert seats == {str(index) for index in range(TEN)}
