"""A lost bid: how it is seen, how long it is waited for, and what is done then."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from builders import DAY_S, HOUR_S, NOW, diff, fleet, instance, intent, label, offer, plans, policy, record, told

from reconciler.core.bids import on_demand
from reconciler.core.budget import costs
from reconciler.core.envelope import Done, Envelope, envelope_of, narrowed, within
from reconciler.core.guards import Allowed, guard_fleet
from reconciler.core.health import Health
from reconciler.core.leftovers import own_mistakes
from reconciler.core.model import Rollout
from reconciler.core.outbid import waits_anew
from reconciler.core.plan import Plan, Replace, Update
from reconciler.core.planner import needs_of
from reconciler.core.rental import Outbid, Rental
from reconciler.core.saved import read_plan, write_plan
from reconciler.core.states import State, rate_per_hour, state_of

D = Decimal


def spec(then="replace", *, wait_s=7200.0, replicas=1, **options):
    """A fleet that bids; what is said of the rental is given flat."""
    rental = Rental("interruptible", outbid=Outbid(wait_s, then), **options)
    return fleet(rental=rental, replicas=replicas)


def lost(hours, id=100):
    """A record that has known of the loss for so long."""
    return {(id, "outbid"): NOW - hours * HOUR_S}


def plan(wanted, rows, market=(), since=None, *items):
    """What a fleet's plan says: its actions, and its notes by kind."""
    [made] = plans(diff(wanted, rows, record(*items, since=since or {})), market)
    return told(made.actions), [(note.kind, note.text) for note in made.notes]


BIDDING, FULL = offer(1, least_bid="0.1"), offer(2, price="0.3")
MARKET = (BIDDING, FULL)


def outbid(wanted, **options):
    return instance(spec=wanted, status="outbid", **{"price_per_hour": "0.12", "least_bid": D("0.1"), **options})


# --- how it is seen -------------------------------------------------------------------------------

STATES = {
    # reported, intended, current, heading, interruptible
    "an interruptible one without its GPU is outbid": ("exited", "stopped", "stopped", "stopped", True, State.OUTBID),
    "outbid while it still reads running": ("running", "stopped", "stopped", "stopped", True, State.OUTBID),
    "outbid while it loads": ("loading", "stopped", "stopped", "stopped", True, State.OUTBID),
    "outbid before any report": (None, "stopped", "stopped", "stopped", True, State.OUTBID),
    "a bid that waits for its GPU is outbid": ("exited", "running", "stopped", "running", True, State.OUTBID),
    "a bid that holds its GPU is not": ("running", "running", "running", "running", True, State.READY),
    "a bid that boots is not": ("loading", "running", "running", "running", True, State.PENDING),
    "a bid whose host is offline is not": ("offline", "running", "running", "running", True, State.FAILED),
    "on demand the same is someone's stop": ("exited", "stopped", "stopped", "stopped", False, State.HELD),
    "of an unknown kind it is someone's stop": ("exited", "stopped", "stopped", "stopped", None, State.HELD),
    "on demand a start waits for its GPU": ("exited", "running", "stopped", "running", False, State.QUEUED),
}


@pytest.mark.parametrize(
    ("reported", "intended", "current", "heading", "kind", "expected"), STATES.values(), ids=STATES.keys()
)
def test_a_lost_bid_is_told_from_a_stop_by_the_kind_of_rental(reported, intended, current, heading, kind, expected):
    shown = {"reported": reported, "intended": intended, "current": current, "heading": heading}
    assert state_of(instance(interruptible=kind, **shown)) is expected


def test_a_lost_bid_bills_its_storage():
    assert rate_per_hour(outbid(spec())) == D("0.01")


# --- what is done ---------------------------------------------------------------------------------


@pytest.mark.parametrize("then", ["replace", "rebid", "on-demand"])
def test_a_lost_bid_is_waited_for_and_nothing_is_searched(then):
    wanted = spec(then)
    found = diff(wanted, [outbid(wanted)], record(since=lost(1.9)))
    assert found.fleets[0].seats[0].bucket == "outbid"
    assert needs_of(found) == []
    [made] = plans(found, MARKET)
    [note] = made.notes
    assert (made.actions, note.kind, note.rate_per_hour) == ((), "outbid", D("0.01"))
    assert "lost its bid at 20 Nov 10:06, which may win again until 20 Nov 12:06" in note.text


def test_after_the_wait_another_one_is_rented_first():
    wanted = spec()
    assert plan(wanted, [outbid(wanted)], MARKET, lost(2)) == (["+/- june/0 100 -> offer 1"], [])


def test_after_the_wait_the_bid_is_raised():
    wanted = spec("rebid")
    assert plan(wanted, [outbid(wanted)], MARKET, lost(2)) == (["~ june/0 100 bid 0.1210"], [])


