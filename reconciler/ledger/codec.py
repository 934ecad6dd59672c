"""The record as JSON and back. Version 3; a newer version is refused, never guessed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from decimal import Decimal
from typing import Any

from reconciler.core.label import Seat
from reconciler.core.record import ColdStart, Intent, Known, Leaving, Record, Relabel
from reconciler.ledger.health import decode_health, encode_health
from reconciler.ledger.notices import decode_notices, encode_notices
from reconciler.ledger.traces import decode_traces, encode_traces, seat_of
from reconciler.ledger.trades import decode_trades, encode_trades

VERSION = 3
_SINCE_VERSION_2: Mapping[str, Any] = {"spend": [], "told": {}, **encode_traces(Record())}
"""What a record of version 1 lacks, and what it reads as."""
_SINCE_VERSION_3: Mapping[str, Any] = {"unwanted": []}
"""What one of version 2 lacks."""


def encode(record: Record) -> str:
    """The record as canonical JSON text. It holds no secret by construction: none is in a record."""
    body = {
        "intents": [_plain(i) for i in record.intents.values()],
        "known": [_plain(k) for k in record.known.values()],
        "leaving": [_of_destroy(item) for item in record.leaving.values()],
        "paused": dict(record.paused),
        "since": [[i, fault, at] for (i, fault), at in sorted(record.since.items())],
        "cold": asdict(record.cold) if record.cold else None,
        "warm": record.warm,
        "last_list_at": record.last_list_at,
        "spend": [[hour, str(dollars)] for hour, dollars in sorted(record.spend.items())],
        "told": dict(record.told),
        "unwanted": [[i, at] for i, at in sorted(record.unwanted.items())],
        **encode_traces(record),
        **encode_health(record),
        **encode_notices(record),
    }
    body |= encode_trades(record)
    if record.relabels:
        body["relabels"] = [_plain(item) for item in record.relabels.values()]
    if record.bids:
        body["bids"] = [[i, str(bid)] for i, bid in sorted(record.bids.items())]
    return json.dumps(body, sort_keys=True, separators=(",", ":"))


def _plain(item: Intent | Known | Leaving | Relabel) -> dict[str, object]:
    values = {f.name: getattr(item, f.name) for f in fields(item)}
    return {name: str(v) if isinstance(v, Decimal | Seat) else v for name, v in values.items()}


def _of_destroy(item: Leaving) -> dict[str, object]:
    """Without what is not there: most are sent, and for no fault."""
    return {name: v for name, v in _plain(item).items() if name not in ("fault", "in_doubt_at") or v}


def decode(text: str, version: int = VERSION) -> Record:
    """The record of `text` as a release of `version` wrote it; `ValueError` when it is not one."""
    try:
        body = json.loads(text)
        body = {**_SINCE_VERSION_2, **body} if version < 2 else body
        body = {**_SINCE_VERSION_3, **body} if version < 3 else body
        return Record(
            intents={i["attempt"]: _intent(i) for i in body["intents"]},
            known={k["id"]: _known(k) for k in body["known"]},
            leaving={item["id"]: _leaving(item) for item in body["leaving"]},
            paused={str(name): float(at) for name, at in body["paused"].items()},
            since={(int(i), str(fault)): float(at) for i, fault, at in body["since"]},
            cold=ColdStart(**body["cold"]) if body["cold"] else None,
            warm=bool(body["warm"]),
            last_list_at=body["last_list_at"],
            relabels={item["id"]: _relabel(item) for item in body.get("relabels", [])},
            spend={int(hour): Decimal(dollars) for hour, dollars in body["spend"]},
            bids={int(i): Decimal(bid) for i, bid in body.get("bids", [])},
            told={str(key): float(at) for key, at in body["told"].items()},
            unwanted={int(i): float(at) for i, at in body["unwanted"]},
            **decode_traces(body),
            **decode_health(body),
            **decode_notices(body),
            **decode_trades(body),
        )
    except (KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise ValueError("not a record") from error


def _intent(raw: Mapping[str, Any]) -> Intent:
    return Intent(
        attempt=raw["attempt"],
        seat=seat_of(raw["seat"]),
        at=float(raw["at"]),
        ceiling=Decimal(raw["ceiling"]),
        offer_id=int(raw["offer_id"]),
        machine_id=int(raw["machine_id"]),
        instance_id=raw["instance_id"],
        votes=tuple(map(float, raw["votes"])),
    )


def _known(raw: Mapping[str, Any]) -> Known:
    host, stranger = raw.get("host_id"), bool(raw.get("stranger", False))
    return Known(int(raw["id"]), seat_of(raw["seat"]), float(raw["seen_at"]), bool(raw["listed"]), host, stranger)


def _leaving(raw: Mapping[str, Any]) -> Leaving:
    rate = Decimal(raw["rate_per_hour"])
    keeper, fault, doubt = raw.get("keeper_id"), str(raw.get("fault", "")), raw.get("in_doubt_at")
    at, reason, doubted = float(raw["since"]), str(raw["reason"]), None if doubt is None else float(doubt)
    return Leaving(int(raw["id"]), seat_of(raw["seat"]), at, reason, rate, keeper, fault, doubted)


def _relabel(raw: Mapping[str, Any]) -> Relabel:
    before = None if raw["before"] is None else str(raw["before"])
    at, releasing = float(raw["at"]), bool(raw["releasing"])
    return Relabel(int(raw["id"]), seat_of(raw["seat"]), before, str(raw["ours"]), at, releasing)
