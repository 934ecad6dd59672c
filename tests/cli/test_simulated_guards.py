"""What is refused: no consent, limits, protection, a suspicious reading. Each with its numbers and what lifts it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from .project import Project


def test_without_a_terminal_and_without_yes_nothing_is_done(project: Project) -> None:
    project.fleet()
    for _ in range(2):
        project.run("apply", "--simulate").assert_code(4, "nobody said yes", "--yes", "1 to create")
        assert not project.state.exists() or project.live() == []
        project.run("apply", "--simulate", "--format", "json").assert_code(4)


def test_without_changes_nobody_is_asked(project: Project) -> None:
    project.fleet()
    project.start()
    project.run("apply", "--simulate").assert_success("Nothing was changed")


TWO = "as much as the two cheapest may cost"

LIMITS: dict[str, tuple[dict[str, Any], dict[str, Any], int, str, str]] = {
    "the fleet's written budget": ({"price__budget_per_hour": TWO}, {}, 2, "fleet budget", "price.budget_per_hour"),
    "the policy's budget": ({}, {"limits__budget_per_hour": TWO}, 2, "policy budget", "limits.budget_per_hour"),
    "the number of instances": ({}, {"limits__max_instances": 2}, 2, "instance count", "limits.max_instances"),
    "no instance at all": ({}, {"limits__max_instances": 0}, 0, "instance count", "limits.max_instances"),
    "rents in one run": ({}, {"limits__rents_per_run": 1}, 1, "rents per run", "limits.rents_per_run"),
    "the credit's runway": (
        {},
        {"limits__min_runway_hours": {"warn": 80000, "refuse": 80000}},
        0,
        "credit runway",
        "limits.min_runway_hours",
    ),
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_holds_back_what_is_beyond_it(project: Project, name: str) -> None:
    fleet, policy, fits, guard, lift = LIMITS[name]
    project.fleet(replicas=2)
    document = project.plan("--format", "json").document
    two = sum(Decimal(action["offer"]["ceiling"]) for action in document["fleets"][0]["actions"])
    fleet, policy = ({k: float(two) if v is TWO else v for k, v in each.items()} for each in (fleet, policy))
    project.policy(**policy)
    project.fleet(replicas=4, **fleet)
    project.plan().assert_code(4, guard, lift, f"{fits} to create" if fits else guard)
    project.apply().assert_code(4, guard, lift)
    assert len(project.live()) == fits
    if "budget" in name:
        assert sum((row.price for row in project.live()), Decimal(0)) <= two


def test_rents_in_one_run_are_limited_through_all_its_passes_and_go_on_in_the_next(project: Project) -> None:
    project.policy(limits__rents_per_run=2)
    project.fleet("june", replicas=3)
    project.fleet("july", replicas=2)
    for left in (2, 4):
        project.apply().assert_code(4, "limits.rents_per_run")
        assert len(project.live()) == left
    project.apply().assert_success("1 instance rented")
    project.assert_settled()


def test_a_refusal_of_one_fleet_does_not_stop_another(project: Project) -> None:
    project.fleet("june", replicas=2, price__budget_per_hour=0.001)
    project.fleet("july", replicas=2)
    project.apply().assert_code(4, "price.budget_per_hour", "2 instances rented")
    project.assert_all_run("july", 2)
    assert project.live("june") == []


@pytest.mark.parametrize(
    ("change", "count"),
    [
        ({"replicas": 1}, 1),
        ({"replicas": 0}, 2),
        ({"replicas": 2, "container__image": "ghcr.io/acme/june:2"}, 2),
    ],
    ids=["one fewer", "to zero", "a rollout"],
)
def test_a_protected_fleet_needs_the_exact_number(project: Project, change: dict[str, Any], count: int) -> None:
    project.policy(protect=["june"])
    project.fleet(replicas=2)
    project.start()
    before = project.ids()
    project.fleet(**change)
    project.plan().assert_code(4, "protect", f"--max-destroys {count}")
    for number in ("0", str(count - 1), str(count + 1)):
        project.apply("--max-destroys", number).assert_code(4, f"--max-destroys {count}")
        assert project.ids() == before
    project.apply("--max-destroys", str(count)).assert_success(f"{count} destroyed")


def test_a_protected_fleet_still_grows(project: Project) -> None:
    project.policy(protect=["june"])
    project.fleet(replicas=1)
    project.start()
    project.fleet(replicas=3)
    project.apply().assert_success("2 instances rented")


def test_several_failures_are_suspected_first_and_then_repaired_one_a_run(project: Project) -> None:
    project.fleet(replicas=4)
    project.start()
    project.advance("2m")
    project.fail("june/0", "june/1", "june/2")
    before = project.ids()
    project.apply().assert_code(4, "suspected", "--max-destroys 3", "Nothing was changed")
    assert project.ids() == before
    for left in (2, 1, 0):
        outcome = project.apply()
        outcome.assert_code(4 if left else 0, "1 instance rented, 1 destroyed")
        assert len(set(before.items()) - set(project.ids().items())) == 3 - left
        if left:
            assert f"--max-destroys {left + 1}" in outcome.text
    project.assert_all_run("june", 4)
    project.assert_settled()


def test_the_flag_that_is_named_lifts_the_guard(project: Project) -> None:
    project.fleet(replicas=4)
    project.start()
    project.fail("june/0", "june/1", "june/2")
    project.apply("--max-destroys", "3").assert_success("3 instances rented, 3 destroyed")
    project.assert_all_run("june", 4)


def test_a_flag_of_fewer_destroys_that_many_and_no_more(project: Project) -> None:
    project.fleet(replicas=4)
    project.start()
    project.fail("june/0", "june/1", "june/2")
    project.apply("--max-destroys", "2").assert_code(4, "2 instances rented, 2 destroyed", "--max-destroys 3")
    project.apply("--max-destroys", "0").assert_code(4, "Nothing was changed")


def test_the_share_of_the_policy_counts_from_its_floor(project: Project) -> None:
    project.policy(limits__max_unasked_destroy_share=0.5)
    project.fleet(replicas=4)
    project.start()
    project.fail("june/0", "june/1")
    project.apply().assert_success("2 instances rented, 2 destroyed")
    project.policy(limits__max_unasked_destroy_share=0)
    project.fail("june/0")
    project.apply().assert_success("1 instance rented, 1 destroyed")


def test_each_fleet_has_its_own_share(project: Project) -> None:
    project.fleet("june", replicas=1)
    project.fleet("july", replicas=1)
    project.start()
    project.fail("june/0", "july/0")
    project.apply().assert_success("2 instances rented, 2 destroyed")


def test_asked_for_destroys_are_not_limited_by_the_share(project: Project) -> None:
    project.fleet(replicas=4)
    project.start()
    project.fleet(replicas=0)
    project.apply().assert_success("4 destroyed")


def test_credit_that_will_not_last_long_is_warned_of_and_changes_no_exit_code(project: Project) -> None:
    project.policy(limits__min_runway_hours={"warn": 80000, "refuse": 2})
    project.fleet()
    project.plan().assert_success("80000 h")
    project.apply().assert_success("1 instance rented")
