"""A question that includes another: whatever fits the narrow one fits the wide one."""

from __future__ import annotations

from dataclasses import fields, replace
from decimal import Decimal
from itertools import product

import pytest
from builders import DAY_S, offer
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.cover import covers
from reconciler.core.model import Clause
from reconciler.core.offer import OfferQuery
from reconciler.core.pool import Pool

from .shop import fits

D = Decimal
FAST = Clause("pcie_bw", "gte", (D(10),), "pcie_bw>=10")
WIDEST = OfferQuery(("RTX 3060", "RTX 3090"), 1, 8, fits_disk=False)

# What a question may say of each field, the widest first.
SAYS: dict[str, list[object]] = {
    "models": [("RTX 3060", "RTX 3090"), ("RTX 3090", "RTX 3060"), ("RTX 3060",)],
    "gpu_count": [1, 2],
    "disk_gb": [8, 100, 300],
    "fits_disk": [False, True],
    "require": [(), ("verified",), ("datacenter", "verified"), ("static_ip",)],
    "min_vram_mb": [None, D(0), D(12000), D(20000)],
    "min_reliability": [None, D("0.9"), D("0.99")],
    "min_download_mbps": [None, D(100), D(600)],
    "min_upload_mbps": [None, D(100), D(600)],
    "min_cpu_cores": [None, D(4), D(16)],
    "min_ram_gb": [None, D(16), D(64)],
    "min_disk_mbps": [None, D(500), D(2000)],
    "min_cuda": [None, D("12.4"), D("13")],
    "max_download_per_tb": [None, D(20), D(4)],
    "max_upload_per_tb": [None, D(20), D(4)],
    "min_direct_ports": [None, 0, 200],
    "min_days_left": [None, D(3), D(60)],
    "countries": [(), ("CA", "US"), ("US",), ("SE",)],
    "blocked_countries": [(), ("SE",), ("CA", "SE"), ("US",)],
    "clauses": [(), (FAST,)],
    "interruptible": [False, True],
    "max_bid": [None, D("0.2"), D("0.1")],
}
BLOCKED = SAYS["blocked_countries"]
LEFT_TO_THE_CALLER = {"max_price_per_hour", "min_price_per_hour", "not_machines", "not_offers", "only_machines"}


class Bandwidth:
    """An offer's further properties: one of them."""

    def __init__(self, value: Decimal | None) -> None:
        self._value = value

    def of(self, field: str) -> Decimal | None:
        return self._value if field == "pcie_bw" else None


def queries():
    """Any question, mostly a wide one, so that two of them often include each other."""
    return st.builds(OfferQuery, **{name: st.sampled_from(said + said[:1] * 3) for name, said in SAYS.items()})


ROWS = st.builds(
    offer,
    gpu_name=st.sampled_from(["RTX 3060", "RTX 3090"]),
    gpu_count=st.sampled_from([1, 1, 2]),
    location=st.sampled_from(["Texas, US", "Ontario, CA", "Sweden, SE", ", US", None]),
    verified=st.sampled_from([True, True, False, None]),
    datacenter=st.sampled_from([True, False, None]),
    static_ip=st.sampled_from([True, False]),
    vram_mb=st.sampled_from([D(12288), D(24576), None]),
    reliability=st.sampled_from([D("0.95"), D(1), None]),
    download_mbps=st.sampled_from([D(500), D(1000), None]),
    upload_mbps=st.sampled_from([D(500), D(1000), None]),
    cpu_cores=st.sampled_from([D(8), D(32), None]),
    ram_gb=st.sampled_from([D(32), D(128), None]),
    disk_gb=st.sampled_from([D(200), D(1000), None]),
    disk_mbps=st.sampled_from([D(1000), D(3000), None]),
    cuda=st.sampled_from([D("12.8"), D(13), None]),
    direct_ports=st.sampled_from([100, 300, None]),
    seconds_left=st.sampled_from([30 * DAY_S, 90 * DAY_S, None]),
    download_price_per_tb=st.sampled_from([D(1), D(5), None]),
    upload_price_per_tb=st.sampled_from([D(1), D(5), None]),
    traits=st.sampled_from([Bandwidth(D(12)), Bandwidth(D(4)), Bandwidth(None)]),
    storage_price_per_gb_month=st.sampled_from([D(0), D("0.36")]),
)


