"""How the market is looked at from end to end: what a look costs, measured distances, and a server that says no."""

from __future__ import annotations

import pytest

from reconciler.core.hunt import SEARCHES_PER_FLEET
from reconciler.core.sights import KEPT_S, utc_day

from .looking import offered, planned, refuse_searches, remembered, use_up_the_rows
from .project import Project

USERS = {"users_at": [37.77, -122.42]}
PROBING = {**USERS, "probe": True}


def offers(project: Project) -> list[dict[str, object]]:
    """Every offer that `reconcile offers` shows, refused ones included."""
    told = project.run("offers", "june", "--simulate", "--format", "json").assert_success().document
    return [*told["eligible"], *told["refused_offers"]]


def refused_for_distance(project: Project) -> set[str]:
    """How the distances were known for which offers are refused: `measured`, `estimated`."""
    details = [r["detail"] for o in offers(project) for r in o.get("refusals", []) if r["rule"] == "latency.max_ms"]
    return {detail.rpartition(" ")[2] for detail in details}


# --- distances ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("latency", "expected"),
    [
        ({**PROBING, "max_ms": 100}, {"measured"}),
        ({**USERS, "max_ms": 100}, set()),
        ({**USERS, "max_ms": 100, "trust_estimate": True}, {"estimated"}),
        ({**PROBING, "max_ms": 20, "trust_estimate": True}, {"estimated"}),
        ({**PROBING}, set()),
    ],
    ids=["measured", "estimated", "estimated and trusted", "what an estimate refuses is not measured", "no limit"],
)
def test_the_longest_way_refuses_what_was_measured_and_estimates_only_where_they_are_trusted(
    project: Project, latency: dict[str, object], expected: set[str]
) -> None:
    project.fleet(latency=latency)
    assert refused_for_distance(project) == expected


def test_it_is_said_whether_a_distance_was_measured(project: Project) -> None:
    project.fleet(latency=PROBING)
    known = [offer["latency"] for offer in offers(project) if offer["latency"]]
    assert {told["measured"] for told in known} == {True, False}  # type: ignore[index]
    assert "  ~" not in project.plan().assert_success().out
    plan = project.plan("--format", "json").assert_success().document
    [action] = plan["fleets"][0]["actions"]
    assert action["offer"]["latency"]["measured"] is True
    assert f"{action['offer']['latency']['ms']:.0f} ms " in project.plan().assert_success().out


def test_an_estimate_is_marked_as_one_in_the_plan(project: Project) -> None:
    project.fleet(latency=USERS)
    plan = project.plan("--format", "json").assert_success().document
    assert plan["fleets"][0]["actions"][0]["offer"]["latency"]["measured"] is False
    assert "  ~" in project.plan().assert_success().out


def test_a_fleet_without_users_has_no_distances(project: Project) -> None:
    project.fleet()
    assert {offer["latency"] for offer in offers(project)} == {None}
    assert " ms" not in project.plan().assert_success().out


def test_the_nearest_of_equals_is_rented(project: Project) -> None:
    project.fleet(latency=PROBING, scoring={"weights": {"latency": 1}})
    project.apply().assert_success()
    [there] = project.live()
    sights, _ = remembered(project)
    answered = {machine: known.ms for machine, known in sights.measured.items() if known.ms is not None}
    assert answered[there.machine] == min(answered.values())


def test_a_measurement_is_used_again_within_a_day_and_not_after(project: Project) -> None:
    project.fleet(latency=PROBING)
    project.apply().assert_success()
    sights, now = remembered(project)
    known = {machine for machine, one in sights.measured.items() if now - one.at < KEPT_S}
    assert len(known) >= 2
    project.fleet(latency=PROBING, replicas=2)
    again, looks = planned(project)
    [action] = [action for part in again.plan.fleets for action in part.actions]
    choice = action.choice.candidate
    assert choice.reading.measured
    assert choice.offer.machine_id in known
    asked = len(looks.measured)
    project.advance("25h")
    _, looks = planned(project)
    assert asked < len(looks.measured)


# --- what a look costs ----------------------------------------------------------------------------


def test_a_pass_with_nothing_to_rent_searches_nothing(project: Project) -> None:
    project.fleet(replicas=2)
    project.start()
    found, looks = planned(project)
    assert looks.searches == 0
    assert found.plan.market.searches == 0
    assert "Market:" not in project.plan().assert_success("No changes").out


@pytest.mark.parametrize("change", [{}, {"price__max_per_hour": 0.02}, {"replicas": 200}, {"host__min_cuda": "99.0"}])
def test_no_look_asks_more_than_a_fleet_may(project: Project, change: dict[str, object]) -> None:
    project.fleet(**change)
    _, looks = planned(project)
    assert 1 <= looks.searches <= SEARCHES_PER_FLEET
    market, looks = offered(project)
    assert looks.searches == market.searches <= SEARCHES_PER_FLEET + 1


def test_the_rows_of_all_searches_are_counted_for_the_day(project: Project) -> None:
    project.fleet(replicas=3)
    found, _ = planned(project)
    project.apply().assert_success()
    sights, now = remembered(project)
    assert sights.rows_used(utc_day(now)) >= found.plan.market.rows > 0


def test_two_fleets_that_want_the_same_cost_hardly_more_than_one(project: Project) -> None:
    project.fleet("june", replicas=2)
    _, alone = planned(project)
    project.fleet("june")
    project.fleet("july")
    _, both = planned(project)
    assert both.searches <= alone.searches + 2


# --- a server that says no ------------------------------------------------------------------------


def test_a_quota_used_up_is_said_with_when_it_starts_anew(project: Project) -> None:
    project.fleet()
    use_up_the_rows(project)
    said = ("the day's quota of search rows is used up", "00:00 UTC")
    project.plan().assert_code(1, "1 seat unfilled", *said)
    project.run("offers", "june", "--simulate").assert_code(1, *said)
    _, looks = planned(project)
    assert looks.searches == 1


def test_a_quota_used_up_changes_nothing_and_stops_no_plan_that_needs_no_search(project: Project) -> None:
    project.fleet(replicas=2)
    project.start()
    before = project.ids()
    use_up_the_rows(project)
    project.plan("--exit-code").assert_success("No changes")
    project.fleet(replicas=3)
    project.apply().assert_code(1, "quota of search rows is used up")
    assert project.ids() == before
    project.fleet(replicas=1)
    project.apply().assert_success("1 destroyed")


def test_what_was_found_before_the_quota_ended_is_used(project: Project) -> None:
    project.fleet()
    use_up_the_rows(project, left=1)
    project.plan().assert_code(1, "1 to create", "quota of search rows is used up")


def test_a_server_that_is_asked_too_often_is_waited_for(project: Project) -> None:
    project.fleet()
    refuse_searches(project, 10)
    project.plan().assert_success("1 to create")


def test_a_server_that_always_is_asked_too_often_is_said_with_what_it_said(project: Project) -> None:
    project.fleet()
    project.fleet("other", gpu__models=["RTX 4090"], price__max_per_hour=2)
    refuse_searches(project, 100_000)
    project.plan().assert_code(1, "fleet june: the market could not be searched", "too frequent")
    project.run("offers", "june", "--simulate").assert_code(1, "could not be searched")
    _, looks = planned(project)
    assert looks.searches == 2
