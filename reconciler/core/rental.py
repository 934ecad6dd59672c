"""How a fleet rents: on demand, or by a bid that somebody may beat. And what is bid, as pure arithmetic.

A bid is $/h for the whole instance without its storage. Whoever pays the full price beats every bid, and among bids
the highest wins; who loses is stopped, keeps its disk, and goes on paying for it.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import Literal

from reconciler.values import dataclass

RentalKind = Literal["on-demand", "interruptible"]
Resolution = Literal["replace", "rebid", "on-demand"]

LEAST_BID, MOST_BID = Decimal("0.001"), Decimal(128)
"""What the marketplace takes as a bid, in $/h (documented)."""
STEP = Decimal("0.0001")
"""Bids are whole multiples of it: a hundredth of a cent is finer than hosts price, and reads the same everywhere."""


@dataclass(frozen=True, slots=True)
class Outbid:
    """What becomes of an instance that lost its bid: how long it may win it back, and what is done then."""

    wait_s: float = 7200.0
    then: Resolution = "replace"


@dataclass(frozen=True, slots=True)
class Rental:
    """The kind of a fleet's rentals; the rest matters for interruptible ones only."""

    kind: RentalKind = "on-demand"
    max_bid: Decimal | None = None
    """$/h without storage; None: only the cap on the whole price bounds a bid."""
    bid_over_floor: Decimal = Decimal(10)
    """By how many percent a bid is above the host's least one."""
    outbid: Outbid = Outbid()

    @property
    def interruptible(self) -> bool:
        """Whether it rents by bids."""
        return self.kind == "interruptible"


ON_DEMAND = Rental()
"""The usual kind."""


def floor_of(floor: Decimal) -> Decimal:
    """The lowest bid that a host takes whose floor is `floor`: on a multiple of `STEP`."""
    return max(LEAST_BID, floor.quantize(STEP, ROUND_UP))


def bid_on(rental: Rental, floor: Decimal, room: Decimal) -> Decimal | None:
    """The bid where the host takes `floor` at least and `room` is left for it under the cap, both $/h without storage:
    floor x (1 + bid_over_floor), never above `max_bid` or `room`. None: even the least bid is above one of them."""
    least, most = floor_of(floor), most_bid(rental, room)
    bid = min(_raised(rental, least), most)
    return bid if bid >= least else None


def raised_bid(rental: Rental, floor: Decimal | None, standing: Decimal, room: Decimal) -> Decimal | None:
    """The bid after one that lost: as much over the `standing` one as a first bid is over the floor, and over the floor
    where that has risen more. None: no higher one is allowed."""
    least = LEAST_BID if floor is None else floor_of(floor)
    higher = (standing + STEP).quantize(STEP, ROUND_DOWN)
    wanted = max(_raised(rental, standing), higher, _raised(rental, least))
    bid = min(wanted, most_bid(rental, room))
    return bid if bid > standing and bid >= least else None


def most_bid(rental: Rental, room: Decimal) -> Decimal:
    """The most that may be bid, on a multiple of `STEP`."""
    allowed = room if rental.max_bid is None else min(room, rental.max_bid)
    return min(allowed, MOST_BID).quantize(STEP, ROUND_DOWN)


def _raised(rental: Rental, bid: Decimal) -> Decimal:
    return (bid * (1 + rental.bid_over_floor / 100)).quantize(STEP, ROUND_UP)
