"""The first words of an SSH server, which need no key and no login."""

from __future__ import annotations

import socket

from reconciler.core.causes import CLOSED, NO_BANNER, NOT_SSH
from reconciler.probe.visit import Missed, Visit

MOST = 8192
"""A server may say other lines before its banner (RFC 4253, 4.2); so many bytes of them are listened to."""


def read_banner(connection: socket.socket, visit: Visit) -> str:
    """The line with which an SSH server begins. Raises `Missed`."""
    said = b""
    while len(said) < MOST:
        piece = _received(connection, visit, 512)
        if not piece:
            raise Missed(NOT_SSH if said else CLOSED, _shown(said))
        said += piece
        for line in said.split(b"\n")[:-1]:
            if line.startswith(b"SSH-"):
                return line.decode("latin-1").strip()
    raise Missed(NOT_SSH, _shown(said))


def await_first_byte(connection: socket.socket, visit: Visit) -> None:
    """Return when the server has begun to speak, and leave its words to be read. Raises `Missed`."""
    if not _received(connection, visit, 1, socket.MSG_PEEK):
        raise Missed(CLOSED, "before a word was said")


def _received(connection: socket.socket, visit: Visit, most: int, flags: int = 0) -> bytes:
    connection.settimeout(visit.left(visit.patience.answer_s))
    try:
        piece = connection.recv(most, flags)
    except TimeoutError:
        raise Missed(NO_BANNER, "the port is open and nobody speaks") from None
    except OSError:
        piece = b""
    if not piece:
        visit.left()  # An end of ours looks like one of the server's.
    return piece


def _shown(said: bytes) -> str:
    return f"it says {said[:60].decode('latin-1')!r}" if said else "before a word was said"
