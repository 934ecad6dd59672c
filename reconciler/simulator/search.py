"""The search of offers: one ask drawn of each bundle, noise on the score, order, at most 64 rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from heapq import nlargest, nsmallest
from typing import TYPE_CHECKING, Any

from reconciler.simulator.bundles import asks_of, bundled, narrowed
from reconciler.simulator.conditions import Ordering
from reconciler.simulator.pricing import PRICED
from reconciler.simulator.queries import VIRTUAL

if TYPE_CHECKING:
    from random import Random

    from reconciler.simulator.bundles import Bundle
    from reconciler.simulator.conditions import Test
    from reconciler.simulator.machines import Glimpse, Row
    from reconciler.simulator.market import Market
    from reconciler.simulator.queries import Query
    from reconciler.simulator.shelf import Family

NOISE = 0.09
"""By how much the score of one ask differs between two answers, up and down."""

_OF_FAMILIES = {
    "verified": "verification", "verification": "verification", "datacenter": "hosting_type",
    "hosting_type": "hosting_type", "gpu_name": "gpu_name", "host_id": "host_id", "geolocation": "geolocation",
}  # fmt: skip
"""Conditions that hold for all asks of a family or for none, and the field of its brief that each looks at."""


def search(market: Market, query: Query, now: float, rng: Random) -> list[Row]:
    """The rows of one answer. `rng` belongs to this answer alone: the next one draws anew."""
    view = View(market, query, now)
    chance = rng.random
    chosen = view.chosen(chance)
    luck = [chance() for _ in chosen]
    places: Sequence[int] = range(len(chosen))
    for left, (field, descending) in zip(range(len(query.order) - 1, -1, -1), reversed(query.order), strict=True):
        values = view.scores(chosen, luck) if field == "score" else view.column(field, chosen)
        places = _sorted(places, values, descending, len(places) if left else query.limit)
    return view.rows([chosen[place] for place in places], [luck[place] for place in places])


def _sorted(places: Sequence[int], values: list[Any], descending: bool, most: int) -> list[int]:
    """The first `most` places by their values, equal ones as they stood; the unknown ones last."""
    kinds = set(map(type, values))
    known = [place for place in places if values[place] is not None] if type(None) in kinds else places
    if str in kinds:
        values = [value if value is None else str(value) for value in values]
    if most < len(known):
        return (nlargest if descending else nsmallest)(most, known, key=values.__getitem__)
    found = sorted(known, key=values.__getitem__, reverse=descending)
    if len(known) < len(places):
        found += [place for place in places if values[place] is None]
    return found[:most]


def _left(test: Test, now: float) -> Test:
    """A condition on the time left, as one on the end."""
    if isinstance(test, Ordering):
        holds = test.holds
        return Ordering(lambda end: holds(end - now))
    return lambda end: test(end - now)


def _ends(asks: Sequence[Glimpse]) -> list[Any]:
    return [ask.end for ask in asks]


class View:
    """A market as one query looks at it."""

    def __init__(self, market: Market, query: Query, now: float) -> None:
        self._market, self._query, self._now = market, query, now
        self._shelf = market.shelf(free_only=query.free_only)
        self._tariff = self._shelf.tariff(query.storage, query.bid)

    def chosen(self, chance: Callable[[], float]) -> list[Glimpse]:
        """One ask of each bundle that has matching ones, in the market's order."""
        return [asks[int(chance() * len(asks))] for _, asks, _ in self._bundles()]

    def column(self, field: str, asks: Sequence[Glimpse]) -> list[Any]:
        """The values of a field of the rows that the asks would have; few fields need the rows to be made."""
        if field not in PRICED:
            return [ask.own[field] if field in ask.own else ask.shared.get(field) for ask in asks]
        if field == "dph_total":
            return self._totals(asks)
        if field == "dph_base":
            return [ask.least if self._query.bid else ask.base for ask in asks]
        if field == "duration":
            return [ask.end - self._now for ask in asks]
        if field in ("id", "ask_contract_id"):
            return [ask.machine.occupancy.ids[ask.position] for ask in asks]
        if field == "rentable":
            return [self._market.rentable(ask, ask.end, self._now) for ask in asks]
        return [self._row(ask).get(field) for ask in asks]

    def scores(self, asks: Sequence[Glimpse], luck: list[float]) -> list[float]:
        """What a search without an order of its own sorts by; luck is between 0 and 1."""
        tariff = self._tariff
        return [
            (ask if ask.tariff is tariff else ask.at(tariff)).worth * (1 + NOISE * (2 * chance - 1))
            for ask, chance in zip(asks, luck, strict=True)
        ]

    def rows(self, asks: Sequence[Glimpse], luck: list[float]) -> list[Row]:
        """The rows of the answer; no others are made."""
        rows = [self._row(ask) for ask in asks]
        for row, score in zip(rows, self.scores(asks, luck), strict=True):
            row["score"] = score
        return rows

    def _totals(self, asks: Sequence[Glimpse]) -> list[Any]:
        tariff = self._tariff
        return [(ask if ask.tariff is tariff else ask.at(tariff)).total for ask in asks]

    def _row(self, ask: Glimpse) -> Row:
        return self._market.row(ask, self._now, self._query.storage, bid=self._query.bid)

    def _bundles(self) -> list[Bundle]:
        """The asks that match, in bundles."""
        query = self._query
        self._shelf.catch_up(self._now)
        found = self._shelf.bundles(self._families(), self._now)
        needless = query.free_only or (query.rentable(True) and query.rentable(False))
        for field, tests in query.conditions.items():
            if field == "rentable" and needless:
                continue
            if not (field in _OF_FAMILIES and self._shelf.briefed):
                found = self._narrowed(found, field, tests)
        return bundled(asks_of(found)) if self._shelf.clashing else found

    def _families(self) -> set[Family] | None:
        """Those that can have matching asks; None for all."""
        query, passing = self._query, None
        for field in query.conditions.keys() & _OF_FAMILIES.keys():
            groups = self._shelf.alike(_OF_FAMILIES[field])
            fitting = [group for group in groups if query.holds(field, next(iter(group)).brief)]
            if len(fitting) < len(groups):
                found: set[Family] = set().union(*fitting)
                passing = found if passing is None else passing & found
        if tests := query.conditions.get("machine_id"):
            found = self._shelf.with_machines(lambda number: all(test(number) for test in tests))
            passing = found if passing is None else passing & found
        return passing

    def _narrowed(self, bundles: list[Bundle], field: str, tests: list[Test]) -> list[Bundle]:
        """What a field's conditions keep."""
        if read := VIRTUAL.get(field):
            return narrowed(bundles, tests, field, lambda asks: list(map(read, asks)))
        if field == "dph_total":
            return narrowed(bundles, tests, self._tariff, self._totals)
        if field == "duration":
            return narrowed(bundles, [_left(test, self._now) for test in tests], "end_date", _ends)
        if field not in PRICED:
            return narrowed(bundles, tests, field, partial(self.column, field))
        asks = asks_of(bundles)
        values = self.column(field, asks)
        return bundled(ask for ask, value in zip(asks, values, strict=True) if all(test(value) for test in tests))
