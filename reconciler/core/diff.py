"""Desired against actual: every seat in exactly one bucket, and every instance of the account accounted for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Literal

from reconciler.core.adopting import sorted_drifts
from reconciler.core.aside import bids_lost
from reconciler.core.canary import Canary, canary_of
from reconciler.core.debut import NEW, Debut
from reconciler.core.drift import TEXT_LASTS_S, TEXT_RULES, UNWANTED, Drift, dynamic_drift
from reconciler.core.faults import OUTBID, STOPPED, Fault, check_fault, dated, status_fault
from reconciler.core.fields import spec_hash
from reconciler.core.health import Health, with_health
from reconciler.core.instance import Instance
from reconciler.core.label import ForeignMark, Mark, Seat, read_label
from reconciler.core.lost import lost_of
from reconciler.core.model import Blacklist, Fleet
from reconciler.core.record import Intent, Leaving, Record
from reconciler.core.replacing import replacements_of
from reconciler.core.settle import Settle
from reconciler.core.states import State, state_of
from reconciler.core.striking import wasted_of
from reconciler.core.traces import Suspect, Tombstone
from reconciler.values import dataclass

_STANDING = {State.READY: 0, State.PENDING: 1}

Bucket = Literal[
    "missing", "frozen", "doubtful", "leaving", "held", "outbid", "unhealthy", "drifted", "pending", "ready"
]


@dataclass(frozen=True, slots=True)
class Member:
    """One managed instance, judged."""

    instance: Instance
    mark: Mark
    state: State
    drifts: tuple[Drift, ...] = ()
    fault: Fault | None = None
    accepted: tuple[Drift, ...] = ()
    """What it was adopted with: shown, and never held against it."""
    stranger: bool = False
    """Another runner of the same owner rented it: this ledger never wrote its attempt."""
    health: Health | None = None
    """What its checks have found; None where nobody has looked."""
    trial_left_s: float | None = None
    """How long it may still take to be ready, where it is a candidate for a cheaper place."""
    bid: Decimal | None = None
    """The bid that was sent for it last, in $/h without storage, where that is remembered."""

    @property
    def unwanted(self) -> bool:
        """Whether a person asked for another one in its place."""
        return UNWANTED in self.drifts

    @property
    def left_alone(self) -> bool:
        """Whether somebody stopped it, and nobody wants it replaced."""
        return self.state is State.HELD and self.fault is None and not self.unwanted

    @property
    def condemned(self) -> bool:
        """Whether it has to go once there is a better one: drifted, or faulty beyond its grace."""
        return bool(self.drifts) or (self.fault is not None and self.fault.grace_left_s <= 0)

    @property
    def id(self) -> int:
        """The instance's id."""
        return self.instance.id


@dataclass(frozen=True, slots=True)
class SeatView:
    """One declared seat and everything that is known to sit in it."""

    seat: Seat
    bucket: Bucket
    keeper: Member | None = None
    extras: tuple[Member, ...] = ()
    """Further live instances of the seat; the keeper is the one that stays."""
    intents: tuple[Intent, ...] = ()
    leaving: tuple[Leaving, ...] = ()
    absent: tuple[int, ...] = ()
    """Known ids that no list shows and nobody has called gone yet."""
    suspects: tuple[Suspect, ...] = ()
    """Those of them that were called gone together with too many others: not believed yet."""
    lost: tuple[Tombstone, ...] = ()
    """Attempts of the last day that were settled as never made."""
    frozen: bool = False
    """There are too many of them: nothing is rented for this seat."""
    emptied: bool = False
    """Its instance went unasked: the next rent for it is a replacement."""
    replaced: tuple[float, ...] = ()
    """When it was replaced unasked within the last day."""
    wasted: Decimal = Decimal(0)
    """What instances of the seat that were never ready cost within the last day, in dollars."""
    bids_lost: int = 0
    """So many of its bids lost as soon as they were made, within the last day."""

    def members(self) -> tuple[Member, ...]:
        """Every live instance of the seat, the keeper first."""
        return () if self.keeper is None else (self.keeper, *self.extras)

    @property
    def goes_on(self) -> bool:
        """Whether it is only drifted: its instance does what it can until there is another one."""
        return self.bucket == "drifted" and self.keeper is not None and self.keeper.state is not State.OUTBID


