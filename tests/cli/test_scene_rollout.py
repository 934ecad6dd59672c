"""A new image for ten replicas: never more on the way than the plan says, and stopped anywhere the next run goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from reconciler.cli.compose import World
from reconciler.simulator.listing import all_rows

from .driving import MUTATIONS, Watched, drive
from .project import Project

REPLICAS, AT_ONCE = 10, 2
OLD, NEW = "ghcr.io/acme/june:1", "ghcr.io/acme/june:2"


class CutOff(BaseException):
    """The process ends here: no handler of ours sees it."""


@dataclass
class Seen:
    """The world's extremes over all runs; a run may be cut off before or after its n-th change."""

    most: int = 0
    most_dollars: Decimal = Decimal(0)
    fewest_running: int = REPLICAS
    changes: int = 0
    cuts: Iterator[tuple[int, bool]] = field(default_factory=lambda: iter(()))
    """At which change of its own each run ends, and whether after it; then no more."""

    def watch(self, world: World) -> Watched:
        assert world.simulation is not None
        inside = world.simulation.world
        at, after = next(self.cuts, (0, False))
        mine = 0

        def look() -> None:
            rows = all_rows(inside)
            self.most = max(self.most, len(rows))
            self.most_dollars = max(self.most_dollars, sum((Decimal(str(r["dph_total"])) for r in rows), Decimal(0)))
            self.fewest_running = min(self.fewest_running, sum(row["actual_status"] == "running" for row in rows))

        def before(name: str) -> None:
            nonlocal mine
            look()
            mine += name in MUTATIONS
            if name in MUTATIONS and mine == at and not after:
                raise CutOff

        def behind(name: str) -> None:
            look()
            self.changes += name in MUTATIONS
            if name in MUTATIONS and mine == at and after:
                raise CutOff

        return Watched(world.provider, before, behind)


def begun(project: Project, **rollout: Any) -> dict[str, Any]:
    """Ten run the old image, and the new one is declared; what the plan says of it."""
    project.fleet(replicas=REPLICAS, container__image=OLD, rollout=rollout)
    project.start()
    project.advance("2m")
    project.fleet(replicas=REPLICAS, container__image=NEW, rollout=rollout)
    stated: dict[str, Any] = project.plan("--format", "json").document
    return stated


def assert_all_new(project: Project) -> None:
    project.assert_all_run("june", REPLICAS)
    assert {row.image for row in project.live()} == {NEW}
    project.assert_settled()


def assert_within(seen: Seen, stated: dict[str, Any], at_once: int = AT_ONCE) -> None:
    """What was there at most is what the first plan said."""
    assert seen.most <= REPLICAS + at_once
    assert seen.fewest_running >= REPLICAS
    assert seen.most_dollars <= Decimal(stated["cost"]["peak"])
    more = Decimal(stated["fleets"][0]["rollout"]["extra_per_hour"])
    assert seen.most_dollars <= Decimal(stated["cost"]["now"]) + more


@pytest.mark.parametrize("at_once", ["20%", 4])
def test_the_peak_is_never_above_the_stated_one(project: Project, at_once: object) -> None:
    stated = begun(project, at_once=at_once)
    step = {"20%": 2}.get(str(at_once), at_once)
    seen = Seen()
    assert drive(project, seen.watch) == 0
    assert_within(seen, stated, int(str(step)))
    assert seen.most == REPLICAS + int(str(step))
    assert_all_new(project)


CUTS = {
    "before its answer": [(1, True)] * 20,
    "before it is sent, now and then": [(1, number % 7 != 0) for number in range(30)],
    "after two changes": [(2, True)] * 10,
}


@pytest.mark.parametrize("cuts", CUTS.values(), ids=CUTS.keys())
def test_a_run_that_is_cut_off_at_each_change_is_continued_by_the_next(
    project: Project, cuts: list[tuple[int, bool]]
) -> None:
    """Every rent and every destroy of the rollout is hit: each run ends at its first (or second) change."""
    stated = begun(project, at_once=AT_ONCE)
    before = set(project.ids().values())
    seen = Seen(cuts=iter(cuts))
    left = [REPLICAS]
    for _ in range(len(cuts) + 4):
        with suppress(CutOff):
            assert drive(project, seen.watch) == 0
            break
        left.append(sum(row.id in before for row in project.live()))
        if left[-1] == REPLICAS // 2 != left[-2]:
            assert_told_in_the_middle(project, left[-1])
    else:
        raise AssertionError(f"it never came to its end: {left}")
    assert left == sorted(left, reverse=True), "no old one comes back"
    assert_within(seen, stated)
    assert_all_new(project)


def assert_told_in_the_middle(project: Project, old_ones: int) -> None:
    """The plan says how many seats are to go: those too whose new instance boots, or whose rent is in doubt."""
    told = project.plan("--format", "json").document["fleets"][0]["rollout"]
    assert told["seats_to_go"] == old_ones
    project.plan().assert_success(f"rollout: {told['seats_to_go']} of {REPLICAS} seats to go")