def test_after_the_wait_it_goes_on_demand_where_that_is_written():
    wanted = spec("on-demand")
    found = diff(wanted, [outbid(wanted)], record(since=lost(2)))
    [made] = plans(found, MARKET)
    [action] = made.actions
    assert isinstance(action, Replace)
    assert told([action]) == ["+/- june/0 100 -> offer 2"]
    assert (action.fleet, action.choice.candidate.bid) == (on_demand(wanted), None)
    assert "on demand, as rental.outbid says" in action.reason


@pytest.mark.parametrize("then", ["replace", "rebid"])
def test_it_never_goes_on_demand_otherwise(then):
    wanted = spec(then, max_bid=D("0.11"))
    dear = offer(1, least_bid="0.2")
    actions, [(kind, text)] = plan(wanted, [outbid(wanted)], (dear, FULL), lost(99))
    assert (actions, kind) == ([], "kept")
    assert "without an offer to replace it: outbid" in text


def test_a_bid_that_may_not_rise_any_more_is_followed_by_another_instance():
    wanted = spec("rebid", max_bid=D("0.11"))
    [made] = plans(diff(wanted, [outbid(wanted)], record(since=lost(2))), MARKET)
    assert told(made.actions) == ["+/- june/0 100 -> offer 1"]
    assert "no higher bid is allowed" in made.actions[0].reason


def test_without_a_wait_it_is_done_at_once():
    wanted = spec(wait_s=0.0)
    assert plan(wanted, [outbid(wanted)], MARKET)[0] == ["+/- june/0 100 -> offer 1"]


def test_a_new_bid_has_as_long_to_win_as_the_first():
    wanted = spec("rebid")
    since = waits_anew(record(since=lost(2)), 100, NOW).since
    actions, [(kind, _)] = plan(wanted, [outbid(wanted)], MARKET, since)
    assert (actions, kind) == ([], "outbid")


def test_a_bid_that_won_again_forgets_its_loss():
    wanted = spec()
    assert plan(wanted, [instance(spec=wanted)], MARKET, lost(2)) == ([], [])


def test_the_stopped_one_stays_until_the_new_one_runs_and_then_goes():
    wanted = spec()
    old = outbid(wanted)
    boots = instance(spec=wanted, id=101, status="loading")
    assert plan(wanted, [old, boots], MARKET, lost(3))[0] == ["- june/0 100, until instance 101 runs"]
    runs = instance(spec=wanted, id=101)
    assert plan(wanted, [old, runs], MARKET, lost(3))[0] == ["- june/0 100"]


def test_one_that_wins_again_while_the_new_one_boots_is_kept():
    wanted = spec()
    rows = [instance(spec=wanted), instance(spec=wanted, id=101, status="loading")]
    assert plan(wanted, rows, MARKET)[0] == ["- june/0 101"]


def test_two_lost_bids_of_a_seat_are_followed_by_one():
    wanted = spec()
    rows = [outbid(wanted), outbid(wanted, id=101)]
    assert plan(wanted, rows, MARKET, lost(3) | lost(3, 101))[0] == ["+/- june/0 100 -> offer 1"]


def test_lost_bids_are_followed_one_at_a_time():
    wanted = spec(replicas=2)
    rows = [outbid(wanted), outbid(wanted, id=101, label=label("june/1", wanted, number=101))]
    market = (BIDDING, offer(3, least_bid="0.11"))
    actions, _ = plan(wanted, rows, market, lost(3) | lost(3, 101))
    assert actions == ["+/- june/0 100 -> offer 1", "+/- june/1 101 -> offer 3, after june/0"]


@pytest.mark.parametrize(("boots_s", "waits"), [(60.0, ", after june/0"), (DAY_S, "")], ids=["boots", "overdue"])
def test_a_lost_bid_does_not_wait_for_ever_for_one_of_which_nobody_can_tell(boots_s, waits):
    wanted = spec(replicas=2)
    rows = [instance(spec=wanted), outbid(wanted, id=101, label=label("june/1", wanted, number=101))]
    untold = Health(NOW - boots_s, checked_at=NOW, verdict="cannot tell", cause="ssh: no key")
    before = record(since=lost(3, 101), health={100: untold})
    (made,) = plans(diff(wanted, rows, before), MARKET)
    assert told(made.actions) == [f"+/- june/1 101 -> offer 1{waits}"]


def test_a_rent_in_doubt_holds_everything_up():
    for wanted in (spec(), spec("rebid")):
        assert plan(wanted, [outbid(wanted)], MARKET, lost(3), intent())[0] == []


