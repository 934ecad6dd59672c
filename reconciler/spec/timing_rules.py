"""Rules about schedules: time zones that exist, windows that have a length and are ever asked."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from reconciler.core.timing import MIDNIGHT, Window
from reconciler.spec.durations import seconds
from reconciler.spec.timing import EVERY_DAY, NoZone, days_of, find_zone, minutes_of
from reconciler.spec.tree import Finding, Node, Route
from reconciler.spec.tree_access import items, number, text

LONGEST_LEAD_S = 6 * 3600
WEEK = 7 * MIDNIGHT


def _timezone(root: Node) -> Iterator[Finding]:
    name = text(root, "schedule", "timezone")
    if name is not None:
        try:
            find_zone(name)
        except NoZone as problem:
            yield Finding(("schedule", "timezone"), "unknown-time-zone", str(problem), problem.hint)


def _lead(root: Node) -> Iterator[Finding]:
    said = text(root, "schedule", "lead") or ""
    try:
        length = seconds(said)
    except ValueError:
        return
    if length > LONGEST_LEAD_S:
        yield Finding(("schedule", "lead"), "out-of-range", f"schedule.lead must be from 0s to 6h, not {said}")


def _no_length(root: Node) -> Iterator[Finding]:
    for route, _ in items(root, "schedule", "windows"):
        begin, end = text(root, *route, "from"), text(root, *route, "to")
        if begin is not None and begin == end:
            said = f"the window begins and ends at {begin}"
            yield Finding((*route, "to"), "contradicting-values", said, 'for whole days: from: "00:00", to: "24:00"')


def _never_asked(root: Node) -> Iterator[Finding]:
    """A window that lies wholly under earlier ones decides nothing."""
    covered: set[int] = set()
    for route, _ in items(root, "schedule", "windows"):
        window = _window(root, route)
        if window is None:
            return
        minutes = _of_the_week(window)
        if minutes <= covered:
            said = f"the window {window.text} decides nothing: earlier windows hold all of its time"
            yield Finding(route, "no-effect", said, "the first window that holds wins; reorder them", warning=True)
        covered |= minutes


def _window(root: Node, route: Route) -> Window | None:
    """The window at a route, where all of it can be read."""
    says_days = root.at((*route, "days")) is not None
    days = text(root, *route, "days") if says_days else EVERY_DAY
    begin, end = text(root, *route, "from"), text(root, *route, "to")
    span = minutes_of(begin or ""), minutes_of(end or "")
    if days is None or span[0] is None or span[1] is None:
        return None
    try:
        return Window(days_of(days), span[0], span[1], 0, f"{days} {begin}-{end}")
    except ValueError:
        return None


def _of_the_week(window: Window) -> set[int]:
    begins = (day * MIDNIGHT + window.begin_min for day in window.days)
    return {(begin + minute) % WEEK for begin in begins for minute in range(window.length_min)}


def most_wanted(root: Node) -> Decimal | None:
    """The most replicas that a fleet ever wants; None where a number cannot be read."""
    has = number(root, "replicas") if root.at(("replicas",)) else Decimal(1)
    windows = [number(root, *route, "replicas") for route, _ in items(root, "schedule", "windows")]
    known = [each for each in (has, *windows) if each is not None]
    return max(known) if len(known) == len(windows) + 1 else None


TIMING_RULES = (_timezone, _lead, _no_length, _never_asked)
