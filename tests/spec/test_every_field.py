"""Every field of a fleet flips an outcome: what is chosen with the one value is refused, outranked or done differently
with the other. The list of fields is the schema's, so a field without an entry here fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from builders import DAY_S, HOUR_S, NO_BANS, NOW, attempt, diff, instance, offer, plans, record, told
from core.trading import compared
from market.shop import Now, Shop, ground, needs
from schema_fields import fields_of_a_fleet

from reconciler.core.bids import priced
from reconciler.core.budget import rooms
from reconciler.core.candidates import Appraiser
from reconciler.core.fields import spec_hash
from reconciler.core.health import Health
from reconciler.core.label import Mark, Seat, write_label
from reconciler.core.model import Fleet, FromEnv
from reconciler.core.offer import Offer, RentOrder
from reconciler.core.place import place
from reconciler.core.planner import needs_of
from reconciler.core.readiness import checks_of
from reconciler.core.sights import Measured, Sights
from reconciler.core.timing import replicas_at
from reconciler.core.trials import Trial, until
from reconciler.errors import InvalidInput
from reconciler.spec.load import load
from reconciler.survey import Eyes, survey
from reconciler.vast.encode import rent_body
from reconciler.vast.query_fields import LANGUAGE

D = Decimal
Outcome = Callable[[Fleet], Any]

SPEC: dict[str, Any] = {
    "kind": "Fleet",
    "name": "june",
    "gpu": {"models": ["RTX 3060"]},
    "price": {"max_per_hour": 0.5},
    "container": {"image": "ghcr.io/acme/june:1"},
}
TWO_DRIFTED = {"container.disk_gb": 40, "replicas": 2}
SECRETS = {"TOKEN": "aaa", "OTHER": "bbb"}
WITHOUT_AN_OUTCOME = {"container.registry_login.password.version"}
"""Accepted, because a password is written as every secret is; yet a password is never drift, so raising it rolls
nothing."""


@dataclass(frozen=True)
class Flip:
    """Two specs that differ in one field, and what each of them comes to."""

    outcome: Outcome
    one: tuple[Mapping[str, Any], Any]
    other: tuple[Mapping[str, Any], Any]


# --- what is looked at ----------------------------------------------------------------------------


def chosen(*market: Offer, sights: Sights | None = None) -> Outcome:
    """The offers that the seats get, or what refuses them all."""

    def outcome(fleet: Fleet) -> Any:
        placement = place(needs(fleet), market, ground(sights=sights or Sights()))
        if not placement.choices:
            refused = placement.shortages[fleet.name].refused
            return refused[0][0] if refused else "no such card"
        return [choice.candidate.offer.id for _, choice in sorted(placement.choices.items())]

    return outcome


def first(one: Mapping[str, Any], two: Mapping[str, Any]) -> Outcome:
    """Of two offers the one that is chosen."""
    return chosen(offer(1, **one), offer(2, **two))


def planned(*running: Any, market: tuple[Offer, ...] = ()) -> Outcome:
    """The actions of a plan, in the signs of the house."""

    def outcome(fleet: Fleet) -> Any:
        return [line for plan in plans(diff(fleet, running), market) for line in told(plan.actions)]

    return outcome


def sent(*parts: str) -> Outcome:
    """Some parts of the order to rent, as it is sent."""

    def outcome(fleet: Fleet) -> Any:
        container = fleet.container
        env = {n: SECRETS[v.name] if isinstance(v, FromEnv) else v for n, v in container.env}
        login = container.registry_login
        label = write_label(Mark("default", needs(fleet)[0].seat, spec_hash(fleet), attempt(1)))
        password = SECRETS[login.password.name] if login else None
        bid = priced(fleet, offer(least_bid="0.1")).bid if fleet.rental.interruptible else None
        order = RentOrder(1, label, container, env, password, fleet.rental.kind, bid)
        body = rent_body(order)
        return [body.get(part) for part in parts]

    return outcome


def fate(fleet: Fleet) -> Any:
    """What becomes of an instance rented when `TOKEN` had its first version."""
    before = replace(fleet.container, env=(("TOKEN", FromEnv("TOKEN", 1)),))
    return planned(instance(spec=replace(fleet, container=before)), market=(offer(1),))(fleet)


def after_a_lost_bid(fleet: Fleet) -> Any:
    """What becomes of an instance that lost its bid an hour ago."""
    row = instance(spec=fleet, status="outbid", price_per_hour="0.12", least_bid=D("0.1"))
    since = {(100, "outbid"): NOW - 3600}
    made = plans(diff(fleet, [row], record(since=since)), (offer(1, least_bid="0.1"), offer(2, price="0.3")))
    return [line for plan in made for line in told(plan.actions)]


def bidding(**rental: Any) -> dict[str, Any]:
    """The changes of a fleet that rents by bids."""
    return {"rental": {"kind": "interruptible", **rental}}


def explained(row: Offer) -> Outcome:
    """What is said of an offer: what refuses it, or its tier."""

    def outcome(fleet: Fleet) -> Any:
        [candidate] = Appraiser(fleet, NO_BANS, NOW).judged([row])
        return [refusal.detail for refusal in candidate.refusals] or candidate.tier

    return outcome


def against(rival: Fleet) -> Outcome:
    """Who gets the one machine that two fleets want."""

    def outcome(fleet: Fleet) -> Any:
        placement = place(needs(fleet, rival), [offer(1)], ground())
        return [at.fleet for at in placement.choices]

    return outcome


def within_budget(*market: Offer) -> Outcome:
    """What is chosen within the fleet's own budget."""

    def outcome(fleet: Fleet) -> Any:
        difference = diff(fleet)
        choices = place(needs_of(difference), market, ground(rooms=rooms(difference))).choices.values()
        return [choice.candidate.offer.id for choice in choices]

    return outcome