def test_a_paused_fleet_does_nothing_about_it():
    wanted = replace(spec("rebid"), paused=True)
    assert plan(wanted, [outbid(wanted)], MARKET, lost(3))[0] == []


def test_a_fleet_that_rents_on_demand_by_now_replaces_it_by_its_rollout():
    before, now = spec(), fleet()
    actions, _ = plan(now, [outbid(before)], MARKET)
    assert actions == ["+/- june/0 100 -> offer 2"]


def test_an_undeclared_lost_bid_is_an_orphan_like_any():
    wanted = spec()
    [member] = diff([], [outbid(wanted)], record(since=lost(9))).undeclared
    assert (member.state, member.fault) == (State.OUTBID, None)


# --- never another kind than ordered --------------------------------------------------------------

FALLS_BACK = spec("on-demand")
KINDS = {
    # spec, rented as, interruptible -> drift
    "a bid that is one": (spec(), spec(), True, []),
    "a bid that came back on demand": (spec(), spec(), False, ["rental.kind on-demand -> interruptible"]),
    "a bid whose kind is not told": (spec(), spec(), None, []),
    "on demand, and it is": (fleet(), fleet(), False, []),
    "on demand, and it came back as a bid": (fleet(), fleet(), True, ["rental.kind interruptible -> on-demand"]),
    "on demand after a lost bid": (FALLS_BACK, on_demand(FALLS_BACK), False, []),
    "after a lost bid, and it came back as one": (
        FALLS_BACK,
        on_demand(FALLS_BACK),
        True,
        ["rental.kind interruptible -> on-demand"],
    ),
    "on demand, where that is not written any more": (
        spec(),
        on_demand(spec()),
        False,
        ["rental.kind on-demand -> interruptible"],
    ),
}


@pytest.mark.parametrize(("wanted", "rented_as", "kind", "expected"), KINDS.values(), ids=KINDS.keys())
def test_the_kind_is_read_back(wanted, rented_as, kind, expected):
    [part] = diff(wanted, [instance(spec=rented_as, interruptible=kind)]).fleets
    [member] = part.members()
    assert [str(drift) for drift in member.drifts] == expected


@pytest.mark.parametrize(
    ("wanted", "kind", "why"),
    [
        (fleet(), True, "ordered on-demand, came back interruptible"),
        (spec(), False, "ordered interruptible, came back on-demand"),
    ],
)
def test_what_this_run_rented_and_is_of_the_other_kind_goes_at_once(wanted, kind, why):
    [part] = diff(wanted, [instance(spec=wanted, interruptible=kind)]).fleets
    [made] = plans(diff(wanted, [instance(spec=wanted, interruptible=kind)]), ())
    [action] = own_mistakes(made, part.members(), {100}).actions
    assert (told([action]), action.reason) == (["- june/0 100"], why)
    assert own_mistakes(made, part.members(), set()).actions == made.actions


# --- which offers ---------------------------------------------------------------------------------

CHOICES = {
    "the cheapest bid": (spec(), (offer(1, least_bid="0.2"), offer(2, least_bid="0.1")), "offer 2"),
    "an offer on demand is none": (spec(), (FULL,), None),
    "a bid is none for a fleet on demand": (fleet(), (BIDDING,), None),
    "a least bid at max_bid": (spec(max_bid=D("0.1")), (BIDDING,), "offer 1"),
    "a least bid above it": (spec(max_bid=D("0.0999")), (BIDDING,), None),
    "a least bid above the cap": (spec(), (offer(1, least_bid="0.5001"),), None),
    "one ask seen in both ways": (spec(), (offer(1, price="0.05"), BIDDING), "offer 1"),
}


@pytest.mark.parametrize(("wanted", "market", "expected"), CHOICES.values(), ids=CHOICES.keys())
def test_which_offers_a_fleet_takes(wanted, market, expected):
    actions, _ = plan(wanted, [], market)
    assert actions == ([f"+ june/0 {expected}"] if expected else [])


def test_two_fleets_do_not_take_one_machine_in_two_ways():
    bidding, paying = spec(), fleet("july")
    made = plans(diff([bidding, paying]), (offer(1, least_bid="0.1"), offer(1, price="0.2")))
    assert sorted(line for part in made for line in told(part.actions)) in (["+ july/0 offer 1"], ["+ june/0 offer 1"])


# --- money and approvals --------------------------------------------------------------------------


def rebidding(**options):
    wanted = spec("rebid", **options)
    found = diff(wanted, [outbid(wanted)], record(since=lost(3)))
    [made] = plans(found, MARKET)
    return found, made


def test_a_new_bid_costs_the_bid_and_the_storage():
    found, made = rebidding()
    cost = costs(Plan("default", None, NOW, (made,)), found, None, None)
    assert (cost.now, cost.after) == (D("0.01"), D("0.131"))