def test_every_field_of_a_question_is_looked_at():
    """A field that a question gains must be compared, or two fleets would share an answer that fits one of them."""
    assert {field.name for field in fields(OfferQuery)} == SAYS.keys() | LEFT_TO_THE_CALLER


@pytest.mark.parametrize("name", SAYS)
def test_a_question_covers_itself_with_a_rule_more(name):
    for said in SAYS[name][1:]:
        narrow = replace(WIDEST, **{name: said})
        assert covers(narrow, narrow)
        assert covers(WIDEST, narrow) is (name not in ("gpu_count", "interruptible"))


@pytest.mark.parametrize("name", [name for name in SAYS if name != "models"])
def test_a_question_with_a_rule_more_does_not_cover_the_one_without(name):
    assert not covers(replace(WIDEST, **{name: SAYS[name][-1]}), WIDEST)


def test_a_question_for_one_card_does_not_cover_two():
    assert not covers(replace(WIDEST, models=("RTX 3060",)), WIDEST)


@st.composite
def pairs(draw):
    """A question, and another that says something else of a few fields."""
    narrow, names = draw(queries()), draw(st.sets(st.sampled_from(sorted(SAYS)), min_size=1, max_size=3))
    return replace(narrow, **{name: draw(st.sampled_from(SAYS[name])) for name in sorted(names)}), narrow


@given(pairs(), ROWS)
@settings(max_examples=250, deadline=None)
def test_whatever_fits_the_narrow_question_fits_the_wide_one(made, row):
    wide, narrow = made
    if covers(wide, narrow) and fits(narrow, row):
        assert fits(wide, row)


def test_whatever_fits_the_narrow_question_fits_the_wide_one_field_by_field():
    """The same for every two words that a field may have, two fields at a time where they are about one thing."""
    places = [replace(WIDEST, countries=c, blocked_countries=b) for c in SAYS["countries"] for b in BLOCKED]
    disks = [replace(WIDEST, disk_gb=gb, fits_disk=fits_it) for gb in SAYS["disk_gb"] for fits_it in (False, True)]
    where = [offer(location=text) for text in ("Texas, US", "Ontario, CA", "Sweden, SE", ", US", "Paris, FR")]
    room = [offer(disk_gb=gb) for gb in (D(50), D(200), D(1000), None)]
    for asked, rows in ((places, where), (disks, room)):
        for wide, narrow in product(asked, asked):
            if covers(wide, narrow):
                assert [row for row in rows if fits(narrow, row) and not fits(wide, row)] == []


@given(pairs(), ROWS, st.integers(5, 60))
@settings(max_examples=100, deadline=None)
def test_what_is_known_up_to_a_price_is_known(made, row, cents):
    """Up to a price for the narrow question's disk, which makes no offer cheaper than the wide one's."""
    (wide, narrow), pool, price = made, Pool(), D(cents) / 100
    pool.prove(wide, price)
    if pool.knows(narrow, price) and fits(replace(narrow, max_price_per_hour=price), row):
        assert fits(replace(wide, max_price_per_hour=price), row)


def test_nothing_is_known_above_the_price_of_a_proof():
    pool = Pool()
    pool.prove(WIDEST, D("0.3"))
    assert pool.knows(WIDEST, D("0.3"))
    assert not pool.knows(WIDEST, D("0.3001"))


def test_the_properties_above_meet_questions_that_cover_each_other():
    covered = [(wide, narrow) for wide in _some() for narrow in _some() if wide != narrow and covers(wide, narrow)]
    assert len(covered) > 50


def _some() -> list[OfferQuery]:
    return [WIDEST, *(replace(WIDEST, **{name: said}) for name, all_ in SAYS.items() for said in all_[1:])]