@dataclass(frozen=True, slots=True)
class FleetDiff:
    """One declared fleet against the account."""

    fleet: Fleet
    seats: tuple[SeatView, ...]
    surplus: tuple[Member, ...] = ()
    """Instances in seats beyond the declared replicas."""
    intents_beyond: tuple[Intent, ...] = ()
    """Open attempts for seats beyond the declared replicas: their price is spent all the same."""
    leaving_beyond: tuple[Leaving, ...] = ()
    """Destroys under way in seats beyond the declared replicas."""
    paused: bool = False
    foreign_owner: str | None = None
    """Another owner in this account whose fleet has this name, while we have no instance of it."""
    newer_labels: bool = False
    """Instances of this owner and fleet carry a label this release cannot read: their seats are never vacant."""
    stopped: str | None = None
    """Why a guard paused the fleet."""
    lost_beyond: tuple[Tombstone, ...] = ()
    """Lost attempts of seats beyond the declared replicas: they count against budgets all the same."""
    debut: Debut = NEW
    """What is known of the spec as it is now."""
    canary: Canary | None = None
    """What the seats of a rollout wait for besides their turn."""

    def members(self) -> tuple[Member, ...]:
        """Every live instance of the fleet."""
        seated = (m for s in self.seats for m in s.members())
        return (*seated, *self.surplus)

    def intents(self) -> tuple[Intent, ...]:
        """Every open attempt of the fleet."""
        return (*(i for s in self.seats for i in s.intents), *self.intents_beyond)

    def lost(self) -> tuple[Tombstone, ...]:
        """Every lost attempt of the fleet that still counts."""
        return (*(t for s in self.seats for t in s.lost), *self.lost_beyond)

    def leaving(self) -> tuple[Leaving, ...]:
        """Every destroy of the fleet that is under way."""
        return (*(item for s in self.seats for item in s.leaving), *self.leaving_beyond)


@dataclass(frozen=True, slots=True)
class Diff:
    """The whole account, sorted into what is declared and what is not."""

    fleets: tuple[FleetDiff, ...]
    undeclared: tuple[Member, ...] = ()
    """Managed instances whose fleet is not declared here: orphans when a whole directory was read."""
    other_owned: tuple[tuple[ForeignMark, Instance], ...] = ()
    unmanaged: tuple[Instance, ...] = ()


def digest_of(diff: Diff) -> str:
    """A digest of every managed instance and its seat: it changes when one comes, goes, or is moved."""
    members = [*(member for part in diff.fleets for member in part.members()), *diff.undeclared]
    listed = "\n".join(sorted(f"{member.id} {member.mark.seat}" for member in members))
    return hashlib.sha256(listed.encode()).hexdigest()


def faults_of(
    instances: Iterable[Instance],
    fleets: Mapping[str, Fleet],
    owner: str,
    shared: Blacklist,
    now: float,
    since: Mapping[tuple[int, str], float],
) -> dict[int, frozenset[str]]:
    """What every managed instance shows wrong in this reading, by name: for the record to date. `since` is what it has
    dated before: what only a fleet's spec can tell stays as it was where this run does not plan that fleet."""
    faults: dict[int, frozenset[str]] = {}
    for instance in instances:
        mark = read_label(instance.label, owner)
        if isinstance(mark, Mark):
            fleet = fleets.get(mark.seat.fleet)
            fault = status_fault(instance, fleet, now)
            broken = _unjudged(instance, since, now) if fleet is None else _broken(fleet, instance, shared, now)
            faults[instance.id] = frozenset(({fault} if fault else set()) | broken)
    return faults


def _broken(fleet: Fleet, instance: Instance, shared: Blacklist, now: float) -> set[str]:
    return {drift.field for drift in dynamic_drift(fleet, instance, shared, now)}


def _unjudged(instance: Instance, since: Mapping[tuple[int, str], float], now: float) -> set[str]:
    """What a run dated that knew the fleet, and that this reading does not show to be over."""
    resting = {State.OUTBID: OUTBID, State.HELD: STOPPED}.get(state_of(instance, now))
    return {fault for fault in (*TEXT_RULES, resting) if fault is not None and (instance.id, fault) in since}


