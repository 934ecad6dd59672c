"""The market as a fleet sees it: ranked offers, counted refusals, and the nearest miss when nothing fits."""

from __future__ import annotations

import json
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from .project import Outcome, Project

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "output.schema.json").read_text("utf-8"))
LATENCY = {"users_at": [37.77, -122.42]}
TIERS = {"tiers": [{"name": "us", "in": ["US"], "bonus": 0.2}], "elsewhere": {"penalty": 0.1}}


def offers(project: Project, *args: str) -> Outcome:
    return project.run("offers", "june", "--simulate", *args)


def told(project: Project) -> dict[str, Any]:
    """The document, once it is what the schema says."""
    document = offers(project, "--format", "json").assert_success().document
    Draft202012Validator(SCHEMA).validate(document)
    return document  # type: ignore[no-any-return]


def test_offers_are_ranked_and_refusals_counted(project: Project) -> None:
    project.fleet(host__min_reliability=0.99)
    offers = project.run("offers", "june", "--simulate", "--format", "json").assert_success().document
    prices = [Decimal(offer["price_per_hour"]) for offer in offers["eligible"]]
    assert prices == sorted(prices)
    assert prices
    assert max(prices) <= Decimal("0.5")
    assert offers["seen"] == len(offers["eligible"]) + len(offers["refused_offers"])
    counts = Counter(offer["refusals"][0]["rule"] for offer in offers["refused_offers"])
    assert counts == offers["refused"]
    assert "host.min_reliability" in counts
    text = project.run("offers", "june", "--simulate").assert_success("ranked", "Refused:").out
    assert f"{len(prices)} eligible offers of {offers['seen']} seen" in text


def test_tiers_in_strict_order_rank_before_prices(project: Project) -> None:
    tiers = [{"name": "first", "in": ["US"]}, {"name": "second", "in": ["CZ", "JP"]}]
    project.fleet(regions={"tiers": tiers, "strict_order": True})
    offers = project.run("offers", "june", "--simulate", "--format", "json").assert_success().document
    tiers = [offer["tier"] for offer in offers["eligible"]]
    assert tiers == sorted(tiers)
    assert set(tiers) == {"first", "second"}
    project.apply().assert_success()
    assert "US" in project.status().out


def test_what_is_rented_is_the_best_offer(project: Project) -> None:
    project.fleet()
    best = project.run("offers", "june", "--simulate", "--format", "json").document["eligible"][0]
    project.apply().assert_success()
    assert project.live()[0].machine == best["machine"]


def test_a_cap_too_low_is_told_with_the_nearest_miss_in_numbers(project: Project) -> None:
    project.fleet(price__max_per_hour=0.02)
    said = ("Nothing fits", "price.max_per_hour", "nearest miss $0.0", "% off")
    project.run("offers", "june", "--simulate").assert_success(*said)
    project.plan().assert_success("1 seat unfilled", "price.max_per_hour refuses", "nearest miss $0.0", "% off")


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("price.max_per_hour", {"price__max_per_hour": 0.02}),
        ("host.min_reliability", {"host__min_reliability": 1}),
        ("host.min_download_mbps", {"host__min_download_mbps": 900000}),
        ("host.min_upload_mbps", {"host__min_upload_mbps": 900000}),
        ("host.min_cpu_cores", {"host__min_cpu_cores": 4000}),
        ("host.min_ram_gb", {"host__min_ram_gb": 60000}),
        ("host.min_disk_mbps", {"host__min_disk_mbps": 900000}),
        ("host.min_cuda", {"host__min_cuda": "99.0"}),
        ("host.min_driver", {"host__min_driver": "999"}),
        ("host.min_direct_ports", {"host__min_direct_ports": 60000}),
        ("host.min_days_left", {"host__min_days_left": 3600}),
        ("regions", {"regions__tiers": [{"name": "far", "in": ["AQ"]}]}),
        (
            "regions.blocked",
            {"regions__blocked": ["Europe", "Asia", "North America", "South America", "Oceania", "Africa"]},
        ),
        ("gpu.min_vram_gb", {"gpu__min_vram_gb": 500}),
        ("price.max_download_per_tb", {"price__max_download_per_tb": 0}),
        ("price.max_upload_per_tb", {"price__max_upload_per_tb": 0}),
    ],
)
def test_a_seat_that_nothing_fits_is_told_with_its_rule_and_changes_no_exit_code(
    project: Project, rule: str, change: dict[str, object]
) -> None:
    project.fleet("june", **change)
    offers = project.run("offers", "june", "--simulate", "--format", "json").document
    if rule not in ("price.max_download_per_tb", "price.max_upload_per_tb"):
        assert offers["eligible"] == []
        project.plan("--exit-code").assert_code(3, "unfilled", rule)
    assert any(refused.startswith(rule.partition(".")[0]) for refused in offers["refused"])
    assert any(r["rule"].startswith(rule) for offer in offers["refused_offers"] for r in offer["refusals"])


