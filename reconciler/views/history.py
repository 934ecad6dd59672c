"""The event history and the open leaks, for people and for machines."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from reconciler.core.history import Event, cost_since
from reconciler.core.record import Leaving
from reconciler.views.document import envelope
from reconciler.views.parts import Document, value
from reconciler.views.text import aligned
from reconciler.views.wording import amount, duration, moment, money, plural

_CENT = Decimal("0.0001")


def events_text(events: Sequence[Event], since: float) -> str:
    """One line an event, the oldest first: when, where, what, how much."""
    if not events:
        return f"Nothing happened since {moment(since)}."
    return "\n".join(aligned([_cells(event) for event in events]))


def _cells(event: Event) -> tuple[str, ...]:
    rate = money(event.rate_per_hour) if event.rate_per_hour else ""
    instance = f"instance {event.instance_id}" if event.instance_id is not None else ""
    return moment(event.at), event.where or "all fleets", event.kind, rate, instance, event.text


def events_document(events: Sequence[Event], since: float) -> Document:
    """The same as data."""
    return envelope("events") | {"since": moment(since), "events": [_event(event) for event in events]}


def _event(event: Event) -> Document:
    return {
        "at": moment(event.at),
        "kind": event.kind,
        "fleet": event.fleet or None,
        "seat": event.where if event.index is not None else None,
        "instance": event.instance_id,
        "text": event.text,
        "rate_per_hour": value(event.rate_per_hour),
    }


def leaks_text(found: Sequence[Leaving], now: float) -> str:
    """One line a leak, then what all of them bill."""
    if not found:
        return "No leak: every destroy that was sent is proven."
    total = sum((item.rate_per_hour for item in found), Decimal(0))
    told = f"{plural(len(found), 'destroy', 'destroys')} not proven, {money(total)}."
    return "\n".join(
        [*aligned([_leak_cells(item, now) for item in found]), "", f"{told} The next apply sends it again."]
    )


def _leak_cells(item: Leaving, now: float) -> tuple[str, ...]:
    cost = f"about {amount(cost_since(item, now))} since"
    age = f"told to go {duration(max(0.0, now - item.since))} ago ({moment(item.since)})"
    return f"! instance {item.id}", str(item.seat), money(item.rate_per_hour), cost, age, item.reason


def leaks_document(found: Sequence[Leaving], now: float) -> Document:
    """The same as data."""
    return envelope("leaks") | {"made_at": moment(now), "leaks": [_leak(item, now) for item in found]}


def _leak(item: Leaving, now: float) -> Document:
    return {
        "id": item.id,
        "seat": str(item.seat),
        "since": moment(item.since),
        "rate_per_hour": value(item.rate_per_hour),
        "cost_since": value(cost_since(item, now).quantize(_CENT)),
        "reason": item.reason,
    }
