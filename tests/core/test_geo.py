"""Points on the globe, the way between them, and the milliseconds it costs."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.geo import LAST_MILE_MS, distance_km, estimate_ms, where
from reconciler.core.places import Place, countries_of, is_known, parse_location

SAN_FRANCISCO = (37.77, -122.42)
NEW_YORK = (40.71, -74.01)
LONDON = (51.51, -0.13)
SYDNEY = (-33.87, 151.21)

WAYS_KM = {
    "across America": (SAN_FRANCISCO, NEW_YORK, 4130),
    "across the Atlantic": (NEW_YORK, LONDON, 5570),
    "over the date line and the equator": (SAN_FRANCISCO, SYDNEY, 11_950),
    "a degree along the equator": ((0.0, 179.5), (0.0, -179.5), 111.2),
    "from pole to pole": ((90.0, 0.0), (-90.0, 77.0), 20_015),
    "nowhere": (LONDON, LONDON, 0),
}


@pytest.mark.parametrize(("one", "other", "km"), WAYS_KM.values(), ids=WAYS_KM.keys())
def test_the_great_circle(one, other, km):
    assert distance_km(one, other) == pytest.approx(km, rel=0.005, abs=0.001)


points = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@given(points, points, points)
def test_no_detour_is_shorter(a, b, c):  # by more than 10 m: near the antipode the formula loses digits
    assert distance_km(a, b) == pytest.approx(distance_km(b, a))
    assert (
        distance_km(a, c) <= distance_km(a, b) + distance_km(b, c) + 0.01
    )  # km: near the antipode the formula loses digits
    assert 0 <= distance_km(a, c) <= 20_016


KNOWN_ROUND_TRIPS_MS = {
    "San Francisco to New York": (SAN_FRANCISCO, NEW_YORK, 60, 80),
    "New York to London": (NEW_YORK, LONDON, 68, 100),
    "San Francisco to Sydney": (SAN_FRANCISCO, SYDNEY, 135, 200),
}


@pytest.mark.parametrize(
    ("one", "other", "least", "most"), KNOWN_ROUND_TRIPS_MS.values(), ids=KNOWN_ROUND_TRIPS_MS.keys()
)
def test_an_estimate_is_near_what_such_lines_take(one, other, least, most):
    assert least <= estimate_ms(distance_km(one, other)) <= most


@given(st.floats(0, 20_000), st.floats(0, 20_000))
def test_farther_takes_longer_and_never_less_than_light_in_glass(km, other):
    assert estimate_ms(km) >= max(LAST_MILE_MS, km / 100)
    assert (estimate_ms(km) <= estimate_ms(other)) or km >= other


STATES = [
    f"{country}-{a}{b}"
    for country in ("US", "CA")
    for a in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for b in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    if is_known(f"{country}-{a}{b}")
]
COUNTRIES = sorted(
    {
        country
        for continent in ("Africa", "Antarctica", "Asia", "Europe", "North America", "Oceania", "South America")
        for country in countries_of(continent)
    }
)


def test_every_place_that_a_host_can_name_has_a_point():
    assert (len(STATES), len(COUNTRIES)) == (64, 250)
    named = [Place(*token.split("-")) for token in STATES] + [Place(country, None) for country in COUNTRIES]
    assert [place for place in named if where(place) is None] == []


BOXES = {
    "US": (18, 72, -170, -66),
    "CA": (41, 84, -142, -52),
    "Africa": (-48, 38, -30, 76),
    "Asia": (-13, 56, 25, 146),
    "Europe": (34, 79, -25, 48),
    "North America": (7, 73, -130, -50),
    "South America": (-56, 13, -82, -43),
    "Oceania": (-50, 21, 115, 241),
}
"""South, north, west, east; Oceania lies over the date line."""


def tokens(box):
    states = [token for token in STATES if token.startswith(f"{box}-")]
    return states or [c for c in countries_of(box) if c not in ("TF", "HM", "UM")]


@pytest.mark.parametrize("box", BOXES)
def test_no_point_lies_outside_its_part_of_the_world(box):
    south, north, west, east = BOXES[box]
    for token in tokens(box):
        country, _, state = token.partition("-")
        latitude, longitude = where(Place(country, state or None)).degrees
        longitude += 360 if east > 180 and longitude < 0 else 0
        assert south <= latitude <= north, token
        assert west <= longitude <= east, token


NEIGHBOURS_KM = {
    "New York and New Jersey": ("New York, US", "New Jersey, US", 200),
    "Oregon and Washington": ("Oregon, US", "Washington, US", 400),
    "Ontario and Quebec": ("Ontario, CA", "Quebec, CA", 650),
    "Spain and Portugal": ("Spain, ES", "Portugal, PT", 500),
    "Hong Kong and Macao": ("Hong Kong, HK", "Macao, MO", 100),
    "Serbia and Kosovo": ("Serbia, RS", "Kosovo, XK", 300),
}


@pytest.mark.parametrize(("one", "other", "most"), NEIGHBOURS_KM.values(), ids=NEIGHBOURS_KM.keys())
def test_neighbours_are_near(one, other, most):
    here, there = where(parse_location(one)), where(parse_location(other))
    assert 0 < distance_km(here.degrees, there.degrees) <= most


ROUGH = {
    "a state": ("California, US", False),
    "a province": ("Ontario, CA", False),
    "a large country alone": (", US", True),
    "a large country with a town that is not known": ("Moscow, RU", True),
    "a small country": ("Sweden, SE", False),
}


@pytest.mark.parametrize(("text", "rough"), ROUGH.values(), ids=ROUGH.keys())
def test_the_middle_of_a_large_country_is_a_rough_guess(text, rough):
    assert where(parse_location(text)).rough is rough


@pytest.mark.parametrize("text", [None, "", "nowhere", "California, us", "Atlantis, ZZ"])
def test_an_unknown_place_has_no_point(text):
    assert where(parse_location(text)) is None


def test_positions_are_numbers_on_the_globe():
    for country in COUNTRIES:
        latitude, longitude = where(Place(country, None)).degrees
        assert math.fabs(latitude) <= 90
        assert math.fabs(longitude) <= 180
