"""What the history says of strikes: given, taken back, forgiven. Read off two records: nothing is told twice."""

from __future__ import annotations

from reconciler.core.history import Event, of_seat
from reconciler.core.label import Seat
from reconciler.core.record import Record


def struck_by(before: Record, after: Record, seat: Seat, instance_id: int, at: float) -> tuple[Event, ...]:
    """The strike that the end of a seat's instance gave its machine; and whose strikes it took back, because two that
    fail alike show that the spec is at fault."""
    given = {m: all_of[-1] for m, all_of in after.strikes.items() if all_of[-1] not in before.strikes.get(m, ())}
    gone = {m: all_of[-1] for m, all_of in before.strikes.items() if all_of[-1] not in after.strikes.get(m, ())}
    # A strike that has grown old goes, too, and in silence: it is no failure of a spec that is told to be at fault.
    failures = {(each.machine_id, each.at) for debut in after.debuts.values() for each in debut.failures}
    back = [m for m, strike in gone.items() if m not in given and (m, strike.at) in failures]
    return (
        *(of_seat(at, "strike", seat, f"machine {m}: {strike.reason}", instance_id) for m, strike in given.items()),
        *(of_seat(at, "forgiven", seat, f"machine {m}: the spec fails on other machines too") for m in back),
    )


def forgiven_by_word(machine_id: int, number: int, at: float) -> Event:
    """A person has forgiven a machine all its strikes."""
    return Event(at, "forgiven", "", text=f"machine {machine_id}: {number} strikes, by a person")
