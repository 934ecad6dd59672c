"""What one observation proves about the record: instances seen, seats vacated, attempts settled.

Absence proves nothing by itself. A known id is gone when a complete list lacks it *and* the single read says so in
so many words; an attempt was never made when two complete lists, started late enough, do not show its label.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.core.checking import with_look
from reconciler.core.instance import Account, Instance
from reconciler.core.label import Mark, Seat, read_label
from reconciler.core.lost import risen, with_tombstones
from reconciler.core.readiness import Look
from reconciler.core.record import (
    ColdStart,
    Intent,
    Known,
    Leaving,
    Record,
    with_known,
    without_instance,
    without_intents,
    without_leaving,
)
from reconciler.core.replacing import without_emptied
from reconciler.core.settle import Appearance, Settle, with_appearance
from reconciler.core.traces import Tombstone
from reconciler.core.vanishing import emptied_by, judge_gone
from reconciler.values import dataclass

__all__ = ["Settle"]

ONE_MORE_LIST_S = 1.0
"""How long the next list takes at least."""
LOOKED_EVERY_S = 60.0
"""A label is taken to have appeared at most so long after the last list that lacked it: who looks once in ten minutes
has not seen it take ten minutes."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One complete reading of the account."""

    instances: tuple[Instance, ...]
    """Every listed instance, and known ones that a single read found alive though the list lacked them."""
    list_started_at: float
    gone: frozenset[int] = frozenset()
    """Known ids that the list lacks and a typed answer calls gone."""
    account: Account | None = None
    """None where the key may not read it: then nothing is pinned to an account."""
    look: Look | None = None
    """What the checks of its instances found; None where nothing was looked at."""
    unlisted: frozenset[int] = frozenset()
    """Known ids that the list lacks and a single read shows alive."""


@dataclass(frozen=True, slots=True)
class Vanished:
    """An instance of ours that somebody else destroyed."""

    id: int
    seat: Seat
    seen_at: float


@dataclass(frozen=True, slots=True)
class Merged:
    """The record after an observation, and what was learned on the way."""

    record: Record
    vanished: tuple[Vanished, ...] = ()
    destroyed: tuple[int, ...] = ()
    """Destroys of ours that are now proven."""
    lost: tuple[Intent, ...] = ()
    """Attempts that are now proven never to have been made."""
    late: tuple[Tombstone, ...] = ()
    """Attempts settled as never made whose label appeared after all."""
    mislabelled: tuple[int, ...] = ()
    """Instances we rented whose label does not come back as written: reported, not touched; their seat stays taken."""
    taken_back: tuple[Leaving, ...] = ()
    """Destroys of ours that are not sent again: the instance has another label now, and so it is not ours."""


def marks_of(observation: Observation, owner: str) -> dict[int, Mark]:
    """Which listed instances are managed, and their marks."""
    read = ((i.id, read_label(i.label, owner)) for i in observation.instances)
    return {instance_id: mark for instance_id, mark in read if isinstance(mark, Mark)}


def merge(
    record: Record,
    observation: Observation,
    owner: str,
    *,
    now: float,
    settle: Settle,
    faults: Mapping[int, frozenset[str]],
    accepted: int | None = None,
) -> Merged:
    """The record brought up to date with `observation`. `faults` names what each instance shows wrong in it;
    `accepted` is the number of instances that a person believes to be gone, where they are too many at once."""
    marks = marks_of(observation, owner)
    at = observation.list_started_at
    after = with_known(record, _seen(record, observation, marks))
    after = without_emptied(after, frozenset(mark.seat for i, mark in marks.items() if i not in record.leaving))
    candidates, destroyed = [], []
    for instance_id in sorted(observation.gone):
        known, leaving = record.known.get(instance_id), record.leaving.get(instance_id)
        fresh = known is not None and not known.listed and at - known.seen_at < settle.total_s
        if fresh:
            continue
        if leaving is not None:
            destroyed.append(instance_id)
            after = without_instance(after, instance_id)
        elif known is not None and at - known.seen_at >= settle.apart_s:
            candidates.append(known)
    unsound = any(known.listed for i in observation.unlisted if (known := record.known.get(i)) is not None)
    verdict = judge_gone(after, candidates, at, accepted, unsound=unsound)
    vanished = [Vanished(known.id, known.seat, known.seen_at) for known in verdict.believed]
    after = emptied_by(verdict.record, verdict.believed, at)
    for known in verdict.believed:
        after = without_instance(after, known.id)
    after, late = _appeared(after, marks, at)
    doubted = unsound or any(known.id in verdict.record.suspects for known in candidates)
    believed = frozenset() if doubted else observation.gone
    after, lost, mislabelled = _settle_intents(after, replace(observation, gone=believed), marks, now, settle)
    after = with_tombstones(after, lost, now)
    after, taken_back = _released(after, observation, marks)
    after = replace(after, since=_since(after, faults, marks, at), last_list_at=at)
    after = _warmed(after, marks, at, settle)
    after = with_look(after, observation.look, observation.instances, marks)
    return Merged(after, tuple(vanished), tuple(destroyed), tuple(lost), late, mislabelled, taken_back)


