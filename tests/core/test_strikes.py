"""What gives a machine a strike, how long it is out, and when that is forgotten."""

from __future__ import annotations

import pytest
from builders import DAY_S, HOUR_S, NOW, bans, fleet, judged, label, money, offer, record, seat

from reconciler.core.bans import bans_of
from reconciler.core.debut import Debut
from reconciler.core.drift import dynamic_drift
from reconciler.core.faults import Fault
from reconciler.core.label import read_label
from reconciler.core.lost import freed
from reconciler.core.model import Policy
from reconciler.core.strikes import Strike, StrikeRules, struck, time_out_s
from reconciler.core.striking import failed, forgiven, wasted_of, with_strike, with_waste

RULES = StrikeRules()
MARK = read_label(label(), "default")
KEY = ("june", MARK.spec_hash)

TIMES = {
    "none": (0, RULES, 0),
    "the first": (1, RULES, DAY_S),
    "the second doubles": (2, RULES, 2 * DAY_S),
    "the third doubles again": (3, RULES, 4 * DAY_S),
    "never longer than at_most": (9, RULES, 14 * DAY_S),
    "however many": (10**6, RULES, 14 * DAY_S),
    "one is not enough": (1, StrikeRules(after=2), 0),
    "two are": (2, StrikeRules(after=2), DAY_S),
    "without doubling": (5, StrikeRules(doubling=False), DAY_S),
}


@pytest.mark.parametrize(("number", "rules", "expected"), TIMES.values(), ids=TIMES.keys())
def test_how_long_a_machine_is_out(number, rules, expected):
    assert time_out_s(number, rules) == expected


def out(*ages_s, rules=RULES):
    """Until when machine 7 is out, seen from now, after strikes so long ago."""
    found = struck({7: tuple(Strike(NOW - age, "offline") for age in ages_s)}, rules, NOW)
    return found[7].until - NOW if found else None


def test_a_machine_is_out_from_its_last_strike_on():
    assert out(HOUR_S) == 23 * HOUR_S
    assert out(DAY_S) is None
    assert out(3 * DAY_S, HOUR_S) == 47 * HOUR_S


def test_an_old_strike_is_forgotten():
    assert out(27 * DAY_S, HOUR_S) == 47 * HOUR_S
    assert out(28 * DAY_S, HOUR_S) == 23 * HOUR_S


def test_what_is_forgotten_is_kept_of_no_machine():
    old, young = Strike(NOW - 28 * DAY_S, "offline"), Strike(NOW - HOUR_S, "offline")
    before = record(strikes={7: (old,), 8: (old, young), 9: (old,)})
    assert with_strike(before, 7, Strike(NOW, "x"), RULES).strikes == {7: (Strike(NOW, "x"),), 8: (young,)}


def fault(kind, *, booting=False, blames=True):
    return Fault(kind, NOW - 60, 0.0, booting, blames)


GIVEN = {
    "never ready": (fault("not ready in 20m: still loading", booting=True), True),
    "a host that cannot start it": (fault("unable to start: no gpu", booting=True), True),
    "an image that is not there": (fault("unable to start: image not found", booting=True, blames=False), False),
    "offline": (fault("offline"), True),
    "exited by itself": (fault("exited"), True),
    "its ssh is dead": (fault("unready: ssh: timed out"), True),
    "it lied about its GPUs": (fault("unready: gpu: gpu missing"), True),
    "its driver is older than rented": (fault("unready: gpu: wrong driver"), True),
    "its program fails": (fault("unready: http 8000/: http 503", blames=False), False),
    "stopped by someone": (fault("stopped"), False),
    "its contract ended": (fault("expired"), False),
    "a rival bid more": (fault("outbid"), False),
    "a report that does not count yet": (Fault("offline", NOW - 60, 540.0), False),
}


@pytest.mark.parametrize(("why", "given"), GIVEN.values(), ids=GIVEN.keys())
def test_what_gives_a_strike(why, given):
    after = failed(record(debuts={KEY: Debut(proved=True)}), MARK, 7, why, RULES, NOW)
    assert after.strikes == ({7: (Strike(NOW, why.kind, "june/0"),)} if given else {})


