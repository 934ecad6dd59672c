"""One HTTP connection: reads requests strictly, asks the service, and lets the answer end as it says."""

from __future__ import annotations

import re
import socket
import struct
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from reconciler.simulator.answers import Answer
from reconciler.simulator.answers import answer as said
from reconciler.simulator.door import PATIENCE, Asked, Ending

if TYPE_CHECKING:
    from reconciler.simulator.door import Outcome
    from reconciler.simulator.server import LoopbackServer

LARGEST_BODY = 16 * 1024 * 1024
"""More is not read into memory; the engine itself refuses earlier."""

LARGEST_HEAD = 64 * 1024
"""Bytes of all header lines together."""

_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD")
_CLOSED_AFTER = 120.0
"""Seconds for which a connection may rest; longer than any client keeps one."""

_BODY_WITHIN = 10.0
"""Seconds between two pieces of a request's body."""

_LENGTH = re.compile(r"[0-9]{1,12}", re.ASCII)
_BROKEN = {501: 405, 505: 400}
"""Statuses of the base class that blame the server for what the client did."""

_RESET = struct.pack("ii", 1, 0)
"""The socket option under which closing sends a reset."""


class Connection(BaseHTTPRequestHandler):
    """The standard library's handler, with our limits, our error shape and one write for each answer."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # with it, every answer on a kept connection waits 40 ms for an acknowledgement
    timeout = _CLOSED_AFTER
    server: LoopbackServer

    def __getattr__(self, name: str) -> Any:
        """Every method the base class looks up as `do_…` is answered in the same way."""
        if name.startswith("do_") and name[3:] in _METHODS:
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        body = self._body()
        if body is None:
            return
        parts = self._target()
        if parts is None:
            self.send_error(400, "Bad request target")
            return
        path, query = parts
        asked = Asked(self.command, path, query, dict(self.headers.items()), body)
        self._finish(self.server.service.handle(asked))

    def parse_request(self) -> bool:
        """The base class's reading of request line and headers, and what it lets pass."""
        if not super().parse_request():
            return False
        if self.request_version not in ("HTTP/1.0", "HTTP/1.1"):
            self.send_error(400, "Bad request version")
            return False
        if sum(len(name) + len(value) for name, value in self.headers.items()) > LARGEST_HEAD:
            self.send_error(431)
            return False
        return True

    def _target(self) -> tuple[str, str] | None:
        try:
            parts = urlsplit(self.path)
        except ValueError:
            return None
        return unquote(parts.path), parts.query

    def _body(self) -> bytes | None:
        """The whole body; None where there is none to be had, and the client has been told so."""
        lengths = self.headers.get_all("Content-Length", ["0"])
        if self.headers.get("Transfer-Encoding") is not None:
            self.send_error(411, "A body needs a Content-Length here")
        elif len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0].strip()):
            self.send_error(400, "Bad Content-Length")
        elif int(lengths[0]) > LARGEST_BODY:
            self._read(min(int(lengths[0]), 4 * LARGEST_BODY), keep=False)
            self.send_error(413)
        else:
            body = self._read(int(lengths[0]), keep=True)
            if body is None:
                self.send_error(400, "The body ended early")
            return body
        return None

    def _read(self, length: int, *, keep: bool) -> bytes | None:
        """This many bytes, or None where they do not come; not kept, they are read so that the answer can arrive."""
        found = bytearray()
        self.connection.settimeout(_BODY_WITHIN)
        try:
            while length > 0:
                piece = self.rfile.read1(min(length, 65536))
                if not piece:
                    return None
                length -= len(piece)
                if keep:
                    found += piece
        except TimeoutError:
            return None
        finally:
            self.connection.settimeout(self.timeout)
        return bytes(found)

    def _finish(self, outcome: Outcome) -> None:
        service = self.server.service
        silent = outcome.ending is Ending.SILENT
        self.server.stopping.wait(service.real_seconds(2 * PATIENCE if silent else outcome.delay))
        if outcome.ending is Ending.WHOLE:
            self._write(outcome.answer)
            return
        if outcome.ending is Ending.TORN:
            self._write(outcome.answer, torn=True)
        if outcome.ending is Ending.REFUSED:
            self._reset()
        self.close_connection = True

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.rfile.close()  # it holds the connection open
        self.connection.close()

    def _write(self, reply: Answer, *, torn: bool = False) -> None:
        """Head and body in one piece."""
        headers = {**reply.headers, "content-length": str(len(reply.body))}
        if self.close_connection:
            headers["connection"] = "close"
        lines = [f"HTTP/1.1 {reply.status} {_phrase(reply.status)}", *(f"{name}: {headers[name]}" for name in headers)]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
        body = b"" if self.command == "HEAD" else reply.body[: len(reply.body) // 2] if torn else reply.body
        self.wfile.write(head + body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """The API's error shape in place of a page; the connection ends, for nobody knows where the next one begins."""
        status = _BROKEN.get(code, code)
        self.close_connection = True
        self._write(said({"success": False, "error": "invalid_request", "msg": message or _phrase(status)}, status))

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the service has its own log."""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
