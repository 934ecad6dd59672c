"""What is known of the way to an offer: measured before estimated, and what is worth measuring."""

from __future__ import annotations

from decimal import Decimal

import pytest
from builders import NOW, offer

from reconciler.core.latency import answers_by_machine, candidates_to_measure, reading_of
from reconciler.core.model import Latency
from reconciler.core.sights import Measured

USERS = (Decimal("37.77"), Decimal("-122.42"))
PROBING = Latency(USERS, probe=True)
HERE = offer(1, machine_id=7, location="California, US")
NOWHERE = offer(1, machine_id=7, location=None)
ANSWERED = {7: Measured(12.5, NOW)}
SILENT = {7: Measured(None, NOW)}


def told(reading):
    """A reading in short: milliseconds, where they come from, whether the place is known."""
    if reading is None:
        return None
    source = "measured" if reading.measured else "rough" if reading.rough else "estimated"
    return f"{reading.ms:.0f} {source}" + ("" if reading.km is None else f" {reading.km:.0f} km")


READINGS = {
    "measured": (PROBING, HERE, ANSWERED, "12 measured 369 km"),
    "measured, though the host names no place": (PROBING, NOWHERE, ANSWERED, "12 measured"),
    "estimated where nothing was measured": (PROBING, HERE, {}, "11 estimated 369 km"),
    "estimated where another machine was measured": (PROBING, HERE, {8: Measured(1.0, NOW)}, "11 estimated 369 km"),
    "estimated where it did not answer": (PROBING, HERE, SILENT, "11 estimated 369 km"),
    "estimated where this fleet's users are not near here": (Latency(USERS), HERE, ANSWERED, "11 estimated 369 km"),
    "rough where the country is all that is known": (PROBING, offer(1, location=", US"), {}, "47 rough 2625 km"),
    "unknown": (PROBING, NOWHERE, {}, None),
    "unknown where it did not answer either": (PROBING, NOWHERE, SILENT, None),
}


@pytest.mark.parametrize(("latency", "offered", "measured", "expected"), READINGS.values(), ids=READINGS.keys())
def test_the_best_known_way(latency, offered, measured, expected):
    assert told(reading_of(latency, offered, measured)) == expected


def at(address, machine):
    return offer(machine, machine_id=machine, address=address)


MARKET = [at("1.1.1.1", 1), at("2.2.2.2", 2), at("1.1.1.1", 3), at(None, 4), at("5.5.5.5", 5), at("2.2.2.2", 2)]
WORTH = {
    "the best first, each address once": ({}, 16, ("1.1.1.1", "2.2.2.2", "5.5.5.5")),
    "not those that were asked": ({1: Measured(1.0, NOW), 2: Measured(None, NOW)}, 16, ("1.1.1.1", "5.5.5.5")),
    "no more than wanted": ({}, 2, ("1.1.1.1", "2.2.2.2")),
    "none at all": ({}, 0, ()),
}


@pytest.mark.parametrize(("already", "limit", "expected"), WORTH.values(), ids=WORTH.keys())
def test_what_is_worth_measuring(already, limit, expected):
    assert candidates_to_measure(MARKET, already, limit) == expected


def test_sixteen_are_enough():
    assert len(candidates_to_measure([at(f"9.9.9.{n}", n) for n in range(1, 100)], {})) == 16


def test_an_answer_counts_for_every_machine_behind_its_address():
    learnt = answers_by_machine(MARKET, ["1.1.1.1", "2.2.2.2"], {"1.1.1.1": 3.5}, NOW)
    assert learnt == {1: Measured(3.5, NOW), 2: Measured(None, NOW), 3: Measured(3.5, NOW)}


def test_where_nothing_answers_it_is_we_who_cannot_see():
    assert answers_by_machine(MARKET, ["1.1.1.1", "2.2.2.2"], {}, NOW) == {}
