"""What the history says of strikes: given, taken back, forgiven. Read off two records: nothing is told twice."""

from __future__ import annotations

from reconciler.core.debut import condemned
from reconciler.core.history import Event, of_seat
from reconciler.core.label import Seat
from reconciler.core.record import Record


def struck_by(before: Record, after: Record, seat: Seat, instance_id: int, at: float) -> tuple[Event, ...]:
    """The strike that the end of a seat's instance gave its machine; and whose strikes it took back, because two that
    fail alike show that the spec is at fault."""
    given = {m: all_of[-1] for m, all_of in after.strikes.items() if all_of[-1] not in before.strikes.get(m, ())}
    back = [
        m for m, all_of in before.strikes.items() if m not in given and (m, all_of[-1].at) in _excused(before, after)
    ]
    return (
        *(of_seat(at, "strike", seat, f"machine {m}: {strike.reason}", instance_id) for m, strike in given.items()),
        *(of_seat(at, "forgiven", seat, f"machine {m}: the spec fails on other machines too") for m in back),
    )


def _excused(before: Record, after: Record) -> set[tuple[int, float]]:
    """The failures, as machine and time, of specs that were found at fault between the two: a strike that is merely old
    goes in silence."""
    changed = (debut for key, debut in after.debuts.items() if debut != before.debuts.get(key))
    return {(failure.machine_id, failure.at) for debut in changed for failure in condemned(debut)}


def forgiven_by_word(machine_id: int, number: int, at: float) -> Event:
    """A person has forgiven a machine all its strikes."""
    return Event(at, "forgiven", "", text=f"machine {machine_id}: {number} strikes, by a person")
