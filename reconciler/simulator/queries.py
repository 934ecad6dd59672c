"""What a search asks for: its conditions, order, limit, kind of rental and disk size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from reconciler.simulator.answers import invalid_request
from reconciler.simulator.conditions import Test, number, tests
from reconciler.simulator.fields import ALIASES, OFFER_FIELDS
from reconciler.simulator.pricing import DEFAULT_STORAGE


class Fields(Protocol):
    """A row, or what knows its fields."""

    def get(self, field: str, /) -> Any:
        """The value of a field."""
        ...


ROWS = 64
"""No answer has more offers, whatever `limit` asks for."""

_OPTIONS = (
    "order", "limit", "type", "allocated_storage", "disable_bundling", "extra_ids", "gpu_option", "show_incompatible",
    "sort_option", "template_id", "rented", "expected_reliability", "target_reliability",
)  # fmt: skip
"""Keys that stand among the filters and filter nothing here; `rented` is one of them on the real server too."""

_KINDS = {"on-demand": False, "ondemand": False, "reserved": False, "bid": True, "interruptible": True}

VIRTUAL: dict[str, Callable[[Fields], Any]] = {
    # `id` is accepted and matches nothing; `ask_contract_id` is the one to filter by.
    "id": lambda _row: None,
    "verified": lambda row: row.get("verification") == "verified",
    "datacenter": lambda row: row.get("hosting_type") == 1,
    "external": lambda row: bool(row.get("external")),
    "geolocation": lambda row: country(row.get("geolocation")),
    "driver_version": lambda row: row.get("driver_vers"),
}
"""What conditions on these names really look at."""


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
        return self.rentable(True) and not self.rentable(False)

    def rentable(self, value: bool) -> bool:
        """Whether offers that can be rented, or those that cannot, satisfy the condition on just that."""
        return all(test(value) for test in self.conditions["rentable"])

    def holds(self, field: str, row: Fields) -> bool:
        """Whether the conditions on one field hold."""
        read = VIRTUAL.get(field)
        value = read(row) if read else row.get(field)
        return all(test(value) for test in self.conditions[field])


def understood(body: Mapping[str, Any]) -> Query:
    """The query of a request's object; absent `verified` and `rentable` are true, as the reference says."""
    filters = {ALIASES.get(name, name): value for name, value in body.items() if name not in _OPTIONS}
    for name in filters:
        if name not in OFFER_FIELDS and name not in VIRTUAL:
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
