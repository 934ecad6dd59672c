"""The product with one safeguard taken away at a time: by a wrapped port or an argument that exists anyway.

Nothing of the product is patched. A wrapped provider answers as a client without the safeguard would understand the
answer; a wrapped store forgets what a tool without it would not have written down. The harness must see what follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from reconciler.core.evidence import Settle
from reconciler.core.instance import Instance
from reconciler.core.model import Policy
from reconciler.core.offer import RentOrder
from reconciler.core.record import Record
from reconciler.core.text import SafeText
from reconciler.errors import DoubtfulReading, Unreachable
from reconciler.provider import (
    DestroyAnswer,
    Gone,
    Listing,
    OfferGone,
    Provider,
    RefusedButCreated,
    RentAnswer,
    RentDoubtful,
    RentRefused,
)
from reconciler.vast.answers import Call
from reconciler.vast.client import Wire
from reconciler.vast.encode import rent_body
from reconciler.vast.listing import PATH
from reconciler.vast.renting import rent_answer
from reconciler.vast.rows import instances
from simulation.memory import MemoryStore
from simulation.play import Variant, play
from simulation.process import Ports
from simulation.scenario import scenario


class Around:
    """A provider around another one; each safeguard overrides what it takes away."""

    def __init__(self, provider: Any, wire: Wire) -> None:
        self.inner = provider
        self.wire = wire

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class RepeatsRents(Around):
    """PUT is idempotent, says the standard: a rent without an answer is sent again, as a library would."""

    def rent(self, order: RentOrder) -> RentAnswer:
        """Up to four requests for one attempt."""
        call = Call("rent", "PUT", f"/api/v0/asks/{order.offer_id}/", body=rent_body(order))
        return rent_answer(self.wire.patiently(call), order.offer_id)


class DoubtIsRefusal(Around):
    """No answer means that nothing was made: the next offer is tried."""

    def rent(self, order: RentOrder) -> RentAnswer:
        """A doubt reads as an offer that is gone."""
        answer = self.inner.rent(order)
        return OfferGone(SafeText("no answer")) if isinstance(answer, RentDoubtful) else answer


class RefusedIsRefused(Around):
    """A refusal is a refusal, whatever contract its body names."""

    def rent(self, order: RentOrder) -> RentAnswer:
        """The named contract is passed over."""
        answer = self.inner.rent(order)
        return RentRefused(answer.why, "fleet") if isinstance(answer, RefusedButCreated) else answer


class LenientList(Around):
    """A list is what the first answer holds: no total, no pages, and an error reads as nothing."""

    def instances(self) -> Listing:
        """Whatever came."""
        outcome = self.wire.patiently(Call("list", "GET", PATH))
        body = getattr(outcome, "body", None) or {}
        rows = body.get("instances")
        sound = [row for row in rows if isinstance(row, dict) and "id" in row] if isinstance(rows, list) else []
        return Listing(tuple(instances(sound)), self.wire._clock.now())


class AbsentIsGone(Around):
    """An id that the list lacks is gone; it is not asked for singly."""

    def instance(self, instance_id: int) -> Instance | Gone:
        """Asked only for what the list showed."""
        listed = {i.id: i for i in self.listed}
        return self.inner.instance(instance_id) if instance_id in listed else Gone(instance_id)

    listed: tuple[Instance, ...] = ()

    def instances(self) -> Listing:
        """Remembered."""
        found: Listing = self.inner.instances()
        self.listed = found.instances
        return found


class FailedReadIsGone(Around):
    """A single read that fails says that there is nothing."""

    def instance(self, instance_id: int) -> Instance | Gone:
        """Every error is a 404."""
        try:
            found: Instance | Gone = self.inner.instance(instance_id)
            return found
        except (DoubtfulReading, Unreachable):
            return Gone(instance_id)


class NoFreshReading(AbsentIsGone):
    """What the list showed is what there is: a destroy follows it without a look."""

    def instance(self, instance_id: int) -> Instance | Gone:
        """From the last list, if it was there."""
        listed = {i.id: i for i in self.listed}
        return listed.get(instance_id) or self.inner.instance(instance_id)


class SentIsDone(Around):
    """A destroy that was sent is done."""

    def __init__(self, provider: Any, wire: Wire) -> None:
        super().__init__(provider, wire)
        self.sent: set[int] = set()

    def destroy(self, instance_id: int) -> DestroyAnswer:
        """It is not looked at again."""
        self.sent.add(instance_id)
        return self.inner.destroy(instance_id) and Gone(instance_id)

    def instances(self) -> Listing:
        """Without what was sent away."""
        found: Listing = self.inner.instances()
        return replace(found, instances=tuple(i for i in found.instances if i.id not in self.sent))

    def instance(self, instance_id: int) -> Instance | Gone:
        """Gone, if it was sent away."""
        return Gone(instance_id) if instance_id in self.sent else self.inner.instance(instance_id)


class PriceOfTheOffer(Around):
    """An instance costs what its offer said: its own price is not looked at."""

    def instances(self) -> Listing:
        """Prices are unknown."""
        found: Listing = self.inner.instances()
        return replace(found, instances=tuple(replace(i, price_per_hour=None) for i in found.instances))

    def instance(self, instance_id: int) -> Instance | Gone:
        """The same for a single one."""
        found = self.inner.instance(instance_id)
        return found if isinstance(found, Gone) else replace(found, price_per_hour=None)


class Labels(Around):
    """Any label that begins like ours is ours."""

    def instances(self) -> Listing:
        """Near misses are mended."""
        found: Listing = self.inner.instances()
        return replace(found, instances=tuple(map(self._mended, found.instances)))

    def instance(self, instance_id: int) -> Instance | Gone:
        """The same for a single one."""
        found = self.inner.instance(instance_id)
        return found if isinstance(found, Gone) else self._mended(found)

    def _mended(self, found: Instance) -> Instance:
        from reconciler.core.label import _check

        body, _, check = (found.label or "").rpartition("/")
        near = (found.label or "").startswith("rc1/") and body.count("/") == 5 and len(check) >= 3
        return replace(found, label=f"{body}/{_check(body)}") if near else found


# --- stores ---------------------------------------------------------------------------------------


class Forgetful:
    """A store around another one that does not keep a part of the record from run to run."""

    def __init__(self, store: MemoryStore, forget: Callable[[Record], Record]) -> None:
        self.inner = store
        self._forget = forget

    def load(self) -> Record:
        """Without what is forgotten."""
        return self._forget(self.inner.load())

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class Unwritten(Forgetful):
    """A store that never writes a part of the record down."""

    def save(self, record: Record, *more: Any, **named: Any) -> None:
        """The part is left out."""
        self.inner.save(self._forget(record), *more, **named)


class LastWriterWins(Forgetful):
    """A store without compare-and-swap."""

    def save(self, record: Record, *more: Any, **named: Any) -> None:
        """Whatever is there is written over."""
        self.inner.reread()
        self.inner.save(record, *more, **named)


def _no_intents(record: Record) -> Record:
    return replace(record, intents={})


def _no_known(record: Record) -> Record:
    return replace(record, known={})


def _warm(record: Record) -> Record:
    return replace(record, warm=True, cold=None)


def _no_leaving(record: Record) -> Record:
    return replace(record, leaving={})


def _no_keeper(record: Record) -> Record:
    return replace(record, leaving={i: replace(item, keeper_id=None) for i, item in record.leaving.items()})


# --- clocks ---------------------------------------------------------------------------------------


class OwnWaits:
    """A clock that counts its own waits only: what passes while the process stands still it does not see."""

    def __init__(self, clock: Any) -> None:
        self._clock = clock
        self._known = clock.now()

    def now(self) -> float:
        """As it was after the last wait."""
        return self._known

    def sleep(self, seconds: float) -> None:
        """Wait, and look."""
        self._clock.sleep(seconds)
        self._known = self._clock.now()


@dataclass(frozen=True, slots=True)
class Safeguard:
    """One safeguard, how it is taken away, and what must be seen without it."""

    name: str
    without: Variant
    rules: frozenset[str]
    """At least one of these invariants must break."""
    theme: str | None = None
    """The theme of the seeds that are most likely to show it."""


def _provider(make: Callable[[Provider, Wire], Any]) -> Callable[[], Ports]:
    return lambda: Ports(provider=make)


def _store(make: Callable[[MemoryStore], Any]) -> Callable[[], Ports]:
    return lambda: Ports(store=make)


def _allow_all() -> Ports:
    def lifted(wish: Any) -> Any:
        return replace(wish, allowed=replace(wish.allowed, max_destroys=1000))

    return Ports(wish=lifted)


class AnyNumber(int):
    """Equal to every number: whoever is asked how many may be gone says that this many may."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


