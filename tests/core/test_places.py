"""Places: what a host says of itself, against what a spec asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.places import Place, countries_of, covers, is_known, matches, parse_location, suggest

LOCATIONS = {
    "California, US": Place("US", "CA"),
    "District of Columbia, US": Place("US", "DC"),
    "Georgia, US": Place("US", "GA"),
    "Indiana, US": Place("US", "IN"),
    "Quebec, CA": Place("CA", "QC"),
    "Quebec,CA": Place("CA", "QC"),
    "Qu\u00e9bec, CA": Place("CA", "QC"),
    "Sweden, SE": Place("SE", None),
    "T\u00fcrkiye, TR": Place("TR", None),
    "Washington, D.C., US": Place("US", None),
    "United States, US": Place("US", None),
    "California, MX": Place("MX", None),
    ", US": Place("US", None),
    "US": Place("US", None),
    "California, United States": Place(None, None),
    "california, us": Place(None, None),
    "Atlantis": Place(None, None),
    "": Place(None, None),
    ",": Place(None, None),
    None: Place(None, None),
}


@pytest.mark.parametrize(("text", "place"), LOCATIONS.items())
def test_a_location_is_read(text, place):
    assert parse_location(text) == place


MATCHES = {
    "a state is itself": ("US-CA", "California, US", True),
    "a state is no other": ("US-TX", "California, US", False),
    "without a state it cannot be told": ("US-CA", ", US", None),
    "another country is no state of ours": ("US-CA", "Ontario, CA", False),
    "CA alone is Canada": ("CA", "California, US", False),
    "IN is India": ("IN", "Indiana, US", False),
    "a province": ("CA-ON", "Ontario, CA", True),
    "a country without its state": ("US", ", US", True),
    "a country with its state": ("US", "Texas, US", True),
    "a continent": ("Europe", "Sweden, SE", True),
    "a continent in lower case": ("north america", "Ontario, CA", True),
    "another continent": ("Europe", ", US", False),
    "nothing said": ("US", None, None),
    "nothing readable said": ("Europe", "Atlantis", None),
    "a country nobody knows lies on no known continent": ("Europe", "Nowhere, QQ", None),
    "a country nobody knows is not Sweden": ("SE", "Nowhere, QQ", False),
    "a token nobody knows tells nothing": ("Narnia", "Sweden, SE", None),
}


@pytest.mark.parametrize(("token", "location", "expected"), MATCHES.values(), ids=MATCHES.keys())
def test_a_token_matches_a_place(token, location, expected):
    assert matches(token, parse_location(location)) is expected


@pytest.mark.parametrize("token", ["US-CA", "US-DC", "CA-ON", "SE", "XK", "Europe", "NORTH AMERICA", "oceania"])
def test_tokens_that_are_known(token):
    assert is_known(token)


@pytest.mark.parametrize(
    "token", ["", "us", "US-XX", "US-ON", "SE-AB", "QQ", "EU", "California", "US-", "-CA", "US-CA-X"]
)
def test_tokens_that_are_not(token):
    assert not is_known(token)


SUGGESTED = {
    "us-ca": "US-CA",
    "us_ca": "US-CA",
    "california": "US-CA",
    "Californa": "US-CA",
    "Ontario": "CA-ON",
    "sweden": "SE",
    "UK": "GB",
    "USA": "US",
    "EU": "Europe",
    "Eurpoe": "Europe",
    "north-america": "North America",
    "District of Columbia": "US-DC",
    "Washington DC": "US-DC",
    "US-Texas": "US-TX",
    "us-new york": "US-NY",
    "CA-Ontario": "CA-ON",
    "US-PR": "PR",
    "Puerto Rico": "PR",
    "CN-HK": "HK",
    "Macao": "MO",
    "Georgia": "US-GA",
    "US-SE": None,
    "Narnia": None,
    "QQ": None,
    "": None,
}


@pytest.mark.parametrize(("token", "meant"), SUGGESTED.items())
def test_what_was_probably_meant(token, meant):
    assert suggest(token) == meant


def test_the_countries_of_a_token():
    assert countries_of("US-CA") == countries_of("US") == ("US",)
    assert set(countries_of("North America")) >= {"US", "CA", "MX", "PR"}
    assert countries_of("Narnia") == ()


def test_every_country_lies_on_one_continent():
    continents = ["Africa", "Antarctica", "Asia", "Europe", "North America", "Oceania", "South America"]
    countries = [country for continent in continents for country in countries_of(continent)]
    assert len(countries) == len(set(countries)) == 250, "249 of ISO 3166 and Kosovo"


COVERED = {("US", "US-CA"): True, ("US-CA", "US"): False, ("US-CA", "US-CA"): True, ("US-CA", "US-TX"): False}
COVERED |= {("Europe", "SE"): True, ("SE", "Europe"): False, ("Europe", "Narnia"): False, ("Narnia", "SE"): False}


@pytest.mark.parametrize(("pair", "expected"), COVERED.items())
def test_a_wider_place_covers_a_narrower_one(pair, expected):
    assert covers(*pair) is expected


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_is_borne(token, location):
    place = parse_location(location)
    assert matches(token, place) in (True, False, None)
    meant = suggest(token)
    assert meant is None or is_known(meant)
