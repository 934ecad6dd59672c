"""Every check over real sockets: what is true passes, and every lie that an instance can tell has its own cause."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest

from reconciler.core.instance import Instance
from reconciler.core.offer import OfferQuery
from reconciler.core.readiness import Check
from reconciler.probe.key import flaw_of_key
from reconciler.probe.known_hosts import KnownHosts
from reconciler.simulator.lies import LIES

from .served import (
    ALL,
    COMMAND,
    GPU,
    HASTE,
    HTTP,
    NOBODYS,
    OURS,
    SSH,
    TCP,
    Served,
    key_file,
    look,
    probe,
    public,
    said,
    served,
    target,
)

BRIEF = {
    "slow": replace(HASTE, target_s=2.0),
    "no-banner": replace(HASTE, answer_s=0.4),
    "http-slow": replace(HASTE, answer_s=0.4),
}
"""For lies that will not answer."""
READY = "touch /root/ready"


@pytest.fixture(scope="module")
def world() -> Iterator[Served]:
    with served() as found:
        yield found


@pytest.fixture(scope="module")
def pair(world: Served) -> Instance:
    return world.rented(gpus=2, onstart=READY)


@pytest.fixture(scope="module")
def single(world: Served) -> Instance:
    return world.rented(onstart=READY)


@pytest.fixture
def honest(world: Served) -> Iterator[None]:
    yield
    world.lie(None)


def test_the_driver_of_an_instance_is_that_of_its_offer_and_nvidia_smi_tells_the_same(world, tmp_path):
    drivers = {}
    for offer in world.provider.search(OfferQuery(models=(), gpu_count=1, disk_gb=20, min_direct_ports=5)).offers:
        drivers[offer.machine_id] = offer.driver
    instance = world.rented()
    assert instance.driver is not None
    assert instance.driver == drivers[instance.machine_id]
    by = probe(key_file(tmp_path))
    for rented, told in ((instance.driver, ["gpu pass"]), (f"{instance.driver}1", ["gpu fail: wrong driver"])):
        wanted = replace(target(instance, GPU), drivers=(rented,))
        assert said(by.check([wanted])[instance.id]) == told


def test_the_truth_passes_every_check(world, pair, tmp_path):
    wanted = [f"{check.kind} pass" for check in ALL]
    assert look(probe(key_file(tmp_path)), pair, *ALL) == wanted


def test_without_a_key_a_banner_is_enough_and_nothing_else_can_be_told(world, single):
    by = probe(None)
    assert look(by, single, SSH, TCP, HTTP) == ["ssh pass", "tcp pass", "http pass"]
    assert look(by, single, GPU, HTTP) == ["gpu cannot tell: no key"]
    assert look(by, single, COMMAND) == ["command cannot tell: no key"]


def test_checks_stop_at_the_first_that_does_not_pass(world, single, tmp_path):
    assert look(probe(key_file(tmp_path)), single, SSH, Check("command", run="false"), TCP) == [
        "ssh pass",
        "command fail: exit 1",
    ]


def test_a_target_without_checks_has_no_findings(world, single):
    assert probe().check([target(single)]) == {single.id: ()}
    assert probe().check([]) == {}


LYING = {
    "one-gpu-missing": ("gpu", "gpu missing"),
    "wrong-memory": ("gpu", "wrong memory"),
    "wrong-name": ("gpu", "wrong gpu"),
    "nvidia-smi-fails": ("gpu", "no driver"),
    "older-driver": ("gpu", "wrong driver"),
    "slow": ("gpu", "no answer in time"),
    "refuses": ("ssh", "connection refused"),
    "no-banner": ("ssh", "no banner"),
    "host-key-changed": ("ssh", "host key changed"),
    "login-denied": ("ssh", "login refused"),
    "http-500": ("http", "http 500"),
    "http-slow": ("http", "no answer in time"),
}


def test_the_table_has_every_lie_there_is():
    assert set(LYING) == set(LIES)


@pytest.mark.usefixtures("honest")
@pytest.mark.parametrize(("lie", "found"), LYING.items(), ids=LYING)
def test_every_lie_is_found_by_its_check_and_by_no_check_before_it(world, pair, tmp_path, lie, found):
    hosts, key = KnownHosts(), key_file(tmp_path)
    assert look(probe(key, hosts=hosts), pair, SSH) == ["ssh pass"]
    world.lie(lie, 3600.0)
    by = probe(key, BRIEF.get(lie, HASTE), hosts=hosts, account_keys=world.provider.ssh_keys)
    checks = ALL if found[0] != "http" else (TCP, HTTP)
    *passed, last = look(by, pair, *checks)
    assert last == f"{found[0]} fail: {found[1]}"
    assert all(each.endswith(" pass") for each in passed)
    assert [each.split()[0] for each in passed] == [check.kind for check in checks][: len(passed)]


@pytest.mark.usefixtures("honest")
@pytest.mark.parametrize("lie", ["slow", "refuses", "http-slow"])
def test_a_lie_that_takes_less_than_our_patience_does_no_harm(world, single, tmp_path, lie):
    world.lie(lie, 0.0 if lie == "refuses" else 0.2)
    assert look(probe(key_file(tmp_path)), world.again(single), *ALL)[-1] == "http pass"


@pytest.mark.usefixtures("honest")
def test_the_only_gpu_that_is_missing_is_none_at_all(world, single, tmp_path):
    world.lie("one-gpu-missing")
    assert look(probe(key_file(tmp_path)), single, GPU) == ["gpu fail: no gpu seen"]


@pytest.mark.usefixtures("honest")
def test_an_end_of_the_lie_is_an_end_of_the_trouble(world, single, tmp_path):
    hosts, key = KnownHosts(), key_file(tmp_path)
    world.lie("host-key-changed")
    assert look(probe(key, hosts=hosts), single, SSH) == ["ssh pass"], "the first key seen is the right one"
    world.lie(None)
    assert look(probe(key, hosts=hosts), single, SSH) == ["ssh fail: host key changed"]
    assert look(probe(key), single, SSH) == ["ssh pass"]


# --- logins ---------------------------------------------------------------------------------------


def test_a_refused_login_counts_only_where_the_account_gave_the_key_to_the_instance(world, single, tmp_path):
    stranger = key_file(tmp_path, NOBODYS)
    unknown = ["ssh cannot tell: login refused"]
    assert look(probe(stranger), single, SSH) == unknown
    assert look(probe(stranger, account_keys=world.provider.ssh_keys), single, SSH) == unknown
    assert look(probe(stranger, account_keys=lambda: ()), single, SSH) == unknown


@pytest.mark.usefixtures("honest")
def test_a_key_that_the_account_got_after_the_instance_is_not_the_machines_fault(world, single, tmp_path):
    world.lie("login-denied")
    by = probe(key_file(tmp_path), account_keys=world.provider.ssh_keys)
    assert look(by, single, SSH) == ["ssh fail: login refused"]
    assert look(by, replace(single, started_at=1e9), SSH) == ["ssh cannot tell: login refused"]


def test_the_accounts_keys_are_asked_for_once_a_call_and_only_when_a_login_was_refused(world, single, tmp_path):
    asked: list[int] = []

    def keys():
        asked.append(1)
        return ()

    both = [target(single, SSH), target(replace(single, id=7), SSH)]
    probe(key_file(tmp_path), account_keys=keys).check(both)
    assert asked == []
    probe(key_file(tmp_path, NOBODYS), account_keys=keys).check(both)
    assert asked == [1]


def test_the_proxy_is_tried_where_the_direct_way_is_shut(world, single, tmp_path):
    shut = replace(single, ssh_direct=replace(single.ssh_direct, port=1))
    assert shut.ssh_proxy != shut.ssh_direct
    for by in (probe(), probe(key_file(tmp_path))):
        assert look(by, shut, SSH) == ["ssh pass"]
        neither = replace(shut, ssh_proxy=shut.ssh_direct)
        assert look(by, neither, SSH) == ["ssh fail: connection refused"]
        assert look(by, replace(single, ssh_direct=None), SSH) == ["ssh pass"]


def test_one_connection_serves_all_checks_that_log_in(world, single, tmp_path):
    asked: list[tuple[str, int]] = []
    by = probe(key_file(tmp_path))

    def counting(connection, address):
        asked.append(address)
        connection.connect(address)

    by = replace(by, manner=replace(by.manner, connect=counting))
    assert look(by, single, SSH, GPU, COMMAND, GPU)[-1] == "gpu pass"
    assert len(asked) == 1


def test_an_instance_without_an_ssh_server_hangs_up(world):
    bare = world.rented(connect="args")
    assert look(probe(), bare, SSH) == ["ssh fail: connection closed"]
    assert look(probe(), bare, HTTP) == ["http pass"]


# --- what was rented --------------------------------------------------------------------------------


RENTED = {
    "another card": ({"gpu_models": ("RTX 5090",)}, "gpu fail: wrong gpu"),
    "one of several cards": ({"gpu_models": ("RTX 5090", "own")}, "gpu pass"),
    "any card": ({"gpu_models": ()}, "gpu pass"),
    "more cards": ({"gpu_count": 2}, "gpu fail: gpu missing"),
    "more memory": ({"vram_mb": 2}, "gpu fail: wrong memory"),
    "a little more memory than the card reports": ({"vram_mb": Decimal("1.07")}, "gpu pass"),
    "memory that nobody told": ({"vram_mb": None}, "gpu pass"),
    "a newer driver": ({"drivers": ("999",)}, "gpu fail: wrong driver"),
    "an older driver": ({"drivers": ("300.1",)}, "gpu pass"),
    "a driver that nobody told": ({"drivers": ()}, "gpu pass"),
}


@pytest.mark.parametrize(("changes", "told"), RENTED.values(), ids=RENTED)
def test_gpus_are_judged_by_what_was_rented(world, single, tmp_path, changes, told):
    own = {
        "gpu_models": lambda names: tuple(str(single.gpu_name) if name == "own" else name for name in names),
        "vram_mb": lambda factor: None if factor is None else single.vram_mb * factor,
    }
    given = {name: own.get(name, lambda value: value)(value) for name, value in changes.items()}
    (found,) = probe(key_file(tmp_path)).check([replace(target(single, GPU), **given)])[single.id]
    assert f"gpu {found.verdict}" + (f": {found.cause}" if found.cause else "") == told


HTTP_CASES = {
    "a path that is there": (Check("http", 8000, "/"), "http pass"),
    "a query": (Check("http", 8000, "/healthz?a=b c"), "http pass"),
    "a path that is not there": (Check("http", 8000, "/nowhere"), "http fail: http 404"),
    "a path of another language": (Check("http", 8000, "/grün"), "http fail: http 404"),
    "a port that is not published": (Check("http", 9000), "http fail: port not published"),
    "a tcp port that is not published": (Check("tcp", 9000), "tcp fail: port not published"),
    "a command that is not there": (Check("command", run="nonsense"), "command fail: exit 127"),
    "a file that is not there": (Check("command", run="test -f /nowhere"), "command fail: exit 1"),
}


@pytest.mark.parametrize(("check", "told"), HTTP_CASES.values(), ids=HTTP_CASES)
def test_single_checks(world, single, tmp_path, check, told):
    assert look(probe(key_file(tmp_path)), single, check) == [told]


def test_why_nobody_could_log_in(tmp_path):
    assert probe(None).why_no_login() == "no SSH key is given that can be used"
    own = key_file(tmp_path)
    assert probe(own, account_keys=lambda: ()).why_no_login() == f"the account does not hold the key {own}"
    assert probe(own, account_keys=lambda: None).why_no_login() is None, "nobody knows"
    assert probe(tmp_path / "none").why_no_login() == f"the key {tmp_path / 'none'} is no file"


def test_why_the_key_that_is_named_is_of_no_use(tmp_path):
    assert probe(None).why_no_key() is None, "none is named, and a banner needs none"
    own = key_file(tmp_path)
    assert probe(own, account_keys=lambda: None).why_no_key() is None, "nobody knows"
    assert probe(own, account_keys=lambda: ()).why_no_key() == f"the account does not hold the key {own}"


USELESS_KEYS = {
    "one that is missing": (None, "is no file"),
    "nonsense": ("no key", "is no private key that can be used"),
    "one with a passphrase": (
        OURS.export_private_key("pkcs8-pem", "a passphrase").decode(),
        "needs a passphrase, which nobody is there to give",
    ),
    "the public half": (public(OURS), "is a public key, not the private one"),
}


@pytest.mark.parametrize(("text", "why"), USELESS_KEYS.values(), ids=USELESS_KEYS)
def test_a_key_that_is_of_no_use_is_told_with_the_reason(tmp_path, text, why):
    path = tmp_path / "key"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    for account_keys in (tuple, lambda: None):
        assert probe(path, account_keys=account_keys).why_no_login() == f"the key {path} {why}"
        assert probe(path, account_keys=account_keys).why_no_key() == f"the key {path} {why}"
    assert flaw_of_key(path) == f"{path} {why}"


def test_a_folder_is_no_key_and_one_that_can_be_used_has_no_flaw(tmp_path):
    assert flaw_of_key(tmp_path) == f"{tmp_path} is no file"
    assert flaw_of_key(key_file(tmp_path)) is None
