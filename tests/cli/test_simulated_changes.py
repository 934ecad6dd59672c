"""What a change of the spec does: which fields replace an instance, which do not, and in which order it goes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from schema_fields import leaves_of_a_fleet

from reconciler.core.fields import FIELD_CLASSES

from .driving import Seen, drive
from .project import Project

LOGIN = {"server": "ghcr.io", "username": "bot", "password": {"from_env": "READ_TOKEN"}}
OTHER_LOGIN = {"server": "ghcr.io", "username": "other", "password": {"from_env": "READ_TOKEN"}}

REPLACES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "container.image": ({}, {"container__image": "ghcr.io/acme/june:2"}),
    "container.vast_template": ({}, {"container": {"vast_template": "4e17788f74f075dd9aab7d0d4427968f"}}),
    "container.registry_login.server": (
        {"container__registry_login": LOGIN},
        {"container__registry_login": {**LOGIN, "server": "docker.io"}},
    ),
    "container.registry_login.username": (
        {"container__registry_login": LOGIN},
        {"container__registry_login": OTHER_LOGIN},
    ),
    "container.disk_gb": ({}, {"container__disk_gb": 40}),
    "container.connect": ({}, {"container__connect": "ssh-proxy"}),
    "container.ports": ({}, {"container__ports": [8000]}),
    "container.env": ({}, {"container__env": {"STT_PORT": "8001"}}),
    "container.env, a secret's version": (
        {"container__env": {"READ_TOKEN": {"from_env": "READ_TOKEN"}}},
        {"container__env": {"READ_TOKEN": {"from_env": "READ_TOKEN", "version": 2}}},
    ),
    "container.onstart": ({}, {"container__onstart": "python serve.py"}),
    "container.onstart, the content of its file": (
        {"container__onstart": {"file": "a.sh"}},
        {"container__onstart": {"file": "b.sh"}},
    ),
    "container.args": (
        {"container__connect": "args", "container__args": ["--fast"]},
        {"container__connect": "args", "container__args": ["--slow"]},
    ),
    "gpu.count": ({}, {"gpu__count": 2, "price__max_per_hour": 2}),
    "rental.kind": ({}, {"rental__kind": "interruptible"}),
    "price.max_per_hour": ({"gpu__models": ["RTX 3090", "RTX 3060"]}, {}),
    "blacklist.machines": ({}, {}),
    "blacklist.hosts": ({}, {}),
}
"""Static and price and id rules: what is declared at first, and the change that replaces what runs at once."""

REPLACES_AFTER_TEN_MINUTES: dict[str, dict[str, Any]] = {
    "gpu.models": {"gpu__models": ["RTX 3090"]},
    "gpu.min_vram_gb": {"gpu__min_vram_gb": 20},
    "regions.tiers": {"regions__tiers": [{"name": "here", "in": ["US-CA"]}]},
    "regions.blocked": {"regions__blocked": ["Asia", "Europe"]},
    "regions.elsewhere": {"regions": {"tiers": [{"name": "here", "in": ["US-CA"]}], "elsewhere": "refuse"}},
}
"""Rules judged by text of the machine."""

CONTINENTS = ["Africa", "Asia", "Europe", "North America", "Oceania", "South America"]
POLE = [{"name": "pole", "in": ["AQ"]}]
CHEAPER = {"saves_per_month": 0, "saves_percent": 1, "min_age": "1h", "max_per_day": 9, "approve": "manual"}
ALWAYS = {"from": "00:00", "to": "24:00", "replicas": 1}
AT_THE_POLE = {"users_at": [-90, 0]}
WEIGHTS = ("latency", "price", "gpu", "reliability", "availability")
MODIFIERS = ("verified", "datacenter", "high_bandwidth", "new_host")

CHANGES_NOTHING: dict[str, dict[str, Any]] = {
    "min_ready": {"min_ready": 0},
    "priority": {"priority": 10},
    "paused": {"paused": True},
    "price.budget_per_hour": {"price__budget_per_hour": 0.001},
    "price.max_download_per_tb": {"price__max_download_per_tb": 0},
    "price.max_upload_per_tb": {"price__max_upload_per_tb": 0},
    "price.max_per_hour, raised": {"price__max_per_hour": 1},
    "host.require": {"host__require": ["verified", "datacenter", "static_ip"]},
    "host.min_reliability": {"host__min_reliability": 1},
    "host.min_download_mbps": {"host__min_download_mbps": 100000},
    "host.min_upload_mbps": {"host__min_upload_mbps": 100000},
    "host.min_cpu_cores": {"host__min_cpu_cores": 4000},
    "host.min_ram_gb": {"host__min_ram_gb": 60000},
    "host.min_disk_mbps": {"host__min_disk_mbps": 900000},
    "host.min_cuda": {"host__min_cuda": "99.0"},
    "host.min_driver": {"host__min_driver": "999"},
    "host.min_direct_ports": {"host__min_direct_ports": 60000},
    "host.min_days_left": {"host__min_days_left": 3000},
    "host.query": {"host__query": "pcie_bw>=9000"},
    "spread.per_machine": {"spread__per_machine": 2},
    "spread.per_host": {"spread__per_host": 1},
    "container.registry_login.password": {},
    "rollout.order": {"rollout__order": "destroy-first"},
    "rollout.at_once": {"rollout__at_once": 2},
    "rollout.canary": {"rollout__canary": "5m"},
    "health.on_manual_stop": {"health": {"on_manual_stop": "replace"}},
    "health.unhealthy_after": {"health": {"unhealthy_after": "1m"}},
    "readiness.boot_timeout": {"readiness": {"boot_timeout": "1m"}},
    "readiness.checks": {"readiness": {"checks": [{"gpu": {}}]}},
    "rental.max_bid": {"rental__max_bid": 0.001},
    "rental.bid_over_floor": {"rental__bid_over_floor": "900%"},
    "rental.outbid.wait": {"rental__outbid": {"wait": "0s"}},
    "rental.outbid.then": {"rental__outbid": {"then": "on-demand"}},
    **{f"replace.cheaper.{part}": {"replace": {"cheaper": {part: value}}} for part, value in CHEAPER.items()},
    "replace.cheaper.candidate.for": {"replace": {"cheaper": {"candidate": {"for": "1h"}}}},
    "replace.cheaper.candidate.cost": {"replace": {"cheaper": {"candidate": {"cost": 9}}}},
    "replace.before_expiry": {"replace__before_expiry": "71h"},
    "schedule.timezone": {"schedule": {"timezone": "Asia/Tokyo", "windows": [ALWAYS]}},
    "schedule.windows": {"schedule": {"timezone": "UTC", "windows": [ALWAYS]}},
    "schedule.lead": {"schedule": {"timezone": "UTC", "windows": [ALWAYS], "lead": "6h"}},
    "gpu.models, one more": {"gpu__models": ["RTX 4090", "RTX 3060", "RTX 3090"]},
    "regions.blocked, elsewhere": {"regions__blocked": ["AQ"]},
    "blacklist.machines, until yesterday": {},
    "regions.tiers, a bonus": {"regions__tiers": [{"name": "all", "in": CONTINENTS, "bonus": 1}]},
    "regions.elsewhere, a penalty": {"regions": {"tiers": POLE, "elsewhere": {"penalty": 2}}},
    "regions.strict_order": {"regions": {"tiers": POLE, "elsewhere": {"penalty": 0}, "strict_order": True}},
    "latency.users_at": {"latency": AT_THE_POLE},
    "latency.max_ms": {"latency": {**AT_THE_POLE, "max_ms": 1}},
    "latency.trust_estimate": {"latency": {**AT_THE_POLE, "max_ms": 1, "trust_estimate": True}},
    "latency.probe": {"latency": {**AT_THE_POLE, "max_ms": 1, "probe": True}},
    "latency.timeout": {"latency": {**AT_THE_POLE, "probe": True, "timeout": "100ms"}},
    "scoring.strategy": {"scoring": {"strategy": "reliable"}},
    **{f"scoring.weights.{part}": {"latency": AT_THE_POLE, "scoring": {"weights": {part: 1}}} for part in WEIGHTS},
    **{f"scoring.modifiers.{part}": {"scoring": {"modifiers": {part: -1}}} for part in MODIFIERS},
}
OTHERWISE_SHOWN = {"kind", "name", "replicas"}
"""Their effects are shown by tests of their own."""


def table_of(entry: str) -> str | None:
    """In which table the class of a field puts it; None where tests of their own show what it does."""
    if entry in OTHERWISE_SHOWN:
        return None
    parts = entry.split(".")
    paths = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    kind = next(FIELD_CLASSES[path] for path in paths if path in FIELD_CLASSES)
    if kind == "static":
        return "replaces"
    if kind == "dynamic":
        return "later" if entry in REPLACES_AFTER_TEN_MINUTES else "replaces"
    return "nothing"


def test_every_field_of_the_schema_is_in_the_table_of_its_class() -> None:
    """What a change does to what runs; what a field chooses is shown by `tests/spec/test_every_field.py`."""
    tables = {"replaces": REPLACES, "later": REPLACES_AFTER_TEN_MINUTES, "nothing": CHANGES_NOTHING}
    written = {name: {entry.partition(",")[0] for entry in table if "," not in entry} for name, table in tables.items()}
    wanted = {entry: table_of(entry) for entry in leaves_of_a_fleet()}
    assert {entry for entry, name in wanted.items() if name and entry not in written[name]} == set()
    assert set().union(*written.values()) <= wanted.keys()


@pytest.fixture
def scripted(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose secrets are set and whose scripts are there."""
    project.write("specs/a.sh", "echo a\n")
    project.write("specs/b.sh", "echo b\n")
    monkeypatch.setenv("READ_TOKEN", "not-very-secret")
    return project


