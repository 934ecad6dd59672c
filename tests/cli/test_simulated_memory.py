"""Guards that remember: what vanished together, fights with somebody else, seats that fail again and again."""

from __future__ import annotations

import json

import pytest

from reconciler.simulator import open_simulation

from .project import Project


def started(project: Project, replicas: int, **options: object) -> None:
    project.fleet(replicas=replicas, **options)
    project.start()
    project.advance("2m")


def gone(project: Project, *seats: str) -> None:
    project.fail(*seats, how="gone")


def test_three_that_vanish_together_are_not_rented_again_at_once(project: Project) -> None:
    started(project, 4)
    gone(project, "june/0", "june/1", "june/2")
    project.plan().assert_code(4, "suspicious vanishing", "3 instances of 1 fleet", "--accept-gone 3")
    project.apply().assert_code(4, "--accept-gone 3", "Nothing was changed")
    assert len(project.live()) == 1
    project.status().assert_success("suspicious vanishing", "--accept-gone 3")


@pytest.mark.parametrize("number", [1, 2, 4])
def test_another_number_does_not_lift_it(project: Project, number: int) -> None:
    started(project, 4)
    gone(project, "june/0", "june/1", "june/2")
    project.apply("--accept-gone", str(number)).assert_code(4, "--accept-gone 3")
    assert len(project.live()) == 1


def test_the_exact_number_lifts_it_and_nothing_else_is_asked(project: Project) -> None:
    started(project, 4)
    gone(project, "june/0", "june/1", "june/2")
    project.plan("--accept-gone", "3").assert_success("3 to create")
    project.apply("--accept-gone", "3").assert_success("3 instances rented")
    project.assert_all_run("june", 4)
    project.assert_settled()


def test_a_second_reading_ten_minutes_later_is_believed(project: Project) -> None:
    started(project, 3)
    gone(project, "june/0", "june/1")
    project.apply().assert_code(4, "--accept-gone 2")
    project.advance("9m")
    project.apply().assert_code(4, "--accept-gone 2")
    project.advance("1m")
    project.apply().assert_success("2 instances rented")
    project.assert_all_run("june", 3)


def test_what_vanishes_again_and_again_pauses_the_fleet(project: Project) -> None:
    started(project, 4)
    for seat in ("june/0", "june/1"):
        gone(project, seat)
        project.apply().assert_success("1 instance rented")
        project.advance("2m")
    gone(project, "june/2")
    project.apply().assert_code(4, "3 of 4 instances of june were destroyed outside", "reconcile resume june")
    assert len(project.live()) == 3
    project.status().assert_success("paused", "reconcile resume june")
    project.run("resume", "june", "--simulate").assert_success()
    project.apply().assert_success("1 instance rented")
    project.assert_settled()


def test_a_seat_that_is_replaced_again_and_again_is_left_until_it_is_freed(project: Project) -> None:
    project.policy(limits__replacements_per_seat_per_day=2)
    started(project, 1)
    for _ in range(2):
        project.fail("june/0")
        project.apply().assert_success("1 instance rented")
        project.advance("2m")
    project.fail("june/0")
    before = project.ids()
    project.plan().assert_code(4, "replaced unasked 2 times within a day", "reconcile free june/0")
    project.apply().assert_code(4, "reconcile free june/0")
    assert project.ids() == before
    project.run("free", "june/0", "--simulate").assert_success("2 replacements", "reconcile plan --simulate")
    project.apply().assert_success("1 instance rented")


def test_a_day_later_the_seat_is_replaced_again_by_itself(project: Project) -> None:
    project.policy(limits__replacements_per_seat_per_day=1)
    started(project, 1)
    project.fail("june/0")
    project.apply().assert_success("1 instance rented")
    project.advance("2m")
    project.fail("june/0")
    project.apply().assert_code(4, "reconcile free june/0")
    project.advance("24h")
    project.apply().assert_success("1 instance rented")


def test_freeing_a_seat_that_is_not_frozen_changes_nothing(project: Project) -> None:
    started(project, 1)
    project.run("free", "june/0", "--simulate").assert_success("was not frozen; nothing was changed")
    told = project.run("free", "june/0", "--simulate", "--format", "json").assert_success().document
    assert (told["command"], told["seat"], told["changed"]) == ("free", "june/0", False)


@pytest.mark.parametrize(("seat", "said"), [("june", "is not a seat"), ("july/0", "no fleet is named july")])
def test_only_a_seat_of_a_declared_fleet_can_be_freed(project: Project, seat: str, said: str) -> None:
    project.fleet()
    project.run("free", seat, "--simulate").assert_clear(2, said)


