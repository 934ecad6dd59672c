"""What the status fields of an instance mean, row by row, and what it bills."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from builders import NOW, diff, fleet, instance, intent, known, merged, observation, record

from reconciler.core.budget import committed
from reconciler.core.health import Health
from reconciler.core.states import RESTING, TABLE, State, rate_per_hour, state_of, state_of_absent, told

ALL, STORAGE, NOTHING = "0.25", "0.01", "0"
READING_ORDER = {
    # reported, intended, current, heading: state, what it bills in $/h
    "no report yet is pending": (None, "running", "running", "running", State.PENDING, ALL),
    "created is pending": ("created", "running", "running", "running", State.PENDING, ALL),
    "loading is pending, its pull counted as if billed": (
        *("loading", "running", "running", "running"),
        *(State.PENDING, ALL),
    ),
    "running is ready": ("running", "running", "running", "running", State.READY, ALL),
    "exited, though it should run, has failed and holds its GPU": (
        *("exited", "running", "running", "running"),
        *(State.FAILED, ALL),
    ),
    "offline, though it should run, has failed and bills nothing": (
        *("offline", "running", "running", "running"),
        *(State.FAILED, NOTHING),
    ),
    "unknown, though it should run, has failed and may run": (
        *("unknown", "running", "running", "running"),
        *(State.FAILED, ALL),
    ),
    "stopped by someone is held": ("exited", "stopped", "stopped", "stopped", State.HELD, STORAGE),
    "a stop outweighs a report that still says running": (
        *("running", "stopped", "stopped", "stopped"),
        *(State.HELD, STORAGE),
    ),
    "a stop that was only asked for is held": ("running", "stopped", "running", "stopped", State.HELD, STORAGE),
    "stopped while loading is held": ("loading", "stopped", "stopped", "stopped", State.HELD, STORAGE),
    "offline after a stop is held": ("offline", "stopped", "stopped", "stopped", State.HELD, STORAGE),
    "a start that waits for its GPU is queued": ("exited", "running", "stopped", "running", State.QUEUED, STORAGE),
    "a queued start outweighs a stale running": ("running", "running", "stopped", "running", State.QUEUED, STORAGE),
    "stopped for good, though it should run, is held": (
        *("exited", "running", "stopped", "stopped"),
        *(State.HELD, STORAGE),
    ),
    "a start that waits and of which nobody says where it goes is queued": (
        *("exited", "running", "stopped", None),
        *(State.QUEUED, STORAGE),
    ),
    "rebooting is pending": ("rebooting", "running", "running", "running", State.PENDING, ALL),
    "recycling is pending": ("recycling", "running", "running", "running", State.PENDING, ALL),
    "frozen is pending": ("frozen", "running", "running", "running", State.PENDING, ALL),
    "a word nobody has seen is pending": ("hibernating", "running", "running", "running", State.PENDING, ALL),
    "nothing known at all is pending": (None, None, None, None, State.PENDING, ALL),
    "exited without a known intention is pending": ("exited", None, None, None, State.PENDING, ALL),
    "offline without a known intention is pending": ("offline", None, None, None, State.PENDING, ALL),
}


@pytest.mark.parametrize(
    ("reported", "intended", "current", "heading", "expected", "rate"), READING_ORDER.values(), ids=READING_ORDER.keys()
)
def test_the_state_of_an_instance(reported, intended, current, heading, expected, rate):
    row = instance(reported=reported, intended=intended, current=current, heading=heading)
    assert (state_of(row), state_of(row, NOW), rate_per_hour(row)) == (expected, expected, Decimal(rate))


STOPPED = {"reported": "exited", "intended": "stopped", "current": "stopped", "heading": "stopped"}
QUEUED = {**STOPPED, "intended": "running", "heading": "running"}
RUNNING = {"reported": "running", "intended": "running", "current": "running", "heading": "running"}
BEYOND_THE_FIELDS = {
    # further fields: state, what it bills in $/h
    "stopped after its end: expired": ({**STOPPED, "ends_at": NOW}, State.EXPIRED, STORAGE),
    "stopped before its end: held": ({**STOPPED, "ends_at": NOW + 1}, State.HELD, STORAGE),
    "waiting for a GPU after its end: expired": ({**QUEUED, "ends_at": NOW - 9}, State.EXPIRED, STORAGE),
    "running after its end: ready": ({**RUNNING, "ends_at": NOW - 9}, State.READY, ALL),
    "offline after its end: failed": ({**RUNNING, "reported": "offline", "ends_at": NOW - 9}, State.FAILED, NOTHING),
    "a bid that was beaten: outbid": ({**STOPPED, "interruptible": True}, State.OUTBID, STORAGE),
    "a bid that was beaten and still says running": (
        *({**STOPPED, "reported": "running", "interruptible": True}, State.OUTBID),
        STORAGE,
    ),
    "a bid that waits to win again: outbid": ({**QUEUED, "interruptible": True}, State.OUTBID, STORAGE),
    "a bid that was beaten, after its end: expired": (
        *({**STOPPED, "interruptible": True, "ends_at": NOW - 9}, State.EXPIRED),
        STORAGE,
    ),
    "a bid that stands: ready": ({**RUNNING, "interruptible": True}, State.READY, ALL),
    "a bid whose stop was only asked for: held": (
        *({**STOPPED, "current": "running", "interruptible": True}, State.HELD),
        STORAGE,
    ),
}


@pytest.mark.parametrize(("fields", "expected", "rate"), BEYOND_THE_FIELDS.values(), ids=BEYOND_THE_FIELDS.keys())
def test_the_state_by_end_and_kind(fields, expected, rate):
    row = instance(**fields)
    assert (state_of(row, NOW), rate_per_hour(row)) == (expected, Decimal(rate))


BY_LOOKS = {
    # what the checks have to say of one that runs
    "never ready: pending": (Health(NOW - 9), State.PENDING),
    "ready once, and failing: unready": (Health(NOW - 99, NOW - 50, NOW - 9), State.UNREADY),
    "ready": (Health(NOW - 99, NOW - 50), State.READY),
}


@pytest.mark.parametrize(("health", "expected"), BY_LOOKS.values(), ids=BY_LOOKS.keys())
def test_what_runs_bills_whatever_its_checks_say(health, expected):
    (member,) = diff(fleet(), [instance(**RUNNING)], record(health={100: health})).fleets[0].members()
    assert (member.state, rate_per_hour(member.instance)) == (expected, Decimal(ALL))


def test_what_is_in_doubt_counts_at_its_ceiling_and_what_is_gone_counts_nothing():
    doubtful = diff(fleet(), [], record(intent(ceiling=Decimal("0.31"))))
    assert committed(doubtful.fleets[0]) == Decimal("0.31")
    gone = merged(record(known(100)), observation(gone=[100])).record
    assert committed(diff(fleet(), [], gone).fleets[0]) == 0


def test_the_documentation_tells_of_every_state():
    page = (Path(__file__).parents[2] / "docs" / "readiness.md").read_text(encoding="utf-8")
    told_of = re.findall(r"^\| ([a-z]+) \|", page.partition("## States")[2], flags=re.MULTILINE)
    assert told_of == ["state", *(state.value for state in State)]


def test_without_a_moment_no_contract_is_past_its_end():
    assert state_of(instance(**STOPPED, ends_at=NOW - 9)) is State.HELD


def test_one_that_no_list_shows_is_gone_by_a_word_and_else_doubtful():
    assert (state_of_absent(called_gone=True), state_of_absent(called_gone=False)) == (State.GONE, State.DOUBTFUL)


def test_every_line_of_the_table_speaks_of_something():
    """A line that never counts first would be a line too many."""
    rows = [instance(**dict(zip(FOUR, row[:4], strict=True))) for row in READING_ORDER.values()]
    rows += [instance(**fields) for fields, _, _ in BEYOND_THE_FIELDS.values()]
    first = {next(i for i, line in enumerate(TABLE) if line.holds(told(row, NOW))) for row in rows}
    assert first == set(range(len(TABLE)))


FOUR = ("reported", "intended", "current", "heading")


def test_what_rests_bills_storage_and_nothing_else():
    assert {line.state for line in TABLE if line.bills == "storage"} == RESTING


@pytest.mark.parametrize("status", ["running", "stopped"])
def test_a_price_that_is_not_told_is_shown_as_nothing(status):
    assert rate_per_hour(instance(status=status, price_per_hour=None, storage_per_hour=None)) == 0
