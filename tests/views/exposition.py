"""A page of metrics as Prometheus' own client library reads it, and what that library lets pass: repeats and names."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from prometheus_client.metrics_core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families

PAGE = (Path(__file__).parents[2] / "docs" / "watch.md").read_text(encoding="utf-8")
"""Where every metric is explained."""


class Row(NamedTuple):
    """One metric in the table of the documents."""

    kind: str
    labels: tuple[str, ...]
    help: str


def documented() -> dict[str, Row]:
    """The metrics of the documents, by name."""
    lines = [line for line in PAGE.splitlines() if line.startswith("| `reconcile_")]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    found = {
        name.strip("`"): Row(kind, tuple(re.findall("`(.+?)`", labels)), told) for name, kind, labels, told in rows
    }
    assert len(found) == len(rows), "a metric has two rows"
    return found


def parsed(page: str) -> dict[str, Family]:
    """The families of a page, by their names as they stand on it."""
    assert page.endswith("\n")
    families = list(text_string_to_metric_families(page))
    once([family.name for family in families])  # A counter's name without its `_total`, as OpenMetrics knows it.
    once([(each.name, *sorted(each.labels.items())) for family in families for each in family.samples])
    once(re.findall(r"^# (?:HELP|TYPE) \S+", page, re.MULTILINE))
    for name in re.findall(r"^# TYPE (\S+) counter$", page, re.MULTILINE):
        assert name.endswith("_total"), name
    return {f"{f.name}_total" if f.type == "counter" else f.name: f for f in families}


def once(things: list[object]) -> None:
    """Nothing comes twice."""
    assert not (twice := [thing for thing, times in Counter(things).items() if times > 1]), twice


def assert_documented(families: dict[str, Family]) -> None:
    """The page holds exactly the documented metrics, each with the type, the meaning and the labels of its row."""
    rows = documented()
    assert {name: (f.type, f.documentation) for name, f in families.items()} == {
        name: (row.kind, row.help) for name, row in rows.items()
    }
    for name, family in families.items():
        own = {"histogram": {"le"}}.get(family.type, set())
        assert {(*sorted(each.labels.keys() - own),) for each in family.samples} <= {tuple(sorted(rows[name].labels))}


def value(families: dict[str, Family], name: str, **labels: str) -> float:
    """What one sample stands at; it is there once."""
    found = [each.value for each in families[name].samples if each.labels == labels]
    assert len(found) == 1, (name, labels, families[name].samples)
    return float(found[0])
