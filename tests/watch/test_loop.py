"""The loop: waits, skips, rests, stops. What a pass does with an account is proven elsewhere; here it only reads."""

from __future__ import annotations

import gc
import sys
from dataclasses import replace
from datetime import UTC
from typing import Any

import pytest
from builders import DAY_S, NOW, fleet, instance, money, offers, record, seat

from reconciler.cli.watch import code_of
from reconciler.core.instance import Instance
from reconciler.core.offer import RentOrder
from reconciler.core.renewal import Cheaper, ReplaceRules
from reconciler.core.text import safe
from reconciler.core.timing import Schedule, Window
from reconciler.core.watching import STALLED_S, Rest
from reconciler.errors import Busy, DoubtfulReading, Interrupted, InvalidInput, KeyProblem, RefusedByGuard
from reconciler.provider import Found, RentAnswer, RentDoubtful
from reconciler.watch import Rhythm, Watch

from .desk import Clock, Desk, Reading


def watch(desk: Desk, passes: int | None = 1) -> Watch:
    return Watch(desk, Rhythm(60.0, passes, lambda: 0.5), code_of)


def stopping(desk: Desk, after: int) -> None:
    """A stop is asked for in the n-th wait."""

    def stop() -> None:
        if len(desk.clock.waits) == after:
            raise Interrupted("stopped, as asked")

    desk.clock.at_sleep = stop


def test_a_pass_an_interval_a_pass():
    desk = Desk()
    assert watch(desk, 3).run() == 0
    assert desk.clock.waits == [60.0, 60.0]
    assert [fields["result"] for fields in desk.said("pass")] == ["good"] * 3
    assert desk.shown is not None
    assert (desk.shown.passes, desk.shown.fleets[0].ready) == ({"good": 3}, 1)
    assert desk.shown.due_at == desk.clock.now() + 60 + STALLED_S


@pytest.mark.parametrize("flaw", [InvalidInput([]), RefusedByGuard("the input declares no fleet")], ids=["bad", "none"])
def test_while_the_specs_cannot_be_planned_nothing_is_even_read(flaw):
    desk = Desk()
    desk.flaw = flaw
    assert watch(desk, 2).run() == flaw.exit_code
    assert (desk.store.saves, desk.provider.searches) == (0, 0)
    assert desk.shown is not None
    assert (desk.shown.passes, desk.shown.specs_valid) == ({"skipped": 2}, False)
    assert desk.clock.waits == [60.0]


class Losing(Reading):
    """An account that rents, and whose answers to that are lost."""

    def __init__(self, clock: Clock) -> None:
        self.rows: list[Instance] = []
        super().__init__(clock, lambda: self.rows)

    def search(self, query: Any) -> Found:
        return Found(tuple(offers("0.2")), 1)

    def rent(self, order: RentOrder) -> RentAnswer:
        self.rows = [replace(instance(started_at=self._clock.now()), label=order.label)]
        return RentDoubtful(safe("timed out"))


LOST = {"nothing was there before": ({}, "new"), "its instance had vanished": ({"emptied": {seat(): NOW}}, "repair")}


@pytest.mark.parametrize(("before", "reason"), LOST.values(), ids=LOST.keys())
def test_a_rent_in_doubt_that_was_made_is_counted_with_its_reason(before, reason):
    desk = Desk()
    desk.provider, desk.store.record = Losing(desk.clock), record(**before)
    assert watch(desk, 3).run() == 0
    assert desk.shown is not None
    assert desk.shown.counts == {("rents_failed", "june", "doubtful"): 1, ("rents", "june", reason): 1}


def test_a_seat_that_is_not_wanted_any_more_is_a_new_one_when_it_is_wanted_again():
    desk = Desk(fleet(replicas=1))
    desk.store.record = record(emptied={seat("june/1"): NOW})
    watch(desk).run()
    assert desk.store.record.emptied == {}


def test_while_another_run_holds_the_ledger_it_waits_an_interval():
    desk = Desk()
    desk.busy = Busy("held by reconcile apply")
    assert watch(desk, 2).run() == 6
    assert desk.clock.waits == [60.0]
    assert desk.failed == []


def test_doubtful_readings_are_waited_out_longer_and_longer_until_one_is_good():
    desk = Desk()
    desk.provider.fails = DoubtfulReading("the list is torn")
    loop = watch(desk, 8)
    loop.run()
    assert desk.clock.waits == [60, 120, 240, 480, 960, 1800, 1800]
    assert desk.failed == ["the list is torn"] * 8
    desk.provider.fails = None
    loop.rhythm = Rhythm(60.0, 2, lambda: 0.5)
    assert loop.run() == 0
    assert desk.clock.waits[-1] == 60
    assert loop.failures == 0


def test_a_key_that_is_refused_ends_the_first_pass_and_is_waited_out_later():
    desk = Desk()
    desk.busy = KeyProblem("refused")
    with pytest.raises(KeyProblem):
        watch(desk, 2).run()
    desk.busy = None
    loop = watch(desk, 2)

    def refuse() -> None:
        desk.busy = KeyProblem("refused")

    desk.clock.at_sleep = refuse
    assert loop.run() == 1
    assert desk.shown is not None
    assert desk.shown.passes == {"good": 1, "failed": 1}


