"""The search of offers: conditions, one ask drawn of each bundle, noise on the score, order, at most 64 rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from reconciler.simulator.answers import invalid_request
from reconciler.simulator.conditions import Test, number, tests
from reconciler.simulator.fields import ALIASES, OFFER_FIELDS
from reconciler.simulator.machines import Glimpse
from reconciler.simulator.market import Ask
from reconciler.simulator.pricing import DEFAULT_STORAGE, HOURS_A_MONTH, PRICED

if TYPE_CHECKING:
    from random import Random

    from reconciler.simulator.machines import Row
    from reconciler.simulator.market import Market


class Fields(Protocol):
    """A row, or what knows its fields."""

    def get(self, field: str, /) -> Any:
        """The value of a field."""
        ...


ROWS = 64
"""No answer has more offers, whatever `limit` asks for."""

NOISE = 0.09
"""By how much the score of one ask differs between two answers, up and down."""

_OPTIONS = (
    "order", "limit", "type", "allocated_storage", "disable_bundling", "extra_ids", "gpu_option", "show_incompatible",
    "sort_option", "template_id", "rented", "expected_reliability", "target_reliability",
)  # fmt: skip
"""Keys that stand among the filters and filter nothing here; `rented` is one of them on the real server too."""

_KINDS = {"on-demand": False, "ondemand": False, "reserved": False, "bid": True, "interruptible": True}

_VIRTUAL: dict[str, Callable[[Fields], Any]] = {
    # `id` is accepted and matches nothing; `ask_contract_id` is the one to filter by.
    "id": lambda _row: None,
    "verified": lambda row: row.get("verification") == "verified",
    "datacenter": lambda row: row.get("hosting_type") == 1,
    "external": lambda row: bool(row.get("external")),
    "geolocation": lambda row: country(row.get("geolocation")),
    "driver_version": lambda row: row.get("driver_vers"),
}

_EARLY = ("gpu_name", "machine_id", "host_id", "verified", "verification", "datacenter", "hosting_type", "geolocation")
"""Conditions on these are checked before a row is made."""


_BRIEFLY = {"verified": "verification", "datacenter": "hosting_type"}
"""What those conditions look at, where it has another name."""


def country(place: str | None) -> str | None:
    """The two-letter code at the end of a place's text, such as US in `California, US`."""
    code = (place or "").rpartition(",")[2].strip()
    return code or None


class Query(NamedTuple):
    """A search as understood."""

    conditions: dict[str, list[Test]]
    order: list[tuple[str, bool]]
    """Field and whether descending."""
    limit: int
    bid: bool
    storage: float

    @property
    def free_only(self) -> bool:
        """Whether it is for offers that can be rented, and for no others."""
        rentable = self.conditions["rentable"]
        return all(test(True) for test in rentable) and not all(test(False) for test in rentable)

    def total(self, glimpse: Glimpse) -> float:
        """Its `dph_total`."""
        return (glimpse.least if self.bid else glimpse.base) + glimpse.storage * self.storage / HOURS_A_MONTH

    def read(self, market: Market, glimpse: Glimpse, now: float, field: str) -> Any:
        """A field of the row that an ask would have; few need the row to be made."""
        if field not in PRICED:
            return glimpse.get(field)
        if field == "dph_total":
            return self.total(glimpse)
        if field == "dph_base":
            return glimpse.least if self.bid else glimpse.base
        if field == "duration":
            return glimpse.end - now
        return market.row(glimpse, now, self.storage, bid=self.bid).get(field)

    def accepts(self, market: Market, glimpse: Glimpse, now: float, fields: list[str]) -> bool:
        """Whether the conditions on these fields hold."""
        for field in fields:
            if field in _VIRTUAL:
                if not self.holds(field, glimpse):
                    return False
            else:
                value = self.read(market, glimpse, now, field)
                for test in self.conditions[field]:
                    if not test(value):
                        return False
        return True

    def early(self, brief: Mapping[str, Any]) -> bool:
        """Whether a machine with these fields can have a matching row at all."""
        return all(self.holds(field, brief) for field in _EARLY if field in self.conditions)

    def matches(self, row: Row) -> bool:
        """Whether all conditions hold."""
        return all(self.holds(field, row) for field in self.conditions)

    def holds(self, field: str, row: Fields) -> bool:
        """Whether the conditions on one field hold."""
        read = _VIRTUAL.get(field)
        value = read(row) if read else row.get(field)
        return all(test(value) for test in self.conditions[field])


def understood(body: Mapping[str, Any]) -> Query:
    """The query of a request's object; absent `verified` and `rentable` are true, as the reference says."""
    filters = {ALIASES.get(name, name): value for name, value in body.items() if name not in _OPTIONS}
    for name in filters:
        if name not in OFFER_FIELDS and name not in _VIRTUAL:
            raise invalid_request(f"{name} is not a valid search key")
    if isinstance(filters.get("geolocation"), dict) and not filters["geolocation"].keys() <= {
        "eq",
        "neq",
        "in",
        "notin",
    }:
        raise invalid_request("geolocation takes eq, neq, in and notin only")
    filters.setdefault("verified", {"eq": True})
    filters.setdefault("rentable", {"eq": True})
    kind = body.get("type") or "on-demand"
    if not isinstance(kind, str) or kind not in _KINDS:
        raise invalid_request(f"{kind!r} is not a valid type")
    return Query(
        {name: tests(condition) for name, condition in filters.items()},
        _order(body.get("order")),
        _limit(body.get("limit")),
        _KINDS[kind],
        _storage(body.get("allocated_storage")),
    )


