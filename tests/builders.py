"""Values of the house with a default for everything, so that every option a test sets is meaningful for that test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from reconciler.core.adopting import adopted_label
from reconciler.core.candidates import Appraiser, Candidate
from reconciler.core.diff import Diff, compare, faults_of
from reconciler.core.evidence import Merged, Observation, Settle, merge
from reconciler.core.fields import spec_hash
from reconciler.core.instance import Account, Instance
from reconciler.core.label import Mark, Seat, read_label, write_label
from reconciler.core.model import (
    Banned,
    Blacklist,
    Container,
    Fleet,
    Gpu,
    HostRules,
    Limits,
    Policy,
    Port,
    Price,
    Regions,
    Spread,
    Tier,
)
from reconciler.core.offer import Offer
from reconciler.core.place import Ground, place
from reconciler.core.placement import Placement
from reconciler.core.plan import Action, Create, Destroy, FleetPlan, Update, Wait
from reconciler.core.planner import fleet_plan, needs_of
from reconciler.core.record import Intent, Known, Leaving, Record, with_known
from reconciler.core.sights import Sights
from reconciler.core.text import safe
from reconciler.core.traces import Tombstone

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC).timestamp()
"""Noon, UTC."""
HOUR_S = 3600.0
DAY_S = 86400.0
OWNER = "default"
SETTLE = Settle()
NO_BANS = Blacklist()

_PARTS = {"gpu": Gpu, "price": Price, "container": Container, "host": HostRules, "regions": Regions, "spread": Spread}
_PART_OF = {
    field.name: part for part, kind in _PARTS.items() for field in fields(kind) if field.name not in ("count", "models")
}


def money(text: str | float | Decimal) -> Decimal:
    """$/h, exactly as written."""
    return Decimal(str(text))


def seat(text: str = "june/0") -> Seat:
    """`june/0` as a seat."""
    name, _, index = text.partition("/")
    return Seat(name, int(index))


def regions(*tiers: str | tuple[str, ...], blocked: Iterable[str] = (), elsewhere: str | None = None) -> Regions:
    """Tiers by their places (`"US-CA"`, or several in a tuple), named after the first; refuse elsewhere, as loaded."""
    named = tuple(Tier(t, (t,)) if isinstance(t, str) else Tier(t[0], t) for t in tiers)
    return Regions(named, tuple(blocked), elsewhere or ("refuse" if tiers else "allow"))  # type: ignore[arg-type]


def bans(*entries: int | Banned, hosts: Iterable[int | Banned] = ()) -> Blacklist:
    """A blacklist of machines, and of hosts."""

    def one(entry: int | Banned) -> Banned:
        return Banned(entry) if isinstance(entry, int) else entry

    return Blacklist(hosts=tuple(map(one, hosts)), machines=tuple(map(one, entries)))


def fleet(name: str = "june", **options: Any) -> Fleet:
    """A fleet of one RTX 3060 under $0.50/h; options of its parts are given flat: `fleet(disk_gb=50, paused=True)`.

    `models`, `count` (GPUs), `ports` (numbers) and `env` (a dict) are understood in short.
    """
    parts: dict[str, Any] = {
        "gpu": Gpu(options.pop("models", ("RTX 3060",)), options.pop("count", 1)),
        "price": Price(max_per_hour=money("0.5")),
        "container": Container(image="ghcr.io/acme/june:1", connect="ssh-direct"),
    }
    if "ports" in options:
        options["ports"] = tuple(p if isinstance(p, Port) else Port(p) for p in options["ports"])
    if "env" in options:
        options["env"] = tuple(sorted(options["env"].items()))
    if "vast_template" in options:
        options = {"image": None, "connect": None, **options}
    if options.get("replicas") is not None:
        options.setdefault("min_ready", options["replicas"])
    defaults = Fleet(name, **parts)
    for option in [o for o in options if o in _PART_OF]:
        part, value = _PART_OF[option], options.pop(option)
        wants_money = part == "price" and value is not None
        parts[part] = replace(
            parts.get(part, getattr(defaults, part)), **{option: money(value) if wants_money else value}
        )
    return Fleet(name, **{**parts, **options})


def policy(**options: Any) -> Policy:
    """A policy without rules; options of `limits` are given flat."""
    of_limits = {field.name for field in fields(Limits)} & set(options)
    limits = Limits(**{name: options.pop(name) for name in of_limits})
    return Policy(**{"owner": OWNER, "limits": limits, **options})


def attempt(number: int) -> str:
    """The text of an attempt, by number."""
    digits = "abcdefghijklmnopqrstuvwxyz234567"
    return "".join(digits[number // 32**place_ % 32] for place_ in range(8))


def label(at: str = "june/0", spec: Fleet | None = None, owner: str = OWNER, number: int = 1) -> str:
    """The label that a rent of `spec` for a seat writes."""
    return write_label(Mark(owner, seat(at), spec_hash(spec or fleet(seat(at).fleet)), attempt(number)))


_STATUS: dict[str, dict[str, str | None]] = {
    "running": {"reported": "running", "intended": "running", "current": "running", "heading": "running"},
    "loading": {"reported": "loading", "intended": "running", "current": "running", "heading": "running"},
    "exited": {"reported": "exited", "intended": "running", "current": "running", "heading": "running"},
    "offline": {"reported": "offline", "intended": "running", "current": "running", "heading": "running"},
    "unknown": {"reported": "unknown", "intended": "running", "current": "running", "heading": "running"},
    "stopped": {"reported": "exited", "intended": "stopped", "current": "stopped", "heading": "stopped"},
    "outbid": {"reported": "exited", "intended": "stopped", "current": "stopped", "heading": "stopped"},
    "queued": {"reported": "exited", "intended": "running", "current": "stopped", "heading": "running"},
}


def instance(
    at: str | None = "june/0",
    spec: Fleet | None = None,
    *,
    id: int = 100,
    status: str = "running",
    owner: str = OWNER,
    **options: Any,
) -> Instance:
    """An instance of a seat as `spec` asks for it, running, at $0.25/h; `at=None` is unmanaged.

    Machine and host follow the id, so that two instances stand apart unless a test says otherwise.
    """
    spec = spec or fleet(seat(at).fleet if at else "june")
    shown: dict[str, Any] = {
        "label": label(at, spec, owner, number=id) if at else None,
        "machine_id": id + 1000,
        "host_id": id + 2000,
        "gpu_name": safe(spec.gpu.models[0]),
        "gpu_count": spec.gpu.count,
        "vram_mb": Decimal(12288),
        "location": safe("California, US"),
        "price_per_hour": money("0.25"),
        "storage_per_hour": money("0.01"),
        "disk_gb": Decimal(spec.container.disk_gb),
        "image": safe(spec.container.image) if spec.container.image else None,
        "vast_template": safe(spec.container.vast_template) if spec.container.vast_template else None,
        "interruptible": spec.rental.interruptible or None,
        **_STATUS[status],
    }
    if isinstance(options.get("price_per_hour"), str):
        options["price_per_hour"] = money(options["price_per_hour"])
    return Instance(id, **{**shown, **options})


def adopted(spec: Fleet, row: Instance, shared: Blacklist = NO_BANS, at: str = "june/0") -> Instance:
    """`row` once it was adopted by `spec`, as it is."""
    return replace(row, label=adopted_label(OWNER, seat(at), spec, row, shared, NOW))


def offer(id: int = 1, **options: Any) -> Offer:
    """An offer that fits the default fleet, at `price` $/h all-in (storage costs nothing unless a test says so); with
    `least_bid` it is one for bids, and that is its price."""
    if "least_bid" in options:
        options["price"] = options["least_bid"] = money(options["least_bid"])
    price = options.pop("price", "0.2")
    shown: dict[str, Any] = {
        "machine_id": id + 5000,
        "host_id": id + 6000,
        "gpu_name": safe("RTX 3060"),
        "gpu_count": 1,
        "base_price_per_hour": money(price),
        "storage_price_per_gb_month": Decimal(0),
        "vram_mb": Decimal(12288),
        "location": safe("California, US"),
        "reliability": Decimal("0.99"),
        "verified": True,
        "datacenter": False,
        "static_ip": True,
        "download_mbps": Decimal(500),
        "upload_mbps": Decimal(500),
        "download_price_per_tb": Decimal(5),
        "upload_price_per_tb": Decimal(5),
        "cpu_cores": Decimal(8),
        "ram_gb": Decimal(32),
        "disk_gb": Decimal(200),
        "disk_mbps": Decimal(1000),
        "cuda": Decimal("12.8"),
        "driver": safe("580.95.05"),
        "direct_ports": 100,
        "seconds_left": 30 * DAY_S,
    }
    return Offer(id, **{**shown, **options})


def offers(*prices: str) -> list[Offer]:
    """Offers 1, 2, ... on machines of their own, at these prices."""
    return [offer(number, price=price) for number, price in enumerate(prices, 1)]


def intent(at: str = "june/0", *, number: int = 1, age_s: float = 0.0, **options: Any) -> Intent:
    """An attempt to rent that was written down `age_s` ago and has no proven end."""
    said = {"ceiling": money("0.3"), "offer_id": number, "machine_id": number + 5000, **options}
    return Intent(attempt(number), seat(at), NOW - age_s, **said)


def tombstone(at: str = "june/0", *, number: int = 1, age_s: float = 1000.0, **options: Any) -> Tombstone:
    """An attempt that was written down `age_s` ago and settled as never made 300 s later."""
    said = {"ceiling": money("0.3"), "machine_id": number + 5000, **options}
    return Tombstone(attempt(number), seat(at), at=NOW - age_s, lost_at=NOW - age_s + 300, **said)


def known(id: int = 100, at: str = "june/0", *, age_s: float = 60.0, **options: Any) -> Known:
    """An instance of ours that was last seen `age_s` ago."""
    return Known(id, seat(at), NOW - age_s, **options)


def leaving(id: int = 100, at: str = "june/0", *, age_s: float = 60.0, rate: str = "0.25") -> Leaving:
    """A destroy that was sent `age_s` ago and is not seen to be done."""
    return Leaving(id, seat(at), NOW - age_s, "replicas 2 -> 1", money(rate))


def record(*items: Intent | Known | Leaving | Tombstone, **options: Any) -> Record:
    """A warm record that remembers `items`; `warm=False` is a cold start."""
    remembered: dict[str, Any] = {
        "intents": {i.attempt: i for i in items if isinstance(i, Intent)},
        "known": {i.id: i for i in items if isinstance(i, Known)},
        "leaving": {i.id: i for i in items if isinstance(i, Leaving)},
        "tombstones": {i.attempt: i for i in items if isinstance(i, Tombstone)},
        "warm": True,
    }
    return Record(**{**remembered, **options})


def observation(
    *instances: Instance, age_s: float = 0.0, gone: Iterable[int] = (), account: Account | None = None
) -> Observation:
    """A complete reading whose list started `age_s` ago."""
    return Observation(instances, NOW - age_s, frozenset(gone), account)


def merged(
    before: Record, seen: Observation, *fleets: Fleet, rules: Policy | None = None, now: float = NOW, **options: Any
) -> Merged:
    """What `seen` proves about `before`."""
    rules = rules or policy()
    by_name = {f.name: f for f in fleets or (fleet(),)}
    faults = faults_of(seen.instances, by_name, rules.owner, rules.blacklist, now, before.since)
    return merge(before, seen, rules.owner, now=now, settle=SETTLE, **{"faults": faults, **options})


def diff(
    fleets: Fleet | Iterable[Fleet],
    instances: Iterable[Instance] = (),
    before: Record | None = None,
    *,
    rules: Policy | None = None,
    now: float = NOW,
    strangers: Iterable[int] = (),
) -> Diff:
    """The declared fleets against a list that started now, the record brought up to date with it. Every instance was
    rented by this ledger's runs, but for `strangers`."""
    wanted = (fleets,) if isinstance(fleets, Fleet) else tuple(fleets)
    rules, listed = rules or policy(), tuple(instances)
    before = with_known(before or record(), _rented_here(listed, rules.owner, now, set(strangers)))
    after = merged(before, Observation(listed, now), *wanted, rules=rules, now=now).record
    return compare(wanted, listed, after, rules.owner, rules.blacklist, now=now)


