"""Seats as people name them on the command line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from reconciler.core.label import Seat
from reconciler.core.model import Fleet
from reconciler.errors import WrongUsage

_SEAT = r"([a-z0-9-]{1,40})/(0|[1-9][0-9]{0,3})"


def seat_named(text: str) -> Seat:
    """`june/0`, or wrong usage."""
    found = re.fullmatch(_SEAT, text)
    if found is None:
        raise WrongUsage(f"{text!r} is not a seat such as flux-training/0")
    return Seat(found[1], int(found[2]))


def replaced_by(texts: Iterable[str], fleets: Iterable[Fleet]) -> frozenset[Seat]:
    """The seats of `--replace`: of declared fleets, and among their replicas."""
    declared = {fleet.name: fleet for fleet in fleets}
    seats = frozenset(map(seat_named, texts))
    for seat in sorted(seats):
        _of(seat, declared)
    return seats


def approved_by(texts: Iterable[str], fleets: Iterable[Fleet]) -> frozenset[Seat]:
    """The seats of `--approve`: of declared fleets that ask for cheaper places, and among their replicas."""
    declared = {fleet.name: fleet for fleet in fleets}
    seats = frozenset(map(seat_named, texts))
    for seat in sorted(seats):
        if _of(seat, declared).replace.cheaper is None:
            raise WrongUsage(f"fleet {seat.fleet} proposes nothing", hint="add replace: {cheaper: {}} to its spec")
    return seats


def _of(seat: Seat, declared: Mapping[str, Fleet]) -> Fleet:
    """The declared fleet that has this seat, now or by its schedule, or wrong usage."""
    fleet = declared.get(seat.fleet)
    if fleet is None:
        raise WrongUsage(f"no fleet is named {seat.fleet}", hint=f"one of {', '.join(sorted(declared))}")
    if seat.index >= fleet.replicas and fleet.schedule is None:
        raise WrongUsage(f"fleet {fleet.name} has no seat {seat.index}: its replicas are {fleet.replicas}")
    return fleet
