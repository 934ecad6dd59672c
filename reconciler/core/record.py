"""What must be remembered between runs because the account cannot tell it. Soft: losing it costs waiting only.

The record is a value; `evidence`, `apply` and the commands make the next one with `replace`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.core.debut import Debuts
from reconciler.core.health import Health
from reconciler.core.label import Seat
from reconciler.core.settle import Appearance
from reconciler.core.strikes import Strikes
from reconciler.core.traces import Outside, Suspect, Tombstone
from reconciler.values import dataclass

if TYPE_CHECKING:
    from reconciler.core.incidents import Incident, Letter
    from reconciler.core.trials import Proposal, Trial


@dataclass(frozen=True, slots=True)
class Intent:
    """One attempt to rent that has no proven end yet. It occupies its seat and spends its ceiling."""

    attempt: str
    seat: Seat
    at: float
    """When it was written down, before the first byte left."""
    ceiling: Decimal
    offer_id: int
    machine_id: int
    instance_id: int | None = None
    """The id of the answer, where there was one."""
    votes: tuple[float, ...] = ()
    """Start times of complete lists that could have shown it and did not."""


@dataclass(frozen=True, slots=True)
class Known:
    """An instance of ours that was seen, and when for the last time."""

    id: int
    seat: Seat
    seen_at: float
    listed: bool = True
    """Whether a list has ever shown it; until then only the answer to its rent is evidence."""
    host_id: int | None = None
    stranger: bool = False
    """This ledger never wrote its attempt: another runner of the same owner rented it."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """A destroy that was sent and not yet seen to be done: a leak until it is."""

    id: int
    seat: Seat
    since: float
    reason: str
    rate_per_hour: Decimal
    keeper_id: int | None = None
    """The instance that stays in its seat: without it, this one must not go."""
    fault: str = ""
    """What is wrong with it, where it goes for that alone; empty: it goes however it is."""
    in_doubt_at: float | None = None
    """When it was written down last, while nobody knows whether its request has left since; None: it has."""


@dataclass(frozen=True, slots=True)
class Relabel:
    """A label that was changed, or is being changed, at a person's word: what it was before it was ours.

    It is written down before the call. Whether the call had its effect is never noted: the account's label says it.
    """

    id: int
    seat: Seat
    before: str | None
    """The label that `release` puts back; None: it had none."""
    ours: str
    """The label that says it is managed."""
    at: float
    releasing: bool = False
    """The old label is being put back."""


@dataclass(frozen=True, slots=True)
class ColdStart:
    """The wait of a ledger that remembers nothing: the first complete list and what it showed."""

    first_list_at: float
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Record:
    """Everything remembered of one account and owner. `warm`: it may be relied upon for vacancy."""

    intents: Mapping[str, Intent] = field(default_factory=dict)
    known: Mapping[int, Known] = field(default_factory=dict)
    leaving: Mapping[int, Leaving] = field(default_factory=dict)
    paused: Mapping[str, float] = field(default_factory=dict)
    """Fleets paused by command, and since when."""
    since: Mapping[tuple[int, str], float] = field(default_factory=dict)
    """Since which complete list an instance shows a fault (`offline`) or is outside a rule (`regions`)."""
    cold: ColdStart | None = None
    warm: bool = False
    last_list_at: float | None = None
    relabels: Mapping[int, Relabel] = field(default_factory=dict)
    """Adopted instances, by id."""
    spend: Mapping[int, Decimal] = field(default_factory=dict)
    """What managed instances billed, as estimated: dollars by UTC hour, counted from the epoch."""
    told: Mapping[str, float] = field(default_factory=dict)
    """Conditions that stand and are in the history (a leak, something held back, a boot), since when."""
    tombstones: Mapping[str, Tombstone] = field(default_factory=dict)
    """Attempts settled as never made, by attempt, for a day."""
    suspects: Mapping[int, Suspect] = field(default_factory=dict)
    """Known instances whose end is not believed yet, for too many ended at once."""
    outside: Mapping[int, Outside] = field(default_factory=dict)
    """Instances that somebody else destroyed within the last hour."""
    stopped: Mapping[str, str] = field(default_factory=dict)
    """Fleets that a guard paused, and what it had seen; they are in `paused` as well."""
    emptied: Mapping[Seat, float] = field(default_factory=dict)
    """Seats whose instance went without being asked to, since when; the next rent for one is a replacement."""
    replaced: Mapping[Seat, tuple[float, ...]] = field(default_factory=dict)
    """When a seat's instance was replaced unasked within a day."""
    appeared: tuple[Appearance, ...] = ()
    """Labels that took long to appear, within a day."""
    health: Mapping[int, Health] = field(default_factory=dict)
    """What the checks of instances have found, by id."""
    debuts: Debuts = field(default_factory=dict)
    """Which spec hashes were ready once, and on which machines the others failed."""
    strikes: Strikes = field(default_factory=dict)
    """What counts against machines."""
    wasted: Mapping[Seat, tuple[tuple[float, Decimal], ...]] = field(default_factory=dict)
    """What instances of a seat that were never ready cost within a day: when each went, and dollars."""
    looked: Mapping[str, float] = field(default_factory=dict)
    """When the market was last looked at for cheaper places of a fleet."""
    proposals: Mapping[Seat, Proposal] = field(default_factory=dict)
    """What such a look has found."""
    trials: Mapping[str, Trial] = field(default_factory=dict)
    """Candidates for a cheaper place, by attempt, for two days."""
    unwanted: Mapping[int, float] = field(default_factory=dict)
    """Instances that a person wants replaced, and since when."""
    let_in: Mapping[int, bool] = field(default_factory=dict)
    """Instances that were given the key that looks at them, by id, and whether it is known to have arrived."""
    aside: Strikes = field(default_factory=dict)
    """Rents that came to nothing, by machine: no blame, but it is not rented again for a while."""
    bids: Mapping[int, Decimal] = field(default_factory=dict)
    """The bid that stands of instances that were rented by one, as it was sent: the account shows what is paid, which
    is the price on demand where that is less."""
    unasked: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """When each fleet lost an instance that nobody asked to go, within ten minutes."""
    incidents: Mapping[str, Incident] = field(default_factory=dict)
    """What is not as it should be, by key, where the policy has somebody told."""
    outbox: tuple[Letter, ...] = ()
    """Letters that are not delivered yet, the oldest first."""


