"""What becomes of a lost bid: the time to win it back, then what the spec says. Pure.

The instance is stopped, keeps its disk and bills it. Since when is remembered in the record's `since`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from reconciler.core.bids import on_demand, paid_bid, raised
from reconciler.core.diff import Member, SeatView
from reconciler.core.faults import OUTBID
from reconciler.core.model import Fleet
from reconciler.core.plan import SeatNote, Update
from reconciler.core.record import Record
from reconciler.core.states import rate_per_hour

Way = Literal["wait", "rebid", "replace", "on-demand"]


def way_on(fleet: Fleet, member: Member) -> Way:
    """What is to be done about an instance that lost its bid. A bid that may not rise any more is followed by another
    instance, as with `replace`; so is one of a fleet that rents on demand by now."""
    if not member.condemned:
        return "wait"
    if not fleet.rental.interruptible:
        return "replace"
    then = fleet.rental.outbid.then
    return "replace" if then == "rebid" and raised(fleet, member.instance, member.bid) is None else then


def successor_of(fleet: Fleet, view: SeatView) -> Fleet | None:
    """The fleet as it rents the next instance of a seat whose bid was lost; None while nothing is to be rented."""
    if view.bucket != OUTBID or view.keeper is None:
        return None
    way = way_on(fleet, view.keeper)
    if way in ("wait", "rebid"):
        return None
    return on_demand(fleet) if way == "on-demand" else fleet


def new_bids(fleet: Fleet, view: SeatView) -> Iterator[Update]:
    """The new bid for a seat, where one is due."""
    keeper = view.keeper
    if view.bucket != OUTBID or keeper is None or view.intents or way_on(fleet, keeper) != "rebid":
        return
    cost = raised(fleet, keeper.instance, keeper.bid)
    if cost is not None and cost.bid is not None:
        standing = max(paid_bid(keeper.instance) or Decimal(0), keeper.bid or Decimal(0))
        reason = f"{_lost(keeper)} of ${standing:.4f}/h"
        yield Update(view.seat, fleet, keeper, cost.bid, cost.price, standing, reason)


def why_replaced(fleet: Fleet, keeper: Member) -> str:
    """Why a lost bid is followed by another instance, in words."""
    if way_on(fleet, keeper) == "on-demand":
        return f"{_lost(keeper)}{_since(keeper)}: on demand, as rental.outbid says"
    spent = fleet.rental.interruptible and fleet.rental.outbid.then == "rebid"
    return f"{_lost(keeper)}{_since(keeper)}{': no higher bid is allowed' if spent else ''}"


def _lost(keeper: Member) -> str:
    return f"instance {keeper.id} lost its bid"


def _since(keeper: Member) -> str:
    return "" if keeper.fault is None else f" at {_clock(keeper.fault.since)}"


def waiting(fleet: Fleet, view: SeatView) -> Iterator[SeatNote]:
    """What is said of a seat whose bid may still win again."""
    keeper = view.keeper
    if view.bucket != OUTBID or keeper is None or keeper.fault is None or way_on(fleet, keeper) != "wait":
        return
    until = _clock(keeper.fault.since + fleet.rental.outbid.wait_s)
    then = {"replace": "is replaced", "rebid": "bids more", "on-demand": "is followed on demand"}
    text = (
        f"{_lost(keeper)}{_since(keeper)}, which may win again until {until}; then it {then[fleet.rental.outbid.then]}"
    )
    yield SeatNote(view.seat, "outbid", text, rate_per_hour(keeper.instance))


def waits_anew(record: Record, instance_id: int, at: float) -> Record:
    """The record once an instance was given a new bid: the time to win starts again."""
    return replace(record, since={**record.since, (instance_id, OUTBID): at})


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%d %b %H:%M")
