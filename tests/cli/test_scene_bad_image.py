"""A tag that nobody pushed: two machines say so, and the fleet stops with cause and logs. A corrected tag goes on."""

from __future__ import annotations

from typing import Any

import pytest

from . import checked
from .project import Project

BAD, GOOD = "ghcr.io/acme/june:missing-2", "ghcr.io/acme/june:2"
CAUSE = "unable to start: image not found"
SAID = "manifest unknown"
"""What the host says of it."""
GUARD = "held back by failed spec: 2 machines ("
LIFTED = "lifted by: reconcile resume june, or a changed spec"


def declared(project: Project, image: str, replicas: int = 4, **more: Any) -> None:
    project.fleet(replicas=replicas, container__image=image, **more)


def rents(project: Project) -> int:
    """How many instances were ever rented here."""
    told = project.run("events", "--simulate", "--format", "json").document["events"]
    return sum(event["kind"] == "rented" for event in told)


def test_it_stops_after_two_machines_with_the_cause_and_the_logs(project: Project) -> None:
    declared(project, BAD)
    told = project.apply().assert_code(4, GUARD, "image not found", LIFTED, "its log ends: ", SAID)
    assert told.out.count(" rented: ") == 2
    assert told.out.count(f"is {CAUSE}") >= 2
    assert project.live() == []
    assert checked.record(project).strikes == {}, "the machines are not at fault"
    for seat in ("june/0", "june/1"):
        project.run("logs", seat, "--simulate").assert_success(f"went: {CAUSE}", SAID)
    project.status().assert_success("failed spec: 2 machines", "image not found", "reconcile logs june/INDEX")
    project.plan().assert_code(4, GUARD, LIFTED)


def test_no_later_run_rents_a_third_one(project: Project) -> None:
    declared(project, BAD)
    project.apply().assert_code(4)
    for args in ((), ("--no-wait",), ("--no-wait", "--quiet")):
        project.advance("6h")
        project.apply(*args).assert_code(4, "failed spec")
    assert rents(project) == 2


def test_from_cron_too_it_stops_after_two(project: Project) -> None:
    declared(project, BAD)
    codes = []
    for _ in range(8):
        codes.append(project.apply("--no-wait", "--quiet").code)
        project.advance("10m")
    assert codes[-3:] == [4, 4, 4]
    assert (rents(project), project.live()) == (2, [])


def test_a_corrected_tag_goes_on_by_itself(project: Project) -> None:
    declared(project, BAD)
    project.apply().assert_code(4)
    declared(project, GOOD)
    project.apply().assert_success("4 instances rented")
    project.assert_all_run("june", 4)
    project.assert_settled()


def test_a_person_may_have_the_same_one_tried_again_and_it_stops_again(project: Project) -> None:
    declared(project, BAD)
    project.apply().assert_code(4)
    project.run("resume", "june", "--simulate").assert_success()
    project.apply().assert_code(4, GUARD)
    assert rents(project) == 4


@pytest.mark.parametrize("order", ["create-first", "destroy-first"])
def test_a_fleet_that_runs_goes_on_to_run_while_its_new_tag_is_bad(project: Project, order: str) -> None:
    declared(project, "ghcr.io/acme/june:1", 3, rollout={"order": order})
    project.start()
    before = project.ids()
    project.advance("2m")
    declared(project, BAD, 3, rollout={"order": order})
    told = project.apply().assert_code(4, GUARD, "image not found", SAID)
    assert told.out.count(" rented: ") == 2
    assert told.out.count(f"is {CAUSE}") >= 2
    left = [seat for seat, number in project.ids().items() if before.get(seat) == number]
    assert left == ["june/0", "june/1", "june/2"][0 if order == "create-first" else 1 :]
    declared(project, GOOD, 3, rollout={"order": order})
    project.apply().assert_success()
    project.assert_all_run("june", 3)
    assert {row.image for row in project.live()} == {GOOD}


@pytest.mark.parametrize("replicas", [1, 2])
def test_small_fleets_stop_too(project: Project, replicas: int) -> None:
    declared(project, BAD, replicas)
    for _ in range(3):
        project.apply()
    project.apply().assert_code(4, GUARD)
    assert rents(project) == 2
