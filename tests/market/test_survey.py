"""How the market is looked at: what is asked next, when enough is known, what a day may cost, and what is told."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from builders import fleet, offer, regions
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.hunt import SEARCHES_PER_FLEET, dwindling
from reconciler.core.model import Limit, Regions, Scoring, Tier, Weights
from reconciler.core.place import place
from reconciler.core.query import query_of
from reconciler.core.sights import Sights
from reconciler.errors import DoubtfulReading, SearchQuotaUsedUp, Unreachable
from reconciler.survey import ROWS_A_DAY, ROWS_FOR_REPAIRS, Eyes, look_around, survey

from .shop import DEAF_TO_EXCLUSIONS, ROWS, Now, Shop, chosen, ground, machines, needs, row_of, seen

D = Decimal
TODAY, YESTERDAY = date(2026, 11, 20), date(2026, 11, 19)
STEADY = Scoring(strategy=None, weights=Weights(reliability=D(1)))
"""Only reliability counts: at any price something better may wait."""
MANY = row_of(200, reliability=lambda i: D("0.95") + D(i) / 5000)
"""The dearer the more reliable, so every page holds something better than the one before."""


def placed(shop, *specs, **options):
    """The machines that one pass chooses."""
    market = seen(shop, *specs, **options)
    return chosen(place(needs(*specs), market.offers, ground(**options)))


# --- question after question ----------------------------------------------------------------------


def test_where_an_answer_is_full_the_next_one_is_asked_for_until_all_is_known():
    shop = Shop(MANY)
    market = seen(shop, fleet(scoring=STEADY))
    assert market.machines == len(MANY)
    assert market.share == 1.0
    assert [len(rows) for rows in shop.answered[:4]] == [64, 64, 64, 8]
    assert placed(Shop(MANY), fleet(scoring=STEADY)) == {"june/0": MANY[-1].machine_id}


def test_what_is_known_is_not_asked_for_again():
    shop = Shop(MANY)
    seen(shop, fleet(scoring=STEADY))
    known: set[int] = set()
    for query, answer in zip(shop.asked, shop.answered, strict=True):
        assert set(query.not_machines) == known
        assert known.isdisjoint(machines(answer))
        known |= machines(answer)


def test_what_hides_behind_a_like_offer_comes_to_light():
    """Of like offers an answer holds one; hosts list dozens of them."""
    hidden = [offer(i, host_id=7, price="0.3") for i in range(1, 5)]
    shop = Shop(hidden, bundle=lambda row: row.host_id)
    market = seen(shop, fleet(replicas=4))
    assert machines(market.offers) == machines(hidden)
    assert len(shop.answered[0]) == 1


def test_the_asking_ends_where_nothing_unseen_can_be_better():
    """Ranked by price alone: once the cheapest is known, only below its price could something better be."""
    shop = Shop(MANY)
    market = seen(shop, fleet())
    assert market.searches < len(MANY) / ROWS
    assert market.share == 1.0
    last = shop.asked[-1]
    assert last.max_price_per_hour < D("0.06")
    assert shop.answered[-1] == ()
    assert placed(Shop(MANY), fleet()) == {"june/0": MANY[0].machine_id}


def test_nothing_is_asked_above_the_cap():
    shop = Shop(MANY)
    seen(shop, fleet(max_per_hour="0.1", replicas=3))
    fitting = [query for query in shop.asked if query.require]
    assert fitting
    assert {query.max_price_per_hour <= D("0.1") for query in fitting} == {True}


@pytest.mark.parametrize("replicas", [1, 5, 70])
def test_the_cheapest_machines_are_found_however_many_are_wanted(replicas):
    best = {f"june/{i}": MANY[i].machine_id for i in range(replicas)}
    assert placed(Shop(MANY), fleet(replicas=replicas)) == best


def test_without_anything_to_rent_nothing_is_asked():
    shop = Shop(MANY)
    market = seen(shop)
    assert (shop.asked, market.searches, market.rows, market.news) == ([], 0, 0, None)
    assert market.offers == ()


PRICES = st.lists(st.integers(40, 600), min_size=1, max_size=150)
HOSTS = st.integers(1, 40)


@given(PRICES, HOSTS, st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_what_is_chosen_is_what_a_full_view_would_choose(mills, hosts, replicas):
    """Whatever prices there are, in bundles or not, the machines of a survey are as cheap as the cheapest of all."""
    rows = [offer(i, price=f"{m / 1000:.3f}", host_id=i % hosts) for i, m in enumerate(mills, 1)]
    spec = fleet(replicas=replicas)
    shop = Shop(rows, bundle=lambda row: (row.host_id, row.base_price_per_hour))
    found = place(needs(spec), seen(shop, spec).offers, ground())
    best = place(needs(spec), rows, ground())
    paid = sorted(choice.candidate.price for choice in found.choices.values())
    if len(shop.asked) < SEARCHES_PER_FLEET:
        assert paid == sorted(choice.candidate.price for choice in best.choices.values())
    else:
        assert len(paid) <= len(best.choices)


# --- several offers of one machine ----------------------------------------------------------------


def halves(machine, count, **options):
    """Offers of one machine, a GPU each."""
    gpus = [frozenset({i}) for i in range(count)]
    return [offer(machine * 10 + i, machine_id=machine, gpu_ids=gpu, **options) for i, gpu in enumerate(gpus)]


@pytest.mark.parametrize("share", [2, 3, 4])
def test_where_replicas_may_share_a_machine_its_further_offers_are_asked_for(share):
    """Like offers of one machine are one bundle, so each answer shows one of them."""
    shop = Shop(halves(7, 4), bundle=lambda row: row.machine_id)
    spec = fleet(replicas=share, per_machine=Limit(D(share)))
    assert placed(shop, spec) == {f"june/{i}": 7 for i in range(share)}
    assert shop.asked[1].not_machines == ()
    assert shop.asked[1].not_offers == (shop.answered[0][0].id,)


def test_a_machine_with_as_many_offers_as_may_be_used_is_left_out():
    shop = Shop([*halves(7, 2, price="0.1"), *halves(8, 2, price="0.2")], bundle=lambda row: row.machine_id)
    seen(shop, fleet(replicas=4, per_machine=Limit(D(2))))
    assert any(set(query.not_machines) == {7, 8} for query in shop.asked)


# --- tiers ----------------------------------------------------------------------------------------

PLACES = ["Ontario, CA", "California, US", "Sweden, SE"]
EVERYWHERE = row_of(240, location=lambda i: PLACES[i % 3])


def tiers(*named, strict=False, elsewhere="refuse", penalty="0", **options):
    """Tiers by country with their bonus."""
    made = tuple(Tier(place.lower(), (place,), D(bonus)) for place, bonus in named)
    return fleet(regions=Regions(made, (), elsewhere, D(penalty), strict), **options)


TIERED = {
    "the better bonus first": (tiers(("CA", "0.1"), ("US", "0.3")), ("US",)),
    "the first tier first where their order is strict": (tiers(("SE", "0"), ("US", "0.3"), strict=True), ("SE",)),
    "elsewhere last, as its penalty says": (tiers(("SE", "0.2"), elsewhere="allow", penalty="0.3"), ("SE",)),
}


@pytest.mark.parametrize(("spec", "first"), TIERED.values(), ids=TIERED)
def test_the_countries_of_the_better_tier_are_asked_first(spec, first):
    """Where one question for all of them is not enough."""
    shop = Shop(EVERYWHERE)
    seen(shop, spec)
    parts = [query.countries for query in shop.asked if query.countries != query_of(spec).countries]
    assert parts[0] == first


@pytest.mark.parametrize("spec", [spec for spec, _ in TIERED.values()], ids=TIERED)
def test_what_is_chosen_among_tiers_is_what_a_full_view_would_choose(spec):
    assert placed(Shop(EVERYWHERE), spec) == chosen(place(needs(spec), EVERYWHERE, ground()))


def test_tiers_that_count_alike_are_asked_for_together():
    shop = Shop(EVERYWHERE)
    seen(shop, tiers(("CA", "0.1"), ("US", "0.1")))
    assert {query.countries for query in shop.asked} == {("CA", "US")}


def test_in_a_strict_order_a_later_tier_is_not_asked_where_the_first_fills_the_fleet():
    shop = Shop(EVERYWHERE)
    spec = tiers(("SE", "0"), ("US", "1"), strict=True)
    market = seen(shop, spec)
    assert ("US",) not in {query.countries for query in shop.asked}
    assert market.share == 1.0


def test_in_a_strict_order_a_later_tier_is_asked_where_the_first_cannot_fill_the_fleet():
    few = [*row_of(1, location="Sweden, SE"), *row_of(9, first=10, location="California, US")]
    spec = tiers(("SE", "0"), ("US", "0"), strict=True, replicas=2)
    assert placed(Shop(few), spec) == {"june/0": few[0].machine_id, "june/1": few[1].machine_id}


def test_a_blocked_country_is_not_asked_for():
    shop = Shop(EVERYWHERE)
    market = seen(shop, fleet(regions=regions(blocked=("US",))))
    assert all("US" in query.blocked_countries for query in shop.asked)
    assert not any((row.location or "").endswith("US") for row in market.offers)


# --- several fleets -------------------------------------------------------------------------------


def test_fleets_that_want_the_same_ask_once():
    """What the wider question found holds for the narrower."""
    shop = Shop(MANY[:50])
    alone = seen(Shop(MANY[:50]), fleet("a", replicas=2)).searches
    market = seen(shop, fleet("a"), fleet("b", min_cpu_cores=D(4)))
    assert {query.min_cpu_cores for query in shop.asked} == {None}
    assert market.searches <= alone + 1
    assert market.share == 1.0


def test_a_fleet_whose_question_is_wider_asks_for_itself():
    shop = Shop(MANY[:50])
    seen(shop, fleet("a", min_cpu_cores=D(4)), fleet("b"))
    assert {query.min_cpu_cores for query in shop.asked} == {None, D(4)}


def test_another_size_of_known_machines_is_news():
    """Machines of which one card is for sale are known, two together are not; like pairs hide behind each other."""
    pairs = [offer(100 + i, machine_id=5000 + i, host_id=7, gpu_count=2, price="0.2") for i in range(1, 5)]
    singles = [offer(i, machine_id=5000 + i, host_id=7, price="0.1") for i in range(1, 5)]
    shop = Shop([*singles, *pairs], bundle=lambda row: (row.host_id, row.gpu_count))
    found = placed(shop, fleet("a", replicas=1), fleet("b", count=2, replicas=3))
    assert len([seat for seat in found if seat.startswith("b/")]) == 3


def test_fleets_that_want_different_cards_ask_each_for_theirs():
    rows = [*row_of(9), *row_of(9, first=20, gpu_name="RTX 4090")]
    shop = Shop(rows)
    market = seen(shop, fleet("a"), fleet("b", models=("RTX 4090",)))
    assert {query.models for query in shop.asked} == {("RTX 3060",), ("RTX 4090",)}
    assert market.machines == 18


def test_the_fleet_of_higher_priority_asks_first():
    shop = Shop([*row_of(9), *row_of(9, first=20, gpu_name="RTX 4090")])
    seen(shop, fleet("a"), fleet("b", models=("RTX 4090",), priority=1))
    assert shop.asked[0].models == ("RTX 4090",)


def test_where_fleets_compete_enough_is_known_for_all_of_them():
    rows = row_of(150)
    shop = Shop(rows)
    specs = [fleet(name, replicas=30) for name in "abc"]
    found = chosen(place(needs(*specs), seen(shop, *specs).offers, ground()))
    assert sorted(found.values()) == [row.machine_id for row in rows[:90]]


# --- servers that misbehave -----------------------------------------------------------------------


def test_a_server_that_ignores_what_is_known_is_read_upwards_by_price():
    shop = Shop(MANY, deaf=DEAF_TO_EXCLUSIONS)
    market = seen(shop, fleet(scoring=STEADY))
    assert market.searches <= SEARCHES_PER_FLEET
    assert market.machines > 2 * ROWS
    assert any(query.min_price_per_hour is not None for query in shop.asked)


def test_a_server_that_answers_the_same_whatever_is_asked_is_not_asked_for_ever():
    deaf = {**DEAF_TO_EXCLUSIONS, "min_price_per_hour": None, "max_price_per_hour": None, "countries": ()}
    shop = Shop(MANY, deaf=deaf)
    market = seen(shop, fleet(scoring=STEADY))
    assert market.machines == ROWS
    assert market.searches < SEARCHES_PER_FLEET
    assert market.share is None


def test_a_server_whose_rows_all_cost_the_same_and_that_ignores_what_is_known_ends_the_asking():
    shop = Shop(row_of(100, step=0), deaf=DEAF_TO_EXCLUSIONS)
    market = seen(shop, fleet(replicas=90))
    assert market.searches < SEARCHES_PER_FLEET
    assert market.share is None


def test_no_fleet_has_more_than_its_searches():
    many = row_of(64 * 14, step=0.01, reliability=lambda i: D("0.95") + D(i) / 20000)
    shop = Shop(many)
    market = seen(shop, fleet("a", scoring=STEADY))
    assert market.searches == SEARCHES_PER_FLEET == 10
    assert market.share is None or market.share < 1
    both = Shop([*many, *(offer(row.id + 10_000, gpu_name="RTX 4090") for row in many[:1])])
    assert seen(both, fleet("a", scoring=STEADY), fleet("b", models=("RTX 4090",))).machines == 641


# --- the quota of a day ---------------------------------------------------------------------------


def used(rows, day=TODAY):
    return {"sights": Sights(rows={day: rows})}


def test_the_rows_of_all_answers_are_counted_for_the_day():
    shop = Shop(MANY)
    market = seen(shop, fleet(scoring=STEADY))
    assert market.rows == shop.rows_answered == 200
    assert (market.news.rows, market.news.day) == (200, TODAY)
    assert market.news.seen == {(row.machine_id, 1) for row in MANY}


def test_the_last_quarter_of_the_day_is_kept_for_repairs():
    rows = ROWS_A_DAY - ROWS_FOR_REPAIRS - ROWS + 1
    shop = Shop(MANY)
    market = seen(shop, fleet(), **used(rows))
    assert shop.asked == []
    [problem] = market.problems
    assert problem == (
        "fleet june: not searched: 14,937 of the day's 20,000 rows are used, and the last 5,000 are kept for repairs;"
        " they start anew at 00:00 UTC"
    )
    assert (market.offers, market.share, market.news) == ((), None, None)
    again = seen(shop, fleet(), repair=True, **used(rows))
    assert (again.problems, again.machines) == ((), ROWS)


def test_one_row_less_and_it_is_asked():
    shop = Shop(MANY)
    assert seen(shop, fleet(scoring=STEADY), **used(ROWS_A_DAY - ROWS_FOR_REPAIRS - ROWS)).searches == 1


def test_the_rows_of_this_very_pass_count_too():
    market = seen(Shop(MANY), fleet(scoring=STEADY), **used(14_800))
    assert market.searches == 3
    assert "14,992 of the day's 20,000 rows are used" in market.problems[0]
    assert market.machines == 192


def test_even_repairs_end_with_the_day():
    market = seen(Shop(MANY), fleet(), repair=True, **used(ROWS_A_DAY - ROWS + 1))
    assert market.searches == 0
    [problem] = market.problems
    assert "19,937 of the day's 20,000 rows are used; they start anew at 00:00 UTC" in problem


def test_the_rows_of_yesterday_do_not_count():
    assert seen(Shop(MANY), fleet(), **used(19_999, YESTERDAY)).problems == ()


def test_a_repair_goes_on_where_what_is_new_must_wait():
    rows = [*row_of(9), *row_of(9, first=20, gpu_name="RTX 4090")]
    wanted = [*needs(fleet("new")), *needs(fleet("old", models=("RTX 4090",)), repair=True)]
    shop = Shop(rows)
    market = survey(Eyes(shop, Now()), wanted, ground(**used(15_000)))
    assert {query.models for query in shop.asked} == {("RTX 4090",)}
    assert [problem.partition(":")[0] for problem in market.problems] == ["fleet new"]


# --- searches that fail ---------------------------------------------------------------------------


@pytest.mark.parametrize("error", [DoubtfulReading("half a page"), Unreachable("no answer")])
def test_one_fleets_failed_search_does_not_stop_the_others(error):
    rows = [*row_of(9), *row_of(9, first=20, gpu_name="RTX 4090")]
    shop = Shop(rows, fails=lambda _, query: error if query.models == ("RTX 3060",) else None)
    market = seen(shop, fleet("a"), fleet("b", models=("RTX 4090",)))
    assert market.problems == (f"fleet a: the market could not be searched: {error}",)
    assert machines(market.offers) == machines(rows[9:])
    assert len([query for query in shop.asked if query.models == ("RTX 3060",)]) == 1


def test_a_quota_that_the_server_says_is_used_up_ends_all_searching():
    shop = Shop(MANY, fails=lambda number, _: SearchQuotaUsedUp("the day's quota is used up"))
    market = seen(shop, fleet("a"), fleet("b", models=("RTX 4090",)))
    assert len(shop.asked) == 1
    assert len(market.problems) == 1
    assert "quota is used up" in market.problems[0]
    assert market.share is None


def test_the_way_on_is_told_with_the_problem():
    error = SearchQuotaUsedUp("the day's quota is used up", hint="it starts anew at 00:00 UTC")
    [problem] = seen(Shop(MANY, fails=lambda *_: error), fleet()).problems
    assert problem.endswith("the day's quota is used up; it starts anew at 00:00 UTC")


def test_what_was_found_before_a_failure_is_kept():
    shop = Shop(MANY, fails=lambda number, _: Unreachable("no answer") if number == 3 else None)
    market = seen(shop, fleet(scoring=STEADY))
    assert market.machines == 2 * ROWS
    assert (market.rows, market.share) == (2 * ROWS, None)


# --- how much of it was seen ----------------------------------------------------------------------


def test_a_market_without_such_an_offer_was_seen_completely():
    market = seen(Shop([]), fleet())
    assert (market.machines, market.share) == (0, 1.0)


def test_what_one_cut_answer_shows_tells_nothing_of_the_rest():
    shop = Shop(MANY, fails=lambda number, _: Unreachable("no answer") if number == 2 else None)
    assert seen(shop, fleet(scoring=STEADY)).share is None


DWINDLES = {
    "half as many each time": ([8, 4], 4.0),
    "a third as many": ([9, 3], 1.5),
    "nothing more": ([9, 0], 0.0),
    "nothing at all": ([0], 0.0),
    "one answer is all there is": ([9], None),
    "as many as before": ([9, 9], None),
    "more than before": ([3, 9], None),
}


@pytest.mark.parametrize(("news", "left"), DWINDLES.values(), ids=DWINDLES)
def test_how_many_more_there_are_when_answers_bring_fewer_and_fewer(news, left):
    assert dwindling(news) == (None if left is None else pytest.approx(left))


# --- one fleet, for a person ----------------------------------------------------------------------


def around(shop, spec, machine=None, **options):
    return look_around(Eyes(shop, Now()), spec, ground(**options), machine)


def test_looking_around_shows_what_the_rules_refuse_as_well():
    rows = [offer(1), offer(2, verified=False), offer(3, price="9"), offer(4, disk_gb=D(1))]
    market = around(Shop(rows), fleet())
    assert machines(market.offers) == machines(rows)
    assert market.news.rows == market.rows == sum(map(len, (rows[:1], rows)))


def test_one_machine_is_asked_for_by_its_number():
    cheap = [offer(i, price="0.01", verified=False) for i in range(1, 100)]
    wanted = offer(500, machine_id=77, price="9")
    shop = Shop([*cheap, wanted])
    assert 77 not in machines(around(shop, fleet()).offers)
    market = around(shop, fleet(), 77)
    assert 77 in machines(market.offers)
    assert shop.asked[-1].only_machines == (77,)


def test_looking_around_asks_no_question_twice():
    shop = Shop([offer(1, verified=False)])
    around(shop, fleet())
    assert len(shop.asked) == len(set(shop.asked))


def test_a_fleet_scaled_to_zero_can_be_looked_around_for():
    assert around(Shop(MANY[:5]), fleet(replicas=0)).machines == 5


def test_looking_around_stays_within_the_day():
    market = around(Shop(MANY), fleet(), **used(ROWS_A_DAY - ROWS_FOR_REPAIRS))
    assert (market.searches, market.machines) == (0, 0)
    assert "15,000 of the day's 20,000 rows" in market.problems[0]
    barely = Shop(MANY)
    market = around(barely, fleet(scoring=STEADY), **used(ROWS_A_DAY - ROWS_FOR_REPAIRS - 200))
    assert barely.rows_answered <= 200
    assert market.machines == 192


def test_what_was_found_is_shown_although_the_last_question_fails():
    def failing(_, query):
        return None if query.require else SearchQuotaUsedUp("the day's quota is used up")

    market = around(Shop(MANY[:5], fails=failing), fleet())
    assert market.machines == 5
    assert "quota is used up" in market.problems[0]
