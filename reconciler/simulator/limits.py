"""The limiter: a least interval per route, ten searches a minute, 20,000 search rows a UTC day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused, answer, text

if TYPE_CHECKING:
    from reconciler.simulator.answers import Answer

INTERVALS = {
    "create": 4.5, "list": 1.0, "show": 2.0, "manage": 1.0, "destroy": 3.0, "bid": 5.5, "reboot": 1.0, "ssh": 1.0,
    "template": 3.0, "charges": 1.0, "recycle": 1.0, "launch": 5.0, "lite": 1.0, "count": 2.0, "command": 1.5,
    "attach": 1.0, "detach": 2.0, "invoices": 3.0, "prepay": 2.0, "volumes": 5.5,
}  # fmt: skip
"""Least seconds between two requests of a route (documented)."""

PENALTY = {"create": 12.0}
"""Seconds of waiting after a request that came too early, where the documentation names a penalty."""

SEARCHES, SEARCH_PERIOD = 10, 60.0
ROWS_A_DAY, DAY = 20_000, 86400

_SLACK = 1e-6


class Limits:
    """What the limiter remembers: when each route is open again, the latest searches, the rows of the day."""

    def __init__(self, saved: dict[str, Any] | None = None) -> None:
        saved = saved or {}
        self._open: dict[str, float] = dict(saved.get("open", {}))
        self._searches: list[float] = list(saved.get("searches", []))
        self._day: int = saved.get("day", 0)
        self._rows: int = saved.get("rows", 0)
        self._refusals: int = saved.get("refusals", 0)

    def saved(self) -> dict[str, Any]:
        """As the state file keeps it."""
        return {
            "open": self._open,
            "searches": self._searches,
            "day": self._day,
            "rows": self._rows,
            "refusals": self._refusals,
        }

    def admit(self, route: str, now: float) -> None:
        """Let a request of this route pass, or refuse it with 429."""
        if route == "search":
            self._admit_search(now)
        elif route in INTERVALS:
            if now + _SLACK < self._open.get(route, 0.0):
                if route in PENALTY:
                    self._open[route] = now + PENALTY[route]
                raise Refused(self._too_frequent(INTERVALS[route]))
            self._open[route] = now + INTERVALS[route]

    def count_rows(self, rows: int, now: float) -> None:
        """Note the rows of a search's answer."""
        self._new_day(now)
        self._rows += rows

    def _admit_search(self, now: float) -> None:
        self._new_day(now)
        if self._rows >= ROWS_A_DAY:
            raise Refused(self._quota(now))
        self._searches = [when for when in self._searches if when > now - SEARCH_PERIOD + _SLACK]
        if len(self._searches) >= SEARCHES:
            raise Refused(self._too_frequent(SEARCH_PERIOD / SEARCHES))
        self._searches.append(now)

    def _new_day(self, now: float) -> None:
        if self._day != int(now // DAY):
            self._day, self._rows = int(now // DAY), 0

    def _quota(self, now: float) -> Answer:
        reset = (self._day + 1) * DAY
        content = {
            "success": False,
            "error": "search_quota_exceeded",
            "msg": "Daily search quota exceeded.",
            "limit": ROWS_A_DAY,
            "remaining": 0,
            "retry_after": int(reset - now) + 1,
        }
        return answer(content, 429, **{"X-RateLimit-Reset": str(reset)})

    def _too_frequent(self, threshold: float) -> Answer:
        """The three documented shapes in turn; none has a Retry-After."""
        self._refusals += 1
        line = f"API requests too frequent endpoint threshold={threshold}"
        if self._refusals % 3 == 1:
            return answer({"detail": line}, 429)
        if self._refusals % 3 == 2:
            return answer({"success": False, "error": "rate_limit_exceeded", "msg": line}, 429)
        return text(f"API requests too frequent: endpoint threshold={threshold}", 429)
