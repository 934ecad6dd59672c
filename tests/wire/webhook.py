"""A webhook on a real loopback socket, which keeps what it is sent and answers as it is told."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

SECRET = "T0PS3CRET"
POLICY = "kind: Policy\nnotify: [{url: {from_env: OPS_WEBHOOK}%s}]\n"
"""One webhook is told; `%s` is for more about it."""


class Webhook:
    """A context manager; leaving it closes every socket and thread."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.status = 200
        self.drips = 0
        """So many lines come before the end of a header, one at a time."""
        self._closed = threading.Event()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 5

            def do_POST(self) -> None:
                assert self.path == f"/services/{SECRET}"
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                hook.bodies.append(body)
                self.send_response(hook.status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.flush_headers()
                with suppress(OSError):  # Whoever asked may not wait for the end of it.
                    for _ in range(hook.drips):
                        hook._closed.wait(0.02)
                        self.wfile.write(b"X-Drip: 1\r\n")
                    self.end_headers()
                    self.wfile.flush()

            def log_message(self, format: str, *args: Any) -> None:
                """Not logged."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/services/{SECRET}"

    @property
    def texts(self) -> list[str]:
        return [body["text"] for body in self.bodies]

    def __enter__(self) -> Webhook:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
