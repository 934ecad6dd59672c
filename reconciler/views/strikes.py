"""Strikes and logs, for people, for machines, and as a blacklist to commit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from reconciler.core.label import Seat
from reconciler.core.spans import minute
from reconciler.core.strikes import Strike
from reconciler.provider import KeptLog
from reconciler.views.document import envelope
from reconciler.views.parts import Document
from reconciler.views.text import aligned
from reconciler.views.wording import moment, plural

_LONGEST_REASON = 200
"""As much as a blacklist's entry takes."""


@dataclass(frozen=True, slots=True)
class StruckMachine:
    """A machine with the strikes that count."""

    machine_id: int
    strikes: tuple[Strike, ...]
    until: float | None
    """None: it may be rented."""


def strikes_text(found: Sequence[StruckMachine]) -> str:
    """One line a machine: until when it is out, how often it failed, and why the last time."""
    if not found:
        return "No machine has a strike."
    return "\n".join(aligned([_cells(each) for each in found]))


def _cells(each: StruckMachine) -> tuple[str, ...]:
    until = f"struck until {minute(each.until)}" if each.until is not None else "may be rented"
    last = each.strikes[-1]
    return f"machine {each.machine_id}", until, plural(len(each.strikes), "strike"), f"{last.where}: {last.reason}"


def strikes_document(found: Sequence[StruckMachine], now: float) -> Document:
    """The same as data."""
    return envelope("strikes") | {"made_at": moment(now), "machines": [_machine(each) for each in found]}


def _machine(each: StruckMachine) -> Document:
    strikes = [{"at": moment(s.at), "reason": s.reason, "seat": s.where} for s in each.strikes]
    return {
        "machine": each.machine_id,
        "until": None if each.until is None else moment(each.until),
        "strikes": strikes,
    }


def strikes_yaml(found: Sequence[StruckMachine]) -> str:
    """The machines that are out as a `blacklist` block for a policy: each through the day on which its time ends."""
    out = [each for each in found if each.until is not None]
    if not out:
        return "blacklist: {machines: []}"
    return "\n".join(["blacklist:", "  machines:", *(f"    - {_entry(each)}" for each in out)])


def _entry(each: StruckMachine) -> str:
    day = datetime.fromtimestamp(each.until or 0.0, UTC).strftime("%Y-%m-%d")
    reason = json.dumps(each.strikes[-1].reason[:_LONGEST_REASON], ensure_ascii=False)
    return f'{{id: {each.machine_id}, reason: {reason}, until: "{day}"}}'


def forgive_document(machine_id: int, number: int) -> Document:
    """What a word of forgiveness did."""
    return envelope("forgive") | {"machine": machine_id, "forgiven": number}


def logs_text(seat: Seat, found: Sequence[KeptLog]) -> str:
    """Every log under a line that says whose it is."""
    if not found:
        return f"There is no log of {seat}: nothing sits there that tells one, and none was kept."
    return "\n".join(line for log in found for line in (_title(log), *(f"  {text}" for text in log.lines)))


def _title(log: KeptLog) -> str:
    went = f"went: {log.reason}" if log.reason else "is there"
    return f"{log.seat}  instance {log.instance_id}  {minute(log.at)}  {went}"


def logs_document(seat: Seat, found: Sequence[KeptLog]) -> Document:
    """The same as data."""
    logs = [
        {"instance": log.instance_id, "at": moment(log.at), "reason": log.reason or None, "lines": list(log.lines)}
        for log in found
    ]
    return envelope("logs") | {"seat": str(seat), "logs": logs}