def _all_gone() -> Ports:
    def lifted(wish: Any) -> Any:
        return replace(wish, allowed=replace(wish.allowed, accept_gone=AnyNumber(1)))

    return Ports(wish=lifted)


def _replaced_for_ever(policy: Policy) -> Policy:
    return replace(policy, limits=replace(policy.limits, replacements_per_seat_per_day=1000))


def _no_budget() -> Ports:
    def lifted(wish: Any) -> Any:
        fleets = (replace(f, price=replace(f.price, budget_per_hour=None)) for f in wish.fleets)
        return replace(wish, fleets=tuple(fleets))

    return Ports(wish=lifted)


def _no_cap() -> Ports:
    def lifted(wish: Any) -> Any:
        fleets = (replace(f, price=replace(f.price, max_per_hour=Decimal(10))) for f in wish.fleets)
        return replace(wish, fleets=tuple(fleets))

    return Ports(wish=lifted)


def _same(record: Record) -> Record:
    return record


def _ports(make: Callable[[Provider, Wire], Any]) -> Variant:
    return Variant(ports=_provider(make))


def _stores(make: Callable[[MemoryStore], Any]) -> Variant:
    return Variant(ports=_store(make))


_SWITCHES: tuple[tuple[str, Variant, str, str | None], ...] = (
    ("a rent is one request", _ports(RepeatsRents), "S7", None),
    ("a doubt is no refusal", _ports(DoubtIsRefusal), "S2 S3", "late"),
    ("a named contract exists", _ports(RefusedIsRefused), "F05", None),
    ("only a complete list counts", _ports(LenientList), "S2 S3 S6", None),
    ("absent ids are asked for singly", _ports(AbsentIsGone), "S2 S3", "blind"),
    ("only a typed answer says gone", _ports(FailedReadIsGone), "S2 S3 S10", "blind"),
    ("a destroy follows a fresh reading", _ports(NoFreshReading), "S1 S25", None),
    ("a destroy counts when it was seen", _ports(SentIsDone), "S2 S3 L1", "doubles"),
    ("a label must check", _ports(Labels), "S25 S8", None),
    ("the instance's own price counts", _ports(PriceOfTheOffer), "S4", "money"),
    ("no offer over the cap is rented", Variant(ports=_no_cap), "S4", "money"),
    ("intents are durable", _stores(lambda s: Unwritten(s, _no_intents)), "S8 S2", None),
    ("intents outlive their run", _stores(lambda s: Forgetful(s, _no_intents)), "S2 S3", "late"),
    ("destroys under way are written down", _stores(lambda s: Unwritten(s, _no_leaving)), "S8", "doubles"),
    ("known ids are remembered", _stores(lambda s: Forgetful(s, _no_known)), "S2 S3", "blind"),
    ("a resent destroy looks at its keeper", _stores(lambda s: Forgetful(s, _no_keeper)), "S10", "doubles"),
    ("a save compares before it swaps", _stores(lambda s: LastWriterWins(s, _same)), "S2 S3 S8", "pauses"),
    ("a cold start waits", _stores(lambda s: Forgetful(s, _warm)), "S2 S3", "lost"),
    ("doubt lasts long enough", Variant(settle=Settle(1.0, 0.0, 0.0)), "S2 S3", "late"),
    ("two lists settle a doubt, late enough", Variant(settle=Settle(60.0, 0.0, 0.0)), "S2 S3", "late"),
    ("a rent that is late is not sent", Variant(ports=lambda: Ports(clock=OwnWaits)), "S8 S2", "pauses"),
    ("unasked destroys are limited", Variant(ports=_allow_all), "S11", None),
    ("many that vanish at once are doubted", Variant(ports=_all_gone), "S2 S3", "blind"),
    ("a seat is replaced so often a day", Variant(policy=_replaced_for_ever), "S13", "dying"),
    ("lost attempts freeze a seat", Variant(settle=Settle(lost_per_day=1000)), "S23", "vain"),
    ("budgets hold", Variant(ports=_no_budget), "S5", "money"),
)

SAFEGUARDS: Mapping[str, Safeguard] = {
    name: Safeguard(name, without, frozenset(rules.split()), theme) for name, without, rules, theme in _SWITCHES
}
"""Every safeguard that has a switch."""


def shows(safeguard: Safeguard, seed: int) -> bool:
    """Whether a seed breaks an invariant without the safeguard, and none with it."""
    asked = scenario(seed, safeguard.theme)
    return bool(play(asked, safeguard.without).rules & safeguard.rules) and not play(asked).violations


def hunt(safeguard: Safeguard, seeds: Iterable[int]) -> int | None:
    """The first seed that shows what is missing, if one does."""
    return next((seed for seed in seeds if shows(safeguard, seed)), None)
