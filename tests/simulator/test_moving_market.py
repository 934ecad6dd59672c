from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

import pytest

from reconciler.simulator.generated import GeneratedMachine
from reconciler.simulator.laws import GENTLE, LIVELY, Laws
from reconciler.simulator.months import month_end, promised
from reconciler.simulator.simulation import begun
from reconciler.simulator.world import World

HOUR, DAY = 3600.0, 86400.0


class Look(NamedTuple):
    """What somebody sees who looks at the whole market."""

    slots: frozenset[tuple[int, int]]
    """(machine, GPUs) that can be rented."""
    asks: dict[int, tuple[int, int]]
    """Every id, with the machine and the GPUs it stands for."""
    free: frozenset[int]
    verification: dict[int, str]
    places: dict[int, str | None]
    prices: dict[int, float]
    """Before rounding, over the first one."""
    rentable: dict[str, tuple[int, int]]
    """By verification: asks that can be rented, and all asks."""


def look(world: World) -> Look:
    machines = [one for one in world.market().machines if isinstance(one, GeneratedMachine)]
    shares = {name: [0, 0] for name in ("verified", "unverified", "deverified")}
    slots, asks, free = set(), {}, set()
    for one in machines:
        held = one.occupancy
        open_ones = held.free()
        shares[one.verification][0] += len(open_ones)
        shares[one.verification][1] += len(held.masks)
        slots |= {(one.machine_id, held.masks[position].bit_count()) for position in open_ones}
        free |= {held.ids[position] for position in open_ones}
        asks.update((number, (one.machine_id, mask)) for number, mask in zip(held.ids, held.masks, strict=True))
    return Look(
        frozenset(slots),
        asks,
        frozenset(free),
        {one.machine_id: one.verification for one in machines},
        {one.machine_id: one.place() for one in machines},
        {one.machine_id: one.drift for one in machines},
        {name: (share[0], share[1]) for name, share in shares.items()},
    )


@pytest.fixture(scope="module")
def weeks() -> list[Look]:
    """Three simulated weeks of the lively market, seen every six hours."""
    world = begun(None, None, LIVELY)
    found = [look(world)]
    for _ in range(21 * 4):
        world.advance(6 * HOUR)
        found.append(look(world))
    return found


@pytest.fixture(scope="module")
def day() -> dict[float, Look]:
    """One day, seen after so many hours; it begins after the market has moved for a week."""
    world = begun(None, 5, LIVELY)
    world.advance(7 * DAY)
    begin, found = world.now, {0.0: look(world)}
    for hours in (0.4, 3.0, 5.7, 8.0, 10.7, 19.0):
        world.advance(begin + hours * HOUR - world.now)
        found[hours] = look(world)
    return found


def kept(before: dict[int, Any], after: dict[int, Any]) -> list[int]:
    return sorted(before.keys() & after.keys())


@pytest.mark.parametrize(
    ("verification", "low", "high"),
    [("verified", 0.08, 0.19), ("unverified", 0.40, 0.58), ("deverified", 0.38, 0.60)],
)
def test_the_rentable_share_of_each_class_stays_where_it_was_counted(
    weeks: list[Look], verification: str, low: float, high: float
) -> None:
    for seen in weeks[::4]:
        free, listed = seen.rentable[verification]
        assert low < free / listed < high


@pytest.mark.parametrize(
    ("hours", "low", "high"),
    [(0.4, 0.97, 1.0), (3.0, 0.87, 0.97), (5.7, 0.80, 0.92), (10.7, 0.70, 0.84), (19.0, 0.60, 0.76)],
)
def test_rentable_slots_are_seen_again_as_often_as_in_the_recordings(
    day: dict[float, Look], hours: float, low: float, high: float
) -> None:
    before, after = day[0.0].slots, day[hours].slots
    assert low < len(before & after) / len(before) < high


def test_ask_ids_die_sooner_than_the_slots_they_stand_for(day: dict[float, Look]) -> None:
    before, after = day[0.0], day[19.0]
    ids = len(before.free & after.free) / len(before.free)
    assert 0.52 < ids < len(before.slots & after.slots) / len(before.slots)


