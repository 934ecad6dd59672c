"""A machine that never boots: its log is kept before it goes, the machine gets a strike, and the next offer is taken in
the same run."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from reconciler.cli.compose import World
from reconciler.core.causes import REFUSED
from reconciler.simulator.boots import DEAD_END, GIVES_UP, NO_START, STUCK

from . import checked
from .driving import Watched, drive
from .project import Project

CARDS: dict[str, Any] = {"gpu__models": ["RTX 3060", "RTX 3070", "RTX 3090", "RTX 4090"], "price__max_per_hour": 1}
CLOSE = Decimal("1.04")
"""A run that has approved one price may take another offer that is hardly dearer."""

REASONS: Mapping[str, str] = {
    STUCK: "not ready in 20m: still loading",
    DEAD_END: "not ready in 20m: still created",
    NO_START: "unable to start: runtime failed",
    GIVES_UP: "unable to start: no gpu",
}


def with_an_equal(project: Project) -> tuple[int, int]:
    """A fleet of one that gets a machine which has an equal at hardly another price; both machines."""
    project.fleet(**CARDS)
    rows = project.run("offers", "june", "--simulate", "--format", "json").document["eligible"]
    ranked = [(int(row["machine"]), Decimal(row["price_per_hour"])) for row in rows]
    at = next(n for n, (_, price) in enumerate(ranked) if ranked[n + 1][1] <= price * CLOSE)
    project.fleet(**CARDS, blacklist={"machines": [machine for machine, _ in ranked[:at]]})
    return ranked[at][0], ranked[at + 1][0]


class Spoiling:
    """The first instance that is rented never gets its container to run, in the way that is said."""

    def __init__(self, how: str) -> None:
        self.how = how
        self.calls: list[str] = []

    def watch(self, world: World) -> Watched:
        assert world.simulation is not None
        inside = world.simulation.world

        def spoil(name: str) -> None:
            if name == "rent" and self.calls.count("rent") == 1:
                [contract] = inside.contracts.values()
                contract.failure = self.how
                contract.gives_up = contract.runs + 300 if self.how == GIVES_UP else 0.0

        return Watched(world.provider, self.calls.append, spoil)


@pytest.mark.parametrize(("how", "reason"), REASONS.items(), ids=REASONS.keys())
def test_it_is_replaced_in_the_same_run_its_log_kept_its_machine_struck(
    project: Project, how: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bad, good = with_an_equal(project)
    spoiling = Spoiling(how)
    assert drive(project, spoiling.watch) == 0
    said = capsys.readouterr()
    changes = [name for name in spoiling.calls if name in ("rent", "logs", "destroy")]
    assert changes == ["rent", "logs", "destroy", "rent"]
    assert said.out.count(reason) == 1, "one line says why"
    project.assert_all_run("june", 1)
    assert [row.machine for row in project.live()] == [good]

    shown = project.run("logs", "june/0", "--simulate", "--kept").assert_success(f"went: {reason}")
    assert f"create C.41250000 on machine {bad}" in shown.out
    project.run("strikes", "--simulate").assert_success(f"machine {bad}", "struck until", f"june/0: {reason}")
    project.run("events", "--simulate").assert_success("strike", f"machine {bad}: {reason}")
    block = project.run("strikes", "--simulate", "--format", "yaml").assert_success().out
    assert str(bad) in block
    project.write("specs/policy.yaml", f"kind: Policy\n{block}")
    project.run("validate", "specs/").assert_success()
    project.run("strikes", "forgive", str(bad), "--simulate").assert_success()
    project.run("events", "--simulate").assert_success("forgiven", f"machine {bad}: 1 strikes, by a person")
    project.run("offers", "june", "--simulate", "--explain", str(bad)).assert_success("blacklist.machines")


def test_apply_waits_for_one_that_runs_and_is_not_ready_and_says_why_when_its_time_is_up(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.fleet()
    assert checked.apply(project, lambda _: REFUSED, timeout_s=900) == 1
    said = capsys.readouterr().err
    assert "runs, not ready yet: ssh: connection refused" in said
    assert len(project.live()) == 1, "its time to boot is not over"


def test_one_that_runs_and_fails_its_checks_is_replaced_after_its_boot_time_within_the_timeout(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    bad, good = with_an_equal(project)
    began: list[Any] = []
    judge = lambda target: REFUSED if target.instance.machine_id == bad else ""  # noqa: E731
    assert checked.apply(project, judge, timeout_s=3600, clock=began) == 0
    out = capsys.readouterr().out
    assert out.count("is not ready in 20m: ssh: connection refused") == 1
    assert "ready in" in out.splitlines()[-1]
    assert [row.machine for row in project.live()] == [good]
