"""A destroy that had no effect leaves nothing behind; and when what nobody asked for counts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import NOW, known, label, money, record, seat

from reconciler.core.aside import set_aside
from reconciler.core.blaming import struck_by
from reconciler.core.faults import Fault
from reconciler.core.label import read_label
from reconciler.core.record import Leaving, with_leaving, with_sent
from reconciler.core.replacing import with_emptied, with_replacement
from reconciler.core.strikes import Strike, StrikeRules
from reconciler.core.striking import failed, with_strike, with_waste
from reconciler.core.unasked import goes_now, unasked_lately, with_unasked, without_unasked
from reconciler.core.unsent import never_sent, unblamed

JUNE = seat()
MARK = read_label(label(), "default")
RULES = StrikeRules()
ITEM = Leaving(100, JUNE, NOW, "instance 100 is offline", money("0.2"), None, "offline", NOW)
LOADING = Fault("not ready in 20m: still loading", NOW - 1200, 0.0, booting=True)
OFFLINE = Fault("offline", NOW - 600, 0.0)
TRACES = {
    "the destroy itself": lambda r: r,
    "a strike": lambda r: failed(r, MARK, 7, OFFLINE, RULES, NOW),
    "a strike and a failure of its spec": lambda r: failed(r, MARK, 7, LOADING, RULES, NOW),
    "that its seat was emptied": lambda r: with_emptied(r, JUNE, NOW),
    "waste": lambda r: with_waste(r, JUNE, NOW - 60, money("0.2"), NOW),
    "that nobody asked for it": lambda r: with_unasked(r, "june", NOW),
    "a machine set aside": lambda r: set_aside(r, 7, JUNE, "over its cap", NOW),
}


def bare(found):
    """The record without what is there and empty."""
    return replace(
        found,
        debuts={key: each for key, each in found.debuts.items() if each.failures},
        wasted={at: items for at, items in found.wasted.items() if items},
        unasked={name: times for name, times in found.unasked.items() if times},
    )


@pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES.keys())
@pytest.mark.parametrize("older", [False, True], ids=["nothing before", "others before, of another seat and time"])
def test_nothing_stays_of_a_destroy_that_was_never_sent(trace, older):
    before = record(known(100))
    if older:
        before = with_strike(before, 7, Strike(NOW - 9, "exited", "june/1"), RULES)
        before = with_strike(before, 8, Strike(NOW, "offline", "june/1"), RULES)
        before = with_unasked(with_emptied(before, seat("june/1"), NOW), "june", NOW - 1)
        before = with_waste(before, seat("june/1"), NOW - 60, money("0.3"), NOW)
        before = set_aside(before, 7, seat("june/1"), "over its cap", NOW)
    after = with_leaving(trace(before), ITEM)
    assert after != before
    assert bare(never_sent(after, ITEM, 7)) == before


def test_the_history_says_that_the_machine_is_forgiven():
    before = record(known(100))
    after = failed(before, MARK, 7, OFFLINE, RULES, NOW)
    assert [each.kind for each in struck_by(before, after, JUNE, 100, NOW)] == ["strike"]
    assert [(e.kind, e.where, e.text) for e in unblamed(after, ITEM, NOW + 6)] == [
        ("forgiven", "june/0", "machine 7: instance 100 stays")
    ]
    assert unblamed(before, ITEM, NOW + 6) == ()


# --- what is known of a request -----------------------------------------------------------------------


def test_a_request_is_in_doubt_until_it_is_known_to_have_left():
    written = with_leaving(record(), ITEM)
    assert written.leaving[100].in_doubt_at == NOW
    assert with_sent(written, {100}).leaving[100].in_doubt_at is None
    assert with_sent(written, {101}) is written


def test_what_has_left_once_is_in_doubt_no_more():
    again = replace(ITEM, since=NOW + 60, fault="", in_doubt_at=NOW + 60)
    sent = with_leaving(with_sent(with_leaving(record(), ITEM), {100}), again).leaving[100]
    assert (sent.since, sent.fault, sent.in_doubt_at) == (NOW, "offline", None)


def test_what_may_have_left_is_in_doubt_from_the_last_time_on():
    again = replace(ITEM, since=NOW + 60, fault="", in_doubt_at=NOW + 60)
    doubted = with_leaving(with_leaving(record(), ITEM), again).leaving[100]
    assert (doubted.since, doubted.fault, doubted.in_doubt_at) == (NOW, "offline", NOW + 60)


# --- what counts in ten minutes -----------------------------------------------------------------------


def test_a_successor_counts_from_its_rent_and_then_from_the_end_of_the_old_one():
    rented = with_unasked(with_replacement(record(), JUNE, NOW - 500), "june", NOW - 500)
    gone = goes_now(rented, JUNE, NOW)
    assert unasked_lately(gone, NOW) == {"june": 1}
    assert unasked_lately(gone, NOW + 599) == {"june": 1}


def test_one_that_took_long_to_boot_counts_when_the_old_one_goes():
    assert unasked_lately(goes_now(with_replacement(record(), JUNE, NOW - 900), JUNE, NOW), NOW) == {"june": 1}


def test_a_refused_rent_takes_its_own_count_back_and_no_other():
    twice = with_unasked(with_unasked(record(), "june", NOW), "june", NOW)
    assert unasked_lately(without_unasked(twice, "june", NOW), NOW) == {"june": 1}
    assert without_unasked(twice, "june", NOW - 1) is twice
    assert without_unasked(twice, "july", NOW) is twice
