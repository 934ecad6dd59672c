"""Schedules as they are written: what they mean, and every way to get one wrong with the place and the way out."""

from __future__ import annotations

from datetime import tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest

from reconciler.core.timing import Schedule, Window
from reconciler.spec.timing import NoZone, days_of, minutes_of, zone_among

from .builders import FLEET

HEAD = FLEET + "schedule:\n  timezone: Europe/Berlin\n"
NIGHTS = '  windows: [{days: "FRI-MON", from: "22:00", to: "06:00", replicas: 3}]\n'


def window(text: str) -> str:
    return HEAD + "  windows: [{" + text + "}]\n"


def on(days: str) -> str:
    return window(f'days: {days}, from: "01:00", to: "02:00", replicas: 1')


def test_a_schedule_arrives_whole(folder):
    (found,) = folder.write("f.yaml", HEAD + NIGHTS + "  lead: 20m\n").load().fleets
    nights = Window(frozenset({4, 5, 6, 0}), 22 * 60, 6 * 60, 3, "FRI-MON 22:00-06:00")
    assert found.schedule == Schedule(ZoneInfo("Europe/Berlin"), (nights,), otherwise=1, lead_s=1200.0)


def test_what_is_not_written_is_every_day_and_ten_minutes_ahead(folder):
    (found,) = folder.write("f.yaml", window('from: "00:00", to: "24:00", replicas: 0')).load().fleets
    assert found.schedule.lead_s == 600.0
    assert found.schedule.windows == (Window(frozenset(range(7)), 0, 24 * 60, 0, "MON-SUN 00:00-24:00"),)


def test_without_min_ready_all_that_is_wanted_at_a_time_must_be_ready(folder):
    (found,) = folder.write("f.yaml", HEAD + NIGHTS).load().fleets
    assert (found.replicas, found.min_ready) == (1, 3)


def test_a_policy_may_give_every_fleet_its_schedule(folder):
    policy = "kind: Policy\ndefaults:\n  schedule:\n    timezone: UTC\n  " + NIGHTS
    (found,) = folder.write("policy.yaml", policy).write("f.yaml").load().fleets
    assert found.schedule.windows[0].replicas == 3


DAYS = {"MON-FRI": {0, 1, 2, 3, 4}, "MON,WED": {0, 2}, "SAT": {5}, "SUN-MON,WED": {6, 0, 2}, "FRI-THU": set(range(7))}


@pytest.mark.parametrize(("text", "days"), DAYS.items(), ids=DAYS.keys())
def test_days_are_ranges_and_lists(text, days):
    assert days_of(text) == days


TIMES = {"00:00": 0, "06:30": 390, "23:59": 1439, "24:00": 1440, "24:01": None, "6:30": None, "12:60": None, "": None}


@pytest.mark.parametrize(("text", "minutes"), TIMES.items(), ids=TIMES.keys())
def test_times_are_of_the_clock(text, minutes):
    assert minutes_of(text) == minutes


