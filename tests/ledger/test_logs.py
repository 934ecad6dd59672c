"""Logs that are kept: private, few, made safe again when they are read, and never a reason to fail."""

from __future__ import annotations

import json

import pytest
from builders import NOW, seat

from reconciler.core.text import safe
from reconciler.ledger.logs import IN_ALL, PER_SEAT, FileLogs
from reconciler.provider import KeptLog


@pytest.fixture
def logs(tmp_path):
    return FileLogs(tmp_path / "ledger.logs")


def kept(at="june/0", number=100, age_s=0.0, *lines):
    return KeptLog(seat(at), number, NOW - age_s, "exited", tuple(map(safe, lines or ["said", "this"])))


def test_a_log_is_read_back_as_it_was_kept(logs):
    logs.keep(kept())
    assert logs.of(seat()) == (kept(),)
    assert logs.of(seat("june/1")) == logs.of(seat("jun/0")) == ()


def test_the_oldest_comes_first_and_goes_first(logs):
    for number in range(PER_SEAT + 3):
        logs.keep(kept(number=100 + number, age_s=float(99 - number)))
    assert [log.instance_id for log in logs.of(seat())] == list(range(103, 103 + PER_SEAT))


def test_all_seats_together_keep_so_many(logs):
    for number in range(IN_ALL + 3):
        logs.keep(kept(f"june/{number}", number=1 + number, age_s=float(900 - number)))
    assert len(list(logs.folder.iterdir())) == IN_ALL
    assert logs.of(seat("june/2")) == ()
    assert len(logs.of(seat("june/3"))) == 1


def test_only_its_owner_may_read_them(logs):
    logs.keep(kept())
    assert logs.folder.stat().st_mode & 0o777 == 0o700
    assert [file.stat().st_mode & 0o777 for file in logs.folder.iterdir()] == [0o600]


def test_a_folder_that_cannot_be_made_keeps_nothing_and_fails_nobody(tmp_path):
    (tmp_path / "ledger.logs").write_text("in the way", encoding="utf-8")
    blocked = FileLogs(tmp_path / "ledger.logs")
    blocked.keep(kept())
    assert blocked.of(seat()) == ()


STRANGE = {
    "no JSON": "{",
    "another thing": "[]",
    "no lines": json.dumps({"instance": 1, "at": 1.0, "reason": "x"}),
    "a word for an id": json.dumps({"instance": "one", "at": 1.0, "reason": "x", "lines": []}),
}


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE.keys())
def test_a_file_that_is_not_as_it_was_written_is_passed_over(logs, text):
    logs.keep(kept())
    (logs.folder / "june.0.1.1.json").write_text(text, encoding="utf-8")
    assert logs.of(seat()) == (kept(),)


def test_what_somebody_wrote_into_a_file_is_made_safe(logs):
    logs.folder.mkdir()
    body = {"instance": 1, "at": NOW, "reason": "\x1b[2J", "lines": ["::error::\x1b]0;x\x07", "b" * 9999]}
    (logs.folder / "june.0.1.1.json").write_text(json.dumps(body), encoding="utf-8")
    (log,) = logs.of(seat())
    assert "\x1b" not in "".join([log.reason, *log.lines])
    assert not log.lines[0].startswith("::")
    assert len(log.lines[1]) == 500


def test_a_link_out_of_the_folder_is_not_followed(logs, tmp_path):
    logs.folder.mkdir()
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps({"instance": 1, "at": NOW, "reason": "x", "lines": ["secret"]}), encoding="utf-8")
    (logs.folder / "june.0.1.1.json").symlink_to(secret)
    assert logs.of(seat()) == ()