def test_a_run_adds_no_more_than_it_is_told_to(project: Project) -> None:
    project.fleet(replicas=3)
    document = project.plan("--format", "json").document
    ceilings = sorted(float(action["offer"]["ceiling"]) for action in document["fleets"][0]["actions"])
    two = f"{ceilings[0] + ceilings[1] + 0.0005:.4f}"
    project.plan("--max-added-per-hour", two).assert_code(4, "added per hour", "2 to create")
    project.apply("--max-added-per-hour", two).assert_code(4, "--max-added-per-hour")
    assert len(project.live()) == 2
    project.apply("--max-added-per-hour", "5").assert_success("1 instance rented")


@pytest.mark.parametrize("wrong", ["-1", "1e3", "nan", "", "1,5", "0x1"])
def test_what_is_no_amount_is_wrong_usage(project: Project, wrong: str) -> None:
    project.fleet()
    project.apply("--max-added-per-hour", wrong).assert_code(2, "is not an amount such as 1.50")


def test_what_a_colleague_stopped_is_held_with_its_rate_and_never_started(project: Project) -> None:
    project.fleet(replicas=2)
    project.start()
    before = project.ids()
    stop_one(project, before["june/0"])
    project.plan().assert_success("was stopped by someone", "left alone", "$0.0")
    project.apply().assert_success("Nothing was changed")
    project.advance("2h")
    project.apply().assert_success("Nothing was changed")
    assert project.ids() == before
    assert {row.status for row in project.live()} != {"running"}


def stop_one(project: Project, instance_id: int) -> None:
    with open_simulation(project.state) as simulation:
        path = f"/api/v0/instances/{instance_id}/"
        simulation.handle("PUT", path, "", {"authorization": "Bearer k"}, b'{"state": "stopped"}')
        simulation.advance(60)
        simulation.save()


def test_a_fleet_may_say_that_stopped_instances_are_replaced(project: Project) -> None:
    project.fleet(replicas=2, health={"on_manual_stop": "replace"})
    project.start()
    before = project.ids()
    stop_one(project, before["june/0"])
    project.apply().assert_success("1 instance rented, 1 destroyed")
    assert project.ids()["june/0"] != before["june/0"]
    assert project.ids()["june/1"] == before["june/1"]
    project.assert_settled()


def test_the_settle_time_of_the_policy_is_what_a_cold_start_waits_for(project: Project) -> None:
    project.policy(settle={"total": "10m"})
    project.fleet()
    assert project.plan("--format", "json").document["rents_wait_s"] == pytest.approx(600, abs=5)


@pytest.mark.parametrize(
    ("settle", "said"),
    [
        ({"total": "0s"}, "settle.total must be from 200s to 1d, not 0s"),
        ({"evidence_after": "149s"}, "settle.evidence_after must be from 150s to 1d"),
        ({"apart": "29s"}, "settle.apart must be from 30s to 1d"),
        ({"total": "200s", "evidence_after": "180s"}, "less than evidence_after and apart together, 210s"),
        ({"lost_per_day": 4}, "lost_per_day"),
    ],
)
def test_no_policy_makes_doubt_too_short(project: Project, settle: dict[str, object], said: str) -> None:
    project.policy(settle=settle)
    project.fleet()
    project.plan().assert_code(1, said)


def test_documents_of_status_name_what_stands(project: Project) -> None:
    started(project, 4)
    gone(project, "june/0", "june/1", "june/2")
    project.apply().assert_code(4)
    told = json.loads(project.status("--format", "json").out)
    assert any("--accept-gone 3" in warning for warning in told["warnings"])
    assert [row["why"] for row in told["seats"]][:1] == ["called gone together with too many others"]


def test_an_account_without_credit_is_one_failure_and_nothing_is_changed(project: Project) -> None:
    started(project, 2)
    before = project.ids()
    spend_everything(project)
    project.plan().assert_code(1, "no credit: $0.00 is left and all 2 instances of the account are stopped")
    project.apply().assert_code(1, "no credit", "Nothing was changed")
    assert project.ids() == before
    project.status().assert_success("no credit")


def spend_everything(project: Project) -> None:
    """Nothing is left, and the marketplace stops what runs."""
    with open_simulation(project.state) as simulation:
        simulation.add_credit(-simulation._world.credit)
        simulation.advance(600)
        simulation.save()