def test_a_share_of_the_slots_is_taken_and_another_comes_free_within_a_working_day(day: dict[float, Look]) -> None:
    before, after = day[0.0].slots, day[8.0].slots
    assert 0.14 < len(before - after) / len(before) < 0.28
    assert 0.14 < len(after - before) / len(before) < 0.28


def test_prices_change_as_often_and_by_as_much_as_in_the_recordings(weeks: list[Look]) -> None:
    changed, seen = [], 0
    for before, after in pairwise(weeks):
        both = kept(before.prices, after.prices)
        seen += len(both)
        changed += [after.prices[one] / before.prices[one] for one in both if after.prices[one] != before.prices[one]]
    assert 0.04 < len(changed) / seen < 0.08
    changed.sort()
    for share, low, high in (
        (0.05, 0.64, 0.80), (0.25, 0.86, 0.96), (0.5, 0.97, 1.02), (0.75, 1.04, 1.14), (0.95, 1.25, 1.55),
    ):  # fmt: skip
        assert low < changed[int(share * len(changed))] < high


def test_prices_lie_on_the_lattice_after_they_have_changed(caller: Any) -> None:
    caller.simulation.advance(14 * DAY)
    rows = caller.everything(verified={}, rentable={})
    for row in rows:
        unit = row["dph_base"] / row["num_gpus"] * 100
        assert any(abs(unit * divisor - round(unit * divisor)) < 1e-6 for divisor in (0.75, 0.775))


def test_four_percent_of_the_machines_come_each_day_and_as_many_leave(weeks: list[Look]) -> None:
    for before, after in pairwise(weeks[::4]):
        new = len(after.places.keys() - before.places.keys()) / len(before.places)
        gone = len(before.places.keys() - after.places.keys()) / len(before.places)
        assert 0.025 < new < 0.06
        assert 0.025 < gone < 0.06
    assert 0.85 < len(weeks[-1].places) / len(weeks[0].places) < 1.2


def test_verification_changes_for_three_percent_within_eight_hours_mostly_to_and_fro(day: dict[float, Look]) -> None:
    before, after = day[0.0].verification, day[8.0].verification
    both = kept(before, after)
    changes = [(before[one], after[one]) for one in both if before[one] != after[one]]
    assert 0.015 < len(changes) / len(both) < 0.045
    known = sum({"verified", "deverified"} == set(change) for change in changes)
    assert known / len(changes) > 0.6


def test_the_classes_keep_their_shares(weeks: list[Look]) -> None:
    for seen in (weeks[0], weeks[-1]):
        share = sum(one == "verified" for one in seen.verification.values()) / len(seen.verification)
        assert 0.55 < share < 0.70


def test_places_lose_their_region_for_a_while_and_keep_their_country(weeks: list[Look]) -> None:
    changed = 0
    for before, after in pairwise(weeks):
        for one in kept(before.places, after.places):
            old, new = before.places[one], after.places[one]
            if old != new:
                changed += 1
                assert old is not None
                assert new is not None
                assert old.rpartition(", ")[2] == new.rpartition(", ")[2]
                assert "" in (old.rpartition(", ")[0], new.rpartition(", ")[0])
    per_machine = changed / len(weeks[0].places) / 21
    assert 0.0005 < per_machine < 0.008


def test_an_ask_id_never_stands_for_anything_else_and_never_comes_back(weeks: list[Look]) -> None:
    meant: dict[int, tuple[int, int]] = {}
    dead: set[int] = set()
    before: set[int] = set()
    for seen in weeks:
        present = set(seen.asks)
        listed = set(seen.places)
        dead |= {one for one in before - present if meant[one][0] in listed}
        assert not dead & present
        for number, slot in seen.asks.items():
            assert meant.setdefault(number, slot) == slot
        before = present