def test_stopped_between_two_passes_is_the_normal_end():
    desk = Desk()
    stopping(desk, 2)
    assert watch(desk, None).run() == 0
    assert len(desk.said("pass")) == 2


def test_stopped_in_the_middle_of_a_pass_is_130():
    desk = Desk()
    desk.provider.fails = Interrupted("stopped, as asked")
    assert watch(desk, None).run() == 130


def test_seats_without_an_offer_are_not_looked_for_in_every_pass():
    desk = Desk(fleet(replicas=2))
    watch(desk, 60).run()
    rows = desk.provider.searches * 64
    assert 1 < desk.provider.searches < 30
    assert rows <= 15_000 / 24 + 2 * 64 * 5
    assert desk.shown is not None
    assert desk.shown.fleets[0].unfilled == 1


def test_a_changed_fleet_is_looked_for_at_once():
    desk = Desk(fleet(replicas=2))
    loop = watch(desk, 1)
    loop.run()
    before = desk.provider.searches
    loop.run()
    assert desk.provider.searches == before
    desk.fleets = (fleet(replicas=2, max_per_hour="0.6"),)
    loop.run()
    assert desk.provider.searches > before


def test_what_a_schedule_wants_beyond_the_replicas_is_looked_for():
    always = Window(frozenset(range(7)), 0, 1440, 3, "every day")
    desk = Desk(fleet(replicas=1, schedule=Schedule(UTC, (always,), 1)))
    watch(desk, 1).run()
    assert desk.shown is not None
    assert desk.shown.fleets[0].unfilled == 2
    assert desk.provider.searches > 0


@pytest.mark.parametrize("approve", ["manual", "auto"])
def test_cheaper_places_are_looked_for_every_six_hours_whoever_agrees_to_them(approve):
    spec = fleet(replace=ReplaceRules(cheaper=Cheaper(money(10), money(20), approve=approve)))
    desk = Desk(spec, rows=lambda: [instance(spec=spec, started_at=NOW - 10 * DAY_S)])
    watch(desk, 1).run()
    looked = desk.provider.searches
    watch(desk, 20).run()
    assert (looked > 0, desk.provider.searches) == (True, looked)


def test_idle_seats_wake_no_fleet_that_rests():
    desk = Desk(fleet("june"), fleet("july"), rows=list)
    loop = watch(desk, 20)
    loop.rests = {"june": Rest(5, NOW + 1800, "its rents were refused")}
    loop.run()
    assert set(loop.rests) == {"june"}
    assert desk.provider.searches > 1


def test_an_idle_seat_whose_kept_instance_dies_is_looked_for_in_that_pass():
    before, rows = fleet(image="a:1"), [instance(spec=fleet(image="a:1"))]
    desk = Desk(fleet(image="a:2"), rows=lambda: rows)
    loop = watch(desk, 2)
    loop.run()
    looked = desk.provider.searches
    rows[:] = [instance(spec=before, status="offline")]
    loop.run()
    assert looked > 0
    assert desk.provider.searches == 2 * looked


def test_a_fleet_without_its_secrets_is_not_looked_for_and_that_is_said_once():
    desk = Desk(fleet(replicas=2), fleet("july"), rows=lambda: [instance()])
    desk.missing = {"june": "HF_TOKEN", "july": "HF_TOKEN, PULL"}
    watch(desk, 3).run()
    assert desk.provider.searches == 0
    assert [(fields["fleet"], fields["text"]) for fields in desk.said("fleet_resting")] == [
        ("june", "not set in the environment: HF_TOKEN"),
        ("july", "not set in the environment: HF_TOKEN, PULL"),
    ]


def test_nothing_cheaper_is_looked_for_where_secrets_are_missing():
    """What could not be rented is not worth a search, and its order could not be written."""
    spec = fleet(replace=ReplaceRules(cheaper=Cheaper(approve="auto")))
    rows = [instance(spec=spec, started_at=NOW - 3 * DAY_S, price_per_hour="0.3")]
    desk = Desk(spec, rows=lambda: rows)
    watch(desk, 2).run()
    assert desk.provider.searches > 0
    desk = Desk(*desk.fleets, rows=lambda: rows)
    desk.missing = {"june": "HF_TOKEN"}
    watch(desk, 2).run()
    assert desk.provider.searches == 0


def test_ten_thousand_passes_leave_no_more_memory_than_a_hundred():
    """`benchmarks/watching.py --passes 10000` is the same with a real ledger and the simulated account."""
    desk = Desk(fleet(replicas=2), rows=lambda: [instance(), instance("june/1", fleet(replicas=2), id=101)])
    desk.keep_notes = False
    loop = watch(desk, 100)
    loop.run()
    before = alive(desk)
    loop.rhythm = Rhythm(60.0, 10_000, lambda: 0.5)
    loop.run()
    assert desk.shown is not None
    assert desk.shown.passes == {"good": 10_100}
    objects, blocks = (after - was for after, was in zip(alive(desk), before, strict=True))
    assert objects < 300
    assert blocks < 900


def alive(desk: Desk) -> tuple[int, int]:
    """Objects that the collector knows, and blocks of memory in use; a leak of one a pass would be ten thousand."""
    desk.clock.waits.clear()
    gc.collect()
    return len(gc.get_objects()), sys.getallocatedblocks()
