"""What the house asks of the world: a marketplace (Provider), a memory (Store) and a look at machines (Probe).

Their contracts are here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, Protocol

from reconciler.values import dataclass

if TYPE_CHECKING:
    from reconciler.core.history import Event
    from reconciler.core.incidents import Letter
    from reconciler.core.instance import Account, Instance
    from reconciler.core.label import Seat
    from reconciler.core.lease import Holder, Lease
    from reconciler.core.offer import Offer, OfferQuery, RentOrder
    from reconciler.core.readiness import Findings, Target
    from reconciler.core.record import Record
    from reconciler.core.rises import Asked
    from reconciler.core.sights import NewSights, Sights
    from reconciler.core.ssh_keys import SshKey
    from reconciler.core.template import Template
    from reconciler.core.text import SafeText

Route = Literal["search", "rent", "list", "show", "destroy", "account", "template", "relabel", "bid", "keys", "logs"]


@dataclass(frozen=True, slots=True)
class Listing:
    """A complete, well-formed list of the account's instances, every page of it."""

    instances: tuple[Instance, ...]
    started_at: float
    """When the first page was asked for: evidence is dated by it."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The account says of this id, in so many words, that there is no such instance."""

    id: int


# The answers to one attempt to rent. Only these five; a provider never raises for a rent that may have been made.


@dataclass(frozen=True, slots=True)
class Rented:
    """It exists and is accepted: an instance id that is neither the offer's nor nonsense."""

    id: int


@dataclass(frozen=True, slots=True)
class RefusedButCreated:
    """The answer says no, yet names a contract: it exists, bills, and must be destroyed."""

    id: int
    why: SafeText


@dataclass(frozen=True, slots=True)
class OfferGone:
    """Nothing was made; somebody else has it. Take the next offer."""

    why: SafeText


@dataclass(frozen=True, slots=True)
class RentRefused:
    """Nothing was made, and another offer would not help: `fleet` (bad arguments) or `run` (no credit, spend cap)."""

    why: SafeText
    stops: Literal["fleet", "run"]


@dataclass(frozen=True, slots=True)
class RentDoubtful:
    """Nobody knows. The seat stays occupied until evidence settles it. `stops_run`: an auth answer, stop renting."""

    why: SafeText
    stops_run: bool = False


RentAnswer = Rented | RefusedButCreated | OfferGone | RentRefused | RentDoubtful


@dataclass(frozen=True, slots=True)
class DestroySent:
    """The account accepted it. It counts only once it was seen."""


@dataclass(frozen=True, slots=True)
class DestroyDoubtful:
    """Sent, and no trustworthy answer. It is a leak until seen gone."""

    why: SafeText


DestroyAnswer = DestroySent | Gone | DestroyDoubtful


@dataclass(frozen=True, slots=True)
class RelabelSent:
    """The account accepted it. It counts only once the label was read back."""


@dataclass(frozen=True, slots=True)
class RelabelDoubtful:
    """Refused, or no trustworthy answer: only a reading tells what the label is now."""

    why: SafeText


RelabelAnswer = RelabelSent | Gone | RelabelDoubtful


@dataclass(frozen=True, slots=True)
class BidSent:
    """The account accepted it. It counts only once it was read back."""


@dataclass(frozen=True, slots=True)
class BidDoubtful:
    """Refused, or no trustworthy answer: only a reading tells which bid stands now."""

    why: SafeText


BidAnswer = BidSent | Gone | BidDoubtful


@dataclass(frozen=True, slots=True)
class Found:
    """The answer of one search."""

    offers: tuple[Offer, ...]
    rows: int
    """Rows answered, unusable ones included: they count against the day's quota."""


class Provider(Protocol):
    """A marketplace account.

    Reading changes nothing. A reading that is not beyond doubt raises `DoubtfulReading`, `Unreachable` or
    `KeyProblem`; it never returns less. Destroying what is gone is success. Renting sends one request, ever, and so
    do a change of a label and a new bid.
    """

    def account(self) -> Account:
        """Whose account it is and its credit."""
        ...

    def instances(self) -> Listing:
        """All instances of the account, complete or an error."""
        ...

    def instance(self, instance_id: int) -> Instance | Gone:
        """One instance, read singly."""
        ...

    def search(self, query: OfferQuery) -> Found:
        """One search answer: a sample of at most 64 rows, cheapest first. Nothing follows from an absence."""
        ...

    def templates(self, words: str) -> tuple[Template, ...]:
        """Templates whose name or image holds every word: those in common use, and any of exactly this name."""
        ...

    def template(self, template_hash: str) -> Template | None:
        """The template of a hash; None only where the marketplace says that there is none."""
        ...

    def rent(self, order: RentOrder) -> RentAnswer:
        """One attempt, one request on the wire."""
        ...

    def destroy(self, instance_id: int) -> DestroyAnswer:
        """Ask for the end of one instance."""
        ...

    def relabel(self, instance_id: int, label: str | None) -> RelabelAnswer:
        """Give one instance another label, None for none; one request on the wire, never repeated.

        Nothing else of the instance changes: it is not stopped, restarted or billed otherwise. Whatever the answer,
        the caller reads the instance again and compares. Raises `KeyProblem` where the key is refused.
        """
        ...

    def logs(self, instance_id: int, tail: int) -> str | None:
        """The last `tail` lines of an instance's log, what its container said, else what its host said of it.

        None where there is none to be had within some seconds; for that it never raises but `Interrupted`. The text is
        the instance's own: known secrets are blotted out of it, and nothing else is made safe yet.
        """
        ...

    def bid(self, instance_id: int, price: Decimal) -> BidAnswer:
        """Give an interruptible instance a new bid in $/h without storage; one request on the wire, never repeated.

        Whatever the answer, the caller reads the instance again. Raises `KeyProblem` where the key is refused.
        """
        ...

    def price_rises(self) -> tuple[Asked, ...]:
        """What hosts ask for to go on beyond the end of a contract. Nobody accepts it here; it is only told."""
        ...

    def ssh_keys(self) -> tuple[SshKey, ...]:
        """The public keys of the account, which every instance is given that is made from then on."""
        ...

    def add_ssh_key(self, text: str) -> SshKey:
        """Give the account another public key, in one request. Raises where it is not known to be there."""
        ...

    def attach_ssh_key(self, instance_id: int, text: str) -> bool:
        """Let a public key into one instance that exists; False where that is not known to have happened."""
        ...

    def free_at(self, route: Route) -> float:
        """When the next call of `route` may be sent without waiting, epoch seconds."""
        ...


