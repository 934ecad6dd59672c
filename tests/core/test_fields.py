"""Which fields replace an instance: the golden hashes, and one change of every field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from decimal import Decimal
from pathlib import Path

import pytest
from builders import bans, fleet, regions
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.fields import FIELD_CLASSES, spec_hash, static_fields
from reconciler.core.model import (
    FromEnv,
    Latency,
    Limit,
    Port,
    Regions,
    RegistryLogin,
    Rollout,
    Scoring,
    Source,
    Tier,
)
from reconciler.core.readiness import Check, HealthRules, Readiness
from reconciler.core.renewal import ReplaceRules
from reconciler.core.rental import Outbid, Rental
from reconciler.core.timing import Schedule, Window

TOKEN = FromEnv("HF_TOKEN")
LOGIN = RegistryLogin("ghcr.io", "bot", FromEnv("GHCR_READ_TOKEN"))
TEMPLATE = "4e17788f74f075dd9aab7d0d4427968f"

GOLDEN = {
    "an image and nothing else": (fleet(), "7rca6p5t"),
    "an image by digest": (fleet(image="ghcr.io/acme/june@sha256:" + "0" * 64), "vy5umgux"),
    "a template": (fleet(vast_template=TEMPLATE), "fxawoi56"),
    "a template with a connect of its own": (fleet(vast_template=TEMPLATE, connect="ssh-direct"), "54t35szq"),
    "eight GPUs and a large disk": (fleet(count=8, disk_gb=500), "naerjmy6"),
    "ports, variables and a secret": (
        fleet(ports=(8000, Port(8001, "udp")), env={"STT_PORT": "8001", "HF_TOKEN": FromEnv("HF_TOKEN", 3)}),
        "s2lgtls2",
    ),
    "a script that is not ASCII": (fleet(onstart="echo 'grüße'\npython serve.py\n"), "i7m5dron"),
    "arguments": (fleet(connect="args", args=("--port", "8000")), "mljbmuxv"),
    "a bid": (fleet(rental=Rental("interruptible", Decimal("0.2"))), "w77vnwjn"),
    "a private registry": (fleet(registry_login=LOGIN, connect="jupyter-proxy"), "g3t55cho"),
}
"""Labels in accounts carry these. They must never change: a changed hash replaces every running instance."""


@pytest.mark.parametrize(("spec", "expected"), GOLDEN.values(), ids=GOLDEN.keys())
def test_a_golden_hash_never_changes(spec, expected):
    assert spec_hash(spec) == expected


def test_the_golden_fleets_all_differ():
    assert len({spec_hash(spec) for spec, _ in GOLDEN.values()}) == len(GOLDEN)


BASE = fleet(ports=(8000,), env={"A": "1", "TOKEN": TOKEN}, registry_login=LOGIN, onstart="run", args=("x",))


def of_container(**changes):
    return replace(BASE, container=replace(BASE.container, **changes))


STATIC = {
    "rental.kind": replace(BASE, rental=Rental("interruptible")),
    "gpu.count": replace(BASE, gpu=replace(BASE.gpu, count=2)),
    "container.image": of_container(image="ghcr.io/acme/june:2"),
    "container.vast_template": of_container(image=None, vast_template=TEMPLATE),
    "container.disk_gb": of_container(disk_gb=33),
    "container.connect": of_container(connect="ssh-proxy"),
    "container.ports number": of_container(ports=(Port(8001),)),
    "container.ports protocol": of_container(ports=(Port(8000, "udp"),)),
    "container.env value": of_container(env=(("A", "2"), ("TOKEN", TOKEN))),
    "container.env name": of_container(env=(("B", "1"), ("TOKEN", TOKEN))),
    "container.env secret's variable": of_container(env=(("A", "1"), ("TOKEN", FromEnv("OTHER")))),
    "container.env secret's version": of_container(env=(("A", "1"), ("TOKEN", FromEnv("HF_TOKEN", 2)))),
    "container.env secret instead of text": of_container(env=(("A", FromEnv("A")), ("TOKEN", TOKEN))),
    "container.onstart": of_container(onstart="run "),
    "container.args": of_container(args=("y",)),
    "container.registry_login server": of_container(registry_login=replace(LOGIN, server="docker.io")),
    "container.registry_login username": of_container(registry_login=replace(LOGIN, username="robot")),
    "container.registry_login dropped": of_container(registry_login=None),
}


@pytest.mark.parametrize("changed", STATIC.values(), ids=STATIC.keys())
def test_a_static_field_changes_the_hash(changed):
    assert spec_hash(changed) != spec_hash(BASE)


def test_every_static_field_is_in_the_table_above():
    static = {path for path, kind in FIELD_CLASSES.items() if kind == "static"}
    assert {case.split()[0] for case in STATIC} == static


NOT_STATIC = {
    "name": replace(BASE, name="july"),
    "replicas": replace(BASE, replicas=7),
    "min_ready": replace(BASE, min_ready=0),
    "priority": replace(BASE, priority=9),
    "paused": replace(BASE, paused=True),
    "gpu.models": replace(BASE, gpu=replace(BASE.gpu, models=("RTX 4090", "RTX 3060"))),
    "gpu.min_vram_gb": replace(BASE, gpu=replace(BASE.gpu, min_vram_gb=Decimal(24))),
    "regions": replace(BASE, regions=regions("US-CA", blocked=("RU",))),
    "regions.tiers.bonus": replace(BASE, regions=Regions((Tier("west", ("US-CA",), Decimal("0.2")),))),
    "regions.elsewhere.penalty": replace(BASE, regions=Regions(penalty=Decimal("0.25"))),
    "regions.strict_order": replace(BASE, regions=Regions(strict_order=True)),
    "price.max_per_hour": replace(BASE, price=replace(BASE.price, max_per_hour=Decimal(9))),
    "price.budget_per_hour": replace(BASE, price=replace(BASE.price, budget_per_hour=Decimal(9))),
    "price.max_download_per_tb": replace(BASE, price=replace(BASE.price, max_download_per_tb=Decimal(9))),
    "price.max_upload_per_tb": replace(BASE, price=replace(BASE.price, max_upload_per_tb=Decimal(9))),
    "host": replace(BASE, host=replace(BASE.host, require=(), min_reliability=Decimal(0))),
    "spread": replace(BASE, spread=replace(BASE.spread, per_machine=Limit(Decimal(50), percent=True))),
    "blacklist": replace(BASE, blacklist=bans(1, hosts=(2,))),
    "latency": replace(BASE, latency=Latency((Decimal("37.77"), Decimal("-122.42")))),
    "scoring": replace(BASE, scoring=Scoring("reliable")),
    "container.registry_login.password": of_container(registry_login=replace(LOGIN, password=FromEnv("OTHER", 2))),
    "readiness": replace(BASE, readiness=Readiness(60.0, (Check("ssh"),))),
    "rental": replace(BASE, rental=Rental(outbid=Outbid(60.0, "rebid"))),
    "rental.max_bid": replace(BASE, rental=Rental(max_bid=Decimal("0.2"))),
    "rental.bid_over_floor": replace(BASE, rental=Rental(bid_over_floor=Decimal(25))),
    "rollout": replace(BASE, rollout=Rollout("destroy-first")),
    "health": replace(BASE, on_manual_stop="replace", health=HealthRules(60.0)),
    "replace": replace(BASE, replace=ReplaceRules(before_expiry_s=7200)),
    "schedule": replace(BASE, schedule=Schedule(UTC, (Window(frozenset({0}), 0, 60, 2, "MON 00:00-01:00"),), 1)),
}


@pytest.mark.parametrize("changed", NOT_STATIC.values(), ids=NOT_STATIC.keys())
def test_a_field_that_is_not_static_leaves_the_hash_alone(changed):
    assert changed != BASE
    assert spec_hash(changed) == spec_hash(BASE)


def test_every_other_field_is_in_the_table_above():
    assert set(NOT_STATIC) == {path for path, kind in FIELD_CLASSES.items() if kind != "static"}


def test_where_a_fleet_is_declared_leaves_the_hash_alone():
    assert spec_hash(replace(BASE, source=Source("moved.yaml", 99))) == spec_hash(BASE)


def test_the_order_of_ports_leaves_the_hash_alone():
    assert spec_hash(fleet(ports=(1, 2))) == spec_hash(fleet(ports=(2, 1)))


def test_the_order_of_arguments_changes_the_hash():
    assert spec_hash(fleet(args=("a", "b"))) != spec_hash(fleet(args=("b", "a")))


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_text_never_hashes_like_another(one, other):
    same = spec_hash(fleet(env={"A": one})) == spec_hash(fleet(env={"A": other}))
    assert same == (one == other)


@given(
    replicas=st.integers(0, 10000),
    priority=st.integers(),
    paused=st.booleans(),
    max_per_hour=st.decimals("0.001", "1000", places=3),
    models=st.lists(st.sampled_from(["RTX 3060", "RTX 4090", "H100 SXM"]), min_size=1, unique=True).map(tuple),
    min_reliability=st.decimals("0", "1", places=2),
    rollout=st.builds(Rollout, st.sampled_from(["create-first", "destroy-first"])),
    on_manual_stop=st.sampled_from(["hold", "replace"]),
)
def test_no_mixture_of_other_fields_changes_the_hash(**options):
    assert spec_hash(fleet(**options)) == spec_hash(fleet())


DEFAULTS = {
    "an image alone": (fleet(), {"container.image": "ghcr.io/acme/june:1"}),
    "a template alone": (fleet(vast_template=TEMPLATE), {"container.vast_template": TEMPLATE}),
    "defaults that are written out": (
        fleet(count=1, disk_gb=32, connect="ssh-direct", ports=(), env={}, args=(), onstart=None),
        {"container.image": "ghcr.io/acme/june:1"},
    ),
}


@pytest.mark.parametrize(("spec", "expected"), DEFAULTS.values(), ids=DEFAULTS.keys())
def test_a_field_at_its_default_is_left_out_of_the_hash(spec, expected):
    assert static_fields(spec) == expected


def test_a_secret_stands_in_the_hash_by_its_name_and_version():
    shown = static_fields(fleet(env={"TOKEN": FromEnv("HF_TOKEN", 2)}))
    assert shown["container.env"] == {"TOKEN": {"from_env": "HF_TOKEN", "version": 2}}


# --- the table against the schema -----------------------------------------------------------------

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "fleet.schema.json").read_text(encoding="utf-8"))


def as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def as_dict(value: object) -> dict[str, dict[str, object]]:
    return value if isinstance(value, dict) else {}


def leaves(node: dict[str, object], path: str = "") -> Iterator[str]:
    """Every path of the schema that has no fields of its own; entries of lists and alternatives are looked into."""
    if "$ref" in node:
        node = SCHEMA["$defs"][str(node["$ref"]).rsplit("/", 1)[-1]]
    parts = [part for part in (node, node.get("items"), *as_list(node.get("anyOf"))) if isinstance(part, dict)]
    below = {name: child for part in parts for name, child in as_dict(part.get("properties")).items()}
    if not below:
        yield path
    for name, child in below.items():
        yield from leaves(child, f"{path}.{name}" if path else name)


PATHS = [path for path in leaves(SCHEMA) if path != "kind"]
"""`kind` says which document this is, and nothing about the fleet."""


def entries_of(path: str) -> list[str]:
    """The lines of the table that speak for `path`, the nearest last."""
    parts = path.split(".")
    return [p for p in (".".join(parts[:n]) for n in range(1, len(parts) + 1)) if p in FIELD_CLASSES]


@pytest.mark.parametrize("path", PATHS)
def test_every_field_of_the_schema_has_a_class(path):
    assert entries_of(path)


@pytest.mark.parametrize("path", FIELD_CLASSES)
def test_every_line_of_the_table_is_a_field_of_the_schema(path):
    assert any(path in entries_of(leaf) for leaf in PATHS)
