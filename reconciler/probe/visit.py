"""The bounds of looking at one instance: how long each step may take, and one hand that ends all of it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from reconciler.core.causes import NO_ANSWER
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that things may take."""

    connect_s: float = 10.0
    answer_s: float = 10.0
    """For one answer of a server: a banner, a handshake, a login, an HTTP response."""
    target_s: float = 30.0
    """For all checks of one instance."""
    call_s: float = 120.0
    """For all instances of a call."""


class Missed(Exception):
    """A step that did not succeed: `cause` is a word of `core.causes`, `detail` is for people and not yet made safe."""

    def __init__(self, cause: str, detail: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.detail = detail


class Visit:
    """The time left for one instance, and its open sockets.

    Its own thread asks for time and keeps sockets here; another one may `end` it at any moment, which wakes whatever
    waits for one of these sockets. Nothing is opened after the end.
    """

    def __init__(self, patience: Patience, now: Callable[[], float] = time.monotonic) -> None:
        self.patience = patience
        self._now = now
        self._until: float | None = None
        self._is_short = False
        self._ended = False
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()

    def begin(self, at_the_latest: float) -> None:
        """Let its time run; it is over at `at_the_latest` in any case."""
        until = self._now() + self.patience.target_s
        self._is_short = at_the_latest < until
        self._until = min(until, at_the_latest)

    def left(self, most: float | None = None) -> float:
        """Seconds left for the next step, at most `most`. Raises `Missed` when there are none."""
        left = (self._until or 0.0) - self._now()
        if self._ended or left <= 0:
            raise Missed(NO_ANSWER, "the time for this instance is over")
        return left if most is None else min(most, left)

    @property
    def is_over(self) -> bool:
        """Whether its time has begun and is used up, or it was ended."""
        return self._ended or (self._until is not None and self._now() >= self._until)

    @property
    def was_cut_short(self) -> bool:
        """Whether its time is over before it had all that is its due."""
        return self._is_short and self.is_over

    def keep(self, connection: socket.socket) -> None:
        """Have a socket closed at the end. Raises `Missed` after it."""
        with self._lock:
            if not self._ended:
                self._sockets.add(connection)
                return
        connection.close()
        self.left()

    def drop(self, connection: socket.socket) -> None:
        """Close a socket."""
        with self._lock:
            self._sockets.discard(connection)
        connection.close()

    def end(self) -> None:
        """Wake whatever waits; whoever opened the sockets closes them."""
        with self._lock:
            self._ended = True
            for connection in self._sockets:
                with suppress(OSError):  # not connected yet, or not any more
                    connection.shutdown(socket.SHUT_RDWR)
