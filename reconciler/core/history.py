"""What happened, as events that are kept: an append-only history beside the record.

An event is written together with the record it belongs to, or not at all. It tells; nothing is decided by it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal, get_args

from reconciler.core.alarms import ANOTHER_KEY, ringing, told_as
from reconciler.core.diff import Diff, Member
from reconciler.core.evidence import Merged
from reconciler.core.label import Seat
from reconciler.core.plan import Plan
from reconciler.core.record import Leaving, Record
from reconciler.core.spans import span
from reconciler.core.states import State, rate_per_hour

EventKind = Literal[
    "rented",
    "ready",
    "doubtful",
    "settled",
    "refused",
    "skipped",
    "destroying",
    "destroyed",
    "leak opened",
    "leak closed",
    "vanished",
    "host key changed",
    "held back",
    "paused",
    "resumed",
    "frozen",
    "freed",
    "bid",
    "strike",
    "forgiven",
    "adopted",
    "released",
]
EVENT_KINDS: tuple[EventKind, ...] = get_args(EventKind)
MADE = "the rent in doubt was made"
"""What is said of an attempt whose instance is there after all."""
KEPT_S = 90 * 86_400.0
"""How long an event is kept."""
MOST_KEPT = 100_000
"""How many are kept at most; the oldest go first."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a fleet, or to one of its seats."""

    at: float
    kind: EventKind
    fleet: str
    index: int | None = None
    """Which seat of the fleet; None: all of it."""
    instance_id: int | None = None
    text: str = ""
    rate_per_hour: Decimal = Decimal(0)
    """What it is about in $/h: of the instance, or at most of an attempt."""

    @property
    def where(self) -> str:
        """`june/0`, or `june` where the whole fleet is meant."""
        return self.fleet if self.index is None else f"{self.fleet}/{self.index}"


def of_seat(
    at: float, kind: EventKind, seat: Seat, text: str, instance_id: int | None = None, rate: Decimal = Decimal(0)
) -> Event:
    """An event of one seat."""
    return Event(at, kind, seat.fleet, seat.index, instance_id, text, rate)


def learned(
    before: Record,
    record: Record,
    merged: Merged,
    plan: Plan,
    diff: Diff,
    *,
    whole: bool = True,
    unseen: Collection[str] = (),
) -> tuple[Record, tuple[Event, ...]]:
    """The `record` of a pass with the standing conditions told, and what the pass has found out since `before`.

    Told once: an event that `before` already knows of is not made again, so a pass may be saved twice. Only a `whole`
    plan, which looked at every seat of its fleets but those of `unseen`, shows that something is not held back any
    more.
    """
    at = plan.made_at
    members = {m.mark.attempt: m for m in (*(m for part in diff.fleets for m in part.members()), *diff.undeclared)}
    settled = tuple(_settled(before, merged, members, at))
    booting = {**_booting(before), **{each.instance_id: at for each in settled if each.instance_id is not None}}
    ready = tuple(_ready(booting, members.values(), at))
    events = [*_gone(before, merged, at), *settled, *ready]
    standing = dict(_standing(record, plan))
    seen = {"", *(part.fleet.name for part in plan.fleets)}.difference(unseen) if whole else set[str]()
    boots = booting.keys() & merged.record.known.keys() - {each.instance_id for each in ready}
    told = {key: since for key, since in before.told.items() if key in standing or not _judged(key, seen)}
    for item in (item for item in merged.taken_back if item.id in before.leaving):
        told.pop(f"leak/{item.id}", None)
        text = f"its label is not ours any more; what was to end it is taken back: {item.reason}"
        events.append(of_seat(at, "skipped", item.seat, text, item.id, item.rate_per_hour))
    told |= {f"boot/{instance_id}": booting[instance_id] for instance_id in sorted(boots)}
    for key, event in standing.items():
        if key not in told:
            told[key] = at
            events.append(event)
    return replace(record, told=told), tuple(events)


def _gone(before: Record, merged: Merged, at: float) -> Iterator[Event]:
    """Instances that a pass has proven gone: by our destroy, or by somebody else's."""
    for instance_id in merged.destroyed:
        item = before.leaving.get(instance_id)
        if item is not None:
            yield of_seat(at, "destroyed", item.seat, item.reason, instance_id, item.rate_per_hour)
    for gone in merged.vanished:
        if gone.id in before.known:
            yield of_seat(at, "vanished", gone.seat, "destroyed by somebody else, or gone by itself", gone.id)


