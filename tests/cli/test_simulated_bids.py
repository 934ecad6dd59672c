"""Fleets that rent by bids, on the simulated market: what is bid, what happens when a rival bids more, and what never
happens."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from reconciler.core.label import Seat
from reconciler.provider import RefusedButCreated
from reconciler.simulator import open_simulation
from reconciler.simulator.bidding import retry
from reconciler.simulator.laws import Laws

from .checked import record
from .driving import Watched, drive, nothing
from .project import STATE, Project

MAX_BID = 0.3


def bidding(project: Project, **outbid: Any) -> None:
    """A fleet of cheap cards that bids; what becomes of lost bids as said."""
    replicas = outbid.pop("replicas", 1)
    rental = {"kind": "interruptible", "max_bid": MAX_BID, "outbid": {"wait": "30m", **outbid}}
    project.fleet(replicas=replicas, rental=rental)


def contracts(project: Project) -> dict[int, Any]:
    """The contracts of the account by id: the truth, not what the tool says of it."""
    with open_simulation(project.path / STATE) as simulation:
        return {row["id"]: row for row in simulation.instances()}


def bids(project: Project) -> dict[int, float | None]:
    """The bid that stands of every contract; None on demand."""
    with open_simulation(project.path / STATE) as simulation:
        return {number: contract.bid for number, contract in simulation.world.contracts.items()}


def requests(project: Project) -> list[str]:
    """What one `apply` does to the account, call by call."""
    calls: list[str] = []
    drive(project, lambda world: Watched(world.provider, calls.append, nothing))
    return [name for name in calls if name in ("rent", "bid", "destroy")]


# --- renting by a bid -----------------------------------------------------------------------------


def test_the_plan_shows_bid_and_floor_and_apply_rents_by_it(project: Project) -> None:
    bidding(project)
    [action] = project.plan("--format", "json").assert_success().document["fleets"][0]["actions"]
    bid, floor, price = (Decimal(action["offer"][name]) for name in ("bid", "least_bid", "price_per_hour"))
    assert 0 <= bid - floor * Decimal("1.1") < Decimal("0.0003")
    assert price > bid
    project.plan().assert_success(f"bid ${bid:.4f}/h over ${floor:.4f}/h")
    project.apply().assert_success(f"bid ${bid:.4f}/h", "1 instance rented")
    [row] = contracts(project).values()
    assert (row["is_bid"], row["actual_status"]) == (True, "running")
    assert list(bids(project).values()) == [float(bid)]
    assert row["dph_total"] == pytest.approx(float(price), rel=1e-6)
    project.assert_settled()


def test_offers_are_shown_with_their_bids(project: Project) -> None:
    bidding(project)
    said = project.run("offers", "june", "--simulate").assert_success()
    assert "bid" in said.out.splitlines()[1].split()
    assert "/h over $" in said.out.splitlines()[2]
    told = project.run("offers", "june", "--simulate", "--format", "json").document
    assert all(Decimal(row["least_bid"]) < Decimal(row["bid"]) for row in told["eligible"])
    machine = told["eligible"][0]["machine"]
    project.run("offers", "june", "--simulate", "--explain", str(machine)).assert_success("/h over $")
    markdown = project.run("offers", "june", "--simulate", "--format", "markdown").assert_success()
    assert "/h over $" in markdown.out


def test_a_fleet_on_demand_and_one_of_bids_share_a_market(project: Project) -> None:
    bidding(project)
    project.fleet("july")
    project.apply().assert_success("2 instances rented")
    kinds = {row["label"].split("/")[2]: row["is_bid"] for row in contracts(project).values()}
    assert kinds == {"june": True, "july": False}
    assert len({row["machine_id"] for row in contracts(project).values()}) == 2
    project.assert_settled()


def test_what_costs_more_than_max_bid_stays_unfilled_and_nothing_is_rented_on_demand(project: Project) -> None:
    project.fleet(rental={"kind": "interruptible", "max_bid": 0.001})
    said = project.plan().assert_success("1 unfilled", "rental.max_bid")
    assert "$0.001" not in said.out.split("rental.max_bid")[0]
    project.apply()
    assert contracts(project) == {}


def test_a_changed_kind_replaces_the_instance(project: Project) -> None:
    project.fleet()
    project.start()
    bidding(project)
    project.plan().assert_success("rental.kind on-demand -> interruptible", "1 to replace")
    project.apply().assert_success("1 instance rented, 1 destroyed")
    assert [row["is_bid"] for row in contracts(project).values()] == [True]
    project.assert_settled()


def test_runs_of_another_fleet_do_not_begin_the_wait_anew(project: Project) -> None:
    bidding(project)
    project.fleet("july")
    project.apply().assert_success("2 instances rented")
    lost = project.live("june")[0].id
    project.fail("june/0", how="outbid")
    for _ in range(3):  # Every twenty minutes, and the wait is of thirty.
        project.apply("--fleet", "june", "--no-wait").assert_success()
        project.advance("10m")
        project.apply("--fleet", "july", "--no-wait").assert_success()
        project.advance("10m")
    assert [row.id for row in project.live("june")] not in ([], [lost])


# --- a bid that loses as soon as it is made ---------------------------------------------------------


class Losing:
    """A provider whose first so many bids lose at once: a stopped instance was made all the same."""

    def __init__(self, world: Any, times: int) -> None:
        self._world, self._left = world, times
        self.rents = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world.simulated, name)

    def rent(self, order: Any) -> Any:
        answer = self._world.simulated.rent(order)
        self.rents, self._left = self.rents + 1, self._left - 1
        if self._left < 0:
            return answer
        inside = self._world.simulation.world
        inside.stop(inside.contracts[answer.id])
        return RefusedButCreated(answer.id, "the bid is too low")


class Inside:
    """A simulated world as it was before its provider is wrapped."""

    def __init__(self, world: Any) -> None:
        self.simulated, self.simulation = world.provider, world.simulation


def step_with_lost_bids(project: Project, times: int) -> int:
    """One step of `apply` in which so many bids lose at once; how many rents were sent."""
    made: list[Losing] = []

    def wrap(world: Any) -> Losing:
        made.append(Losing(Inside(world), times))
        return made[0]

    drive(project, wrap, step_only=True)
    return made[0].rents


def test_a_bid_that_loses_at_once_does_not_hold_up_the_other_seats(project: Project) -> None:
    bidding(project)
    project.start()
    bidding(project, replicas=5)
    assert step_with_lost_bids(project, 1) == 4
    assert len(contracts(project)) == 4
    project.apply().assert_success()
    project.assert_all_run("june", 5)


def test_a_bid_that_loses_at_once_is_no_replacement(project: Project) -> None:
    bidding(project, wait="10m")
    project.start()
    project.fail("june/0", how="outbid")
    project.apply("--no-wait")
    project.advance("11m")
    assert step_with_lost_bids(project, 1) == 1
    assert record(project).replaced.get(Seat("june", 0), ()) == ()
    project.apply("--no-wait").assert_success("1 instance rented")
    assert len(record(project).replaced[Seat("june", 0)]) == 1


def test_the_machine_of_a_bid_that_lost_at_once_is_set_aside_in_later_runs_too(project: Project) -> None:
    bidding(project)
    project.start()
    bidding(project, replicas=2)
    assert step_with_lost_bids(project, 1) == 1
    [machine] = record(project).aside
    project.run("offers", "june", "--simulate").assert_success("set aside refuses 1")
    project.run("offers", "june", "--explain", str(machine), "--simulate").assert_success(
        "set aside until", "the bid lost at once"
    )
    for _ in range(5):
        assert step_with_lost_bids(project, 1) == 1
        project.advance("1m")
    assert len(record(project).aside) == 6
    project.apply().assert_success("1 instance rented")


def test_bids_of_a_seat_that_lose_at_once_are_bounded(project: Project) -> None:
    project.policy(limits__replacements_per_seat_per_day=1)
    bidding(project)
    project.start()
    bidding(project, replicas=2)
    for sent in (1, 1, 1, 1, 0):
        assert step_with_lost_bids(project, 1) == sent
        project.advance("1m")
    held = "4 bids for june/1 lost as soon as they were made within a day, at most 4 may"
    project.plan().assert_code(4, f"held back by lost bids per seat: {held}", "lifted by: reconcile free june/1")
    project.run("free", "june/1", "--simulate").assert_success("0 replacements and 4 lost bids of the last day")
    project.apply().assert_success("1 instance rented")


def test_a_lost_bid_whose_successor_loses_at_once_counts_as_no_destroy(project: Project) -> None:
    bidding(project, wait="10m")
    project.start()
    project.fail("june/0", how="outbid")
    project.apply("--no-wait")
    project.advance("11m")
    assert step_with_lost_bids(project, 1) == 1
    assert record(project).unasked.get("june", ()) == ()
    project.apply("--no-wait").assert_success("1 instance rented")
    [rented_at] = record(project).unasked["june"]
    project.advance("5m")
    project.apply("--no-wait").assert_success("1 destroyed")
    [gone_at] = record(project).unasked["june"]
    assert gone_at > rented_at


# --- the kind is read back ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["interruptible", "on-demand"])
@pytest.mark.parametrize("step_only", [False, True])
def test_what_came_back_of_the_other_kind_is_destroyed_at_once(project: Project, kind: str, step_only: bool) -> None:
    project.fleet(rental={"kind": kind})
    project.advance("1s")
    made: list[int] = []
    calls: list[str] = []

    def wrap(world: Any) -> Watched:
        inside = world.simulation._world

        def flip(name: str) -> None:
            calls.append(name)
            if name == "rent" and not made:
                [contract] = inside.contracts.values()
                contract.bid = None if contract.bid is not None else contract.terms["min_bid"]
                made.append(contract.id)

        return Watched(world.provider, nothing, flip)

    if step_only:
        project.apply("--no-wait", "--first-run")  # Warm: the next run rents in its first step.
        [old] = contracts(project)
        project.run("destroy", "june", "--simulate", "--yes").assert_success()
        project.run("resume", "june", "--simulate").assert_success()
        assert old not in contracts(project)
    drive(project, wrap, step_only=step_only)
    assert made[0] not in contracts(project)
    assert calls.index("destroy") > calls.index("rent")
    other = {"interruptible": "on-demand", "on-demand": "interruptible"}[kind]
    events = project.run("events", "june", "--simulate").assert_success()
    assert f"ordered {kind}, came back {other}" in events.out
    project.apply()
    assert [row["is_bid"] for row in contracts(project).values()] == [kind == "interruptible"]


# --- a rival bids more ----------------------------------------------------------------------------


def outbid(project: Project, **options: Any) -> int:
    """A running fleet whose first instance a rival outbids, and a run that has seen it."""
    bidding(project, **options)
    project.start()
    project.fail("june/0", how="outbid")
    [first, *_] = sorted(contracts(project))
    project.apply("--no-wait").assert_success("Nothing was changed")
    return first


def test_a_lost_bid_is_shown_with_its_storage_and_since_when(project: Project) -> None:
    number = outbid(project)
    project.advance("10m")
    row = contracts(project)[number]
    said = project.plan().assert_success(f"instance {number} lost its bid at", "may win again until", "below min_ready")
    [note] = project.plan("--format", "json").document["fleets"][0]["notes"]
    assert note["kind"] == "outbid"
    assert float(note["rate_per_hour"]) == pytest.approx(row["storage_total_cost"], rel=1e-6)
    assert "Market:" not in said.out
    status = project.status("--format", "json").document
    assert [seat["state"] for seat in status["seats"]] == ["outbid"]


@pytest.mark.parametrize("then", ["replace", "rebid", "on-demand"])
def test_nothing_is_done_while_it_may_win_again(project: Project, then: str) -> None:
    number = outbid(project, then=then)
    project.advance("28m")
    assert requests(project) == []
    assert list(contracts(project)) == [number]


def test_a_bid_that_wins_again_is_left_alone(project: Project) -> None:
    number = outbid(project)
    with open_simulation(project.state) as simulation:
        contract = simulation.world.contracts[number]
        contract.rival = 0.0
        assert retry(simulation.world, contract)
        simulation.save()
    project.advance("1h")
    assert requests(project) == []
    project.assert_settled()
    assert [row["actual_status"] for row in contracts(project).values()] == ["running"]


def test_after_the_wait_another_bid_is_made_elsewhere_and_the_stopped_one_goes_last(project: Project) -> None:
    number = outbid(project)
    machine = contracts(project)[number]["machine_id"]
    project.advance("31m")
    project.plan().assert_success("+/- 0", "lost its bid at", "(new first)")
    assert requests(project) == ["rent", "destroy"]
    [row] = contracts(project).values()
    assert (row["is_bid"], row["actual_status"]) == (True, "running")
    assert row["id"] != number
    assert row["machine_id"] != machine
    project.assert_settled()


def test_step_by_step_the_stopped_one_stays_until_the_new_one_runs(project: Project) -> None:
    number = outbid(project)
    project.advance("31m")
    project.apply("--no-wait").assert_success("1 instance rented")
    assert len(contracts(project)) == 2
    project.apply("--no-wait").assert_success()
    assert number in contracts(project)
    project.advance("10m")
    project.apply("--no-wait").assert_success("1 destroyed")
    assert number not in contracts(project)
    project.assert_settled()


def test_after_the_wait_the_bid_is_raised_once_and_read_back(project: Project) -> None:
    number = outbid(project, then="rebid")
    before = bids(project)[number]
    assert before is not None
    project.advance("31m")
    project.plan().assert_success(f"~   0  instance {number}  bid $", "1 new bid")
    assert requests(project) == ["bid"]
    after = bids(project)[number]
    assert after is not None
    assert before * 1.1 - 1e-9 <= after <= before * 1.1 + 0.0001
    assert list(contracts(project)) == [number]
    project.advance("5m")
    project.assert_settled()
    assert contracts(project)[number]["actual_status"] == "running"
    events = project.run("events", "june/0", "--simulate").assert_success()
    assert f"bids ${after:.4f}/h instead of ${before:.4f}/h; it won" in events.out


def test_a_raised_bid_that_loses_too_has_as_long_to_win(project: Project) -> None:
    number = outbid(project, then="rebid")
    with open_simulation(project.state) as simulation:
        simulation.world.contracts[number].rival = 0.9 * MAX_BID
        simulation.save()
    seen = [bids(project)[number]]
    for _ in range(3):
        project.advance("31m")
        assert requests(project) == ["bid"]
        assert requests(project) == []
        seen.append(bids(project)[number])
    assert seen == sorted(set(seen))  # type: ignore[type-var]
    assert all(bid is not None and bid <= MAX_BID for bid in seen)


def test_a_bid_at_its_limit_is_followed_by_another_instance(project: Project) -> None:
    number = outbid(project, then="rebid")
    for _ in range(9):  # A rival who always bids a little more.
        with open_simulation(project.state) as simulation:
            standing = simulation.world.contracts[number].bid
            assert standing is not None
            simulation.world.contracts[number].rival = 2 * MAX_BID
            simulation.save()
        spec = json.loads((project.path / "specs/june.yaml").read_text())
        project.fleet(rental={**spec["rental"], "max_bid": 0.05})
        project.advance("31m")
        if "no higher bid is allowed" in project.plan().out:
            break
        assert requests(project) == ["bid"]
    assert standing == 0.05
    project.plan().assert_success("no higher bid is allowed", "+/- 0")
    assert "bid" not in requests(project)
    assert number not in contracts(project)
    assert all(bid is not None and bid <= standing for bid in bids(project).values())


def test_a_lost_bid_goes_on_demand_where_that_is_written_and_stays_so(project: Project) -> None:
    number = outbid(project, then="on-demand")
    project.advance("31m")
    project.plan().assert_success("on demand, as rental.outbid says")
    assert requests(project) == ["rent", "destroy"]
    [row] = contracts(project).values()
    assert (row["is_bid"], row["id"] != number, row["dph_total"] <= 0.5) == (False, True, True)
    project.assert_settled()
    bidding(project, then="replace")
    project.plan().assert_success("rental.kind on-demand -> interruptible")


@pytest.mark.parametrize("then", ["replace", "rebid"])
def test_it_never_goes_on_demand_otherwise(project: Project, then: str) -> None:
    number = outbid(project, then=then)
    spec = json.loads((project.path / "specs/june.yaml").read_text())
    project.fleet(rental={**spec["rental"], "max_bid": 0.001})
    for _ in range(3):
        project.advance("31m")
        assert requests(project) == []
    assert list(contracts(project)) == [number]
    project.plan().assert_success("is kept, without an offer to replace it: outbid")


@pytest.mark.parametrize("answer", ["lost before", "lost after"])
def test_a_new_bid_without_an_answer_is_settled_by_reading(project: Project, answer: str) -> None:
    number = outbid(project, then="rebid")
    before = bids(project)[number]
    project.advance("31m")
    sent: list[str] = []

    class Cut(Watched):
        """A provider whose new bids have no answer."""

        def bid(self, instance_id: int, price: Decimal) -> Any:
            from reconciler.core.text import safe
            from reconciler.provider import BidDoubtful

            sent.append(f"{price}")
            if answer == "lost after":
                self._provider.bid(instance_id, price)
            return BidDoubtful(safe("no answer in time"))

    drive(project, lambda world: Cut(world.provider, nothing, nothing))
    assert len(sent) == 1
    assert (bids(project)[number] == before) is (answer == "lost before")
    events = project.run("events", "june/0", "--simulate").assert_success()
    told = "instead of" if answer == "lost after" else "does not stand: no answer in time"
    assert told in events.out


# --- a market on which others bid, too ------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 3])
def test_among_rivals_no_instance_is_on_demand_none_over_its_bid_and_none_leaks(project: Project, seed: int) -> None:
    with open_simulation(project.state, seed=seed, laws=Laws(grain=0.0, rivals=True)) as simulation:
        simulation.save()
    bidding(project, replicas=4)
    ran = 0
    for _ in range(8):
        project.apply("--timeout", "20m")
        assert all(bid is not None and bid <= MAX_BID for bid in bids(project).values()), bids(project)
        rows = contracts(project).values()
        assert all(row["dph_total"] <= 0.5 for row in rows)
        assert len(rows) <= 5
        ran += sum(row["actual_status"] == row["cur_state"] == "running" for row in rows)
        project.advance("1h")
    assert project.run("leaks", "--simulate").code == 0
    assert ran >= 16
