"""What the status fields of an instance mean, row by row, and what it bills."""

from __future__ import annotations

from decimal import Decimal

import pytest
from builders import instance

from reconciler.core.states import State, rate_per_hour, state_of

READING_ORDER = {
    # reported, intended, current, heading
    "no report yet is pending": (None, "running", "running", "running", State.PENDING),
    "created is pending": ("created", "running", "running", "running", State.PENDING),
    "loading is pending": ("loading", "running", "running", "running", State.PENDING),
    "running is ready": ("running", "running", "running", "running", State.READY),
    "exited, though it should run, has failed": ("exited", "running", "running", "running", State.FAILED),
    "offline, though it should run, has failed": ("offline", "running", "running", "running", State.FAILED),
    "unknown, though it should run, has failed": ("unknown", "running", "running", "running", State.FAILED),
    "stopped by someone is held": ("exited", "stopped", "stopped", "stopped", State.HELD),
    "a stop outweighs a report that still says running": ("running", "stopped", "stopped", "stopped", State.HELD),
    "a stop that was only asked for is held": ("running", "stopped", "running", "stopped", State.HELD),
    "outbid while loading is held": ("loading", "stopped", "stopped", "stopped", State.HELD),
    "offline after a stop is held": ("offline", "stopped", "stopped", "stopped", State.HELD),
    "a start that waits for its GPU is queued": ("exited", "running", "stopped", "running", State.QUEUED),
    "a queued start outweighs a stale running": ("running", "running", "stopped", "running", State.QUEUED),
    "rebooting is pending": ("rebooting", "running", "running", "running", State.PENDING),
    "recycling is pending": ("recycling", "running", "running", "running", State.PENDING),
    "frozen is pending": ("frozen", "running", "running", "running", State.PENDING),
    "a word nobody has seen is pending": ("hibernating", "running", "running", "running", State.PENDING),
    "nothing known at all is pending": (None, None, None, None, State.PENDING),
    "exited without a known intention is pending": ("exited", None, None, None, State.PENDING),
}


@pytest.mark.parametrize(
    ("reported", "intended", "current", "heading", "expected"), READING_ORDER.values(), ids=READING_ORDER.keys()
)
def test_the_state_of_an_instance(reported, intended, current, heading, expected):
    row = instance(reported=reported, intended=intended, current=current, heading=heading)
    assert state_of(row) is expected


RATES = {
    "running bills everything": ("running", "0.25"),
    "loading is counted as if it were billed": ("loading", "0.25"),
    "exited still holds its GPU": ("exited", "0.25"),
    "unknown may still run": ("unknown", "0.25"),
    "offline bills nothing": ("offline", "0"),
    "stopped bills its storage": ("stopped", "0.01"),
    "queued bills its storage": ("queued", "0.01"),
}


@pytest.mark.parametrize(("status", "expected"), RATES.values(), ids=RATES.keys())
def test_what_an_instance_bills(status, expected):
    assert rate_per_hour(instance(status=status)) == Decimal(expected)


@pytest.mark.parametrize("status", ["running", "stopped"])
def test_a_price_that_is_not_told_is_shown_as_nothing(status):
    assert rate_per_hour(instance(status=status, price_per_hour=None, storage_per_hour=None)) == 0
