"""The simulated machines answer as from San Francisco, always the same, and in their own time."""

from __future__ import annotations

import pytest

from reconciler.core.geo import FIBRE_KM_PER_MS, distance_km, where
from reconciler.core.places import parse_location
from reconciler.simulator.distances import Distances, usual_ms
from reconciler.simulator.simulation import begun
from reconciler.simulator.tables import COUNTRIES, STATES

SAN_FRANCISCO = (37.77, -122.42)


@pytest.fixture(scope="module")
def world():
    """One world for all of them: that its time has gone on is of no matter here."""
    return begun(None, 7)


def machines(world, count=200):
    """Address and place of some machines."""
    rows = [machine.row(0, world.now) for machine in world.market().machines[:count]]
    return {row["public_ipaddr"]: row["geolocation"] for row in rows}


def test_most_machines_answer_and_some_never_do(world):
    asked = list(machines(world))
    answered = Distances(world).latency_ms(asked, 3.0)
    assert 0.75 < len(answered) / len(asked) < 0.98
    assert set(answered) <= set(asked)


def test_the_same_world_gives_the_same_answers_and_another_one_others(world):
    asked = list(machines(world))
    first = Distances(world).latency_ms(asked, 3.0)
    assert Distances(world).latency_ms(asked, 3.0) == first
    assert Distances(begun(None, 7)).latency_ms(asked, 3.0) == first
    assert Distances(begun(None, 8)).latency_ms(asked, 3.0) != first


def test_an_answer_is_about_what_its_place_usually_takes(world):
    placed = machines(world)
    for address, ms in Distances(world).latency_ms(list(placed), 3.0).items():
        usual = usual_ms(placed[address])
        assert 0.9 * usual <= ms <= 1.3 * usual + 1.1


def test_silence_costs_the_timeout_of_the_worlds_time(world):
    began = world.now
    assert Distances(world).latency_ms(["203.0.113.77"], 3.0) == {}
    assert world.now - began == pytest.approx(3.0)


def test_an_answer_costs_its_own_time(world):
    [(address, ms), *_] = Distances(world).latency_ms(list(machines(world)), 3.0).items()
    began = world.now
    Distances(world).latency_ms([address], 3.0)
    assert world.now - began == pytest.approx(ms / 1000, abs=0.001)


def test_nobody_asked_costs_nothing(world):
    began = world.now
    assert Distances(world).latency_ms([], 3.0) == {}
    assert world.now == began


def test_who_is_too_far_for_the_timeout_is_left_out(world):
    asked = list(machines(world))
    distances = Distances(world)
    answered = distances.latency_ms(asked, 0.1)
    everybody = distances.latency_ms(asked, 3.0)
    assert answered == {address: ms for address, ms in everybody.items() if ms <= 100}
    assert 0 < len(answered) < len(everybody)


PLACES = [f"{state}, US" for state, _ in STATES if state] + [spellings[0] for *_, spellings in COUNTRIES if spellings]


@pytest.mark.parametrize("place", PLACES)
def test_no_place_answers_faster_than_light_or_absurdly_late(place):
    """Within Russia, China, Canada and Brazil the middle of the people is taken, some 1000 km of play."""
    point = where(parse_location(place))
    km = distance_km(SAN_FRANCISCO, point.degrees)
    assert usual_ms(place) >= 0.85 * (km - (1000 if point.rough else 150)) / FIBRE_KM_PER_MS
    assert usual_ms(place) <= 2.2 * km / FIBRE_KM_PER_MS + 40
