"""The list of instances, `GET /api/v1/instances/`: filters, order, pages of 25 with a cursor."""

from __future__ import annotations

import functools
from collections import Counter
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Answer, answer, invalid_request
from reconciler.simulator.conditions import Test, tests
from reconciler.simulator.fields import LIST_COLUMNS
from reconciler.simulator.incoming import structure
from reconciler.simulator.instances import instance
from reconciler.simulator.paging import token, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.simulator.incoming import Request
    from reconciler.simulator.machines import Row
    from reconciler.simulator.world import World

PAGE = 25
"""Rows of a page, at most and by default; zero or less asks for 5."""

LITE = [
    "id", "label", "machine_id", "actual_status", "intended_status", "cur_state", "next_state", "gpu_name", "num_gpus",
    "dph_total", "start_date",
]  # fmt: skip

Order = list[tuple[str, bool]]


def listing(world: World, query: Mapping[str, str]) -> Answer:
    """One page of the list."""
    return answer(_page(world, query, structure(query, "select_cols", ["*"])))


def lite(world: World, query: Mapping[str, str]) -> Answer:
    """The same with few columns."""
    return answer(_page(world, query, LITE))


def counted(world: World, _request: Request) -> Answer:
    """How many there are."""
    return answer({"count": len(world.contracts)})


def combinations(world: World, _request: Request) -> Answer:
    """Which values one can filter by, as they occur together."""
    names = ("actual_status", "verification", "gpu_name")
    seen = dict.fromkeys(tuple(row[name] for name in names) for row in all_rows(world))
    return answer({"filters": [dict(zip(names, values, strict=True)) for values in seen]})


def retired(_world: World, _request: Request) -> Answer:
    """The list's old address."""
    text = "/api/v0/instances/ is deprecated. Use /api/v1/instances/ instead."
    return answer({"success": False, "error": "deprecated_endpoint", "msg": text}, 410)


def moved(_world: World, _request: Request) -> Answer:
    """The old address without its last slash: a redirect whose body reads like an empty account."""
    return answer({"instances": []}, 301, location="/api/v0/instances/")


def _page(world: World, query: Mapping[str, str], columns: list[Any]) -> dict[str, Any]:
    order = _order(structure(query, "order_by", []))
    filters = _filters(structure(query, "select_filters", {}))
    rows = [row for row in all_rows(world) if all(test(row.get(name)) for name, test in filters)]
    rows.sort(key=_key(order))
    following = _after(rows, query.get("after_token"), order)
    page = following[: _limit(query.get("limit"))]
    more = len(following) > len(page)
    return {
        "success": True,
        "instances_found": len(page),
        "total_instances": len(rows),
        "label_counts": dict(Counter(row["label"] or "" for row in rows)),
        "next_token": token({column: page[-1].get(column) for column, _ in order}) if more else None,
        "instances": [_selected(row, columns) for row in page],
    }


def all_rows(world: World) -> list[Row]:
    """All instances, by id."""
    shown = (contract for _, contract in sorted(world.contracts.items()) if contract.listed <= world.now)
    return [instance(contract, world.now, world.seed, world.reached.get(contract.id)) for contract in shown]


def _filters(filters: dict[str, Any]) -> list[tuple[str, Test]]:
    for name in filters:
        if name not in LIST_COLUMNS:
            raise invalid_request(f"{name} is not a valid search key")
    return [(name, test) for name, condition in filters.items() for test in tests(condition)]


def _order(order: list[Any]) -> Order:
    found: Order = []
    for one in order:
        if not isinstance(one, dict) or one.get("col") not in LIST_COLUMNS:
            raise invalid_request(f"{one!r} is not a valid order")
        found.append((one["col"], one.get("dir") == "desc"))
    return [*found, ("id", False)]


def _key(order: Order) -> Callable[[Row], Any]:
    def compare(a: Row, b: Row) -> int:
        for column, descending in order:
            left, right = _sortable(a.get(column)), _sortable(b.get(column))
            if left != right:
                return (1 if left > right else -1) * (-1 if descending else 1)
        return 0

    return functools.cmp_to_key(compare)


def _sortable(value: Any) -> tuple[int, float, str]:
    """Unknown first, then numbers, then texts."""
    if value is None:
        return (0, 0.0, "")
    return (1, float(value), "") if isinstance(value, int | float) else (2, 0.0, str(value))


def _limit(limit: str | None) -> int:
    try:
        found = PAGE if limit is None else int(limit)
    except ValueError:
        raise invalid_request(f"{limit!r} is not a valid limit") from None
    return 5 if found <= 0 else min(PAGE, found)


def _after(rows: list[Row], cursor: str | None, order: Order) -> list[Row]:
    if not cursor:
        return rows
    last: Row = values_of(cursor, [column for column, _ in order])
    key = _key(order)
    return [row for row in rows if key(row) > key(last)]


def _selected(row: Row, columns: list[Any]) -> Row:
    return row if "*" in columns else {str(name): row.get(str(name)) for name in columns}
