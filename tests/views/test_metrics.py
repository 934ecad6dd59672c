"""The metrics page passes a strict parser of Prometheus' text format, and every metric is documented."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest

from reconciler.core.plan import Cost
from reconciler.core.snapshot import BUCKETS_S, Account, Calling, Durations, FleetState, Snapshot
from reconciler.core.spend import Spent
from reconciler.core.tally import Counted
from reconciler.views.metrics import METRICS, PREFIX, metrics_text

D = Decimal
PAGE = (Path(__file__).parents[2] / "docs" / "watch.md").read_text(encoding="utf-8")
_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,|$)')
_SAMPLE = re.compile(rf"({_NAME})(?:\{{(.*)\}})? (\S+)")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?|[+-]Inf|NaN", re.IGNORECASE)
_ENDINGS = {"histogram": ("_bucket", "_sum", "_count"), "gauge": ("",), "counter": ("",)}


@dataclass
class Family:
    """One metric as a reader of the page sees it."""

    help: str
    kind: str = ""
    samples: list[tuple[str, dict[str, str], float]] = field(default_factory=list)


def parsed(page: str) -> dict[str, Family]:
    """The page by the letter of the exposition format 0.0.4; anything odd is an error."""
    assert page.endswith("\n")
    families: dict[str, Family] = {}
    current = ""
    for line in page[:-1].split("\n"):
        if found := re.fullmatch(rf"# HELP ({_NAME}) (.*)", line):
            current = found[1]
            assert current not in families, f"{current} comes twice"
            families[current] = Family(found[2])
        elif found := re.fullmatch(rf"# TYPE ({_NAME}) (gauge|counter|histogram)", line):
            assert found[1] == current
            assert not families[current].samples
            families[current].kind = found[2]
        else:
            sample(line, current, families[current])
    for name, family in families.items():
        keys = [(each, *sorted(labels.items())) for each, labels, _ in family.samples]
        assert len(keys) == len(set(keys)), f"{name} repeats a sample"
    return families


def sample(line: str, current: str, family: Family) -> None:
    found = _SAMPLE.fullmatch(line)
    assert found, f"no sample: {line!r}"
    assert found[1].removeprefix(current) in _ENDINGS[family.kind], line
    labels = _LABEL.findall(found[2] or "")
    assert ",".join(f'{name}="{text}"' for name, text in labels) == (found[2] or ""), line
    assert len(dict(labels)) == len(labels), line
    assert _NUMBER.fullmatch(found[3]), line
    family.samples.append((found[1], {name: unescaped(text) for name, text in labels}, float(found[3])))


def unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], text)


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


def value(name: str, **labels: str) -> float:
    found = [v for each, had, v in parsed(metrics_text(FULL))[f"{PREFIX}{name}"].samples if had == labels and each]
    assert len(found) == 1, (name, labels, found)
    return found[0]


@pytest.mark.parametrize("shown", [FULL, Snapshot(0, 0, "")], ids=["all that can be shown", "nothing yet"])
def test_the_page_is_parsed_and_holds_every_metric(shown):
    families = parsed(metrics_text(shown))
    assert {name: (f.kind, f.help) for name, f in families.items()} == {
        f"{PREFIX}{m.name}": (m.kind, m.help) for m in METRICS
    }


def test_every_metric_has_a_sample_when_all_is_known_with_the_labels_of_its_row():
    families = parsed(metrics_text(FULL))
    for metric in METRICS:
        family = families[f"{PREFIX}{metric.name}"]
        assert family.samples, metric.name
        if metric.kind != "histogram":
            assert {tuple(labels) for _, labels, _ in family.samples} == {metric.labels}, metric.name


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
    assert value(name, **labels) == expected


def test_the_histogram_is_one():
    samples = parsed(metrics_text(FULL))[f"{PREFIX}pass_duration_seconds"].samples
    buckets = [(float(labels["le"].replace("+Inf", "inf")), v) for name, labels, v in samples if "le" in labels]
    assert [bound for bound, _ in buckets] == [*BUCKETS_S, math.inf]
    assert [count for _, count in buckets] == sorted(count for _, count in buckets)
    rest = {name.rpartition("_")[2]: v for name, labels, v in samples if not labels}
    assert rest == {"sum": pytest.approx(45.4), "count": buckets[-1][1]}


def test_every_metric_stands_on_the_page_with_its_type_its_labels_and_its_meaning():
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if line.startswith("| `rec")]
    written = [(row[0].strip("`"), row[1], row[2].replace("`", ""), row[3]) for row in rows]
    assert written == [(f"{PREFIX}{m.name}", m.kind, ", ".join(m.labels), m.help) for m in METRICS]


def test_what_is_counted_is_shown():
    shown = metrics_text(FULL)
    for what in Counted.__args__:
        assert f"{PREFIX}{what}_total{{" in shown
