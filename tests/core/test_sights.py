"""What was seen of the market is worth a day."""

from __future__ import annotations

from datetime import date

from builders import DAY_S, HOUR_S, NOW, offer

from reconciler.core.sights import Measured, NewSights, Sighting, Sights, sizes_of, with_new

TODAY, YESTERDAY, BEFORE = date(2026, 11, 20), date(2026, 11, 19), date(2026, 11, 18)


def test_what_was_never_seen_was_seen_no_times():
    assert Sights().times_seen(1, 1) == 0
    assert Sights().rows_used(TODAY) == 0


def test_a_size_of_a_machine_is_counted_for_itself():
    seen = Sights(sightings={(1, 2): Sighting(NOW, 5)})
    assert (seen.times_seen(1, 2), seen.times_seen(1, 1)) == (5, 0)


def test_after_a_day_it_is_forgotten():
    ages = {1: 0.0, 2: DAY_S, 3: DAY_S + 1, 4: -1.0}
    sights = Sights(
        {machine: Measured(1.0, NOW - age) for machine, age in ages.items()},
        {(machine, 1): Sighting(NOW - age, 1) for machine, age in ages.items()},
        {TODAY: 1, YESTERDAY: 2, BEFORE: 3},
    ).fresh(NOW)
    assert set(sights.measured) == {1, 2}
    assert set(sights.sightings) == {(1, 1), (2, 1)}
    assert set(sights.rows) == {TODAY, YESTERDAY}


def test_a_pass_goes_on_with_what_it_saw():
    before = Sights({1: Measured(5.0, NOW - HOUR_S)}, {(1, 1): Sighting(NOW - HOUR_S, 2)}, {TODAY: 64})
    new = NewSights(NOW, {1: Measured(7.0, NOW), 2: Measured(None, NOW)}, frozenset({(1, 1), (2, 8)}), 10)
    assert with_new(before, new) == Sights(
        {1: Measured(7.0, NOW), 2: Measured(None, NOW)},
        {(1, 1): Sighting(NOW, 3), (2, 8): Sighting(NOW, 1)},
        {TODAY: 74},
    )


def test_a_size_seen_again_after_more_than_a_day_begins_anew():
    before = Sights(sightings={(1, 1): Sighting(NOW - DAY_S - 1, 9)})
    assert with_new(before, NewSights(NOW, seen=frozenset({(1, 1)}))).times_seen(1, 1) == 1


def test_rows_count_for_the_day_in_utc():
    midnight = NOW + 12 * HOUR_S
    assert NewSights(midnight - 1).day == TODAY
    assert NewSights(midnight).day == date(2026, 11, 21)


def test_offers_of_one_size_are_one_sighting():
    assert sizes_of([offer(1, machine_id=7), offer(2, machine_id=7), offer(3, machine_id=7, gpu_count=2)]) == {
        (7, 1),
        (7, 2),
    }
