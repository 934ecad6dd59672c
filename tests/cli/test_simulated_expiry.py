"""Contracts of the simulated account that end: rotated before it, new first, and replaced where they have ended."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from reconciler.simulator import open_simulation

from .driving import Seen, drive
from .looking import planned
from .project import Project

HOUR_S = 3600.0


def let_end(project: Project, *ids: int, in_s: float) -> None:
    """The contracts of these instances end so soon."""
    with open_simulation(project.state) as simulation:
        for number in ids:
            contract = simulation.world.contracts[number]
            contract.terms = {**contract.terms, "end_date": simulation.clock.now() + in_s}
            contract.created -= 9 * 86_400
        simulation.save()


def ends_at(project: Project, number: int) -> float:
    with open_simulation(project.state) as simulation:
        return float(simulation.world.contracts[number].terms["end_date"]) - simulation.clock.now()


@pytest.mark.parametrize("replicas", [1, 3])
def test_contracts_that_end_within_a_day_are_rotated_new_first_one_by_one(project: Project, replicas: int) -> None:
    project.fleet(replicas=replicas)
    project.start()
    old = project.ids()
    let_end(project, *old.values(), in_s=25 * HOUR_S)
    project.assert_settled()
    project.advance("2h")
    project.plan().assert_success(f"{replicas} to replace", "replace.before_expiry contract ends", "new first")
    seen = Seen()
    assert drive(project, seen.watch) == 0
    assert (seen.most, seen.fewest_running) == (replicas + 1, replicas)
    project.assert_all_run("june", replicas)
    assert not set(old.values()) & set(project.ids().values())
    assert all(ends_at(project, number) > 71 * HOUR_S for number in project.ids().values())
    project.assert_settled()


def test_where_the_budget_has_no_room_for_two_the_old_one_goes_first(project: Project) -> None:
    project.fleet()
    project.start()
    tight = float(round(project.live()[0].price * Decimal("1.9"), 4))
    project.fleet(price__budget_per_hour=tight)
    let_end(project, *project.ids().values(), in_s=2 * HOUR_S)
    project.plan().assert_success("1 to replace", "old first", "budget is tight")
    seen = Seen()
    assert drive(project, seen.watch) == 0
    assert seen.most == 1
    project.assert_all_run("june", 1)


def test_a_contract_that_has_ended_is_replaced_in_the_next_run(project: Project) -> None:
    """Its end was missed: nobody ran for a day."""
    project.fleet(replicas=2)
    project.start()
    old = project.ids()
    let_end(project, old["june/1"], in_s=HOUR_S)
    project.advance("2h")
    project.plan().assert_success("1 to replace", f"instance {old['june/1']} is at the end of its contract")
    project.apply().assert_success("1 instance rented, 1 destroyed")
    project.assert_all_run("june", 2)
    assert project.ids()["june/0"] == old["june/0"]
    project.assert_settled()


def test_a_contract_that_nobody_else_can_outlast_is_kept_and_said(project: Project) -> None:
    project.fleet()
    project.start()
    old = project.ids()
    project.fleet(host__min_days_left=3000)
    let_end(project, *old.values(), in_s=2 * HOUR_S)
    project.plan().assert_success(f"instance {old['june/0']} is kept, without an offer to replace it")
    project.apply().assert_success("Nothing was changed")
    assert project.ids() == old


def test_a_span_that_what_is_rented_cannot_outlast_is_refused_before_anything_is_asked(project: Project) -> None:
    project.fleet(replace__before_expiry="72h")
    project.plan().assert_code(1, "contradicting-values", "host.min_days_left")
    assert not project.state.exists()


# --- what hosts ask for beyond the end -------------------------------------------------------------


def asking(project: Project) -> list[str]:
    """The seats whose host asks for more, once their contracts end in fifty hours."""
    let_end(project, *project.ids().values(), in_s=50 * HOUR_S)
    with open_simulation(project.state) as simulation:
        _, _, body = simulation.handle(
            "GET", "/api/v0/instances/pending-price-increases/", "", {"authorization": "Bearer k"}, b""
        )
    numbers = {row["contract_id"] for row in json.loads(body)["pending_price_increases"]}
    return [seat for seat, number in project.ids().items() if number in numbers]


def test_a_pending_price_rise_is_told_with_both_prices_and_its_day(project: Project) -> None:
    project.fleet(replicas=8)
    project.start()
    seats = asking(project)
    assert 0 < len(seats) < 8
    price = {row.seat: row.price for row in project.live()}
    document = project.plan("--format", "json").document
    assert [rise["seat"] for rise in document["price_rises"]] == seats
    for rise in document["price_rises"]:
        now, then = Decimal(rise["now_per_hour"]), Decimal(rise["then_per_hour"])
        assert now == pytest.approx(price[rise["seat"]])
        assert 1.10 < then / now <= 1.15
        assert rise["at"].startswith("2026-11-23T")
    for command in (project.plan, project.status):
        said = command().assert_success(f"Price rise: {seats[0]}: the host of instance", "2026-11-23", "not accepted")
        assert said.text.count("Price rise:") == len(seats)
        assert "Price rises" in command("--format", "markdown").assert_success().out


def test_a_price_rise_is_no_change_and_is_accepted_by_nobody(project: Project) -> None:
    project.fleet(replicas=8)
    project.start()
    asking(project)
    before = {row.seat: (row.id, row.price) for row in project.live()}
    project.assert_settled()
    project.apply().assert_success("Nothing was changed")
    assert {row.seat: (row.id, row.price) for row in project.live()} == before
    with open_simulation(project.state) as simulation:
        assert simulation.world.account.extensions == {}


def test_where_nothing_of_ours_is_there_nobody_is_asked(project: Project) -> None:
    project.fleet()
    looks = planned(project)[1]
    assert "price_rises" not in looks.calls
    project.start()
    assert planned(project)[1].calls.count("price_rises") == 1
