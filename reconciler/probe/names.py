"""Names of servers turned into addresses, side by side and within a time.

The system's resolver cannot be stopped and may take a minute to say that it knows nothing. Each name is therefore
asked for in a thread of its own, once a call; one that the resolver keeps beyond the caller's patience ends when the
resolver lets go of it, and keeps no program from ending.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence

from reconciler.core.causes import NOT_RESOLVED
from reconciler.probe.visit import Missed, Visit

Resolve = Callable[[str], Sequence[str]]
"""A name's addresses, best first. Raises OSError where there are none."""

SLICE_S = 0.2
"""How often somebody who waits for a name looks whether he is to go on."""


def resolve(name: str) -> Sequence[str]:
    """As the system resolves it."""
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class _Question:
    """One name, asked for once."""

    def __init__(self, name: str, ask: Resolve) -> None:
        self.answer: Sequence[str] = ()
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._find, args=(name, ask), name="resolving", daemon=True)
        self.thread.start()

    def _find(self, name: str, ask: Resolve) -> None:
        try:
            self.answer = ask(name)
        except (OSError, UnicodeError):  # The latter for a name that no server can have.
            self.answer = ()
        finally:
            self.done.set()


class Names:
    """The names of one call; any thread may ask."""

    def __init__(self, ask: Resolve = resolve) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._asked: dict[str, _Question] = {}

    def addresses(self, name: str, visit: Visit) -> Sequence[str]:
        """The addresses of a name, at least one. Raises `Missed`."""
        with self._lock:
            question = self._asked.get(name) or self._asked.setdefault(name, _Question(name, self._ask))
        slices = int(visit.patience.connect_s / SLICE_S) + 1
        while slices and not visit.is_over and not question.done.wait(SLICE_S):
            slices -= 1
        if not question.answer:
            raise Missed(NOT_RESOLVED, f"{name} has no address that could be found")
        return question.answer

    def close(self) -> None:
        """Wait for the threads whose answers are there."""
        for question in self._asked.values():
            if question.done.is_set():
                question.thread.join()
