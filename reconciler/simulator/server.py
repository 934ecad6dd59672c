"""The simulator behind a real HTTP server, on this machine's loopback address only."""

from __future__ import annotations

import socket
import sys
import threading
from contextlib import suppress
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from reconciler.errors import ReconcileError
from reconciler.simulator.connection import Connection
from reconciler.simulator.service import Service
from reconciler.simulator.simulation import Simulation

if TYPE_CHECKING:
    from types import TracebackType

    from reconciler.simulator.faults import Rule
    from reconciler.simulator.shells import Shells
    from reconciler.simulator.world import World

LOOPBACK = "127.0.0.1"

_ENDS_WITHIN = 5.0
"""Seconds that a connection's thread has to end."""


class LoopbackServer(ThreadingHTTPServer):
    """The standard library's server, which knows its connections so that it can end them."""

    daemon_threads = True
    request_queue_size = 128
    block_on_close = False

    def __init__(self, port: int, service: Service) -> None:
        self.service = service
        self.stopping = threading.Event()
        self._open: dict[threading.Thread, socket.socket] = {}
        super().__init__((LOOPBACK, port), Connection)

    def server_bind(self) -> None:
        """Bind without asking for this machine's name, which may take seconds."""
        socket.socket.bind(self.socket, self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = LOOPBACK, self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give a connection a thread of its own."""
        thread = threading.Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        self._open[thread] = request
        thread.start()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """One connection, from its first request to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._open.pop(threading.current_thread(), None)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """A client that goes away in the middle is no error of ours; anything else is kept for whoever looks."""
        error = sys.exception()
        if not isinstance(error, OSError):
            self.service.failures.append(repr(error))

    def end_connections(self) -> None:
        """Wake every thread that waits for a client, and wait for their ends."""
        self.stopping.set()
        for thread, connection in list(self._open.items()):
            with suppress(OSError):  # it may have ended by itself meanwhile
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(_ENDS_WITHIN)


class SimulatorServer:
    """A world at `url`, from `start` to `stop`; also a context manager.

    `speed` is how many times as fast as the real clock the world's own runs; with 0 it moves by `advance` only. With
    `shells` its instances can be reached. Without `limits` no request comes too early, and none is one too many.
    """

    def __init__(
        self,
        world: World | Simulation,
        *,
        port: int = 0,
        speed: float = 0.0,
        faults: tuple[Rule, ...] = (),
        shells: Shells | None = None,
        limits: bool = True,
    ) -> None:
        own = world.world if isinstance(world, Simulation) else world
        own.limited = limits
        self.service = Service(own, speed=speed, faults=faults, shells=shells)
        self._server = _listening(port, self.service)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="simulator", daemon=True
        )

    @property
    def url(self) -> str:
        """What `VAST_URL` is to be set to."""
        return f"http://{LOOPBACK}:{self._server.server_port}"

    def start(self) -> None:
        """Begin to answer."""
        if self.service.shells is not None:
            self.service.shells.start(self.service.world)
        self._thread.start()

    def stop(self) -> None:
        """End every connection and give the port back; the world is as the last request left it."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.end_connections()
        self._server.server_close()
        if self.service.shells is not None:
            self.service.shells.stop(self.service.world)

    def __enter__(self) -> SimulatorServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _listening(port: int, service: Service) -> LoopbackServer:
    try:
        return LoopbackServer(port, service)
    except OSError as error:
        raise ReconcileError(
            f"port {port} of {LOOPBACK} cannot be used: {error.strerror}", hint="--port 0 takes a free one"
        ) from error
