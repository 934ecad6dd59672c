"""How many replicas are wanted at a moment: windows of the week in a time zone, the first that holds decides. Pure.

A time of day means the first moment at which the clock on the wall shows it or a later one. So a time that the clock
skips when it is set forward means the moment of the change, one that it shows twice means the first, and windows that
meet on paper meet on every day of the year.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING

from reconciler.values import dataclass

if TYPE_CHECKING:
    from reconciler.core.model import Fleet

LEAD_S = 600.0
"""An instance boots in some minutes."""
MIDNIGHT = 24 * 60
"""The end of a day, in minutes after its begin."""
_WEEK = 8
"""Days to look back for the window that ended last: each window has a day within any seven."""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of some days of the week with a number of replicas of its own."""

    days: frozenset[int]
    """The days on which it begins, Monday is 0."""
    begin_min: int
    """Minutes after midnight, as the clock on the wall has them."""
    end_min: int
    """As `begin_min`; not after it: on the next day."""
    replicas: int
    text: str
    """As people say it: `MON-FRI 06:30-20:00`."""

    @property
    def length_min(self) -> int:
        """How long it lasts on a day without a change of the clock."""
        return self.end_min - self.begin_min + (0 if self.end_min > self.begin_min else MIDNIGHT)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The windows of a fleet, in the order in which they are asked."""

    zone: tzinfo
    windows: tuple[Window, ...]
    otherwise: int
    """The replicas wanted where no window holds."""
    lead_s: float = LEAD_S
    """More replicas are wanted so long before they are due, so that they are ready then."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The number that is wanted, and why."""

    replicas: int
    why: str
    due: int
    """The replicas that must be ready by now: fewer where a window's instances are only on their way."""


def replicas_at(fleet: Fleet, now: float) -> int:
    """How many replicas the fleet wants at `now`, in epoch seconds."""
    return fleet.replicas if fleet.schedule is None else decide(fleet.schedule, now).replicas


def most_replicas(fleet: Fleet) -> int:
    """The most replicas that the fleet ever wants."""
    windows = () if fleet.schedule is None else fleet.schedule.windows
    return max([fleet.replicas, *(window.replicas for window in windows)])


def as_wanted(fleet: Fleet, now: float) -> Fleet:
    """The fleet with the number that it wants now. What a coming window adds need not be ready yet."""
    if fleet.schedule is None:
        return fleet
    found = decide(fleet.schedule, now)
    return replace(fleet, replicas=found.replicas, min_ready=min(fleet.min_ready, found.due))


def decide(schedule: Schedule, now: float) -> Decision:
    """What holds now; or, where it wants more, what begins within `lead_s`."""
    due = _number(schedule, now)
    ahead = [(-_number(schedule, at), at) for at in _changes(schedule, now, now + schedule.lead_s)]
    more, at = min(ahead, default=(0, now))
    if -more > due:
        return Decision(-more, f"{_said(schedule, at)} (due at {_clock(schedule, at)})", due)
    return Decision(due, _said(schedule, now), due)


def holding(schedule: Schedule, at: float) -> Window | None:
    """The window that decides: the first that holds; None where none does."""
    return next((w for w in schedule.windows if any(begin <= at < end for begin, end in _spans(schedule, w, at))), None)


def _number(schedule: Schedule, at: float) -> int:
    window = holding(schedule, at)
    return schedule.otherwise if window is None else window.replicas


def _said(schedule: Schedule, at: float) -> str:
    """Why the number of `at` is what it is."""
    window = holding(schedule, at)
    if window is not None:
        return f"schedule window {window.text}"
    ended = [(end, w.text) for w in schedule.windows for begin, end in _spans(schedule, w, at) if begin < end <= at]
    last = max(ended, default=None, key=lambda each: each[0])
    return "outside the windows of the schedule" if last is None else f"schedule window {last[1]} ended"


def _clock(schedule: Schedule, at: float) -> str:
    return datetime.fromtimestamp(at, schedule.zone).strftime("%H:%M")


def _changes(schedule: Schedule, after: float, until: float) -> Iterator[float]:
    """The moments after `after`, up to `until`, at which a window begins or ends."""
    for window in schedule.windows:
        for begin, end in _spans(schedule, window, until):
            yield from (at for at in (begin, end) if begin < end and after < at <= until)


def _spans(schedule: Schedule, window: Window, at: float) -> Iterator[tuple[float, float]]:
    """Begin and end of the window in the week before `at` and on the day of it. One that a change of the clock
    swallows has no length."""
    today = datetime.fromtimestamp(at, schedule.zone).date()
    for back in range(_WEEK + 1):
        day = today - timedelta(days=back)
        if day.weekday() in window.days:
            ends = window.begin_min + window.length_min
            yield _moment(schedule.zone, day, window.begin_min), _moment(schedule.zone, day, ends)


def _moment(zone: tzinfo, day: date, minutes: int) -> float:
    """The first moment at which the clock shows this time of the day, or a later one."""
    wall = datetime.combine(day, time()) + timedelta(minutes=minutes)
    found = wall.replace(tzinfo=zone).timestamp()
    if _shown(zone, found) == wall:
        return found
    before = wall.replace(tzinfo=zone, fold=1).timestamp()
    while found - before > 1:  # The clock is set forward in between.
        middle = (found + before) // 2
        before, found = (before, middle) if _shown(zone, middle) >= wall else (middle, found)
    return found


def _shown(zone: tzinfo, at: float) -> datetime:
    return datetime.fromtimestamp(at, zone).replace(tzinfo=None, fold=0)
