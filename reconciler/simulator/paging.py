"""Cursors of lists that come in pages: opaque texts that hold the order's values of the last row."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any, TypeVar

from reconciler.simulator.answers import refusal
from reconciler.simulator.incoming import loads

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")


def token(values: dict[str, Any]) -> str:
    """The cursor behind a row with these values."""
    return base64.b64encode(json.dumps({"values": values}).encode()).decode()


def values_of(cursor: str, names: Iterable[str]) -> dict[str, Any]:
    """The values in a cursor; a damaged one is refused with 400."""
    try:
        values = loads(base64.b64decode(cursor, validate=True))["values"]
        return {name: values[name] for name in names}
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise refusal(400, "invalid_token", "Invalid after_token.") from None


def page(rows: list[T], cursor: str | None, limit: int) -> tuple[list[T], str | None]:
    """One page of rows whose places do not change, and the cursor of the next one."""
    first = values_of(cursor, ["offset"])["offset"] if cursor else 0
    if not isinstance(first, int) or first < 0:
        raise refusal(400, "invalid_token", "Invalid after_token.")
    last = first + limit
    return rows[first:last], token({"offset": last}) if last < len(rows) else None
