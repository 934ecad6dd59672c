"""What a row tells besides, for `host.query`: read on demand, by the table of fields only, and made safe."""

from __future__ import annotations

from decimal import Decimal

from reconciler.core.places import parse_location
from reconciler.core.text import safe
from reconciler.vast.decode import Record, flag, text, whole
from reconciler.vast.query_fields import FIELDS, Field

_MAX_TEXT = 120


class RowTraits:
    """The fields of one row by the names and in the units of the search language."""

    __slots__ = ("_row",)

    def __init__(self, row: Record) -> None:
        self._row = row

    def of(self, field: str) -> str | Decimal | bool | None:
        """The value of a field; None where the row does not say, or says nonsense."""
        known = FIELDS.get(field)
        return None if known is None else _value(self._row, known)


def _value(row: Record, field: Field) -> str | Decimal | bool | None:
    match field.known.kind:
        case "number":
            return _number(row, field)
        case "flag":
            return _flag(row, field.row)
        case "country":
            return parse_location(text(row, field.row, 80)).country
        case _:
            value = row.get(field.row)
            return (safe(value, _MAX_TEXT) or None) if isinstance(value, str) else None


def _number(row: Record, field: Field) -> Decimal | None:
    value = row.get(field.row)
    if value is None and field.row == "reliability":  # Some rows have the older name only.
        value = row.get("reliability2")
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    found = Decimal(value) / field.factor
    return found if field.known.low <= found <= field.known.high else None


def _flag(row: Record, name: str) -> bool | None:
    """A truth value, which some fields have as 0 and 1. A data centre is `hosting_type` 1."""
    if name == "hosting_type":
        kind = whole(row, name, 0, 100)
        return None if kind is None else kind == 1
    number = whole(row, name, 0, 1)
    return flag(row, name) if number is None else number == 1
