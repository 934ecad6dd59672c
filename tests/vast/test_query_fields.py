"""Vast.ai's search language: what is known of its fields, what a row tells of them, and how they go over the wire."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.clauses import holds
from reconciler.core.model import Clause
from reconciler.core.query_language import understand
from reconciler.simulator.conditions import tests as server_tests
from reconciler.vast.conditions import asked, condition_of, padded
from reconciler.vast.decode import decode
from reconciler.vast.query_fields import FIELDS, LANGUAGE
from reconciler.vast.search import search_body
from reconciler.vast.traits import RowTraits

from .world import query

D = Decimal


def clauses(text: str) -> tuple[Clause, ...]:
    found = understand(text, LANGUAGE)
    assert found.flaws == ()
    return found.clauses


# --- the table ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rentable", "rented", "external", "type", "num_gpus", "gpu_name", "dph", "dph_total",
                                  "allocated_storage", "order", "limit", "id", "ask_contract_id", "verified",
                                  "verification", "target_reliability"])  # fmt: skip
def test_what_the_spec_decides_itself_may_not_be_asked_for(name):
    (flaw,) = understand(f"{name}=any", LANGUAGE).flaws
    assert flaw.kind == "reserved"
    assert flaw.suggestion is not None
    assert flaw.suggestion.startswith(("use ", "remove it: "))


def test_no_name_means_two_things():
    fields, aliases, reserved = LANGUAGE.fields.keys(), LANGUAGE.aliases.keys(), LANGUAGE.reserved.keys()
    assert fields & aliases == fields & reserved == aliases & reserved == set()
    assert set(LANGUAGE.aliases.values()) <= fields


SLIPS = {
    "reliability in percent": "reliability>98",
    "compute capability as CUDA writes it": "compute_cap>=8.9",
    "memory in MB": "gpu_ram>=24000",
    "half a share too many": "gpu_frac>1.5",
    "a driver's name": "driver_version>=latest",
    "a country's name": "geolocation=Sweden",
    "a country by order": "geolocation>=SE",
    "a number for true": "static_ip=2",
}


@pytest.mark.parametrize("text", SLIPS.values(), ids=SLIPS.keys())
def test_a_slip_of_units_is_noticed(text):
    assert [flaw.kind for flaw in understand(text, LANGUAGE).flaws] in (["value"], ["operator"])


# --- rows ---------------------------------------------------------------------------------------------------------

ROW = {
    "gpu_ram": 24564, "gpu_total_ram": D("49128.0"), "cpu_ram": 64000, "duration": D("259200.0"), "pcie_bw": D("22.8"),
    "cuda_max_good": D("12.8"), "driver_version": "570.133.07", "geolocation": "Sweden, SE", "hosting_type": 1,
    "reliability": D("0.9971"), "has_avx": 1, "static_ip": True, "gpu_display_active": False, "cpu_name": "EPYC\n7763 ",
    "os_version": "22.04", "compute_cap": 890, "inet_down_cost": D("0.002"), "mobo_name": "H12\x1b[31m",
    "host_id": 90211, "gpu_max_temp": D("-5.0"), "jupyter_token": "secret", "vms_enabled": None,
}  # fmt: skip

TOLD = {
    "memory in GB of a thousand": ("gpu_ram", D("24.564")),
    "all memory": ("gpu_total_ram", D("49.128")),
    "days": ("duration", D(3)),
    "a number as it is": ("pcie_bw", D("22.8")),
    "a whole number": ("compute_cap", D(890)),
    "a driver as text": ("driver_version", "570.133.07"),
    "a country": ("geolocation", "SE"),
    "a data centre by its kind": ("datacenter", True),
    "one for true": ("has_avx", True),
    "true": ("static_ip", True),
    "false": ("gpu_display_active", False),
    "a text made safe": ("cpu_name", "EPYC\\u000a7763"),
    "an escape made safe": ("mobo_name", "H12\\u001b[31m"),
    "a temperature below zero": ("gpu_max_temp", D(-5)),
    "null": ("vms_enabled", None),
    "what the row lacks": ("disk_bw", None),
    "what is in the row but not in the table": ("jupyter_token", None),
    "what is nowhere": ("xyzzy", None),
}


@pytest.mark.parametrize(("field", "expected"), TOLD.values(), ids=TOLD.keys())
def test_a_row_tells_a_field(field, expected):
    assert RowTraits(ROW).of(field) == expected


NONSENSE = {
    "a negative speed": {"inet_up": D("-1.8e12")},
    "an absurd speed": {"inet_down": D("1.8e12")},
    "a number as text": {"pcie_bw": "22.8"},
    "true for a number": {"pcie_bw": True},
    "reliability beyond one": {"reliability": D("1.5")},
    "a negative duration": {"duration": -5},
    "a text as list": {"cpu_name": ["EPYC"]},
    "an empty text": {"cpu_name": " "},
    "two for true": {"has_avx": 2},
    "a text for true": {"static_ip": "yes"},
    "a place without a country": {"geolocation": "Atlantis"},
    "an unknown kind of host": {"hosting_type": None},
    "a number of a hundred digits": {"host_id": 10**99},
}


@pytest.mark.parametrize("row", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_tells_nothing(row):
    (name,) = row
    assert RowTraits(row).of("datacenter" if name == "hosting_type" else name) is None


def test_the_older_name_of_reliability_will_do():
    assert RowTraits({"reliability2": D("0.9")}).of("reliability") == D("0.9")
    assert RowTraits({"reliability": None, "reliability2": D("0.9")}).of("reliability") == D("0.9")


def test_recorded_rows_tell_every_field(market_data: Path):
    rows = decode((market_data / "offers-2024-11-05-full-market.json").read_bytes())
    told = {name: sum(RowTraits(row).of(name) is not None for row in rows) for name in FIELDS}
    assert [name for name, times in told.items() if times < len(rows) * 0.9] == ["cluster_id"], "that came later"


# --- the wire -----------------------------------------------------------------------------------------------------

SENT = {
    "a number": ("pcie_bw>=10", {"pcie_bw": {"gte": 10}}),
    "a fraction": ("pcie_bw>0.5", {"pcie_bw": {"gt": 0.5}}),
    "GB of a thousand MB": ("gpu_ram>=24 cpu_ram<64.5", {"gpu_ram": {"gte": 24000}, "cpu_ram": {"lt": 64500}}),
    "days are seconds": ("duration>=3", {"duration": {"gte": 259200}}),
    "the driver's number": ("driver_version>=535.86.05", {"driver_version": {"gte": 535086005}}),
    "a driver of two parts": ("driver_version in [550.78,580]", {"driver_version": {"in": [550078000, 580000000]}}),
    "another version stays text": ("ubuntu_version=22.04", {"os_version": {"eq": "22.04"}}),
    "true": ("has_avx=1 vms_enabled=false", {"has_avx": {"eq": True}, "vms_enabled": {"eq": False}}),
    "a country": ("geolocation not in ['CN']", {"geolocation": {"notin": ["CN"]}}),
    "an alias": ("cuda_vers>=12.4", {"cuda_max_good": {"gte": 12.4}}),
    "from and to": ("pcie_bw>=10 pcie_bw<20", {"pcie_bw": {"gte": 10, "lt": 20}}),
    "the stricter of two lower bounds": ("pcie_bw>=10 pcie_bw>=12", {"pcie_bw": {"gte": 12}}),
    "the stricter of two upper bounds": ("pcie_bw<=10 pcie_bw<=12", {"pcie_bw": {"lte": 10}}),
    "two kinds of lower bound": ("pcie_bw>=10 pcie_bw>12", {"pcie_bw": {"gte": 10, "gt": 12}}),
    "what is in both lists": ("pci_gen in [3,4] pci_gen in [4,5]", {"pci_gen": {"in": [4]}}),
    "what is in no list": ("pci_gen!=3 pci_gen notin [3,4]", {"pci_gen": {"notin": [3, 4]}}),
    "one that is in the list": ("pci_gen=4 pci_gen in [3,4]", {"pci_gen": {"in": [4]}}),
    "a contradiction stays one": ("pci_gen=3 pci_gen=4", {"pci_gen": {"in": [3], "eq": 4}}),
}


@pytest.mark.parametrize(("text", "expected"), SENT.values(), ids=SENT.keys())
def test_clauses_go_over_the_wire(text, expected):
    assert asked(map(condition_of, clauses(text))) == expected


MERGED = {
    "a rule of the spec and a clause": (
        {"min_download_mbps": D(100), "clauses": clauses("inet_down>=500")}, "inet_down", {"gte": 500}),
    "a weaker clause": (
        {"min_download_mbps": D(900), "clauses": clauses("inet_down>=500")}, "inet_down", {"gte": 900}),
    "units meet on the wire": (
        {"min_vram_mb": D(11000), "clauses": clauses("gpu_ram>=24")}, "gpu_ram", {"gte": 24000}),
    "places": (
        {"countries": ("US", "SE"), "clauses": clauses("geolocation in [SE,NO]")}, "geolocation", {"in": ["SE"]}),
    "blocked places": (
        {"blocked_countries": ("RU",), "clauses": clauses("geolocation!=CN")}, "geolocation", {"notin": ["RU", "CN"]}),
    "machines known already": ({"not_machines": (7, 9)}, "machine_id", {"notin": [7, 9]}),
    "machines known and unwanted": (
        {"not_machines": (7, 9), "clauses": clauses("machine_id!=8 machine_id<100")},
        "machine_id", {"notin": [8, 7, 9], "lt": 100}),
    "one machine": ({"only_machines": (7,)}, "machine_id", {"in": [7]}),
    "offers known already": ({"not_offers": (70, 90)}, "ask_contract_id", {"notin": [70, 90]}),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "field", "expected"), MERGED.values(), ids=MERGED.keys())
def test_what_is_asked_of_one_field_is_one_condition(changes, field, expected):
    body = search_body(query(**changes))
    assert body[field] == expected
    assert json.loads(json.dumps(body)) == body
    assert body["order"] == [["dph_total", "asc"]]


VERSIONS = {"535.86.05": 535086005, "580": 580000000, "550.78": 550078000, "1.2.3": 1002003, "1.5000.1": 1999001}


@pytest.mark.parametrize(("text", "expected"), VERSIONS.items())
def test_a_version_becomes_the_number_of_its_padded_parts(text, expected):
    assert padded(text) == expected


def test_what_is_no_version_becomes_no_number():
    assert padded("latest") is None


SIGNS = st.sampled_from(["=", "!=", "<", "<=", ">", ">=", " in ", " notin "])
ONE = st.tuples(SIGNS, st.lists(st.integers(0, 4), min_size=1, max_size=3))


@given(st.lists(ONE, min_size=1, max_size=4), st.integers(0, 4))
def test_the_server_lets_through_exactly_what_all_clauses_let_through(parts, value):
    """Merging loses nothing and adds nothing: judged as the server judges, against each clause by itself."""
    written = (f"pci_gen{sign}{','.join(map(str, n)) if 'in' in sign else n[0]}" for sign, n in parts)
    found = clauses(" ".join(written))
    (condition,) = asked(map(condition_of, found)).values()
    assert all(test(value) for test in server_tests(condition)) is all(holds(each, D(value)) for each in found)
