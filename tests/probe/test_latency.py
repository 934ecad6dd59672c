"""The way to a machine is measured by opening a connection, to public addresses only, within bounds."""

from __future__ import annotations

import gc
import ipaddress
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from reconciler.errors import Interrupted
from reconciler.probe.latency import MAX_ADDRESSES, TcpProbe, is_public

HERE = "127.0.0.1"


def anywhere(address) -> bool:
    """The loopback address too: for tests alone."""
    return True


@contextmanager
def listening(address: str = HERE, port: int = 0) -> Iterator[tuple[socket.socket, int]]:
    with socket.socket() as listener:
        listener.bind((address, port))
        listener.listen(8)
        listener.setblocking(False)
        yield listener, listener.getsockname()[1]


@contextmanager
def silent(*addresses: str) -> Iterator[int]:
    """Addresses that swallow whoever knocks, on one port: their queues are full, and nobody is let in."""
    with ExitStack() as stack:
        port = 0
        for address in addresses:
            listener = stack.enter_context(socket.socket())
            listener.bind((address, port))
            listener.listen(0)
            port = listener.getsockname()[1]
            for _ in range(4):
                filler = stack.enter_context(socket.socket())
                filler.setblocking(False)
                filler.connect_ex((address, port))
        yield port


@pytest.fixture
def closed() -> Iterator[int]:
    """A port that refuses: bound, so that nobody else gets it, and not listening."""
    with socket.socket() as bound:
        bound.bind((HERE, 0))
        yield bound.getsockname()[1]


def visitors(listener: socket.socket) -> int:
    count = 0
    while True:
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


def test_a_machine_that_welcomes_has_answered():
    with listening() as (listener, port):
        found = TcpProbe(anywhere, (port,)).latency_ms([HERE], 5.0)
        assert visitors(listener) == 2
    assert 0 < found[HERE] < 5000


def test_a_machine_that_refuses_has_answered_too(closed):
    assert 0 < TcpProbe(anywhere, (closed,)).latency_ms([HERE], 5.0)[HERE] < 5000


def test_the_second_port_is_enough(closed):
    with silent(HERE) as port:
        began = time.perf_counter()
        assert set(TcpProbe(anywhere, (port, closed)).latency_ms([HERE], 30.0)) == {HERE}
        assert time.perf_counter() - began < 10, "it waited for the port that does not answer"


def test_who_does_not_answer_in_time_is_left_out(closed):
    with silent("127.0.0.2") as port, listening(HERE, port):
        assert set(TcpProbe(anywhere, (port,)).latency_ms(["127.0.0.2", HERE], 0.2)) == {HERE}


def test_nobody_asked_is_nobody_answered():
    assert TcpProbe(anywhere).latency_ms([], 3.0) == {}


def test_an_address_named_twice_is_tried_once():
    with listening() as (listener, port):
        TcpProbe(anywhere, (port,)).latency_ms([HERE, HERE], 5.0)
        assert visitors(listener) == 2


def test_a_family_that_is_missing_here_does_not_disturb_the_others(closed):
    found = TcpProbe(anywhere, (closed,)).latency_ms(["::1", "2001:db8::1", HERE], 1.0)
    assert HERE in found
    assert "2001:db8::1" not in found


def test_no_more_than_a_bounded_number_is_measured(closed):
    """All of 127.0.0.0/8 is this machine; a port that refuses here refuses on all of it."""
    many = [f"127.0.{n // 250}.{n % 250 + 1}" for n in range(300)]
    found = TcpProbe(anywhere, (closed,)).latency_ms(many, 5.0)
    assert list(found) == many[:MAX_ADDRESSES]


def test_side_by_side_all_the_silent_ones_cost_one_wait():
    addresses = [f"127.0.0.{n}" for n in range(1, 13)]
    with silent(*addresses) as port:
        began = time.perf_counter()
        assert TcpProbe(anywhere, (port,)).latency_ms(addresses, 0.1) == {}
        assert time.perf_counter() - began < 0.9


def test_a_call_lasts_three_timeouts_at_most():
    addresses = [f"127.0.0.{n}" for n in range(1, 21)]
    with silent(*addresses) as port:
        began = time.perf_counter()
        assert TcpProbe(anywhere, (port,), at_once=1).latency_ms(addresses, 0.1) == {}
        assert time.perf_counter() - began < 1.5


def test_a_stop_ends_it_at_once_and_leaves_no_socket_behind():
    def stop() -> None:
        raise Interrupted("stopped, as asked")

    with silent(HERE) as port:
        with pytest.raises(Interrupted):
            TcpProbe(anywhere, (port,), stop).latency_ms([HERE], 30.0)
        gc.collect()  # A socket that is still open would be an error here.


# --- which addresses ------------------------------------------------------------------------------

PRIVATE = {
    "this machine": "127.0.0.1",
    "this machine by another number": "127.1.2.3",
    "no address": "0.0.0.0",
    "a network at home": "192.168.1.1",
    "a network at work": "10.0.0.1",
    "another network at work": "172.16.0.1",
    "the provider's own": "100.64.0.1",
    "a cloud's metadata": "169.254.169.254",
    "everybody": "255.255.255.255",
    "a group": "224.0.0.1",
    "the future": "240.0.0.1",
    "an example": "203.0.113.7",
    "a benchmark, as the simulated machines have": "198.18.3.4",
    "this machine, longer": "::1",
    "no address, longer": "::",
    "a link": "fe80::1",
    "a link by its interface": "fe80::1%lo",
    "a public one by an interface": "2606:4700::1111%lo",
    "a site": "fec0::1",
    "a private network, longer": "fd00::1",
    "a group, longer": "ff0e::1",
    "an example, longer": "2001:db8::1",
    "this machine in a mapped address": "::ffff:127.0.0.1",
    "a public one in a mapped address": "::ffff:8.8.8.8",
    "a private one in a compatible address": "::10.0.0.1",
    "a private one behind 6to4": "2002:a00:1::",
    "a private one behind Teredo": "2001:0:4136:e378:8000:63bf:f5ff:fffe",
    "a private one behind NAT64": "64:ff9b::a00:1",
    "a private one behind a NAT64 of one's own": "64:ff9b:1::a00:1",
}


@pytest.mark.parametrize("address", PRIVATE.values(), ids=PRIVATE.keys())
def test_what_is_not_public_is_not_connected_to(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4001::1"])
def test_public_addresses_are_allowed(address):
    assert is_public(ipaddress.ip_address(address))


NO_ADDRESSES = [
    "localhost",
    "example.com",
    "127.1",
    "2130706433",
    "0x7f.1",
    "127.0.0.1:22",
    " 127.0.0.1",
    "",
    "\u0661.1.1.1",
]


def test_no_name_is_looked_up_and_no_odd_spelling_is_understood():
    with listening() as (listener, port):
        assert TcpProbe(anywhere, (port,)).latency_ms(NO_ADDRESSES, 5.0) == {}
        assert visitors(listener) == 0


def test_unless_a_test_says_so_this_machine_is_never_connected_to():
    with listening() as (listener, port):
        assert TcpProbe(ports=(port,)).latency_ms([HERE, "::1", "::ffff:127.0.0.1", "0.0.0.0"], 5.0) == {}
        assert visitors(listener) == 0