def _settled(before: Record, merged: Merged, members: Mapping[str, Member], at: float) -> Iterator[Event]:
    """Rents in doubt that have an end now."""
    lost = {intent.attempt for intent in merged.lost}
    for intent in before.intents.values():
        if intent.instance_id is not None or intent.attempt in merged.record.intents:
            continue
        if intent.attempt in lost:
            yield of_seat(at, "settled", intent.seat, "the rent in doubt was never made", rate=intent.ceiling)
        else:
            made = members.get(intent.attempt)
            instance_id = None if made is None else made.id
            yield of_seat(at, "settled", intent.seat, MADE, instance_id, intent.ceiling)


def rented(record: Record, instance_id: int, at: float) -> Record:
    """The record with an instance whose first readiness is to be told, by whichever run sees it."""
    return replace(record, told={**record.told, f"boot/{instance_id}": at})


def _booting(before: Record) -> dict[int, float]:
    """Instances that were rented and not ready yet, and since when."""
    return {int(key[5:]): at for key, at in before.told.items() if key.startswith("boot/") and key[5:].isdigit()}


def _ready(booting: Mapping[int, float], members: Iterable[Member], at: float) -> Iterator[Event]:
    for member in members:
        since = booting.get(member.id)
        if since is not None and member.state is State.READY:
            text = f"ready in {span(at - since)}"
            yield of_seat(at, "ready", member.mark.seat, text, member.id, rate_per_hour(member.instance))


# --- conditions that stand for a while, told when they begin ----------------------------------------


def _standing(record: Record, plan: Plan) -> Iterator[tuple[str, Event]]:
    """What stands now, by key: of guards `Held.key`, `frozen/INDEX/FLEET`, `key/ID` and `leak/ID`."""
    for held in plan.refusals():
        index, text = None if held.seat is None else held.seat.index, f"{held.guard}: {held.message}"
        yield held.key, Event(plan.made_at, "held back", held.fleet or "", index, text=text)
    for note in (note for fleet in plan.fleets for note in fleet.notes if note.kind == "frozen"):
        yield f"frozen/{note.seat.index}/{note.seat.fleet}", of_seat(plan.made_at, "frozen", note.seat, note.text)
    for instance_id, seat in ringing(record):
        yield told_as(instance_id), of_seat(plan.made_at, "host key changed", seat, f"it {ANOTHER_KEY}", instance_id)
    for item in record.leaving.values():
        text = f"told to go and not proven gone: {item.reason}"
        yield f"leak/{item.id}", of_seat(plan.made_at, "leak opened", item.seat, text, item.id, item.rate_per_hour)


def _judged(key: str, seen: Collection[str]) -> bool:
    """Whether the condition is over unless this plan shows it. A refusal of a fleet that it does not look at stays as
    it was, and a leak until `closing` ends it; what boots is put in again, and a host key is told by the record."""
    kind, _, rest = key.partition("/")
    return kind in ("boot", "key") or (kind in ("held", "frozen") and rest.rpartition("/")[2] in seen)


def closing(before: Record, record: Record, at: float) -> tuple[Record, tuple[Event, ...]]:
    """The record without the leaks that are over with it, and an event for each that was told."""
    told, events = dict(record.told), []
    for instance_id, item in before.leaving.items():
        if instance_id not in record.leaving and told.pop(f"leak/{instance_id}", None) is not None:
            how = "taken back" if instance_id in record.known else "gone"
            text = f"{how} after {(at - item.since) / 60:.0f} minutes, which may have cost ${cost_since(item, at):.3f}"
            events.append(of_seat(at, "leak closed", item.seat, text, instance_id, item.rate_per_hour))
    return (replace(record, told=told), tuple(events)) if events else (record, ())


def cost_since(item: Leaving, now: float) -> Decimal:
    """What an instance may have billed since it was told to go, in dollars."""
    return item.rate_per_hour * Decimal(str(max(0.0, now - item.since))) / 3600