def test_unfilled_seats_do_not_keep_other_fleets_from_being_served(project: Project) -> None:
    project.fleet("june", replicas=2, price__max_per_hour=0.02)
    project.fleet("july", replicas=2)
    project.apply().assert_success("2 seats unfilled", "price.max_per_hour", "2 instances rented")
    project.assert_all_run("july", 2)
    project.plan().assert_success("2 unfilled")


def test_spread_leaves_seats_unfilled_rather_than_sharing(project: Project) -> None:
    project.fleet()
    machines: dict[str, set[int]] = {}
    for offer in project.run("offers", "june", "--simulate", "--format", "json").document["eligible"]:
        machines.setdefault(offer["location"][-2:], set()).add(offer["machine"])
    country, there = min(machines.items(), key=lambda item: (len(item[1]), item[0]))
    project.fleet(replicas=len(there) + 3, regions__tiers=[{"name": "one", "in": [country]}])
    project.apply().assert_success("3 seats unfilled")
    assert sorted(row.machine for row in project.live()) == sorted(there)


def test_a_failed_instance_without_a_successor_is_not_destroyed(project: Project) -> None:
    project.fleet()
    project.start()
    before = project.ids()
    project.fleet(price__max_per_hour=0.04999)
    project.fail("june/0")
    project.plan().assert_success("without an offer to replace it")
    project.apply().assert_success("Nothing was changed")
    assert project.ids() == before


def test_an_unknown_fleet_is_wrong_usage(project: Project) -> None:
    project.fleet()
    project.run("offers", "july", "--simulate").assert_code(2, "no fleet is named july", "june")


# --- the table ------------------------------------------------------------------------------------


def test_the_table_shows_every_part_of_the_score(project: Project) -> None:
    project.fleet(latency=LATENCY, regions=TIERS, scoring={"modifiers": {"high_bandwidth": 0.08}})
    lines = offers(project).assert_success().out.splitlines()
    assert "0.35 latency + 0.25 price + 0.20 gpu + 0.15 reliability + 0.05 availability" in lines[0]
    header = "#  price  score  near  price  gpu  reliability  availability  bonus  what  where  tier  latency  machine"
    assert lines[1].split() == header.split()
    first = told(project)["eligible"][0]
    cells = re.split(r"  +", lines[2].strip())
    parts = first["score"]["parts"]
    assert cells[0] == "1"
    assert cells[2:8] == [
        f"{first['score']['total']:.3f}",
        *(f"{parts[name]:.2f}" for name in ("latency", "price", "gpu", "reliability", "availability")),
    ]
    assert cells[8] == f"{first['score']['bonus'] + first['score']['modifiers']:+.2f}"
    assert cells[-1] == f"{first['machine']} (host {first['host']})"


def test_parts_that_do_not_count_are_not_shown(project: Project) -> None:
    project.fleet()
    lines = offers(project).assert_success("ranked by price").out.splitlines()
    assert " ".join(lines[1].split()) == "# price score price bonus what where tier machine"


