"""When the next pass is, which fleets rest, who idles, what counts as trouble: tables over pure functions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

import pytest
from builders import NOW, diff, fleet, instance, money, offer, plans, record, seat

from reconciler.core.envelope import Done, envelope_of, within
from reconciler.core.history import MADE, Event
from reconciler.core.label import Seat
from reconciler.core.plan import Held, MarketSeen, Plan
from reconciler.core.planner import needs_of
from reconciler.core.report import Outcome
from reconciler.core.snapshot import BUCKETS_S, Durations, fleet_state, kept_counts
from reconciler.core.tally import counted, reason_of_destroy, reason_of_strike, reasons_of_rents
from reconciler.core.timing import Schedule, Window
from reconciler.core.unasked import unasked_lately, with_unasked
from reconciler.core.watching import (
    LONGEST_REST_S,
    Idle,
    asleep,
    backed_off_s,
    changed_fleets,
    held_back,
    idled,
    looked_for_anew,
    rested,
    scope_of,
    still_resting,
    troubled,
    unchanged,
    wait_s,
    without_offer,
)

MIDDLE = 0.5
"""The jitter that changes nothing."""


def plan(*specs, rows=(), market=(), **more) -> Plan:
    parts = plans(diff(specs or fleet(), rows), market)
    return Plan("default", 1, NOW, tuple(parts), **more)


@pytest.mark.parametrize(("jitter", "expected"), [(0.0, 54.0), (0.5, 60.0), (1.0, 66.0)])
def test_a_wait_is_the_interval_a_tenth_shorter_or_longer(jitter, expected):
    assert wait_s(60, jitter) == pytest.approx(expected)


BACK_OFF = {
    "at first the interval": (0, 60, 60),
    "doubled": (1, 60, 120),
    "and again": (4, 60, 960),
    "up to half an hour": (5, 60, LONGEST_REST_S),
    "however often": (10_000, 60, LONGEST_REST_S),
    "a long interval is its own bound": (3, 7200, 7200),
}


@pytest.mark.parametrize(("failures", "interval", "expected"), BACK_OFF.values(), ids=BACK_OFF.keys())
def test_back_off_doubles_up_to_a_bound(failures, interval, expected):
    assert backed_off_s(failures, interval, MIDDLE) == pytest.approx(expected)


def test_a_fleet_in_trouble_rests_longer_each_time_until_it_does_well():
    one = rested({}, {"june": "refused"}, ["june", "july"], NOW, 60, MIDDLE)
    assert still_resting(one, NOW + 119) == {"june"}
    assert still_resting(one, NOW + 121) == frozenset()
    two = rested(one, {"june": "refused"}, ["june"], NOW + 121, 60, MIDDLE)
    assert still_resting(two, NOW + 121 + 239) == {"june"}
    assert rested(two, {}, ["june"], NOW + 500, 60, MIDDLE) == {}
    assert rested(two, {}, ["july"], NOW + 200, 60, MIDDLE) == two


def test_a_changed_fleet_is_tried_at_once_and_one_that_is_gone_is_forgotten():
    before = [fleet("june"), fleet("july"), fleet("may")]
    assert unchanged(before, [fleet("june"), fleet("july", replicas=2)]) == {"june"}


def test_changes_of_the_specs_are_named():
    before, after = [fleet("june"), fleet("july")], [fleet("june", replicas=2), fleet("may")]
    assert changed_fleets(before, after) == {"added": ["may"], "changed": ["june"], "removed": ["july"]}


TROUBLE = {
    "a rent that was refused": ({"outcomes": [Outcome("refused", seat(), "bad image")]}, {"june": "bad image"}),
    "a fleet that was stopped": ({"stopped": ["june"]}, {"june": "its rents were refused"}),
    "a search that failed": ({"problems": ("fleet june: no answer",)}, {"june": "fleet june: no answer"}),
    "another fleet's search": ({"problems": ("fleet juneau: no answer",)}, {}),
    "a template that is gone": ({"held": Held("template", "no template", "")}, {"june": "no template"}),
    "a guard that holds": ({"held": Held("protect", "protected", "")}, {}),
    "a bid that lost": ({"outcomes": [Outcome("refused", seat(), "the bid lost", 5)]}, {}),
    "a higher bid that does not stand": ({"outcomes": [Outcome("refused", seat(), "was sent a bid", 100)]}, {}),
    "an offer that went": ({"outcomes": [Outcome("offer gone", seat(), "")]}, {}),
    "nothing": ({}, {}),
}


@pytest.mark.parametrize(("shown", "expected"), TROUBLE.values(), ids=TROUBLE.keys())
def test_what_counts_as_trouble_of_a_fleet(shown, expected):
    made = plan(problems=shown.get("problems", ()))
    if "held" in shown:
        made = replace(made, fleets=(replace(made.fleets[0], held=(shown["held"],)),))
    assert troubled(made, shown.get("outcomes", ()), shown.get("stopped", ())) == expected


def test_the_scope_is_every_seat_but_those_that_rest_or_idle():
    idles = {"june": Idle(frozenset({Seat("june", 1)}))}
    scope = scope_of([fleet("june", replicas=2), fleet("july")], {"july"}, idles)
    assert scope.rents == {Seat("june", 0): money("0.5")}
    assert scope.destroys == frozenset()


def test_the_scope_holds_whatever_a_schedule_wants_at_any_time():
    windows = (Window(frozenset({5}), 0, 1440, 3, "SAT"), Window(frozenset({6}), 0, 1440, 0, "SUN"))
    spec = fleet(replicas=1, schedule=Schedule(UTC, windows, 1))
    assert {at.index for at in scope_of([spec], ()).rents} == {0, 1, 2}


def test_a_scope_approves_nothing():
    made = plan(market=[offer()])
    assert [
        len(within(made, each, Done()).fleets[0].actions) for each in (envelope_of(made), scope_of([fleet()], ()))
    ] == [
        1,
        0,
    ]


def test_an_idle_seat_whose_instance_was_only_drifted_is_looked_for_where_it_fails():
    before, after = fleet(image="a:1"), fleet(image="a:2")
    for status, looked_for in {"running": [], "offline": [seat()], "outbid": [seat()]}.items():
        there = diff(after, [instance(spec=before)])
        made = Plan("default", 1, NOW, tuple(plans(there)))
        going_on = [v.seat for v in there.fleets[0].seats if v.goes_on]
        idles = idled({}, {}, made, NOW, 60, MIDDLE, going_on)
        assert (idles["june"].seats, idles["june"].going_on) == ({seat()}, {seat()})
        scope = scope_of([after], (), idles)
        now = diff(after, [instance(spec=before, status=status, interruptible=status == "outbid")])
        assert [need.seat for need in needs_of(now, scope.rents, if_failed=scope.if_failed)] == looked_for


def test_a_failed_seat_that_was_looked_for_in_vain_idles_like_any():
    idles = {"june": Idle(frozenset({seat()}), 1, NOW + 100, frozenset({seat()}))}
    after = idled(idles, {}, plan(), NOW, 60, MIDDLE)
    assert after == {"june": Idle(frozenset({seat()}), 1, NOW + 100)}
    assert scope_of([fleet()], (), after).rents == {}


def test_seats_are_looked_for_in_vain_without_an_offer_or_held_back_by_a_guard():
    assert (without_offer(plan()), held_back(plan())) == ({seat()}, frozenset())
    made = plan(market=[offer()])
    assert (without_offer(made), held_back(made)) == (frozenset(), frozenset())
    (part,) = made.fleets
    for guard in ("fleet budget", "unasked destroys", "rents per run"):
        held = replace(made, fleets=(replace(part, actions=(), held=(Held(guard, "", "", "june", part.actions),)),))
        assert (without_offer(held), held_back(held)) == (frozenset(), {seat()})


def test_what_a_guard_holds_back_stays_in_the_scope_and_is_looked_for_anew_after_a_while():
    idles = {"june": Idle(until=NOW + 100, held=frozenset({seat()}))}
    assert set(scope_of([fleet()], (), idles).rents) == {seat()}
    assert looked_for_anew(idles, NOW + 99) == frozenset()
    assert looked_for_anew(idles, NOW + 100) == {seat()}


def test_idle_seats_rest_so_long_that_the_rows_of_a_day_last():
    looked = plan(market=(), rows=())
    searched = replace(looked, market=MarketSeen(rows=320))
    idles = idled({}, {}, searched, NOW, 60, MIDDLE)
    assert idles["june"].seats == {seat()}
    looks_a_day = 86_400 / (idles["june"].until - NOW)
    assert looks_a_day * 320 <= 15_000
    again = idled({}, idles, looked, NOW, 60, MIDDLE)
    assert (again["june"].looks, again["june"].until - NOW) == (2, 120)
    assert idled({}, idles, plan(rows=[instance()]), NOW, 60, MIDDLE) == {}


def test_several_fleets_that_idle_share_the_rows_of_a_day():
    searched = replace(plan(fleet(), fleet("july")), market=MarketSeen(rows=320))
    for looks, shares in ((0, 1), (1, 2), (2, 3), (9, 3)):
        before = {name: Idle(looks=looks) for name in ("june", "july")}
        idles = idled({"may": Idle(until=NOW + 1)}, before, searched, NOW, 60, MIDDLE)
        looks_a_day = sum(86_400 / (idles[name].until - NOW) for name in ("june", "july"))
        assert looks_a_day * 320 == pytest.approx(15_000 * 2 / shares)


def test_a_look_at_a_part_of_a_fleet_adds_to_its_idle_seats_and_wakes_none():
    idles = {"june": Idle(frozenset({Seat("june", 3)}), 4, NOW + 100)}
    after = idled(idles, {}, plan(), NOW, 60, MIDDLE)
    assert after == {"june": Idle(frozenset({seat(), Seat("june", 3)}), 4, NOW + 100)}


def test_a_fleet_idles_for_itself():
    idles = {"june": Idle(looks=9, until=NOW + 1800), "july": Idle(looks=1, until=NOW)}
    assert asleep(idles, NOW).keys() == {"june"}
    after = idled(asleep(idles, NOW), {"july": idles["july"]}, plan(fleet(), fleet("july")), NOW, 60, MIDDLE)
    assert (after["june"].until, after["july"].until) == (NOW + 1800, NOW + 120)


def test_unasked_destroys_count_for_ten_minutes():
    kept = record()
    for at in (0, 300, 590):
        kept = with_unasked(kept, "june", NOW + at)
    kept = with_unasked(kept, "july", NOW + 590)
    assert unasked_lately(kept, NOW + 599) == {"june": 3, "july": 1}
    assert unasked_lately(kept, NOW + 600) == {"june": 2, "july": 1}
    assert unasked_lately(kept, NOW + 1190) == {}
    assert with_unasked(kept, "may", NOW + 1000).unasked == {
        "june": (NOW + 590,),
        "july": (NOW + 590,),
        "may": (NOW + 1000,),
    }


REASONS = {
    "replicas 4 -> 3": "surplus",
    "replaced by instance 7: container.image a:1 -> a:2": "superseded",
    "instance 7 is offline": "unhealthy",
    "instance 7 was stopped by someone": "unhealthy",
    "instance 7 failed": "unhealthy",
    "pruned": "ended",
    "the fleet is destroyed": "ended",
    "over its cap: price.max_per_hour 0.5 -> 0.6": "not_as_ordered",
    "ordered on-demand, came back interruptible": "not_as_ordered",
    "the bid lost: somebody bids more": "outbid",
    "instance 7 lost its bid at 20 Nov 10:06": "outbid",
    "replace.cheaper: it was not ready in time, instance 7 stays": "unhealthy",
    "replace.cheaper saves $36.00 a month, 20 %": "superseded",
    "refused but created: no": "not_as_ordered",
    "container.image a:1 -> a:2": "drift",
}


@pytest.mark.parametrize(("text", "expected"), REASONS.items())
def test_reasons_of_destroys_have_few_classes(text, expected):
    assert reason_of_destroy(text) == expected


STRIKES = {
    "machine 7: not ready in 20m: still loading": "never_ready",
    "machine 7: unable to start: no gpu": "never_ready",
    "machine 7: not ready again in 20m: still loading": "unready",
    "machine 7: unready: ssh: timed out": "unready",
    "machine 7: exited": "died",
    "machine 7: offline": "died",
    "machine 7: unknown": "died",
}


@pytest.mark.parametrize(("text", "expected"), STRIKES.items())
def test_reasons_of_strikes_have_few_classes(text, expected):
    assert reason_of_strike(text) == expected


def test_events_are_counted_by_fleet_and_reason():
    events = [
        Event(NOW, "rented", "june", 0, 1, "1x RTX 3060"),
        Event(NOW, "destroyed", "june", 0, 1, "instance 1 is offline"),
        Event(NOW, "leak opened", "june", 0, 1, "told to go and not proven gone: replicas 2 -> 1"),
        Event(NOW, "held back", "june", text="protect: fleet june is protected"),
        Event(NOW, "doubtful", "june", 0, None, "offer 1: no answer"),
        Event(NOW, "doubtful", "june", 0, 1, "destroy of instance 1: no answer"),
        Event(NOW, "settled", "june", 0, 2, MADE),
        Event(NOW, "settled", "june", 0, None, "the rent in doubt was never made"),
        Event(NOW, "vanished", "july", 0, 1),
        Event(NOW, "strike", "june", 0, 1, "machine 7: offline"),
        Event(NOW, "ready", "june", 0, 1),
    ]
    assert dict(counted(events, reasons_of_rents(plan(market=[offer()])))) == {
        ("rents", "june", "new"): 2,
        ("destroys", "june", "unhealthy"): 1,
        ("leaks", "june", "surplus"): 1,
        ("refusals", "june", "protect"): 1,
        ("rents_failed", "june", "doubtful"): 1,
        ("vanished", "july", ""): 1,
        ("strikes", "june", "died"): 1,
    }
    assert set(kept_counts(counted(events, {}), ["july"])) == {("vanished", "july", "")}


def test_the_seats_of_all_states_add_up():
    spec = fleet(replicas=7)
    states = {0: "running", 1: "loading", 2: "offline", 3: "stopped", 6: "outbid"}
    rows = [
        instance(f"june/{n}", spec, id=100 + n, status=status, interruptible=status == "outbid")
        for n, status in states.items()
    ]
    (part,) = diff(spec, rows).fleets
    found = fleet_state(part, {Seat("june", 5)})
    assert (found.ready, found.pending, found.unhealthy, found.held, found.unfilled) == (1, 2, 1, 1, 1)
    assert (found.outbid, found.desired) == (1, 7)


OLD, NEW = fleet(image="a:1"), fleet(image="a:2")
REPLACED = {
    # the old one, whether the new one boots beside it, whether it is rented in this pass, who was told to go, the state
    "in the pass that rents the new one": ("running", False, True, [], "ready"),
    "while the new one boots": ("running", True, False, [], "ready"),
    "where the old one goes first": ("running", False, True, [100], "pending"),
    "once the old one was told to go": ("running", True, False, [100], "pending"),
    "where the old one is dead": ("offline", True, False, [], "pending"),
    "where the old one boots too": ("loading", True, False, [], "pending"),
}


@pytest.mark.parametrize(("status", "boots", "rented", "gone", "state"), REPLACED.values(), ids=REPLACED.keys())
def test_a_seat_whose_old_instance_serves_is_ready(status, boots, rented, gone, state):
    rows = [instance(spec=OLD, status=status), *([instance(spec=NEW, id=101, status="loading")] if boots else [])]
    (part,) = diff(NEW, rows).fleets
    found = fleet_state(part, [seat()] if rented else [], gone)
    assert (found.ready, found.pending) == ((1, 0) if state == "ready" else (0, 1))


def test_durations_fall_into_every_bucket_that_bounds_them():
    found = Durations().plus(0.5).plus(45.0).plus(5000.0)
    assert (found.count, found.total_s) == (3, 5045.5)
    assert dict(zip(BUCKETS_S, found.within, strict=True)) | {} == {b: (b >= 1) + (b >= 60) for b in BUCKETS_S}
