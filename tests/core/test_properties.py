"""What holds for every account and every market: plans are equal for equal inputs, and never go too far."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

from builders import NOW, attempt, diff, fleet, instance, intent, leaving, offer, placed, policy, record
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.core.budget import Standing, committed, costs
from reconciler.core.crowd import overlap
from reconciler.core.envelope import Done, envelope_of, within
from reconciler.core.guards import Allowed, guard_all, guard_fleet
from reconciler.core.instance import Account
from reconciler.core.label import Mark, read_label
from reconciler.core.model import Limit, Limits, Rollout
from reconciler.core.plan import Create, Destroy, Plan, Replace, due
from reconciler.core.planner import fleet_plan
from reconciler.core.states import rate_per_hour

CAP = Decimal("0.4")
PRICES = ("0.1", "0.2", "0.3", "0.39", "0.4", "0.41", "0.9")
STATES = ("running", "running", "loading", "exited", "offline", "unknown", "stopped", "queued")
NAMES = ("june", "july")


def wanted(name, replicas, image="a:2", **options):
    return fleet(name, replicas=replicas, image=image, max_per_hour=str(CAP), **options)


@st.composite
def fleets(draw):
    names = draw(st.sets(st.sampled_from(NAMES), min_size=1))
    return [
        wanted(
            name,
            draw(st.integers(0, 4)),
            priority=draw(st.integers(0, 1)),
            rollout=Rollout(
                draw(st.sampled_from(["create-first", "destroy-first"])), Limit(Decimal(draw(st.integers(1, 3))))
            ),
            budget_per_hour=draw(st.sampled_from([None, "0.5", "1"])),
        )
        for name in sorted(names)
    ]


@st.composite
def accounts(draw, duplicates=True):
    """Instances of both fleets, of another owner and of nobody; without `duplicates` a seat holds one at most."""
    rows, seats = [], set()
    for number in range(draw(st.integers(0, 8))):
        at = f"{draw(st.sampled_from(NAMES))}/{draw(st.integers(0, 5))}"
        if at in seats and not duplicates:
            continue
        seats.add(at)
        owner = draw(st.sampled_from(["default", "default", "default", "other"])) if duplicates else "default"
        spec = wanted(at.split("/")[0], 1, draw(st.sampled_from(["a:1", "a:2"])))
        status = draw(st.sampled_from(STATES))
        host = draw(st.integers(1, 4))
        row = instance(at, spec, id=100 + number, status=status, owner=owner, host_id=host)
        rows.append(row if owner != "other" or draw(st.booleans()) else instance(None, id=100 + number))
    return rows


@st.composite
def records(draw):
    """Faults of long ago, destroys under way and attempts in doubt."""
    since = {(100 + n, s): NOW - draw(st.sampled_from([0.0, 200.0, 900.0])) for n in range(8) for s in STATES[3:6]}
    going = [leaving(200 + n, f"{draw(st.sampled_from(NAMES))}/{n}") for n in range(draw(st.integers(0, 2)))]
    doubts = [
        intent(f"{draw(st.sampled_from(NAMES))}/{draw(st.integers(0, 4))}", number=900 + n)
        for n in range(draw(st.integers(0, 2)))
    ]
    return record(*going, *doubts, since=since)


@st.composite
def markets(draw):
    return [
        offer(n, machine_id=draw(st.integers(5000, 5009)), price=draw(st.sampled_from(PRICES)))
        for n in range(1, draw(st.integers(1, 12)))
    ]


@st.composite
def policies(draw):
    return policy(
        max_instances=draw(st.sampled_from([None, 3])),
        budget_per_hour=draw(st.sampled_from([None, Decimal("0.8")])),
        rents_per_run=draw(st.sampled_from([None, 1])),
        protect=draw(st.sampled_from([(), ("june",)])),
    )


def whole(specs, listed, before, market, rules, allowed=None) -> Plan:
    """The plan of the given world, as a pass makes it."""
    allowed = allowed or Allowed(run_started_at=NOW)
    difference = diff(specs, listed, before, rules=rules)
    placement = placed(difference, market)
    made = [guard_fleet(fleet_plan(part, placement, {}, None, {}), part, rules, allowed) for part in difference.fleets]
    standing = Standing(
        sum(len(part.members()) for part in difference.fleets),
        sum((committed(part) for part in difference.fleets), Decimal(0)),
    )
    plan = guard_all(Plan("default", 1, NOW, tuple(made)), rules.limits, standing, Account(1, Decimal(100)), allowed)
    found = costs(plan, difference, rules.limits.budget_per_hour, None)
    return Plan("default", 1, NOW, plan.fleets, cost=found)


WORLDS = {"specs": fleets(), "listed": accounts(), "before": records(), "market": markets(), "rules": policies()}
thorough = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def rents(plan):
    return [a for a in plan.actions() if isinstance(a, (Create, Replace))]


@given(**WORLDS, data=st.data())
@thorough
def test_the_order_in_which_the_world_is_listed_does_not_matter(specs, listed, before, market, rules, data):
    plan = whole(specs, listed, before, market, rules)
    shuffled = [data.draw(st.permutations(part)) for part in (specs, listed, market)]
    again = whole(shuffled[0], shuffled[1], before, shuffled[2], rules)
    assert again == plan
    assert repr(again) == repr(plan)


@given(**WORLDS)
@thorough
def test_nothing_is_ever_rented_above_the_cap(specs, listed, before, market, rules):
    for action in rents(whole(specs, listed, before, market, rules)):
        assert action.ceiling <= CAP
        assert all(c.price <= CAP for c in (action.choice.candidate, *action.choice.fallbacks))
        assert action.choice.candidate.price <= action.ceiling


@given(**WORLDS)
@thorough
def test_only_managed_instances_of_declared_fleets_are_destroyed(specs, listed, before, market, rules):
    declared = {spec.name for spec in specs}
    by_id = {row.id: row for row in listed}
    going = [a.old.id for a in whole(specs, listed, before, market, rules).actions() if not isinstance(a, Create)]
    marks = [read_label(by_id[victim].label, "default") for victim in going]
    assert all(isinstance(mark, Mark) and mark.seat.fleet in declared for mark in marks)
    assert len(set(going)) == len(going)


@given(**WORLDS)
@thorough
def test_a_seat_is_rented_for_once_and_only_where_nothing_sits_or_may_sit(specs, listed, before, market, rules):
    plan = whole(specs, listed, before, market, rules)
    assert max(Counter(a.seat for a in rents(plan)).values(), default=0) <= 1
    marks = [read_label(row.label, "default") for row in listed]
    taken = {mark.seat for mark in marks if isinstance(mark, Mark)}
    doubtful = {i.seat for i in before.intents.values()}
    leaving = {item.seat for item in before.leaving.values()}
    for action in rents(plan):
        assert action.seat.index < action.fleet.replicas
        if isinstance(action, Create):
            assert action.seat not in doubtful
            assert action.seat not in leaving | taken or (action.seat in leaving and action.wait is not None)
        else:
            assert action.seat not in {i.seat for i in before.intents.values()}


def doubled(part):
    """Whether a seat has more than one claim before anything is planned."""
    return any((v.keeper is not None) + len(v.extras) + len(v.leaving) + len(v.intents) > 1 for v in part.seats)


@given(**{**WORLDS, "listed": accounts(duplicates=False)})
@thorough
def test_a_fleet_never_has_more_than_its_replicas_and_one_step(specs, listed, before, market, rules):
    """What is on its way out counts until it is seen gone; a doubtful rent counts as if it were made."""
    plan = whole(specs, listed, before, market, rules)
    for part in diff(specs, listed, before, rules=rules).fleets:
        there = len(part.members()) + len(part.leaving()) + len(part.intents())
        empty = sum(v.bucket == "missing" for v in part.seats)
        mine = [a for a in rents(plan) if a.fleet.name == part.fleet.name and due(a)]
        coming = [a for a in mine if isinstance(a, Create) or a.order == "create-first"]
        assert len(coming) <= empty + 1
        if coming and not (part.surplus or part.leaving_beyond or part.intents_beyond) and not doubled(part):
            assert there + len(coming) <= part.fleet.replicas + 1


@given(**WORLDS)
@thorough
def test_no_more_of_a_rollout_goes_than_one_step(specs, listed, before, market, rules):
    difference = diff(specs, listed, before, rules=rules)
    plan = whole(specs, listed, before, market, rules)
    for part in difference.fleets:
        steps = [
            a for a in rents(plan) if a.fleet.name == part.fleet.name and isinstance(a, Replace) and a.asked and due(a)
        ]
        way = {v.seat for v in part.seats if v.bucket in ("pending", "doubtful") or v.extras or v.leaving}
        way |= {m.mark.seat for m in part.surplus} | {x.seat for x in (*part.leaving_beyond, *part.intents_beyond)}
        assert not steps or len(way | {a.seat for a in steps}) <= part.fleet.step


@given(**WORLDS)
@thorough
def test_no_two_rents_that_are_due_share_a_gpu_nor_two_of_one_fleet_a_machine(specs, listed, before, market, rules):
    due_now = [a for a in rents(whole(specs, listed, before, market, rules)) if due(a)]
    for i, one in enumerate(due_now):
        for other in due_now[:i]:
            mine, its = one.choice.candidate.offer, other.choice.candidate.offer
            assert mine.machine_id != its.machine_id or (one.fleet.name != other.fleet.name and not overlap(mine, its))


@st.composite
def rollouts(draw):
    """A fleet whose spec has changed, its instances, attempts in doubt, and a market that is too small for it."""
    replicas = draw(st.integers(2, 7))
    rollout = Rollout(
        draw(st.sampled_from(["create-first", "destroy-first"])),
        Limit(Decimal(draw(st.integers(1, 4)))),
        canary_s=draw(st.sampled_from([None, None, 600.0])),
    )
    spec = wanted(
        "june", replicas, models=draw(st.sampled_from([("RTX 3060",), ("RTX 3060", "RTX 3090")])), rollout=rollout
    )
    rows = [
        instance(
            f"june/{index}",
            wanted("june", 1, draw(st.sampled_from(["a:1", "a:1", "a:1", "a:2"]))),
            id=100 + index,
            status=draw(st.sampled_from(["running"] * 6 + ["loading", "exited"])),
            gpu_name=draw(st.sampled_from(["RTX 3060", "RTX 3060", "RTX 3090"])),
            price_per_hour=draw(st.sampled_from(["0.1", "0.2", "0.5"])),
        )
        for index in draw(st.sets(st.integers(0, replicas - 1), min_size=max(1, replicas - 1)))
    ]
    doubts = [intent(f"june/{n}", number=900 + n) for n in draw(st.sets(st.integers(0, replicas - 1), max_size=1))]
    market = [offer(n, price=draw(st.sampled_from(PRICES[:3]))) for n in range(1, draw(st.integers(1, replicas)) + 1)]
    since = {(row.id, "gpu.models"): NOW - 900 for row in rows}
    return spec, rows, record(*doubts, since=since), market


def named(plan):
    """The offers of rents that are due."""
    return [a.choice.candidate.offer.id for a in rents(plan) if due(a)]


@given(rollouts(), st.data())
@settings(thorough, max_examples=300)
def test_no_two_seats_that_are_due_are_promised_one_offer_whatever_of_the_plan_is_approved(world, data):
    spec, listed, before, market = world
    plan = whole([spec], listed, before, market, policy(rents_per_run=data.draw(st.sampled_from([None, 1, 2]))))
    assert len(named(plan)) == len(set(named(plan)))
    everything = envelope_of(plan)
    kept = data.draw(st.sets(st.sampled_from(sorted(everything.rents)))) if everything.rents else set()
    partly = replace(everything, rents={seat: everything.rents[seat] for seat in kept})
    done = within(plan, partly, Done())
    assert len(named(done)) == len(set(named(done)))
    assert {a.seat for a in done.actions() if not isinstance(a, Destroy)} <= kept


@given(rollouts())
@settings(thorough, max_examples=100)
def test_the_cost_counts_no_machine_twice(world):
    """What a later step is promised is counted as what it has: that is what goes to the next one in turn."""
    spec, listed, before, market = world
    plan = whole([spec], listed, before, market, policy())
    own = {a.choice.candidate.offer.id: a for a in rents(plan) if not a.choice.promised}
    assert len(own) == sum(not a.choice.promised for a in rents(plan))
    gone = {a.old.id for a in plan.actions() if isinstance(a, Destroy)} | {
        a.old.id for a in own.values() if isinstance(a, Replace)
    }
    stay = sum((rate_per_hour(row) for row in listed if row.id not in gone), Decimal(0))
    assert plan.cost.after == stay + sum(a.choice.candidate.price for a in own.values())


@given(**WORLDS)
@thorough
def test_no_more_is_destroyed_unasked_than_the_share_allows(specs, listed, before, market, rules):
    plan = whole(specs, listed, before, market, rules)
    for part in diff(specs, listed, before, rules=rules).fleets:
        unasked = [a for a in rents(plan) if a.fleet.name == part.fleet.name and isinstance(a, Replace) and not a.asked]
        assert len(unasked) <= max(1, 3 * len(part.members()) // 10)


@given(**WORLDS)
@thorough
def test_budgets_and_counts_hold_on_the_way_to_the_plan(specs, listed, before, market, rules):
    """Unless they were broken before, the peak of the plan keeps to them."""
    plan, limits = whole(specs, listed, before, market, rules), rules.limits
    difference = diff(specs, listed, before, rules=rules)
    spent = sum((committed(part) for part in difference.fleets), Decimal(0))
    added = sum((a.ceiling for a in rents(plan) if isinstance(a, Create)), Decimal(0))
    assert_within(limits, spent, added, len(rents(plan)))
    if limits.budget_per_hour is not None and spent <= limits.budget_per_hour:
        assert plan.cost.peak <= limits.budget_per_hour


def assert_within(limits: Limits, spent: Decimal, added: Decimal, count: int) -> None:
    if limits.budget_per_hour is not None and added:
        assert spent + added <= limits.budget_per_hour
    if limits.rents_per_run is not None:
        assert count <= limits.rents_per_run


@given(**WORLDS)
@thorough
def test_every_seat_and_every_instance_is_in_one_place(specs, listed, before, market, rules):
    difference = diff(specs, listed, before, rules=rules)
    found = [m.id for part in difference.fleets for m in part.members()]
    found += [m.id for m in difference.undeclared] + [i.id for _, i in difference.other_owned]
    found += [i.id for i in difference.unmanaged]
    assert sorted(found) == sorted(row.id for row in listed)
    for part in difference.fleets:
        assert [v.seat.index for v in part.seats] == list(range(part.fleet.replicas))


@given(specs=fleets(), market=markets(), rules=policies())
@thorough
def test_an_account_as_declared_leaves_nothing_to_do(specs, market, rules):
    number, listed = 100, []
    for spec in specs:
        for index in range(spec.replicas):
            listed.append(instance(f"{spec.name}/{index}", spec, id=(number := number + 1)))
    plan = whole(specs, listed, record(), market, rules)
    assert not plan.changes
    assert list(plan.refusals()) == []


@given(specs=fleets(), market=markets())
@thorough
def test_what_is_done_is_not_planned_again(specs, market):
    """Every rent of a plan carried out, the next plan has nothing left but what no offer fitted."""
    rules = policy()
    first = whole(specs, [], record(), market, rules)
    listed = [
        instance(str(a.seat), a.fleet, id=100 + n, machine_id=a.choice.candidate.offer.machine_id)
        for n, a in enumerate(rents(first))
    ]
    free = [o for o in market if o.machine_id not in {i.machine_id for i in listed}]
    second = whole(specs, listed, record(), free, rules)
    assert {a.seat for a in rents(second)} & {a.seat for a in rents(first)} == set()
    assert [a for a in second.actions() if isinstance(a, Destroy)] == []


def test_attempts_of_the_builders_are_distinct():
    texts = [attempt(n) for n in range(2000)]
    assert all(one != other for one, other in pairwise(sorted(texts)))
