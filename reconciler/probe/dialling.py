"""Opening a connection to an address that somebody else wrote down, and what a failure of it means."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from reconciler.core.causes import (
    CLOSED,
    NO_ROUTE,
    NO_SOCKETS,
    NOT_CONNECTED,
    NOT_PUBLIC,
    NOT_RESOLVED,
    REFUSED,
    TIMED_OUT,
)
from reconciler.core.instance import Endpoint
from reconciler.probe.latency import Address, is_public
from reconciler.probe.names import Names
from reconciler.probe.visit import Missed, Visit

Connect = Callable[[socket.socket, tuple[str, int]], None]
"""Connects a socket to a literal address; raises OSError."""

_NO_ROUTE = frozenset(
    (
        *(errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN),
        *(errno.EACCES, errno.EPERM),  # This machine's own firewall.
        *(errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL),  # No such network here, as IPv6 often.
    )
)
_NO_SOCKETS = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))


@dataclass(frozen=True, slots=True)
class Dialler:
    """Connects to endpoints, to allowed addresses only. Names are looked up, then judged as addresses."""

    names: Names
    allow: Callable[[Address], bool] = is_public
    connect: Connect = socket.socket.connect

    @contextmanager
    def dialled(self, endpoint: Endpoint, visit: Visit) -> Iterator[socket.socket]:
        """A connected socket with a timeout, closed at the end. Raises `Missed`."""
        connection = self._first(self._addresses(endpoint.host, visit), endpoint.port, visit)
        try:
            connection.settimeout(visit.left(visit.patience.answer_s))
            yield connection
        finally:
            visit.drop(connection)

    def _addresses(self, host: str, visit: Visit) -> list[Address]:
        try:
            known, unfit = [ipaddress.ip_address(host)], NOT_PUBLIC
        except ValueError:
            # A name that leads into a private network was looked up where names lie: a captive portal, a filter.
            known, unfit = [ipaddress.ip_address(each) for each in self.names.addresses(host, visit)], NOT_RESOLVED
        allowed = [address for address in known if self.allow(address)]
        if not allowed:
            raise Missed(unfit, f"{host} is no public address")
        return allowed

    def _first(self, addresses: list[Address], port: int, visit: Visit) -> socket.socket:
        """The first address that can be connected to; else what was missed at the last."""
        missed = Missed(NOT_CONNECTED)
        for address in addresses:
            try:
                return self._connected(address, port, visit)
            except Missed as error:
                missed = error
        raise missed

    def _connected(self, address: Address, port: int, visit: Visit) -> socket.socket:
        connection: socket.socket | None = None
        try:
            connection = socket.socket(socket.AF_INET6 if address.version == 6 else socket.AF_INET, socket.SOCK_STREAM)
            visit.keep(connection)
            connection.settimeout(visit.left(visit.patience.connect_s))
            self.connect(connection, (str(address), port))
            visit.left()  # An ended visit wakes a socket as if it were connected.
        except BaseException as error:
            if connection is not None:
                visit.drop(connection)
            if isinstance(error, OSError):
                raise missed(error) from None
            raise
        return connection


def missed(error: OSError) -> Missed:
    """What a failed connection means, in the words of the house."""
    return Missed(_cause(error), (error.strerror or str(error)).lower())


def _cause(error: OSError) -> str:
    match error:
        case ConnectionRefusedError():
            return REFUSED
        case TimeoutError():
            return TIMED_OUT
        case ConnectionError():
            return CLOSED
    if error.errno in _NO_ROUTE:
        return NO_ROUTE
    return NO_SOCKETS if error.errno in _NO_SOCKETS else NOT_CONNECTED