def test_the_score_of_every_offer_is_the_sum_of_what_is_told(project: Project) -> None:
    project.fleet(latency=LATENCY, regions=TIERS, scoring={"strategy": "low-latency", "modifiers": {"verified": 0.1}})
    document = told(project)
    assert sum(document["weights"].values()) == pytest.approx(1)
    for offer in document["eligible"]:
        score = offer["score"]
        parts = sum(document["weights"][name] * part for name, part in score["parts"].items())
        assert score["total"] == pytest.approx(parts + score["bonus"] + score["modifiers"], abs=2e-4)
    totals = [offer["score"]["total"] for offer in document["eligible"]]
    assert totals == sorted(totals, reverse=True)


def test_a_long_table_says_how_much_it_leaves_out(project: Project) -> None:
    project.fleet(gpu__models=["RTX 3060", "RTX 3090", "RTX 4090", "RTX 3080"], price__max_per_hour=2)
    eligible = len(told(project)["eligible"])
    assert eligible > 20
    offers(project).assert_success(f"... and {eligible - 20} more")


# --- one machine, and ways out --------------------------------------------------------------------


def test_an_eligible_machine_is_explained_by_each_part(project: Project) -> None:
    project.fleet(latency=LATENCY, regions=TIERS, scoring={"modifiers": {"verified": 0.1}})
    document = told(project)
    second = document["eligible"][1]
    said = offers(project, "--explain", str(second["machine"])).assert_success().out
    assert f"machine {second['machine']}, host {second['host']}" in said
    assert f"eligible, ranked 2 of {len(document['eligible'])}" in said
    terms = [
        float(number)
        for number in re.findall(r"= ([0-9.]+)|([+-][0-9.]+)(?:  |$)", said, re.M)
        for number in number
        if number
    ]
    assert sum(terms) == pytest.approx(second["score"]["total"], abs=5e-3)
    assert re.search(rf"^  score +{second['score']['total']:.3f}$", said, re.M)


def test_an_offer_is_explained_by_its_own_number_too(project: Project) -> None:
    project.fleet()
    best = told(project)["eligible"][0]
    by_offer = offers(project, "--explain", str(best["id"])).assert_success().out
    assert by_offer == offers(project, "--explain", str(best["machine"])).out
    assert "ranked 1 of" in by_offer


def test_a_refused_machine_is_explained_by_every_rule_that_refuses_it(project: Project) -> None:
    project.fleet(host__min_reliability=0.999, price__max_per_hour=0.08)
    worst = max(told(project)["refused_offers"], key=lambda offer: len(offer["refusals"]))
    assert len(worst["refusals"]) > 1
    said = offers(project, "--explain", str(worst["machine"])).assert_success().out
    assert f"refused by {len(worst['refusals'])} rules" in said
    for refusal in worst["refusals"]:
        assert f"  {refusal['rule']}: {refusal['detail']}" in said


def test_a_number_that_nobody_has_is_said_to_be_unknown(project: Project) -> None:
    project.fleet()
    said = "5 is neither a machine nor an offer of 1x RTX 3060 or RTX 3090 that the market shows now"
    assert offers(project, "--explain", "5").assert_success().out.strip() == said


def test_what_is_no_number_is_wrong_usage(project: Project) -> None:
    project.fleet()
    offers(project, "--explain", "best").assert_code(2, "best")


def test_a_rule_loosened_as_told_admits_as_many_as_told(project: Project) -> None:
    project.fleet(price__max_per_hour=0.07, replicas=3)
    steps = [step for step in told(project)["relaxations"] if step["rule"] == "price.max_per_hour"]
    said = offers(project, "--relax").assert_success("one rule loosened, the others kept:").out
    before = {offer["machine"] for offer in told(project)["eligible"]}
    assert steps
    for step in steps:
        assert f"price.max_per_hour {step['to']} would admit {step['machines']} machine" in said
        project.fleet(price__max_per_hour=float(step["to"]), replicas=3)
        after = {offer["machine"] for offer in told(project)["eligible"]}
        assert len(after - before) >= step["machines"]


