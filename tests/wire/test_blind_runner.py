"""A runner that sees nothing: whatever is missing here, no machine is destroyed for it and none gets a strike."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from reconciler.core.readiness import Finding, Target

from .looking import Told, from_here
from .world import Desk, fleet

HALF_AN_HOUR, PASSES_A_DAY = 1800.0, 48
CHECKS = {kind: f"readiness: {{checks: [{{{kind}: {{}}}}]}}\n" for kind in ("ssh", "gpu")}
NO_ROUTE = OSError(errno.ENETUNREACH, "Network is unreachable")
NO_NAMES = OSError("Temporary failure in name resolution")
REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "refused")
SILENCE = TimeoutError(errno.ETIMEDOUT, "timed out")

BLIND = {
    "without a key": ("gpu", from_here()),
    "with a key that is not there": ("gpu", from_here(key=Path("/nowhere/id_ed25519"))),
    "without a route": ("ssh", from_here(NO_ROUTE)),
    "behind a wall that swallows all": ("ssh", from_here(SILENCE)),
    "behind a wall that refuses all": ("ssh", from_here(REFUSED)),
    "with a broken DNS": ("ssh", from_here(REFUSED, NO_NAMES)),
}


class SaysNothing(Told):
    """It could log in, and has not looked yet."""

    def check(self, targets: Sequence[Target]) -> Mapping[int, tuple[Finding, ...]]:
        return {target.instance.id: () for target in targets}


def a_day(desk: Desk) -> list[int]:
    """A run every half hour; the codes it left with."""
    codes = []
    for _ in range(PASSES_A_DAY):
        codes.append(desk.apply().code)
        desk.clock.time += HALF_AN_HOUR
    return codes


def assert_nobody_was_blamed(stub, desk, before) -> None:
    assert stub.of("destroy") == []
    assert sorted(stub.instances) == before
    assert desk.record.strikes == {}
    assert not any(debut.failures for debut in desk.record.debuts.values())


@pytest.mark.parametrize("replicas", [1, 2, 4])
@pytest.mark.parametrize(("checks", "probe"), BLIND.values(), ids=BLIND)
def test_what_was_ready_stays(stub, desk, checks, probe, replicas):
    desk.declare(fleet(replicas=replicas, more=CHECKS[checks]))
    desk.checks = Told()
    for _ in range(4):
        desk.apply()
        desk.clock.time += HALF_AN_HOUR
    assert {health.verdict for health in desk.record.health.values()} == {"pass"}
    before = sorted(stub.instances)
    desk.checks = probe
    assert set(a_day(desk)) == {0}
    assert_nobody_was_blamed(stub, desk, before)
    desk.checks = Told()
    assert f"{replicas} running" in desk.plan().out


@pytest.mark.parametrize("replicas", [1, 2])
@pytest.mark.parametrize(("checks", "probe"), BLIND.values(), ids=BLIND)
def test_what_nobody_ever_saw_ready_stays_too_and_the_plan_says_why(stub, desk, checks, probe, replicas):
    desk.declare(fleet(replicas=replicas, more=CHECKS[checks]))
    desk.checks = SaysNothing()
    desk.apply()
    before = sorted(stub.instances)
    assert len(before) == replicas
    desk.checks = probe
    a_day(desk)
    assert_nobody_was_blamed(stub, desk, before)
    assert "whether it is ready cannot be told" in desk.plan().out
    desk.checks = Told()
    desk.clock.time += HALF_AN_HOUR
    desk.apply()
    assert {health.verdict for health in desk.record.health.values()} == {"pass"}


@pytest.mark.parametrize("cause", ["timed out", "connection refused"])
@pytest.mark.parametrize("replicas", [1, 2])
def test_machines_that_do_not_answer_to_a_runner_that_reaches_others_are_replaced(stub, desk, replicas, cause):
    """The same silence, seen by a runner that sees: the proof that these scenes can fail."""
    desk.declare(fleet(replicas=replicas, more=CHECKS["ssh"]))
    desk.checks = Told()
    for _ in range(2):
        desk.apply()
        desk.clock.time += HALF_AN_HOUR
    mute = set(stub.instances)
    desk.checks = Told(lambda number: cause if number in mute else "")
    a_day(desk)
    assert not mute & set(stub.instances)
    assert len(desk.record.strikes) == replicas


def test_a_machine_that_does_not_answer_beside_one_that_does_is_replaced(stub, desk):
    """The same silence, seen by a runner that sees: the proof that these scenes can fail."""
    desk.declare(fleet(replicas=2, more=CHECKS["ssh"]))
    desk.checks = Told()
    for _ in range(2):
        desk.apply()
        desk.clock.time += HALF_AN_HOUR
    mute = min(stub.instances)
    desk.checks = Told(lambda number: "timed out" if number == mute else "")
    a_day(desk)
    assert mute not in stub.instances
    assert sorted(desk.record.strikes)


def test_a_destroy_without_a_successor_counts_among_the_unasked_ones_of_ten_minutes(stub, desk):
    desk.declare(fleet(replicas=1, more=CHECKS["ssh"]))
    desk.checks = Told(lambda _: "no banner")
    desk.apply()
    desk.clock.time += HALF_AN_HOUR
    stub.offers.clear()
    at = desk.clock.time
    desk.apply()
    assert stub.instances == {}
    ((fleet_name, times),) = desk.record.unasked.items()
    assert (fleet_name, len(times)) == ("june", 1)
    assert times[0] >= at
