"""`host.query` as text: what it asks for, and what is wrong with it at which place."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.query_language import Known, Language, understand

D = Decimal
LANGUAGE = Language(
    {
        "speed": Known("number", "MB/s", D(0), D(1000)),
        "share": Known("number", "a share", D(0), D(1)),
        "quick": Known("flag"),
        "maker": Known("text"),
        "driver": Known("version"),
        "country": Known("country"),
    },
    aliases={"velocity": "speed"},
    reserved={"price": "use the price of the spec"},
)

# sentence: (text, (field, operator, values) of each clause)
READ = {
    "one comparison": ("speed>=10", [("speed", "gte", D(10))]),
    "blanks around the operator": ("speed >= 10.5", [("speed", "gte", D("10.5"))]),
    "two side by side": ("speed>=10 share<1", [("speed", "gte", D(10)), ("share", "lt", D(1))]),
    "a comma between them": ("speed>=10, share<1", [("speed", "gte", D(10)), ("share", "lt", D(1))]),
    "two on one field": ("speed>1 speed<9", [("speed", "gt", D(1)), ("speed", "lt", D(9))]),
    "one equals sign": ("speed=1", [("speed", "eq", D(1))]),
    "two equals signs": ("speed==1", [("speed", "eq", D(1))]),
    "unequal": ("speed!=1", [("speed", "neq", D(1))]),
    "at most": ("speed<=1", [("speed", "lte", D(1))]),
    "an operator as a word": ("speed gte 1 speed lt 5", [("speed", "gte", D(1)), ("speed", "lt", D(5))]),
    "not eq": ("speed not eq 1", [("speed", "neq", D(1))]),
    "a list": ("speed in [1,2, 3]", [("speed", "in", D(1), D(2), D(3))]),
    "a list at once": ("speed in[1]", [("speed", "in", D(1))]),
    "a list without brackets": ("country in SE,NO speed>1", [("country", "in", "SE", "NO"), ("speed", "gt", D(1))]),
    "not in": ("country not in ['SE', \"NO\"]", [("country", "notin", "SE", "NO")]),
    "notin": ("country notin [SE]", [("country", "notin", "SE")]),
    "nin": ("country nin [SE,]", [("country", "notin", "SE")]),
    "a text in quotes": ('maker="A B" speed>1', [("maker", "eq", "A B"), ("speed", "gt", D(1))]),
    "underscores for blanks": ("maker=A_B_C", [("maker", "eq", "A B C")]),
    "underscores in quotes stay": ('maker="A_B"', [("maker", "eq", "A_B")]),
    "texts with blanks in a list": ('maker in ["A B", C_D, E F]', [("maker", "in", "A B", "C D", "E F")]),
    "a comma within quotes": ('maker in ["A, B",C]', [("maker", "in", "A, B", "C")]),
    "true": ("quick=true", [("quick", "eq", True)]),
    "False as Python has it": ("quick=False", [("quick", "eq", False)]),
    "one for true": ("quick != 1", [("quick", "neq", True)]),
    "a version": ("driver>=535.86.05", [("driver", "gte", "535.86.05")]),
    "another name of a field": ("velocity>1", [("speed", "gt", D(1))]),
    "any is no rule": ("speed=any share<1", [("share", "lt", D(1))]),
    "an asterisk is no rule": ("speed == *", []),
    "any in quotes is a text": ('maker="any"', [("maker", "eq", "any")]),
    "nothing": ("  ", []),
}


@pytest.mark.parametrize(("text", "expected"), READ.values(), ids=READ.keys())
def test_a_query_is_understood(text, expected):
    found = understand(text, LANGUAGE)
    assert found.flaws == ()
    assert [(each.field, each.operator, *each.values) for each in found.clauses] == expected


def test_a_clause_keeps_its_words():
    found = understand('speed >= 10, country in [ SE,NO ] maker="A B" velocity>1', LANGUAGE)
    assert [each.text for each in found.clauses] == [
        "speed >= 10",
        "country in [ SE,NO ]",
        'maker="A B"',
        "velocity>1",
    ]


# sentence: (text, (kind, the piece it is about), words of the message or the suggestion)
FLAWED = {
    "an unknown field": ("speed>1 spede<2", [("field", "spede")], "did you mean speed?"),
    "a field like nothing": ("xyzzy>1", [("field", "xyzzy")], "country, driver, maker"),
    "a reserved field": ("price<1", [("reserved", "price")], "use the price of the spec"),
    "any on a reserved field": ("price=any", [("reserved", "price")], "use the price of the spec"),
    "all flaws at once": ("price<1 spede<2", [("reserved", "price"), ("field", "spede")], "did you mean speed?"),
    "an operator turned round": ("speed => 1", [("operator", "=>")], "did you mean >=?"),
    "an operator of other languages": ("speed <> 1", [("operator", "<>")], "did you mean !=?"),
    "an operator of no language": ("speed =! 1", [("operator", "=!")], "did you mean !=?"),
    "a blank within an operator": ("speed > = 1", [("operator", "=")], "write >="),
    "more of true": ("quick>=true", [("operator", ">=")], "= != in notin"),
    "less of a country": ("country<SE", [("operator", "<")], "knows no <"),
    "a list after equals": ("speed=[1,2]", [("operator", "=")], "write in"),
    "a list after at least": ("speed>=[1]", [("operator", ">=")], "not a list"),
    "more than any": ("speed>any", [("operator", ">")], "after = only"),
    "any within a list": ("speed in [any]", [("value", "any")], "a number (MB/s), not any"),
    "an empty list": ("speed in []", [("value", "in")], "a value is missing"),
    "an empty text": ('maker=""', [("value", '""')], "empty"),
    "a unit": ("speed>=24GB", [("value", "24GB")], "write 24"),
    "a decimal comma": ("speed>=2,5", [("value", "2,5")], "write 2.5"),
    "no number": ("speed>=fast", [("value", "fast")], "a number (MB/s), not fast"),
    "not a number": ("speed>=nan", [("value", "nan")], "a number"),
    "an underscore in a number": ("speed>=1_0", [("value", "1_0")], "a number"),
    "beyond what is possible": ("share>98", [("value", "98")], "between 0 and 1 (a share), not at 98"),
    "below what is possible": ("share>-1", [("value", "-1")], "between 0 and 1"),
    "one of a list": ("speed in [1, x, 3]", [("value", "x")], "not x"),
    "two for true": ("quick=2", [("value", "2")], "true or false"),
    "no version": ("driver>=new", [("value", "new")], "a version such as"),
    "a country in small letters": ("country=se", [("value", "se")], "did you mean SE?"),
    "a country's name": ("country in [Sweden]", [("value", "Sweden")], "did you mean SE?"),
    "a state": ("country=US-CA", [("value", "US-CA")], "a country's code"),
    "no operator": ("speed 10", [("form", "speed")], "compared with nothing"),
    "no value": ("speed>=", [("form", ">=")], "a value is missing"),
    "and": ("speed>1 and speed<2", [("form", "and")], "all comparisons must hold"),
    "or": ("speed>1 or speed<2", [("form", "or")], "use in with a list"),
    "two ampersands": ("speed>1 && speed<2", [("form", "&&")], "a field's name was expected"),
    "a bracket that never closes": ("country in [SE, NO", [("form", "[SE,")], "never closed"),
    "quotes that never close": ('maker="A B', [("form", '"A')], "never closed"),
    "a list without brackets and with blanks": ("country in SE, NO", [("form", "NO")], "stands in brackets"),
    "a dollar": ("speed>1 $x", [("form", "$x")], "was expected"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected", "words"), FLAWED.values(), ids=FLAWED.keys())
def test_a_flaw_is_said_where_it_is(text, expected, words):
    flaws = understand(text, LANGUAGE).flaws
    assert [(each.kind, text[each.start : each.start + each.width]) for each in flaws] == expected
    assert words in " ".join(f"{each.message} {each.suggestion}" for each in flaws)


def test_what_is_right_beside_a_flaw_is_still_understood():
    assert [each.text for each in understand("speed>1 spede<2 share<1 speed 3", LANGUAGE).clauses] == [
        "speed>1",
        "share<1",
    ]


def test_without_a_language_only_the_form_is_checked():
    found = understand('foo>=10 bar=true maker=A_B driver="570"')
    assert [(each.field, *each.values) for each in found.clauses] == [
        ("foo", D(10)),
        ("bar", True),
        ("maker", "A B"),
        ("driver", "570"),
    ]
    assert [each.kind for each in understand("foo => 1").flaws] == ["operator"]


SIGNS = ["=", "==", "!=", "<", "<=", ">", ">=", "in", "notin", "not", "[", "]", ",", "'", '"']
WORDS = st.sampled_from([*LANGUAGE.fields, *LANGUAGE.reserved, *SIGNS, "any", "1", "0.5", "-2", "1e5", "SE", "A_B"])


@given(st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=12).map(" ".join), st.lists(WORDS).map("".join)))
def test_any_text_is_borne_and_every_flaw_lies_within_it(text):
    for language in (LANGUAGE, None):
        found = understand(text, language)
        for flaw in found.flaws:
            assert 0 <= flaw.start < len(text)
            assert 1 <= flaw.width <= len(text) - flaw.start
        assert all(each.text in text and each.values for each in found.clauses)


NAMES = st.sampled_from(["speed", "share"])
NUMBERS = st.decimals(0, 1, places=3)


@given(
    st.lists(st.tuples(NAMES, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), NUMBERS), min_size=1, max_size=5),
    st.sampled_from([" ", "  ", ", "]),
)
def test_the_words_of_a_clause_mean_the_clause(parts, between):
    written = [f"{name}{sign}{value}" for name, sign, value in parts]
    found = understand(between.join(written), LANGUAGE).clauses
    assert [each.text for each in found] == written
    assert [each for text in written for each in understand(text, LANGUAGE).clauses] == list(found)
