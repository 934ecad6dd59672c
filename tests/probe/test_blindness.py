"""A runner without a key, a route or a resolver blames no machine, whatever it looks at."""

from __future__ import annotations

import errno
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.core.causes import NEVER_COUNTS
from reconciler.core.instance import Endpoint, Instance
from reconciler.core.model import Port
from reconciler.probe.rounds import Manner

from .served import ALL, COMMAND, GPU, HASTE, HTTP, OURS, SSH, TCP, copies, key_file, look, probe, target

HERE = "127.0.0.1"
DIRECT, PROXY = Endpoint("198.51.100.7", 40022), Endpoint("ssh4.vast.ai", 12345)
INSTANCE = Instance(
    7,
    None,
    ssh_direct=DIRECT,
    ssh_proxy=PROXY,
    endpoints=((Port(22), DIRECT), (Port(8000), Endpoint("198.51.100.7", 40080))),
)
"""An instance on an address of the documentation, where nobody is."""


def anywhere(address) -> bool:
    return True


def raising(error: OSError):
    def connect(connection, address):
        raise error

    return connect


def blind(key: Path | None = None, patience=HASTE, allow=anywhere, **means):
    return replace(probe(key), allow=allow, manner=Manner(patience, **means))


def nobody(name):
    raise OSError("Temporary failure in name resolution")


ON_THE_WAY = {
    "the network is unreachable": (OSError(errno.ENETUNREACH, "Network is unreachable"), "no route"),
    "the machine is unreachable": (OSError(errno.EHOSTUNREACH, "No route to host"), "no route"),
    "the network is down": (OSError(errno.ENETDOWN, "Network is down"), "no route"),
    "this machine's firewall says no": (PermissionError(errno.EACCES, "Permission denied"), "no route"),
    "there is no such family of addresses here": (OSError(errno.EAFNOSUPPORT, "not supported"), "no route"),
    "no ports are left here": (OSError(errno.EADDRNOTAVAIL, "Cannot assign"), "no route"),
    "no descriptors are left": (OSError(errno.EMFILE, "Too many open files"), "no sockets left"),
    "no memory is left": (OSError(errno.ENOBUFS, "No buffer space"), "no sockets left"),
    "something nobody thought of": (OSError(errno.EPROTO, "Protocol error"), "no connection"),
}


@pytest.mark.parametrize(("error", "cause"), ON_THE_WAY.values(), ids=ON_THE_WAY)
@pytest.mark.parametrize("check", [SSH, TCP, HTTP], ids=lambda check: check.kind)
def test_no_way_from_here_is_nobodys_fault(error, cause, check):
    assert cause in NEVER_COUNTS
    by = blind(connect=raising(error), resolve=nobody)
    assert look(by, replace(INSTANCE, ssh_proxy=None), check) == [f"{check.kind} cannot tell: {cause}"]


@pytest.mark.parametrize("check", [SSH, GPU, COMMAND], ids=lambda check: check.kind)
def test_with_a_key_no_way_is_nobodys_fault_either(check, tmp_path):
    error = OSError(errno.ENETUNREACH, "Network is unreachable")
    by = blind(key_file(tmp_path), connect=raising(error), resolve=lambda _: [DIRECT.host])
    assert look(by, INSTANCE, check) == [f"{check.kind} cannot tell: no route"]


COUNTED = {
    "a refusal": (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "connection refused"),
    "a silence": (TimeoutError(errno.ETIMEDOUT, "timed out"), "timed out"),
    "a reset": (ConnectionResetError(errno.ECONNRESET, "reset"), "connection closed"),
}


@pytest.mark.parametrize(("error", "cause"), COUNTED.values(), ids=COUNTED)
def test_what_a_machine_itself_does_is_counted(error, cause):
    by = blind(connect=raising(error))
    assert look(by, replace(INSTANCE, ssh_proxy=None), SSH) == [f"ssh fail: {cause}"]
    assert look(by, INSTANCE, TCP) == [f"tcp fail: {cause}"]


def test_a_way_that_cannot_be_judged_makes_the_whole_a_matter_of_doubt():
    """The direct way is refused, and whether the proxy's would do cannot be told where names are not found."""
    by = blind(connect=raising(ConnectionRefusedError(errno.ECONNREFUSED, "refused")), resolve=nobody)
    (found,) = by.check([target(INSTANCE, SSH)])[7]
    assert (found.verdict, found.cause) == ("cannot tell", "name not resolved")
    assert found.detail == "198.51.100.7:40022: connection refused; ssh4.vast.ai:12345: name not resolved"


RESOLVERS = {
    "an error": nobody,
    "nothing": lambda name: [],
    "a private address": lambda name: ["10.0.0.1"],
    "this machine": lambda name: [HERE, "::1"],
    "a name that cannot be sent": lambda name: [f"{name}\ud800".encode("idna").decode()],
}