def _rented_here(listed: Iterable[Instance], owner: str, now: float, strangers: set[int]) -> Iterator[Known]:
    for row in listed:
        mark = read_label(row.label, owner)
        if isinstance(mark, Mark) and row.id not in strangers:
            yield Known(row.id, mark.seat, now - 60)


def placed(difference: Diff, market: Iterable[Offer], **options: Any) -> Placement:
    """Offers of one market for every seat of `difference` that wants one."""
    needs, rows = needs_of(difference), tuple(market)
    keeps = ("ready", "pending", "held")
    sitting = {
        p.fleet.name: [v.keeper.instance for v in p.seats if v.keeper and v.bucket in keeps] for p in difference.fleets
    }
    return place(needs, rows, Ground(NO_BANS, NOW, sitting, **options))


def plans(
    difference: Diff,
    market: Iterable[Offer] = (),
    *,
    vanished: Mapping[Seat, Any] | None = None,
    wait: Wait | None = None,
    clock_text: Mapping[int, str] | None = None,
) -> list[FleetPlan]:
    """The plan of every fleet before any guard."""
    placement = placed(difference, market)
    return [fleet_plan(part, placement, vanished or {}, wait, clock_text or {}) for part in difference.fleets]


def judged(
    spec: Fleet, market: Iterable[Offer], shared: Blacklist = NO_BANS, sights: Sights | None = None
) -> list[Candidate]:
    """The market as one fleet sees it: eligible offers ranked, then the refused ones."""
    return Appraiser(spec, shared, NOW, sights).judged(market)


def told(actions: Iterable[Action]) -> list[str]:
    """Actions in the signs of the house, with what they wait for: `+/- june/0 100 -> offer 1, after june/1`."""
    return [_line(action) + (f", {action.wait.reason}" if action.wait else "") for action in actions]


def _line(action: Action) -> str:
    if isinstance(action, Create):
        return f"+ {action.seat} offer {action.choice.candidate.offer.id}"
    if isinstance(action, Destroy):
        return f"- {action.seat} {action.old.id}"
    if isinstance(action, Update):
        return f"~ {action.seat} {action.old.id} bid {action.bid}"
    sign = "+/-" if action.order == "create-first" else "-/+"
    return f"{sign} {action.seat} {action.old.id} -> offer {action.choice.candidate.offer.id}"
