"""Windows of a week as a spec writes them: days such as `MON-FRI`, times such as `06:30`, time zones by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import tzinfo
from typing import Any

from reconciler.core.near import near
from reconciler.core.timing import LEAD_S, MIDNIGHT, Schedule, Window
from reconciler.spec.durations import seconds

DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
EVERY_DAY = "MON-SUN"
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00", re.ASCII)


class NoZone(Exception):
    """There is no such time zone, or no data about any; with the way on."""

    def __init__(self, said: str, hint: str) -> None:
        super().__init__(said)
        self.hint = hint


def find_zone(name: str) -> tzinfo:
    """The time zone of this name, from the data of the system or of the package `tzdata`. Raises `NoZone`."""
    from zoneinfo import ZoneInfo, available_timezones

    return zone_among(name, ZoneInfo, available_timezones)


def zone_among(name: str, find: Callable[[str], tzinfo], known: Callable[[], Collection[str]]) -> tzinfo:
    """As `find_zone`, with where to look."""
    try:
        return find(name)
    except (KeyError, ValueError, OSError):  # Unknown, not a name, or a folder of names.
        names = known()
    if not names:
        said = f"there is no data about time zones here, so nothing is known of {name}"
        raise NoZone(said, "install it: apt install tzdata, or pip install tzdata")
    meant = near(name, names)
    raise NoZone(f"there is no time zone {name}", f"did you mean {meant}?" if meant else "such as Europe/Berlin or UTC")


def days_of(text: str) -> frozenset[int]:
    """The days of `MON-FRI`, `MON,WED` or `SAT`; `FRI-MON` goes over the week's end."""
    return frozenset(day for part in text.split(",") for day in _range(part))


def _range(text: str) -> list[int]:
    first, _, last = text.partition("-")
    begin = DAYS.index(first)
    length = (DAYS.index(last or first) - begin) % 7
    return [(begin + step) % 7 for step in range(length + 1)]


def minutes_of(text: str) -> int | None:
    """Minutes after midnight of `06:30`; None for what is no time of a day. `24:00` is the day's end."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    return MIDNIGHT if found[1] is None else int(found[1]) * 60 + int(found[2])


def build_window(fields: Mapping[str, Any]) -> Window:
    """A window of a document without mistakes."""
    days, begin, end = fields.get("days", EVERY_DAY), fields["from"], fields["to"]
    span = (minutes_of(begin) or 0, minutes_of(end) or 0)
    return Window(days_of(days), *span, fields["replicas"], f"{days} {begin}-{end}")


def build_schedule(fields: Mapping[str, Any], replicas: int) -> Schedule:
    """The schedule of a document without mistakes; `replicas` are wanted outside its windows."""
    lead_s = float(seconds(fields["lead"])) if "lead" in fields else LEAD_S
    return Schedule(find_zone(fields["timezone"]), tuple(map(build_window, fields["windows"])), replicas, lead_s)


def most_replicas(replicas: int, schedule: Schedule | None) -> int:
    """The most that is ever wanted."""
    return max([replicas, *(window.replicas for window in schedule.windows)]) if schedule else replicas
