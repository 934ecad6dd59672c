"""In the simulated world verdicts follow from the world's truth, and waiting for them takes its own time only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from builders import money
from simulator.served import IN_PROCESS, client

from reconciler.cli.virtual import VirtualProbe
from reconciler.core.instance import Instance
from reconciler.core.model import Container, Port
from reconciler.core.offer import OfferQuery, RentOrder
from reconciler.core.readiness import Check, Target
from reconciler.simulator.failing import fail
from reconciler.simulator.knocks import Knocks
from reconciler.simulator.lies import LIES, Lie, Lies, Telling
from reconciler.vast.provider import VastProvider

SSH, GPU, COMMAND = Check("ssh"), Check("gpu"), Check("command", run="test -f /ready")
TCP, HTTP = Check("tcp", port=8000), Check("http", port=8000, path="/v1/models")
ALL = (SSH, GPU, COMMAND, TCP, HTTP)


@dataclass
class Scene:
    """A world in this process, a probe at it, and the lies that are told there."""

    world: object
    provider: VastProvider
    probe: VirtualProbe
    lies: Lies

    def rented(self, gpus: int = 1, wait_s: float = 900, **container: object) -> Instance:
        query = OfferQuery(models=(), gpu_count=gpus, disk_gb=20, min_direct_ports=5)
        given = {"image": "acme/app:1", "disk_gb": 20, "connect": "ssh-direct", "ports": (Port(8000),), **container}
        before = {row.id for row in self.provider.instances().instances}
        order = RentOrder(self.provider.search(query).offers[0].id, "label", Container(**given), {})  # type: ignore[arg-type]
        self.provider.rent(order)
        self.world.advance(wait_s)  # type: ignore[attr-defined]
        (made,) = (row for row in self.provider.instances().instances if row.id not in before)
        return made

    def look(self, instance: Instance, *checks: Check) -> list[str]:
        cards = ((str(instance.gpu_name),), instance.gpu_count or 1, instance.vram_mb, (str(instance.driver),))
        wanted = Target(instance, checks, *cards)
        found = self.probe.check([wanted])[instance.id]
        return [f"{one.check.kind} {one.verdict}" + (f": {one.cause}" if one.cause else "") for one in found]

    def lie(self, name: str | None, seconds: float = 3600.0) -> None:
        self.lies.tell(Telling(None, Lie(name, seconds) if name else None))


@pytest.fixture
def scene() -> Iterator[Scene]:
    with client(IN_PROCESS) as found:
        lies = Lies()
        yield Scene(found.world, found.provider, VirtualProbe(None, lambda: Knocks(found.world, lies)), lies)  # type: ignore[arg-type]


def test_what_runs_is_ready_whatever_the_user_s_own_program_is_asked(scene):
    assert scene.look(scene.rented(gpus=2), *ALL) == [f"{check.kind} pass" for check in ALL]


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


@pytest.mark.parametrize("lie", LIES)
def test_every_lie_is_found_as_over_real_sockets(scene, lie):
    instance = scene.rented(gpus=2)
    assert scene.look(instance, SSH) == ["ssh pass"]
    scene.lie(lie)
    kind, cause = LYING[lie]
    *passed, last = scene.look(instance, *ALL)
    assert last == f"{kind} fail: {cause}"
    assert [each.split()[0] for each in passed] == [check.kind for check in ALL][: len(passed)]
    scene.lie(None)
    assert scene.look(instance, *ALL)[-1] == "http pass"


def test_a_container_that_is_not_up_refuses(scene):
    instance = scene.rented(wait_s=0)
    for check in (SSH, GPU, COMMAND):
        assert scene.look(instance, check) == [f"{check.kind} fail: connection refused"]
    scene.world.advance(900)
    assert scene.look(instance, TCP) == ["tcp pass"]


BROKEN = {"offline": "timed out", "exited": "connection refused", "gone": "timed out"}


@pytest.mark.parametrize(("how", "cause"), BROKEN.items())
def test_what_broke_is_not_ready(scene, how, cause):
    instance = scene.rented()
    fail(scene.world, instance.id, how)
    assert scene.look(instance, SSH) == [f"ssh fail: {cause}"]
    assert scene.look(instance, HTTP) == [f"http fail: {cause}"]


def test_one_without_an_ssh_server_hangs_up(scene):
    assert scene.look(scene.rented(connect="args"), SSH) == ["ssh fail: connection closed"]


def test_a_port_that_is_not_published_is_said_so(scene):
    assert scene.look(scene.rented(), replace(TCP, port=9000)) == ["tcp fail: port not published"]


def test_a_refusal_ends_after_its_time(scene):
    instance = scene.rented()
    scene.lie("refuses", 60.0)
    assert scene.look(instance, TCP) == ["tcp fail: connection refused"]
    scene.world.advance(61)
    assert scene.look(instance, TCP) == ["tcp pass"]


def test_a_command_that_fails_everywhere_fails_here(scene):
    assert scene.look(scene.rented(), Check("command", run="false")) == ["command fail: exit 1"]


TIMES = {"ssh to a silence": ("no-banner", SSH, 10.0), "a slow command": ("slow", COMMAND, 30.0)}


@pytest.mark.parametrize(("lie", "check", "seconds"), TIMES.values(), ids=TIMES)
def test_many_that_are_slow_take_the_time_of_one(scene, lie, check, seconds):
    many = [scene.rented() for _ in range(3)]
    scene.lie(lie)
    began = scene.world.now
    scene.probe.check([Target(instance, (check,)) for instance in many])
    assert seconds <= scene.world.now - began <= seconds + 1


def test_looking_at_nothing_takes_no_time(scene):
    began = scene.world.now
    assert scene.probe.check([]) == {}
    assert scene.world.now == began


def test_the_host_keys_of_simulated_instances_are_kept_beside_the_simulated_ledger(project):
    """So the alarm also rings in a later command."""
    from reconciler.cli.compose import open_world
    from reconciler.cli.options import Where
    from reconciler.core.instance import Account

    from .project import LEDGER, STATE

    project.fleet()
    project.apply().assert_success()
    causes = []
    for lie in (None, Lie("host-key-changed")):
        with open_world(Where(True, None, None, STATE)) as world:
            assert world.simulation is not None
            world.simulation.lies.tell(Telling(None, lie))
            world.ledger(Account(704117, money("1")), "default", read_only=True).close()
            (instance,) = world.provider.instances().instances
            (found,) = world.probe.check([Target(instance, (SSH,))])[instance.id]
            causes.append(found.cause)
    assert causes == ["", "host key changed"]
    assert LEDGER.with_name("simulated.known_hosts").exists()
    project.run("simulate", "reset").assert_success()
    assert not LEDGER.with_name("simulated.known_hosts").exists(), "a new world has other instances under the same ids"
