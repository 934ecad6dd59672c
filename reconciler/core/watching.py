"""The decisions of `watch` as pure functions: when the next pass is, which fleets rest, how a pass ended.

A watch decides nothing about fleets: each pass is a plan like any other, and does what that plan says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from reconciler.core.envelope import Envelope
from reconciler.core.label import Seat
from reconciler.core.model import Fleet
from reconciler.core.plan import Destroy, Plan
from reconciler.core.report import Outcome
from reconciler.core.template import GUARD as TEMPLATE
from reconciler.core.timing import most_replicas

LONGEST_REST_S = 1800.0
"""A fleet in trouble is tried again after this at the latest, and so is an account that cannot be read."""
SPREAD = 0.1
"""By which share of itself every wait is drawn shorter or longer, so that many watches do not call in step."""
STALLED_S = 1800.0
"""A pass that is overdue by so much is stuck: then `/healthz` says so. Hundreds of rents fit into it."""

SECONDS_A_ROW = 86_400 / 15_000
"""Searches may answer 20,000 rows a UTC day, and a quarter is kept for repairs. Whoever looks in vain and rests so long
for each row of the answer can look all day."""

PassResult = Literal["good", "failed", "skipped", "busy"]
Level = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Note:
    """One line of the log: what happened, and its particulars as plain values."""

    at: float
    level: Level
    event: str
    fields: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rest:
    """A fleet in trouble: nothing is rented for it until a moment. What of it is to go still goes."""

    failures: int
    """Passes in a row."""
    until: float
    why: str


Rests = Mapping[str, Rest]


@dataclass(frozen=True, slots=True)
class Idle:
    """Seats of one fleet for which the market had nothing, or a guard held it back: nobody looks for them for a while,
    so that the day's rows last. A seat that fails meanwhile is looked for at once, and so is one that its guard lets
    go."""

    seats: frozenset[Seat] = frozenset()
    """Without an offer."""
    looks: int = 0
    """In vain, in a row."""
    until: float = 0.0
    going_on: frozenset[Seat] = frozenset()
    """Those of `seats` whose instance was only drifted when they were looked for: it may fail yet."""
    held: frozenset[Seat] = frozenset()
    """Held back: their guards are asked in every pass, with the offers that were seen last."""


Idles = Mapping[str, Idle]
"""By fleet: what one of them lacks is no matter of the others."""


def wait_s(interval_s: float, jitter: float) -> float:
    """The interval, a tenth shorter or longer; `jitter` is a random number from 0 to 1."""
    return interval_s * (1 - SPREAD + 2 * SPREAD * jitter)


def backed_off_s(failures: int, interval_s: float, jitter: float) -> float:
    """How long to wait after so many failures in a row: twice as long each time, up to `LONGEST_REST_S` (or to the
    interval, where that is longer)."""
    doubled = interval_s * 2.0 ** min(failures, 30)
    return wait_s(min(doubled, max(interval_s, LONGEST_REST_S)), jitter)


def troubled(plan: Plan, outcomes: Iterable[Outcome], stopped: Iterable[str]) -> dict[str, str]:
    """Fleets for which a pass has failed, and why: the market refused their rents, could not be searched for them, or
    has not what they run. No offer, or a guard that holds, is no failure."""
    found = dict.fromkeys(sorted(stopped), "its rents were refused")
    for part in plan.fleets:
        name = part.fleet.name
        found.update((name, held.message) for held in part.held if held.guard == TEMPLATE)
        found.update((name, text) for text in plan.problems if text.startswith(f"fleet {name}:"))
    # With an instance it is a clear answer: a bid that lost, or one to be undone, which counts as a replacement.
    found.update((o.seat.fleet, o.text) for o in outcomes if o.kind == "refused" and o.instance_id is None)
    return found


def rested(
    rests: Rests, trouble: Mapping[str, str], looked_at: Iterable[str], now: float, interval_s: float, jitter: float
) -> Rests:
    """The rests after a pass: fleets in trouble begin one, those that were looked at and did well end theirs."""
    looked_at = set(looked_at)
    left = {name: rest for name, rest in rests.items() if name not in looked_at}
    for name, why in trouble.items():
        failures = rests[name].failures + 1 if name in rests else 1
        left[name] = Rest(failures, now + backed_off_s(failures, interval_s, jitter), why)
    return left


def still_resting(rests: Rests, now: float) -> frozenset[str]:
    """Fleets whose rest is not over."""
    return frozenset(name for name, rest in rests.items() if now < rest.until)


def unchanged(before: Iterable[Fleet], after: Iterable[Fleet]) -> frozenset[str]:
    """Fleets that are the same once specs were read anew: a changed one is tried at once, one that is gone is
    forgotten."""
    old = {fleet.name: fleet for fleet in before}
    return frozenset(fleet.name for fleet in after if old.get(fleet.name) == fleet)


def without_offer(plan: Plan) -> frozenset[Seat]:
    """Seats that were looked for, and nothing was found for them."""
    empty = {seat for part in plan.fleets for open_ in part.unfilled for seat in open_.seats}
    return frozenset(empty | {note.seat for part in plan.fleets for note in part.notes if note.kind == "kept"})


def held_back(plan: Plan) -> frozenset[Seat]:
    """Seats whose rents a guard refuses."""
    return frozenset(a.seat for held in plan.refusals() for a in held.actions if not isinstance(a, Destroy))


def idled(
    asleep: Idles,
    awake: Idles,
    plan: Plan,
    now: float,
    interval_s: float,
    jitter: float,
    going_on: Collection[Seat] = (),
) -> Idles:
    """Who idles after a pass, by fleet: those that were `asleep` in it, and those of which all seats were looked for in
    vain; `awake` is how these idled before. `going_on` are the seats that are only drifted.

    Fleets rest each so long that all of them together could look all day; the first looks of one come sooner.
    """
    without, held = _by_fleet(without_offer(plan)), _by_fleet(held_back(plan))
    fleets = asleep.keys() | without.keys() | held.keys()
    found = {}
    for name in sorted(fleets):
        seats, waiting = without.get(name, frozenset()), held.get(name, frozenset())
        drifted = seats.intersection(going_on)
        if name in asleep:
            before = asleep[name]
            more, drifted = before.seats | seats, (before.going_on - seats) | drifted
            found[name] = replace(before, seats=more, going_on=drifted, held=waiting)
        else:
            looks = awake[name].looks if name in awake else 0
            shares = min(len(fleets), 2 ** min(looks, 30))
            rest = max(backed_off_s(looks, interval_s, jitter), plan.market.rows * SECONDS_A_ROW * shares)
            found[name] = Idle(seats, looks + 1, now + rest, drifted, waiting)
    return found


def _by_fleet(seats: Iterable[Seat]) -> dict[str, frozenset[Seat]]:
    found: dict[str, set[Seat]] = {}
    for seat in seats:
        found.setdefault(seat.fleet, set()).add(seat)
    return {name: frozenset(of_one) for name, of_one in found.items()}


def asleep(idles: Idles, now: float) -> Idles:
    """Those whose time is not over."""
    return {name: idle for name, idle in idles.items() if now < idle.until}


def looked_for_anew(idles: Idles, now: float) -> frozenset[Seat]:
    """Seats that a guard held back for so long that a look may find them something cheaper."""
    return frozenset(seat for idle in idles.values() if now >= idle.until for seat in idle.held)


def scope_of(fleets: Iterable[Fleet], resting: Collection[str], idles: Idles = MappingProxyType({})) -> Envelope:
    """The seats that a pass looks for offers for: all but resting fleets' and idle ones, those that a schedule wants at
    other times too. An idle one is looked for again where its instance fails. It approves nothing."""
    going_on = frozenset(seat for idle in idles.values() for seat in idle.going_on)
    idle_ones = frozenset(seat for idle in idles.values() for seat in idle.seats) - going_on
    caps = {
        Seat(fleet.name, index): fleet.price.max_per_hour
        for fleet in fleets
        if fleet.name not in resting
        for index in range(most_replicas(fleet))
        if Seat(fleet.name, index) not in idle_ones
    }
    return Envelope(caps, frozenset(), is_scope=True, if_failed=going_on)


def changed_fleets(before: Iterable[Fleet], after: Iterable[Fleet]) -> dict[str, list[str]]:
    """Which fleets were added, changed and removed, by name."""
    old, new = ({fleet.name: fleet for fleet in fleets} for fleets in (before, after))
    return {
        "added": sorted(new.keys() - old.keys()),
        "changed": sorted(name for name in new.keys() & old.keys() if new[name] != old[name]),
        "removed": sorted(old.keys() - new.keys()),
    }
