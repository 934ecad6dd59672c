"""An adopted instance is taken as it is: its label says under which spec, and nothing else is needed to know it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from builders import (
    NOW,
    OWNER,
    adopted,
    bans,
    diff,
    fleet,
    instance,
    money,
    offer,
    plans,
    policy,
    record,
    regions,
    told,
)
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.adopting import RULES
from reconciler.core.differences import differences
from reconciler.core.instance import Setup
from reconciler.core.label import read_label
from reconciler.core.model import FromEnv, Limit, Port, Spread
from reconciler.core.text import safe

DAY_S = 86_400.0


def odd(**options):
    """An instance that nobody rented for us."""
    return instance(None, **options)


def member(spec, row, *, rules=None, now=NOW + DAY_S):
    """What becomes of an adopted instance a day later, once the list has said so for long enough."""
    since = {(row.id, field): NOW for field in ("gpu.models", "gpu.min_vram_gb", "regions")}
    before = record(since=since)
    (found,) = diff(spec, [row], before, rules=rules, now=now).fleets[0].members()
    return found


ODDITIES = {
    "another image": {"image": safe("nginx:1")},
    "another disk": {"disk_gb": Decimal(100)},
    "more GPUs": {"gpu_count": 2},
    "another card": {"gpu_name": safe("RTX 4090")},
    "less memory": {"vram_mb": Decimal(4096)},
    "another place": {"location": safe("Sweden, SE")},
    "a dearer one": {"price_per_hour": "0.9"},
    "a machine that is out": {"machine_id": 666},
    "interruptible": {"interruptible": True},
    "another script": {"setup": Setup(onstart="sleep 1")},
    "other variables": {"setup": Setup(env_names=("A", "B"))},
    "all of it": {
        "image": safe("nginx:1"),
        "gpu_name": safe("RTX 4090"),
        "price_per_hour": "0.9",
        "location": safe("Sweden, SE"),
    },
}
STRICT = fleet(min_vram_gb=Decimal(12), regions=regions("US"), blacklist=bans(666))


@pytest.mark.parametrize("oddity", ODDITIES.values(), ids=ODDITIES)
def test_what_an_instance_was_adopted_with_is_shown_and_never_held_against_it(oddity):
    found = member(STRICT, adopted(STRICT, odd(**oddity)))
    assert found.drifts == ()
    assert not found.condemned
    assert len(found.accepted) == len(oddity)


@pytest.mark.parametrize("oddity", ODDITIES.values(), ids=ODDITIES)
def test_a_plan_leaves_it_and_says_what_it_was_adopted_with(oddity):
    (made,) = plans(diff(STRICT, [adopted(STRICT, odd(**oddity))]), [offer()])
    assert made.actions == ()
    assert made.running == 1
    row = odd(**oddity)
    if differences(STRICT, row):
        (note,) = made.notes
        assert note.kind == "adopted"
        assert note.text.startswith("instance 100 was adopted as it is: ")


@pytest.mark.parametrize("oddity", ODDITIES.values(), ids=ODDITIES)
def test_once_the_spec_changes_it_is_drifted_as_any_other(oddity):
    row = adopted(STRICT, odd(**oddity))
    changed = replace(STRICT, container=replace(STRICT.container, image="ghcr.io/acme/june:2"))
    found = member(changed, row)
    assert found.condemned
    assert found.accepted == ()
    (made,) = plans(diff(changed, [row]), [offer()])
    assert told(made.actions) == ["+/- june/0 100 -> offer 1"]


def test_what_never_drifts_changes_nothing():
    row = adopted(STRICT, odd(image=safe("nginx:1")))
    assert not member(replace(STRICT, spread=Spread(Limit(Decimal(3))), priority=7), row).condemned


READS = {
    "gpu.models": ({"gpu_name": safe("RTX 4090")}, {"gpu": replace(STRICT.gpu, models=("RTX 3060", "RTX 3090"))}),
    "gpu.min_vram_gb": ({"vram_mb": Decimal(4096)}, {"gpu": replace(STRICT.gpu, min_vram_gb=Decimal(10))}),
    "regions": ({"location": safe("Sweden, SE")}, {"regions": regions("US", "CA")}),
    "price.max_per_hour": ({"price_per_hour": "0.9"}, {"price": replace(STRICT.price, max_per_hour=money("0.6"))}),
    "blacklist": ({"machine_id": 666}, {"blacklist": bans(666, 667)}),
}


def test_every_rule_has_a_case():
    assert tuple(READS) == RULES


@pytest.mark.parametrize(("oddity", "change"), READS.values(), ids=READS)
def test_a_rule_it_broke_counts_again_once_the_rule_reads_otherwise(oddity, change):
    row = adopted(STRICT, odd(**oddity))
    assert not member(STRICT, row).condemned
    assert member(replace(STRICT, **change), row).condemned


@pytest.mark.parametrize("name", READS)
def test_a_rule_it_kept_at_its_adoption_counts_as_for_any_other(name):
    row = adopted(STRICT, odd(image=safe("nginx:1")))
    later = replace(row, **{k: money(v) if k == "price_per_hour" else v for k, v in READS[name][0].items()})
    assert [drift.field.removesuffix(".machines") for drift in member(STRICT, later).drifts] == [name]


def test_a_ban_of_the_policy_that_comes_later_counts():
    row = adopted(STRICT, odd(image=safe("nginx:1"), machine_id=5))
    assert member(STRICT, row, rules=policy(blacklist=bans(5))).condemned


def test_the_same_rules_in_other_words_are_the_same_rules():
    row = adopted(STRICT, odd(price_per_hour="0.9", location=safe("Sweden, SE")))
    tier = replace(STRICT.regions.tiers[0], name="home", bonus=Decimal("0.1"))
    same = replace(
        STRICT,
        price=replace(STRICT.price, max_per_hour=Decimal("0.500")),
        regions=replace(STRICT.regions, tiers=(tier,)),
    )
    assert not member(same, row).condemned


def test_a_rented_instance_with_a_drift_is_not_excused():
    assert member(STRICT, instance(spec=STRICT, price_per_hour="0.9")).condemned


def test_the_mark_of_another_instance_excuses_nothing():
    label = adopted(STRICT, odd(id=7, price_per_hour="0.9")).label
    assert member(STRICT, odd(id=8, price_per_hour="0.9", label=label)).condemned


@given(st.integers(1, 2**62), st.sets(st.sampled_from(list(READS))))
def test_the_label_of_an_adoption_is_ours_says_so_and_is_always_the_same(number, broken):
    row = odd(id=number, **{key: value for name in broken for key, value in READS[name][0].items()})
    label = adopted(STRICT, row).label
    assert label == adopted(STRICT, row).label
    assert len(label) <= 94
    mark = read_label(label, OWNER)
    assert mark.adopted
    assert str(mark.seat) == "june/0"


SETUP = Setup("ssh-direct", (Port(8000),), ("A", "HF_TOKEN"), "python x.py", ())
BASE = {"ports": (8000,), "env": {"A": "1", "HF_TOKEN": FromEnv("HF_TOKEN")}, "onstart": "python x.py\n"}
DIFFERENCES = {
    "as declared": ({}, {}, []),
    "a spec that the account tells nothing of": ({}, {"setup": None}, []),
    "another image": ({}, {"image": safe("b:1")}, ["container.image b:1 -> ghcr.io/acme/june:1"]),
    "a template": (
        {"vast_template": "4e17788f", "connect": None},
        {"vast_template": safe("aaaa"), "image": None},
        ["container.vast_template aaaa -> 4e17788f"],
    ),
    "no template": (
        {"vast_template": "4e17788f", "connect": None},
        {"vast_template": None, "image": safe("b:1")},
        ["container.vast_template none, image b:1 -> 4e17788f"],
    ),
    "a disk of the same size": ({"disk_gb": 50}, {"disk_gb": Decimal("50.0")}, []),
    "a disk of another size": ({"disk_gb": 50}, {"disk_gb": Decimal("50.5")}, ["container.disk_gb 50.5 -> 50"]),
    "another way in": ({"connect": "ssh-proxy"}, {}, ["container.connect ssh-direct -> ssh-proxy"]),
    "other ports": ({"ports": (80,)}, {}, ["container.ports 8000/tcp -> 80/tcp"]),
    "other variables, by name only": ({"env": {"A": "hunter2"}}, {}, ["container.env A, HF_TOKEN -> A"]),
    "another script, by size only": (
        {"onstart": "secret one\nsecret two"},
        {},
        ["container.onstart script of 1 line -> another script of 2 lines"],
    ),
    "a script where none is declared": ({"onstart": None}, {}, ["container.onstart script of 1 line -> none"]),
    "a script that some rows lack": ({}, {"setup": replace(SETUP, onstart=None)}, []),
    "other arguments": (
        {"args": ("--token", "hunter2")},
        {},
        ["container.args none -> another list of 2 arguments"],
    ),
    "an interruptible one": ({}, {"interruptible": True}, ["rental.kind interruptible -> on-demand"]),
    "a template that brings more": (
        {"vast_template": "4e17788f", "connect": None, "ports": (), "env": {}, "onstart": None},
        {"vast_template": safe("4e17788f"), "image": safe("b:1")},
        [],
    ),
    "a template that lacks what is declared": (
        {"vast_template": "4e17788f", "connect": None, "ports": (8000, 9000)},
        {"vast_template": safe("4e17788f")},
        ["container.ports 8000/tcp -> 8000/tcp, 9000/tcp"],
    ),
}


@pytest.mark.parametrize(("spec", "row", "expected"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_differences_are_told_as_far_as_the_account_tells(spec, row, expected):
    found = differences(fleet(**{**BASE, **spec}), odd(spec=fleet(), **{"setup": SETUP, **_disk(spec), **row}))
    assert [str(drift) for drift in found] == expected


def _disk(spec):
    return {"disk_gb": Decimal(spec.get("disk_gb", 32))}


def test_no_value_and_no_script_is_ever_told():
    spec = fleet(env={"A": "hunter2"}, onstart="echo hunter2", args=("hunter2",), connect="args")
    row = odd(setup=Setup("ssh-proxy", (), ("B",), "echo hunter3", ("hunter3",)))
    assert "hunter" not in " ".join(map(str, differences(spec, row)))
