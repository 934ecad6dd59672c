"""The simulator behind an httpx client, in the same process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import httpx

from reconciler.simulator.door import PATIENCE, Asked, Ending, SoundDoor

if TYPE_CHECKING:
    from reconciler.simulator.door import Door, Outcome
    from reconciler.simulator.world import World

REQUEST_TAKES = 0.2
"""Simulated seconds from a request's first byte to its answer: half on the way there, half back."""


class SimulatedTransport(httpx.BaseTransport):
    """Carries each request to the engine's door; knows nothing of the API."""

    def __init__(self, world: World, door: Door | None = None, *, takes: float = REQUEST_TAKES) -> None:
        self._world = world
        self._door = door or SoundDoor(world)
        self._half = takes / 2

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request, or fail as a network does."""
        asked = Asked(
            request.method, request.url.path, request.url.query.decode(), request.headers, request.read()
        )  # fmt: skip
        self._world.advance(self._half)
        outcome = self._door.handle(asked)
        self._wait(outcome, request)
        self._world.advance(self._half)
        status, headers, content = outcome.answer
        if outcome.ending is Ending.TORN:
            return httpx.Response(
                status, headers={**headers, "content-length": str(len(content))}, stream=_Torn(content)
            )
        return httpx.Response(status, headers=headers, content=content, request=request)

    def _wait(self, outcome: Outcome, request: httpx.Request) -> None:
        patience = request.extensions.get("timeout", {}).get("read") or PATIENCE
        if outcome.ending is Ending.SILENT or outcome.delay >= patience:
            self._world.advance(patience)
            raise httpx.ReadTimeout("timed out", request=request)
        self._world.advance(outcome.delay)
        if outcome.ending is Ending.REFUSED:
            raise httpx.ConnectError("Connection refused", request=request)
        if outcome.ending is Ending.CLOSED:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)


class _Torn(httpx.SyncByteStream):
    """The first half of a body, then the end of the connection."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self._content[: len(self._content) // 2]
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")
