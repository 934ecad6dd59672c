"""`/metrics` and `/healthz` over HTTP, from a thread of its own: it reads one value that the loop replaces."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from reconciler.core.snapshot import Snapshot
from reconciler.core.watching import STALLED_S
from reconciler.errors import ReconcileError
from reconciler.views.metrics import CONTENT_TYPE, metrics_text
from reconciler.views.wording import moment

PATIENCE_S = 5.0
"""How long a client may take for its request."""


class Board:
    """How things stand, put up by the loop and read by whoever asks."""

    def __init__(self, now: Callable[[], float], owner: str = "") -> None:
        self._now = now
        self._owner = owner
        self._began = now()
        self.shown: Snapshot | None = None

    def show(self, snapshot: Snapshot) -> None:
        """Put up a new one. Assigning a name is all there is to it, so no reader sees half of it."""
        self.shown = snapshot

    def metrics(self) -> str:
        """The page for Prometheus."""
        return metrics_text(self.shown or Snapshot(self._began, self._began, self._owner))

    def health(self) -> tuple[int, str]:
        """Whether the loop goes on: 200, or 503 when its pass is long overdue. What it found is no part of this."""
        shown = self.shown
        if shown is None:
            if self._now() > self._began + STALLED_S:
                return 503, f"stuck: the first pass began at {moment(self._began)}\n"
            return 200, "ok: the first pass is under way\n"
        if self._now() > shown.due_at:
            return 503, f"stuck: the last pass ended at {moment(shown.at)}, the next one is overdue\n"
        good = "none yet" if shown.good_at is None else moment(shown.good_at)
        return 200, f"ok: last pass {moment(shown.at)}, last good pass {good}\n"


class _Handler(BaseHTTPRequestHandler):
    board: Board
    timeout = PATIENCE_S
    protocol_version = "HTTP/1.0"
    server_version = "reconcile"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer one of the two pages."""
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._answer(200, self.board.metrics(), CONTENT_TYPE)
        elif path == "/healthz":
            status, text = self.board.health()
            self._answer(status, text, "text/plain; charset=utf-8")
        else:
            self._answer(404, "there are /metrics and /healthz\n", "text/plain; charset=utf-8")

    def _answer(self, status: int, text: str, kind: str) -> None:
        body = text.encode("utf-8")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Requests are not logged."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)

    def handle_error(self, *_: Any) -> None:
        """A client that went away is nobody's business."""


@contextmanager
def listening(address: tuple[str, int], board: Board) -> Iterator[str]:
    """Serve `board` at `address` while inside; where it is reached. Port 0 takes a free one."""
    handler = type("Handler", (_Handler,), {"board": board})
    try:
        server = _Server(address, handler)
    except OSError as error:
        where = f"{address[0]}:{address[1]}"
        hint = "is another watch running? give another port, or --listen off"
        raise ReconcileError(f"cannot listen on {where}: {error.strerror}", hint=hint) from error
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        host, port = str(server.server_address[0]), server.server_address[1]
        yield f"http://{f'[{host}]' if ':' in host else host}:{port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
