"""Our reading of the search language against the official client's: the same text asks the server for the same."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.query_language import understand
from reconciler.vast.conditions import asked, condition_of
from reconciler.vast.query_fields import FIELDS, LANGUAGE


def _official() -> Any:
    """Its module of queries alone: the package itself asks the network for names as it is imported."""
    package = importlib.util.find_spec("vastai")
    assert package is not None
    assert package.submodule_search_locations
    path = Path(package.submodule_search_locations[0]) / "api" / "query.py"
    spec = importlib.util.spec_from_file_location("official_query", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


official = _official()

QUERIES = [
    "pcie_bw>=10 compute_cap>=890",
    "reliability > 0.98 compute_cap > 610 total_flops > 5 datacenter=True",
    "reliability>0.99 geolocation in [TW,SE]",
    "reliability>0.99 geolocation notin [CN,VN]",
    "geolocation not in [CN,VN] static_ip=true",
    "geolocation in US,CA inet_down>=500",
    "disk_space>146 duration>24 gpu_ram>10 cuda_vers>=12.1 direct_port_count>=2 driver_version >= 535.86.05",
    "cpu_arch=arm64 gpu_display_active=false vms_enabled != true",
    "cpu_ram>=64 cpu_cores_effective gte 8 disk_bw gt 500 gpu_total_ram>=48.5",
    "pcie_bw>5 pcie_bw<=20 pci_gen==4",
    "dlperf_usd>100 flops_usd>20 inet_up_cost<0.02, inet_down_cost<0.02",
    'mobo_name in ["ROME D8", X570_AORUS] gpu_arch = "nvidia"',
    "pcie_bw>=10 compute_cap=any machine_id notin [7,9] host_id neq 5",
    "gpu_max_temp<80 gpu_max_power lte 350 has_avx=true storage_cost<=0.2 min_bid<0.3",
]


def as_numbers(value: object) -> object:
    """The official client sends numbers as text, which the server takes as numbers."""
    if isinstance(value, list):
        return [as_numbers(each) for each in value]
    if isinstance(value, dict):
        return {name: as_numbers(each) for name, each in value.items() if each != {}}
    try:
        return value if isinstance(value, bool) else float(str(value))
    except ValueError:
        return value


@pytest.mark.parametrize("text", QUERIES)
def test_the_same_text_asks_for_the_same(text: str) -> None:
    theirs = official.parse_query(text, {}, official.offers_fields, official.offers_alias, official.offers_mult)
    understood = understand(text, LANGUAGE)
    assert understood.flaws == ()
    assert as_numbers(asked(map(condition_of, understood.clauses))) == as_numbers(theirs)


def test_every_field_of_theirs_is_known_or_refused() -> None:
    names = {*official.offers_fields, *official.offers_alias}
    assert names - {*LANGUAGE.fields, *LANGUAGE.aliases, *LANGUAGE.reserved} == set()


def test_their_aliases_mean_the_same_here() -> None:
    ours = {name: LANGUAGE.aliases[name] for name in official.offers_alias if name in LANGUAGE.aliases}
    assert ours == {name: official.offers_alias[name] for name in ours}
    assert set(official.offers_alias) - set(ours) == {"dph"}


def test_their_units_are_ours() -> None:
    assert {name: float(each.factor) for name, each in FIELDS.items() if each.factor != 1} == official.offers_mult