def test_a_new_bid_stays_within_the_budgets():
    found, made = rebidding()
    [part] = found.fleets
    for budget, expected in ("0.131", ["~ june/0 100 bid 0.1210"]), ("0.1309", []):
        tight = replace(part.fleet, price=replace(part.fleet.price, budget_per_hour=D(budget)))
        guarded = guard_fleet(replace(made, fleet=tight), replace(part, fleet=tight), policy(), Allowed())
        assert told(guarded.actions) == expected
    assert guarded.held[0].guard == "fleet budget"


def test_a_protected_fleet_may_bid_more_without_a_number():
    found, made = rebidding()
    guarded = guard_fleet(made, found.fleets[0], policy(protect=("june",)), Allowed())
    assert told(guarded.actions) == ["~ june/0 100 bid 0.1210"]


def test_an_approval_of_a_bid_rents_nothing_and_destroys_nothing():
    _, made = rebidding()
    approved = envelope_of(Plan("default", None, NOW, (made,)))
    assert (approved.rents, approved.destroys, approved.bids) == ({}, frozenset(), {100: D("0.131")})


APPROVALS = {
    "what was approved": ({100: D("0.131")}, Done(), 1),
    "a lower one": ({100: D("0.1309")}, Done(), 0),
    "another instance": ({101: D("9")}, Done(), 0),
    "nothing": ({}, Done(), 0),
    "what this run has done": ({100: D("0.131")}, Done(bid=frozenset({100})), 0),
}


@pytest.mark.parametrize(("bids", "done", "expected"), APPROVALS.values(), ids=APPROVALS.keys())
def test_a_bid_is_raised_as_far_as_it_was_approved(bids, done, expected):
    _, made = rebidding()
    whole = Plan("default", None, NOW, (made,))
    kept = within(whole, Envelope({}, frozenset(), bids=bids), done)
    assert sum(isinstance(action, Update) for action in kept.actions()) == expected


def test_a_saved_plan_approves_bids_and_is_narrowed_by_what_is_so_now():
    _, made = rebidding()
    whole = Plan("default", None, NOW, (made,))
    saved = read_plan(write_plan(whole).encode()).envelope
    assert saved == envelope_of(whole)
    assert narrowed(saved, whole) == saved
    assert narrowed(saved, Plan("default", None, NOW, ())).bids == {}


def test_a_plan_without_bids_is_saved_as_before():
    assert "bids" not in write_plan(Plan("default", None, NOW, ()))


@pytest.mark.parametrize(("budget", "expected"), [("0.2355", ["+ june/1 offer 1"]), ("0.2354", [])])
def test_a_lost_bid_counts_against_budgets_as_if_it_ran(budget, expected):
    wanted = replace(spec(replicas=2), price=replace(spec().price, budget_per_hour=D(budget)))
    found = diff(wanted, [outbid(wanted)], record(since=lost(1)))
    [made] = plans(found, MARKET)
    assert told(made.actions) == ["+ june/1 offer 1"]
    assert told(guard_fleet(made, found.fleets[0], policy(), Allowed()).actions) == expected


def test_a_canary_that_lost_its_bid_does_not_wait_for_itself():
    wanted = replace(spec(), rollout=Rollout(canary_s=300.0))
    rows = [instance("june/0", wanted, status="outbid")]
    assert plan(wanted, rows, MARKET, lost(3))[0] == ["+/- june/0 100 -> offer 1"]


DEAD_SINCE = {(101, "exited"): NOW - 900.0}
CHANGED = replace(spec(), container=replace(spec().container, image="a:9"))
BESIDE = {
    # the spec, since when the bid is lost; whether another one is looked for
    "the bid may still win": (spec(), lost(1), False),
    "its wait is over": (spec(), lost(3), True),
    "the spec is another one by now": (
        replace(spec(), container=replace(spec().container, image="a:9")),
        lost(3),
        True,
    ),
}


@pytest.mark.parametrize(("wanted", "since", "followed"), BESIDE.values(), ids=BESIDE.keys())
def test_one_that_lost_its_bid_stays_beside_a_successor_that_died(wanted, since, followed):
    """It may win again, and costs its disk alone: what follows it is what ends it."""
    rows = [outbid(spec(), id=100), instance("june/0", spec(), id=101, status="exited", interruptible=True)]
    made, _ = plan(wanted, rows, (), {**since, **DEAD_SINCE})
    assert made == []
    made, _ = plan(wanted, rows, MARKET, {**since, **DEAD_SINCE})
    assert [words for words in made if words.startswith("- ")] == []
    assert any("offer" in words for words in made) is followed, "the seat is not stuck"
