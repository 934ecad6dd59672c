"""When the next call of a route may leave: Vast.ai asks for a gap between calls, per key and route (documented)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Final

from reconciler.clock import Clock
from reconciler.provider import Route

GAP_SECONDS: Final[Mapping[Route, float]] = {
    "search": 0.0,
    "rent": 4.5,
    "list": 1.0,
    "show": 2.0,
    "destroy": 3.0,
    "account": 1.0,
    "template": 3.0,
    "relabel": 1.0,
    "bid": 5.5,
    "keys": 1.0,
    "logs": 1.0,
}
"""The documented gaps. `account`, `keys` and `logs` have none: one second is a courtesy. `search` has a quota."""

SEARCHES: Final = 10
SEARCH_WINDOW_SECONDS: Final = 60.0
"""Documented: ten searches a minute. The ten places of the window are kept as ten clocks."""

RENT_PENALTY_SECONDS: Final = 12.0
"""Documented as `penalty`: a rent that came too early pushes the next one this far away."""

TOLD_SECONDS: Final = 5.0
"""A wait as long as this is told: somebody may sit there and wonder."""

_MAX_AHEAD = 60.0
# Nothing asks for more. A clock further ahead was written before the time of day was set back.


class Pacing:
    """The clocks of all routes. A gap counts from the previous answer, or from the moment we gave up on it.

    `scale` shortens the documented gaps where a simulator asks for shorter ones or for none; what a 429 asks for
    itself is waited for in full. `on_wait` is told of each wait of `TOLD_SECONDS` or more before it begins.
    """

    on_wait: Callable[[Route, float], None] = staticmethod(lambda _route, _seconds: None)

    def __init__(self, clock: Clock, earliest: Mapping[str, float] | None = None, *, scale: float = 1.0) -> None:
        self._clock = clock
        self._scale = scale
        self._earliest = {name: float(at) for name, at in (earliest or {}).items() if name in _NAMES and isfinite(at)}
        self._forget_the_far_future()

    @property
    def earliest(self) -> dict[str, float]:
        """The clocks by name, epoch seconds: to be kept between commands and given back to `__init__`."""
        return dict(sorted(self._earliest.items()))

    @property
    def is_over(self) -> bool:
        """Whether no route has to wait: the clocks would tell the next command nothing."""
        now = self._clock.now()
        return all(at <= now for at in self._earliest.values())

    def adopt(self, earliest: Mapping[str, float]) -> None:
        """Take over the clocks of an earlier command; a clock that is later here already stays."""
        for name, at in earliest.items():
            if name in _NAMES and isfinite(at):
                self._earliest[name] = max(at, self._earliest.get(name, 0.0))
        self._forget_the_far_future()

    def free_at(self, route: Route) -> float:
        """When the next call of `route` may be sent without waiting, epoch seconds."""
        own = self._earliest.get(route, 0.0)
        return max(own, self._earliest.get(self._place(), 0.0)) if route == "search" else own

    def wait(self, route: Route) -> None:
        """Let time pass until `route` is free."""
        self._forget_the_far_future()
        for _ in range(4):  # A sleep may end early; four of them are enough for any honest clock.
            ahead = self.free_at(route) - self._clock.now()
            if ahead <= 0:
                return
            self.sleep(route, ahead)

    def sleep(self, route: Route, seconds: float) -> None:
        """Let `seconds` pass before the next call of `route`."""
        if seconds >= TOLD_SECONDS:
            self.on_wait(route, seconds)
        self._clock.sleep(seconds)

    def answered(self, route: Route, *, too_fast: float | None = None) -> None:
        """Start the route's gap now. `too_fast`: the server said so (429) and asked for these seconds, 0 if none."""
        now = self._clock.now()
        gap = GAP_SECONDS[route] * self._scale
        if too_fast is not None:
            gap = max(gap, too_fast, RENT_PENALTY_SECONDS if route == "rent" else 0.0)
        self._earliest[route] = max(self._earliest.get(route, 0.0), now + gap)
        if route == "search":
            self._earliest[self._place()] = now + SEARCH_WINDOW_SECONDS * self._scale

    def _forget_the_far_future(self) -> None:
        horizon = self._clock.now() + _MAX_AHEAD
        self._earliest = {name: min(at, horizon) for name, at in self._earliest.items()}

    def _place(self) -> str:
        return min(_PLACES, key=lambda name: self._earliest.get(name, 0.0))


_PLACES = tuple(f"search/{number}" for number in range(SEARCHES))
_NAMES = frozenset([*GAP_SECONDS, *_PLACES])
