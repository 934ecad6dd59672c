"""The lines of a watch: JSON for machines, one object a line, or words for a terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal

from reconciler.core.history import Event
from reconciler.core.text import safe
from reconciler.core.watching import Note
from reconciler.views.wording import moment

_LIMIT = 1000
_DIGITS = 6
"""Of a dollar: what the marketplace sends has the digits of a float."""
_MARKS = {"info": " ", "warning": "!", "error": "!"}


def log_json(note: Note) -> str:
    """`{"at": "2026-11-21T03:04:05Z", "level": "info", "event": "rented", ...}`, ASCII only, never a line break."""
    head = {"at": moment(note.at), "level": note.level, "event": note.event}
    return json.dumps({**head, **_plain(note.fields)}, ensure_ascii=True, separators=(",", ":"))


def log_text(note: Note) -> str:
    """The same as a person reads it."""
    said = "  ".join(_said(name, value) for name, value in _plain(note.fields).items() if value not in (None, "", []))
    return f"{moment(note.at)} {_MARKS[note.level]} {note.event}  {said}".rstrip()


def _said(name: str, value: object) -> str:
    if name in ("text", "seat", "error"):
        return str(value)
    return f"{name}={','.join(map(str, value)) if isinstance(value, list) else value}"


def _plain(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: _value(value) for name, value in fields.items()}


def _value(value: object) -> object:
    if isinstance(value, str):
        return str(safe(value, _LIMIT))
    if isinstance(value, Decimal):
        return format(round(value, _DIGITS).normalize(), "f")
    return [_value(each) for each in value] if isinstance(value, list | tuple) else value


_WARNS = frozenset(
    {"doubtful", "refused", "leak opened", "vanished", "host key changed", "held back", "frozen", "strike"}
)


def note_of(event: Event) -> Note:
    """An event of the history as a line."""
    where: dict[str, object] = {"fleet": event.fleet} if event.index is None else {"seat": event.where}
    rate = {"dollars_per_hour": event.rate_per_hour} if event.rate_per_hour else {}
    fields = {**where, "instance": event.instance_id, "text": event.text, **rate}
    level = "warning" if event.kind in _WARNS else "info"
    kept = {name: value for name, value in fields.items() if value not in (None, "")}
    return Note(event.at, "warning" if level == "warning" else "info", event.kind.replace(" ", "_"), kept)
