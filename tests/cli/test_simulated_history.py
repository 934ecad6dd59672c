"""What happened and what it cost, told by commands of their own; and the budget of 30 days."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest

from reconciler.core.history import EVENT_KINDS
from reconciler.ledger.sqlite import SqliteStore

from .project import Project

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "output.schema.json").read_text(encoding="utf-8"))


def events(project: Project, *more: str) -> list[dict[str, object]]:
    told = project.run("events", *more, "--simulate", "--format", "json").assert_success().document
    jsonschema.validate(told, SCHEMA)
    found: list[dict[str, object]] = told["events"]
    return found


def kinds(project: Project, *more: str) -> list[object]:
    return [event["kind"] for event in events(project, *more)]


def test_the_history_of_a_fleet_from_its_first_rent_to_its_last_destroy(project: Project) -> None:
    project.fleet()
    project.start()
    (instance,) = project.ids().values()
    assert kinds(project) == ["rented", "ready"]
    project.run("pause", "june", "--simulate").assert_success()
    project.run("pause", "june", "--simulate").assert_success()
    project.run("resume", "june", "--simulate").assert_success()
    project.run("destroy", "june", "--simulate", "--yes").assert_success()
    found = events(project)
    assert [event["kind"] for event in found[2:]] == ["paused", "resumed", "paused", "destroying", "destroyed"]
    assert {event["fleet"] for event in found} == {"june"}
    assert [event["instance"] for event in found[-2:]] == [instance, instance]
    assert {event["seat"] for event in found if event["kind"] in ("rented", "destroyed")} == {"june/0"}


def test_the_history_is_readable(project: Project) -> None:
    project.fleet()
    project.start()
    (row,) = project.live()
    rented, ready = project.run("events", "--simulate").assert_success().out.splitlines()
    assert rented[10] == ready[10] == "T"
    assert f"june/0  rented  ${row.price:.3f}/h  instance {row.id}  1x RTX" in rented
    assert "june/0  ready" in ready


def test_the_history_is_narrowed_to_a_seat_and_a_time(project: Project) -> None:
    project.fleet(replicas=2)
    project.start()
    assert kinds(project, "june/1") == ["rented", "ready"]
    assert kinds(project, "july") == []
    project.advance("3h")
    assert kinds(project, "june", "--since", "1h") == []
    project.run("events", "--simulate", "--since", "1h").assert_success("Nothing happened since 20")


def test_the_history_says_who_was_destroyed_by_somebody_else_and_what_came_instead(project: Project) -> None:
    project.fleet(replicas=2)
    project.start()
    project.advance("10m")
    project.fail("june/1", how="gone")
    project.apply().assert_success()
    assert kinds(project, "june/1")[2:] == ["vanished", "rented", "ready"]
    assert kinds(project, "june/0") == ["rented", "ready"]


def test_what_a_guard_holds_back_is_told_once(project: Project) -> None:
    project.fleet(replicas=2)
    project.policy(limits__max_instances=1)
    project.apply().assert_code(4)
    project.apply().assert_code(4)
    assert kinds(project).count("held back") == 1
    project.policy(limits__max_instances=2)
    project.apply().assert_success()
    project.policy(limits__max_instances=1)
    project.fleet(replicas=3)
    project.apply().assert_code(4)
    assert kinds(project).count("held back") == 2


def test_a_plan_writes_no_history(project: Project) -> None:
    project.fleet()
    project.plan().assert_success()
    assert kinds(project) == []
    assert not project.ledger.exists()


def test_all_kinds_of_events_are_in_the_schema() -> None:
    event = SCHEMA["$defs"]["events"]["properties"]["events"]["items"]
    assert event["properties"]["kind"]["examples"] == list(EVENT_KINDS)


def test_without_a_destroy_there_is_no_leak(project: Project) -> None:
    project.fleet()
    project.start()
    project.run("leaks", "--simulate").assert_success("No leak")
    told = project.run("leaks", "--simulate", "--format", "json").assert_success().document
    jsonschema.validate(told, SCHEMA)
    assert told["leaks"] == []


# --- what was spent -------------------------------------------------------------------------------


def test_status_shows_what_was_spent(project: Project) -> None:
    project.fleet()
    project.start()
    (row,) = project.live()
    for _ in range(12):
        project.advance("30m")
        project.apply().assert_success()
    told = project.status("--format", "json").assert_success().document
    jsonschema.validate(told, SCHEMA)
    spent = Decimal(told["cost"]["spent_24_hours"])
    assert abs(spent - row.price * 6) < row.price / 2
    assert told["cost"]["spent_30_days"] == told["cost"]["spent_24_hours"]
    project.status().assert_success(f"Spent about ${spent:.2f} in 24 hours, ${spent:.2f} in 30 days.")
    assert f"spent about ${spent:.2f} in 24 hours" in project.status("--format", "markdown").out


def test_hours_in_which_nobody_looked_count_as_one(project: Project) -> None:
    project.fleet()
    project.start()
    (row,) = project.live()
    project.advance("10h")
    project.apply().assert_success()
    spent = Decimal(project.status("--format", "json").document["cost"]["spent_24_hours"])
    assert row.price <= spent < row.price * Decimal("1.5")


def test_a_budget_of_30_days_refuses_rents_and_destroys_nothing(project: Project) -> None:
    project.fleet()
    project.start()
    (row,) = project.live()
    project.policy(limits__budget_per_30_days=float(round(row.price * 720 * Decimal("1.1"), 2)))
    project.fleet(replicas=2)
    told = project.apply().assert_code(4, "held back by 30-day budget", "lifted by: limits.budget_per_30_days")
    assert f"${row.price:.3f}/h are committed" in told.text
    assert len(project.live()) == 1
    project.policy(limits__budget_per_30_days=0.01)
    project.apply().assert_code(4)
    assert len(project.live()) == 1
    project.fleet(replicas=1)
    project.apply().assert_success()
    project.status().assert_success("in 30 days of $0.01.")


def test_a_budget_of_30_days_that_is_used_up_is_lifted_by_its_field(project: Project) -> None:
    project.fleet()
    project.policy(limits__budget_per_30_days=1)
    project.apply().assert_code(4, "30-day budget")
    assert project.live() == []
    project.policy(limits__budget_per_30_days=1000)
    project.apply().assert_success()
    assert len(project.live()) == 1


@pytest.mark.parametrize("command", ["apply", "destroy", "pause", "resume", "adopt", "release"])
def test_who_changes_something_may_wait_for_a_turn(project: Project, command: str) -> None:
    project.run(command, "--help").assert_success("--lock-timeout")


def test_no_lease_is_left_behind(project: Project) -> None:
    project.fleet()
    project.start()
    project.run("pause", "june", "--simulate").assert_success()
    owner = {"account": json.loads(project.status("--format", "json").out)["account"], "owner": "default"}
    store = SqliteStore(project.ledger, **owner, read_only=True)
    assert store.lease() is None
    store.close()
    project.run("unlock", "5f0c2a91", "--simulate").assert_code(2, "held by nobody")
