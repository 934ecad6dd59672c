"""An answer of the API before it becomes bytes, and the shapes of its refusals."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON = {"content-type": "application/json"}
"""Exactly so: the official client refuses `application/json; charset=utf-8` on searches."""

HTML_PAGE = b'<!DOCTYPE html>\n<html lang="en"><head><title>Vast.ai | Console</title></head><body></body></html>\n'


class Answer(NamedTuple):
    """Status, headers and body."""

    status: int
    headers: dict[str, str]
    body: bytes


def answer(content: Any, status: int = 200, **headers: str) -> Answer:
    """A JSON answer."""
    extra = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {**JSON, **extra}, encoded(content).encode())


def joined(fields: Mapping[str, str]) -> Answer:
    """The JSON answer of one object whose fields are encoded already."""
    return Answer(200, dict(JSON), ("{" + ",".join(f'"{name}":{text}' for name, text in fields.items()) + "}").encode())


def encoded(content: Any) -> str:
    """JSON as the API writes it."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def page() -> Answer:
    """What an unknown path gets: the web page, with status 200."""
    return Answer(200, {"content-type": "text/html; charset=utf-8"}, HTML_PAGE)


def text(content: str, status: int) -> Answer:
    """A plain text answer."""
    return Answer(status, {"content-type": "text/plain; charset=utf-8"}, content.encode())


class Refused(Exception):
    """Raised by a handler; carries the answer."""

    def __init__(self, reply: Answer) -> None:
        super().__init__(reply.status)
        self.reply = reply


def refusal(status: int, error: str, msg: str, **more: Any) -> Refused:
    """A refusal in the usual shape: success false, a word, a text."""
    return Refused(answer({"success": False, "error": error, "msg": msg, **more}, status))


def invalid_request(msg: str) -> Refused:
    """400 for a query that cannot be understood."""
    return refusal(400, "invalid_request", f"Error in query parameters: {msg}")


def no_such_instance(instance_id: int) -> Refused:
    """404 for an id that is not (or no longer) an instance of this account."""
    return refusal(404, "no_such_instance", f"Instance {instance_id} not found.")