def judge(
    instance: Instance,
    mark: Mark,
    fleet: Fleet | None,
    record: Record,
    shared: Blacklist,
    *,
    now: float,
    list_at: float,
) -> Member:
    """One managed instance with its state, the drift that counts and the fault it shows."""
    health = record.health.get(instance.id)
    state = with_health(state_of(instance, now), health)
    fault = None
    kind = status_fault(instance, fleet, now)
    if kind is not None:
        since = record.since.get((instance.id, kind), list_at)
        fault = dated(kind, since, instance, fleet, health, now)
    elif fleet is not None:
        fault = check_fault(instance, fleet, health, now)
    drifts: tuple[Drift, ...] = ()
    accepted: tuple[Drift, ...] = ()
    if fleet is not None:
        broken = dynamic_drift(fleet, instance, shared, now)
        lasting = (d for d in broken if d.field not in TEXT_RULES or _lasts(record, instance.id, d.field, list_at))
        drifts, accepted = sorted_drifts(fleet, instance, mark, lasting, shared)
        drifts = (*drifts, UNWANTED) if instance.id in record.unwanted else drifts
    known = record.known.get(instance.id)
    trial = record.trials.get(mark.attempt)
    return Member(
        instance,
        mark,
        state,
        drifts,
        fault,
        accepted,
        known is not None and known.stranger,
        health,
        None if trial is None or trial.won else trial.until - now,
        record.bids.get(instance.id),
    )


def _lasts(record: Record, instance_id: int, field: str, list_at: float) -> bool:
    return list_at - record.since.get((instance_id, field), list_at) >= TEXT_LASTS_S


def compare(
    fleets: Sequence[Fleet],
    instances: Sequence[Instance],
    record: Record,
    owner: str,
    shared: Blacklist,
    *,
    now: float,
    lost_per_day: int = Settle().lost_per_day,
) -> Diff:
    """Sort the account into the declared seats. `record` must already hold this reading."""
    declared = {fleet.name: fleet for fleet in fleets}
    list_at = record.last_list_at if record.last_list_at is not None else now
    members: dict[Seat, list[Member]] = {}
    other: list[tuple[ForeignMark, Instance]] = []
    unmanaged: list[Instance] = []
    for instance in sorted(instances, key=lambda i: i.id):
        mark = read_label(instance.label, owner)
        if isinstance(mark, Mark):
            fleet = declared.get(mark.seat.fleet)
            member = judge(instance, mark, fleet, record, shared, now=now, list_at=list_at)
            members.setdefault(mark.seat, []).append(member)
        elif isinstance(mark, ForeignMark):
            other.append((mark, instance))
        else:
            unmanaged.append(instance)
    held = _Held(record, now, lost_per_day)
    views = tuple(_fleet_diff(fleet, members, held, other, owner) for fleet in sorted(fleets, key=lambda f: f.name))
    undeclared = tuple(m for seat in sorted(members) if seat.fleet not in declared for m in members[seat])
    return Diff(views, undeclared, tuple(other), tuple(unmanaged))


def _fleet_diff(
    fleet: Fleet,
    members: Mapping[Seat, list[Member]],
    held: _Held,
    other: Sequence[tuple[ForeignMark, Instance]],
    owner: str,
) -> FleetDiff:
    record = held.record
    seats = tuple(_seat_view(Seat(fleet.name, index), members, held) for index in range(fleet.replicas))
    beyond = sorted(seat for seat in members if seat.fleet == fleet.name and seat.index >= fleet.replicas)
    ours = any(seat.fleet == fleet.name for seat in members) or any(
        known.seat.fleet == fleet.name for known in record.known.values()
    )
    theirs = next((mark.owner for mark, _ in other if mark.fleet == fleet.name), None)
    newer = any(mark.owner == owner and mark.fleet == fleet.name for mark, _ in other)
    part = FleetDiff(
        fleet,
        seats,
        tuple(m for seat in beyond for m in members[seat] if m.id not in record.leaving),
        tuple(i for i in record.intents.values() if _beyond(fleet, i.seat)),
        tuple(item for item in record.leaving.values() if _beyond(fleet, item.seat)),
        fleet.paused or fleet.name in record.paused,
        theirs if newer or not ours else None,
        newer,
        record.stopped.get(fleet.name),
        tuple(t for seat in held.lost_seats if _beyond(fleet, seat) for t in held.lost(seat)),
        record.debuts.get((fleet.name, spec_hash(fleet)), NEW),
    )
    return replace(part, canary=canary_of(fleet, part.members(), held.now))