def _seen(record: Record, observation: Observation, marks: Mapping[int, Mark]) -> Iterable[Known]:
    """Positive evidence of this reading. In a warm ledger an instance with an attempt that was never written here is
    another runner's: of the same owner, with a ledger of its own."""
    ours = record.intents.keys() | record.tombstones.keys()
    for instance in (i for i in observation.instances if i.id in marks):
        mark, before = marks[instance.id], record.known.get(instance.id)
        strange = record.warm and not mark.adopted and mark.attempt not in ours
        stranger = before.stranger if before is not None else strange
        host = instance.host_id if instance.host_id is not None else before.host_id if before else None
        yield Known(instance.id, mark.seat, observation.list_started_at, host_id=host, stranger=stranger)


def _appeared(record: Record, marks: Mapping[int, Mark], at: float) -> tuple[Record, tuple[Tombstone, ...]]:
    """The record that remembers how long the labels took that an earlier list lacked, and attempts that were settled
    as never made and are there after all: known instances of their seats, of which the duplicate rule keeps one."""
    seen = {mark.attempt for mark in marks.values()}
    waited = [i.at for a, i in record.intents.items() if a in seen]
    record, late = risen(record, seen)
    lacked = record.last_list_at
    for written_at in [*waited, *(tombstone.at for tombstone in late)]:
        if lacked is not None and lacked >= written_at:
            took = min(at, lacked + LOOKED_EVERY_S) - written_at
            record = replace(record, appeared=with_appearance(record.appeared, Appearance(at, took)))
    return record, late


def _settle_intents(
    record: Record, observation: Observation, marks: Mapping[int, Mark], now: float, settle: Settle
) -> tuple[Record, list[Intent], tuple[int, ...]]:
    """Intents whose label was seen, or whose id is gone, are settled; those without an id collect votes of complete
    lists that lack them. An id that is listed without its label settles nothing: the seat would be rented again."""
    seen = {mark.attempt for mark in marks.values()}
    listed = {i.id for i in observation.instances}
    settled, lost, mislabelled = [], [], []
    intents = dict(record.intents)
    for intent in record.intents.values():
        gone = intent.instance_id in observation.gone and intent.instance_id not in record.known
        if intent.attempt in seen or gone:
            settled.append(intent.attempt)
        elif intent.instance_id is not None and intent.instance_id in listed:
            mislabelled.append(intent.instance_id)
        elif intent.instance_id is None:
            intents[intent.attempt] = voted = _with_vote(intent, observation.list_started_at, settle)
            if len(voted.votes) >= 2 and now >= intent.at + settle.total_s:
                lost.append(voted)
    after = replace(record, intents=intents)
    return without_intents(after, [*settled, *(i.attempt for i in lost)]), lost, tuple(mislabelled)


def _with_vote(intent: Intent, list_started_at: float, settle: Settle) -> Intent:
    """The intent with one more vote, if this list started late enough to be evidence."""
    late_enough = list_started_at >= intent.at + settle.evidence_after_s
    apart = not intent.votes or list_started_at >= intent.votes[-1] + settle.apart_s
    return replace(intent, votes=(*intent.votes, list_started_at)) if late_enough and apart else intent


def _released(
    record: Record, observation: Observation, marks: Mapping[int, Mark]
) -> tuple[Record, tuple[Leaving, ...]]:
    """Known instances whose label somebody changed are not ours any more; what we sent to end them is taken back, for
    it must not be sent again, and their seat is free."""
    taken_back = []
    for instance in observation.instances:
        mark, leaving = marks.get(instance.id), record.leaving.get(instance.id)
        if leaving is not None and (mark is None or mark.seat != leaving.seat):
            taken_back.append(leaving)
            record = without_leaving(record, instance.id)
        if instance.id in record.known and mark is None:
            record = without_instance(record, instance.id)
    return record, tuple(taken_back)


def _since(
    record: Record, faults: Mapping[int, frozenset[str]], marks: Mapping[int, Mark], at: float
) -> dict[tuple[int, str], float]:
    """First sight of every fault that still shows; a fault that a list no longer shows is forgotten."""
    kept = {key: first for key, first in record.since.items() if key[0] not in marks and key[0] in record.known}
    shown = {(i, fault): record.since.get((i, fault), at) for i in marks for fault in faults.get(i, ())}
    return {**kept, **shown}


def _warmed(record: Record, marks: Mapping[int, Mark], at: float, settle: Settle) -> Record:
    """A cold ledger warms once two complete lists `total_s` apart agree: the second shows nothing of ours that the
    first did not. (What the second lacks was settled singly.)"""
    if record.warm:
        return record
    shown = ",".join(map(str, sorted(marks)))
    if record.cold is None or not set(marks) <= _ids(record.cold.fingerprint):
        return replace(record, cold=ColdStart(at, shown))
    return replace(record, warm=True, cold=None) if at - record.cold.first_list_at >= settle.total_s else record


def _ids(fingerprint: str) -> set[int]:
    return {int(part) for part in fingerprint.split(",") if part}


def rents_wait_s(record: Record, now: float, settle: Settle) -> float:
    """How long a cold start still delays rents, in seconds; 0 when it does not.

    Time alone warms nothing: until a second list has agreed, at least one more is waited for.
    """
    if record.warm:
        return 0.0
    first = record.cold.first_list_at if record.cold else now
    return max(ONE_MORE_LIST_S, first + settle.total_s - now)


def doubt_left_s(intent: Intent, now: float, settle: Settle) -> float:
    """How long an attempt's doubt lasts at least, in seconds."""
    votes_missing = 2 - len(intent.votes)
    return max(0.0, intent.at + settle.total_s - now, settle.apart_s * (votes_missing - 1))
