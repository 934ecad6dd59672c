"""Cheaper places on the simulated market: proposed, agreed to, taken new first, and given up when they do not come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.cli.compose import World
from reconciler.simulator import open_simulation

from .driving import Seen, Watched, drive, nothing
from .looking import planned
from .project import Project

DEAR = {"gpu__models": ["RTX 3090"]}
BOTH = {"gpu__models": ["RTX 3090", "RTX 3060"]}


def running_dear(project: Project, replicas: int = 1, **options: Any) -> dict[str, int]:
    """A fleet of dear cards that has run for 25 hours, and from now on would take cheaper ones too."""
    project.fleet(replicas=replicas, **DEAR)
    project.start()
    project.advance("25h")
    project.fleet(replicas=replicas, **BOTH, **options)
    return project.ids()


def stuck(project: Project) -> None:
    """The newest instance never becomes ready."""
    with open_simulation(project.state) as simulation:
        contract = simulation.world.contracts[max(simulation.world.contracts)]
        contract.runs = simulation.clock.now() + 9e6
        simulation.save()


def searches(project: Project, *args: str) -> int:
    """How many questions an apply asks of the market."""
    asked: list[str] = []

    def wrap(world: World) -> Any:
        return Watched(world.provider, asked.append, nothing)

    assert drive(project, wrap) == 0
    return asked.count("search")


def test_without_being_asked_for_nobody_looks_for_a_cheaper_place(project: Project) -> None:
    running_dear(project)
    found, looks = planned(project)
    assert looks.searches == 0
    assert not found.plan.changes


def test_a_cheaper_place_is_proposed_and_nothing_is_done(project: Project) -> None:
    before = running_dear(project, 2, replace__cheaper={})
    said = project.plan("--exit-code").assert_success("No changes", "proposed: instance", "apply --approve june/0")
    assert said.out.count("saves $") == 2
    project.apply().assert_success("Nothing was changed")
    assert project.ids() == before
    [fleet] = project.plan("--format", "json").document["fleets"]
    assert [note["kind"] for note in fleet["notes"]] == ["proposed", "proposed"]
    project.plan("--format", "markdown").assert_success("proposed")


def test_the_market_is_looked_at_every_six_hours_and_the_proposal_stands_meanwhile(project: Project) -> None:
    running_dear(project, replace__cheaper={})
    assert searches(project) > 0
    assert searches(project) == 0
    assert planned(project)[1].searches == 0
    project.advance("2h")
    assert planned(project)[1].searches == 0
    project.plan().assert_success("seen 2 h ago")
    project.advance("5h")
    assert searches(project) > 0


def test_an_instance_of_today_is_not_compared(project: Project) -> None:
    project.fleet(**DEAR)
    project.start()
    project.fleet(**BOTH, replace__cheaper={})
    assert searches(project) == 0
    project.plan("--approve", "june/0").assert_success("too young to be compared")


@pytest.mark.parametrize("order", ["create-first", "destroy-first"])
def test_what_a_person_agreed_to_is_done_new_first_whatever_the_rollout_s_order_is(
    project: Project, order: str
) -> None:
    before = running_dear(project, 2, replace__cheaper={}, rollout__order=order)
    price = {row.seat: row.price for row in project.live()}
    project.plan("--approve", "june/1").assert_success("1 to replace", "replace.cheaper saves $", "new first")
    project.apply("--approve", "june/1").assert_success("1 instance rented, 1 destroyed")
    project.assert_all_run("june", 2)
    after = project.ids()
    assert after["june/0"] == before["june/0"]
    assert after["june/1"] != before["june/1"]
    assert {row.seat: row.price for row in project.live()}["june/1"] < price["june/1"] * 8 / 10
    project.apply("--approve", "june/1").assert_success("nothing to approve", "Nothing was changed")


def test_two_that_a_person_named_go_one_after_the_other(project: Project) -> None:
    before = running_dear(project, 2, replace__cheaper={})
    project.apply("--approve", "june/0", "--approve", "june/1").assert_success("2 instances rented, 2 destroyed")
    project.assert_all_run("june", 2)
    assert not set(before.values()) & set(project.ids().values())


def test_what_took_a_cheaper_place_gives_way_to_a_still_cheaper_one_the_next_day(project: Project) -> None:
    """A candidate that has won is none any more, though it is remembered as one for two days."""
    named = ("--approve", "june/0")
    project.fleet(gpu__models=["RTX 4090"], price__max_per_hour=2)
    project.start()
    project.advance("25h")
    rules = {"replace__cheaper": {}, "price__max_per_hour": 2}
    project.fleet(gpu__models=["RTX 4090", "RTX 3090"], **rules)
    project.apply(*named).assert_success("1 instance rented, 1 destroyed")
    first = project.ids()["june/0"]
    project.advance("26h")
    project.fleet(gpu__models=["RTX 4090", "RTX 3090", "RTX 3060"], **rules)
    project.apply(*named).assert_success("1 instance rented, 1 destroyed", f"instance {first}  destroyed: replaced by")
    assert project.ids()["june/0"] > first
    project.assert_all_run("june", 1)


def test_where_nobody_has_to_agree_one_a_day_is_taken_and_none_is_missing_meanwhile(project: Project) -> None:
    before = running_dear(project, 2, replace__cheaper={"approve": "auto"})
    seen = Seen()
    assert drive(project, seen.watch) == 0
    assert (seen.most, seen.fewest_running) == (3, 2)
    assert len(set(before.values()) & set(project.ids().values())) == 1
    project.advance("7h")
    project.apply().assert_success("Nothing was changed", "proposed: instance")
    project.advance("18h")
    project.apply().assert_success("1 instance rented, 1 destroyed")
    assert not set(before.values()) & set(project.ids().values())
    project.assert_all_run("june", 2)


def test_step_by_step_it_goes_on_where_the_last_command_left_it(project: Project) -> None:
    before = running_dear(project, replace__cheaper={"approve": "auto"})
    project.apply("--no-wait").assert_success("1 instance rented")
    assert len(project.live()) == 2
    project.plan().assert_success("is booting to take the place of instance", "No changes")
    project.apply("--no-wait").assert_success("Nothing was changed")
    project.advance("10m")
    project.apply("--no-wait").assert_success("1 destroyed")
    project.assert_all_run("june", 1)
    assert project.ids() != before
    project.assert_settled()


GIVEN_UP = {
    "its time": ({"candidate": {"for": "20m"}}, "19m", "2m"),
    "its money": ({"candidate": {"for": "24h", "cost": 0.03}}, "20m", "30m"),
}


@pytest.mark.parametrize(("limits", "within", "beyond"), GIVEN_UP.values(), ids=GIVEN_UP.keys())
def test_a_candidate_that_is_not_ready_within_its_limits_goes_and_the_old_one_stays(
    project: Project, limits: dict[str, Any], within: str, beyond: str
) -> None:
    before = running_dear(project, replace__cheaper={"approve": "auto", **limits})
    project.apply("--no-wait").assert_success("1 instance rented")
    stuck(project)
    project.advance(within)
    project.apply("--no-wait").assert_success("Nothing was changed")
    assert len(project.live()) == 2
    project.advance(beyond)
    stays = f"replace.cheaper: it was not ready in time, instance {before['june/0']} stays"
    project.plan().assert_success("1 to destroy", stays)
    project.apply("--no-wait").assert_success("1 destroyed")
    assert project.ids() == before
    project.advance("7h")
    project.apply().assert_success("Nothing was changed")


def test_a_candidate_that_dies_goes_at_once(project: Project) -> None:
    before = running_dear(project, replace__cheaper={"approve": "auto"})
    project.apply("--no-wait").assert_success("1 instance rented")
    project.fail("june/0", how="offline")
    project.advance("1m")
    project.apply("--no-wait").assert_success("1 destroyed")
    assert project.ids() == before


def test_when_the_old_one_dies_meanwhile_the_candidate_takes_its_place(project: Project) -> None:
    running_dear(project, replace__cheaper={"approve": "auto"})
    project.apply("--no-wait").assert_success("1 instance rented")
    old, new = sorted(row.id for row in project.live())
    with open_simulation(project.state) as simulation:
        simulation.fail(old, "offline")
        simulation.save()
    project.apply().assert_success("1 destroyed")
    assert project.ids() == {"june/0": new}
    project.assert_all_run("june", 1)


def test_a_lost_ledger_loses_the_candidate_and_nothing_else(project: Project) -> None:
    before = running_dear(project, replace__cheaper={"approve": "auto"})
    project.apply("--no-wait").assert_success("1 instance rented")
    project.ledger.unlink()
    project.apply("--no-wait").assert_success("1 destroyed")
    assert project.ids() == before


HELD: dict[str, tuple[Callable[[Project, float], None], str, str]] = {
    "the fleet's budget": (
        lambda project, price: tight(project, price * 1.2),
        "held back by fleet budget",
        "price.budget_per_hour",
    ),
    "protection": (lambda project, _: project.policy(protect=["june"]), "held back by protect", "--max-destroys 1"),
    "no further instance": (
        lambda project, _: project.policy(limits__max_instances=1),
        "held back by instance count",
        "limits.max_instances",
    ),
}


def tight(project: Project, budget: float) -> None:
    project.fleet(**BOTH, replace__cheaper={"approve": "auto"}, price__budget_per_hour=round(budget, 4))


@pytest.mark.parametrize("name", ["protection", "no further instance"])
def test_what_a_guard_holds_back_stays_a_proposal_and_is_refused_only_where_it_was_named(
    project: Project, name: str
) -> None:
    hold, said, lift = HELD[name]
    before = running_dear(project, replace__cheaper={"approve": "auto"})
    hold(project, float(project.live()[0].price))
    project.apply().assert_success("Nothing was changed", said)
    project.apply("--approve", "june/0").assert_code(4, lift)
    assert project.ids() == before


def test_a_budget_without_room_for_two_leaves_the_old_one_where_it_is(project: Project) -> None:
    before = running_dear(project, replace__cheaper={"approve": "auto"})
    tight(project, float(project.live()[0].price) * 1.2)
    project.apply().assert_success("Nothing was changed")
    assert project.ids() == before


WRONG = {
    "a fleet that is not declared": ("may/0", "no fleet is named may"),
    "a fleet that asks for nothing": ("plain/0", "fleet plain proposes nothing"),
    "no seat": ("june", "is not a seat such as"),
    "a seat that the fleet does not have": ("june/1", "fleet june has no seat 1: its replicas are 1"),
}


@pytest.mark.parametrize(("seat", "said"), WRONG.values(), ids=WRONG.keys())
@pytest.mark.parametrize("command", ["plan", "apply"])
def test_a_name_that_means_nothing_is_wrong_usage_before_any_work(
    project: Project, command: str, seat: str, said: str
) -> None:
    project.fleet(replace__cheaper={})
    project.fleet("plain")
    project.run(command, "--simulate", "--approve", seat).assert_code(2, said)
    assert not project.state.exists()
