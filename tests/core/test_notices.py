"""Told once when it begins and once when it ends: what is an incident, how long nobody hears of it, what is said."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from builders import NOW, diff, fleet, instance, intent, known, leaving, plans, record, seat

from reconciler.core.envelopes import body_of, escaped
from reconciler.core.evidence import Vanished
from reconciler.core.health import Health
from reconciler.core.incidents import Letter
from reconciler.core.notices import Noticing, failed, noticed
from reconciler.core.notify import NOTICE_KINDS, Notify, Webhook
from reconciler.core.outbox import LETTERS_KEPT, PATIENCE_S
from reconciler.core.plan import Cost, Held, Plan
from reconciler.core.record import Record
from reconciler.core.traces import Outside

D = Decimal
OPS = Noticing(Notify((Webhook("OPS"),)))
MINUTE = 60.0


def seen(
    before: Record,
    *rows,
    spec=None,
    at: float = 0.0,
    whole: bool = True,
    unseen=(),
    noticing: Noticing = OPS,
    vanished=(),
    cost: Cost | None = None,
    held=(),
    faults=None,
) -> Record:
    """The record after a good pass `at` seconds from noon that lists `rows`."""
    now = NOW + at
    spec = spec or fleet()
    since = {(i, kind): NOW + since for (i, kind), since in (faults or {}).items()}
    difference = diff(spec, rows, replace(before, warm=True, since=since), now=now)
    parts = tuple(replace(part, held=tuple(held)) for part in plans(difference))
    plan = Plan("default", 1, now, parts, cost=cost or Cost(D(0), D(0), D(0)))
    return noticed(replace(before, warm=True), plan, difference, vanished, noticing, whole=whole, unseen=unseen)


def told(after: Record, before: Record | None = None) -> list[str]:
    """The texts that were put into the outbox."""
    old = before.outbox if before else ()
    return [letter.text for letter in after.outbox if letter not in old]


DEAD = instance(status="offline", id=100)
LONG_DEAD = {(100, "offline"): -700.0}


def test_without_a_webhook_nothing_is_remembered():
    assert seen(record(), DEAD, faults=LONG_DEAD, noticing=Noticing()) == record()


def test_a_host_within_its_grace_is_nobodys_business():
    assert told(seen(record(), DEAD, faults={(100, "offline"): -300.0})) == []


def test_a_dead_host_is_told_once_and_again_when_it_is_replaced():
    first = seen(record(), DEAD, faults=LONG_DEAD)
    assert told(first) == ["june/0: host dead 11:48 UTC, instance 100 is offline"]
    again = seen(first, DEAD, at=10 * MINUTE, faults=LONG_DEAD)
    booting = seen(again, instance(id=101, status="loading"), at=12 * MINUTE)
    assert booting.outbox == first.outbox
    after = seen(booting, instance(id=101, price_per_hour="0.26"), at=15 * MINUTE)
    assert told(after, first) == ["june/0: replaced 12:15 UTC, 27 min, +$0.01/h, instance 101"]
    assert after.incidents == {}
    assert after.outbox[-1].change_per_hour == D("0.01")


def test_a_host_that_comes_back_has_recovered():
    first = seen(record(), DEAD, faults=LONG_DEAD)
    after = seen(first, instance(id=100), at=MINUTE)
    assert told(after, first) == ["june/0: recovered 12:01 UTC, 13 min, instance 100"]


def test_an_instance_that_vanished_is_told_until_another_one_is_ready():
    gone = Vanished(100, seat(), NOW - 300)
    first = seen(record(), vanished=[gone])
    assert told(first) == ["june/0: host dead 12:00 UTC, instance 100 vanished, last seen 11:55 UTC"]
    empty = seen(first, at=10 * MINUTE)
    after = seen(empty, instance(id=101), at=20 * MINUTE)
    assert told(after, first) == ["june/0: replaced 12:20 UTC, 20 min, instance 101"]


ALARM = Health(NOW - 900, NOW - 600, NOW, NOW, "fail", "ssh: host key changed")


def test_another_host_key_is_told_at_once_and_again_when_it_is_over():
    alarmed = record(known(), health={100: ALARM})
    first = seen(alarmed, instance())
    assert told(first) == ["june/0: down 12:00 UTC, instance 100 has another SSH host key than the first time"]
    assert seen(first, instance(), at=MINUTE).outbox == first.outbox
    passing = replace(first, health={100: Health(NOW - 900, NOW, None, NOW + 60, "pass")})
    after = seen(passing, instance(), at=2 * MINUTE)
    assert told(after, first) == ["june/0: recovered 12:02 UTC, 2 min, instance 100"]


def test_any_other_failure_of_a_check_has_its_grace():
    refused = record(known(), health={100: replace(ALARM, cause="ssh: connection refused")})
    assert told(seen(refused, instance())) == []
    assert told(seen(refused, instance(), at=10 * MINUTE)) == [
        "june/0: down 12:00 UTC, instance 100 is unready: ssh: connection refused"
    ]


EMPTIED = {
    "it vanished in a pass that looked at other fleets": (
        {"outside": {100: Outside(100, seat(), NOW - 300)}},
        ["june/0: host dead 11:55 UTC, instance 100 vanished"],
    ),
    "it was refused or over its cap, and went at once": ({}, []),
    "so it was, after another seat had lost its own": ({"outside": {7: Outside(7, seat("june/1"), NOW - 300)}}, []),
}


@pytest.mark.parametrize(("outside", "texts"), EMPTIED.values(), ids=EMPTIED.keys())
def test_an_emptied_seat_has_a_dead_host_only_where_an_instance_vanished(outside, texts):
    assert told(seen(record(emptied={seat(): NOW - 60}, **outside))) == texts


def test_a_duplicate_that_vanished_beside_a_ready_one_is_no_incident():
    assert told(seen(record(), instance(id=99), vanished=[Vanished(100, seat(), NOW - 300)])) == []


def test_a_seat_that_is_not_wanted_any_more_ends_its_incident():
    spec = fleet(replicas=2)
    first = seen(record(), instance("june/1", spec, id=100, status="offline"), spec=spec, faults=LONG_DEAD)
    after = seen(first, spec=fleet(replicas=1), at=MINUTE)
    assert "june/1: not wanted any more 12:01 UTC, 13 min" in told(after, first)


def test_a_paused_fleet_neither_begins_nor_ends_anything():
    first = seen(record(), DEAD, faults=LONG_DEAD)
    paused = fleet(paused=True)
    assert seen(first, instance(id=100), spec=paused, at=MINUTE).incidents == first.incidents
    assert told(seen(record(), DEAD, spec=paused, faults=LONG_DEAD)) == []


def test_a_fleet_that_this_run_does_not_plan_stays_as_it_was_unless_all_are_planned():
    first = seen(record(), DEAD, faults=LONG_DEAD)
    other = fleet("july")
    assert "down/june/0" in seen(first, spec=other, at=MINUTE).incidents
    assert "down/june/0" not in seen(first, spec=other, at=MINUTE, noticing=replace(OPS, complete=True)).incidents


GUARD = Held("protect", "fleet june is protected", "--max-destroys 1", "june")
LASTING = {
    "below min_ready": ({}, "below_min_ready", "june: 0 of at least 1 ready since 12:00 UTC, none is booting"),
    "a guard": ({"held": [GUARD]}, "held_back", "june: held back by protect: fleet june is protected;"),
}


@pytest.mark.parametrize(("shown", "kind", "text"), LASTING.values(), ids=LASTING.keys())
def test_what_may_end_by_itself_is_told_once_it_has_lasted(shown, kind, text):
    first = seen(record(), **shown)
    early = seen(first, at=PATIENCE_S[kind] - 1, **shown)
    assert not any(letter.kind == kind for letter in early.outbox)
    late = seen(early, at=PATIENCE_S[kind], **shown)
    assert [x.text.startswith(text) for x in late.outbox if x.kind == kind] == [True]
    ended = seen(late, instance(), at=PATIENCE_S[kind] + 1)
    assert [x.ends for x in ended.outbox if x.kind == kind] == [False, True]


@pytest.mark.parametrize(("shown", "kind", "text"), LASTING.values(), ids=LASTING.keys())
def test_what_ended_before_it_was_told_is_never_told(shown, kind, text):
    first = seen(record(), **shown)
    after = seen(first, instance(), at=PATIENCE_S[kind] + 1)
    assert [x for x in after.outbox if x.kind == kind] == []


def test_only_a_pass_that_looked_at_every_seat_shows_that_a_guard_lets_go():
    first = seen(record(), instance(), held=[GUARD])
    assert "held/protect/june" in seen(first, instance(), at=1, whole=False).incidents
    assert "held/protect/june" in seen(first, instance(), at=1, unseen={"june"}).incidents
    assert "held/protect/june" not in seen(first, instance(), at=1, unseen={"july"}).incidents


def frozen(at: str) -> Held:
    return Held("frozen seat", f"{at} is frozen", f"reconcile free {at}", "june", seat=seat(at))


def test_each_seat_that_a_guard_holds_is_told_and_when_it_is_free():
    first = seen(record(), held=[frozen("june/0")])
    one = seen(first, held=[frozen("june/0"), frozen("june/1")], at=10 * MINUTE)
    both = seen(one, held=[frozen("june/0"), frozen("june/1")], at=20 * MINUTE)
    rest = seen(both, held=[frozen("june/1")], at=21 * MINUTE)
    of_guards = [letter for letter in rest.outbox if letter.kind == "held_back"]
    assert [(letter.index, letter.ends) for letter in of_guards] == [(0, False), (1, False), (0, True)]
    assert of_guards[1].text == ("june/1: held back by frozen seat: june/1 is frozen; lifted by: reconcile free june/1")


def test_a_fleet_of_which_nobody_can_tell_any_more_is_told_and_when_that_is_over():
    blind = {100: Health(NOW - 900, NOW - 600, None, NOW, "cannot tell", "ssh: no key")}
    first = seen(record(known(), health=blind), instance())
    assert told(first) == []
    later = seen(first, instance(), at=15 * MINUTE)
    text = "june: whether an instance that was ready still is cannot be told: ssh: no key; nothing is replaced for it"
    assert told(later, first) == [text]
    assert told(seen(later, instance(), at=20 * MINUTE), later) == []
    sighted = replace(later, health={100: Health(NOW - 900, NOW - 600, None, NOW, "pass")})
    assert told(seen(sighted, instance(), at=25 * MINUTE), later) == [f"{text} - over 12:25 UTC"]


OPEN_MONEY = {
    "a leak": (leaving(age_s=500), "leak", "june/0: instance 100 was told to go 11:51 UTC and is not proven gone"),
    "a doubt": (intent(age_s=800), "doubt", "june/0: a rent is in doubt since 11:46 UTC, up to $0.300/h"),
}


@pytest.mark.parametrize(("item", "kind", "text"), OPEN_MONEY.values(), ids=OPEN_MONEY.keys())
def test_money_at_risk_is_told_once_it_has_lasted_and_when_it_is_over(item, kind, text):
    first = seen(record(item))
    assert first.outbox == ()
    late = seen(first, at=5 * MINUTE)
    assert [x.text[: len(text)] for x in late.outbox if x.kind == kind] == [text]
    over = seen(replace(late, leaving={}, intents={}), instance(), at=6 * MINUTE)
    assert [x.ends for x in over.outbox if x.kind == kind] == [False, True]


def credit(dollars: str) -> Cost:
    return Cost(D(1), D(1), D(1), credit=D(dollars))


def test_short_credit_is_told_at_once_and_ends_with_some_room():
    first = seen(record(), instance(), cost=credit("20"))
    assert told(first) == ["the credit of $20.00 lasts 20 hours at $1.000/h"]
    assert seen(first, instance(), cost=credit("25"), at=1).outbox == first.outbox
    assert seen(first, instance(), cost=Cost(D(1), D(1), D(1)), at=1).outbox == first.outbox
    assert len(seen(first, instance(), cost=credit("27"), at=1).outbox) == 2


def test_short_credit_names_the_rate_of_the_whole_account():
    short = seen(record(), instance(), cost=replace(credit("20"), besides=D("0.25")))
    assert told(short) == ["the credit of $20.00 lasts 16 hours at $1.250/h"]


def test_failing_passes_are_told_when_they_last_and_when_they_are_good_again():
    one = failed(record(), "the list is torn", OPS, NOW)
    assert one.outbox == ()
    two = failed(one, "no answer", OPS, NOW + 600)
    assert told(two) == ["passes fail since 12:00 UTC: the list is torn"]
    good = seen(two, instance(), at=660)
    assert told(good, two) == ["passes are good again since 12:11 UTC, 11 min later"]
    assert seen(one, instance(), at=60).outbox == ()


def test_each_webhook_gets_the_kinds_it_asks_for():
    two = Noticing(Notify((Webhook("OPS", on=("leak",)), Webhook("CHAT", on=("down", "credit")))))
    after = seen(record(leaving(99, age_s=3600)), DEAD, faults=LONG_DEAD, noticing=two)
    assert sorted((letter.to, letter.kind) for letter in after.outbox) == [("CHAT", "down"), ("OPS", "leak")]


def test_letters_to_a_webhook_that_is_gone_or_a_day_old_are_dropped_and_their_number_is_bounded():
    old = Letter("OPS", NOW - 90_000, "down", False, NOW, "old")
    other = Letter("GONE", NOW, "down", False, NOW, "other")
    assert seen(replace(record(), outbox=(old, other)), instance()).outbox == ()
    many = letters("OPS", LETTERS_KEPT + 50)
    assert seen(replace(record(), outbox=many), DEAD, faults=LONG_DEAD).outbox == many[50:]


def letters(to: str, number: int) -> tuple[Letter, ...]:
    """Letters that wait."""
    return tuple(Letter(to, NOW, "down", False, NOW, str(n)) for n in range(number))


def carried(after: Record) -> tuple[Record, list[str]]:
    """The record once all letters have arrived, and where each begins."""
    return replace(after, outbox=()), [letter.text.split(":")[0] for letter in after.outbox]


def test_in_a_mass_outage_every_seat_is_told_and_its_end_too():
    spec = fleet(replicas=LETTERS_KEPT + 60)
    seats = [f"june/{n}" for n in range(spec.replicas)]
    dead = [instance(at, spec, id=n, status="offline") for n, at in enumerate(seats, 1)]
    alive = [instance(at, spec, id=n) for n, at in enumerate(seats, 1)]
    faults = {(row.id, "offline"): -700.0 for row in dead}
    now, begun, ended = record(), [], []
    for minute in range(3):
        now, texts = carried(seen(now, *dead, spec=spec, faults=faults, at=minute * MINUTE))
        assert len(texts) <= LETTERS_KEPT
        begun += texts
    for minute in range(3, 6):
        now, texts = carried(seen(now, *alive, spec=spec, at=minute * MINUTE))
        ended += texts
    assert (sorted(begun), sorted(ended)) == (sorted(seats), sorted(seats))
    assert now.incidents == {}


def test_what_finds_no_room_is_told_by_a_later_pass_and_never_where_it_is_over_by_then():
    full = replace(record(), outbox=letters("OPS", LETTERS_KEPT))
    waits = seen(full, DEAD, faults=LONG_DEAD)
    assert (told(waits, full), waits.incidents["down/june/0"].told) == ([], False)
    assert told(seen(waits, instance(), at=MINUTE), full) == []
    later = seen(replace(waits, outbox=full.outbox[1:]), DEAD, faults=LONG_DEAD, at=MINUTE)
    assert told(later, full) == ["june/0: host dead 11:48 UTC, instance 100 is offline"]


def test_a_webhook_that_takes_nothing_keeps_no_other_one_from_being_told():
    two = Noticing(Notify((Webhook("OPS"), Webhook("CHAT"))))
    before = replace(record(), outbox=letters("OPS", LETTERS_KEPT))
    after = seen(before, DEAD, faults=LONG_DEAD, noticing=two)
    assert [letter.to for letter in after.outbox if letter not in before.outbox] == ["OPS", "CHAT"]
    assert [letter.text for letter in before.outbox if letter not in after.outbox] == ["0"]


def test_every_kind_has_its_patience():
    assert set(PATIENCE_S) == set(NOTICE_KINDS)


def test_a_remembered_instance_without_a_row_is_no_incident():
    assert told(seen(record(known(100)))) == []


LETTER = Letter("OPS", NOW, "down", True, NOW - 60, "june/0: <!channel> & co\x1b[2J", "june", 0, 7, D("0.01"))


def test_the_generic_body_says_everything_as_plain_values():
    body = body_of(LETTER, "json", "default")
    assert body["text"] == "june/0: <!channel> & co\\u001b[2J"
    assert {name: body[name] for name in ("kind", "state", "seat", "instance", "since", "at", "change_per_hour")} == {
        "kind": "down",
        "state": "ends",
        "seat": "june/0",
        "instance": 7,
        "since": "2026-11-20T11:59:00Z",
        "at": "2026-11-20T12:00:00Z",
        "change_per_hour": "0.01",
    }


def test_slack_is_sent_no_sign_of_its_own():
    body = body_of(LETTER, "slack", "team")
    assert body["text"] == ":white_check_mark: [team] june/0: &lt;!channel&gt; &amp; co\\u001b[2J"
    assert body["mrkdwn"] is False
    assert escaped("a<b>&c") == "a&lt;b&gt;&amp;c"


def test_a_leak_of_a_month_is_told_once():
    told_of = seen(record(leaving(age_s=31 * 86_400)), at=15 * MINUTE)
    again = seen(told_of, at=16 * MINUTE)
    assert len([letter for letter in told_of.outbox if letter.kind == "leak"]) == 1
    assert again.outbox == told_of.outbox
