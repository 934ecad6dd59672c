"""The block `replace` as it is written: what it means, and every way to get it wrong."""

from __future__ import annotations

from decimal import Decimal

import pytest

from reconciler.core.renewal import Cheaper, ReplaceRules
from reconciler.core.timing import LEAD_S
from reconciler.spec.durations import seconds
from reconciler.spec.schema import load_schema

from .builders import FLEET

MEANINGS = {
    "not written": ("", ReplaceRules(86_400.0)),
    "written": ("replace: {before_expiry: 36h}\n", ReplaceRules(36 * 3600.0)),
    "off": ("replace: {before_expiry: 0s}\n", ReplaceRules(0.0)),
    "cheaper places, as they are by default": ("replace: {cheaper: {}}\n", ReplaceRules(86_400.0, Cheaper())),
    "cheaper places, all of it written": (
        "replace: {cheaper: {saves_per_month: 11.5, saves_percent: 25, min_age: 2d, max_per_day: 3, approve: auto,"
        " candidate: {for: 1h, cost: 0.75}}}\n",
        ReplaceRules(86_400.0, Cheaper(Decimal("11.5"), Decimal(25), 172_800.0, 3, "auto", 3600.0, Decimal("0.75"))),
    ),
    "contracts of a day": ("host: {min_days_left: 1}\n", ReplaceRules(43_200.0)),
    "contracts of any length": ("host: {min_days_left: 0}\n", ReplaceRules(0.0)),
    "off, with any contract": (
        "host: {min_days_left: 0}\nreplace: {before_expiry: 0s}\n",
        ReplaceRules(0.0),
    ),
}


@pytest.mark.parametrize(("text", "meant"), MEANINGS.values(), ids=MEANINGS.keys())
def test_what_the_block_means(folder, text, meant):
    (found,) = folder.write("f.yaml", FLEET + text).load().fleets
    assert found.replace == meant


WRONG = {
    "as long as what is rented lasts": (
        "replace: {before_expiry: 72h}\n",
        "6:26 contradicting-values",
        "a contract may have 3 days left",
    ),
    "longer than what is rented lasts": (
        "replace: {before_expiry: 25h}\nhost: {min_days_left: 1}\n",
        "6:26 contradicting-values",
        "let host.min_days_left be more",
    ),
    "with contracts of any length": (
        "replace: {before_expiry: 1s}\nhost: {min_days_left: 0}\n",
        "6:26 contradicting-values",
        "0 days left",
    ),
    "a number": ("replace: {before_expiry: 24}\n", "6:26 wrong-type", ""),
    "no duration": ("replace: {before_expiry: a day}\n", "6:26 wrong-form", "14d"),
    "two months": ("replace: {before_expiry: 60d}\nhost: {min_days_left: 90}\n", "6:26 out-of-range", "0s to 30d"),
    "an age of minutes": ("replace: {cheaper: {min_age: 59m}}\n", "6:30 out-of-range", "1h to 365d"),
    "a candidate of seconds": ("replace: {cheaper: {candidate: {for: 30s}}}\n", "6:38 out-of-range", "10m to 24h"),
    "a candidate of days": ("replace: {cheaper: {candidate: {for: 2d}}}\n", "6:38 out-of-range", "10m to 24h"),
    "a candidate for nothing": ("replace: {cheaper: {candidate: {cost: 0}}}\n", "6:39 out-of-range", "0.01"),
    "a saving of everything": ("replace: {cheaper: {saves_percent: 100}}\n", "6:36 out-of-range", "1 to 99"),
    "a saving in percent signs": ("replace: {cheaper: {saves_percent: 20%}}\n", "6:36 wrong-type", ""),
    "none a day": ("replace: {cheaper: {max_per_day: 0}}\n", "6:34 out-of-range", "1 to 100"),
    "nobody asked": ("replace: {cheaper: {approve: automatic}}\n", "6:30 unknown-value", "auto"),
    "a misspelt field": ("replace: {before_expire: 24h}\n", "6:11 unknown-field", "did you mean before_expiry?"),
}


@pytest.mark.parametrize(("text", "code", "words"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_block_is_refused_where_it_is_wrong(folder, text, code, words):
    found = folder.write("f.yaml", FLEET + text).refused()
    assert [f"{each.line}:{each.column} {each.code}" for each in found] == [code]
    assert words in f"{found[0].message} {found[0].suggestion}"


def test_the_defaults_of_the_schema_are_those_of_the_model():
    fields, ours = load_schema("fleet")["$defs"]["replace"]["properties"]["cheaper"]["properties"], Cheaper()
    for name in ("saves_per_month", "saves_percent", "max_per_day", "approve"):
        assert fields[name]["default"] == getattr(ours, name)
    assert seconds(fields["min_age"]["default"]) == ours.min_age_s
    candidate = fields["candidate"]["properties"]
    assert (seconds(candidate["for"]["default"]), candidate["cost"]["default"]) == (
        ours.candidate_for_s,
        ours.candidate_cost,
    )
    lead = load_schema("fleet")["$defs"]["schedule"]["properties"]["lead"]["default"]
    assert seconds(lead) == LEAD_S
