"""Small fleets in plain troubles, with default settings and nobody at the keyboard; and stillness after that."""

from __future__ import annotations

import pytest

from simulation.play import Play, Variant, play
from simulation.points import LAST_WAYS
from simulation.scenario import AtPoint, Happens, Scenario

BOOTED = 600.0


@pytest.mark.parametrize("replicas", [1, 2, 3, 4])
@pytest.mark.parametrize("act", ["host", "exited", "gone", "delete"])
def test_one_that_dies_is_replaced_unattended(replicas: int, act: str) -> None:
    found = play(Scenario(1, (replicas,), faulty_s=1800.0, troubles=(Happens(BOOTED, act, 0),)))
    assert found.violations == []
    assert found.calls["rent"] == replicas + 1
    assert found.passes == 1


@pytest.mark.parametrize("replicas", [1, 2, 3, 4])
def test_what_a_colleague_stops_is_held(replicas: int) -> None:
    found = play(Scenario(1, (replicas,), faulty_s=1800.0, troubles=(Happens(BOOTED, "stop", 0),)))
    assert found.violations == []
    assert (found.calls["rent"], found.calls["destroy"]) == (replicas, 0)


def test_a_converged_fleet_sends_nothing_for_a_hundred_runs() -> None:
    stage = Play(Scenario(1, (4,), faulty_s=1200.0), Variant())
    stage.play()
    before = stage.oracle.calls.copy()
    for _ in range(100):
        stage.world.advance(60.0)
        stage._run(0, waits=False)
    sent = stage.oracle.calls - before
    assert set(sent) == {"account", "list"}
    assert (sent["account"], sent["list"]) == (100, 100)


def test_a_run_over_25_instances_at_rest_reads_one_list() -> None:
    stage = Play(Scenario(1, (25,), faulty_s=2400.0), Variant())
    assert stage.play().passes is not None
    before = stage.oracle.calls.copy()
    stage._run(0, waits=False)
    assert stage.oracle.calls - before == {"account": 1, "list": 1}


@pytest.mark.parametrize("point", LAST_WAYS)
def test_a_rent_that_a_pause_makes_late_is_not_sent(point: str) -> None:
    pause = AtPoint("pause", 0, point, 1, 600.0)
    found = play(Scenario(1, (1,), machines=12, runners=2, period_s=60.0, troubles=(pause,)))
    assert found.points["pause", point] == 1
    assert found.violations == []


def test_a_pause_between_the_last_look_and_the_send_is_what_remains() -> None:
    pause = AtPoint("pause", 0, "rent:before", 1, 600.0)
    found = play(Scenario(1, (1,), machines=12, runners=2, period_s=60.0, troubles=(pause,)))
    assert found.rules == {"S8"}
