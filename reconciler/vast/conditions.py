"""Conditions of a search on the wire, `{field: {operator: value}}`, and how several on one field become one.

All operators of a field must hold (documented). An operator stands once, so of two lower bounds the stricter is sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from reconciler.core.clauses import Value, version
from reconciler.core.model import Clause
from reconciler.vast.query_fields import FIELDS, Field

Condition = dict[str, Any]


def asked(conditions: Iterable[tuple[str, Condition]]) -> dict[str, Condition]:
    """All conditions, those on the same field as one."""
    found: dict[str, Condition] = {}
    for name, condition in conditions:
        found[name] = _both(found[name], condition) if name in found else condition
    return found


def condition_of(clause: Clause) -> tuple[str, Condition]:
    """A clause of `host.query` in the wire's name and unit."""
    field = FIELDS.get(clause.field)
    values = [_on_wire(each, field) for each in clause.values]
    return clause.field, {clause.operator: values if clause.operator in ("in", "notin") else values[0]}


def padded(text: str) -> int | None:
    """A driver's version as the number that its filter takes: `535.86.05` is 535086005. None: it is no version."""
    parts = version(text)
    if parts is None:
        return None
    major, minor, patch = (min(part, 999) for part in parts)
    return major * 1_000_000 + minor * 1000 + patch


def plain(value: Decimal | int) -> float | int:
    """A number of ours as JSON has it."""
    return int(value) if value == int(value) else float(value)


def _on_wire(value: Value, field: Field | None) -> object:
    if isinstance(value, Decimal):
        return plain(value * field.factor if field else value)
    if isinstance(value, str) and field and field.row == "driver_version":
        return padded(value)
    return value


def _both(one: Condition, other: Condition) -> Condition:
    """What holds where both hold."""
    left, right = _lists(one), _lists(other)
    found: Condition = {}
    for operator in dict.fromkeys([*left, *right]):
        if operator in left and operator in right:
            found |= _joined(operator, left[operator], right[operator])
        else:
            found[operator] = left[operator] if operator in left else right[operator]
    return found


def _lists(condition: Condition) -> Condition:
    """`eq` as a list of one, and `neq` too, so that they meet `in` and `notin`."""
    names = {"eq": "in", "neq": "notin"}
    found: Condition = {}
    for operator, value in condition.items():
        name, values = names.get(operator, operator), [value] if operator in names else value
        found |= _joined(name, found[name], values) if name in found else {name: values}
    return found


def _joined(operator: str, one: Any, other: Any) -> Condition:
    match operator:
        case "gt" | "gte":
            return {operator: max(one, other)}
        case "lt" | "lte":
            return {operator: min(one, other)}
        case "eq":
            return {operator: one}
        case "notin":
            return {operator: [*one, *(each for each in other if each not in one)]}
        case _:
            shared = [each for each in one if each in other]
            # Nothing is in both. An empty list is not known to mean that, so the contradiction is sent as it is.
            return {operator: shared} if shared else {operator: one, "eq": other[0]}
