"""How many replicas are wanted when: windows of the week, over midnight, and through the days when clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from builders import fleet
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.model import Fleet
from reconciler.core.timing import MIDNIGHT, Schedule, Window, as_wanted, decide, holding, replicas_at
from reconciler.spec.timing import DAYS, build_window

LA, BERLIN = "America/Los_Angeles", "Europe/Berlin"


def schedule(*windows: tuple[str, str, str, int], zone: str = LA, otherwise: int = 1, lead_s: float = 0.0) -> Schedule:
    """Windows as (days, from, to, replicas)."""
    built = (build_window({"days": d, "from": f, "to": t, "replicas": n}) for d, f, t, n in windows)
    return Schedule(ZoneInfo(zone), tuple(built), otherwise, lead_s)


def declared(rules: Schedule, **options: object) -> Fleet:
    return fleet(replicas=rules.otherwise, schedule=rules, **options)


def local(text: str, zone: str = LA, fold: int = 0) -> float:
    """A moment by the clock on the wall; `fold=1` is the second time that it shows this."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


OFFICE = schedule(("MON-FRI", "06:30", "20:00", 4))
NIGHT = schedule(("FRI", "22:00", "06:00", 3))
FIRST_WINS = schedule(("WED", "12:00", "13:00", 0), ("MON-FRI", "06:30", "20:00", 4))
TWO_DAYS = schedule(("MON,WED", "00:00", "24:00", 2))
WEEKEND = schedule(("SAT-MON", "18:00", "02:00", 5))

ON_AN_ORDINARY_WEEK = {
    "a minute before the window": (OFFICE, "2026-11-20T06:29", 1),
    "its first moment is in it": (OFFICE, "2026-11-20T06:30", 4),
    "a minute before its end": (OFFICE, "2026-11-20T19:59", 4),
    "its last moment is not in it": (OFFICE, "2026-11-20T20:00", 1),
    "Saturday is no weekday": (OFFICE, "2026-11-21T12:00", 1),
    "a window over midnight, in the evening": (NIGHT, "2026-11-20T22:00", 3),
    "a window over midnight, on the next morning": (NIGHT, "2026-11-21T05:59", 3),
    "it ends on the next morning": (NIGHT, "2026-11-21T06:00", 1),
    "the morning of its own day belongs to the day before": (NIGHT, "2026-11-20T05:00", 1),
    "the first window that holds wins, to none at all": (FIRST_WINS, "2026-11-18T12:30", 0),
    "the second one where the first does not hold": (FIRST_WINS, "2026-11-19T12:30", 4),
    "one of several days": (TWO_DAYS, "2026-11-18T23:59", 2),
    "the day between two": (TWO_DAYS, "2026-11-17T00:00", 1),
    "a range over the week's end": (WEEKEND, "2026-11-22T19:00", 5),
    "the last night of it": (WEEKEND, "2026-11-24T01:59", 5),
    "the night after it": (WEEKEND, "2026-11-24T19:00", 1),
}


@pytest.mark.parametrize(("rules", "at", "wanted"), ON_AN_ORDINARY_WEEK.values(), ids=ON_AN_ORDINARY_WEEK.keys())
def test_the_window_of_a_moment_decides(rules: Schedule, at: str, wanted: int) -> None:
    assert replicas_at(declared(rules), local(at)) == wanted


EARLY_LA = schedule(("SUN", "01:00", "02:30", 4))
LATE_LA = schedule(("SUN", "02:30", "06:00", 4))
SWALLOWED = schedule(("SUN", "02:10", "02:50", 4))
TWICE = schedule(("SUN", "01:10", "01:40", 4))
AFTER_TWICE = schedule(("SUN", "01:40", "03:00", 4))
IN_BERLIN = schedule(("SUN", "02:30", "06:00", 4), zone=BERLIN)
TWICE_IN_BERLIN = schedule(("SUN", "02:10", "02:40", 4), zone=BERLIN)
NIGHT_IN_BERLIN = schedule(("SAT", "22:00", "02:30", 4), zone=BERLIN)

