"""How far machines are: the time that opening a TCP connection to their public address takes.

Opening a connection costs one round trip, and no permission: a refusal answers as fast as a welcome. Two ports are
tried at once and the first answer counts: 22, which most hosts serve or refuse, and 443, which firewalls that swallow
the rest let through most often. Nothing is sent over the connection.

The addresses are what hosts say of themselves. A host must not be able to make us connect into the user's own network,
so only literal, public addresses are ever connected to, and no name is ever looked up.
"""

from __future__ import annotations

import errno
import ipaddress
import selectors
import socket
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field
from typing import TYPE_CHECKING, TypeAlias

from reconciler.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

PORTS = (22, 443)
AT_ONCE = 16
"""Addresses side by side: few enough for the weakest line not to delay its own measurements."""
MAX_ADDRESSES = 64
"""More than these are not measured in one call."""
MAX_TIMEOUTS = 3
"""A call lasts at most so many timeouts, whatever it is given."""
TRIES = 2
"""The best of so many counts: a single one may meet a queue."""
SLICE_S = 0.2
_UNDER_WAY = (errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EALREADY)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """True for an address of the public internet that is one machine's, and no other address in disguise."""
    if isinstance(address, ipaddress.IPv6Address):
        holds_another = address.ipv4_mapped or address.sixtofour or address.teredo or address in _NAT64
        if holds_another or address.scope_id or address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_loopback)


def public_or_loopback(address: Address) -> bool:
    """For a marketplace that is served by this very machine: its instances are here, too."""
    return address.is_loopback or is_public(address)


@dataclass(frozen=True, slots=True)
class _Door:
    """One port of one address, by its name in the caller's list."""

    name: str
    address: Address
    port: int


@dataclass(frozen=True, slots=True)
class TcpProbe:
    """Measures from this machine. Everything happens in the calling thread; no socket outlives a call.

    `allowed` decides which addresses may be connected to; only tests on the loopback address give another one.
    `check` is called a few times a second and may raise to stop; `at_once` addresses are tried side by side.
    """

    allowed: Callable[[Address], bool] = is_public
    ports: tuple[int, ...] = PORTS
    check: Callable[[], None] = field(default=lambda: None)
    at_once: int = AT_ONCE

    def latency_ms(self, addresses: Sequence[str], timeout_s: float) -> Mapping[str, float]:
        """The round trip to each public address that answered within `timeout_s`, in milliseconds: best of two."""
        until = time.perf_counter() + MAX_TIMEOUTS * timeout_s
        known = self._literal(addresses)
        best: dict[str, float] = {}
        for start in range(0, len(known), self.at_once):
            doors = [_Door(*one, port) for one in known[start : start + self.at_once] for port in self.ports]
            for _ in range(TRIES):
                answers = self._knock(doors, min(time.perf_counter() + timeout_s, until))
                for door, ms in answers.items():
                    best[door.name] = min(ms, best.get(door.name, ms))
                doors = list(answers)
        return best

    def _literal(self, addresses: Iterable[str]) -> list[tuple[str, Address]]:
        found = []
        for text in dict.fromkeys(addresses):
            try:
                address = ipaddress.ip_address(text)
            except ValueError:
                continue
            if self.allowed(address):
                found.append((text, address))
        return found[:MAX_ADDRESSES]

    def _knock(self, doors: Sequence[_Door], until: float) -> dict[_Door, float]:
        """The first door of each address that answers, in milliseconds. All doors are tried side by side."""
        answers: dict[_Door, float] = {}
        with _selector() as selector:
            waiting = {door.name for door in doors}
            for door in doors:
                self._note(_open(selector, door), door, answers, waiting)
            while waiting and selector.get_map() and (left := until - time.perf_counter()) > 0:
                self.check()
                for key, _ in selector.select(min(left, SLICE_S)):
                    door, began = key.data
                    ms = (time.perf_counter() - began) * 1000
                    self._note(ms if _closed(selector, key) else None, door, answers, waiting)
        return answers

    def _note(self, ms: float | None, door: _Door, answers: dict[_Door, float], waiting: set[str]) -> None:
        if ms is not None and door.name in waiting:
            answers[door] = ms
            waiting.remove(door.name)


@contextmanager
def _selector() -> Iterator[selectors.BaseSelector]:
    """A selector that closes what is still registered."""
    selector = selectors.DefaultSelector()
    try:
        yield selector
    finally:
        for key in list(selector.get_map().values()):
            _close(key)
        selector.close()


def _open(selector: selectors.BaseSelector, door: _Door) -> float | None:
    """Begin to connect. Milliseconds where the answer is there at once, as on this very machine."""
    family = socket.AF_INET6 if door.address.version == 6 else socket.AF_INET
    try:
        connection = socket.socket(family, socket.SOCK_STREAM)
    except OSError:  # No IPv6 here, or no descriptors left: it cannot be told.
        return None
    connection.setblocking(False)
    began = time.perf_counter()
    try:
        code = connection.connect_ex((str(door.address), door.port))
    except OSError as error:
        code = error.errno or errno.EIO
    if code in _UNDER_WAY:
        selector.register(connection, selectors.EVENT_WRITE, (door, began))
        return None
    connection.close()
    return (time.perf_counter() - began) * 1000 if _is_answer(code) else None


def _closed(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> bool:
    """Let go of a connection that came to an end; whether that was an answer of the other side."""
    selector.unregister(key.fileobj)
    assert isinstance(key.fileobj, socket.socket)
    with key.fileobj as connection:
        return _is_answer(connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))


def _close(key: selectors.SelectorKey) -> None:
    if isinstance(key.fileobj, socket.socket):
        key.fileobj.close()


def _is_answer(code: int) -> bool:
    """Connected, or refused: both come from the machine itself."""
    return code in (0, errno.ECONNREFUSED)