class Probe:
    """Somebody who measures: the machine at 198.51.100.1 is near."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    def latency_ms(self, addresses: Any, timeout_s: float) -> dict[str, float]:
        self.asked.append(timeout_s)
        return {address: 12.0 if address.endswith(".1") else 90.0 for address in addresses}


def measured(fleet: Fleet) -> Any:
    """What is chosen after a pass that may measure, and how long each measurement might take."""
    rows = [offer(2, address="198.51.100.2"), offer(1, address="198.51.100.1", price="0.21")]
    probe = Probe()
    market = survey(Eyes(Shop(rows), Now(), probe), needs(fleet), ground())
    assert market.news is not None
    sights = Sights(measured=market.news.measured)
    return [*chosen(*market.offers, sights=sights)(fleet), *probe.asked[:1]]


def ready_at_least(fleet: Fleet) -> Any:
    """Whether a fleet with one of two running instances is below what must be ready."""
    [plan] = plans(diff(fleet, [instance("june/0", fleet, id=100)]))
    return plan.below_min_ready


def booting(minutes: int) -> Outcome:
    """What becomes of an instance that boots for so long."""
    health = {100: Health(NOW - 60 * minutes)}

    def outcome(fleet: Fleet) -> Any:
        found = diff(fleet, [instance(spec=fleet, status="loading")], record(health=health))
        return [line for plan in plans(found, (offer(1),)) for line in told(plan.actions)]

    return outcome


def traded(**remembered: Any) -> Outcome:
    """What becomes of an instance of 47 hours at $0.25/h where there is an offer at $0.15/h."""

    def outcome(fleet: Fleet) -> list[str]:
        row = instance(spec=fleet, started_at=NOW - 47 * HOUR_S)
        plan, _ = compared(fleet, [row], [offer(1, price="0.15")], record(**remembered))
        return [*told(plan.actions), *(note.kind for note in plan.notes)]

    return outcome


def failing(fleet: Fleet) -> Any:
    """What becomes of an instance that was ready and does not pass for six minutes."""
    health = Health(NOW - 9000, NOW - 8000, NOW - 360, NOW, "fail", "ssh: connection refused")
    found = diff(fleet, [instance(spec=fleet)], record(health={100: health}))
    return [line for plan in plans(found, (offer(1),)) for line in told(plan.actions)]


def looked_for(fleet: Fleet) -> Any:
    """What an instance must pass."""
    return [f"{check} {check.run}".strip() for check in checks_of(fleet, instance(spec=fleet))]


def checking(one: Any, said: str, other: Any, otherwise: str) -> Flip:
    """Two single checks."""
    base = {"container.ports": [80, 81]}
    checks = "readiness.checks"
    return Flip(looked_for, ({**base, checks: [one]}, [said]), ({**base, checks: [other]}, [otherwise]))


def given_up_after(fleet: Fleet) -> float:
    """How many seconds a candidate at $0.15/h has to become ready."""
    rules = fleet.replace.cheaper
    assert rules is not None
    return until(0, D("0.15"), rules.candidate_for_s, rules.candidate_cost)


def wanted_now(fleet: Fleet) -> int:
    """How many replicas are wanted now."""
    return replicas_at(fleet, NOW)


class Row:
    """An offer's further properties."""

    def __init__(self, **values: Any) -> None:
        self._values = values

    def of(self, field: str) -> Any:
        return self._values.get(field)


# --- the table ------------------------------------------------------------------------------------


def flip(outcome: Outcome, one: tuple[Mapping[str, Any], Any], other: tuple[Mapping[str, Any], Any]) -> Flip:
    """One entry."""
    return Flip(outcome, one, other)


def refused(field: str, strict: Any, loose: Any, row: Mapping[str, Any], rule: str | None = None) -> Flip:
    """An offer that the strict value refuses, by the field's own name, and the loose one takes."""
    return Flip(chosen(offer(1, **row)), ({field: strict}, rule or field), ({field: loose}, [1]))


WEST, EAST, FAR = {"location": "California, US"}, {"location": "New York, US"}, {"location": "Sweden, SE"}
DEAR, CHEAP = {"price": "0.4"}, {"price": "0.1"}
USERS = {"users_at": [37.77, -122.42]}
IN_SWEDEN = {"users_at": [59.3, 18.1]}
TIERS = [{"name": "west", "in": ["US-CA"], "bonus": 0.2}, {"name": "east", "in": ["US-NY"], "bonus": 0.1}]
LOGIN = {"server": "ghcr.io", "username": "bot", "password": {"from_env": "TOKEN"}}
BANNED = offer(1, machine_id=7, host_id=8)


