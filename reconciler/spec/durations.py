"""Spans of time as a spec writes them: `500ms`, `3s`, `20m`, `2h`, `14d`."""

from __future__ import annotations

import re
from decimal import Decimal

_UNITS_S = {
    "ms": Decimal("0.001"),
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86_400),
}


def seconds(text: str) -> Decimal:
    """The span in seconds, exactly. Raises `ValueError` for what is no whole number with a unit."""
    found = re.fullmatch(r"([0-9]{1,6})(ms|s|m|h|d)", text, re.ASCII)
    if found is None:
        raise ValueError(f"{text!r} is no duration")
    return int(found[1]) * _UNITS_S[found[2]]
