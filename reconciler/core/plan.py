"""A plan as plain, frozen data: it can be compared, saved, printed two ways, and tested by value.

Apply may do what the plan says and nothing else; whatever waits, is held back or stays unfilled is in it as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from reconciler.core.diff import Member
from reconciler.core.label import Seat
from reconciler.core.model import Fleet, RolloutOrder
from reconciler.core.renewal import Cheaper
from reconciler.core.spend import Spent
from reconciler.values import dataclass

if TYPE_CHECKING:
    from reconciler.core.canary import Canary
    from reconciler.core.placement import Choice
    from reconciler.core.rises import Rise
    from reconciler.core.shortage import Shortage

COLD_START = "cold start"
"""The reason of a wait that concerns every rent alike."""
SURPLUS_FIRST = "until the surplus is gone"


@dataclass(frozen=True, slots=True)
class Wait:
    """Why an action is not due yet, and for how long at least (None: until something happens)."""

    reason: str
    seconds: float | None = None
    turn: Seat | None = None
    """The seat that comes before, where that is all there is to it."""


@dataclass(frozen=True, slots=True)
class Create:
    """Rent an instance for an empty seat."""

    seat: Seat
    fleet: Fleet
    choice: Choice
    ceiling: Decimal
    reason: str
    wait: Wait | None = None
    repair: bool = False
    """The seat's instance went unasked: this rent is a replacement."""


@dataclass(frozen=True, slots=True)
class Replace:
    """Rent a better instance for a seat and let the old one go, in the given order.

    Create-first rents now; the old one goes in a later pass, once the new one runs. Destroy-first does both.
    """

    seat: Seat
    fleet: Fleet
    old: Member
    choice: Choice
    ceiling: Decimal
    reason: str
    order: RolloutOrder
    asked: bool
    """Paced by a rollout; False: unhealthy, and limited by the guard on unasked destroys."""
    wait: Wait | None = None
    trial: Cheaper | None = None
    """It is only cheaper: the old one stays unless the new one is ready within these limits."""


@dataclass(frozen=True, slots=True)
class Destroy:
    """End one instance."""

    seat: Seat
    old: Member
    reason: str
    wait: Wait | None = None
    keeper_id: int | None = None
    """The instance that stays in this seat and must be seen alive before this one goes."""
    unasked: bool = False
    """It came back wrong: the seat's next rent is a replacement."""


@dataclass(frozen=True, slots=True)
class Update:
    """Give an instance that lost its bid a higher one. Nothing is rented and nothing goes."""

    seat: Seat
    fleet: Fleet
    old: Member
    bid: Decimal
    """$/h without storage."""
    ceiling: Decimal
    """What it bills all-in while that bid wins."""
    standing: Decimal
    """The bid that lost, in $/h without storage."""
    reason: str
    wait: Wait | None = None


Rent = Create | Replace
Action = Create | Replace | Destroy | Update


@dataclass(frozen=True, slots=True)
class Unfilled:
    """Seats without an offer, and why."""

    seats: tuple[Seat, ...]
    shortage: Shortage


@dataclass(frozen=True, slots=True)
class Held:
    """What a guard refuses: its numbers in words, and the one flag, field or command that lifts it."""

    guard: str
    message: str
    lift: str
    fleet: str | None = None
    actions: tuple[Action, ...] = ()
    seat: Seat | None = None
    """The one seat that it is about, where the guard judges each by itself."""

    @property
    def key(self) -> str:
        """`held/GUARD/FLEET`, of one seat `held/GUARD/INDEX/FLEET`: in every plan that refuses the same."""
        seat = "" if self.seat is None else f"{self.seat.index}/"
        return f"held/{self.guard}/{seat}{self.fleet or ''}"


@dataclass(frozen=True, slots=True)
class SeatNote:
    """A seat about which something is to be said, though nothing is to be done."""

    seat: Seat
    kind: Literal[
        "doubtful",
        "leaving",
        "held",
        "pending",
        "kept",
        "adopted",
        "frozen",
        "suspected",
        "stranger",
        "candidate",
        "proposed",
        "outbid",
    ]
    text: str
    rate_per_hour: Decimal = Decimal(0)
    overdue: bool = False
    """Its boot's time is over, and nobody can tell whether it is ready: it is not waited for as one that boots."""


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """One fleet's part of the plan."""

    fleet: Fleet
    running: int
    live: int
    """Its instances in the account, whatever their state."""
    surplus: int
    actions: tuple[Action, ...] = ()
    unfilled: tuple[Unfilled, ...] = ()
    held: tuple[Held, ...] = ()
    notes: tuple[SeatNote, ...] = ()
    doubts: tuple[tuple[Seat, Decimal], ...] = ()
    """Seats with an attempt in doubt, and the most it was to cost in $/h."""
    paused: bool = False
    drifted: int = 0
    """Seats that hold an instance which is not as declared, whatever is done about it now."""
    amiss: int = 0
    """Its live instances that do not run as declared: not ready, drifted, or no seat's keeper."""
    canary: Canary | None = None
    """What the seats of its rollout wait for besides their turn."""

    @property
    def booting(self) -> int:
        """Seats whose instance is not ready yet, and nothing is held against it so far."""
        return sum(note.kind == "pending" for note in self.notes)

    @property
    def below_min_ready(self) -> bool:
        """Fewer run than `min_ready` asks for, and none is still booting."""
        boots = any(note.kind == "pending" and not note.overdue for note in self.notes)
        return not self.paused and self.running < min(self.fleet.min_ready, self.fleet.replicas) and not boots