def test_a_new_listing_gives_new_ids_to_the_whole_tree_at_once(weeks: list[Look]) -> None:
    relisted = changed = 0
    for before, after in pairwise(weeks):
        slots = {slot: number for number, slot in after.asks.items()}
        held: dict[int, list[bool]] = {}
        for number, slot in before.asks.items():
            held.setdefault(slot[0], []).append(slots.get(slot) == number)
        for one in kept(before.prices, after.prices):
            if before.prices[one] != after.prices[one]:
                changed += 1
                relisted += not any(held[one])
    assert 0.15 < relisted / changed < 0.45  # those that came wholly free meanwhile included


def test_hosts_prolong_their_promise_to_the_end_of_a_month() -> None:
    begin = datetime(2026, 11, 21, tzinfo=UTC).timestamp()
    ends = {promised(begin + 5 * DAY, begin, begin + hours * HOUR, "m")[0] for hours in range(24 * 200)}
    assert len(ends) > 2
    for end in ends - {begin + 5 * DAY}:
        moment = datetime.fromtimestamp(end, UTC)
        assert (moment + timedelta(days=1)).day == 1
        assert (moment.hour, moment.minute) == (0, 0)
    for hours in range(24 * 200):
        end, until = promised(begin + 5 * DAY, begin, begin + hours * HOUR, "m")
        assert begin + hours * HOUR < until <= end


@pytest.mark.parametrize(
    ("date", "months", "end"), [((2026, 11, 21), 0, (2026, 11, 30)), ((2026, 11, 30), 3, (2027, 2, 28))]
)
def test_a_month_end_is_the_last_day_of_the_month(date: Any, months: int, end: Any) -> None:
    assert month_end(datetime(*date, tzinfo=UTC).timestamp(), months) == datetime(*end, tzinfo=UTC).timestamp()


CHANGES: dict[str, Callable[[Look, Look], bool]] = {
    "buyers": lambda a, b: a.slots != b.slots,
    "prices": lambda a, b: any(a.prices[one] != b.prices[one] for one in kept(a.prices, b.prices)),
    "machines": lambda a, b: bool(b.places.keys() - a.places.keys()),
    "verification": lambda a, b: any(a.verification[o] != b.verification[o] for o in kept(a.places, b.places)),
    "places": lambda a, b: any(a.places[one] != b.places[one] for one in kept(a.places, b.places)),
}
STILL = dict.fromkeys(CHANGES, False)


@pytest.mark.parametrize("law", CHANGES)
def test_each_law_of_the_market_can_be_switched_by_itself(law: str) -> None:
    world = begun(None, 3, Laws(**{**STILL, law: True}))
    before = look(world)
    world.advance(3 * DAY)
    after = look(world)
    assert CHANGES[law](before, after)
    others = [name for name in CHANGES if name != law and (law, name) != ("machines", "buyers")]
    assert not [name for name in others if CHANGES[name](before, after)]


def test_the_gentle_market_moves_at_full_hours_only() -> None:
    world = begun(None, None, GENTLE)
    before = look(world)
    world.advance(58 * 60 - 1)
    assert look(world) == before
    world.advance(2)
    after = look(world)
    assert after.slots != before.slots
    world.advance(HOUR - 2)
    assert look(world) == after


def test_the_lively_market_moves_at_any_moment() -> None:
    world = begun(None, None, LIVELY)
    looks = [look(world)]
    for _ in range(10):
        world.advance(120)
        looks.append(look(world))
    assert len({seen.free for seen in looks}) > 5


def test_a_month_without_looking_costs_nothing_and_then_one_look_costs_little() -> None:
    import time

    world = begun(None, None, LIVELY)
    world.market()
    before = time.process_time()
    world.advance(30 * DAY)
    assert time.process_time() - before < 0.05
    world.market()
    assert time.process_time() - before < 3.0


def test_it_does_not_matter_how_often_somebody_looks_but_for_the_ids() -> None:
    often, once = begun(None, 4, LIVELY), begun(None, 4, LIVELY)
    for _ in range(48):
        often.advance(HOUR)
        often.market()
    once.advance(48 * HOUR)
    a, b = look(often), look(once)
    assert (a.slots, a.verification, a.places, a.prices) == (b.slots, b.verification, b.places, b.prices)
