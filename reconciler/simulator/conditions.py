"""The conditions of a query: `{field: {operator: value}}`, all of which must hold."""

from __future__ import annotations

import math
from collections.abc import Callable
from operator import ge, gt, le, lt
from typing import Any

from reconciler.simulator.answers import invalid_request

Test = Callable[[Any], bool]
"""Whether a row's value satisfies one condition."""

OPERATORS = ("eq", "neq", "lt", "lte", "gt", "gte", "in", "notin")

_TRUE = (True, 1, "1", "true", "True")
_NUMBERS = (int, float)
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "lt": lt,
    "lte": le,
    "gt": gt,
    "gte": ge,
}


class Ordering:
    """The test of a bound: what lies between two values that both satisfy it, or both do not, is as they are."""

    __slots__ = ("holds",)

    def __init__(self, holds: Test) -> None:
        self.holds = holds
        """The test itself, for those who ask it very often."""

    def __call__(self, value: Any) -> bool:
        """Whether a value is on the right side."""
        return self.holds(value)


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
        return _among(bound, operator == "in")
    if operator in ("eq", "neq"):
        wanted = operator == "eq"
        return lambda value: _known(value, [bound]) and same(value, bound) is wanted
    return Ordering(_side(bound, _ORDER[operator]))


def _among(bounds: list[Any], wanted: bool) -> Test:
    """Whether a value is, or is not, the `same` as one of `bounds`: looked up, since clients send hundreds."""
    said = [bound for bound in bounds if bound is not None]
    numbers = {found for bound in said if (found := number(bound)) is not None}
    truths = {bound in _TRUE for bound in said}
    words = {str(bound) for bound in said}
    null = len(said) < len(bounds)

    def holds(value: Any) -> bool:
        if value is None:
            return null and wanted
        known = truths if isinstance(value, bool) else numbers if isinstance(value, _NUMBERS) else words
        return ((value if known is not words else str(value)) in known) is wanted

    return holds


def _side(bound: Any, compare: Callable[[Any, Any], bool]) -> Test:
    """Whether a value is on the right side of a bound; the unknown is on none."""
    limit = None if bound is None else number(bound)

    def holds(value: Any) -> bool:
        if isinstance(value, _NUMBERS):
            return limit is not None and compare(value, limit)
        return value is not None and bound is not None and compare(str(value), str(bound))

    return holds


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


def number(value: object) -> float | None:
    """The number that a client means; None when it means none."""
    try:
        found = float(value if isinstance(value, int | float) else str(value))
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None
