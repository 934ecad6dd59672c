"""Machines set aside: a rent there came to nothing, which blames nobody, and would come to nothing again at once.

A bid that lost as soon as it was made, a refusal that made an instance all the same, an instance that came back over
its cap or of another kind. The machine is left out for an hour, each time within two days twice as long, at most a
day: short enough that a seat which only this machine can fill does not stay empty.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from reconciler.core.label import Seat
from reconciler.core.record import Record
from reconciler.core.strikes import Strike, StrikeRules, Struck, counting, struck

DAY_S = 86_400.0
RULES = StrikeRules(for_s=3600.0, at_most_s=DAY_S)
BID_LOST = "the bid lost at once"
CREATED = "refused but created"


def set_aside(record: Record, machine_id: int, seat: Seat, reason: str, at: float) -> Record:
    """The record once a rent for `seat` on this machine came to nothing; what is forgotten goes."""
    kept = {m: left for m, all_of in record.aside.items() if (left := counting(all_of, RULES, at))}
    return replace(record, aside={**kept, machine_id: (*kept.get(machine_id, ()), Strike(at, reason, str(seat)))})


def aside(record: Record, now: float) -> dict[int, Struck]:
    """The machines that are left out now."""
    return struck(record.aside, RULES, now)


def bids_lost(record: Record, now: float) -> Mapping[str, int]:
    """How many bids of each seat lost at once within a day, by its name."""
    everything = (each for all_of in record.aside.values() for each in all_of)
    return Counter(each.where for each in everything if each.reason == BID_LOST and now - each.at < DAY_S)


def tried_anew(record: Record, seat: Seat) -> Record:
    """The record without what this seat has set aside."""
    left = {m: tuple(each for each in all_of if each.where != str(seat)) for m, all_of in record.aside.items()}
    return replace(record, aside={m: all_of for m, all_of in left.items() if all_of})
