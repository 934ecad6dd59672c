"""What one run carries from pass to pass, and how it writes down what happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from reconciler.clock import Clock
from reconciler.core.batches import Batch
from reconciler.core.envelope import Done
from reconciler.core.history import Event, EventKind, closing, of_seat
from reconciler.core.instance import Account
from reconciler.core.label import Seat
from reconciler.core.notices import Noticing
from reconciler.core.plan import MarketSeen
from reconciler.core.record import Record, with_sent
from reconciler.core.report import Outcome, OutcomeKind
from reconciler.core.settle import Settle
from reconciler.core.sights import NewSights, Sights, with_new
from reconciler.core.strikes import StrikeRules
from reconciler.eyes import Eyes
from reconciler.provider import Courier, Logs, Probe, Provider, Store

_EVENTS: Mapping[OutcomeKind, EventKind] = {
    "rented": "rented",
    "destroyed": "destroyed",
    "sent": "doubtful",
    "doubtful": "doubtful",
    "refused": "refused",
    "skipped": "skipped",
    "bid": "bid",
}
"""What of an outcome goes into the history: not an offer that somebody else was faster to take. That an instance is
ready is told by whichever run sees it first, so a pass tells it."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What `{from_env}` references stand for, by variable; kept out of `repr`."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(slots=True)
class Run:
    """What one run carries from pass to pass."""

    provider: Provider
    store: Store
    clock: Clock
    owner: str
    record: Record
    random_bits: Callable[[int], int]
    account: Account | None = None
    """Whose account it is, as last read; None where that is not to be checked again."""
    account_at: float = 0.0
    """When it was read."""
    probe: Probe | None = None
    sights: Sights = field(default_factory=Sights)
    """What was seen of the market within a day."""
    settle: Settle = field(default_factory=Settle)
    secrets: Secrets = field(default_factory=Secrets)
    tell: Callable[[Outcome], None] = lambda _: None
    outcomes: list[Outcome] = field(default_factory=list)
    rented: dict[int, float] = field(default_factory=dict)
    """Instances this run rented, and when."""
    sent: set[int] = field(default_factory=set)
    """Instances whose destroy has left, or is about to."""
    ready: set[int] = field(default_factory=set)
    """Those of them that were told to be ready."""
    attempts: dict[Seat, int] = field(default_factory=dict)
    offers_gone: set[int] = field(default_factory=set)
    bid: set[int] = field(default_factory=set)
    """Instances that were given a new bid."""
    machines_failed: set[int] = field(default_factory=set)
    used: set[tuple[int, int | None]] = field(default_factory=set)
    """Machine and host of every rent of this run: a fallback stays off them, so that `spread` holds."""
    unread: set[int] = field(default_factory=set)
    """Instances whose destroy was put off in the last pass, because they could not be read afresh."""
    doubts: int = 0
    added: Decimal = Decimal(0)
    """What this run's rents add to what the fleets bill, in $/h."""
    batches: dict[str, Batch] = field(default_factory=dict)
    """How fast each fleet may rent."""
    market: MarketSeen = field(default_factory=MarketSeen)
    """What the plan that is carried out rests on."""
    stopped_fleets: set[str] = field(default_factory=set)
    rents_stopped: bool = False
    checks: Probe | None = None
    """What looks at instances; None: one that runs counts as ready."""
    logs: Logs | None = None
    """Where the logs of failed instances are kept."""
    strikes: StrikeRules = field(default_factory=StrikeRules)
    unsaved: list[Event] = field(default_factory=list)
    """Events that are written down with the next record."""
    written: list[Event] = field(default_factory=list)
    """Events that were written down, for whoever wants to count or show them."""
    noticing: Noticing = field(default_factory=Noticing)
    """Who is told of what."""
    courier: Courier | None = None

    def save(self, record: Record, *events: Event) -> None:
        """Make the new record durable, and all events up to now with it; only then is it the record."""
        record, closed = closing(self.record, with_sent(record, self.sent), self.clock.now())
        new = (*self.unsaved, *events, *closed)
        self.store.save(record, new)
        self.record = record
        self.written += new
        self.unsaved.clear()

    def save_events(self) -> None:
        """Write down what happened since the record was saved."""
        if self.unsaved:
            self.save(self.record)

    def post(self) -> None:
        """Have the outbox carried away; what does not arrive stays for the next pass."""
        waiting = self.record.outbox
        arrived = self.courier.deliver(waiting) if self.courier is not None and waiting else frozenset()
        if arrived:
            left = tuple(letter for at, letter in enumerate(waiting) if at not in arrived)
            self.save(replace(self.record, outbox=left))

    @property
    def eyes(self) -> Eyes:
        """What the market is looked at with."""
        return Eyes(self.provider, self.clock, self.probe, self.checks)

    def saw(self, news: NewSights | None) -> None:
        """Remember what a pass saw of the market."""
        if news is not None:
            self.store.add_sights(news)
            self.sights = with_new(self.sights, news)

    def done(self) -> Done:
        """What this run has done, for the next pass."""
        return Done(
            frozenset(self.rented),
            dict(self.attempts),
            frozenset(self.record.leaving),
            frozenset(self.offers_gone),
            frozenset(self.machines_failed),
            sum(outcome.kind in ("rented", "doubtful") for outcome in self.outcomes),
            self.added,
            frozenset(self.bid),
        )

    def note(self, outcome: Outcome) -> None:
        """Keep an outcome, for the history too, and tell it."""
        self.outcomes.append(outcome)
        if outcome.kind in _EVENTS:
            rate, at = outcome.rate_per_hour, self.clock.now()
            event = of_seat(at, _EVENTS[outcome.kind], outcome.seat, outcome.text, outcome.instance_id, rate)
            self.unsaved.append(event)
        self.tell(outcome)
