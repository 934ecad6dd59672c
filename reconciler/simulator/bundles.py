"""Bundles of asks: an answer shows one ask of each. Conditions are checked bundle by bundle where that is enough."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from reconciler.simulator.conditions import Ordering, Test
from reconciler.simulator.machines import Glimpse

Column = Callable[[Sequence[Glimpse]], list[Any]]
"""Reads a field of some asks."""

MOST_SPANS = 24
"""So many a bundle remembers; with every other disk size that is asked for there is another one."""

_PLAIN = (bool, int, float, str, type(None))

IN_ORDER = attrgetter("order")


class Bundle(NamedTuple):
    """Asks that stand for each other, in the market's order."""

    order: int
    """Where its first ask stands among all asks of the market."""
    asks: tuple[Glimpse, ...]
    spans: dict[object, tuple[Any, Any] | None]
    """Of fields that were asked for: the least value and the largest, where they are of one kind."""


def bundled(asks: Iterable[Glimpse]) -> list[Bundle]:
    """Asks in the market's order, put into bundles."""
    groups: dict[Any, list[Glimpse]] = {}
    for ask in asks:
        groups.setdefault(ask.bundle, []).append(ask)
    return [Bundle(group[0].order, tuple(group), {}) for group in groups.values()]


def asks_of(bundles: Iterable[Bundle]) -> list[Glimpse]:
    """All of their asks, in the market's order."""
    return sorted((ask for bundle in bundles for ask in bundle.asks), key=IN_ORDER)


def narrowed(bundles: list[Bundle], tests: Iterable[Test], key: object, column: Column) -> list[Bundle]:
    """What a field's conditions keep of the bundles; `key` is the name of the field's spans."""
    for test in tests:
        bundles = _kept(bundles, test, key, column)
    return bundles


def _kept(bundles: list[Bundle], test: Test, key: object, column: Column) -> list[Bundle]:
    """The least and the largest value answer for all between them, where the test is a bound."""
    bound = isinstance(test, Ordering)
    holds = test.holds if isinstance(test, Ordering) else test
    kept, cut = [], False
    for bundle in bundles:
        span = bundle.spans.get(key) or _span(bundle, key, column)
        if span is not None:
            low, high = span
            first = holds(low)
            if low == high or (bound and first == holds(high)):
                if first:
                    kept.append(bundle)
                continue
        asks = tuple(one for one, value in zip(bundle.asks, column(bundle.asks), strict=True) if holds(value))
        if asks:
            kept.append(Bundle(asks[0].order, asks, {}))
            cut = True
    return sorted(kept, key=IN_ORDER) if cut else kept


def _span(bundle: Bundle, key: object, column: Column) -> tuple[Any, Any] | None:
    """Works it out and notes it; None where the values cannot be put in order."""
    values = column(bundle.asks)
    kinds = set(map(type, values))
    kind = kinds.pop()
    if kinds or kind not in _PLAIN:
        return None
    if len(bundle.spans) >= MOST_SPANS:
        bundle.spans.clear()
    span = bundle.spans[key] = (None, None) if values[0] is None else (min(values), max(values))
    return span