def with_intent(record: Record, intent: Intent) -> Record:
    """The record with an attempt written down, or its newer version."""
    return replace(record, intents={**record.intents, intent.attempt: intent})


def without_intents(record: Record, attempts: Iterable[str]) -> Record:
    """The record once these attempts have a proven end."""
    gone = set(attempts)
    return replace(record, intents={a: i for a, i in record.intents.items() if a not in gone})


def with_known(record: Record, known: Iterable[Known]) -> Record:
    """The record with fresh positive evidence."""
    known = tuple(known)
    still = {k.id for k in known}
    if not record.suspects.keys().isdisjoint(still):
        record = replace(record, suspects={i: s for i, s in record.suspects.items() if i not in still})
    return replace(record, known={**record.known, **{k.id: k for k in known}})


def with_leaving(record: Record, leaving: Leaving) -> Record:
    """The record with a destroy under way. Of one that is sent again stays since when it is, what for, and that its
    request has left once."""
    first = record.leaving.get(leaving.id)
    if first is not None:
        in_doubt_at = None if first.in_doubt_at is None else leaving.in_doubt_at
        leaving = replace(leaving, since=first.since, fault=first.fault, in_doubt_at=in_doubt_at)
    return replace(record, leaving={**record.leaving, leaving.id: leaving})


def with_sent(record: Record, ids: Collection[int]) -> Record:
    """The record that knows of these destroys that their requests have left."""
    left = [item for i, item in record.leaving.items() if i in ids and item.in_doubt_at is not None]
    if not left:
        return record
    return replace(record, leaving={**record.leaving, **{item.id: replace(item, in_doubt_at=None) for item in left}})


def without_leaving(record: Record, instance_id: int) -> Record:
    """The record once a destroy was taken back: what is still there stays."""
    return replace(record, leaving={i: item for i, item in record.leaving.items() if i != instance_id})


def without_instance(record: Record, instance_id: int) -> Record:
    """The record once an instance was seen to be gone."""
    return replace(
        record,
        known={i: k for i, k in record.known.items() if i != instance_id},
        leaving={i: item for i, item in record.leaving.items() if i != instance_id},
        since={key: at for key, at in record.since.items() if key[0] != instance_id},
        relabels={i: item for i, item in record.relabels.items() if i != instance_id},
        suspects={i: s for i, s in record.suspects.items() if i != instance_id},
        health={i: h for i, h in record.health.items() if i != instance_id},
        unwanted={i: at for i, at in record.unwanted.items() if i != instance_id},
        bids={i: bid for i, bid in record.bids.items() if i != instance_id},
        let_in={i: arrived for i, arrived in record.let_in.items() if i != instance_id},
    )


def with_bid(record: Record, instance_id: int, bid: Decimal) -> Record:
    """The record with the bid that stands of an instance."""
    return replace(record, bids={**record.bids, instance_id: bid})


def with_relabel(record: Record, relabel: Relabel) -> Record:
    """The record with a change of a label written down, or its newer version."""
    return replace(record, relabels={**record.relabels, relabel.id: relabel})


def with_unwanted(record: Record, ids: Iterable[int], at: float) -> Record:
    """The record once a person has said that these instances are to be replaced; the first time is kept."""
    return replace(record, unwanted={**dict.fromkeys(ids, at), **record.unwanted})


def with_pause(record: Record, fleet: str, at: float) -> Record:
    """The record with a fleet paused by command."""
    return replace(record, paused={**record.paused, fleet: record.paused.get(fleet, at)})


def without_pause(record: Record, fleet: str) -> Record:
    """The record with a fleet resumed; what was destroyed outside until now is forgiven, and its spec tried anew."""
    return replace(
        record,
        paused={name: at for name, at in record.paused.items() if name != fleet},
        stopped={name: why for name, why in record.stopped.items() if name != fleet},
        outside={i: gone for i, gone in record.outside.items() if gone.seat.fleet != fleet},
        debuts={key: debut for key, debut in record.debuts.items() if key[0] != fleet or debut.proved},
    )
