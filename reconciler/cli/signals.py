"""Ctrl-C, SIGTERM, a closed terminal: the first asks for an end after the call in flight, a second does not wait."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def asking_to_stop(ask: Callable[[], None]) -> Iterator[None]:
    """While inside, the first signal calls `ask`, and every further one interrupts at once."""
    asked = False

    def handle(number: int, _: object) -> None:
        nonlocal asked
        if asked:
            signal.default_int_handler(number, None)
        asked = True
        ask()

    before = {number: signal.signal(number, handle) for number in _asking()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _asking() -> Iterator[int]:
    """The signals that ask for an end. Whoever was started to outlive its terminal ignores SIGHUP, and goes on to."""
    yield from (signal.SIGINT, signal.SIGTERM)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        yield signal.SIGHUP


@contextmanager
def interrupting_at_once() -> Iterator[None]:
    """While a question is open, Ctrl-C ends the program at once: nothing is in flight."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
