"""`host.query` in a spec: every flaw at its very place, however the text is written."""

from __future__ import annotations

from decimal import Decimal

import pytest

from reconciler.core.model import Clause
from reconciler.core.query_language import Known, Language
from reconciler.diagnostics import render
from reconciler.errors import InvalidInput
from reconciler.spec.load import load

from .builders import FLEET

LANGUAGE = Language(
    {"speed": Known("number", "MB/s"), "maker": Known("text")}, {"velocity": "speed"}, {"price": "use price instead"}
)


def refused(folder, *paths: str):
    with pytest.raises(InvalidInput) as caught:
        load(paths or ["."], cwd=folder.path, language=lambda: LANGUAGE)
    return caught.value.diagnostics


# sentence: (what stands behind `query:`, the places and codes, what the caret underlines)
PLACED = {
    "in double quotes": ('"speed>1 spede<2"', ["7:19 unknown-query-field"], ["spede"]),
    "in single quotes": ("'speed>1 spede<2'", ["7:19 unknown-query-field"], ["spede"]),
    "without quotes": ("speed>1 spede<2", ["7:18 unknown-query-field"], ["spede"]),
    "several in one line": (
        '"price=any spede<2 speed>fast"',
        ["7:11 query-field-reserved", "7:21 unknown-query-field", "7:35 query-value"],
        ["price", "spede", "fast"],
    ),
    "an operator": ('"speed => 1"', ["7:17 query-operator"], ["=>"]),
    "the form": ('"speed>1 maker"', ["7:19 query-syntax"], ["maker"]),
    "a value twice": ("speed>1 speed in [1,x]", ["7:30 query-value"], ["x"]),
    "folded, in its second line": (">-\n    speed>1\n    spede<2", ["9:5 unknown-query-field"], ["spede"]),
    "folded plain words": ("speed>1\n    spede<2", ["8:5 unknown-query-field"], ["spede"]),
    "folded in quotes": ('"speed>1\n    maker=a   spede<2"', ["8:15 unknown-query-field"], ["spede"]),
    "quotes that hide the text": (
        r'"\x73peed>1 spede<2"',
        ["7:10 unknown-query-field"],
        [r'"\x73peed>1 spede<2"'],
    ),
}


@pytest.mark.parametrize(("written", "expected", "pieces"), PLACED.values(), ids=PLACED.keys())
def test_a_flaw_is_reported_at_its_place(folder, written, expected, pieces):
    folder.write("june.yaml", f"{FLEET}host:\n  query: {written}\n")
    found = refused(folder)
    assert [f"{each.line}:{each.column} {each.code}" for each in found] == expected
    assert [each.source[each.column - 1 :][: each.width] for each in found] == pieces


def test_a_flaw_is_shown_with_its_way_out(folder):
    folder.write("june.yaml", FLEET + 'host: {query: "speed>1 spede<2"}\n')
    assert render(refused(folder)[0]).splitlines() == [
        "june.yaml:6:24: error[unknown-query-field]: host.query: there is no field spede to ask for",
        '    6 | host: {query: "speed>1 spede<2"}',
        "                               ^^^^^",
        "      = did you mean speed?",
    ]


def test_a_flaw_of_the_policys_defaults_is_reported_there_and_once(folder):
    folder.write("policy.yaml", 'kind: Policy\ndefaults: {host: {query: "spede<2"}}\n')
    folder.write("june.yaml").write("july.yaml", FLEET.replace("june", "july"))
    assert [f"{each.place} {each.code}" for each in refused(folder)] == ["policy.yaml:2:27 unknown-query-field"]


WRONG = {
    "a number": ("7", "6:15 wrong-type"),
    "a list": ("[a]", "6:15 wrong-type"),
    "nothing": ('""', "6:15 empty-value"),
    "a book": ('"' + "speed>1 " * 200 + '"', "6:15 too-long"),
    "a tab": ('"speed>1\\tmaker=a"', "6:15 forbidden-character"),
}


@pytest.mark.parametrize(("written", "expected"), WRONG.values(), ids=WRONG.keys())
def test_what_is_no_query_at_all(folder, written, expected):
    folder.write("june.yaml", FLEET + f"host: {{query: {written}}}\n")
    assert [f"{each.line}:{each.column} {each.code}" for each in refused(folder)] == [expected]


def test_a_query_arrives_by_the_names_of_the_language(folder):
    folder.write("june.yaml", FLEET + "host:\n  query: >-\n    velocity >= 10.5\n    maker=A_B maker=any\n")
    (fleet,) = load(["."], cwd=folder.path, language=lambda: LANGUAGE).fleets
    assert fleet.host.query == (
        Clause("speed", "gte", (Decimal("10.5"),), "velocity >= 10.5"),
        Clause("maker", "eq", ("A B",), "maker=A_B"),
    )


def test_a_fleets_query_stands_in_place_of_the_policys(folder):
    folder.write("policy.yaml", 'kind: Policy\ndefaults: {host: {query: "speed>1", min_cpu_cores: 2}}\n')
    folder.write("june.yaml", FLEET + 'host: {query: "speed>2"}\n')
    (fleet,) = load(["."], cwd=folder.path, language=lambda: LANGUAGE).fleets
    assert [clause.text for clause in fleet.host.query] == ["speed>2"]
    assert fleet.host.min_cpu_cores == 2


def test_without_a_language_every_field_is_let_through(folder):
    folder.write("june.yaml", FLEET + 'host: {query: "spede>1"}\n')
    assert [clause.field for clause in folder.load().fleets[0].host.query] == ["spede"]