def _beyond(fleet: Fleet, seat: Seat) -> bool:
    return seat.fleet == fleet.name and seat.index >= fleet.replicas


class _Held:
    """What the record holds, by seat."""

    def __init__(self, record: Record, now: float, lost_per_day: int) -> None:
        self.record, self.now, self._lost_per_day = record, now, lost_per_day
        self.lost_seats = sorted({t.seat for t in record.tombstones.values()})
        self.intents: dict[Seat, list[Intent]] = {}
        self.leaving: dict[Seat, list[Leaving]] = {}
        self.known: dict[Seat, list[int]] = {}
        for intent in record.intents.values():
            self.intents.setdefault(intent.seat, []).append(intent)
        for item in record.leaving.values():
            self.leaving.setdefault(item.seat, []).append(item)
        for known in record.known.values():
            self.known.setdefault(known.seat, []).append(known.id)
        suspected = (suspect.seat for suspect in record.suspects.values())
        self._traced = {*self.lost_seats, *suspected, *record.emptied, *record.replaced, *record.wasted}
        self._bids_lost = bids_lost(record, now)

    def lost(self, seat: Seat) -> tuple[Tombstone, ...]:
        return lost_of(self.record, seat, self.now) if seat in self.lost_seats else ()

    def traces(self, seat: Seat) -> dict[str, Any]:
        """What guards want to know of a seat; of most there is nothing to be known."""
        bids = self._bids_lost.get(str(seat), 0) if self._bids_lost else 0
        if seat not in self._traced and not bids:
            return {}
        lost = self.lost(seat)
        return {
            "suspects": tuple(s for _, s in sorted(self.record.suspects.items()) if s.seat == seat),
            "lost": lost,
            "frozen": len(lost) > self._lost_per_day,
            "emptied": seat in self.record.emptied,
            "replaced": replacements_of(self.record, seat, self.now),
            "wasted": wasted_of(self.record, seat, self.now),
            "bids_lost": bids,
        }


def _seat_view(seat: Seat, members: Mapping[Seat, list[Member]], held: _Held) -> SeatView:
    """Who sits here. The keeper: not condemned before condemned, ready before pending before the rest, the candidate
    for a cheaper place, lower id."""
    live = sorted(members.get(seat, ()), key=_first_to_stay)
    intents = tuple(held.intents.get(seat, ()))
    leaving = tuple(held.leaving.get(seat, ()))
    going = {item.id for item in leaving}
    there = {m.id for m in live} | going
    absent = tuple([known for known in held.known.get(seat, ()) if known not in there])
    staying = [m for m in live if m.id not in going]
    traces = held.traces(seat)
    if staying:
        return SeatView(seat, _bucket(staying[0]), staying[0], tuple(staying[1:]), intents, leaving, absent, **traces)
    vacant: Bucket = "frozen" if traces.get("frozen") else "missing"
    empty: Bucket = "doubtful" if intents or absent else "leaving" if leaving else vacant
    return SeatView(seat, empty, None, (), intents, leaving, absent, **traces)


def _first_to_stay(member: Member) -> tuple[bool, int, bool, int]:
    return (member.condemned, _STANDING.get(member.state, 2), member.trial_left_s is None, member.id)


def _bucket(keeper: Member) -> Bucket:
    if keeper.state is State.OUTBID:
        return "drifted" if keeper.drifts else "outbid"
    if keeper.fault is not None:
        return "unhealthy"
    if keeper.state in (State.HELD, State.QUEUED) and not keeper.unwanted:
        return "held"
    if keeper.drifts:
        return "drifted"
    return "ready" if keeper.state is State.READY else "pending"
