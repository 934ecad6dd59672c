"""A loopback port that an instance keeps: it refuses connections until it is opened. Lives in an asyncio loop."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Visit = Callable[[socket.socket], Awaitable[None]]
    """What becomes of a connection; the gate closes it afterwards."""

LOOPBACK = "127.0.0.1"
_QUEUE = 128


class Gate:
    """Bound from the beginning, so that nobody else gets the port, but listening only while it is open."""

    def __init__(self) -> None:
        self._socket = _bound(0)
        self._open = False
        self._visitors: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """Its number; it changes only if somebody took it in the moment of a closing."""
        return int(self._socket.getsockname()[1])

    def open(self, visit: Visit) -> None:
        """Let people in."""
        if not self._open:
            self._open = True
            self._socket.listen(_QUEUE)
            asyncio.get_running_loop().add_reader(self._socket, self._welcome, visit)

    async def shut(self) -> None:
        """Throw everybody out and refuse whoever comes."""
        if self._open:
            port = self.port
            await self.close()
            try:
                self._socket = _bound(port)
            except OSError:
                self._socket = _bound(0)

    async def close(self) -> None:
        """Throw everybody out and give the port back."""
        if self._open:
            self._open = False
            asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        visitors = list(self._visitors)
        for visitor in visitors:
            visitor.cancel()
        await asyncio.gather(*visitors, return_exceptions=True)

    def _welcome(self, visit: Visit) -> None:
        with suppress(OSError):  # whoever knocked has gone, or there is no room for another file
            connection, _ = self._socket.accept()
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            visitor = asyncio.get_running_loop().create_task(_visited(visit, connection))
            self._visitors.add(visitor)
            visitor.add_done_callback(self._visitors.discard)
            visitor.add_done_callback(lambda _: connection.close())


async def _visited(visit: Visit, connection: socket.socket) -> None:
    with suppress(OSError):  # clients come and go as they like
        await visit(connection)


def _bound(port: int) -> socket.socket:
    found = socket.socket()
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((LOOPBACK, port))
        found.setblocking(False)
    except OSError:
        found.close()
        raise
    return found
