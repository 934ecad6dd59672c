"""What waits, or is held back, takes no rows of the day; and it is looked for in the very pass that may rent for it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from builders import DAY_S, NOW, fleet, instance, offers, policy

from reconciler.cli.watch import code_of
from reconciler.core.instance import Instance
from reconciler.core.model import Fleet, Rollout
from reconciler.watch import Rhythm, Watch

from .desk import Desk, Renting

OLD = fleet(image="a:1", replicas=3)
NEW = replace(OLD, container=fleet(image="a:2").container)


def renting(*specs: Fleet, rows: list[Instance], credit: str = "100") -> tuple[Desk, Renting]:
    """A desk whose market has machines for all."""
    desk = Desk(*specs)
    account = Renting(desk.clock, rows)
    account.offers, account.credit = tuple(offers(*["0.2"] * 64)), Decimal(credit)
    desk.provider = account
    return desk, account


def passes(desk: Desk) -> Watch:
    return Watch(desk, Rhythm(60.0, 1, lambda: 0.5), code_of)


def go(loop: Watch, desk: Desk, number: int) -> None:
    for _ in range(number):
        loop.run()
        desk.clock.time += 60


def old(index: int, **options: object) -> Instance:
    return instance(f"june/{index}", OLD, id=100 + index, started_at=NOW - DAY_S, **options)


def boots(index: int = 0) -> Instance:
    return instance(f"june/{index}", NEW, id=200, status="loading", started_at=NOW)


CANARY = replace(NEW, rollout=Rollout(canary_s=6 * 3600.0))
WAITING = {
    "a turn": (NEW, [boots(), old(1), old(2)]),
    "a canary": (CANARY, [instance("june/0", NEW, id=200, started_at=NOW), old(1), old(2)]),
    "a grace": (OLD, [old(0), old(1), old(2, status="offline")]),
}


@pytest.mark.parametrize(("spec", "rows"), WAITING.values(), ids=WAITING.keys())
def test_what_waits_is_looked_for_once(spec, rows):
    desk, account = renting(spec, rows=list(rows))
    loop = passes(desk)
    go(loop, desk, 1)
    once = account.searches
    go(loop, desk, 8)
    assert 0 < once == account.searches
    assert account.rented == []


def test_a_turn_that_comes_is_taken_in_that_pass_with_an_offer_of_then():
    rows = [boots(), old(1), old(2)]
    desk, account = renting(NEW, rows=rows)
    loop = passes(desk)
    go(loop, desk, 5)
    before, at = account.searches, desk.clock.now()
    rows[0] = replace(rows[0], reported="running")
    go(loop, desk, 1)
    assert account.searches > before
    assert account.rented == [at]
    go(loop, desk, 5)
    assert len(account.rented) == 1


def test_a_canary_that_was_ready_long_enough_lets_the_next_one_go_in_that_pass():
    desk, account = renting(CANARY, rows=[instance("june/0", NEW, id=200, started_at=NOW), old(1), old(2)])
    loop = passes(desk)
    go(loop, desk, 6 * 60)
    assert account.rented == []
    go(loop, desk, 1)
    assert account.rented == [NOW + 6 * 3600]


def test_a_grace_that__followed_in_that_pass():
    rows = [old(0), old(1), old(2, status="exited")]
    desk, account = renting(OLD, rows=rows)
    loop = passes(desk)
    go(loop, desk, 2)
    before = account.searches
    with pytest.raises(AttributeError, match="destroy"):  # What is dead goes first, and nothing can be destroyed here.
        go(loop, desk, 1)
    assert account.searches > before


def test_what_was_seen_before_a_wait_is_never_rented_without_a_look():
    """The next one has the turn where nothing is found for the one before it, but not with an offer of long ago."""
    rows = [boots(), old(1), old(2)]
    desk, account = renting(NEW, rows=rows)
    loop = passes(desk)
    go(loop, desk, 5)
    rows[0], account.offers = replace(rows[0], reported="running"), ()
    go(loop, desk, 30)
    assert account.rented == []


def test_a_guard_that_lets_go_is_followed_in_that_pass_and_looked_at_without_a_search():
    desk, account = renting(fleet(), rows=[], credit="0.3")
    loop = passes(desk)
    go(loop, desk, 60)
    while loop.idles["june"].until - desk.clock.now() < 300:
        go(loop, desk, 1)
    before, at = account.searches, desk.clock.now()
    go(loop, desk, 2)
    assert account.searches == before
    account.credit = Decimal(100)
    go(loop, desk, 1)
    assert account.rented == [at + 120]


def test_who_moves_up_because_another_fleet_gets_nothing_is_looked_for_in_that_pass():
    desk, account = renting(fleet("july", max_per_hour="0.25"), fleet("june"), rows=[], credit="0.3")
    desk.rules = policy(rents_per_run=1)
    loop = passes(desk)
    go(loop, desk, 1)
    account.credit = Decimal(100)
    account.offers = tuple(replace(each, id=1000 + each.id) for each in offers("0.4", "0.4"))
    go(loop, desk, 1)
    assert [offer_id > 1000 for offer_id in account.rented_of] == [True]


def test_so_many_rents_a_run_are_so_many_in_every_pass():
    desk, account = renting(fleet(replicas=8), rows=[])
    desk.rules = policy(rents_per_run=3)
    go(passes(desk), desk, 3)
    assert [account.rented.count(NOW + 60 * n) for n in range(3)] == [3, 3, 2]


def refilled_after_s(*others: Fleet) -> float:
    """How long the market must have something again until an instance that went has a successor."""
    desk, account = renting(*others, fleet(), rows=[instance(spec=fleet())])
    loop = passes(desk)
    go(loop, desk, 180)
    kept, account.offers = account.offers, ()
    account.instances_are([])
    go(loop, desk, 2)
    account.offers, since = kept, desk.clock.now()
    while not account.rented:
        go(loop, desk, 1)
    return account.rented[0] - since


def test_a_fleet_for_which_there_is_nothing_delays_no_other():
    assert refilled_after_s(fleet("july", max_per_hour="0.01")) == refilled_after_s()
