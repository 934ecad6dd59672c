"""Rules of `host.query` judged like every other rule: what speaks against an offer."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from operator import ge, gt, le, lt

from reconciler.core.model import Clause
from reconciler.core.offer import Offer
from reconciler.core.text import safe

Value = str | Decimal | bool

_VERSION = re.compile(r"\d{1,9}(?:\.\d{1,9}){0,2}", re.ASCII)
_ORDERS = {"lt": lt, "lte": le, "gt": gt, "gte": ge}


def refuses(clause: Clause, offer: Offer) -> str | None:
    """What speaks against the offer, `pcie_bw 8.2`; None where it is right. Before renting, unknown is never right."""
    value = offer.traits.of(clause.field)
    if value is None:
        return "unknown"
    return None if holds(clause, value) else f"{clause.field} {shown_value(value)}"


def holds(clause: Clause, value: Value) -> bool:
    """Whether a value is what the clause asks for; values of different kinds are never that."""
    known = all(isinstance(value, type(each)) for each in clause.values)
    if clause.operator in _ORDERS:
        left, right = _rank(value), _rank(clause.values[0])
        return known and left is not None and right is not None and bool(_ORDERS[clause.operator](left, right))
    wanted = clause.operator in ("eq", "in")
    return known and any(_same(value, each) for each in clause.values) is wanted


@lru_cache(maxsize=1024)
def version(text: str) -> tuple[int, ...] | None:
    """`580.95` as three numbers; None where it is no version."""
    parts = [int(part) for part in text.split(".")] if _VERSION.fullmatch(text) else []
    return (*parts, *[0] * (3 - len(parts))) if parts else None


def _same(one: Value, other: Value) -> bool:
    if isinstance(one, str) and isinstance(other, str) and version(one) is not None:
        return version(one) == version(other)
    return one == other


def _rank(value: Value) -> Decimal | tuple[int, ...] | None:
    """What a value is ordered by."""
    return version(value) if isinstance(value, str) else Decimal(value)


def shown_value(value: Value) -> str:
    """A value in a message."""
    if isinstance(value, Decimal):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return str(value).lower() if isinstance(value, bool) else safe(value, 60)
