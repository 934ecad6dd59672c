"""Where an instance is not as declared: on positive evidence only."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from builders import DAY_S, NO_BANS, NOW, bans, diff, fleet, instance, label, merged, observation, record, regions

from reconciler.core.drift import banned, dynamic_drift, explain, min_vram_mb, static_drift
from reconciler.core.label import Mark, read_label
from reconciler.core.model import Banned


def broken(spec, row, shared=NO_BANS, now=NOW):
    return [str(drift) for drift in dynamic_drift(spec, row, shared, now)]


CALIFORNIA = fleet(regions=regions("US-CA"))
RULES = {
    "an instance as declared": (fleet(), {}, []),
    "another GPU": (fleet(), {"gpu_name": "RTX 4090"}, ["gpu.models RTX 4090 -> RTX 3060"]),
    "one of several GPUs": (fleet(models=("RTX 3060", "RTX 4090")), {"gpu_name": "RTX 4090"}, []),
    "a GPU in another spelling": (fleet(), {"gpu_name": "RTX_3060"}, []),
    "a GPU that is not told": (fleet(), {"gpu_name": None}, []),
    "less memory": (
        fleet(min_vram_gb=Decimal(12)),
        {"vram_mb": Decimal(8192)},
        ["gpu.min_vram_gb 8192 MB -> 12 GB"],
    ),
    "memory at the tolerance": (fleet(min_vram_gb=Decimal(12)), {"vram_mb": Decimal("11427.84")}, []),
    "memory below the tolerance": (
        fleet(min_vram_gb=Decimal(12)),
        {"vram_mb": Decimal(11427)},
        ["gpu.min_vram_gb 11427 MB -> 12 GB"],
    ),
    "memory that is not told": (fleet(min_vram_gb=Decimal(12)), {"vram_mb": None}, []),
    "a place within": (CALIFORNIA, {"location": "California, US"}, []),
    "a place outside": (CALIFORNIA, {"location": "Texas, US"}, ["regions Texas, US -> inside the declared regions"]),
    "another country": (CALIFORNIA, {"location": "Sweden, SE"}, ["regions Sweden, SE -> inside the declared regions"]),
    "a place that names no state": (CALIFORNIA, {"location": ", US"}, []),
    "a place that is not told": (CALIFORNIA, {"location": None}, []),
    "a place outside the tiers where elsewhere is allowed": (
        fleet(regions=regions("US-CA", elsewhere="allow")),
        {"location": "Sweden, SE"},
        [],
    ),
    "a blocked country": (
        fleet(regions=regions(blocked=("RU",))),
        {"location": "Moscow, RU"},
        ["regions Moscow, RU -> inside the declared regions"],
    ),
    "perhaps a blocked state": (fleet(regions=regions(blocked=("US-TX",))), {"location": ", US"}, []),
    "a price at the cap": (fleet(), {"price_per_hour": "0.5"}, []),
    "a price 1 % over the cap": (fleet(), {"price_per_hour": "0.505"}, []),
    "a price more than 1 % over the cap": (
        fleet(),
        {"price_per_hour": "0.5051"},
        ["price.max_per_hour $0.505/h -> $0.500/h"],
    ),
    "a price that is not told": (fleet(), {"price_per_hour": None}, []),
    "a machine that is out": (
        fleet(blacklist=bans(1)),
        {"machine_id": 1},
        ["blacklist.machines machine 1 -> another one"],
    ),
    "a host that is out": (
        fleet(blacklist=bans(hosts=(1,))),
        {"host_id": 1},
        ["blacklist.hosts host 1 -> another one"],
    ),
    "a machine with a host's number": (fleet(blacklist=bans(hosts=(1,))), {"machine_id": 1}, []),
    "a host that is not told": (fleet(blacklist=bans(hosts=(1,))), {"host_id": None}, []),
    "a machine that is out for a reason": (
        fleet(blacklist=bans(Banned(1, "image pulls fail"))),
        {"machine_id": 1},
        ["blacklist.machines machine 1 (image pulls fail) -> another one"],
    ),
    "a host on another machine of the market, cheaper or not": (fleet(), {"machine_id": 1, "host_id": 2}, []),
}


@pytest.mark.parametrize(("spec", "shown", "expected"), RULES.values(), ids=RULES.keys())
def test_a_rule_condemns_on_positive_evidence_only(spec, shown, expected):
    assert broken(spec, instance(spec=spec, **shown)) == expected


def test_the_policys_blacklist_counts_too():
    assert broken(fleet(), instance(machine_id=1), shared=bans(1)) == ["blacklist.machines machine 1 -> another one"]


def test_nothing_that_chooses_an_offer_condemns_an_instance():
    strict = fleet(min_reliability=Decimal(1), require=("datacenter",), min_download_mbps=Decimal(10**6))
    assert broken(strict, instance()) == []


def at(*moment: int) -> float:
    return datetime(*moment, tzinfo=UTC).timestamp()


UNTIL = {
    "the day before": (at(2026, 12, 30, 12), True),
    "the last second of the day": (at(2026, 12, 31, 23, 59, 59), True),
    "the first second after it": (at(2027, 1, 1), False),
}


@pytest.mark.parametrize(("now", "expected"), UNTIL.values(), ids=UNTIL.keys())
def test_a_ban_lasts_through_its_day_in_utc(now, expected):
    assert (banned((Banned(1, until=date(2026, 12, 31)),), 1, now) is not None) is expected


def test_a_ban_without_a_day_lasts_for_good():
    assert banned((Banned(1),), 1, NOW + 10_000 * DAY_S)


def test_a_ban_that_is_over_does_not_hide_one_that_lasts():
    entries = (Banned(1, until=date(2020, 1, 1)), Banned(1, "still bad"))
    assert banned(entries, 1, NOW) == entries[1]


def test_an_unknown_number_is_never_banned():
    assert banned((Banned(1),), None, NOW) is None


def test_a_card_counts_from_93_percent_of_its_gigabytes():
    assert min_vram_mb(fleet(min_vram_gb=Decimal(24))) == Decimal("22855.68")
    assert min_vram_mb(fleet()) is None


# --- text of the machine, which flaps -------------------------------------------------------------


def drifts_after(*readings, spec=CALIFORNIA, **same):
    """The drifts that count after several lists of one instance, each `(age_s, fields)`; the last one decides."""
    before = record()
    for age_s, shown in readings[:-1]:
        row = instance(spec=spec, **{**same, **shown})
        before = merged(before, observation(row, age_s=age_s), spec).record
    row = instance(spec=spec, **{**same, **readings[-1][1]})
    (part,) = diff(spec, [row], before).fleets
    return [d.field for d in part.seats[0].keeper.drifts]


TEXAS, VAGUE, INSIDE = {"location": "Texas, US"}, {"location": ", US"}, {"location": "California, US"}
LASTING = {
    "a place outside in one list does not condemn": ([(0, TEXAS)], []),
    "a place outside for 599 s does not condemn": ([(599, TEXAS), (0, TEXAS)], []),
    "a place outside for 600 s condemns": ([(600, TEXAS), (0, TEXAS)], ["regions"]),
    "a place that flaps to , US does not condemn": ([(1200, INSIDE), (600, VAGUE), (0, VAGUE)], []),
    "a place outside that flaps to , US counts anew": ([(1200, TEXAS), (300, VAGUE), (200, TEXAS), (0, TEXAS)], []),
    "a place that was inside in between counts anew": ([(1200, TEXAS), (300, INSIDE), (200, TEXAS), (0, TEXAS)], []),
}


@pytest.mark.parametrize(("readings", "expected"), LASTING.values(), ids=LASTING.keys())
def test_a_rule_about_text_needs_ten_minutes(readings, expected):
    assert drifts_after(*readings) == expected


TEXT = {
    "gpu.models": (fleet(), {"gpu_name": "RTX 4090"}),
    "gpu.min_vram_gb": (fleet(min_vram_gb=Decimal(12)), {"vram_mb": Decimal(8192)}),
    "regions": (CALIFORNIA, TEXAS),
}


@pytest.mark.parametrize("field", TEXT)
def test_every_rule_about_text_waits(field):
    spec, shown = TEXT[field]
    assert drifts_after((0, shown), spec=spec) == []
    assert drifts_after((600, shown), (0, shown), spec=spec) == [field]


AT_ONCE = {
    "blacklist.machines": (fleet(blacklist=bans(1)), {"machine_id": 1}),
    "blacklist.hosts": (fleet(blacklist=bans(hosts=(1,))), {"host_id": 1}),
    "price.max_per_hour": (fleet(), {"price_per_hour": "0.6"}),
}


@pytest.mark.parametrize("field", AT_ONCE)
def test_a_rule_about_ids_or_the_price_condemns_in_one_list(field):
    spec, shown = AT_ONCE[field]
    assert drifts_after((0, shown), spec=spec) == [field]


# --- static fields, in words ----------------------------------------------------------------------


def static(was, spec, **shown):
    row = instance(spec=was, **shown)
    mark = read_label(row.label, "default")
    assert isinstance(mark, Mark)
    return [str(drift) for drift in static_drift(spec, row, mark)]


TEMPLATE, OTHER = "4e17788f74f075dd9aab7d0d4427968f", "a" * 32
GENERIC = ["container env, onstart, args, ports or connect changed -> as declared now"]
WORDS = {
    "nothing changed": (fleet(), fleet(), {}, []),
    "the image": (
        fleet(image="a:1"),
        fleet(image="a:2"),
        {},
        ["container.image a:1 -> a:2"],
    ),
    "the disk": (fleet(disk_gb=32), fleet(disk_gb=50), {}, ["container.disk_gb 32 -> 50"]),
    "the number of GPUs": (fleet(count=1), fleet(count=2), {}, ["gpu.count 1 -> 2"]),
    "the template": (
        fleet(vast_template=OTHER),
        fleet(vast_template=TEMPLATE),
        {},
        [f"container.vast_template {OTHER} -> {TEMPLATE}"],
    ),
    "several at once": (
        fleet(image="a:1", disk_gb=32),
        fleet(image="a:2", disk_gb=50),
        {},
        ["container.disk_gb 32 -> 50", "container.image a:1 -> a:2"],
    ),
    "what the account does not show": (fleet(), fleet(env={"A": "1"}), {}, GENERIC),
    "an image the account does not tell": (fleet(image="a:1"), fleet(image="a:2"), {"image": None}, GENERIC),
    "a disk with decimals": (fleet(), fleet(onstart="x"), {"disk_gb": Decimal("32.0")}, GENERIC),
}


@pytest.mark.parametrize(("was", "spec", "shown", "expected"), WORDS.values(), ids=WORDS.keys())
def test_a_static_difference_is_told_as_far_as_the_account_shows_it(was, spec, shown, expected):
    assert static(was, spec, **shown) == expected


def test_the_hash_decides_and_not_what_the_account_shows():
    row = instance(image="docker.io/acme/june:1", disk_gb=Decimal(33))
    mark = read_label(label(), "default")
    assert isinstance(mark, Mark)
    assert static_drift(fleet(), row, mark) == ()
    assert len(explain(fleet(), row)) == 2


def test_a_dearer_or_cheaper_market_is_no_drift():
    """Law 7: nothing about offers enters the judgement of a running instance."""
    assert drifts_after((0, {"price_per_hour": "0.49"}), spec=fleet()) == []
