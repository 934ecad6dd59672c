"""The ledger as the files of a commit, and back. Whoever can push may have written them: nothing in them is trusted."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from reconciler.core.lease import Holder, Lease
from reconciler.core.record import Record
from reconciler.core.sights import Sights
from reconciler.core.text import safe
from reconciler.ledger.codec import VERSION, decode, encode
from reconciler.ledger.git.sights import decode_sights, encode_sights
from reconciler.ledger.identity import FORMAT

META, RECORD, LEASE, CLOCKS, SIGHTS = "meta.json", "record.json", "lease.json", "clocks.json", "sights.json"
FILES = (META, RECORD, LEASE, CLOCKS, SIGHTS)
_NUMBERS = (-1e9, 1e11)
"""No time, id or count lies outside."""
_DEAREST = Decimal(10**9)
_LONGEST = 4096
_ID = re.compile(r"[A-Za-z0-9-]{1,32}")


@dataclass(frozen=True, slots=True)
class Contents:
    """All that a ledger holds but its history."""

    record: Record = field(default_factory=Record)
    lease: Lease | None = None
    clocks: Mapping[str, float] = field(default_factory=dict)
    sights: Sights = field(default_factory=Sights)
    epoch: int = 0
    """How many times it was written."""


def files_of(contents: Contents, account: int, owner: str) -> dict[str, bytes | None]:
    """The files that hold `contents`, in this version; None for one that is not there."""
    meta = {"format": FORMAT, "version": VERSION, "account": account, "owner": owner, "epoch": contents.epoch}
    lease = contents.lease
    return {
        META: _dump(meta),
        RECORD: encode(contents.record).encode() + b"\n",
        LEASE: None if lease is None else _dump(asdict(lease)),
        CLOCKS: _dump(dict(contents.clocks)),
        SIGHTS: _dump(encode_sights(contents.sights)),
    }


def _dump(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def said_of_itself(files: Mapping[str, bytes]) -> tuple[object, object, object, object] | None:
    """Format, version, account and owner, as far as they are there."""
    try:
        meta = read(files[META])
    except (KeyError, ValueError):
        return None
    if not isinstance(meta, dict):
        return None
    return meta.get("format"), meta.get("version"), meta.get("account"), meta.get("owner")


def account_in(said: Sequence[object] | None) -> int:
    """Whose ledger it is, of what `said_of_itself` told; `ValueError` where that is no account."""
    account = said[2] if said else None
    if not isinstance(account, int):
        raise ValueError("not a ledger")
    return account


def contents_of(files: Mapping[str, bytes], version: int) -> Contents:
    """What `files` hold, as a release of `version` wrote them; `ValueError` where they are damaged. Of clocks and
    sights nothing depends: nonsense in them counts as nothing."""
    try:
        epoch = read(files[META])["epoch"]
        record = decode(json.dumps(read(files[RECORD])), version)
        lease = _lease(read(files[LEASE])) if LEASE in files else None
    except (KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise ValueError("not a ledger") from error
    if not isinstance(epoch, int) or not all(amount.is_finite() and abs(amount) < _DEAREST for amount in _sums(record)):
        raise ValueError("not a ledger")
    return Contents(record, lease, _clocks(files.get(CLOCKS)), _sights(files.get(SIGHTS)), epoch)


def _sums(record: Record) -> list[Decimal]:
    """All the money in a record."""
    ceilings = [each.ceiling for part in (record.intents, record.tombstones) for each in part.values()]
    prices = [price for each in record.proposals.values() for price in (each.now_per_hour, each.then_per_hour)]
    return [*ceilings, *prices, *(item.rate_per_hour for item in record.leaving.values()), *record.spend.values()]


def _lease(raw: Mapping[str, Any]) -> Lease:
    if not _ID.fullmatch(raw["id"]):
        raise ValueError("not a lease")
    holder = raw["holder"]
    who = Holder(safe(holder["host"], 80), int(holder["pid"]), safe(holder["command"], 80))
    return Lease(raw["id"], who, float(raw["since"]), float(raw["renewed"]))


def _clocks(text: bytes | None) -> dict[str, float]:
    try:
        return {name: float(at) for name, at in read(text or b"{}").items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def _sights(text: bytes | None) -> Sights:
    try:
        return Sights() if text is None else decode_sights(read(text))
    except (KeyError, ValueError, TypeError, AttributeError):
        return Sights()


# --- text of strangers ----------------------------------------------------------------------------


def read(text: bytes) -> Any:
    """JSON that anybody may have written: its texts made safe, its numbers within reason; else `ValueError`."""
    try:
        return _checked(json.loads(text))
    except RecursionError as error:
        raise ValueError("too deep") from error


def _checked(value: Any) -> Any:
    match value:
        case str():
            return _safe(value)
        case bool() | None:
            return value
        case int() | float():
            if not _NUMBERS[0] <= value <= _NUMBERS[1]:
                raise ValueError("a number out of range")
            return value
        case list():
            return [_checked(each) for each in value]
        case _:
            return {_safe(name): _checked(each) for name, each in value.items()}


def _safe(text: str) -> str:
    """The text as it is where it is harmless, its spaces too."""
    clean = safe(text, _LONGEST)
    return text if clean == text.strip(" ") else clean
