"""Which instances are alike, what a fleet of them is called, and what it may cost."""

from __future__ import annotations

from decimal import Decimal

import pytest
from builders import instance, money

from reconciler.core.importing import groups_of, tagged
from reconciler.core.instance import Setup
from reconciler.core.model import Port
from reconciler.core.text import safe


def odd(number, **options):
    return instance(None, id=number, **options)


def grouped(*rows, taken=()):
    groups, left = groups_of(rows, frozenset(taken))
    return {group.name: [one.id for one in group.instances] for group in groups}, {
        one.instance_id: one.why for one in left
    }


def group(*rows):
    ((found,), ()) = groups_of(rows, frozenset())
    return found


APART = {
    "another image": {"image": safe("ghcr.io/acme/june:2")},
    "a template": {"image": None, "vast_template": safe("4e17788f")},
    "another disk": {"disk_gb": Decimal(33)},
    "another card": {"gpu_name": safe("RTX 4090")},
    "more of them": {"gpu_count": 2},
    "another way in": {"setup": Setup(connect="args")},
    "other ports": {"setup": Setup(ports=(Port(80),))},
    "other variables": {"setup": Setup(env_names=("A",))},
    "another script": {"setup": Setup(onstart="sleep 1")},
    "other arguments": {"setup": Setup(args=("x",))},
}
ALIKE = {
    "another price": {"price_per_hour": "0.4"},
    "another place": {"location": safe("Sweden, SE")},
    "another machine": {"machine_id": 5, "host_id": 6},
    "another state": {"reported": "exited"},
    "a disk that is the same in whole gigabytes": {"disk_gb": Decimal("31.4")},
    "another spelling of its card": {"gpu_name": safe("RTX_3060")},
}


@pytest.mark.parametrize("change", APART.values(), ids=APART)
def test_what_replaces_an_instance_sets_them_apart(change):
    found, _ = grouped(odd(1), odd(2, **change), odd(3))
    assert sorted(found.values()) == [[1, 3], [2]]


@pytest.mark.parametrize("change", ALIKE.values(), ids=ALIKE)
def test_what_does_not_leaves_them_together(change):
    found, _ = grouped(odd(2, **change), odd(1))
    assert list(found.values()) == [[1, 2]]


NAMES = {
    "the image where there is no label": ([{}], ["june"]),
    "a label": ([{"label": "voice"}], ["voice"]),
    "labels with numbers": ([{"label": "voice-1"}, {"label": "voice-12"}], ["voice"]),
    "labels with paths": ([{"label": "pool-a/1"}, {"label": "pool-a/2"}], ["pool-a"]),
    "labels that differ": ([{"label": "a"}, {"label": "b"}], ["june"]),
    "a label of signs": ([{"label": "***"}], ["june"]),
    "a label in another script": ([{"label": "Stimme Ä 7"}], ["stimme"]),
    "an image by digest": ([{"image": safe("nginx@sha256:" + "0" * 64)}], ["nginx"]),
    "a template": ([{"image": None, "vast_template": safe("4e17788f74f0")}], ["template-4e17788f"]),
    "two of a name": ([{"disk_gb": Decimal(40)}, {"disk_gb": Decimal(50)}], ["june", "june-2"]),
    "a very long label": ([{"label": "x" * 100}], ["x" * 36]),
}


@pytest.mark.parametrize(("rows", "names"), NAMES.values(), ids=NAMES)
def test_a_fleet_is_named_after_what_its_instances_have_in_common(rows, names):
    found, _ = grouped(*(odd(number, **row) for number, row in enumerate(rows, 1)))
    assert list(found) == names


def test_a_name_that_is_taken_is_not_given_again():
    assert list(grouped(odd(1), taken=["june", "june-2"])[0]) == ["june-3"]


UNKNOWN = {
    "an image": ({"image": None}, "the account does not tell its image"),
    "a card": ({"gpu_name": None}, "the account does not tell its GPU"),
    "a price and a disk": (
        {"price_per_hour": None, "disk_gb": None},
        "the account does not tell its disk, its price",
    ),
    "what is rented by bid": (
        {"interruptible": True},
        "it is interruptible, and how to bid for it is yours to say; adopt takes it by name",
    ),
}


@pytest.mark.parametrize(("row", "why"), UNKNOWN.values(), ids=UNKNOWN)
def test_what_is_not_known_is_not_described(row, why):
    assert grouped(odd(1, **row)) == ({}, {1: why})


@pytest.mark.parametrize(
    ("price", "cap"), [("0.1", "0.110"), ("0.0722", "0.080"), ("0.2509", "0.276"), ("0.00001", "0.001")]
)
def test_the_cap_is_a_tenth_more_rounded_up(price, cap):
    assert group(odd(1, price_per_hour=price)).max_per_hour == money(cap)


def test_the_dearest_one_sets_the_cap():
    assert group(odd(1, price_per_hour="0.1"), odd(2, price_per_hour="0.3")).max_per_hour == money("0.33")


PLACES = {
    "one country": (["California, US", "Texas, US"], ("US",)),
    "several": (["Sweden, SE", "California, US"], ("SE", "US")),
    "one that is not told": (["Sweden, SE", None], ()),
    "one that nobody knows": (["Sweden, SE", "Nowhere, QQ"], ()),
}


@pytest.mark.parametrize(("told", "countries"), PLACES.values(), ids=PLACES)
def test_places_are_told_where_all_of_them_are(told, countries):
    rows = [odd(number, location=safe(place) if place else None) for number, place in enumerate(told, 1)]
    assert group(*rows).countries == countries


def test_a_disk_is_rounded_up_and_never_below_the_least():
    assert group(odd(1, disk_gb=Decimal("50.2"))).likeness.disk_gb == 51
    assert group(odd(1, disk_gb=Decimal(5))).likeness.disk_gb == 8


@pytest.mark.parametrize(
    ("image", "with_tag"),
    [("nginx", "nginx:latest"), ("host:5000/a", "host:5000/a:latest"), ("a:1", "a:1"), ("a@sha256:0", "a@sha256:0")],
)
def test_no_tag_means_latest(image, with_tag):
    assert tagged(image) == with_tag