def test_where_no_single_rule_keeps_anything_out_that_is_said(project: Project) -> None:
    project.fleet(price__max_per_hour=0.001, host__min_reliability=1, host__min_cpu_cores=4000)
    assert offers(project, "--relax").assert_success().out == "june  no single rule keeps a machine out\n"


# --- nothing to rent ------------------------------------------------------------------------------

NOTHING = {
    "no such card is for sale": ({"gpu__models": ["Tesla K80"]}, "no offer with these GPUs was seen", None),
    "one rule refuses all": ({"host__min_direct_ports": 60000}, "host.min_direct_ports", "host.min_direct_ports"),
    "rules that contradict each other": (
        {"host__query": "cpu_cores>=64 cpu_cores<=2", "host__require": [], "host__min_reliability": 0},
        "host.query cpu_cores",
        "host.query cpu_cores",
    ),
    "a place without machines": (
        {"regions__tiers": [{"name": "pole", "in": ["AQ"]}]},
        "regions.tiers",
        "regions.tiers",
    ),
}


@pytest.mark.parametrize(("change", "said", "rule"), NOTHING.values(), ids=NOTHING)
def test_where_nothing_fits_that_is_a_clear_plan(
    project: Project, change: dict[str, object], said: str, rule: str | None
) -> None:
    project.fleet(**change)
    document = told(project)
    assert document["eligible"] == []
    assert any(name.startswith(rule) for name in document["refused"]) if rule else document["seen"] == 0
    offers(project).assert_success("0 eligible offers", "Nothing fits", said)
    project.plan().assert_success("1 seat unfilled", said, "1 unfilled")
    project.plan("--exit-code").assert_code(3, "below min_ready")
    project.apply().assert_success("1 seat unfilled")
    assert project.live() == []


def test_a_tier_that_is_blocked_is_a_mistake_with_its_place(project: Project) -> None:
    project.fleet(regions={"tiers": [{"name": "us", "in": ["US-CA"]}], "blocked": ["US-CA"]})
    for command in ("offers", "plan"):
        words = [command, "june"] if command == "offers" else [command]
        said = project.run(*words, "--simulate").assert_code(1, "contradicting-values", "remove one of them")
        assert "specs/june.yaml:" in said.err


def test_a_recorded_market_is_ranked_as_reviewed(project: Project, market_data: Path) -> None:
    """The best of the ranking that stands beside the tests of the market is what a user sees and rents first."""
    golden = Path(__file__).parents[1] / "market" / "golden"
    project.write("specs/voice.yaml", (golden / "voice.yaml").read_text("utf-8"))
    recording = market_data / "offers-2026-02-28T220808Z-nine-models.json"
    shown = project.run("offers", "voice", "--simulate", "--market", str(recording)).assert_success().out
    rows = [re.split(r"  +", line.strip()) for line in shown.splitlines()]
    reviewed = [re.split(r"  +", line.strip()) for line in (golden / "voice.txt").read_text("utf-8").splitlines()]
    assert rows[1:3] == reviewed[1:3]
    best = re.search(r"[0-9]+", reviewed[2][-1])
    assert best is not None
    project.plan("--market", str(recording)).assert_success(f"machine {best[0]}")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--explain", "5", "--format", "markdown"], "--explain is told as text, not as markdown"),
        (["--explain", "5", "--format", "json"], "--explain is told as text, not as json"),
        (["--relax", "--format", "markdown"], "--relax is told as text or json, not as markdown"),
    ],
)
def test_what_a_format_does_not_tell_is_refused_and_not_left_out(project: Project, words: list[str], said: str) -> None:
    project.fleet()
    offers(project, *words).assert_code(2, said)


def test_ways_out_are_told_in_json_as_ever(project: Project) -> None:
    project.fleet()
    assert json.loads(offers(project, "--relax", "--format", "json").assert_success().out)["relaxations"]
