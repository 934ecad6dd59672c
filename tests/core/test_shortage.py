"""What loosening one rule would admit: what is told must come true."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest
from builders import NO_BANS, NOW, fleet, judged, offer, regions
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.eligibility import Judge
from reconciler.core.model import Latency
from reconciler.core.shortage import Relaxation, relaxations, shortage
from reconciler.core.sights import Measured, Sights

D = Decimal
RULES = {
    # rule: (what the fleet says, how that is written with another value, an offer's field, values that are refused)
    "price.max_per_hour": ("0.2", lambda v: {"max_per_hour": v}, "base_price_per_hour", ["0.2333333333", "0.20001"]),
    "price.max_download_per_tb": ("2", lambda v: {"max_download_per_tb": v}, "download_price_per_tb", ["2.00004"]),
    "host.min_reliability": (D("0.98"), lambda v: {"min_reliability": D(v)}, "reliability", ["0.9787", "0.95"]),
    "host.min_download_mbps": (D(900), lambda v: {"min_download_mbps": D(v)}, "download_mbps", ["899.9999", "64.4"]),
    "host.min_ram_gb": (D(64), lambda v: {"min_ram_gb": D(v)}, "ram_gb", ["62.7519", "31.3"]),
    "host.min_cuda": ("12.9", lambda v: {"min_cuda": v}, "cuda", ["12.8", "11.0"]),
    "host.min_driver": ("580.96", lambda v: {"min_driver": v}, "driver", ["580.95.05", "570.1"]),
    "host.min_direct_ports": (200, lambda v: {"min_direct_ports": int(v)}, "direct_ports", ["199", "3"]),
    "host.min_days_left": (D(90), lambda v: {"min_days_left": D(v)}, "seconds_left", ["1234567.8", "99999"]),
    "gpu.min_vram_gb": (D(24), lambda v: {"min_vram_gb": D(v)}, "vram_mb", ["12288", "22000.5"]),
    "container.disk_gb": (500, lambda v: {"disk_gb": int(D(v))}, "disk_gb", ["499.9", "60"]),
}
AS = {"driver": str, "direct_ports": int, "seconds_left": float}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_loosened_as_told_admits_as_many_as_told(rule):
    said, written, field, values = RULES[rule]
    spec = fleet(**_strict(rule, said))
    market = [offer(i, **{field: AS.get(field, D)(value)}) for i, value in enumerate(values, 1)]
    [steps] = relaxations(judged(spec, market), len(market)).values()
    assert steps[-1].machines == len(market)
    for step in steps:
        judge = Judge(fleet(**written(step.to)), NO_BANS, NOW)
        assert sum(judge.admits(row) for row in market) == step.machines, step


def _strict(rule, said):
    return {RULES[rule][1]("1").popitem()[0]: said}


@pytest.mark.parametrize("ms", [60.4, 60.6, 113.49])
def test_the_longest_way_is_told_so_that_it_admits(ms):
    users = (D("37.77"), D("-122.42"))
    sights = Sights(measured={5001: Measured(ms, NOW)})
    [steps] = relaxations(judged(fleet(latency=Latency(users, D(60), probe=True)), [offer()], sights=sights)).values()
    loosened = fleet(latency=Latency(users, D(steps[0].to), probe=True))
    assert Judge(loosened, NO_BANS, NOW, sights.measured).admits(offer())


@given(st.lists(st.integers(20_000, 60_000), min_size=1, max_size=12), st.integers(1, 6))
@settings(max_examples=80, deadline=None)
def test_a_cap_raised_as_told_admits_as_many_as_told(tenths_of_mills, wanted):
    market = [offer(i, price=str(D(price) / 100_000)) for i, price in enumerate(tenths_of_mills, 1)]
    spec = fleet(max_per_hour="0.2")
    before = sum(Judge(spec, NO_BANS, NOW).admits(row) for row in market)
    for steps in relaxations(judged(spec, market), wanted).values():
        for step in steps:
            judge = Judge(fleet(max_per_hour=step.to), NO_BANS, NOW)
            assert sum(judge.admits(row) for row in market) - before == step.machines
        assert steps[-1].machines >= min(wanted, len(market) - before)


STEPS = {
    "the nearest, and as many as are wanted": (["0.6", "0.7", "0.8"], 2, [("0.6000", 1), ("0.7000", 2)]),
    "one is enough": (["0.6", "0.7", "0.8"], 1, [("0.6000", 1)]),
    "no more than there are": (["0.6", "0.7"], 9, [("0.6000", 1), ("0.7000", 2)]),
    "all at one price are admitted together": (["0.6", "0.6", "0.7"], 1, [("0.6000", 2)]),
}


@pytest.mark.parametrize(("prices", "wanted", "expected"), STEPS.values(), ids=STEPS)
def test_how_far_a_rule_has_to_be_loosened(prices, wanted, expected):
    market = [offer(i, price=price) for i, price in enumerate(prices, 1)]
    found = relaxations(judged(fleet(), market), wanted)
    assert found == {"price.max_per_hour": [Relaxation("price.max_per_hour", to, n) for to, n in expected]}


def test_a_rule_without_a_number_has_to_be_dropped():
    market = [offer(1, verified=False), offer(2, verified=None), offer(3, verified=False, price="9")]
    assert relaxations(judged(fleet(), market)) == {
        "host.require verified": [Relaxation("host.require verified", None, 2)]
    }


def test_several_offers_of_a_machine_are_one_machine():
    market = [offer(1, machine_id=7, price="0.6"), offer(2, machine_id=7, price="0.7")]
    assert relaxations(judged(fleet(), market), 5)["price.max_per_hour"][-1].machines == 1


def test_what_two_rules_refuse_no_single_rule_lets_in():
    assert relaxations(judged(fleet(), [offer(price="9", verified=False)])) == {}


def test_the_rule_that_would_admit_most_comes_first():
    market = [offer(1, price="0.6"), offer(2, verified=False), offer(3, verified=False)]
    assert list(relaxations(judged(fleet(), market), 9)) == ["host.require verified", "price.max_per_hour"]


def test_refusals_and_what_crowds_a_seat_are_counted_together():
    spec = fleet(regions=regions("US-CA"))
    rows = judged(spec, [offer(1), offer(2, location="Texas, US"), offer(3, verified=False)])
    told = shortage(rows, Counter({"spread.per_host": 1}))
    assert told.seen == 3
    assert dict(told.refused) == {"regions.tiers": 1, "host.require verified": 1, "spread.per_host": 1}