def tier(**changes: Any) -> dict[str, Any]:
    """Two tiers, the first of them changed."""
    return {"regions.tiers": [{**TIERS[0], **changes}, TIERS[1]]}


def weighing(part: str, other: str, one: Mapping[str, Any], two: Mapping[str, Any]) -> Flip:
    """The first offer is the better one by `part`, the second by `other`."""
    base = {"latency": USERS, "gpu.models": ["RTX 3060", "RTX 3090"]}
    written = ({**base, "scoring.weights": {name: 1}} for name in (part, other))
    return Flip(first(one, two), (next(written), [1]), (next(written), [2]))


def modifying(name: str, having: Mapping[str, Any], lacking: Mapping[str, Any]) -> Flip:
    """A dearer offer that has the property, and one that has not."""
    rows = ({"price": "0.21", **having}, {"price": "0.2", **lacking})
    base = {"host.require": []}
    field = f"scoring.modifiers.{name}"
    return Flip(first(*rows), ({**base, field: 0.1}, [1]), ({**base, field: -0.1}, [2]))


def trading(name: str, strict: Any, loose: Any) -> Flip:
    """A threshold that a saving of $72 a month, 40 %, does not reach, and one that it does."""
    field = f"replace.cheaper.{name}"
    return flip(traded(), ({field: strict}, []), ({field: loose}, ["proposed"]))


def window(**changes: Any) -> dict[str, Any]:
    """A window of every day from eleven to one that wants two."""
    return {"from": "11:00", "to": "13:00", "replicas": 2, **changes}


def scheduled(one: Any, other: Any, by: str) -> Flip:
    """What one schedule leaves at one replica and the other raises to two."""
    at = "12:10" if by == "schedule.lead" else "11:00"
    base = {"schedule.timezone": "UTC", "schedule.windows": [window(**{"from": at})], "schedule.lead": "0s"}
    base = {} if by == "schedule" else base
    return flip(wanted_now, ({**base, **({by: one} if one else {})}, 1), ({**base, by: other}, 2))


def banning(field: str, id: int) -> dict[str, Flip]:
    """A blacklist and the fields of its entries."""
    entry = {"id": id, "reason": "noisy", "until": "2026-11-20"}
    return {
        field: refused(field, [id], [], {"machine_id": 7, "host_id": 8}),
        f"{field}.id": refused(field, [{"id": id}], [{"id": 99}], {"machine_id": 7, "host_id": 8}),
        f"{field}.reason": flip(explained(BANNED), ({field: [entry]}, ["noisy"]), ({field: [id]}, [f"{id}"])),
        f"{field}.until": refused(field, [entry], [{**entry, "until": "2026-11-19"}], {"machine_id": 7, "host_id": 8}),
    }