def test_a_machine_nobody_knows_gets_none():
    assert failed(record(), MARK, None, fault("offline"), RULES, NOW) == record()


def test_the_same_cause_on_two_machines_is_the_specs_and_takes_their_strikes_back():
    why = fault("not ready in 20m: ssh: no banner", booting=True)
    first = failed(with_strike(record(), 7, Strike(NOW - 99, "offline"), RULES), MARK, 7, why, RULES, NOW)
    assert [strike.reason for strike in first.strikes[7]] == ["offline", why.kind]
    second = failed(first, MARK, 8, why, RULES, NOW + 60)
    assert second.strikes == {7: (Strike(NOW - 99, "offline"),)}
    assert [failure.machine_id for failure in second.debuts[KEY].failures] == [7, 8]


def test_two_machines_that_fail_each_in_its_way_keep_their_strikes():
    one, two = (fault(f"not ready in 20m: {why}", booting=True) for why in ("still loading", "ssh: no banner"))
    after = failed(failed(record(), MARK, 7, one, RULES, NOW), MARK, 8, two, RULES, NOW)
    assert sorted(after.strikes) == [7, 8]


def test_a_dead_host_is_no_failure_of_the_spec():
    after = failed(record(), MARK, 7, fault("offline", booting=True), RULES, NOW)
    assert (sorted(after.strikes), after.debuts) == ([7], {})


def test_a_proved_spec_is_debuting_no_more():
    before = record(debuts={KEY: Debut(proved=True)})
    after = failed(before, MARK, 7, fault("not ready in 20m: still loading", booting=True), RULES, NOW)
    assert after.debuts == before.debuts


def test_forgiving_forgets_all_strikes_of_one_machine():
    both = with_strike(with_strike(record(), 7, Strike(NOW, "a"), RULES), 8, Strike(NOW, "b"), RULES)
    assert sorted(forgiven(both, 7).strikes) == [8]


def test_a_struck_machine_is_refused_by_name_until_a_moment():
    before = with_strike(record(), 7, Strike(NOW, "not ready in 20m: still loading", "june/0"), RULES)
    shared = bans_of(Policy(), before, NOW)
    (candidate,) = judged(fleet(), [offer(machine_id=7)], shared)
    (refusal,) = candidate.refusals
    assert (refusal.rule, refusal.detail) == (
        "strikes",
        "struck until 2026-11-21 12:00 UTC: not ready in 20m: still loading",
    )
    (other,) = judged(fleet(), [offer(machine_id=8)], shared)
    assert other.eligible


def test_the_policys_own_blacklist_holds_beside_strikes():
    shared = bans_of(Policy(blacklist=bans(9)), with_strike(record(), 7, Strike(NOW, "x"), RULES), NOW)
    refused = [c.refusals[0].rule for c in judged(fleet(), [offer(1, machine_id=7), offer(2, machine_id=9)], shared)]
    assert sorted(refused) == ["blacklist.machines", "strikes"]


def test_a_strike_condemns_nothing_that_runs():
    from builders import instance

    shared = bans_of(Policy(), with_strike(record(), 7, Strike(NOW, "x"), RULES), NOW)
    assert dynamic_drift(fleet(), instance(machine_id=7), shared, NOW) == ()


# --- money ----------------------------------------------------------------------------------------


def test_what_was_never_ready_is_counted_in_dollars_for_a_day():
    once = with_waste(record(), seat(), NOW - HOUR_S, money("0.3"), NOW)
    twice = with_waste(once, seat(), NOW + HOUR_S, money("0.3"), NOW + 2 * HOUR_S)
    assert (wasted_of(once, seat(), NOW), wasted_of(twice, seat(), NOW + 2 * HOUR_S)) == (money("0.3"), money("0.6"))
    assert wasted_of(twice, seat(), NOW + DAY_S) == money("0.3")
    assert wasted_of(twice, seat("june/1"), NOW) == 0


def test_a_freed_seat_counts_anew():
    assert freed(with_waste(record(), seat(), NOW - 60, money("9"), NOW), seat()).wasted == {}
