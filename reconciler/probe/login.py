"""Logging in to an instance and running commands there, by paramiko. No exception of it leaves this module."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from reconciler.core.causes import CLOSED, HOST_KEY_CHANGED, LOGIN_REFUSED, NO_ANSWER, NO_BANNER, SSH_FAILED
from reconciler.probe.banner import await_first_byte
from reconciler.probe.known_hosts import HostKey, KnownHosts
from reconciler.probe.visit import Missed, Visit

if TYPE_CHECKING:
    import paramiko
    from paramiko.packet import Packetizer

USER = "root"
"""Who one is on every instance (documented)."""
MOST_OUTPUT = 65_536
"""Bytes of a command's output that are kept; the rest is read and forgotten."""
_JOIN_S = 5.0
"""For a session's thread to end after its socket was closed; it needs a tenth of a second."""


class Ran(NamedTuple):
    """How a command ended, and the beginning of what it said."""

    code: int
    """Below zero: it ended without one."""
    said: str


class Session:
    """A login that stands."""

    def __init__(self, transport: paramiko.Transport, visit: Visit) -> None:
        self._transport = transport
        self._visit = visit

    def run(self, command: str) -> Ran:
        """Run a command for as long as there is time. Raises `Missed`."""
        with _meaning(self._visit):
            channel = self._transport.open_session(timeout=self._visit.left(self._visit.patience.answer_s))
            with closing(channel):
                channel.set_combine_stderr(True)
                channel.settimeout(self._visit.left())
                channel.exec_command(command)
                said = self._output(channel)
                if not channel.status_event.wait(self._visit.left()):
                    raise Missed(NO_ANSWER, "the command's end was never told")
                return Ran(channel.exit_status, said.decode("utf-8", "replace"))

    def _output(self, channel: paramiko.Channel) -> bytes:
        said = b""
        while piece := channel.recv(32_768):
            said = (said + piece)[:MOST_OUTPUT]
            self._visit.left()
        return said


@contextmanager
def logged_in(
    connection: socket.socket, key: paramiko.PKey, instance_id: int, hosts: KnownHosts, visit: Visit
) -> Iterator[Session]:
    """A login over a connection, with its thread ended afterwards. Raises `Missed`.

    The server's key is compared before anything of ours is shown.
    """
    import paramiko

    _be_quiet()
    await_first_byte(connection, visit)
    transport = paramiko.Transport(connection, packetizer_class=_without_timer())
    try:
        with _meaning(visit):
            _shake_hands(transport, hosts.first(instance_id), visit)
            host_key = _host_key(transport)
        if not hosts.is_the_first(instance_id, host_key):
            raise Missed(HOST_KEY_CHANGED, "the server has another key than the first time")
        with _meaning(visit):
            _authenticate(transport, key, visit)
        yield Session(transport, visit)
    finally:
        transport.close()
        connection.close()
        if transport.ident is not None:
            transport.join(_JOIN_S)


def _without_timer() -> type[Packetizer]:
    """The library times a handshake in a thread that outlives a failed one; here the visit bounds it."""
    from paramiko.packet import Packetizer

    class Untimed(Packetizer):
        def start_handshake(self, timeout: float) -> None:
            """Let nothing tick."""

    return Untimed


def _shake_hands(transport: paramiko.Transport, known: HostKey | None, visit: Visit) -> None:
    allowed = visit.left(visit.patience.answer_s)
    transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = allowed
    if known is not None:
        _prefer(transport, known.kind)
    transport.start_client(timeout=allowed)
    if not transport.initial_kex_done:  # It returns like this when its time is over.
        raise Missed(NO_ANSWER, "the handshake did not end")


def _prefer(transport: paramiko.Transport, kind: str) -> None:
    """Ask for the kind of key that was seen the first time: a server has several, and each is right."""
    options = transport.get_security_options()
    ours = [each for each in options.key_types if each == kind or (kind == "ssh-rsa" and each.startswith("rsa-"))]
    options.key_types = (*ours, *(each for each in options.key_types if each not in ours))


def _host_key(transport: paramiko.Transport) -> HostKey:
    key = transport.get_remote_server_key()
    return HostKey(key.get_name(), key.get_base64())


def _authenticate(transport: paramiko.Transport, key: paramiko.PKey, visit: Visit) -> None:
    import paramiko

    until = time.monotonic() + visit.left(visit.patience.answer_s)
    try:
        more = transport.auth_publickey(USER, key)
    except paramiko.AuthenticationException as error:
        # The library tells a login that was never answered in the same way.
        if time.monotonic() >= until or visit.is_over:
            raise Missed(NO_ANSWER, "the login was not answered") from None
        raise Missed(LOGIN_REFUSED, str(error)) from None
    if more:
        raise Missed(LOGIN_REFUSED, "the server wants more than a key")


@contextmanager
def _meaning(visit: Visit) -> Iterator[None]:
    """Turn whatever the library raises into what was missed: a server may send any nonsense."""
    try:
        yield
    except Missed:
        raise
    except Exception as error:
        raise _missed(error, visit.is_over) from None


def _missed(error: Exception, is_over: bool) -> Missed:
    said = f"{type(error).__name__}: {error}"
    if is_over or isinstance(error, TimeoutError):
        return Missed(NO_ANSWER, said)
    if isinstance(error, EOFError | OSError):
        return Missed(CLOSED, said)
    return Missed(NO_BANNER if "SSH protocol banner" in said else SSH_FAILED, said)


def _be_quiet() -> None:
    """The library logs what servers say and its own tracebacks; whatever is wrong is told by what was missed."""
    logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)