FLIPS: dict[str, Flip] = {
    # --- the fleet
    "name": flip(planned(market=(offer(1),)), ({}, ["+ june/0 offer 1"]), ({"name": "july"}, ["+ july/0 offer 1"])),
    "replicas": flip(chosen(offer(1), offer(2)), ({"replicas": 2}, [1, 2]), ({"replicas": 1}, [1])),
    "min_ready": flip(ready_at_least, ({"replicas": 2}, True), ({"replicas": 2, "min_ready": 1}, False)),
    "paused": flip(planned(market=(offer(1),)), ({"paused": True}, []), ({"paused": False}, ["+ june/0 offer 1"])),
    "rollout": flip(
        planned(instance(), market=(offer(1),)),
        ({"container.disk_gb": 40}, ["+/- june/0 100 -> offer 1"]),
        ({"container.disk_gb": 40, "rollout": {"order": "destroy-first"}}, ["-/+ june/0 100 -> offer 1"]),
    ),
    "rollout.order": flip(
        planned(instance(), market=(offer(1),)),
        ({"container.disk_gb": 40, "rollout.order": "create-first"}, ["+/- june/0 100 -> offer 1"]),
        ({"container.disk_gb": 40, "rollout.order": "destroy-first"}, ["-/+ june/0 100 -> offer 1"]),
    ),
    "rollout.canary": flip(
        planned(instance(), instance("june/1", id=101), market=(offer(1), offer(2))),
        ({**TWO_DRIFTED, "rollout": {"at_once": 2}}, ["+/- june/0 100 -> offer 1", "+/- june/1 101 -> offer 2"]),
        (
            {**TWO_DRIFTED, "rollout": {"at_once": 2, "canary": "5m"}},
            ["+/- june/0 100 -> offer 1", "+/- june/1 101 -> offer 2, after june/0"],
        ),
    ),
    "rollout.at_once": flip(
        planned(instance(), instance("june/1", id=101), market=(offer(1), offer(2))),
        ({**TWO_DRIFTED, "rollout.at_once": 2}, ["+/- june/0 100 -> offer 1", "+/- june/1 101 -> offer 2"]),
        (
            {**TWO_DRIFTED, "rollout.at_once": "50%"},
            ["+/- june/0 100 -> offer 1", "+/- june/1 101 -> offer 2, after june/0"],
        ),
    ),
    "health": flip(
        planned(instance(status="stopped"), market=(offer(1),)),
        ({}, []),
        ({"health": {"on_manual_stop": "replace"}}, ["-/+ june/0 100 -> offer 1"]),
    ),
    "health.on_manual_stop": flip(
        planned(instance(status="stopped"), market=(offer(1),)),
        ({"health.on_manual_stop": "hold"}, []),
        ({"health.on_manual_stop": "replace"}, ["-/+ june/0 100 -> offer 1"]),
    ),
    "health.unhealthy_after": flip(
        failing,
        ({"health.unhealthy_after": "5m"}, ["-/+ june/0 100 -> offer 1"]),
        ({"health.unhealthy_after": "10m"}, ["-/+ june/0 100 -> offer 1, its grace"]),
    ),
    # --- readiness
    "readiness": flip(booting(30), ({}, ["-/+ june/0 100 -> offer 1"]), ({"readiness": {"boot_timeout": "1h"}}, [])),
    "readiness.boot_timeout": flip(
        booting(10),
        ({"readiness.boot_timeout": "9m"}, ["-/+ june/0 100 -> offer 1"]),
        ({"readiness.boot_timeout": "11m"}, []),
    ),
    "readiness.checks": checking({"ssh": {}}, "ssh", {"tcp": {"port": 80}}, "tcp 80"),
    "readiness.checks.ssh": checking({"ssh": {}}, "ssh", {"gpu": {}}, "gpu"),
    "readiness.checks.gpu": checking({"gpu": {}}, "gpu", {"ssh": {}}, "ssh"),
    "readiness.checks.tcp": checking({"tcp": {"port": 80}}, "tcp 80", {"ssh": {}}, "ssh"),
    "readiness.checks.tcp.port": checking({"tcp": {"port": 80}}, "tcp 80", {"tcp": {"port": 81}}, "tcp 81"),
    "readiness.checks.http": checking({"http": {"port": 80}}, "http 80/", {"ssh": {}}, "ssh"),
    "readiness.checks.http.port": checking({"http": {"port": 80}}, "http 80/", {"http": {"port": 81}}, "http 81/"),
    "readiness.checks.http.path": checking(
        {"http": {"port": 80}}, "http 80/", {"http": {"port": 80, "path": "/ok"}}, "http 80/ok"
    ),
    "readiness.checks.command": checking({"command": {"run": "true"}}, "command true", {"ssh": {}}, "ssh"),
    "readiness.checks.command.run": checking(
        {"command": {"run": "true"}}, "command true", {"command": {"run": "test -f /a"}}, "command test -f /a"
    ),
    # --- rentals
    "rental": flip(
        sent("price", "cancel_unavail"),
        ({}, [None, True]),
        ({"rental": {"kind": "interruptible"}}, [0.11, False]),
    ),
    "rental.kind": flip(
        chosen(offer(1), offer(2, least_bid="0.3")),
        ({"rental.kind": "on-demand"}, [1]),
        ({"rental.kind": "interruptible"}, [2]),
    ),
    "rental.max_bid": flip(
        chosen(offer(1, least_bid="0.1")),
        ({"rental": {"kind": "interruptible", "max_bid": 0.09}}, "rental.max_bid"),
        ({"rental": {"kind": "interruptible", "max_bid": 0.1}}, [1]),
    ),
    "rental.max_bid, that bounds a bid": flip(
        sent("price"),
        ({"rental": {"kind": "interruptible", "max_bid": 0.105}}, [0.105]),
        ({"rental": {"kind": "interruptible"}}, [0.11]),
    ),
    "rental.bid_over_floor": flip(
        sent("price"),
        ({"rental": {"kind": "interruptible", "bid_over_floor": "50%"}}, [0.15]),
        ({"rental": {"kind": "interruptible", "bid_over_floor": "12.5%"}}, [0.1125]),
    ),
    "rental.outbid": flip(
        after_a_lost_bid,
        (bidding(outbid={"wait": "30m"}), ["+/- june/0 100 -> offer 1"]),
        (bidding(outbid={}), []),
    ),
    "rental.outbid.wait": flip(
        after_a_lost_bid,
        (bidding(outbid={"wait": "1h"}), ["+/- june/0 100 -> offer 1"]),
        (bidding(outbid={"wait": "61m"}), []),
    ),
    "rental.outbid.then": flip(
        after_a_lost_bid,
        (bidding(outbid={"wait": "1h", "then": "rebid"}), ["~ june/0 100 bid 0.1210"]),
        (bidding(outbid={"wait": "1h", "then": "on-demand"}), ["+/- june/0 100 -> offer 2"]),
    ),
    # --- replacing what works
    "replace": flip(
        planned(instance(ends_at=NOW + 3 * HOUR_S), market=(offer(1),)),
        ({}, ["+/- june/0 100 -> offer 1"]),
        ({"replace": {"before_expiry": "2h"}}, []),
    ),
    "replace.before_expiry": flip(
        planned(instance(ends_at=NOW + 3 * HOUR_S), market=(offer(1),)),
        ({"replace.before_expiry": "3h"}, ["+/- june/0 100 -> offer 1"]),
        ({"replace.before_expiry": "179m"}, []),
    ),
    "replace.cheaper": flip(traded(), ({}, []), ({"replace": {"cheaper": {}}}, ["proposed"])),
    "replace.cheaper.saves_per_month": trading("saves_per_month", 73, 72),
    "replace.cheaper.saves_percent": trading("saves_percent", 41, 40),
    "replace.cheaper.min_age": trading("min_age", "2d", "47h"),
    "replace.cheaper.approve": flip(
        traded(),
        ({"replace.cheaper.approve": "manual"}, ["proposed"]),
        ({"replace.cheaper.approve": "auto"}, ["+/- june/0 100 -> offer 1"]),
    ),
    "replace.cheaper.max_per_day": flip(
        traded(trials={"x": Trial("x", Seat("june", 1), NOW - 60, NOW, 9)}),
        ({"replace.cheaper": {"approve": "auto", "max_per_day": 1}}, ["proposed"]),
        ({"replace.cheaper": {"approve": "auto", "max_per_day": 2}}, ["+/- june/0 100 -> offer 1"]),
    ),
    "replace.cheaper.candidate": flip(
        given_up_after, ({"replace.cheaper": {}}, 7200), ({"replace.cheaper": {"candidate": {"for": "1h"}}}, 3600)
    ),
    "replace.cheaper.candidate.for": flip(
        given_up_after,
        ({"replace.cheaper.candidate.for": "30m"}, 1800),
        ({"replace.cheaper.candidate.for": "20m"}, 1200),
    ),
    "replace.cheaper.candidate.cost": flip(
        given_up_after,
        ({"replace.cheaper.candidate.cost": 0.15}, 3600),
        ({"replace.cheaper.candidate.cost": 0.05}, 1200),
    ),
    # --- time: it is noon of a Friday, UTC
    "schedule": scheduled({}, {"timezone": "UTC", "windows": [window()]}, by="schedule"),
    "schedule.timezone": scheduled("Asia/Tokyo", "UTC", by="schedule.timezone"),
    "schedule.windows": scheduled([window(to="12:00")], [window()], by="schedule.windows"),
    "schedule.windows.days": scheduled([window(days="MON-THU")], [window(days="FRI")], by="schedule.windows"),
    "schedule.windows.from": scheduled([window(**{"from": "12:01"})], [window()], by="schedule.windows"),
    "schedule.windows.to": scheduled([window(to="12:00")], [window(to="12:01")], by="schedule.windows"),
    "schedule.windows.replicas": scheduled([window(replicas=1)], [window(replicas=2)], by="schedule.windows"),
    "schedule.lead": scheduled("9m", "10m", by="schedule.lead"),
    # --- cards
    "gpu": refused("gpu", {"models": ["RTX 4090"]}, {"models": ["RTX 3060"]}, {}, "no such card"),
    "gpu.models": flip(
        first({"gpu_name": "RTX 3060"}, {"gpu_name": "RTX 3090"}),
        ({"gpu.models": ["RTX 3060", "RTX 3090"], "scoring.weights": {"gpu": 1}}, [1]),
        ({"gpu.models": ["RTX 3090", "RTX 3060"], "scoring.weights": {"gpu": 1}}, [2]),
    ),
    "gpu.count": flip(first({"gpu_count": 1}, {"gpu_count": 2}), ({"gpu.count": 1}, [1]), ({"gpu.count": 2}, [2])),
    "gpu.min_vram_gb": refused("gpu.min_vram_gb", 16, 12, {"vram_mb": D(12288)}),
    # --- places
    "regions": refused("regions", {"blocked": ["US"]}, {}, WEST, "regions.blocked"),
    "regions.tiers": flip(
        first({**WEST, "price": "0.3"}, {**EAST, "price": "0.2"}),
        ({"regions.tiers": [{"name": "all", "in": ["US"]}]}, [2]),
        ({"regions.tiers": [{"name": "all", "in": ["US-CA"]}]}, [1]),
    ),
    "regions.tiers.name": flip(explained(offer(**WEST)), (tier(name="west"), "west"), (tier(name="coast"), "coast")),
    "regions.tiers.in": flip(chosen(offer(**WEST)), (tier(), [1]), (tier(**{"in": ["US-TX"]}), "regions.tiers")),
    "regions.tiers.bonus": flip(
        first({**WEST, "price": "0.22"}, {**EAST, "price": "0.2"}), (tier(), [1]), (tier(bonus=0), [2])
    ),
    "regions.blocked": refused("regions.blocked", ["SE"], ["NO"], FAR),
    "regions.elsewhere": flip(
        chosen(offer(**FAR)),
        ({"regions": {"tiers": TIERS, "elsewhere": "refuse"}}, "regions.tiers"),
        ({"regions": {"tiers": TIERS, "elsewhere": {"penalty": 1}}}, [1]),
    ),
    "regions.elsewhere.penalty": flip(
        first({**EAST, "price": "0.3"}, {**FAR, "price": "0.2"}),
        ({"regions": {"tiers": TIERS, "elsewhere": {"penalty": 0.5}}}, [1]),
        ({"regions": {"tiers": TIERS, "elsewhere": {"penalty": 0}}}, [2]),
    ),
    "regions.strict_order": flip(
        first({**WEST, "price": "0.49"}, {**EAST, "price": "0.1"}),
        ({**tier(), "regions.strict_order": True}, [1]),
        ({**tier(), "regions.strict_order": False}, [2]),
    ),
    # --- money
    "price": refused("price", {"max_per_hour": 0.1}, {"max_per_hour": 0.3}, {}, "price.max_per_hour"),
    "price.max_per_hour": refused("price.max_per_hour", 0.199, 0.2, {}),
    "price.budget_per_hour": flip(
        within_budget(offer(1, **DEAR, reliability=D(1)), offer(2, **CHEAP, reliability=D("0.96"))),
        ({"price.budget_per_hour": 0.5, "scoring.strategy": "reliable"}, [1]),
        ({"price.budget_per_hour": 0.2, "scoring.strategy": "reliable"}, [2]),
    ),
    "price.max_download_per_tb": refused("price.max_download_per_tb", 4, 5, {}),
    "price.max_upload_per_tb": refused("price.max_upload_per_tb", 4, 5, {}),
    # --- the machine
    "host": refused("host", {"min_cpu_cores": 9}, {"min_cpu_cores": 8}, {}, "host.min_cpu_cores"),
    "host.require": refused("host.require", ["datacenter"], [], {"datacenter": False}, "host.require datacenter"),
    "host.min_reliability": refused("host.min_reliability", 0.991, 0.99, {}),
    "host.min_download_mbps": refused("host.min_download_mbps", 501, 500, {}),
    "host.min_upload_mbps": refused("host.min_upload_mbps", 501, 500, {}),
    "host.min_cpu_cores": refused("host.min_cpu_cores", 8.5, 8, {}),
    "host.min_ram_gb": refused("host.min_ram_gb", 33, 32, {}),
    "host.min_disk_mbps": refused("host.min_disk_mbps", 1001, 1000, {}),
    "host.min_cuda": refused("host.min_cuda", "12.9", "12.8", {}),
    "host.min_driver": refused("host.min_driver", "580.96", "580.95", {}),
    "host.min_direct_ports": refused("host.min_direct_ports", 101, 100, {}),
    "host.min_days_left": refused("host.min_days_left", 31, 30, {}),
    "host.query": refused(
        "host.query", "pcie_bw>=10", "pcie_bw>=8", {"traits": Row(pcie_bw=D(9))}, "host.query pcie_bw>=10"
    ),
    # --- spread
    "spread": flip(
        chosen(offer(1, host_id=7), offer(2, host_id=7)),
        ({"replicas": 2, "spread": {"per_host": 1}}, [1]),
        ({"replicas": 2, "spread": {}}, [1, 2]),
    ),
    "spread.per_machine": flip(
        chosen(offer(1, machine_id=7, gpu_ids=frozenset({0})), offer(2, machine_id=7, gpu_ids=frozenset({1}))),
        ({"replicas": 2, "spread.per_machine": 1}, [1]),
        ({"replicas": 2, "spread.per_machine": "100%"}, [1, 2]),
    ),
    "spread.per_host": flip(
        chosen(offer(1, host_id=7), offer(2, host_id=7)),
        ({"replicas": 2, "spread.per_host": "50%"}, [1]),
        ({"replicas": 2, "spread.per_host": 2}, [1, 2]),
    ),
    # --- bans
    "blacklist": refused("blacklist", {"machines": [5001]}, {"machines": [5002]}, {}, "blacklist.machines"),
    **banning("blacklist.machines", 7),
    **banning("blacklist.hosts", 8),
    # --- distance
    "latency": flip(first({**FAR, **CHEAP}, {**WEST, **DEAR}), ({"latency": USERS}, [2]), ({}, [1])),
    "latency.users_at": flip(first(FAR, WEST), ({"latency": USERS}, [2]), ({"latency": IN_SWEDEN}, [1])),
    "latency.max_ms": flip(
        chosen(offer(1), sights=Sights(measured={5001: Measured(40.0, NOW)})),
        ({"latency": {**USERS, "probe": True, "max_ms": 39}}, "latency.max_ms"),
        ({"latency": {**USERS, "probe": True, "max_ms": 40}}, [1]),
    ),
    "latency.trust_estimate": flip(
        chosen(offer(1, **FAR)),
        ({"latency": {**USERS, "max_ms": 40, "trust_estimate": True}}, "latency.max_ms"),
        ({"latency": {**USERS, "max_ms": 40, "trust_estimate": False}}, [1]),
    ),
    "latency.probe": flip(
        measured, ({"latency": {**USERS, "probe": True}}, [1, 3.0]), ({"latency": {**USERS, "probe": False}}, [2])
    ),
    "latency.timeout": flip(
        measured,
        ({"latency": {**USERS, "probe": True, "timeout": "500ms"}}, [1, 0.5]),
        ({"latency": {**USERS, "probe": True, "timeout": "2s"}}, [1, 2.0]),
    ),
    # --- ranking
    "scoring": flip(
        first({**DEAR, "reliability": D(1)}, {**CHEAP, "reliability": D("0.95")}),
        ({"scoring": {"strategy": "reliable"}}, [1]),
        ({}, [2]),
    ),
    "scoring.strategy": flip(
        first({**DEAR, "reliability": D(1)}, {**CHEAP, "reliability": D("0.95")}),
        ({"scoring.strategy": "reliable"}, [1]),
        ({"scoring.strategy": "cheapest"}, [2]),
    ),
    "scoring.weights": weighing("reliability", "price", {**DEAR, "reliability": D(1)}, CHEAP),
    "scoring.weights.latency": weighing("latency", "price", {**WEST, **DEAR}, {**FAR, **CHEAP}),
    "scoring.weights.price": weighing("price", "latency", {**FAR, **CHEAP}, {**WEST, **DEAR}),
    "scoring.weights.gpu": weighing("gpu", "price", DEAR, {**CHEAP, "gpu_name": "RTX 3090"}),
    "scoring.weights.reliability": weighing("reliability", "price", {**DEAR, "reliability": D(1)}, CHEAP),
    "scoring.weights.availability": weighing("availability", "price", DEAR, {**CHEAP, "seconds_left": 4 * DAY_S}),
    "scoring.modifiers": modifying("verified", {"verified": True}, {"verified": False}),
    "scoring.modifiers.verified": modifying("verified", {"verified": True}, {"verified": False}),
    "scoring.modifiers.datacenter": modifying("datacenter", {"datacenter": True}, {"datacenter": False}),
    "scoring.modifiers.high_bandwidth": modifying("high_bandwidth", {"download_mbps": D(1000)}, {}),
    "scoring.modifiers.new_host": modifying("new_host", {"listed_at": NOW - DAY_S}, {"listed_at": NOW - 99 * DAY_S}),
    # --- what runs
    "container": flip(
        sent("image"),
        ({}, ["ghcr.io/acme/june:1"]),
        ({"container": {"image": "ghcr.io/acme/june:2"}}, ["ghcr.io/acme/june:2"]),
    ),
    "container.image": flip(
        sent("image"), ({"container.image": "a/b:1"}, ["a/b:1"]), ({"container.image": "a/b:2"}, ["a/b:2"])
    ),
    "container.vast_template": flip(
        sent("template_hash_id", "image"),
        ({"container": {"vast_template": "4e17788f74f075dd"}}, ["4e17788f74f075dd", None]),
        ({"container": {"vast_template": "9b7d2a1c5e8f4d03"}}, ["9b7d2a1c5e8f4d03", None]),
    ),
    "container.registry_login": flip(
        sent("image_login"), ({}, [None]), ({"container.registry_login": LOGIN}, ["-u bot -p aaa ghcr.io"])
    ),
    "container.registry_login.server": flip(
        sent("image_login"),
        ({"container.registry_login": LOGIN}, ["-u bot -p aaa ghcr.io"]),
        ({"container.registry_login": {**LOGIN, "server": "docker.io"}}, ["-u bot -p aaa docker.io"]),
    ),
    "container.registry_login.username": flip(
        sent("image_login"),
        ({"container.registry_login": LOGIN}, ["-u bot -p aaa ghcr.io"]),
        ({"container.registry_login": {**LOGIN, "username": "me"}}, ["-u me -p aaa ghcr.io"]),
    ),
    "container.registry_login.password": flip(
        sent("image_login"),
        ({"container.registry_login": LOGIN}, ["-u bot -p aaa ghcr.io"]),
        ({"container.registry_login": {**LOGIN, "password": {"from_env": "OTHER"}}}, ["-u bot -p bbb ghcr.io"]),
    ),
    "container.registry_login.password.from_env": flip(
        sent("image_login"),
        ({"container.registry_login": {**LOGIN, "password": {"from_env": "OTHER"}}}, ["-u bot -p bbb ghcr.io"]),
        ({"container.registry_login": {**LOGIN, "password": {"from_env": "TOKEN"}}}, ["-u bot -p aaa ghcr.io"]),
    ),
    "container.disk_gb": flip(sent("disk"), ({"container.disk_gb": 32}, [32]), ({"container.disk_gb": 50}, [50])),
    "container.disk_gb, that a machine has not": refused("container.disk_gb", 201, 200, {}),
    "container.disk_gb, that costs": refused(
        "container.disk_gb", 101, 100, {"storage_price_per_gb_month": D("2.16")}, "price.max_per_hour"
    ),
    "container.connect": flip(
        sent("runtype"), ({"container.connect": "ssh-proxy"}, ["ssh_proxy"]), ({}, ["ssh_direc ssh_proxy"])
    ),
    "container.connect, whose ports a machine has not": refused(
        "container.connect", "ssh-direct", "ssh-proxy", {"direct_ports": 0}, "host.min_direct_ports"
    ),
    "container.ports": flip(
        sent("env"), ({}, [None]), ({"container.ports": [8000, "9/udp"]}, [{"-p 8000:8000": "1", "-p 9:9/udp": "1"}])
    ),
    "container.ports, that a machine has not": refused(
        "container.ports", [80, 81], [80], {"direct_ports": 2}, "host.min_direct_ports"
    ),
    "container.env": flip(
        sent("env"), ({"container.env": {"A": "1"}}, [{"A": "1"}]), ({"container.env": {"A": "2"}}, [{"A": "2"}])
    ),
    "container.env.from_env": flip(
        sent("env"),
        ({"container.env": {"A": {"from_env": "TOKEN"}}}, [{"A": "aaa"}]),
        ({"container.env": {"A": {"from_env": "OTHER"}}}, [{"A": "bbb"}]),
    ),
    "container.env.version": flip(
        fate,
        ({"container.env": {"TOKEN": {"from_env": "TOKEN", "version": 1}}}, []),
        ({"container.env": {"TOKEN": {"from_env": "TOKEN", "version": 2}}}, ["+/- june/0 100 -> offer 1"]),
    ),
    "container.onstart": flip(sent("onstart"), ({"container.onstart": "run"}, ["run"]), ({}, [None])),
    "container.onstart.file": flip(
        sent("onstart"),
        ({"container.onstart": {"file": "a.sh"}}, ["echo a\n"]),
        ({"container.onstart": {"file": "b.sh"}}, ["echo b\n"]),
    ),
    "container.args": flip(
        sent("args"),
        ({"container.connect": "args", "container.args": ["--fast"]}, [["--fast"]]),
        ({"container.connect": "args"}, [None]),
    ),
}
SHOWN_BELOW = {"kind", "priority"}