def changed(project: Project, field: str, change: dict[str, Any], base: dict[str, Any]) -> None:
    """Declare the change of a field; some need to know what was rented."""
    [there] = project.live()
    if field == "price.max_per_hour":
        change = {"gpu__models": ["RTX 3090", "RTX 3060"], "price__max_per_hour": 0.06}
    if field.startswith("blacklist.machines"):
        until = {"until": "2020-01-01"} if "," in field else {}
        change = {"blacklist__machines": [{"id": there.machine, "reason": "noisy", **until}]}
    if field == "blacklist.hosts":
        change = {"blacklist__hosts": [there.host]}
    project.fleet(**{**base, **change})


@pytest.mark.parametrize("field", REPLACES)
def test_a_change_that_replaces_what_runs(scripted: Project, field: str) -> None:
    project, (base, change) = scripted, REPLACES[field]
    if field == "price.max_per_hour":
        base = {"gpu__models": ["RTX 3090"]}
    project.fleet(**base)
    project.start()
    [old] = project.live()
    changed(project, field, change, base)
    project.plan("--exit-code").assert_code(3, "1 to replace", field.partition(",")[0].split(".")[0])
    project.apply().assert_success("1 instance rented, 1 destroyed")
    [new] = project.live()
    assert new.id != old.id
    assert new.status == "running"
    project.assert_settled()


