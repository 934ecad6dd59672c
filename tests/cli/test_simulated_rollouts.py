"""A changed spec goes through a fleet so many seats at a time; one seat is replaced at a person's word."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from .driving import Seen, Watched, drive, nothing
from .project import Project


def started(project: Project, replicas: int, **options: object) -> None:
    project.fleet(replicas=replicas, **options)
    project.start()
    project.advance("2m")


@pytest.mark.parametrize(("at_once", "most"), [(1, 6), (2, 7), ("40%", 7), (5, 9)])
def test_a_rollout_never_has_more_than_its_step_beside_the_replicas(
    project: Project, at_once: object, most: int
) -> None:
    started(project, 5)
    before = set(project.ids().values())
    project.fleet(replicas=5, container__image="ghcr.io/acme/june:2", rollout={"at_once": at_once})
    seen = Seen()
    assert drive(project, seen.watch) == 0
    project.assert_all_run("june", 5)
    assert before.isdisjoint(project.ids().values())
    assert seen.most == most  # Of five at once the first two are tried out before the others follow.
    assert seen.fewest_running >= 5


def test_the_plan_says_how_many_seats_are_to_go_and_what_that_costs_on_the_way(project: Project) -> None:
    started(project, 5)
    project.fleet(replicas=5, container__image="ghcr.io/acme/june:2", rollout={"at_once": 2})
    project.plan().assert_success(
        "rollout: 5 of 5 seats to go in 3 steps of 2, about 12m00s, at most $", "more on the way"
    )
    told = project.plan("--format", "json").document["fleets"][0]["rollout"]
    assert (told["seats_to_go"], told["at_once"], told["steps"]) == (5, 2, 3)
    project.plan("--format", "markdown").assert_success("june: rollout: 5 of 5 seats to go in 3 steps of 2")


def test_a_plan_in_the_middle_says_where_the_rollout_stands(project: Project) -> None:
    started(project, 4)
    project.fleet(replicas=4, container__image="ghcr.io/acme/june:2")
    for _ in range(2):
        project.apply("--no-wait")
        project.advance("5m")
    project.plan().assert_success("rollout: 3 of 4 seats to go")


def told_minutes(project: Project) -> tuple[int, int]:
    """How long the rollout takes, and apply: what the plan says, in minutes."""
    text = project.plan().assert_success().text
    ((minutes, seconds),) = re.findall(r"rollout: .* about (\d+)m(\d+)s", text)
    (whole,) = re.findall(r"Apply: about (\d+) minute", text)
    return round(int(minutes) + int(seconds) / 60), int(whole)


def test_the_plan_says_one_time_for_a_rollout_which_grows_shorter_while_its_canary_is_ready(project: Project) -> None:
    started(project, 5)
    project.fleet(replicas=5, container__image="ghcr.io/acme/june:2", rollout={"at_once": 3})
    assert told_minutes(project) == (8, 8)
    project.fleet(replicas=5, container__image="ghcr.io/acme/june:2", rollout={"at_once": 2, "canary": "30m"})
    assert told_minutes(project) == (42, 42)
    project.apply("--no-wait")
    project.advance("5m")
    project.apply("--no-wait")  # The canary is seen to be ready, and its old instance goes.
    project.advance("20m")
    project.apply("--no-wait")
    assert told_minutes(project) == (18, 18)
    project.advance("15m")
    project.apply("--no-wait")
    assert told_minutes(project) == (8, 8)


@pytest.mark.parametrize("order", ["create-first", "destroy-first"])
def test_a_seat_without_a_machine_of_its_own_keeps_what_it_has(project: Project, order: str) -> None:
    """One machine is within the cap, and what the rollout frees has the wrong card."""
    project.fleet(replicas=3, gpu__models=["RTX 3090"])
    offered = [
        Decimal(a["offer"]["price_per_hour"]) for a in project.plan("--format", "json").document["fleets"][0]["actions"]
    ]
    started(project, 3, gpu__models=["RTX 3060"])
    before = project.ids()
    cap = float((offered[0] + offered[1]) / 2)
    project.fleet(
        replicas=3,
        gpu__models=["RTX 3090"],
        price__max_per_hour=cap,
        container__image="ghcr.io/acme/june:2",
        rollout={"at_once": 2, "order": order},
    )
    project.plan().assert_success("1 to replace, 0 to destroy; 2 unchanged, 0 unfilled")
    project.apply().assert_success("3 of 3 running", "1 instance rented, 1 destroyed")
    project.assert_all_run("june", 3)
    assert len(set(before.values()) & set(project.ids().values())) == 2


def test_without_a_wait_a_rollout_goes_on_step_by_step_from_run_to_run(project: Project) -> None:
    started(project, 2)
    before = set(project.ids().values())
    project.fleet(replicas=2, container__image="ghcr.io/acme/june:2")
    for _ in range(8):
        project.apply("--no-wait")
        project.advance("5m")
        assert len(project.live()) <= 3
    project.assert_all_run("june", 2)
    assert before.isdisjoint(project.ids().values())


def test_a_canary_must_have_been_ready_for_a_while_before_the_others_follow(project: Project) -> None:
    started(project, 3)
    changed = {"container__image": "ghcr.io/acme/june:2", "rollout": {"at_once": 2, "canary": "30m"}}
    project.fleet(replicas=3, **changed)
    project.apply("--no-wait")
    project.advance("10m")
    project.apply("--no-wait")
    project.plan().assert_success("until the canary june/0 has been ready long enough, 29m")
    project.advance("20m")
    before = project.ids()
    project.apply("--no-wait")
    assert project.ids() == before
    project.advance("10m")
    project.apply().assert_success("2 instances rented")
    project.assert_settled()


def test_a_seat_is_replaced_at_a_persons_word(project: Project) -> None:
    started(project, 2)
    first, second = (project.ids()[f"june/{index}"] for index in range(2))
    project.plan("--replace", "june/1").assert_success("1 to replace", "a replacement was asked for (new first)")
    project.apply("--replace", "june/1").assert_success("1 instance rented", "1 destroyed")
    assert project.ids()["june/0"] == first
    assert project.ids()["june/1"] != second
    project.assert_settled()


def test_what_was_asked_for_is_carried_on_by_later_runs_that_do_not_ask(project: Project) -> None:
    started(project, 1)
    old = project.ids()["june/0"]
    project.apply("--replace", "june/0", "--no-wait").assert_success()
    assert len(project.live()) == 2
    project.advance("5m")
    project.apply().assert_success("1 destroyed")
    assert old not in project.ids().values()
    project.assert_settled()


def test_a_plan_that_asks_changes_nothing(project: Project) -> None:
    started(project, 1)
    project.plan("--replace", "june/0").assert_success("1 to replace")
    project.plan().assert_success("No changes")


@pytest.mark.parametrize(
    ("seat", "said"),
    [("june", "is not a seat"), ("june/7", "june has no seat 7"), ("july/0", "no fleet is named july")],
)
def test_a_seat_that_does_not_exist_is_wrong_usage(project: Project, seat: str, said: str) -> None:
    started(project, 1)
    project.apply("--replace", seat).assert_code(2, said)


def test_an_empty_seat_has_nothing_to_replace(project: Project) -> None:
    project.fleet(replicas=1)
    project.plan("--replace", "june/0").assert_success("--replace june/0: no instance is there", "1 to create")


def test_a_protected_fleet_wants_the_number(project: Project) -> None:
    project.policy(protect=["june"])
    started(project, 1)
    project.apply("--replace", "june/0").assert_code(4, "--max-destroys 1")
    project.apply("--replace", "june/0", "--max-destroys", "1").assert_success("1 destroyed")


def test_an_apply_that_waits_asks_the_market_once_for_the_plan_and_once_for_each_step(project: Project) -> None:
    started(project, 4)
    project.fleet(replicas=4, container__image="ghcr.io/acme/june:2", rollout={"at_once": 1, "canary": "30m"})
    calls: list[str] = []
    assert drive(project, lambda world: Watched(world.provider, calls.append, nothing)) == 0
    project.assert_all_run("june", 4)
    searches, passes = calls.count("search"), calls.count("instances")
    assert 5 <= searches < passes / 2
