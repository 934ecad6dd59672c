"""One attempt is one PUT on the wire, counted in the bytes that a TCP server receives, whatever it does with them."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest

from reconciler.core.model import Container
from reconciler.core.offer import RentOrder
from reconciler.provider import RentDoubtful
from reconciler.vast.answers import Call
from reconciler.vast.client import Wire
from reconciler.vast.key import ApiKey
from reconciler.vast.pacing import Pacing
from reconciler.vast.provider import VastProvider

from .stub import KEY
from .world import JumpingClock, Shell, ended

SHORT_S = 0.3
"""How long an answer is waited for here; the product waits longer in the same place."""
RENTED = b'{"success": true, "new_contract": 9001}'


class Connection:
    """One connection as the server has it; everything that arrives is kept."""

    def __init__(self, server: Counter, peer: socket.socket) -> None:
        self.server, self.peer = server, peer

    def request(self) -> bytes:
        """One whole request; empty where the client went away."""
        data = b""
        while b"\r\n\r\n" not in data or len(data.partition(b"\r\n\r\n")[2]) < _length(data):
            piece = self.peer.recv(65536)
            if not piece:
                return b""
            self.server.keep(piece)
            data += piece
        return data

    def send(self, status: str, body: bytes = b"", *headers: str, length: int | None = None) -> None:
        """An answer that promises `length` bytes, or as many as it has."""
        told = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
        self.peer.sendall("\r\n".join([*told, "", ""]).encode() + body)

    def reset(self) -> None:
        """End the connection the hard way."""
        self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.peer.close()

    def drained(self) -> None:
        """Say nothing more, and read until the client gives up."""
        while piece := self.peer.recv(65536):
            self.server.keep(piece)


def _length(data: bytes) -> int:
    head = data.lower().partition(b"content-length: ")[2]
    return int(head.split(b"\r\n")[0]) if head else 0


Behaviour = Callable[[Connection], None]


class Counter:
    """A TCP server that knows nothing of Vast.ai: it counts what it receives and does as it is told."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.received = b""
        self.connections = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, name="counter")]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def puts(self) -> int:
        """How many PUTs arrived, on all connections together."""
        return self.received.count(b"PUT /")

    def keep(self, piece: bytes) -> None:
        with self._lock:
            self.received += piece

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(peer,), name="counted")
            self._threads.append(thread)
            thread.start()

    def _serve(self, peer: socket.socket) -> None:
        peer.settimeout(10)
        with contextlib.suppress(OSError), peer:
            self.behaviour(Connection(self, peer))


