"""The metrics page is read by Prometheus' own client library, and every metric is documented."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import get_args

import pytest

from reconciler.core.plan import Cost
from reconciler.core.snapshot import BUCKETS_S, Account, Calling, Durations, FleetState, Snapshot
from reconciler.core.spend import Spent
from reconciler.core.tally import Counted
from reconciler.views.metrics import METRICS, PREFIX, metrics_text

from .exposition import Row, assert_documented, documented, parsed, value

D = Decimal
COST = Cost(D("1.25"), D("1.50"), D(2), credit=D(30), spent=Spent(D("12.5"), D("1E+2")), budget_30_days=D(500))
FULL = Snapshot(
    at=1000.5,
    due_at=2000,
    owner='te"am\\\n',
    passes={"good": 3, "failed": 1},
    durations=Durations().plus(0.4).plus(45),
    good_at=999,
    fleets=(FleetState("june", 4, ready=2, pending=1, held=0, unhealthy=0, unfilled=1, rate_per_hour=D("0.30")),),
    account=Account(COST, D("1.75"), D(400), 1, D("0.1"), 2),
    counts={
        ("rents", "june", "new"): 4,
        ("rents", "june", "repair"): 1,
        ("rents_failed", "june", "refused"): 1,
        ("destroys", "june", "unhealthy"): 1,
        ("refusals", "", "credit runway"): 2,
        ("leaks", "june", "surplus"): 1,
        ("vanished", "june", ""): 1,
        ("strikes", "june", "never_ready"): 2,
    },
    calls=Calling({"list": 10, "rent": 5}, {"rent": 1}, {"list": 2}),
    resting={"june"},
    letters=3,
)


@pytest.mark.parametrize("shown", [FULL, Snapshot(0, 0, "")], ids=["all that can be shown", "nothing yet"])
def test_the_page_is_read_and_holds_every_documented_metric_and_no_other(shown):
    assert_documented(parsed(metrics_text(shown)))


def test_every_metric_has_a_sample_when_all_is_known():
    assert [name for name, family in parsed(metrics_text(FULL)).items() if not family.samples] == []


VALUES = {
    "seats": ("fleet_ready", {"fleet": "june"}, 2),
    "a fleet that rests": ("fleet_resting", {"fleet": "june"}, 1),
    "money": ("dollars_per_hour", {}, 1.25),
    "spend, whatever Decimal makes of it": ("spent_dollars", {"window": "30d"}, 100),
    "budget left": ("budget_left_dollars_per_hour", {}, 1.75),
    "runway": ("runway_seconds", {}, 72_000),
    "rents by reason": ("rents_total", {"fleet": "june", "reason": "repair"}, 1),
    "strikes by reason": ("strikes_total", {"fleet": "june", "reason": "never_ready"}, 2),
    "a refusal of no fleet": ("refusals_total", {"fleet": "", "reason": "credit runway"}, 2),
    "429s": ("api_too_many_total", {"route": "rent"}, 1),
    "no 429": ("api_too_many_total", {"route": "list"}, 0),
    "an owner that needs escapes": ("info", {"version": __import__("reconciler").__version__, "owner": 'te"am\\\n'}, 1),
}


@pytest.mark.parametrize(("name", "labels", "expected"), VALUES.values(), ids=VALUES.keys())
def test_values_are_read_back(name, labels, expected):
    assert value(parsed(metrics_text(FULL)), f"{PREFIX}{name}", **labels) == expected


def test_the_histogram_is_one():
    samples = parsed(metrics_text(FULL))[f"{PREFIX}pass_duration_seconds"].samples
    buckets = [(float(each.labels["le"]), each.value) for each in samples if each.labels]
    assert [bound for bound, _ in buckets] == [*BUCKETS_S, math.inf]
    assert [count for _, count in buckets] == sorted(count for _, count in buckets)
    rest = {each.name.rpartition("_")[2]: each.value for each in samples if not each.labels}
    assert rest == {"sum": pytest.approx(45.4), "count": buckets[-1][1]}


def test_the_documents_repeat_the_table_in_its_order():
    assert list(documented().items()) == [(f"{PREFIX}{m.name}", Row(m.kind, m.labels, m.help)) for m in METRICS]


def test_all_that_is_counted_is_shown():
    one = {(what, "june", "new"): 1 for what in get_args(Counted)}
    families = parsed(metrics_text(Snapshot(0, 0, "", counts=one)))
    assert sum(each.value for family in families.values() for each in family.samples if "fleet" in each.labels) == len(
        one
    )


FLAWS = {
    "no number": "# TYPE reconcile_leaks gauge\nreconcile_leaks none\n",
    "a label without its end": '# TYPE reconcile_leaks gauge\nreconcile_leaks{fleet="june} 1\n',
    "no end of the last line": "# TYPE reconcile_leaks gauge\nreconcile_leaks 1",
    "a series twice": '# TYPE a gauge\na{fleet="june"} 1\na{fleet="june"} 2\n',
    "a family twice": "# TYPE a gauge\na 1\n# TYPE b gauge\n# TYPE a gauge\n",
    "a gauge and a counter of one name": "# TYPE a gauge\na 1\n# TYPE a_total counter\na_total 1\n",
    "a counter that is not named as one": "# TYPE a counter\na 1\n",
    "a metric that no row explains": "# TYPE a gauge\na 1\n",
}


@pytest.mark.parametrize("page", FLAWS.values(), ids=FLAWS.keys())
def test_a_page_with_a_flaw_is_found_out(page):
    with pytest.raises((AssertionError, ValueError)):
        assert_documented(parsed(page))
