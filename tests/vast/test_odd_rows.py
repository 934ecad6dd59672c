"""What real markets hold in store for whoever reads them: odd rows, and what becomes of them."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from builders import NO_BANS, NOW, fleet, regions

from reconciler.core.eligibility import Judge
from reconciler.core.offer import Offer
from reconciler.core.places import parse_location
from reconciler.vast.decode import decode
from reconciler.vast.offers import offer, offers

D = Decimal
ROW: dict[str, object] = {
    "id": 5, "machine_id": 50, "host_id": 500, "hosting_type": 0, "num_gpus": 1, "gpu_name": "RTX 3060",
    "gpu_ram": 12288, "cuda_max_good": 12.8, "driver_version": "570.133.07", "cpu_cores_effective": 16.0,
    "cpu_ram": 65536, "disk_space": 412.0, "disk_bw": 3120.5, "storage_cost": 0.18, "dph_base": 0.11, "min_bid": 0.05,
    "is_bid": False, "inet_up": 812.3, "inet_down": 890.1, "internet_up_cost_per_tb": 3.0,
    "internet_down_cost_per_tb": 2.0, "direct_port_count": 120, "static_ip": True, "geolocation": "Sweden, SE",
    "reliability": 0.9971, "verification": "verified", "rentable": True, "external": None, "duration": 2890311.4,
    "gpu_ids": [71], "public_ipaddr": "203.0.113.42", "start_date": 1790000000.1,
}  # fmt: skip
STRICT = fleet(
    require=("verified", "datacenter", "static_ip"), min_upload_mbps=D(1), min_cpu_cores=D(1), min_ram_gb=D(1),
    min_disk_mbps=D(1), min_cuda="12", min_driver="500", min_vram_gb=D(1), min_direct_ports=1,
)  # fmt: skip
"""A fleet with every rule about the machine."""


def read(**changes: object) -> Offer:
    """The row as it arrives: through JSON, with `...` for a field that is missing."""
    row = {name: value for name, value in {**ROW, "hosting_type": 1, **changes}.items() if value is not ...}
    found = offer(decode(json.dumps(row).encode()))
    assert found is not None
    return found


def refusals(found: Offer, spec=STRICT) -> list[str]:
    return [each.rule for each in Judge(spec, NO_BANS, NOW).refusals(found)]


def test_the_plain_row_is_eligible():
    assert refusals(read()) == []


# sentence: (the row, the field of the offer, its value, the rule that refuses it)
ODD = {
    "no speed": ({"inet_up": None}, "upload_mbps", None, "host.min_upload_mbps"),
    "a speed far below zero": ({"inet_up": -1.8e12}, "upload_mbps", None, "host.min_upload_mbps"),
    "a speed beyond reason": ({"inet_down": 1.8e12}, "download_mbps", None, "host.min_download_mbps"),
    "a speed of zero": ({"inet_down": 0}, "download_mbps", D(0), "host.min_download_mbps"),
    "no reliability at all": ({"reliability": None}, "reliability", None, "host.min_reliability"),
    "a reliability in percent": ({"reliability": 99.7}, "reliability", None, "host.min_reliability"),
    "no verification": ({"verification": None}, "verified", None, "host.require verified"),
    "deverified": ({"verification": "deverified"}, "verified", False, "host.require verified"),
    "no kind of host": ({"hosting_type": None}, "datacenter", None, "host.require datacenter"),
    "a kind of host seen rarely": ({"hosting_type": 2}, "datacenter", False, "host.require datacenter"),
    "an address that may move": ({"static_ip": False}, "static_ip", False, "host.require static_ip"),
    "no cores known": ({"cpu_cores_effective": None}, "cpu_cores", None, "host.min_cpu_cores"),
    "no cores said": ({"cpu_cores_effective": 0}, "cpu_cores", D(0), "host.min_cpu_cores"),
    "no memory": ({"cpu_ram": None}, "ram_gb", None, "host.min_ram_gb"),
    "no disk speed": ({"disk_bw": None}, "disk_mbps", None, "host.min_disk_mbps"),
    "a negative disk": ({"disk_space": -1}, "disk_gb", None, "container.disk_gb"),
    "no cuda": ({"cuda_max_good": None}, "cuda", None, "host.min_cuda"),
    "no driver": ({"driver_version": None}, "driver", None, "host.min_driver"),
    "a driver of words": ({"driver_version": "beta"}, "driver", "beta", "host.min_driver"),
    "no ports": ({"direct_port_count": 0}, "direct_ports", 0, "host.min_direct_ports"),
    "half a port": ({"direct_port_count": 1.5}, "direct_ports", None, "host.min_direct_ports"),
    "no memory of the card": ({"gpu_ram": 0}, "vram_mb", None, "gpu.min_vram_gb"),
    "a contract that is over": ({"duration": -3600.5}, "seconds_left", None, "host.min_days_left"),
    "no end of the contract": ({"duration": None}, "seconds_left", None, "host.min_days_left"),
    "traffic at no price": ({"internet_up_cost_per_tb": None}, "upload_price_per_tb", None, "price.max_upload_per_tb"),
    "traffic below zero": ({"internet_down_cost_per_tb": -2}, "download_price_per_tb", None,
                           "price.max_download_per_tb"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "field", "value", "rule"), ODD.values(), ids=ODD.keys())
def test_an_odd_row_is_refused_by_the_rule_that_asks_for_it_and_by_no_other(changes, field, value, rule):
    found = read(**changes)
    assert getattr(found, field) == value
    assert refusals(found) == [rule]


# sentence: (the row, the field of the offer, its value)
FINE = {
    "reliability under its older name": ({"reliability": ..., "reliability2": 0.99}, "reliability", D("0.99")),
    "reliability null beside its older name": ({"reliability": None, "reliability2": 0.99}, "reliability", D("0.99")),
    "a bid above the price": ({"min_bid": 11.0}, "base_price_per_hour", D("0.11")),
    "a bid of zero": ({"min_bid": 0}, "base_price_per_hour", D("0.11")),
    "seventy-five years": ({"duration": 2371642795.09}, "seconds_left", 2371642795.09),
    "a count as a fraction": ({"num_gpus": 1.0}, "gpu_count", 1),
    "ports as a fraction": ({"direct_port_count": 120.0}, "direct_ports", 120),
    "a host as a fraction": ({"host_id": 500.0}, "host_id", 500),
    "a whole price of traffic": ({"internet_up_cost_per_tb": 3}, "upload_price_per_tb", D(3)),
    "a price of many digits": ({"dph_base": 0.26666666666666666}, "base_price_per_hour", D("0.26666666666666666")),
    "traffic per GB only": ({"internet_up_cost_per_tb": ..., "inet_up_cost": 0.002}, "upload_price_per_tb", D("2.048")),
    "memory": ({"cpu_ram": 64390}, "ram_gb", D(64390) / 1024),
    "an address with a line end": ({"public_ipaddr": " 203.0.113.9\n"}, "address", "203.0.113.9"),
    "no address": ({"public_ipaddr": None}, "address", None),
    "an empty address": ({"public_ipaddr": "\n"}, "address", None),
    "since when it stands": ({"start_date": 1730819361.676}, "listed_at", 1730819361.676),
    "no date": ({"start_date": None}, "listed_at", None),
    "a date in milliseconds": ({"start_date": 1730819361676}, "listed_at", None),
    "a machine with several cards": ({"gpu_ids": [1, 2]}, "gpu_ids", frozenset({1, 2})),
    "no cards": ({"gpu_ids": []}, "gpu_ids", frozenset()),
    "null cards": ({"gpu_ids": None}, "gpu_ids", frozenset()),
    "cards as text": ({"gpu_ids": "71"}, "gpu_ids", frozenset()),
    "one odd card": ({"gpu_ids": [1, "2"]}, "gpu_ids", frozenset()),
    "true is no card": ({"gpu_ids": [True]}, "gpu_ids", frozenset()),
    "half a card": ({"gpu_ids": [1.5]}, "gpu_ids", frozenset()),
    "a negative card": ({"gpu_ids": [-1]}, "gpu_ids", frozenset()),
    "a list in the list": ({"gpu_ids": [[1]]}, "gpu_ids", frozenset()),
    "thousands of cards": ({"gpu_ids": list(range(2000))}, "gpu_ids", frozenset()),
    "the card's name by underscores": ({"gpu_name": "RTX_3060"}, "gpu_name", "RTX_3060"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "field", "value"), FINE.values(), ids=FINE.keys())
def test_an_odd_row_that_is_fine(changes, field, value):
    found = read(**changes)
    assert getattr(found, field) == value
    assert refusals(found) == []


@pytest.mark.parametrize("changes", [{"external": False}, {"external": None}, {"rentable": None}, {"is_bid": None}])
def test_only_a_clear_word_takes_a_row_out(changes):
    assert read(**changes).id == 5


# --- places: what is read, and whether it lies in a tier ------------------------------------------------------------

# place: (country, state, the tokens it lies in)
PLACES = {
    "California, US": ("US", "CA", {"US", "US-CA", "North America"}),
    "Quebec, CA": ("CA", "QC", {"CA", "CA-QC", "North America"}),
    "Quebec,CA": ("CA", "QC", {"CA", "CA-QC", "North America"}),
    "District of Columbia, US": ("US", "DC", {"US", "US-DC", "North America"}),
    "Georgia, US": ("US", "GA", {"US", "US-GA", "North America"}),
    "Georgia, GE": ("GE", None, {"GE", "Asia"}),
    "Indiana, US": ("US", "IN", {"US", "US-IN", "North America"}),
    "Delaware, US": ("US", "DE", {"US", "US-DE", "North America"}),
    ", US": ("US", None, {"US", "North America"}),
    ", CA": ("CA", None, {"CA", "North America"}),
    "United States, US": ("US", None, {"US", "North America"}),
    "Puerto Rico, PR": ("PR", None, {"PR", "North America"}),
    "Hong Kong, HK": ("HK", None, {"HK", "Asia"}),
    "Macao, MO": ("MO", None, {"MO", "Asia"}),
    "T\u00fcrkiye, TR": ("TR", None, {"TR", "Asia"}),
    "The Netherlands, NL": ("NL", None, {"NL", "Europe"}),
    "Netherlands, NL": ("NL", None, {"NL", "Europe"}),
    "Hafnarfjar\u00f0arkaupsta\u00f0ur, IS": ("IS", None, {"IS", "Europe"}),
    "US, CA": ("CA", None, {"CA", "North America"}),
    "US-CA": (None, None, set()),
    "": (None, None, set()),
    None: (None, None, set()),
}
TOKENS = {token for _, _, tokens in PLACES.values() for token in tokens} | {"US-TX", "IN", "DE", "CN", "MX", "US-MO"}


@pytest.mark.parametrize(("told", "expected"), PLACES.items())
def test_a_place_is_where_its_code_says(told, expected):
    country, state, tokens = expected
    found = read(geolocation=told)
    place = parse_location(found.location)
    assert (place.country, place.region) == (country, state)
    assert found.traits.of("geolocation") == country
    for token in sorted(TOKENS):
        refused = refusals(found, fleet(regions=regions(token)))
        assert refused == ([] if token in tokens else ["regions.tiers"]), token


@pytest.mark.parametrize("told", [", US", "", None, "United States, US"])
def test_a_place_that_may_be_blocked_is_refused(told):
    assert refusals(read(geolocation=told), fleet(regions=regions(blocked=("US-TX",)))) == ["regions.blocked"]


# --- names of cards -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["RTX 4090", "RTX_4090", "RTX4090", "rtx 4090"])
def test_every_spelling_of_a_card_is_that_card(name):
    assert refusals(read(gpu_name=name), fleet(models=("RTX 4090",))) == []


@pytest.mark.parametrize("name", ["RTX 4090D", "RTX 4080", "A100 SXM"])
def test_a_card_that_is_nearly_it_is_not(name):
    assert refusals(read(gpu_name=name), fleet(models=("RTX 4090", "A100 SXM4"))) == ["gpu.models"]


# --- the whole market ---------------------------------------------------------------------------------------------


def recorded(market_data: Path) -> list[dict[str, object]]:
    found = decode((market_data / "offers-2024-11-05-full-market.json").read_bytes())
    assert isinstance(found, list)
    return found


def test_a_recorded_market_has_its_oddities(market_data: Path):
    """The counts of the recording itself: nothing odd passes for a value, nothing right is lost."""
    rows = recorded(market_data)
    found = offers(rows)
    assert len(found) == len(rows) == 1396
    unknown = {name: sum(getattr(each, name) is None for each in found) for name in ("upload_mbps", "listed_at")}
    assert unknown == {"upload_mbps": 3, "listed_at": 14}
    assert sum(each.traits.of("pcie_bw") is None for each in found) == 7
    assert sum(each.traits.of("cpu_ghz") is None for each in found) == 52
    assert all(len(each.gpu_ids) == each.gpu_count for each in found)
    assert all(each.address and each.address == each.address.strip() for each in found)
    assert max(each.seconds_left or 0 for each in found) > 70 * 365 * 86400


def test_cards_of_a_smaller_offer_lie_within_the_bigger(market_data: Path):
    """What `gpu_ids` is read for: an offer takes others of its machine away."""
    found = offers(recorded(market_data))
    machines: dict[int, list[Offer]] = {}
    for each in found:
        machines.setdefault(each.machine_id, []).append(each)
    nested = [
        small.gpu_ids <= max(group, key=lambda one: one.gpu_count).gpu_ids
        for group in machines.values()
        for small in group
        if len(group) > 1 and max(len(one.gpu_ids) for one in group) > 1
    ]
    assert sum(nested) > len(nested) / 2 > 100


def test_the_row_behind_an_offer_is_neither_shown_nor_compared():
    assert read(webpage="a") == read(webpage="b")
    assert "traits" not in repr(read())