class Store(Protocol):
    """The memory of one account and owner.

    `save` is a compare-and-swap against what was last loaded or saved here: when another run has written since, it
    raises `Busy` and nothing is changed. That, not a lock, is what keeps two runs from spending twice.
    """

    def load(self) -> Record:
        """The record as it is now; an empty one when nothing was ever saved."""
        ...

    def save(self, record: Record, events: Sequence[Event] = ()) -> None:
        """Make `record` durable before returning, and `events` with it, or raise `Busy` or `NotSaved`.

        An answer of the store that leaves open whether it was written is settled by reading again; where that is not
        possible either it raises `NotSaved`, and the caller sends nothing more.

        While the lease is held a store to which writing is dear may put off, for a minute at most, a record without
        events that only says again what is known, and in which no attempt, destroy or change of a label is open.
        """
        ...

    def events(self, since: float = 0.0, fleet: str | None = None, index: int | None = None) -> Sequence[Event]:
        """The history from `since` on, the oldest first: all of it, of a fleet, or of one of its seats."""
        ...

    def lease(self) -> Lease | None:
        """Who is at work, as it is written down; it may not stand any more."""
        ...

    def take(self, lease: Lease, now: Callable[[], float], is_dead: Callable[[Holder], bool]) -> Lease | None:
        """Take the lease and renew it with each save, by the time of `now`; where another one stands, that one.

        Whoever replaces a lease moves the epoch on: the run that held it raises `Busy` at its next save.
        """
        ...

    def release(self) -> None:
        """Give the lease back, if it is held here; best effort, never an error."""
        ...

    def unlock(self, lease_id: str) -> bool:
        """Remove another run's lease; that run raises `Busy` at its next save. False when there is none of this id."""
        ...

    def route_clocks(self) -> Mapping[str, float]:
        """When the next call of each route may be sent, as the last command left it."""
        ...

    def save_route_clocks(self, earliest: Mapping[str, float]) -> None:
        """Keep the route clocks for the next command; best effort, never an error."""
        ...

    def sights(self, now: float) -> Sights:
        """What was seen of the market within a day before `now`; nothing where it cannot be read. Never an error."""
        ...

    def add_sights(self, new: NewSights) -> None:
        """Add what a pass saw, and forget what is older than a day before it; best effort, never an error.

        Two runs that add at the same time lose nothing: counts are added up, of one machine's measurements the later
        one stays.
        """
        ...


class Probe(Protocol):
    """A look at machines from where this program runs.

    It reads only, and changes nothing on a machine. It never raises for a machine that is unreachable or answers
    nonsense, and returns within a bounded time however many there are.
    """

    def latency_ms(self, addresses: Sequence[str], timeout_s: float) -> Mapping[str, float]:
        """The round trip to each public address that answered within `timeout_s`, in milliseconds.

        An address that did not answer, is no literal IP address, or is not a public one is left out.
        """
        ...

    def check(self, targets: Sequence[Target]) -> Findings:
        """What the checks of each target say, by the instance's id; all targets are looked at side by side.

        A target's checks run in their order and stop at the first that does not pass. Bounded in time; never raises
        for a machine. Here something is sent: what a check has to ask, and a login where there is a key.
        """
        ...

    def controls(self, instances: Sequence[Instance]) -> frozenset[str]:
        """How connections to the marketplace's own proxies of a few of these instances ended, by their causes; an empty
        one stood. They tell whether anything can be seen from here."""
        ...

    def why_no_login(self) -> str | None:
        """Why nobody could log in to an instance rented now, in words; None where a login may succeed."""
        ...

    def key_to_let_in(self) -> str | None:
        """The public key that each new instance must be given, since nobody knows whether the account holds it: an API
        key may lack the scope to read the account's keys. None where it is not needed, or there is no key."""
        ...

    def why_no_key(self) -> str | None:
        """Why nobody could log in with the key that is named, in words; None where none is named."""
        ...


@dataclass(frozen=True, slots=True)
class KeptLog:
    """The end of an instance's log, kept before the instance went."""

    seat: Seat
    instance_id: int
    at: float
    reason: str
    """Why it went."""
    lines: tuple[SafeText, ...]


class Logs(Protocol):
    """The logs of instances that failed, kept for people. Of no consequence for what is decided."""

    def keep(self, log: KeptLog) -> None:
        """Keep a log, and forget the oldest ones; best effort, never an error."""
        ...

    def of(self, seat: Seat) -> Sequence[KeptLog]:
        """What is kept of a seat, the oldest first; nothing where it cannot be read."""
        ...


class Courier(Protocol):
    """Who carries letters to webhooks: in bounded time, and whatever becomes of them, never an error of the pass."""

    def deliver(self, letters: Sequence[Letter]) -> frozenset[int]:
        """Which of `letters`, by their position, have arrived; the others are given again in the next pass."""
        ...
