"""The search of offers: conditions, one ask drawn of each bundle, noise on the score, order, at most 64 rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.simulator.answers import invalid_request
from reconciler.simulator.conditions import Test, number, tests
from reconciler.simulator.fields import ALIASES, OFFER_FIELDS
from reconciler.simulator.market import Ask
from reconciler.simulator.pricing import DEFAULT_STORAGE

if TYPE_CHECKING:
    from random import Random

    from reconciler.simulator.machines import Row
    from reconciler.simulator.market import Market

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

_VIRTUAL: dict[str, Callable[[Mapping[str, Any]], Any]] = {
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

    def early(self, brief: Mapping[str, Any]) -> bool:
        """Whether a machine with these fields can have a matching row at all."""
        return all(self._holds(field, brief) for field in _EARLY if field in self.conditions)

    def matches(self, row: Row) -> bool:
        """Whether all conditions hold."""
        return all(self._holds(field, row) for field in self.conditions)

    def _holds(self, field: str, row: Mapping[str, Any]) -> bool:
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
    bundles: dict[Any, list[Row]] = {}
    for ask in _candidates(market, query):
        row = market.row(ask, now, query.storage, bid=query.bid)
        if query.matches(row):
            bundles.setdefault(row["bundle_id"], []).append(row)
    rows = [group[int(rng.random() * len(group))] for group in bundles.values()]
    for row in rows:
        worth = (row["dlperf_per_dphtotal"] or 0) * (row.get("reliability_mult") or 1)
        row["score"] = worth * (1 + NOISE * (2 * rng.random() - 1))
    for field, descending in reversed(query.order):
        rows = _sorted(rows, field, descending)
    return rows[: query.limit]


def _candidates(market: Market, query: Query) -> Iterator[Ask]:
    rentable = query.conditions["rentable"]
    free_only = not all(test(False) for test in rentable)
    for machine in market.machines:
        positions = machine.occupancy.free() if free_only else range(len(machine.occupancy.masks))
        brief = machine.brief() if positions else {}
        if positions and (not brief or query.early(brief)):
            yield from (Ask(machine, position) for position in positions)


def _sorted(rows: list[Row], field: str, descending: bool) -> list[Row]:
    known = [row for row in rows if row.get(field) is not None]
    text = any(isinstance(row[field], str) for row in known)
    known.sort(key=lambda row: str(row[field]) if text else row[field], reverse=descending)
    return known + [row for row in rows if row.get(field) is None]