@dataclass(frozen=True, slots=True)
class Stray:
    """An instance outside the plan, with what it bills."""

    id: int
    owner: str | None
    """None: unmanaged."""
    fleet: str | None
    rate_per_hour: Decimal


@dataclass(frozen=True, slots=True)
class Leak:
    """A destroy that was sent and is not proven."""

    id: int
    seat: Seat
    since: float
    rate_per_hour: Decimal


@dataclass(frozen=True, slots=True)
class Cost:
    """What the declared fleets bill in $/h: now, when the plan is done, at most on the way."""

    now: Decimal
    after: Decimal
    peak: Decimal
    budget: Decimal | None = None
    credit: Decimal | None = None
    spent: Spent = field(default_factory=Spent)
    """What was billed in dollars, as the ledger estimates it."""
    budget_30_days: Decimal | None = None
    """In dollars."""
    besides: Decimal = Decimal(0)
    """What everything else on the account bills in $/h when the plan is done: fleets that are not planned here, other
    owners, what nobody manages. The credit is theirs too."""

    @property
    def account_after(self) -> Decimal:
        """What the whole account bills in $/h when the plan is done."""
        return self.after + self.besides

    @property
    def credit_lasts_h(self) -> Decimal | None:
        """How long the credit lasts at what the whole account bills when the plan is done, in hours."""
        return None if self.credit is None or self.account_after <= 0 else self.credit / self.account_after


@dataclass(frozen=True, slots=True)
class MarketSeen:
    """How much of the market the plan rests on."""

    machines: int = 0
    searches: int = 0
    rows: int = 0
    """Rows of the day's quota that it took."""
    share: float | None = None
    """Which share of the machines that could matter was seen, as estimated; None: nothing tells."""
    since: float | None = None
    """When looking began: no offer of the plan is older. None: nothing was looked at."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What apply may do, and everything a reader needs to say yes or no."""

    owner: str
    account_id: int | None
    made_at: float
    fleets: tuple[FleetPlan, ...]
    pruned: tuple[Destroy, ...] = ()
    resent: tuple[Destroy, ...] = ()
    """Destroys that were sent before, whose instance is still there."""
    held: tuple[Held, ...] = ()
    orphans: tuple[Stray, ...] = ()
    other_owned: tuple[Stray, ...] = ()
    unmanaged: tuple[Stray, ...] = ()
    leaks: tuple[Leak, ...] = ()
    mislabelled: tuple[int, ...] = ()
    cost: Cost = field(default_factory=lambda: Cost(Decimal(0), Decimal(0), Decimal(0)))
    market: MarketSeen = MarketSeen()
    rents_wait_s: float = 0.0
    """What a cold start still delays every rent by."""
    warnings: tuple[str, ...] = ()
    observed: str = ""
    """A digest of the managed instances that the plan was made for."""
    problems: tuple[str, ...] = ()
    """What failed while the plan was made, fleet by fleet; the rest of the plan holds."""
    rises: tuple[Rise, ...] = ()
    """What hosts ask for beyond the end of contracts, where somebody looked."""

    def actions(self) -> Iterator[Action]:
        """Every action: fleet by fleet, then what is pruned and what is sent again."""
        for fleet in self.fleets:
            yield from fleet.actions
        yield from self.pruned
        yield from self.resent

    def refusals(self) -> Iterator[Held]:
        """Everything a guard refuses, anywhere in the plan."""
        for fleet in self.fleets:
            yield from fleet.held
        yield from self.held

    @property
    def changes(self) -> bool:
        """Whether there is anything to do, now or after a wait."""
        return any(True for _ in self.actions())


def is_unasked(action: Create | Replace) -> bool:
    """Whether a rent replaces something that failed, vanished or came back wrong."""
    return not action.asked if isinstance(action, Replace) else action.repair


def due(action: Action) -> bool:
    """Whether nothing stands between an action and its first call."""
    return action.wait is None
