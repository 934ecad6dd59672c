"""The conditions of a query: `{field: {operator: value}}`, all of which must hold."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from reconciler.simulator.answers import invalid_request

Test = Callable[[Any], bool]
"""Whether a row's value satisfies one condition."""

OPERATORS = ("eq", "neq", "lt", "lte", "gt", "gte", "in", "notin")

_TRUE = (True, 1, "1", "true", "True")
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
}


def tests(condition: object) -> list[Test]:
    """The tests of one field's condition; a malformed one is refused with 400, as the API does."""
    if not isinstance(condition, dict):
        raise invalid_request(f"{condition!r} is not a valid search op")
    for operator in condition:
        if operator not in OPERATORS:
            raise invalid_request(f"{operator} is not a valid search op")
    return [_test(operator, bound) for operator, bound in condition.items()]


def _test(operator: str, bound: Any) -> Test:
    if operator in ("in", "notin"):
        if not isinstance(bound, list):
            raise invalid_request(f"{operator} needs a list")
        wanted = operator == "in"
        return lambda value: _known(value, bound) and any(same(value, one) for one in bound) is wanted
    if operator in ("eq", "neq"):
        wanted = operator == "eq"
        return lambda value: _known(value, [bound]) and same(value, bound) is wanted
    compare = _ORDER[operator]
    return lambda value: _ordered(value, bound, compare)


def _known(value: Any, bounds: list[Any]) -> bool:
    """As in SQL an unknown value satisfies nothing, unless null itself is asked for."""
    return value is not None or None in bounds


def same(value: Any, bound: Any) -> bool:
    """Equality across the types that clients send: numbers as strings, booleans as words or 0 and 1."""
    if value is None or bound is None:
        return value is bound
    if isinstance(value, bool):
        return value is (bound in _TRUE)
    if isinstance(value, int | float):
        return value == number(bound)
    return bool(str(value) == str(bound))


def _ordered(value: Any, bound: Any, compare: Callable[[Any, Any], bool]) -> bool:
    if value is None or bound is None:
        return False
    if isinstance(value, int | float):
        limit = number(bound)
        return limit is not None and compare(value, limit)
    return compare(str(value), str(bound))


def number(value: object) -> float | None:
    """The number that a client means; None when it means none."""
    try:
        found = float(value if isinstance(value, int | float) else str(value))
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None