# --- the tests ------------------------------------------------------------------------------------


@pytest.fixture
def declared(tmp_path: Path) -> Callable[[Mapping[str, Any]], Fleet]:
    """A fleet as it is loaded from a file, fields changed by their path."""
    (tmp_path / ".git").mkdir()
    for name in "ab":
        (tmp_path / f"{name}.sh").write_text(f"echo {name}\n", encoding="utf-8")

    def fleet(changes: Mapping[str, Any]) -> Fleet:
        spec = json.loads(json.dumps(SPEC))
        for path, value in changes.items():
            *way, last = path.split(".")
            block = spec
            for step in way:
                block = block.setdefault(step, {})
            block[last] = value
        (tmp_path / "june.yaml").write_text(json.dumps(spec), encoding="utf-8")
        [found] = load(["june.yaml"], cwd=tmp_path, language=lambda: LANGUAGE).fleets
        return found

    return fleet


def test_every_field_of_the_schema_has_its_entry() -> None:
    entries = {entry.partition(",")[0] for entry in FLIPS}
    assert entries.isdisjoint(SHOWN_BELOW | WITHOUT_AN_OUTCOME)
    assert entries | SHOWN_BELOW | WITHOUT_AN_OUTCOME == set(fields_of_a_fleet())


@pytest.mark.parametrize("entry", FLIPS)
def test_a_field_flips_an_outcome(entry: str, declared: Callable[[Mapping[str, Any]], Fleet]) -> None:
    case = FLIPS[entry]
    (one, expected), (other, otherwise) = case.one, case.other
    assert expected != otherwise
    assert case.outcome(declared(one)) == expected
    assert case.outcome(declared(other)) == otherwise


