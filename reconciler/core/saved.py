"""An approved plan as a file: an upper bound, not an order. It names seats, ceilings and ids, and no secret.

A digest over the content finds damage. It is no signature: everything is computed again from the specs and the account
when it is applied, so that even a forged plan does nothing that a plain apply would not do, but for replacements that
a person asked for, of which it may hold no more than the limit on unasked destroys. With a key a plan is signed as
well: then nobody without the key changes what was approved, and what was approved lifts that limit.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from reconciler.core.envelope import Envelope, envelope_of
from reconciler.core.fields import spec_hash
from reconciler.core.label import Seat
from reconciler.core.model import Fleet
from reconciler.core.plan import Plan, Replace

FORMAT = "vast-reconciler plan"
VERSION = 2
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
    observed: str
    """A digest of the managed instances it was made for. Where others are there now, less may be done than it says."""
    signed: bool = False
    """Whether it is known to be the plan that was made: it was signed with the key that it was read with."""
    replaces: Mapping[Seat, int] = field(default_factory=dict)
    """Instances that a person asked to have replaced, by their seat: what comes in their place is not meant."""

    @property
    def lifts(self) -> frozenset[int]:
        """Destroys that count as asked for. Of a plan that anybody may have written, none."""
        return self.envelope.destroys if self.signed else frozenset()

    def stale(self, account_id: int, owner: str, fleets: Sequence[Fleet], now: float) -> str | None:
        """Why it may not be applied any more, or None."""
        if not self.made_at - SKEW_S <= now < self.made_at + LASTS_S:
            return "it is older than 24 hours"
        if self.owner != owner or (self.account_id is not None and self.account_id != account_id):
            return f"it was made for account {self.account_id}, owner {self.owner}"
        current = {fleet.name: spec_hash(fleet) for fleet in fleets}
        changed = sorted(name for name, now in current.items() if self.hashes.get(name, now) != now)
        return f"the specs have changed since: {', '.join(changed)}" if changed else None

    def to_repeat(self, again: Collection[Seat]) -> list[Seat]:
        """The replacements that a person has to ask for once more, besides those asked for `again`: a plan that anybody
        may have written does nothing by its own word that a plain apply would not do."""
        return [] if self.signed else sorted(self.replaces.keys() - set(again))


def write_plan(plan: Plan, key: str | None = None) -> str:
    """The text of the plan file, signed where there is a `key`."""
    envelope = envelope_of(plan)
    asked = {str(a.seat): a.old.id for a in plan.actions() if isinstance(a, Replace) and a.old.unwanted}
    acting = {seat.fleet for seat in envelope.rents}
    body: dict[str, Any] = {
        "account": plan.account_id,
        "destroys": sorted(envelope.destroys),
        "hashes": {f.fleet.name: spec_hash(f.fleet) for f in plan.fleets if f.fleet.name in acting},
        "made_at": plan.made_at,
        "observed": plan.observed,
        "owner": plan.owner,
        **({"bids": bids} if (bids := {str(i): str(most) for i, most in sorted(envelope.bids.items())}) else {}),
        **({"replaces": asked} if asked else {}),
        "rents": {str(seat): str(ceiling) for seat, ceiling in sorted(envelope.rents.items())},
    }
    signature = {} if key is None else {"signature": _signature(body, key)}
    return _text({"format": FORMAT, "version": VERSION, "digest": _digest(body), "approved": body, **signature})


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def _canonical(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical(body)).hexdigest()


def _signature(body: Mapping[str, Any], key: str) -> str:
    return hmac.new(key.encode(), FORMAT.encode() + _canonical(body), hashlib.sha256).hexdigest()


def _is_signed(said: object, body: Mapping[str, Any], key: str) -> bool:
    return isinstance(said, str) and hmac.compare_digest(said.encode(), _signature(body, key).encode())


def read_plan(data: bytes, key: str | None = None) -> SavedPlan:
    """The plan of a file's bytes; `ValueError` with a sentence when it is damaged, changed, newer or no plan, or not
    signed with `key`, where there is one."""
    try:
        document = json.loads(data)
        if document["format"] != FORMAT:
            raise ValueError("it is not a saved plan")
        if document["version"] != VERSION:
            raise ValueError("it was written by another release")
        body = document["approved"]
        if document["digest"] != _digest(body) or data != _text(document).encode():
            raise ValueError("it was changed after it was made")
        if set(document) - {"format", "version", "digest", "approved", "signature"}:
            raise ValueError("it is not a saved plan")
        if key is not None and not _is_signed(document.get("signature"), body, key):
            raise ValueError("it is not signed with this RECONCILE_PLAN_KEY")
        rents = {_seat(seat): Decimal(ceiling) for seat, ceiling in body["rents"].items()}
        hashes = {str(name): str(known) for name, known in body["hashes"].items()}
        bids = {int(number): Decimal(most) for number, most in body.get("bids", {}).items()}
        if not all(ceiling.is_finite() and ceiling > 0 for ceiling in (*rents.values(), *bids.values())):
            raise ValueError("it is not a saved plan")
        envelope = Envelope(rents, frozenset(map(int, body["destroys"])), bids=bids)
        asked = {_seat(seat): int(number) for seat, number in body.get("replaces", {}).items()}
        if not (asked.keys() <= rents.keys() and envelope.destroys.issuperset(asked.values())):
            raise ValueError("it is not a saved plan")
        made_at, observed = float(body["made_at"]), str(body["observed"])
        return SavedPlan(envelope, body["account"], body["owner"], made_at, hashes, observed, key is not None, asked)
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("it is damaged") from error
    except (KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise ValueError("it is not a saved plan") from error


def _seat(text: str) -> Seat:
    fleet, _, index = text.rpartition("/")
    return Seat(fleet, int(index))
