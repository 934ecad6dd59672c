"""A fleet that follows the hours of a week: more by day, none by night, and why.

The simulated world begins on Saturday, 2026-11-21, at 16:02 UTC."""

from __future__ import annotations

from typing import Any

import pytest

from .project import Project

UTC = {"schedule__timezone": "UTC"}


def windows(*each: tuple[str, str, int], zone: str = "UTC", **options: Any) -> dict[str, Any]:
    rows = [{"days": "SAT", "from": begin, "to": end, "replicas": number} for begin, end, number in each]
    return {"schedule": {"timezone": zone, "windows": rows, **options}}


def test_what_a_window_adds_comes_by_its_begin_and_goes_with_its_end(project: Project) -> None:
    project.fleet(replicas=1, **windows(("17:00", "19:00", 3)))
    project.apply().assert_success("1 instance rented")
    project.assert_settled()
    project.advance("35m")
    project.assert_settled()
    project.advance("15m")
    project.plan().assert_success("2 to create", "3 wanted", "schedule window SAT 17:00-19:00 (due at 17:00)")
    project.apply().assert_success("2 instances rented")
    project.assert_all_run("june", 3)
    project.advance("100m")
    project.assert_settled()
    project.advance("25m")
    project.plan().assert_success("2 to destroy", "replicas 3 -> 1: schedule window SAT 17:00-19:00 ended")
    project.apply().assert_success("2 destroyed")
    project.assert_all_run("june", 1)
    project.assert_settled()


def test_none_at_all_outside_the_windows_is_a_fleet_as_it_should_be(project: Project) -> None:
    project.fleet(replicas=0, **windows(("16:00", "17:00", 2)))
    project.apply().assert_success("2 instances rented")
    project.advance("60m")
    project.apply().assert_success("2 destroyed")
    assert project.live() == []
    project.assert_settled()
    project.status("--exit-code").assert_success()


def test_the_windows_are_of_the_zone_s_clock(project: Project) -> None:
    """It is 08:02 in Los Angeles and 17:02 in Berlin."""
    project.fleet(replicas=0, **windows(("08:00", "09:00", 1), zone="America/Los_Angeles"))
    project.plan().assert_success("1 to create")
    project.fleet(replicas=0, **windows(("08:00", "09:00", 1), zone="Europe/Berlin"))
    project.assert_settled()
    project.fleet(replicas=0, **windows(("17:00", "18:00", 1), zone="Europe/Berlin"))
    project.plan().assert_success("1 to create")


def test_a_protected_fleet_loses_nothing_by_its_schedule_without_the_number(project: Project) -> None:
    project.policy(protect=["june"])
    project.fleet(replicas=0, **windows(("16:00", "17:00", 2)))
    project.apply().assert_success("2 instances rented")
    project.advance("60m")
    project.apply().assert_code(4, "protect", "--max-destroys 2")
    project.assert_all_run("june", 2)
    project.apply("--max-destroys", "2").assert_success("2 destroyed")


def test_many_go_at_once_when_a_window_ends_for_it_was_asked_for(project: Project) -> None:
    project.fleet(replicas=1, **windows(("16:00", "17:00", 4)))
    project.apply().assert_success("4 instances rented")
    project.advance("60m")
    project.apply().assert_success("3 destroyed")
    project.assert_all_run("june", 1)


@pytest.mark.parametrize(("begin", "code"), [("16:03", 3), ("16:30", 0)])
def test_what_is_only_on_its_way_need_not_be_ready(project: Project, begin: str, code: int) -> None:
    """A fleet that cannot be filled is below `min_ready` from the window's begin on, not from the lead on."""
    project.fleet(replicas=0, price__max_per_hour=0.001, **windows((begin, "18:00", 2), lead="2h"))
    project.advance("2m")
    project.status("--exit-code").assert_code(code)
    project.plan().assert_success("2 wanted", "2 unfilled")


def test_a_fleet_that_is_ended_stays_ended_in_its_window(project: Project) -> None:
    project.fleet(replicas=0, **windows(("16:00", "23:00", 2)))
    project.apply().assert_success("2 instances rented")
    project.run("destroy", "june", "--simulate", "--yes").assert_success("2 destroyed")
    assert project.live() == []


def test_a_time_zone_nobody_knows_is_a_mistake_with_its_place(project: Project) -> None:
    project.fleet(**windows(("16:00", "17:00", 2), zone="Europe/Berlln"))
    project.plan().assert_code(1, "unknown-time-zone", "june.yaml:", "did you mean Europe/Berlin?")
