"""The list of instances, `GET /api/v1/instances/`: filters, order, pages of 25 with a cursor."""

from __future__ import annotations

import base64
import binascii
import functools
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Answer, answer, invalid_request, refusal
from reconciler.simulator.conditions import Test, tests
from reconciler.simulator.fields import LIST_COLUMNS
from reconciler.simulator.instances import instance

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.simulator.machines import Row
    from reconciler.simulator.world import World

PAGE = 25
"""Rows of a page, at most and by default; zero or less asks for 5."""

Order = list[tuple[str, bool]]


def listing(world: World, query: Mapping[str, str]) -> Answer:
    """One page of the list."""
    order = _order(_json(query, "order_by", []))
    filters = _filters(_json(query, "select_filters", {}))
    rows = [row for row in all_rows(world) if all(test(row.get(name)) for name, test in filters)]
    rows.sort(key=_key(order))
    following = _after(rows, query.get("after_token"), order)
    page = following[: _limit(query.get("limit"))]
    more = len(following) > len(page)
    return answer({
        "success": True,
        "instances_found": len(page),
        "total_instances": len(rows),
        "label_counts": dict(Counter(row["label"] or "" for row in rows)),
        "next_token": _token(page[-1], order) if more else None,
        "instances": [_selected(row, _json(query, "select_cols", ["*"])) for row in page],
    })  # fmt: skip


def all_rows(world: World) -> list[Row]:
    """All instances, by id."""
    return [instance(contract, world.now, world.seed) for _, contract in sorted(world.contracts.items())]


def _json(query: Mapping[str, str], name: str, default: Any) -> Any:
    if name not in query:
        return default
    try:
        found = json.loads(query[name])
    except ValueError:
        raise invalid_request(f"{name} is not JSON") from None
    if not isinstance(found, type(default)):
        raise invalid_request(f"{name} has the wrong form")
    return found


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


def _token(row: Row, order: Order) -> str:
    values = {column: row.get(column) for column, _ in order}
    return base64.b64encode(json.dumps({"values": values}).encode()).decode()


def _after(rows: list[Row], token: str | None, order: Order) -> list[Row]:
    if not token:
        return rows
    try:
        values = json.loads(base64.b64decode(token, validate=True))["values"]
        last: Row = {column: values[column] for column, _ in order}
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise refusal(400, "invalid_token", "Invalid after_token.") from None
    key = _key(order)
    return [row for row in rows if key(row) > key(last)]


def _selected(row: Row, columns: list[Any]) -> Row:
    return row if "*" in columns else {str(name): row.get(str(name)) for name in columns}
