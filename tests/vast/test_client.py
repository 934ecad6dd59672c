"""The wire itself, against a real server on this machine: one rent is one request, whatever happens to it."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from reconciler.errors import DoubtfulReading, Interrupted, Unreachable
from reconciler.provider import RentDoubtful, Rented
from reconciler.vast import client
from reconciler.vast.answers import Answer, Call, NoAnswer
from reconciler.vast.provider import VastProvider

from .world import CANARY, FakeClock, Script, order, page, provider_for, row, said, wire_for

Act = Callable[[socket.socket], None]


def _read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head


def _answer(status: str, body: bytes, extra: str = "") -> Act:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{extra}\r\n".encode()
    return lambda connection: connection.sendall(head + body)


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


def _hang(connection: socket.socket) -> None:
    connection.settimeout(5)
    connection.recv(1)


@contextmanager
def _server(act: Act) -> Iterator[tuple[str, list[bytes]]]:
    heads: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    heads.append(_read_request(connection))
                    act(connection)
                except OSError:
                    pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", heads
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


ENDINGS: dict[str, Act] = {
    "a reset": _reset,
    "a close without an answer": lambda connection: None,
    "half a head": lambda connection: connection.sendall(b"HTTP/1.1 20"),
    "half a body": lambda connection: connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"success"'),
    "no HTTP": lambda connection: connection.sendall(b"hello\r\n\r\n"),
    "502": _answer("502 Bad Gateway", b"<html></html>"),
    "503 with Retry-After": _answer("503 Busy", b"", "Retry-After: 1\r\n"),
    "429": _answer("429 Too Many Requests", b"API requests too frequent"),
    "a redirect to itself": _answer("307 Temporary Redirect", b"", "Location: /api/v0/asks/41/\r\n"),
    "200 without an id": _answer("200 OK", b'{"success": true}'),
    "an illegal header": _answer("200 OK", b"{}", "X: a\rb\0c\r\n"),
    "a huge header": _answer("200 OK", b"{}", "X: " + "a" * 300_000 + "\r\n"),
    "no answer in time": _hang,
}


@pytest.mark.parametrize("act", ENDINGS.values(), ids=ENDINGS.keys())
def test_one_rent_is_one_request_on_the_wire(act, monkeypatch):
    monkeypatch.setattr(client, "_TIMEOUT", httpx.Timeout(1.0 if act is _hang else 10.0))
    clock = FakeClock()
    with _server(act) as (origin, heads):
        wire = wire_for(None, clock, origin)
        answer = VastProvider(wire, clock).rent(order(offer_id=41))
        wire.close()
    assert isinstance(answer, RentDoubtful)
    assert [head.split(b"\r\n")[0] for head in heads] == [b"PUT /api/v0/asks/41/ HTTP/1.1"]
    assert CANARY not in answer.why


def test_a_reading_over_a_real_connection_is_repeated_and_ends_unreachable():
    clock = FakeClock()
    with _server(_reset) as (origin, heads):
        wire = wire_for(None, clock, origin)
        with pytest.raises(Unreachable):
            VastProvider(wire, clock).account()
        wire.close()
    assert len(heads) == 4


@pytest.mark.parametrize("origin", ["https://a..b", "https://" + "a" * 300])
def test_an_address_the_library_refuses_is_an_error_of_ours(origin):
    clock = FakeClock()
    with pytest.raises(Unreachable):
        VastProvider(wire_for(None, clock, origin), clock).account()


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    clock = FakeClock()
    wire = wire_for(None, clock, f"http://127.0.0.1:{port}")
    provider = VastProvider(wire, clock)
    with pytest.raises(Unreachable, match="no connection"):
        provider.account()
    assert isinstance(provider.rent(order()), RentDoubtful)
    wire.close()


def test_the_request_line_and_the_environment_never_hold_or_give_the_key(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    clock = FakeClock()
    with _server(_answer("200 OK", b'{"success": true, "new_contract": 99}')) as (origin, heads):
        wire = wire_for(None, clock, origin)
        assert VastProvider(wire, clock).rent(order()) == Rented(99)
        wire.close()
    assert CANARY.encode() not in heads[0].split(b"\r\n")[0]
    assert heads[0].count(CANARY.encode()) == 1


def test_certificates_are_verified_and_tls_is_prepared_for_https_only(monkeypatch):
    seen: list[object] = []
    real = httpx.HTTPTransport

    def spy(*, verify: bool, **options: object) -> httpx.HTTPTransport:
        seen.append(verify)
        return real(verify=verify, **options)

    monkeypatch.setattr(httpx, "HTTPTransport", spy)
    for origin in ("https://console.vast.ai", "http://127.0.0.1:1"):
        wire_for(None, FakeClock(), origin).close()
    assert seen == [True, False]


def test_a_certificate_that_is_wrong_is_no_connection():
    script = Script(ssl.SSLCertVerificationError("self-signed"))
    with pytest.raises(Unreachable):
        provider_for(script).account()


def test_cookies_are_not_kept():
    script = Script(said(200, {"id": 5, "credit": 1}, **{"Set-Cookie": "a=b; Path=/"}))
    provider = provider_for(script)
    provider.account()
    provider.account()
    assert "cookie" not in script.requests[1].headers


class _Dripping(httpx.SyncByteStream):
    def __init__(self, clock: FakeClock, seconds: float, chunk: bytes) -> None:
        self.clock, self.seconds, self.chunk, self.given = clock, seconds, chunk, 0

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self.clock.time += self.seconds
            self.given += len(self.chunk)
            yield self.chunk


def _endless(seconds: float, chunk: bytes, **headers: str) -> tuple[object, _Dripping]:
    clock = FakeClock()
    stream = _Dripping(clock, seconds, chunk)
    transport = httpx.MockTransport(lambda request: httpx.Response(200, headers=headers, stream=stream))
    return wire_for(transport, clock).once(Call("rent", "PUT", "/x", body={})), stream


def test_an_answer_that_drips_for_ever_is_left():
    outcome, stream = _endless(1.0, b" ")
    assert isinstance(outcome, NoAnswer)
    assert outcome.is_transient
    assert stream.given < 70


def test_an_answer_without_an_end_is_left_before_it_fills_the_memory():
    outcome, stream = _endless(0.0, b" " * 65536)
    assert isinstance(outcome, NoAnswer)
    assert not outcome.is_transient
    assert stream.given <= 16 * 1024 * 1024 + 65536


def test_nothing_is_unpacked():
    outcome, stream = _endless(0.0, b"\x1f\x8b" * 32768, **{"Content-Encoding": "gzip"})
    assert isinstance(outcome, NoAnswer)
    assert stream.given <= 16 * 1024 * 1024 + 65536


def test_an_answer_too_large_is_a_doubtful_reading():
    clock = FakeClock()
    transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=_Dripping(clock, 0.0, b" " * 65536)))
    with pytest.raises(DoubtfulReading, match="too large"):
        VastProvider(wire_for(transport, clock), clock).account()


def test_an_interrupt_passes_and_starts_the_gap():
    class Interrupted(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            raise KeyboardInterrupt

    clock = FakeClock()
    provider = VastProvider(wire_for(Interrupted(), clock), clock)
    with pytest.raises(KeyboardInterrupt):
        provider.rent(order())
    assert provider.free_at("rent") == clock.now() + 4.5


class _Stopping(FakeClock):
    def sleep(self, seconds: float) -> None:
        raise Interrupted("stopped, as asked")


def test_a_stop_ends_the_wait_before_a_reading_is_repeated():
    script = Script(httpx.ReadTimeout("x"), clock=_Stopping())
    with pytest.raises(Interrupted):
        provider_for(script).instances()
    assert len(script.requests) == 1


def test_a_stop_before_a_rent_sends_nothing():
    script = Script(said(200, {"success": True, "new_contract": 99}), clock=_Stopping())
    provider = provider_for(script)
    assert provider.rent(order()) == Rented(99)
    with pytest.raises(Interrupted):
        provider.rent(order())
    assert len(script.requests) == 1


def test_neither_a_call_nor_an_answer_shows_what_it_carries():
    call = Call("rent", "PUT", "/x", query={"q": "secret"}, body={"env": "secret"}, secrets=("secret",))
    answer = Answer(call, 200, b"secret")
    assert "secret" not in f"{call!r} {call} {answer!r} {answer}"
    wire = wire_for(Script(page([row(7)])), FakeClock())
    assert CANARY not in repr(wire) + repr(vars(wire))
