"""One run at a time: the lease of a ledger, taken before it is read and given back at the end."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from reconciler.clock import Clock
from reconciler.core.lease import Holder, Lease
from reconciler.errors import Busy
from reconciler.provider import Store
from reconciler.views.wording import duration, moment

LOOK_AGAIN_S = 2.0


@dataclass(frozen=True, slots=True)
class Turn:
    """For which command a turn is asked, how long to wait for it, and whom to tell about waiting."""

    command: str
    timeout_s: float = 0.0
    also: str = ""
    """Options that `reconcile unlock` needs as well, to act on the same ledger."""
    told: Callable[[str], None] = lambda _: None


@contextmanager
def holding(store: Store, clock: Clock, turn: Turn) -> Iterator[None]:
    """Hold the lease of `store` while inside. Raises `Busy`, with who holds it, when it does not get free in time."""
    deadline = clock.now() + turn.timeout_s
    lease_id = secrets.token_hex(4)
    holder = Holder(socket.gethostname(), os.getpid(), f"reconcile {turn.command}")
    while (other := store.take(_lease(lease_id, holder, clock.now()), clock.now, is_dead)) is not None:
        left = deadline - clock.now()
        if left <= 0:
            raise Busy(told(other, clock.now()), hint=_way_on(other, turn))
        turn.told(f"waiting for {other.holder.command} (pid {other.holder.pid} on {other.holder.host})")
        clock.sleep(min(left, LOOK_AGAIN_S))
    try:
        yield
    finally:
        store.release()


def _lease(lease_id: str, holder: Holder, now: float) -> Lease:
    return Lease(lease_id, holder, since=now, renewed=now)


def told(lease: Lease, now: float) -> str:
    """Who holds a lease, since when, and when it wrote for the last time."""
    holder = lease.holder
    last = duration(max(0.0, now - lease.renewed))
    who = f"{holder.command} (pid {holder.pid} on {holder.host})"
    return f"the ledger is held by {who} since {moment(lease.since)}, which last wrote {last} ago; lease {lease.id}"


def _way_on(lease: Lease, turn: Turn) -> str:
    return f"wait for it with --lock-timeout 10m, or, if it is dead: reconcile unlock {lease.id}{turn.also}"


def is_dead(holder: Holder) -> bool:
    """Whether the holder ran on this machine and does not any more. Of another machine's nobody here can tell."""
    if holder.host != socket.gethostname() or sys.platform == "win32":
        return False
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False