class Hasty(httpx.HTTPTransport):
    """The transport of the product, in a hurry."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), SHORT_S)
        return super().handle_request(request)


# --- what a server does with a PUT ----------------------------------------------------------------


def resets_at_once(conn: Connection) -> None:
    conn.reset()


def resets_after_the_first_byte(conn: Connection) -> None:
    conn.server.keep(conn.peer.recv(1))
    conn.reset()


def resets_after_the_request(conn: Connection) -> None:
    conn.request()
    conn.reset()


def hangs_up_after_the_request(conn: Connection) -> None:
    conn.request()


def never_answers(conn: Connection) -> None:
    conn.request()
    conn.drained()


def half_a_head(conn: Connection) -> None:
    conn.request()
    conn.peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")
    conn.reset()


def half_a_body(conn: Connection) -> None:
    conn.request()
    conn.send("200 OK", RENTED[:20], length=len(RENTED))


def a_body_that_stops(conn: Connection) -> None:
    conn.request()
    conn.send("200 OK", RENTED[:20], length=len(RENTED))
    conn.drained()


def a_chunk_that_is_none(conn: Connection) -> None:
    conn.request()
    conn.peer.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")


def garbage(conn: Connection) -> None:
    conn.request()
    conn.peer.sendall(b"\x16\x03\x01\x02\x00 no HTTP at all\r\n\r\n")


def goes_on_and_vanishes(conn: Connection) -> None:
    conn.request()
    conn.peer.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    conn.reset()


def answers(status: str, body: bytes = b"", *headers: str) -> Behaviour:
    def behave(conn: Connection) -> None:
        while conn.request():
            conn.send(status, body, *headers)

    return behave


def sends_on(status: str) -> Behaviour:
    def behave(conn: Connection) -> None:
        while conn.request():
            conn.send(status, b"", f"Location: {conn.server.url}/api/v0/asks/502/")

    return behave


def asks_for_a_password(scheme: str) -> Behaviour:
    return answers("401 Unauthorized", b"<html>", f"WWW-Authenticate: {scheme}")


BEHAVIOURS: dict[str, Behaviour] = {
    "a reset before anything was read": resets_at_once,
    "a reset after one byte": resets_after_the_first_byte,
    "a reset after the request": resets_after_the_request,
    "an end without an answer": hangs_up_after_the_request,
    "silence": never_answers,
    "half a head": half_a_head,
    "half a body": half_a_body,
    "a body that stops": a_body_that_stops,
    "a chunk that is none": a_chunk_that_is_none,
    "bytes that are no HTTP": garbage,
    "100, then a reset": goes_on_and_vanishes,
    "502": answers("502 Bad Gateway", b"<html>Bad Gateway</html>"),
    "502 and the connection ends": answers("502 Bad Gateway", b"", "Connection: close"),
    "503 that invites to come again at once": answers("503 Service Unavailable", b"", "Retry-After: 0"),
    "504": answers("504 Gateway Timeout"),
    "429 that invites to come again at once": answers("429 Too Many Requests", b"", "Retry-After: 0"),
    "408": answers("408 Request Timeout", b"", "Connection: close"),
    "421": answers("421 Misdirected Request"),
    "425": answers("425 Too Early"),
    "426 to another protocol": answers("426 Upgrade Required", b"", "Upgrade: h2c", "Connection: Upgrade"),
    "401 that asks for Basic": asks_for_a_password('Basic realm="x"'),
    "401 that asks for Digest": asks_for_a_password('Digest realm="x", nonce="n", qop="auth"'),
    "301": sends_on("301 Moved Permanently"),
    "302": sends_on("302 Found"),
    "303": sends_on("303 See Other"),
    "307": sends_on("307 Temporary Redirect"),
    "308": sends_on("308 Permanent Redirect"),
    "200 with a Refresh header": answers("200 OK", b"{}", "Refresh: 0; url=/api/v0/asks/502/"),
    "a cookie to come again with": answers("503 Service Unavailable", b"", "Set-Cookie: again=1; Path=/"),
    "204": answers("204 No Content"),
}


@pytest.fixture
def count() -> Iterator[Callable[[Behaviour], Counter]]:
    running: list[Counter] = []

    def start(behaviour: Behaviour) -> Counter:
        running.append(Counter(behaviour))
        return running[-1]

    yield start
    for each in running:
        each.close()


@contextlib.contextmanager
def at(server: Counter) -> Iterator[tuple[VastProvider, Wire]]:
    clock = JumpingClock()
    transport = Hasty(trust_env=False)
    pacing = Pacing(clock)
    wire = Wire(key=ApiKey(KEY), origin=server.url, clock=clock, pacing=pacing, transport=transport, jitter=lambda: 1.0)
    try:
        yield VastProvider(wire, clock), wire
    finally:
        wire.close()


def order(number: int = 501) -> RentOrder:
    return RentOrder(number, "rc1/x", Container(image="ghcr.io/acme/june:1", connect="ssh-direct"), {})


@pytest.mark.parametrize("behaviour", BEHAVIOURS.values(), ids=BEHAVIOURS.keys())
def test_one_attempt_is_one_put(count, behaviour):
    server = count(behaviour)
    with at(server) as (provider, _):
        answer = provider.rent(order())
    server.close()
    assert isinstance(answer, RentDoubtful)
    assert KEY not in answer.why
    assert server.connections == 1
    assert server.puts == (0 if behaviour in (resets_at_once, resets_after_the_first_byte) else 1)


@pytest.mark.parametrize("behaviour", [resets_after_the_request, never_answers, BEHAVIOURS["502"]])
def test_two_attempts_are_two_puts(count, behaviour):
    server = count(behaviour)
    with at(server) as (provider, _):
        provider.rent(order(501))
        provider.rent(order(502))
    server.close()
    assert server.puts == 2
    assert [server.received.count(f"PUT /api/v0/asks/{n}/".encode()) for n in (501, 502)] == [1, 1]


def test_a_connection_that_was_kept_and_ends_under_the_put_is_not_opened_again(count):
    """Where HTTP libraries repeat most often: the server closes an idle connection just when it is used again."""

    def one_reading_then_the_end(conn: Connection) -> None:
        conn.request()
        conn.send("200 OK", b'{"id": 1, "credit": 1.0}')
        conn.request()
        conn.reset()

    server = count(one_reading_then_the_end)
    with at(server) as (provider, _):
        provider.account()
        answer = provider.rent(order())
    server.close()
    assert isinstance(answer, RentDoubtful)
    assert (server.connections, server.puts) == (1, 1)


def test_readings_are_repeated_and_counted_the_same_way(count):
    """The counter sees repetition where there is some: a reading may be sent four times."""
    server = count(answers("502 Bad Gateway"))
    with at(server) as (_, wire):
        wire.patiently(Call("account", "GET", "/api/v0/users/current"))
    server.close()
    assert server.received.count(b"GET /") == 4


PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


@pytest.mark.parametrize("behaviour", [resets_after_the_request, BEHAVIOURS["502"], BEHAVIOURS["307"]])
def test_no_proxy_and_no_netrc_of_the_environment_is_used(count, monkeypatch, tmp_path, behaviour):
    server, proxy = count(behaviour), count(answers("200 OK", RENTED))
    for name in PROXIES:
        monkeypatch.setenv(name, proxy.url)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    clock = JumpingClock()
    wire = Wire(key=ApiKey(KEY), origin=server.url, clock=clock, pacing=Pacing(clock))
    answer = VastProvider(wire, clock).rent(order())
    wire.close()
    server.close()
    assert isinstance(answer, RentDoubtful)
    assert (server.puts, proxy.connections) == (1, 0)
    assert server.received.count(f"Bearer {KEY}".encode()) == 1
    assert b"Basic" not in server.received


def test_the_command_uses_no_proxy_either(stub, tmp_path, count):
    proxy = count(answers("200 OK", RENTED))
    shell = Shell(stub, tmp_path)
    proxies = dict.fromkeys(PROXIES, proxy.url)
    ran = ended(shell.start(*shell.line("--no-wait"), NO_PROXY="", no_proxy="", **proxies))
    assert (ran.code, len(stub.mutations), proxy.connections) == (0, 1, 0), ran.said
