"""However many instances there are and whatever they do: a call ends in time, and leaves nothing behind."""

from __future__ import annotations

import gc
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest

from reconciler.core.instance import Endpoint, Instance
from reconciler.core.model import Port
from reconciler.core.readiness import Target
from reconciler.errors import Interrupted
from reconciler.probe.checks import MachineProbe
from reconciler.probe.rounds import Manner
from reconciler.probe.visit import Patience

from .served import GPU, HASTE, HTTP, SSH, TCP, copies, key_file, look, probe, said, served, target

HERE = "127.0.0.1"
LONG = Patience(connect_s=30, answer_s=30, target_s=30, call_s=60)


@contextmanager
def answering(act) -> Iterator[Instance]:
    """An instance whose every port is served by `act(connection)`, each connection in a thread of its own."""
    threads: list[threading.Thread] = []
    connections: list[socket.socket] = []

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            act(connection)

    def accept() -> None:
        while True:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            connections.append(connection)
            threads.append(threading.Thread(target=serve, args=(connection,), name="server", daemon=True))
            threads[-1].start()

    with socket.socket() as listener:
        listener.bind((HERE, 0))
        listener.listen(128)
        acceptor = threading.Thread(target=accept, name="server", daemon=True)
        acceptor.start()
        way = Endpoint(HERE, listener.getsockname()[1])
        yield Instance(7, None, ssh_direct=way, endpoints=((Port(22), way), (Port(8000), way)))
        listener.shutdown(socket.SHUT_RDWR)
        acceptor.join()
    for connection, thread in zip(connections, threads, strict=True):
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        thread.join()


