"""A text that does not show itself: not in `repr`, so not in a traceback that prints variables."""

from __future__ import annotations

from collections.abc import Mapping


class Hidden(str):
    """A secret. It is a text like any other to whoever sends it, and `***` to whoever prints the values around it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def hidden(environ: Mapping[str, str]) -> dict[str, str]:
    """A copy of the environment whose names show and whose values do not."""
    return {name: Hidden(value) for name, value in environ.items()}
