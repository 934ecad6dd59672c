"""The list of instances, `GET /api/v1/instances/`: filters, order, pages of 25 with a cursor."""

from __future__ import annotations

import functools
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Answer, answer, encoded, invalid_request, joined
from reconciler.simulator.conditions import Test, tests
from reconciler.simulator.fields import LIST_COLUMNS
from reconciler.simulator.incoming import structure
from reconciler.simulator.instances import instance
from reconciler.simulator.paging import token, values_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.simulator.contracts import Contract
    from reconciler.simulator.incoming import Request
    from reconciler.simulator.machines import Row
    from reconciler.simulator.world import World

PAGE = 25
"""Rows of a page, at most and by default; zero or less asks for 5."""

LITE = [
    "id", "label", "machine_id", "actual_status", "intended_status", "cur_state", "next_state", "gpu_name", "num_gpus",
    "dph_total", "start_date",
]  # fmt: skip

_CHEAP: dict[str, Callable[[Contract], Any]] = {
    "id": lambda contract: contract.id,
    "label": lambda contract: contract.label,
    "machine_id": lambda contract: contract.machine_id,
    "intended_status": lambda contract: contract.intended,
    "start_date": lambda contract: contract.created,
    "gpu_name": lambda contract: contract.terms["gpu_name"],
}
"""Columns that can be read without making a row."""

Order = list[tuple[str, bool]]
BY_ID = ("id", False)
"""The last part of every order."""


def listing(world: World, query: Mapping[str, str]) -> Answer:
    """One page of the list."""
    return _page(world, query, structure(query, "select_cols", ["*"]))


def lite(world: World, query: Mapping[str, str]) -> Answer:
    """The same with few columns."""
    return _page(world, query, LITE)


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


def _page(world: World, query: Mapping[str, str], columns: list[Any]) -> Answer:
    order = _order(structure(query, "order_by", []))
    filters = _filters(structure(query, "select_filters", {}))
    brief = _brief(world, order, filters)
    found = _shown(world)
    if filters:
        found = [one for one in found if _passes(brief(one), filters)]
    key = _key(order)
    if order[0] != BY_ID:  # that is how they stand
        found.sort(key=lambda one: key(brief(one)))
    start = _behind(query.get("after_token"), found, order, lambda one: key(brief(one)))
    end = start + _limit(query.get("limit"))
    page = found[start:end]
    following = token({name: brief(page[-1]).get(name) for name, _ in order}) if end < len(found) else None
    return joined(
        {
            "success": encoded(True),
            "instances_found": encoded(len(page)),
            "total_instances": encoded(len(found)),
            "label_counts": _label_counts(tuple([contract.label or "" for contract in found])),
            "next_token": encoded(following),
            "instances": encoded([_selected(_row(world, contract), columns) for contract in page]),
        }
    )


@functools.lru_cache(maxsize=8)
def _label_counts(labels: tuple[str, ...]) -> str:
    """How many instances have each label, encoded. All pages of a list say the same, and of a long list it is half."""
    return encoded(Counter(labels))


def all_rows(world: World) -> list[Row]:
    """All instances, by id."""
    return [_row(world, contract) for contract in _shown(world)]


def _shown(world: World) -> list[Contract]:
    return [contract for _, contract in sorted(world.contracts.items()) if contract.listed <= world.now]


def _row(world: World, contract: Contract) -> Row:
    return instance(contract, world.now, world.seed, world.reached.get(contract.id))


def _brief(world: World, order: Order, filters: list[tuple[str, Test]]) -> Callable[[Contract], Row]:
    """What reads the columns that are looked at, and perhaps more: most lists need no whole rows for that."""
    columns = {name for name, _ in [*order, *filters]}
    if columns == {"id"}:
        return lambda contract: {"id": contract.id}
    if columns <= _CHEAP.keys():
        reads = [(name, _CHEAP[name]) for name in columns]
        return lambda contract: {name: read(contract) for name, read in reads}
    return lambda contract: _row(world, contract)


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
    return [*found, BY_ID]


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


def _passes(row: Row, filters: list[tuple[str, Test]]) -> bool:
    return all(test(row.get(name)) for name, test in filters)


def _behind(cursor: str | None, found: list[Contract], order: Order, key: Callable[[Contract], Any]) -> int:
    """The place behind the cursor's row; they are in order, so that few of them are looked at."""
    if not cursor:
        return 0
    last = _key(order)(values_of(cursor, [column for column, _ in order]))
    return bisect_right(found, last, key=key)


def _selected(row: Row, columns: list[Any]) -> Row:
    return row if "*" in columns else {str(name): row.get(str(name)) for name in columns}