WRONG = {
    "a misspelt zone": (
        HEAD.replace("Berlin", "Berlln") + NIGHTS,
        ["7:13 unknown-time-zone"],
        "did you mean Europe/Berlin?",
    ),
    "a zone that is a folder": (HEAD.replace("Europe/Berlin", "US/Indiana/x") + NIGHTS, ["7:13 unknown-time-zone"], ""),
    "a folder of zones": (HEAD.replace("Europe/", "America/Argentina/../") + NIGHTS, ["7:13 wrong-form"], "UTC or"),
    "an abbreviation": (HEAD.replace("Europe/Berlin", "PST") + NIGHTS, ["7:13 wrong-form"], "America/Los_Angeles"),
    "an offset": (HEAD.replace("Europe/Berlin", '"+01:00"') + NIGHTS, ["7:13 wrong-form"], "UTC or"),
    "a path": (HEAD.replace("Europe/Berlin", "../../etc/passwd") + NIGHTS, ["7:13 wrong-form"], "UTC or"),
    "no zone": (FLEET + "schedule:\n" + NIGHTS, ["6:1 missing-field"], "schedule.timezone is required"),
    "no windows": (HEAD, ["6:1 missing-field"], "schedule.windows is required"),
    "an empty list of windows": (HEAD + "  windows: []\n", ["8:12 empty-value"], "must not be empty"),
    "a day nobody knows": (
        on("MON-FRY"),
        ["8:20 wrong-form"],
        "MON-FRI",
    ),
    "a day in small letters": (
        on("mon"),
        ["8:20 wrong-form"],
        "MON",
    ),
    "an hour without its zero": (window('from: 6:30, to: "20:00", replicas: 1'), ["8:20 wrong-form"], "00:00"),
    "an hour that does not exist": (window('from: "24:00", to: "20:00", replicas: 1'), ["8:20 wrong-form"], "23:59"),
    "a number as a time": (window('from: 630, to: "20:00", replicas: 1'), ["8:20 wrong-type"], ""),
    "a window without an end": (window('from: "01:00", replicas: 1'), ["8:13 missing-field"], "to is required"),
    "a window without a number": (window('from: "01:00", to: "02:00"'), ["8:13 missing-field"], "replicas is required"),
    "fewer than none": (window('from: "01:00", to: "02:00", replicas: -1'), ["8:52 out-of-range"], "0 to 10000"),
    "a window without length": (
        window('from: "01:00", to: "01:00", replicas: 1'),
        ["8:33 contradicting-values"],
        'from: "00:00", to: "24:00"',
    ),
    "a lead of days": (HEAD + NIGHTS + "  lead: 7h\n", ["9:9 out-of-range"], "0s to 6h"),
    "a lead without a unit": (HEAD + NIGHTS + "  lead: 10\n", ["9:9 wrong-type"], ""),
    "more ready than ever wanted": (
        HEAD + NIGHTS + "min_ready: 4\n",
        ["9:12 contradicting-values"],
        "more than replicas and the most of its windows, which is 3",
    ),
}


@pytest.mark.parametrize(("text", "codes", "words"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_schedule_is_refused_where_it_is_wrong(folder, text, codes, words):
    found = folder.write("f.yaml", text).refused()
    assert [f"{each.line}:{each.column} {each.code}" for each in found] == codes
    assert words in f"{found[0].message} {found[0].suggestion}"


HIDDEN = '  windows:\n    - {days: MON-FRI, from: "08:00", to: "20:00", replicas: 3}\n    - {days: %s, replicas: 2}\n'


@pytest.mark.parametrize("part", ['MON, from: "09:00", to: "20:00"', 'TUE-FRI, from: "08:00", to: "08:01"'])
def test_a_window_under_an_earlier_one_is_warned_of(folder, part):
    (warning,) = folder.write("f.yaml", HEAD + HIDDEN % part).load().warnings
    assert (f"{warning.line}:{warning.column} {warning.code}", warning.severity) == ("10:7 no-effect", "warning")
    assert "decides nothing" in warning.message


@pytest.mark.parametrize("part", ['SAT, from: "09:00", to: "20:00"', 'MON, from: "19:00", to: "08:00"'])
def test_a_window_that_sometimes_decides_is_not_warned_of(folder, part):
    assert folder.write("f.yaml", HEAD + HIDDEN % part).load().warnings == ()


def nowhere(name: str) -> tzinfo:
    raise ZoneInfoNotFoundError(f"No time zone found with key {name}")


def test_a_machine_without_data_about_zones_is_told_how_to_get_it():
    with pytest.raises(NoZone, match="no data about time zones") as caught:
        zone_among("Europe/Berlin", nowhere, set)
    assert "tzdata" in caught.value.hint
    with pytest.raises(NoZone, match="no time zone Europe/Berlin") as caught:
        zone_among("Europe/Berlin", nowhere, lambda: {"UTC"})
    assert "UTC" in caught.value.hint
