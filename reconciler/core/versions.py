"""Versions of drivers, compared number by number."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=1024)
def version(text: str | None) -> tuple[int, ...]:
    """`580.95.05` as numbers; an unreadable or unknown version is the lowest."""
    try:
        return tuple(int(part) for part in (text or "").split("."))
    except ValueError:
        return ()
