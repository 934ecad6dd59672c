"""An approved plan as a file: an upper bound, not an order. It names seats, ceilings and ids, and no secret.

A digest over the content finds damage. It is no signature: everything is computed again from the specs and the account
when it is applied, so that even a forged plan does nothing that a plain apply would not do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from reconciler.core.envelope import Envelope, envelope_of
from reconciler.core.fields import spec_hash
from reconciler.core.label import Seat
from reconciler.core.model import Fleet
from reconciler.core.plan import Plan

FORMAT = "vast-reconciler plan"
VERSION = 1
LASTS_S = 24 * 3600.0
SKEW_S = 3600.0
"""How far the clocks of two runners may differ."""
MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """What was approved, by whom it may be used, and until when."""

    envelope: Envelope
    account_id: int | None
    owner: str
    made_at: float
    hashes: Mapping[str, str]
    """The spec hash of every fleet that is rented for."""

    def stale(self, account_id: int, owner: str, fleets: Sequence[Fleet], now: float) -> str | None:
        """Why it may not be applied any more, or None."""
        if not self.made_at - SKEW_S <= now < self.made_at + LASTS_S:
            return "it is older than 24 hours"
        if self.owner != owner or (self.account_id is not None and self.account_id != account_id):
            return f"it was made for account {self.account_id}, owner {self.owner}"
        current = {fleet.name: spec_hash(fleet) for fleet in fleets}
        changed = sorted(name for name, now in current.items() if self.hashes.get(name, now) != now)
        return f"the specs have changed since: {', '.join(changed)}" if changed else None


def write_plan(plan: Plan) -> str:
    """The text of the plan file."""
    envelope = envelope_of(plan)
    acting = {seat.fleet for seat in envelope.rents}
    body: dict[str, Any] = {
        "account": plan.account_id,
        "destroys": sorted(envelope.destroys),
        "hashes": {f.fleet.name: spec_hash(f.fleet) for f in plan.fleets if f.fleet.name in acting},
        "made_at": plan.made_at,
        "owner": plan.owner,
        "rents": {str(seat): str(ceiling) for seat, ceiling in sorted(envelope.rents.items())},
    }
    return _text({"format": FORMAT, "version": VERSION, "digest": _digest(body), "approved": body})


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def _digest(body: Mapping[str, Any]) -> str:
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def read_plan(data: bytes) -> SavedPlan:
    """The plan of a file's bytes; `ValueError` with a sentence when it is damaged, changed, newer or no plan."""
    try:
        document = json.loads(data)
        if document["format"] != FORMAT:
            raise ValueError("it is not a saved plan")
        if document["version"] != VERSION:
            raise ValueError("it was written by another release")
        body = document["approved"]
        if document["digest"] != _digest(body) or data != _text(document).encode():
            raise ValueError("it was changed after it was made")
        rents = {_seat(seat): Decimal(ceiling) for seat, ceiling in body["rents"].items()}
        hashes = {str(name): str(known) for name, known in body["hashes"].items()}
        if not all(ceiling.is_finite() and ceiling > 0 for ceiling in rents.values()):
            raise ValueError("it is not a saved plan")
        envelope = Envelope(rents, frozenset(map(int, body["destroys"])))
        return SavedPlan(envelope, body["account"], body["owner"], float(body["made_at"]), hashes)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("it is damaged") from error
    except (KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise ValueError("it is not a saved plan") from error


def _seat(text: str) -> Seat:
    fleet, _, index = text.rpartition("/")
    return Seat(fleet, int(index))
