"""The market as a fleet sees it: ranked offers, counted refusals, and the nearest miss when nothing fits."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest

from .project import Project


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