WHEN_CLOCKS_CHANGE = {
    # Los Angeles: on 2027-03-14 02:00 becomes 03:00 at 10:00 UTC, on 2026-11-01 02:00 becomes 01:00 at 09:00 UTC.
    "LA, forward: an end that is skipped is the change": (EARLY_LA, "2027-03-14T09:59", "2027-03-14T10:00", 4, 1),
    "LA, forward: a begin that is skipped is the change": (LATE_LA, "2027-03-14T09:59", "2027-03-14T10:00", 1, 4),
    "LA, forward: the day's end stays 06:00 on the wall": (LATE_LA, "2027-03-14T12:59", "2027-03-14T13:00", 4, 1),
    "LA, forward: a window that is skipped never holds": (SWALLOWED, "2027-03-14T09:59", "2027-03-14T10:00", 1, 1),
    "LA, forward: nor an hour later": (SWALLOWED, "2027-03-14T10:15", "2027-03-14T10:45", 1, 1),
    "LA, back: a begin that comes twice is the first": (TWICE, "2026-11-01T08:09", "2026-11-01T08:10", 1, 4),
    "LA, back: an end that comes twice is the first": (TWICE, "2026-11-01T08:39", "2026-11-01T08:40", 4, 1),
    "LA, back: the second time it does not begin again": (TWICE, "2026-11-01T09:15", "2026-11-01T09:30", 1, 1),
    "LA, back: what follows holds through the hour twice": (AFTER_TWICE, "2026-11-01T08:40", "2026-11-01T09:39", 4, 4),
    "LA, back: and ends by the wall": (AFTER_TWICE, "2026-11-01T10:59", "2026-11-01T11:00", 4, 1),
    # Berlin: on 2027-03-28 02:00 becomes 03:00, on 2026-10-25 03:00 becomes 02:00, each at 01:00 UTC.
    "Berlin, forward: a begin that is skipped": (IN_BERLIN, "2027-03-28T00:59", "2027-03-28T01:00", 1, 4),
    "Berlin, forward: its end by the wall": (IN_BERLIN, "2027-03-28T03:59", "2027-03-28T04:00", 4, 1),
    "Berlin, back: the first of two begins": (TWICE_IN_BERLIN, "2026-10-25T00:09", "2026-10-25T00:10", 1, 4),
    "Berlin, back: the first of two ends": (TWICE_IN_BERLIN, "2026-10-25T00:39", "2026-10-25T00:40", 4, 1),
    "Berlin, back: not again": (TWICE_IN_BERLIN, "2026-10-25T01:15", "2026-10-25T01:30", 1, 1),
    "Berlin, forward: a night that ends in the gap": (NIGHT_IN_BERLIN, "2027-03-28T00:59", "2027-03-28T01:00", 4, 1),
    "Berlin, back: a night that ends in the hour twice": (
        NIGHT_IN_BERLIN,
        "2026-10-25T00:29",
        "2026-10-25T00:30",
        4,
        1,
    ),
}


@pytest.mark.parametrize(
    ("rules", "one", "two", "before", "after"), WHEN_CLOCKS_CHANGE.values(), ids=WHEN_CLOCKS_CHANGE.keys()
)
def test_on_the_days_when_clocks_change(rules: Schedule, one: str, two: str, before: int, after: int) -> None:
    asked = declared(rules)
    assert [replicas_at(asked, utc(one)), replicas_at(asked, utc(two))] == [before, after]


def test_a_whole_day_has_23_24_or_25_hours() -> None:
    rules = schedule(("SUN", "00:00", "24:00", 4), zone=BERLIN)
    for day, hours in {"2027-03-28": 23, "2027-04-04": 24, "2026-10-25": 25}.items():
        begin = local(f"{day}T00:00", BERLIN)
        held = [h for h in range(-2, 30) if replicas_at(declared(rules), begin + 3600 * h + 1) == 4]
        assert held == list(range(hours))


LEADS = {
    "more is wanted ten minutes early": (OFFICE, 600, "2026-11-20T06:20", 4, 1),
    "not a second earlier": (OFFICE, 599, "2026-11-20T06:20", 1, 1),
    "and is due at the begin": (OFFICE, 600, "2026-11-20T06:30", 4, 4),
    "less is not wanted early": (OFFICE, 600, "2026-11-20T19:55", 4, 4),
    "less is not wanted early, where a window wants it": (FIRST_WINS, 600, "2026-11-18T11:55", 4, 4),
    "what follows a window with less comes early too": (FIRST_WINS, 600, "2026-11-18T12:50", 4, 0),
    "a short window is not lost within a long lead": (
        schedule(("FRI", "12:00", "12:05", 9)),
        3600,
        "2026-11-20T11:30",
        9,
        1,
    ),
    "a pause within the lead is bridged": (
        schedule(("FRI", "10:00", "11:00", 3), ("FRI", "11:05", "12:00", 3)),
        600,
        "2026-11-20T11:00",
        3,
        1,
    ),
}


@pytest.mark.parametrize(("rules", "lead_s", "at", "wanted", "due"), LEADS.values(), ids=LEADS.keys())
def test_the_lead_comes_before_what_adds_instances(
    rules: Schedule, lead_s: float, at: str, wanted: int, due: int
) -> None:
    early = Schedule(rules.zone, rules.windows, rules.otherwise, lead_s)
    found = decide(early, local(at))
    assert (found.replicas, found.due) == (wanted, due)
    assert as_wanted(declared(early, min_ready=9), local(at)).min_ready == due


