"""What the history says of strikes, read off the record before and after."""

from __future__ import annotations

from builders import NOW, label, record, seat

from reconciler.core.blaming import forgiven_by_word, struck_by
from reconciler.core.faults import Fault
from reconciler.core.label import read_label
from reconciler.core.strikes import Strike, StrikeRules
from reconciler.core.striking import failed, with_strike

RULES = StrikeRules()
MARK = read_label(label(), "default")


def told(before, after):
    return [(event.kind, event.text, event.instance_id) for event in struck_by(before, after, seat(), 100, NOW)]


def never_ready(before, machine, at=NOW):
    return failed(before, MARK, machine, Fault("not ready in 20m: ssh: no banner", at - 1, 0.0, True), RULES, at)


def test_a_strike_is_told_with_its_machine_and_its_cause():
    assert told(record(), never_ready(record(), 7)) == [
        ("strike", "machine 7: not ready in 20m: ssh: no banner", 100),
    ]


def test_a_further_strike_of_a_machine_is_told_and_the_first_one_is_not_told_again():
    once = with_strike(record(), 7, Strike(NOW - 99, "offline"), RULES)
    assert [text for _, text, _ in told(once, never_ready(once, 7))] == ["machine 7: not ready in 20m: ssh: no banner"]
    assert told(once, once) == []


def test_strikes_that_are_taken_back_are_told_once_the_spec_is_found_at_fault():
    first = never_ready(record(), 7, NOW - 99)
    assert told(first, never_ready(first, 8)) == [("forgiven", "machine 7: the spec fails on other machines too", None)]


def test_strikes_that_have_grown_old_go_in_silence():
    old = with_strike(record(), 7, Strike(NOW - 40 * 86_400, "offline"), RULES)
    for machine in (7, 8):
        assert [kind for kind, _, _ in told(old, never_ready(old, machine))] == ["strike"]


def test_what_a_person_forgives_is_told():
    event = forgiven_by_word(7, 2, NOW)
    assert (event.kind, event.where, event.text) == ("forgiven", "", "machine 7: 2 strikes, by a person")
