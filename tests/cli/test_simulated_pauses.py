"""A person's word about one fleet: destroy it, leave it alone, look after it again."""

from __future__ import annotations

import pytest

from .project import Project


@pytest.mark.parametrize("replicas", [1, 3])
def test_a_destroyed_fleet_stays_away_until_it_is_resumed(project: Project, replicas: int) -> None:
    project.fleet(replicas=replicas)
    project.start()
    outcome = project.run("destroy", "june", "--simulate", "--yes")
    outcome.assert_success(f"{replicas} destroyed", "reconcile resume june")
    assert project.live() == []
    project.plan("--exit-code").assert_success("No changes", "paused")
    project.apply().assert_success("Nothing was changed")
    assert project.live() == []
    project.run("resume", "june", "--simulate").assert_success("reconcile plan")
    project.plan().assert_success(f"{replicas} to create")
    project.apply().assert_success()
    project.assert_all_run("june", replicas)


def test_a_fleet_is_destroyed_alone(project: Project) -> None:
    project.fleet("june")
    project.fleet("july")
    project.start()
    july = project.ids("july")
    project.run("destroy", "june", "--simulate", "--yes").assert_success("1 destroyed")
    assert project.ids() == july
    project.assert_settled()


def test_destroying_what_is_not_there_pauses_all_the_same(project: Project) -> None:
    project.fleet()
    project.run("destroy", "june", "--simulate", "--yes").assert_success("resume")
    project.apply().assert_success()
    assert project.live() == []


def test_destroying_a_failed_instance_does_not_wait_for_its_grace(project: Project) -> None:
    project.fleet(replicas=2)
    project.start()
    project.fail("june/0")
    project.run("destroy", "june", "--simulate", "--yes").assert_success("2 destroyed")
    assert project.live() == []


def test_nobody_said_yes_to_a_destroy(project: Project) -> None:
    project.fleet()
    project.start()
    before = project.kept()
    project.run("destroy", "june", "--simulate").assert_code(4, "--yes")
    assert project.live()
    project.plan("--exit-code").assert_success("No changes")
    assert project.kept()["simulated.json"] != b""
    assert "paused" not in project.plan().out
    assert set(project.kept()) == set(before)


@pytest.mark.parametrize("how", ["offline", "exited", "gone"])
def test_a_paused_fleet_is_not_repaired_until_it_is_resumed(project: Project, how: str) -> None:
    project.fleet(replicas=2)
    project.start()
    project.run("pause", "june", "--simulate").assert_success("reconcile resume june")
    project.advance("2m")
    project.fail("june/0", how=how)
    before = project.ids()
    project.plan("--exit-code").assert_success("paused")
    project.apply().assert_success("Nothing was changed")
    project.advance("1h")
    project.apply().assert_success("Nothing was changed")
    assert project.ids() == before
    project.run("resume", "june", "--simulate").assert_success()
    project.apply().assert_success("1 instance rented")
    project.assert_all_run("june", 2)


def test_a_paused_fleet_follows_no_change_of_its_spec(project: Project) -> None:
    project.fleet(replicas=2)
    project.start()
    project.run("pause", "june", "--simulate").assert_success()
    before = project.ids()
    for change in ({"replicas": 0}, {"replicas": 4}, {"replicas": 2, "container__image": "ghcr.io/acme/june:2"}):
        project.fleet(**change)
        project.apply().assert_success("Nothing was changed")
        assert project.ids() == before


def test_a_fleet_paused_by_its_spec_is_left_alone_and_resumed_there(project: Project) -> None:
    project.fleet(paused=True)
    project.apply().assert_success()
    assert project.live() == []
    project.run("resume", "june", "--simulate").assert_code(4, "paused: false")
    project.fleet()
    project.apply().assert_success("1 instance rented")


@pytest.mark.parametrize("command", ["destroy", "pause", "resume"])
def test_a_fleet_that_is_not_declared_is_wrong_usage(project: Project, command: str) -> None:
    project.fleet()
    project.run(command, "july", "--simulate").assert_code(2, "no fleet is named july", "june")
    assert not project.state.exists()


def test_destroy_and_pause_refuse_a_protected_fleet_as_apply_does(project: Project) -> None:
    project.policy(protect=["june"])
    project.fleet(replicas=2)
    project.start()
    before = project.ids()
    outcome = project.run("destroy", "june", "--simulate", "--yes").assert_code(4, "protected", "--max-destroys 2")
    assert project.ids() == before
    assert "0 destroyed" not in outcome.text
    project.run("destroy", "june", "--simulate", "--yes", "--max-destroys", "1").assert_code(4)
    assert project.ids() == before
    project.run("destroy", "june", "--simulate", "--yes", "--max-destroys", "2").assert_success("2 destroyed")
    assert project.live() == []
