"""What is remembered of cheaper places, as parts of the record's JSON and back; nothing of it is there where there is
nothing to remember."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reconciler.core.record import Record
from reconciler.ledger.traces import seat_of

if TYPE_CHECKING:
    from reconciler.core.trials import Proposal, Trial


def encode_trades(record: Record) -> dict[str, Any]:
    """Looks, proposals and candidates, as plain JSON."""
    proposals = [
        [str(p.seat), p.instance_id, str(p.now_per_hour), str(p.then_per_hour), p.machine_id, p.at]
        for _, p in sorted(record.proposals.items())
    ]
    trials = [[t.attempt, str(t.seat), t.at, t.until, t.machine_id] for _, t in sorted(record.trials.items())]
    won = sorted(trial.attempt for trial in record.trials.values() if trial.won)
    parts = {"looked": dict(record.looked), "proposals": proposals, "trials": trials, "won": won}
    return {name: part for name, part in parts.items() if part}


def decode_trades(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a record that `encode_trades` wrote."""
    proposals = [_proposal(*one) for one in body.get("proposals", [])]
    won = set(body.get("won", []))
    trials = [_trial(one[0] in won, *one) for one in body.get("trials", [])]
    return {
        "looked": {str(fleet): float(at) for fleet, at in body.get("looked", {}).items()},
        "proposals": {each.seat: each for each in proposals},
        "trials": {each.attempt: each for each in trials},
    }


def _proposal(seat: str, number: Any, now: Any, then: Any, machine: Any, at: Any) -> Proposal:
    from reconciler.core.trials import Proposal

    return Proposal(seat_of(seat), int(number), Decimal(now), Decimal(then), int(machine), float(at))


def _trial(won: bool, attempt: Any, seat: str, at: Any, end: Any, machine: Any) -> Trial:
    from reconciler.core.trials import Trial

    return Trial(str(attempt), seat_of(seat), float(at), float(end), int(machine), won)
