"""The simulator behind an httpx client, in the same process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from reconciler.simulator.routes import handle

if TYPE_CHECKING:
    from reconciler.simulator.world import World

REQUEST_TAKES = 0.2
"""Simulated seconds from a request's first byte to its answer: half on the way there, half back."""


class SimulatedTransport(httpx.BaseTransport):
    """Carries each request to the engine's door; knows nothing of the API."""

    def __init__(self, world: World) -> None:
        self._world = world

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        body = request.read()
        self._world.advance(REQUEST_TAKES / 2)
        status, headers, content = handle(
            self._world, request.method, request.url.path, request.url.query.decode(), request.headers, body
        )
        self._world.advance(REQUEST_TAKES / 2)
        return httpx.Response(status, headers=headers, content=content, request=request)