@pytest.mark.parametrize("field", REPLACES_AFTER_TEN_MINUTES)
def test_a_rule_about_text_replaces_only_after_ten_minutes_of_evidence(project: Project, field: str) -> None:
    project.fleet(regions__tiers=[{"name": "there", "in": ["JP"]}], regions__elsewhere="refuse")
    project.start()
    [old] = project.live()
    change = REPLACES_AFTER_TEN_MINUTES[field]
    project.fleet(**change)
    project.apply().assert_success("Nothing was changed")
    project.advance("9m")
    project.plan("--exit-code").assert_success("No changes")
    project.advance("2m")
    project.plan("--exit-code").assert_code(3, "1 to replace", field.replace(".tiers", "").split(".")[0])
    project.apply().assert_success("1 instance rented, 1 destroyed")
    assert project.live()[0].id != old.id
    project.assert_settled()


@pytest.mark.parametrize("field", CHANGES_NOTHING)
def test_a_change_that_leaves_what_runs_alone(scripted: Project, field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    project, base, change = scripted, {}, CHANGES_NOTHING[field]
    if field == "container.registry_login.password":
        base = {"container__registry_login": LOGIN}
        change = {"container__registry_login": {**LOGIN, "password": {"from_env": "ANOTHER", "version": 7}}}
    project.fleet(**base)
    project.start()
    before = project.ids()
    changed(project, field, change, base)
    project.assert_settled()
    project.apply().assert_success()
    project.advance("11m")
    project.apply().assert_success()
    assert project.ids() == before


def test_more_replicas_are_added_to_those_that_run(project: Project) -> None:
    project.fleet(replicas=1)
    project.start()
    before = project.ids()
    project.fleet(replicas=4)
    project.plan().assert_success("3 to create")
    project.apply().assert_success("3 instances rented")
    project.assert_all_run("june", 4)
    assert before.items() <= project.ids().items()
    assert len({row.machine for row in project.live()}) == 4


def test_fewer_replicas_take_the_highest_seats(project: Project) -> None:
    project.fleet(replicas=4)
    project.start()
    before = project.ids()
    project.fleet(replicas=2)
    project.plan().assert_success("2 to destroy", "replicas 4 -> 2")
    project.apply().assert_success("2 destroyed")
    after = project.ids()
    assert set(after) == {"june/0", "june/1"}
    assert after.items() <= before.items()
    project.fleet(replicas=3)
    project.plan().assert_success("1 to create")
    project.fleet(replicas=1)
    project.plan().assert_success("1 to destroy", "replicas 2 -> 1")


@pytest.mark.parametrize("replicas", [1, 3])
def test_no_replicas_destroy_all(project: Project, replicas: int) -> None:
    project.fleet(replicas=replicas)
    project.start()
    project.fleet(replicas=0)
    project.plan().assert_success(f"{replicas} to destroy", f"replicas {replicas} -> 0")
    project.apply().assert_success(f"{replicas} destroyed")
    assert project.live() == []
    project.assert_settled()


@pytest.mark.parametrize("replicas", [1, 2, 4])
def test_new_first_never_has_more_than_one_too_many_and_never_one_too_few(project: Project, replicas: int) -> None:
    project.fleet(replicas=replicas)
    project.start()
    old = set(project.ids().values())
    project.fleet(replicas=replicas, container__image="ghcr.io/acme/june:2")
    seen = Seen()
    assert drive(project, seen.watch) == 0
    assert seen.most == replicas + 1
    assert seen.fewest_running == replicas
    assert not old & set(project.ids().values())
    project.assert_all_run("june", replicas)
    project.assert_settled()


@pytest.mark.parametrize("replicas", [1, 2, 4])
def test_old_first_never_has_more_than_declared_and_is_one_down_at_a_time(project: Project, replicas: int) -> None:
    project.fleet(replicas=replicas, rollout__order="destroy-first")
    project.start()
    old = set(project.ids().values())
    project.fleet(replicas=replicas, rollout__order="destroy-first", container__image="ghcr.io/acme/june:2")
    project.plan().assert_success("old first")
    seen = Seen()
    assert drive(project, seen.watch) == 0
    assert seen.most == replicas
    assert seen.fewest_running == replicas - 1
    assert not old & set(project.ids().values())
    project.assert_all_run("june", replicas)
    project.assert_settled()


def test_no_wait_carries_a_rollout_one_step_at_a_time(project: Project) -> None:
    project.fleet(replicas=2)
    project.start()
    project.fleet(replicas=2, container__image="ghcr.io/acme/june:2")
    old = project.ids()
    project.apply("--no-wait").assert_success("1 instance rented")
    assert len(project.live()) == 3
    project.apply("--no-wait").assert_success("Nothing was changed")
    assert len(project.live()) == 3
    project.advance("10m")
    project.apply("--no-wait").assert_success("1 destroyed")
    assert len(project.live()) == 2
    assert project.ids()["june/1"] == old["june/1"]
    for _ in range(4):
        project.advance("10m")
        project.apply("--no-wait").assert_success()
    assert not set(old.values()) & set(project.ids().values())
    project.assert_settled()


def test_a_rollout_that_would_break_a_written_budget_goes_old_first(project: Project) -> None:
    project.fleet()
    project.start()
    tight = float(round(project.live()[0].price * Decimal("1.9"), 4))
    project.fleet(price__budget_per_hour=tight, container__image="ghcr.io/acme/june:2")
    project.plan().assert_success("old first", "budget is tight")
    seen = Seen()
    assert drive(project, seen.watch) == 0
    assert seen.most == 1
    project.assert_all_run("june", 1)
    project.assert_settled()


def test_a_change_back_in_the_middle_of_a_rollout_keeps_what_still_runs(project: Project) -> None:
    project.fleet()
    project.start()
    old = project.ids()
    project.fleet(container__image="ghcr.io/acme/june:2")
    project.apply("--no-wait").assert_success("1 instance rented")
    project.fleet()
    project.apply().assert_success("1 destroyed")
    assert project.ids() == old
    project.assert_settled()