def until_the_end(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


@contextmanager
def nothing_left() -> Iterator[None]:
    """Of the probe: neither a thread, nor a socket, whose closing by nobody would be a warning, and so an error."""
    before = ours()
    yield
    assert ours() <= before
    gc.collect()


def ours() -> set[threading.Thread]:
    """The threads that are not a server's."""
    return {thread for thread in threading.enumerate() if not thread.name.startswith(("asyncio", "server"))}


def recording(kept: list[socket.socket]):
    """Connects, and keeps the sockets."""

    def connect(connection: socket.socket, address: tuple[str, int]) -> None:
        kept.append(connection)
        connection.connect(address)

    return connect


# --- many at once ---------------------------------------------------------------------------------


BRIEF = Patience(connect_s=1.5, answer_s=1.5, target_s=2.0, call_s=20.0)
"""A silence ends after a second and a half."""


def timed(by: MachineProbe, targets: list[Target]) -> tuple[float, list[list[str]]]:
    """How long a look takes, and what it finds of each."""
    began = time.monotonic()
    found = by.check(targets)
    took = time.monotonic() - began
    return took, [said(found[each.instance.id]) for each in targets]


def test_a_hundred_of_which_ten_hang_take_hardly_longer_than_the_slowest_alone():
    opened: list[socket.socket] = []
    by = probe(None, manner=Manner(BRIEF, connect=recording(opened)))
    with served() as world, answering(until_the_end) as mute, answering(drip(b"HTTP/1.1 200 OK\r\nx: ")) as endless:
        well = world.rented()
        quick = [target(each, (TCP, HTTP, SSH)[each.id % 3]) for each in copies(well, 90)]
        hanging = [target(replace((mute, endless)[i % 2], id=i), (SSH, HTTP)[i % 2]) for i in range(1, 11)]
        mixed = [one for i in range(10) for one in (*quick[i * 9 : i * 9 + 9], hanging[i])]
        with nothing_left():
            alone = [timed(by, [each])[0] for each in hanging[:2]]
            together, found = timed(by, mixed)
    assert min(alone) >= BRIEF.answer_s
    assert together < 3 * max(alone), "one after the other they would take ten times as long"
    verdicts = {each.instance.id: one for each, one in zip(mixed, found, strict=True)}
    assert all(verdicts[each.instance.id] == [f"{each.checks[0].kind} pass"] for each in quick)
    ends = {"ssh": ["ssh fail: no banner"], "http": ["http fail: no answer in time"]}
    assert all(verdicts[each.instance.id] == ends[each.checks[0].kind] for each in hanging)
    assert len(opened) == 102
    assert {one.fileno() for one in opened} == {-1}


def test_a_hundred_logins_at_once_leave_nothing_behind(tmp_path):
    with served() as world:
        opened: list[socket.socket] = []
        manner = Manner(replace(HASTE, answer_s=15, target_s=20, call_s=60), connect=recording(opened))
        instance, by = world.rented(), probe(key_file(tmp_path), manner=manner)
        with nothing_left():
            found = by.check([target(each, SSH, GPU, TCP, HTTP) for each in copies(instance, 100)])
    assert {tuple(said(each)) for each in found.values()} == {("ssh pass", "gpu pass", "tcp pass", "http pass")}
    assert len(opened) == 300
    assert {one.fileno() for one in opened} == {-1}


# --- bounds ---------------------------------------------------------------------------------------


def drip(text: bytes):
    """Says one byte after the other, so that no single wait is ever long."""

    def act(connection: socket.socket) -> None:
        while True:
            for place in range(len(text)):
                connection.sendall(text[place : place + 1])
                time.sleep(0.02)

    return act


ENDLESS = {
    "a banner in drops": (SSH, drip(b"x"), "no answer in time"),
    "an HTTP header in drops": (HTTP, drip(b"HTTP/1.1 200 OK\r\nx: "), "no answer in time"),
    "silence on the SSH port": (SSH, until_the_end, "no banner"),
    "silence on the HTTP port": (HTTP, until_the_end, "no answer in time"),
}


@pytest.mark.parametrize(("check", "act", "cause"), ENDLESS.values(), ids=ENDLESS)
@pytest.mark.parametrize("key", [False, True], ids=["without a key", "with a key"])
def test_who_never_ends_is_left_in_time(check, act, cause, key, tmp_path):
    bounds = Patience(connect_s=1, answer_s=0.5, target_s=0.8, call_s=5)
    with answering(act) as instance, nothing_left():
        began = time.monotonic()
        (found,) = probe(key_file(tmp_path) if key else None, bounds).check([target(instance, check)])[7]
        assert time.monotonic() - began < 5
    assert found.verdict == "fail"
    assert found.cause == cause or (check is SSH and found.cause in ("no banner", "no answer in time"))


def test_whose_turn_never_comes_is_not_blamed():
    bounds = Patience(connect_s=5, answer_s=5, target_s=5, call_s=0.5)
    with answering(until_the_end) as instance:
        by = replace(probe(), manner=Manner(bounds, at_once=2))
        began = time.monotonic()
        found = by.check([target(each, SSH) for each in copies(instance, 6)])
        assert time.monotonic() - began < 4
    causes = [one.cause for (one,) in found.values()]
    assert causes[2:] == ["no time left"] * 4
    assert {one.verdict for (one,) in list(found.values())[2:]} == {"cannot tell"}


@pytest.mark.parametrize("key", [False, True], ids=["without a key", "with a key"])
def test_a_stop_ends_it_at_once_and_leaves_nothing_behind(key, tmp_path):
    def stop() -> None:
        raise Interrupted("stopped, as asked")

    with answering(until_the_end) as instance, nothing_left():
        opened: list[socket.socket] = []
        manner = Manner(LONG, connect=recording(opened))
        by = probe(key_file(tmp_path) if key else None, tick=stop, manner=manner)
        began = time.monotonic()
        with pytest.raises(Interrupted):
            by.check([target(each, SSH, HTTP) for each in copies(instance, 80)])
        assert time.monotonic() - began < 5
        assert {one.fileno() for one in opened} == {-1}


def test_a_stop_wakes_whoever_waits_for_a_name():
    let_go = threading.Event()

    def stop() -> None:
        raise Interrupted("stopped, as asked")

    by = replace(probe(), tick=stop, manner=Manner(LONG, resolve=lambda _: let_go.wait(30) and []))
    began = time.monotonic()
    with pytest.raises(Interrupted):
        by.check([target(Instance(7, None, ssh_proxy=Endpoint("ssh4.vast.ai", 1)), SSH)])
    assert time.monotonic() - began < 5
    let_go.set()
    for thread in threading.enumerate():
        if thread.name == "resolving":
            thread.join()


# --- servers that say nonsense --------------------------------------------------------------------


def saying(*texts: bytes):
    def act(connection: socket.socket) -> None:
        for text in texts:
            connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        until_the_end(connection)

    return act


NONSENSE = {
    "a web server": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "nothing": b"",
    "a line": b"hello\r\n",
    "lines without end": b"x\r\n" * 100_000,
    "a line without end": b"x" * 1_000_000,
    "zeroes": bytes(100_000),
    "an escape sequence": b"\x1b]0;owned\x07\r\n",
    "half a banner": b"SSH-",
    "an old protocol": b"SSH-1.5-x\r\n",
    "a banner and an end": b"SSH-2.0-x\r\n",
    "a banner and zeroes": b"SSH-2.0-x\r\n" + bytes(10_000),
    "a banner and a packet beyond reason": b"SSH-2.0-x\r\n" + b"\xff" * 10_000,
    "a banner and a torn packet": b"SSH-2.0-x\r\n" + bytes.fromhex("0000001406") + b"\x14" * 24,
    "a banner that is no text": b"SSH-2.0-\xff\xfe\xff\r\n" + bytes(100),
}
A_BANNER = {name for name, text in NONSENSE.items() if text.startswith(b"SSH-") and b"\n" in text}


@pytest.mark.parametrize(("name", "text"), NONSENSE.items(), ids=NONSENSE)
def test_nonsense_on_the_ssh_port_is_a_failure_in_words_of_ours(name, text, tmp_path):
    with answering(saying(text)) as instance, nothing_left():
        (seen,) = probe().check([target(instance, SSH)])[7]
        (found,) = probe(key_file(tmp_path)).check([target(instance, SSH)])[7]
    assert (seen.verdict == "pass") is (name in A_BANNER)
    assert found.verdict == "fail"
    for one in (seen, found):
        assert one.cause in ("", "connection closed", "not ssh", "ssh failed", "no banner", "no answer in time")
        assert one.detail.isprintable()
        assert len(one.detail) <= 200


ANSWERS = {
    "a redirect, which is not followed": (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", ""),
    "nothing to see": (b"HTTP/1.1 204 No Content\r\n\r\n", ""),
    "a body that never ends": (b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n" + b"x" * 500_000, ""),
    "an old server": (b"HTTP/1.0 200 OK\r\n\r\nok", ""),
    "a failure": (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "http 503"),
    "a failure in another language": (b"HTTP/1.1 500 \x1b[31mrot\x07\r\n\r\n", "http 500"),
    "a status beyond reason": (b"HTTP/1.1 999 x\r\n\r\n", "http 999"),
    "another protocol": (b"SSH-2.0-x\r\n", "not http"),
    "a status that is none": (b"HTTP/1.1 abc OK\r\n\r\n", "not http"),
    "headers without end": (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 10_000, "not http"),
    "a header beyond reason": (b"HTTP/1.1 200 OK\r\na: " + b"b" * 200_000 + b"\r\n\r\n", "not http"),
    "nothing": (b"", "connection closed"),
}


@pytest.mark.parametrize(("text", "cause"), ANSWERS.values(), ids=ANSWERS)
def test_answers_on_the_http_port(text, cause):
    with answering(saying(text)) as instance, nothing_left():
        (found,) = probe().check([target(instance, HTTP)])[7]
    # A server that resets because we leave its text unread has closed the connection, too.
    assert found.cause == cause or (cause == "not http" and found.cause == "connection closed")
    assert found.detail.isprintable()
    assert len(found.detail) <= 200


def test_what_is_asked_over_http_is_one_plain_request():
    asked: list[bytes] = []

    def act(connection: socket.socket) -> None:
        asked.append(connection.recv(65_536))
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

    with answering(act) as instance:
        look(probe(), instance, replace(HTTP, path="/a b?c=d\r\nX-Evil: 1"))
    (text,) = asked
    head, *headers = text.decode("ascii").split("\r\n")
    assert head == "GET /a%20b?c=d%0D%0AX-Evil:%201 HTTP/1.1"
    assert sorted(line.split(":")[0] for line in headers if line) == [
        "Accept", "Accept-Encoding", "Connection", "Host", "User-Agent",
    ]  # fmt: skip
