"""Each hard rule: what passes, what it refuses by name, and that unknown is never eligible."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from builders import DAY_S, NO_BANS, NOW, bans, fleet, judged, offer, regions

from reconciler.core.eligibility import Judge, min_direct_ports
from reconciler.core.model import Banned
from reconciler.core.offer import Offer


def refusals(spec, row: Offer, shared=NO_BANS) -> list[str]:
    judge = Judge(spec, shared, NOW)
    found = [refusal.rule for refusal in judge.refusals(row)]
    assert judge.admits(row) is not bool(found)
    return found


D = Decimal
RULES = {
    # rule: (the fleet, an offer's field, a value that passes, one that is refused, whether it may be unknown)
    "gpu.models": (fleet(models=("RTX 3060", "RTX 4060 Ti")), "gpu_name", "RTX 4060 Ti", "RTX 4060", False),
    "gpu.count": (fleet(count=2), "gpu_count", 2, 4, False),
    "gpu.min_vram_gb": (fleet(min_vram_gb=D(12)), "vram_mb", D("11427.84"), D(11427), True),
    "price.max_per_hour": (fleet(max_per_hour="0.3"), "base_price_per_hour", D("0.3"), D("0.3001"), False),
    "price.max_download_per_tb": (fleet(max_download_per_tb="7"), "download_price_per_tb", D(7), D("7.01"), True),
    "price.max_upload_per_tb": (fleet(max_upload_per_tb="7"), "upload_price_per_tb", D(7), D("7.01"), True),
    "host.require verified": (fleet(require=("verified",)), "verified", True, False, True),
    "host.require datacenter": (fleet(require=("datacenter",)), "datacenter", True, False, True),
    "host.require static_ip": (fleet(require=("static_ip",)), "static_ip", True, False, True),
    "host.min_reliability": (fleet(min_reliability=D("0.9")), "reliability", D("0.9"), D("0.899"), True),
    "host.min_download_mbps": (fleet(min_download_mbps=D(200)), "download_mbps", D(200), D(199), True),
    "host.min_upload_mbps": (fleet(min_upload_mbps=D(200)), "upload_mbps", D(200), D(199), True),
    "host.min_cpu_cores": (fleet(min_cpu_cores=D(4)), "cpu_cores", D(4), D("3.9"), True),
    "host.min_ram_gb": (fleet(min_ram_gb=D(16)), "ram_gb", D(16), D("15.9"), True),
    "host.min_disk_mbps": (fleet(min_disk_mbps=D(900)), "disk_mbps", D(900), D(899), True),
    "host.min_cuda": (fleet(min_cuda="12.4"), "cuda", D("12.4"), D("12.2"), True),
    "host.min_driver": (fleet(min_driver="580.95"), "driver", "580.95.05", "570.124.06", True),
    "host.min_direct_ports": (fleet(min_direct_ports=3), "direct_ports", 3, 2, True),
    "host.min_days_left": (fleet(min_days_left=D(3)), "seconds_left", 3 * DAY_S, 3 * DAY_S - 60, True),
    "container.disk_gb": (fleet(disk_gb=100), "disk_gb", D(100), D(99), True),
    "regions.tiers": (fleet(regions=regions("US-CA")), "location", "California, US", "Texas, US", True),
    "regions.blocked": (fleet(regions=regions(blocked=("RU",))), "location", "Sweden, SE", "Moscow, RU", True),
    "blacklist.machines": (fleet(blacklist=bans(7)), "machine_id", 8, 7, False),
    "blacklist.hosts": (fleet(blacklist=bans(hosts=(7,))), "host_id", 8, 7, True),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_passes_what_fits(rule):
    spec, field, fits, _, _ = RULES[rule]
    assert refusals(spec, offer(**{"gpu_count": spec.gpu.count, field: fits})) == []


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_refuses_by_its_name(rule):
    spec, field, _, breaks, _ = RULES[rule]
    assert refusals(spec, offer(**{"gpu_count": spec.gpu.count, field: breaks})) == [rule]


@pytest.mark.parametrize("rule", [rule for rule, case in RULES.items() if case[4]])
def test_unknown_is_never_eligible(rule):
    spec, field, _, _, _ = RULES[rule]
    assert refusals(spec, offer(**{field: None})) == [rule]


RELAXED = fleet(
    require=(), min_reliability=D(0), min_download_mbps=None, min_days_left=D(0), connect="ssh-proxy", disk_gb=8
)
UNRULED = ("verified", "datacenter", "static_ip", "reliability", "download_mbps", "upload_mbps", "cpu_cores", "ram_gb")
UNRULED += ("disk_mbps", "cuda", "driver", "direct_ports", "seconds_left", "vram_mb", "location", "host_id")


@pytest.mark.parametrize("field", UNRULED)
def test_unknown_does_not_matter_where_no_rule_asks(field):
    assert refusals(RELAXED, offer(**{field: None})) == []


def test_every_rule_that_is_broken_is_named():
    row = offer(gpu_name="RTX 4090", price="9", reliability=D("0.1"))
    assert refusals(fleet(), row) == ["gpu.models", "price.max_per_hour", "host.min_reliability"]


# --- price ----------------------------------------------------------------------------------------


def test_the_price_is_all_in_for_the_disk_of_the_fleet():
    row = offer(price="0.2", storage_price_per_gb_month=D("7.2"))
    assert judged(fleet(disk_gb=10), [row])[0].price == D("0.3")
    assert refusals(fleet(disk_gb=30), row) == []
    assert refusals(fleet(disk_gb=31), row) == ["price.max_per_hour"]


# --- how far a miss is ----------------------------------------------------------------------------

MISSES = {
    "a price 10 % over": (fleet(max_per_hour="0.2"), {"base_price_per_hour": D("0.22")}, "0.1", "$0.220/h"),
    "a reliability a tenth too low": (fleet(min_reliability=D("0.9")), {"reliability": D("0.81")}, "0.1", "0.81"),
    "half the download": (fleet(min_download_mbps=D(100)), {"download_mbps": D(50)}, "0.5", "50 Mbps"),
    "traffic at twice the price": (fleet(), {"download_price_per_tb": D(40)}, "1", "$40.000/TB"),
    "an unknown value": (fleet(), {"reliability": None}, None, "unknown"),
    "not verified": (fleet(), {"verified": False}, None, "not verified"),
}


@pytest.mark.parametrize(("spec", "shown", "miss", "detail"), MISSES.values(), ids=MISSES.keys())
def test_a_refusal_says_how_far_it_is_off(spec, shown, miss, detail):
    (refusal,) = Judge(spec, NO_BANS, NOW).refusals(offer(**shown))
    assert refusal.miss == (None if miss is None else D(miss))
    assert refusal.detail == detail


# --- places ---------------------------------------------------------------------------------------

TIERS = regions("US-CA", ("US-TX", "US-CO"), "US")
PLACES = {
    "the first tier that matches": (TIERS, "California, US", 0, []),
    "any place of a tier": (TIERS, "Colorado, US", 1, []),
    "a state outside the first tiers": (TIERS, "Ohio, US", 2, []),
    "a country without a state fits the country": (TIERS, ", US", 2, []),
    "another country": (TIERS, "Sweden, SE", 3, ["regions.tiers"]),
    "an unknown place": (TIERS, None, 3, ["regions.tiers"]),
    "a country without a state does not fit a state": (regions("US-CA"), ", US", 1, ["regions.tiers"]),
    "elsewhere, where that is allowed": (regions("US-CA", elsewhere="allow"), "Sweden, SE", 1, []),
    "anywhere without tiers": (regions(), None, 0, []),
    "blocked outweighs a tier": (regions("US", blocked=("US-TX",)), "Texas, US", 1, ["regions.blocked"]),
    "perhaps blocked is refused": (regions("US", blocked=("US-TX",)), ", US", 1, ["regions.blocked"]),
    "another state than the blocked one": (regions("US", blocked=("US-TX",)), "Ohio, US", 0, []),
}


@pytest.mark.parametrize(("where", "location", "tier", "expected"), PLACES.values(), ids=PLACES.keys())
def test_the_tier_of_a_place(where, location, tier, expected):
    judge, row = Judge(fleet(regions=where), NO_BANS, NOW), offer(location=location)
    assert (judge.tier(row), [r.rule for r in judge.refusals(row)]) == (tier, expected)


# --- bans -----------------------------------------------------------------------------------------


def test_the_policys_blacklist_refuses_too():
    assert refusals(fleet(), offer(machine_id=7), shared=bans(7)) == ["blacklist.machines"]
    assert refusals(fleet(), offer(host_id=None), shared=bans(hosts=(7,))) == ["blacklist.hosts"]


def test_a_ban_that_is_over_refuses_nothing():
    assert refusals(fleet(blacklist=bans(Banned(7, until=date(2020, 1, 1)))), offer(machine_id=7)) == []


def test_the_reason_of_a_ban_is_the_detail():
    (refusal,) = Judge(fleet(), bans(Banned(7, "image pulls fail")), NOW).refusals(offer(machine_id=7))
    assert refusal.detail == "image pulls fail"


# --- direct ports ---------------------------------------------------------------------------------

DIRECT_PORTS = {
    "as written": (fleet(min_direct_ports=9), 9),
    "ssh alone": (fleet(), 1),
    "the ports and ssh": (fleet(ports=(8000, 8001)), 3),
    "jupyter reached directly": (fleet(connect="jupyter-direct", ports=(8000,)), 2),
    "through the proxy none": (fleet(connect="ssh-proxy", ports=(8000,)), 0),
    "as the template decides": (fleet(vast_template="a" * 32), 0),
}


@pytest.mark.parametrize(("spec", "expected"), DIRECT_PORTS.values(), ids=DIRECT_PORTS.keys())
def test_how_many_direct_ports_are_needed(spec, expected):
    assert min_direct_ports(spec) == expected


# --- versions and names ---------------------------------------------------------------------------

DRIVERS = {
    "the same": ("580", "580", []),
    "a longer one": ("580", "580.95.05", []),
    "by number, not by text": ("99.5", "580.1", []),
    "an older minor": ("580.95.5", "580.95.4", ["host.min_driver"]),
    "an unreadable one": ("580", "n/a", ["host.min_driver"]),
}


@pytest.mark.parametrize(("least", "driver", "expected"), DRIVERS.values(), ids=DRIVERS.keys())
def test_drivers_are_compared_part_by_part(least, driver, expected):
    assert refusals(fleet(min_driver=least), offer(driver=driver)) == expected


def test_another_spelling_of_a_card_is_the_same_card():
    assert refusals(fleet(), offer(gpu_name="RTX_3060")) == []