REASONS = {
    "while a window holds": (OFFICE, "2026-11-20T12:00", "schedule window MON-FRI 06:30-20:00"),
    "after it": (OFFICE, "2026-11-22T12:00", "schedule window MON-FRI 06:30-20:00 ended"),
    "of two the one that ended last": (
        schedule(("MON", "01:00", "02:00", 2), ("THU", "01:00", "02:00", 3)),
        "2026-11-20T12:00",
        "schedule window THU 01:00-02:00 ended",
    ),
    "ahead of it": (
        schedule(("MON-FRI", "06:30", "20:00", 4), lead_s=600),
        "2026-11-20T06:25",
        "schedule window MON-FRI 06:30-20:00 (due at 06:30)",
    ),
    "ahead of the end of one that wants less": (
        schedule(("FRI", "06:30", "20:00", 0), lead_s=600),
        "2026-11-20T19:55",
        "schedule window FRI 06:30-20:00 ended (due at 20:00)",
    ),
}


@pytest.mark.parametrize(("rules", "at", "why"), REASONS.values(), ids=REASONS.keys())
def test_a_decision_says_which_window_it_follows(rules: Schedule, at: str, why: str) -> None:
    assert decide(rules, local(at)).why == why


def test_without_a_schedule_the_number_is_the_declared_one() -> None:
    plain = fleet(replicas=3)
    assert replicas_at(plain, utc("2026-11-20T12:00")) == 3
    assert as_wanted(plain, utc("2026-11-20T12:00")) is plain


# --- properties -----------------------------------------------------------------------------------

ZONES = (LA, BERLIN, "UTC", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana")
minutes = st.integers(0, MIDNIGHT - 1)
windows = st.builds(
    lambda days, begin, end, replicas: Window(frozenset(days), begin, MIDNIGHT if end == begin else end, replicas, "w"),
    st.sets(st.integers(0, 6), min_size=1),
    minutes,
    minutes,
    st.integers(0, 9),
)
schedules = st.builds(
    lambda zone, ws, otherwise, lead: Schedule(ZoneInfo(zone), tuple(ws), otherwise, float(lead)),
    st.sampled_from(ZONES),
    st.lists(windows, min_size=1, max_size=4),
    st.integers(0, 9),
    st.sampled_from([0, 600, 3600]),
)
year = st.integers(int(utc("2026-01-01T00:00")), int(utc("2027-12-31T00:00")))
by_change = st.builds(
    lambda change, minutes: int(utc(change)) + 60 * minutes,
    st.sampled_from(["2026-11-01T09:00", "2027-03-14T10:00", "2026-10-25T01:00", "2027-03-28T01:00"]),
    st.integers(-200, 200),
)


def by_hand(window: Window, zone: ZoneInfo, at: float) -> bool:
    """Whether a window holds: it has begun, that is the clock has shown its begin or a later time of the day, and it
    has not ended. Found by walking through the minutes of the days before."""

    def passed(wall: datetime) -> bool:
        return any(datetime.fromtimestamp(at - 60 * back, zone).replace(tzinfo=None) >= wall for back in range(181))

    today = datetime.fromtimestamp(at, zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None, fold=0)
    for back in range(-1, 3):
        day = today - timedelta(days=back)
        if day.weekday() in window.days:
            begin = day + timedelta(minutes=window.begin_min)
            end = begin + timedelta(minutes=window.length_min)
            if passed(begin) and not passed(end):
                return True
    return False


@settings(deadline=None)
@given(rules=schedules, at=st.one_of(year, by_change))
def test_exactly_one_window_decides_or_none_does(rules: Schedule, at: int) -> None:
    """The one that decides holds, none before it does; without one no window holds. The number is its own."""
    at = at // 60 * 60
    found = holding(rules, at)
    held = [by_hand(window, rules.zone, at) for window in rules.windows]  # type: ignore[arg-type]
    first = held.index(True) if any(held) else None
    assert found == (None if first is None else rules.windows[first])
    due = decide(rules, at).due
    assert due == (rules.otherwise if first is None else rules.windows[first].replicas)


@settings(deadline=None)
@given(rules=schedules, at=st.one_of(year, by_change))
def test_a_lead_wants_the_most_of_now_and_of_every_minute_within_it(rules: Schedule, at: int) -> None:
    found = decide(rules, at)
    assert found.replicas == max(
        [found.due, *(decide(rules, edge).due for edge in range(at // 60 * 60 + 60, at + int(rules.lead_s) + 1, 60))]
    )


@settings(deadline=None)
@given(zone=st.sampled_from(ZONES), cut=minutes, at=st.one_of(year, by_change))
def test_windows_that_meet_leave_no_gap_and_no_overlap(zone: str, cut: int, at: int) -> None:
    every = frozenset(range(len(DAYS)))
    one, two = Window(every, 0, cut, 1, "one"), Window(every, cut, MIDNIGHT, 2, "two")
    parts = [each for each in (one, two) if each.begin_min != each.end_min]
    alone = [holding(Schedule(ZoneInfo(zone), (each,), 0), at) is not None for each in parts]
    assert sum(alone) == 1
