"""The health check of a simulated container: one HTTP request, one answer, and the connection ends."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from reconciler.simulator.lies import HTTP_FAILS, HTTP_SLOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.simulator.lies import Lie

PATHS = ("/", "/healthz")
_LARGEST_HEAD = 65536
_PATIENCE = 30.0
_PHRASES = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 500: "Internal Server Error"}


async def check(connection: socket.socket, lie: Callable[[], Lie | None]) -> None:
    """Answer on a connection; the lie is asked for when the request is there."""
    loop = asyncio.get_running_loop()
    try:
        head = await asyncio.wait_for(_head(connection), _PATIENCE)
    except TimeoutError:
        return
    if not head:
        return
    told = lie()
    if told and told.name == HTTP_SLOW:
        await asyncio.sleep(told.seconds)
    status = 500 if told and told.name == HTTP_FAILS else _status(head)
    await loop.sock_sendall(connection, _answer(status, head.startswith(b"HEAD ")))
    connection.shutdown(socket.SHUT_WR)


async def _head(connection: socket.socket) -> bytes:
    loop = asyncio.get_running_loop()
    found = b""
    while b"\r\n\r\n" not in found and len(found) < _LARGEST_HEAD:
        piece = await loop.sock_recv(connection, 4096)
        if not piece:
            return b""
        found += piece
    return found


def _status(head: bytes) -> int:
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        return 400
    if words[0] not in ("GET", "HEAD"):
        return 405
    return 200 if words[1].partition("?")[0] in PATHS else 404


def _answer(status: int, without_body: bool) -> bytes:
    body = b"ok" if status == 200 else _PHRASES[status].encode()
    head = (
        f"HTTP/1.1 {status} {_PHRASES[status]}\r\ncontent-type: text/plain\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + (b"" if without_body else body)