@pytest.mark.parametrize("resolve", RESOLVERS.values(), ids=RESOLVERS)
def test_a_name_that_leads_nowhere_is_a_matter_of_doubt_and_nobody_is_called(resolve):
    called = []
    by = replace(probe(), manner=Manner(HASTE, connect=lambda *_: called.append(1), resolve=resolve))
    by = replace(by, allow=lambda address: address.is_global)
    found = look(by, replace(INSTANCE, ssh_direct=None), SSH)
    assert found == ["ssh cannot tell: name not resolved"]
    assert called == []


def test_a_resolver_that_never_answers_holds_nobody_up():
    let_go = threading.Event()
    asked = []

    def hanging(name):
        asked.append(name)
        let_go.wait(30)
        return []

    by = blind(resolve=hanging, patience=replace(HASTE, connect_s=0.3))
    many = [target(replace(each, ssh_direct=None), SSH) for each in copies(INSTANCE, 20)]
    began = time.monotonic()
    found = by.check(many)
    lasted = time.monotonic() - began
    let_go.set()
    for thread in threading.enumerate():
        if thread.name == "resolving":
            thread.join()
    assert lasted < 10
    assert asked == ["ssh4.vast.ai"], "each name is asked for once a call"
    assert {one.cause for (one,) in found.values()} == {"name not resolved"}


def test_the_second_address_of_a_name_is_tried_too():
    tried = []

    def connect(connection, address):
        tried.append(address[0])
        raise OSError(errno.ENETUNREACH, "") if ":" in address[0] else ConnectionRefusedError(errno.ECONNREFUSED, "")

    by = blind(connect=connect, resolve=lambda _: ["2001:db8::1", "198.51.100.9"])
    assert look(by, replace(INSTANCE, ssh_direct=None), SSH) == ["ssh fail: connection refused"]
    assert tried == ["2001:db8::1", "198.51.100.9"]


KEYS = {
    "no file": None,
    "an empty file": b"",
    "no key": b"ssh-ed25519 AAAA a-public-one\n",
    "half a key": b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n-----END OPENSSH PRIVATE KEY-----\n",
    "bytes": bytes(range(256)),
}


@pytest.mark.parametrize("content", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("check", [SSH, GPU, COMMAND], ids=lambda check: check.kind)
def test_a_key_that_cannot_be_used_is_no_key_and_is_not_quoted(content, check, tmp_path):
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    by = blind(path, connect=raising(AssertionError("nobody is called")))  # type: ignore[arg-type]
    (found,) = by.check([target(INSTANCE, check)])[7]
    assert (found.verdict, found.cause) == ("cannot tell", "no key")
    assert str(path) in found.detail
    assert "AAAA" not in found.detail
    assert by.public_key() is None


def test_a_key_with_a_passphrase_is_no_key(tmp_path):
    path = tmp_path / "key"
    OURS.write_private_key(str(path), "pkcs8-pem", passphrase="secret")
    (found,) = blind(path).check([target(INSTANCE, SSH)])[7]
    assert (found.verdict, found.cause) == ("cannot tell", "no key")
    assert "passphrase" in found.detail


def test_an_instance_that_tells_no_address_is_not_blamed():
    assert look(blind(), Instance(7, None), SSH) == ["ssh cannot tell: no address"]


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "203.0.113.7"])
def test_only_public_addresses_are_called_unless_it_is_said_otherwise(address):
    called = []
    elsewhere = Endpoint(address, 80)
    inside = replace(INSTANCE, ssh_direct=elsewhere, ssh_proxy=None, endpoints=((Port(8000), elsewhere),))
    by = replace(probe(), allow=lambda each: each.is_global, manner=Manner(HASTE, connect=lambda *_: called.append(1)))
    assert look(by, inside, SSH) == ["ssh fail: address not public"]
    assert look(by, inside, HTTP) == ["http fail: address not public"]
    assert called == []


@pytest.mark.parametrize("without", [0, 3], ids=["no descriptor", "three descriptors"])
def test_a_process_that_may_open_nothing_more_blames_nobody(without):
    import resource
    import socket

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as last:
        last.bind((HERE, 0))
        port = last.getsockname()[1]
        here = replace(INSTANCE, ssh_direct=Endpoint(HERE, port), ssh_proxy=None)
        resource.setrlimit(resource.RLIMIT_NOFILE, (last.fileno() + 1, hard))
        try:
            found = blind().check([target(here, SSH), *(target(each, SSH) for each in copies(here, without))])
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert {one.cause for (one,) in found.values()} == {"no sockets left"}


def test_all_checks_of_the_table_were_thought_of():
    assert {check.kind for check in ALL} == {"ssh", "gpu", "tcp", "http", "command"}