def _order(order: object) -> list[tuple[str, bool]]:
    if order is None:
        return [("score", True)]
    if not isinstance(order, list):
        raise invalid_request("order must be a list of [field, direction]")
    return [_ordering(one) for one in order] or [("score", True)]


def _ordering(one: object) -> tuple[str, bool]:
    if not isinstance(one, list) or len(one) != 2:
        raise invalid_request(f"{one!r} is not a valid order")
    field = ALIASES.get(str(one[0]), str(one[0]))
    if field not in OFFER_FIELDS:
        raise invalid_request(f"{field} is not a valid order key")
    return field, one[1] == "desc"


def _limit(limit: object) -> int:
    if limit is None:
        return ROWS
    found = number(limit)
    if found is None or found < 1:
        raise invalid_request(f"{limit!r} is not a valid limit")
    return min(ROWS, int(found))


def _storage(storage: object) -> float:
    if storage is None:
        return DEFAULT_STORAGE
    found = number(storage)
    if found is None or found < 0:
        raise invalid_request(f"{storage!r} is not a valid allocated_storage")
    return found


def search(market: Market, query: Query, now: float, rng: Random) -> list[Row]:
    """The rows of one answer. `rng` belongs to this answer alone: the next one draws anew."""
    bundles: dict[Any, list[Ask | Glimpse]] = {}
    if query.free_only:
        for glimpse in glimpses(market, query, now):
            bundles.setdefault(glimpse.bundle, []).append(glimpse)
    else:
        for ask in _candidates(market, query):
            row = market.row(ask, now, query.storage, bid=query.bid)
            if query.matches(row):
                bundles.setdefault(row["bundle_id"], []).append(ask)
    chosen = [group[int(rng.random() * len(group))] for group in bundles.values()]
    found = [Found(market, query, now, one, 1 + NOISE * (2 * rng.random() - 1)) for one in chosen]
    for field, descending in reversed(query.order):
        found = _sorted(found, field, descending)
    return [one.row() for one in found[: query.limit]]


def glimpses(market: Market, query: Query, now: float) -> list[Glimpse]:
    """The asks that match among those that can be rented; nothing is worked out anew that did not change."""
    early = [(_BRIEFLY.get(name, name), name, dict[Any, bool]()) for name in query.conditions if name in _EARLY]
    late = [name for name in query.conditions if name not in _EARLY and name != "rentable"]
    found: list[Glimpse] = []
    for machine in market.machines:
        if machine.opens is None:
            machine.glimpses, machine.opens = None, machine.occupancy.free()
        if not machine.opens:
            continue
        brief = machine.brief()
        if brief:
            for field, name, known in early:
                value = brief.get(field)
                passes = known.get(value)
                if passes is None:
                    passes = known[value] = query.holds(name, brief)
                if not passes:
                    break
            else:
                seen = machine.glimpsed(now)
                found += [one for one in seen if query.accepts(market, one, now, late)] if late else seen
        else:
            fields = [name for name in query.conditions if name != "rentable"]
            found += [one for one in machine.glimpsed(now) if query.accepts(market, one, now, fields)]
    return found


class Found:
    """An ask that may be in the answer: it knows its score; its row is made when it is in the answer indeed."""

    __slots__ = ("_ask", "_market", "_now", "_query", "score")

    def __init__(self, market: Market, query: Query, now: float, found: Ask | Glimpse, luck: float) -> None:
        self._market, self._query, self._now, self._ask = market, query, now, found
        if isinstance(found, Glimpse):
            total = query.total(found)
            worth = found.dlperf / total if found.dlperf and total else 0
            self.score = worth * found.mult * luck
        else:
            row = market.row(found, now, query.storage, bid=query.bid)
            self.score = (row["dlperf_per_dphtotal"] or 0) * (row.get("reliability_mult") or 1) * luck

    def get(self, field: str) -> Any:
        """A field of its row."""
        if field == "score":
            return self.score
        if isinstance(self._ask, Glimpse):
            return self._query.read(self._market, self._ask, self._now, field)
        return self.row().get(field)

    def row(self) -> Row:
        """The whole row."""
        row = self._market.row(self._ask, self._now, self._query.storage, bid=self._query.bid)
        row["score"] = self.score
        return row


def _candidates(market: Market, query: Query) -> Iterator[Ask]:
    for machine in market.machines:
        positions = machine.occupancy.free() if query.free_only else range(len(machine.occupancy.masks))
        brief = machine.brief() if positions else {}
        if positions and (not brief or query.early(brief)):
            yield from (Ask(machine, position) for position in positions)


def _sorted(rows: list[Found], field: str, descending: bool) -> list[Found]:
    values = [(row.get(field), row) for row in rows]
    known = [one for one in values if one[0] is not None]
    text = any(isinstance(value, str) for value, _ in known)
    known.sort(key=(lambda one: str(one[0])) if text else itemgetter(0), reverse=descending)
    return [row for _, row in known] + [row for value, row in values if value is None]
