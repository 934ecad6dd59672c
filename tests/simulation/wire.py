"""The product's own `Wire` upon the simulator's door: as it is over its transport, or without the HTTP library between.

The short way overrides the one method that uses HTTP. Pace, repetition, classification and
decoding stay the product's own; what is left out is the making and parsing of HTTP objects, half of the cost of a seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlencode

import httpx

from reconciler.clock import Clock
from reconciler.simulator.door import PATIENCE, Asked, Door, Ending
from reconciler.simulator.transport import REQUEST_TAKES
from reconciler.vast.answers import Answer, Call, NoAnswer, Outcome
from reconciler.vast.client import Wire, _encoded
from reconciler.vast.key import ApiKey
from reconciler.vast.pacing import Pacing

HALF = REQUEST_TAKES / 2
ORIGIN = "http://127.0.0.1"
KEY = ApiKey("simulated-key-of-the-simulation")
_ENDINGS = {
    Ending.TORN: "the connection ended before a whole answer",
    Ending.CLOSED: "the connection ended before a whole answer",
    Ending.REFUSED: "no connection",
}

Hook = Callable[[str, str], None]
"""Is told of each phase of a call: route and phase."""


class DirectWire(Wire):
    """A `Wire` whose exchange goes to a door of the engine directly."""

    def __init__(self, door: Door, clock: Clock, pacing: Pacing, wait: Callable[[float], None], hook: Hook) -> None:
        super().__init__(key=KEY, origin=ORIGIN, clock=clock, pacing=pacing, transport=_NOTHING, jitter=_no_chance)
        self._door = door
        self._wait = wait
        self._hook = hook

    def _exchange(self, call: Call) -> Outcome:
        name = "page" if call.route == "list" and "after_token" in call.query else call.route
        self._hook(name, "before")
        body = b"" if call.body is None else _encoded(call)
        self._wait(HALF)
        self._hook(name, "sent")
        outcome = self._door.handle(Asked(call.method, call.path, urlencode(call.query), _HEADERS, body))
        self._hook(name, "done")
        if outcome.ending is Ending.SILENT or outcome.delay >= PATIENCE:
            self._wait(PATIENCE)
            self._hook(name, "after")
            return NoAnswer(call, "no answer in time")
        self._wait(outcome.delay + HALF)
        self._hook(name, "after")
        if outcome.ending in _ENDINGS:
            return NoAnswer(call, _ENDINGS[outcome.ending])
        status, _headers, content = outcome.answer
        return Answer(replace(call, secrets=(*call.secrets, KEY.reveal())), status, content)


_HEADERS = {"Authorization": f"Bearer {KEY.reveal()}"}


class HttpTransport(httpx.BaseTransport):
    """The same door behind the real HTTP library, with the same phases."""

    def __init__(self, door: Door, wait: Callable[[float], None], hook: Hook) -> None:
        self._door = door
        self._wait = wait
        self._hook = hook

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request, with the endings of the simulator's own transport."""
        asked = Asked(
            request.method, request.url.path, request.url.query.decode(), request.headers, request.read()
        )  # fmt: skip
        name = named(asked)
        self._hook(name, "before")
        self._wait(HALF)
        self._hook(name, "sent")
        outcome = self._door.handle(asked)
        self._hook(name, "done")
        if outcome.ending is Ending.SILENT or outcome.delay >= PATIENCE:
            self._wait(PATIENCE)
            self._hook(name, "after")
            raise httpx.ReadTimeout("timed out", request=request)
        self._wait(outcome.delay + HALF)
        self._hook(name, "after")
        if outcome.ending is Ending.REFUSED:
            raise httpx.ConnectError("Connection refused", request=request)
        if outcome.ending in _ENDINGS:
            raise httpx.RemoteProtocolError("the connection ended")
        status, headers, content = outcome.answer
        return httpx.Response(status, headers=headers, content=content, request=request)


def named(asked: Asked) -> str:
    """The call's name among the points."""
    if asked.method == "PUT":
        return "rent" if "/asks/" in asked.path else "logs" if "/request_logs/" in asked.path else "change"
    if asked.method == "DELETE":
        return "destroy"
    if asked.method == "POST":
        return "search"
    if asked.path.startswith("/api/v1/"):
        return "page" if "after_token" in asked.query else "list"
    return "account" if "users" in asked.path else "show"


def _no_chance() -> float:
    return 0.5


_NOTHING = httpx.MockTransport(lambda request: httpx.Response(500, request=request))
