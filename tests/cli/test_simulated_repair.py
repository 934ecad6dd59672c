"""What fails is seen, explained and repaired, unattended and with default settings."""

from __future__ import annotations

import pytest

from reconciler.simulator import open_simulation

from .project import Project

FLEETS = [1, 2, 3, 4]


@pytest.mark.parametrize("replicas", FLEETS)
@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("offline", ["offline", "grace"]),
        ("exited", ["exited", "grace"]),
        ("gone", ["was destroyed outside, last seen"]),
    ],
)
def test_a_failed_instance_is_planned_with_its_reason_and_replaced(
    project: Project, how: str, said: list[str], replicas: int
) -> None:
    project.fleet(replicas=replicas)
    project.start()
    before, lost = project.ids(), project.live()[-1]
    project.advance("2m")
    project.fail(lost.seat, how=how)

    planned = project.plan("--exit-code").assert_code(3, *said)
    assert str(lost.id) in planned.out
    project.apply().assert_success("1 instance rented")

    project.assert_all_run("june", replicas)
    project.assert_settled()
    after = project.ids()
    assert after.pop(lost.seat) != before.pop(lost.seat)
    assert after == before
    if how != "gone":
        assert lost.machine not in {row.machine for row in project.live()}


@pytest.mark.parametrize(("how", "grace_s"), [("offline", 600), ("exited", 120)])
def test_the_plan_says_how_much_grace_is_left_and_apply_waits_it_out(project: Project, how: str, grace_s: int) -> None:
    project.fleet()
    project.start()
    old = project.ids()["june/0"]
    project.fail("june/0", how=how)
    project.apply("--no-wait").assert_success("Nothing was changed")
    project.advance("1m")
    [action] = project.plan("--format", "json").document["fleets"][0]["actions"]
    assert action["wait"]["seconds"] == pytest.approx(grace_s - 60, abs=5)
    assert project.ids() == {"june/0": old}
    project.apply().assert_success("1 instance rented, 1 destroyed")
    assert project.ids()["june/0"] != old


def test_an_instance_that_recovers_in_its_grace_is_left_alone(project: Project) -> None:
    project.fleet()
    project.start()
    before = project.ids()
    project.fail("june/0", how="exited")
    project.apply("--no-wait").assert_success()
    with open_simulation(project.state) as simulation:
        body = b'{"state": "running"}'
        simulation.handle("PUT", f"/api/v0/instances/{before['june/0']}/", "", {"authorization": "Bearer k"}, body)
        simulation.advance(300)
        simulation.save()
    project.apply().assert_success("Nothing was changed")
    assert project.ids() == before


def test_all_replicas_of_a_small_fleet_are_repaired_run_by_run(project: Project) -> None:
    project.fleet(replicas=2)
    project.start()
    project.fail("june/0", "june/1")
    first = project.apply().assert_code(4, "--max-destroys 2", "1 instance rented, 1 destroyed")
    assert "unasked" in first.text
    project.apply().assert_success("1 instance rented, 1 destroyed")
    project.assert_all_run("june", 2)
    project.assert_settled()


def test_instances_that_vanished_are_no_destroys_and_all_come_back_at_once(project: Project) -> None:
    project.fleet(replicas=4)
    project.start()
    project.advance("2m")
    project.fail("june/0", "june/1", how="gone")
    project.apply().assert_success("2 instances rented")
    project.assert_all_run("june", 4)
    project.assert_settled()


def test_an_account_that_is_emptied_outside_is_rented_again(project: Project) -> None:
    project.fleet(replicas=2)
    project.start()
    project.advance("2m")
    project.fail("june/0", "june/1", how="gone")
    project.plan().assert_success("2 to create")
    project.apply().assert_success("2 instances rented")
    project.assert_all_run("june", 2)


def test_an_instance_that_fails_while_it_boots_is_replaced_too(project: Project) -> None:
    project.fleet()
    project.apply("--no-wait", "--first-run").assert_success("1 instance rented")
    old = project.ids()["june/0"]
    project.fail("june/0")
    project.apply().assert_success("1 destroyed")
    project.assert_all_run("june", 1)
    assert project.ids()["june/0"] != old
