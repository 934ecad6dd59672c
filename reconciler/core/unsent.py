"""A destroy that was written down and had no effect: the record as if nobody had thought of it.

What a failure leaves in the record carries the time at which its destroy was written down, so it is found again.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.debut import Debut
from reconciler.core.history import Event, of_seat
from reconciler.core.record import Leaving, Record, without_leaving
from reconciler.core.strikes import Strike, Strikes
from reconciler.core.unasked import without_unasked


def never_sent(record: Record, item: Leaving, machine_id: int | None) -> Record:
    """The record without a destroy, and without what it said of its machine, its spec, its seat and its fleet."""
    seat, at = item.seat, item.since
    return replace(
        without_unasked(without_leaving(record, item.id), seat.fleet, at),
        strikes=_without(record.strikes, item),
        aside=_without(record.aside, item),
        debuts={key: _untried(debut, machine_id, at) for key, debut in record.debuts.items()},
        emptied={s: since for s, since in record.emptied.items() if (s, since) != (seat, at)},
        wasted={s: tuple(one for one in all_of if (s, one[0]) != (seat, at)) for s, all_of in record.wasted.items()},
    )


def _untried(debut: Debut, machine_id: int | None, at: float) -> Debut:
    if not any(each.at == at for each in debut.failures):
        return debut
    kept = tuple(each for each in debut.failures if (each.machine_id, each.at) != (machine_id, at))
    return replace(debut, failures=kept)


def _without(strikes: Strikes, item: Leaving) -> Strikes:
    left = {m: tuple(each for each in all_of if not _is_of(each, item)) for m, all_of in strikes.items()}
    return {machine_id: all_of for machine_id, all_of in left.items() if all_of}


def _is_of(strike: Strike, item: Leaving) -> bool:
    return strike.at == item.since and strike.where == str(item.seat)


def unblamed(record: Record, item: Leaving, now: float) -> tuple[Event, ...]:
    """What the history says of the strikes that `record` holds for a destroy that is taken back."""
    blamed = [m for m, all_of in record.strikes.items() if any(_is_of(each, item) for each in all_of)]
    return tuple(of_seat(now, "forgiven", item.seat, f"machine {m}: instance {item.id} stays", item.id) for m in blamed)
