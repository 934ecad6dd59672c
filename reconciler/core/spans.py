"""Times in words: spans such as `8s`, `2m41s`, `20m`, `2h05m`, `14d`, and moments to the minute."""

from __future__ import annotations

from datetime import UTC, datetime

_UNITS = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))


def span(seconds: float) -> str:
    """The largest unit and the next one, where it is not zero, rounded down."""
    left, found = max(0, int(seconds)), ""
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if found:
            return f"{found}{count:02}{unit}" if count else found
        found = f"{count}{unit}" if count else ""
    return found or "0s"


def minute(at: float) -> str:
    """`2026-11-21 18:00 UTC`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