@pytest.mark.parametrize("entry", FLIPS)
def test_the_two_specs_of_an_entry_differ_in_its_field_alone(entry: str) -> None:
    field = entry.partition(",")[0]
    (one, _), (other, _) = FLIPS[entry].one, FLIPS[entry].other
    changed = {path for path in {*one, *other} if one.get(path) != other.get(path)}
    assert changed
    assert all(field.startswith(path) or path.startswith(field) for path in changed)


def test_of_two_fleets_the_one_of_the_higher_priority_gets_the_machine(
    declared: Callable[[Mapping[str, Any]], Fleet],
) -> None:
    rival = declared({"name": "april"})
    assert against(rival)(declared({})) == ["april"]
    assert against(rival)(declared({"priority": 1})) == ["june"]


def test_a_document_of_another_kind_is_no_fleet(declared: Callable[[Mapping[str, Any]], Fleet]) -> None:
    assert declared({"kind": "Fleet"}).name == "june"
    with pytest.raises(InvalidInput):
        declared({"kind": "Float"})


def test_what_has_no_outcome_is_accepted_and_leaves_what_runs_alone(
    declared: Callable[[Mapping[str, Any]], Fleet],
) -> None:
    before = declared({"container.registry_login": LOGIN})
    after = declared({"container.registry_login": {**LOGIN, "password": {"from_env": "TOKEN", "version": 2}}})
    assert planned(instance(spec=before), market=(offer(1),))(after) == []
