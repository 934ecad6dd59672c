"""What an offer or a raised bid costs a fleet all-in: the bid and the storage of its disk, under the fleet's cap."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.core.fields import spec_hash
from reconciler.core.instance import Instance
from reconciler.core.label import Mark
from reconciler.core.model import Fleet
from reconciler.core.rental import ON_DEMAND, STEP, RentalKind, bid_on, floor_of, raised_bid
from reconciler.values import dataclass

if TYPE_CHECKING:
    from reconciler.core.offer import Offer


@dataclass(frozen=True, slots=True)
class Priced:
    """What renting an offer costs, in $/h."""

    price: Decimal
    """All-in for the fleet's disk."""
    bid: Decimal | None = None
    """The part that is bid, without storage; None on demand, and where no bid is allowed."""


def priced(fleet: Fleet, offer: Offer) -> Priced:
    """The price of an offer to a fleet. An offer that no allowed bid would get is priced at its least bid."""
    total = offer.price_per_hour(fleet.container.disk_gb)
    if offer.least_bid is None:
        return Priced(total)
    storage = total - offer.base_price_per_hour
    bid = bid_on(fleet.rental, offer.least_bid, fleet.price.max_per_hour - storage)
    return Priced(floor_of(offer.least_bid) + storage if bid is None else bid + storage, bid)


def paid_bid(instance: Instance) -> Decimal | None:
    """What an instance pays without its storage in $/h: its bid, or the price on demand where that is less (seen)."""
    price, storage = instance.price_per_hour, instance.storage_per_hour
    return None if price is None or storage is None else (price - storage).quantize(STEP)


def raised(fleet: Fleet, instance: Instance, sent: Decimal | None = None) -> Priced | None:
    """A higher bid for an instance that lost its own: the one `sent` last, or what it pays. None where no higher one is
    allowed, or the account does not tell what it pays."""
    paid, storage = paid_bid(instance), instance.storage_per_hour
    if paid is None or storage is None:
        return None
    standing = paid if sent is None else max(paid, sent)
    bid = raised_bid(fleet.rental, instance.least_bid, standing, fleet.price.max_per_hour - storage)
    return None if bid is None else Priced(bid + storage, bid)


def on_demand(fleet: Fleet) -> Fleet:
    """The same fleet, renting on demand."""
    return replace(fleet, rental=ON_DEMAND)


def kind_ordered(fleet: Fleet, mark: Mark) -> RentalKind | None:
    """How the instance of a label was ordered, going by the spec in it: as the fleet rents, or on demand where the
    fleet lets a lost bid be followed by that. None: by a spec that is not the fleet's."""
    if mark.spec_hash == spec_hash(fleet):
        return fleet.rental.kind
    may_fall_back = fleet.rental.interruptible and fleet.rental.outbid.then == "on-demand"
    return "on-demand" if may_fall_back and mark.spec_hash == spec_hash(on_demand(fleet)) else None
