"""Real machines are measured over the real network, simulated ones never."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from builders import instance

from reconciler.cli.compose import open_world
from reconciler.cli.options import Scope, Shape, Where
from reconciler.cli.plan import warn
from reconciler.cli.playground import PlaygroundProbe, is_here
from reconciler.cli.rereading import Specs
from reconciler.cli.screen import Screen
from reconciler.cli.virtual import VirtualProbe
from reconciler.core.guards import Allowed
from reconciler.core.instance import Account, Endpoint
from reconciler.core.readiness import Check, Target
from reconciler.core.text import safe
from reconciler.errors import Interrupted
from reconciler.probe.checks import MachineProbe
from reconciler.probe.key import LoginKey
from reconciler.probe.latency import is_public, public_or_loopback

from .project import Project


def test_simulated_machines_answer_in_simulated_time(project: Project) -> None:
    with open_world(Where(True, None, 7, Path("state.json"))) as world:
        assert isinstance(world.probe, VirtualProbe)
        began = world.clock.now()
        assert world.probe.latency_ms(["203.0.113.77"], 30.0) == {}
        assert world.clock.now() - began == pytest.approx(30.0)


def test_the_real_network_is_asked_about_public_addresses_only(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAST_API_KEY", "a-key-of-sixty-four-characters".ljust(64, "0"))
    monkeypatch.setenv("VAST_URL", "http://127.0.0.1:1")
    with open_world(Where(False, None, None, Path("state.json"))) as world:
        assert isinstance(world.probe, PlaygroundProbe)
        machines = world.probe.machines
        assert machines.latency.allowed is is_public
        assert machines.allow is public_or_loopback, "instances of a server on this machine are on it, too"
        world.clock.stop()
        for stopped in (machines.tick, machines.latency.check):
            with pytest.raises(Interrupted):
                stopped()
    monkeypatch.setenv("VAST_URL", "https://console.vast.ai")
    with open_world(Where(False, None, None, Path("state.json"))) as world:
        assert isinstance(world.probe, MachineProbe)
        assert world.probe.allow is is_public


def test_the_key_and_the_host_keys_are_where_they_are_said_to_be(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAST_API_KEY", "a-key-of-sixty-four-characters".ljust(64, "0"))
    monkeypatch.setenv("VAST_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("RECONCILE_LEDGER", str(project.path / "state" / "ledger.db"))
    monkeypatch.setenv("VASTAI_SSH_KEY_PATH", "~/.ssh/id_ed25519")
    with open_world(Where(False, None, None, Path("state.json"))) as world:
        assert isinstance(world.probe, PlaygroundProbe)
        machines = world.probe.machines
        assert machines.key == Path.home() / ".ssh" / "id_ed25519"
        assert machines.hosts.path is None
        world.ledger(Account(7, Decimal(1)), "default", read_only=False).close()
        assert machines.hosts.path == project.path / "state" / "ledger.known_hosts"
        assert machines.account_keys() is None, "nobody answers there, so nobody knows"


def test_a_policy_that_changes_while_it_is_watched_changes_the_key(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAST_API_KEY", "a-key-of-sixty-four-characters".ljust(64, "0"))
    monkeypatch.delenv("VASTAI_SSH_KEY_PATH", raising=False)
    project.fleet()
    with open_world(Where(False, None, None, Path("state.json"))) as world:
        assert isinstance(world.probe, MachineProbe)
        specs = Specs(Scope(("specs",), (), None), Screen(Shape("text", False)), Allowed(), first_run=False)
        for key in ("/keys/first", "/keys/second", None):
            project.policy(**({"ssh_key": key} if key else {}))
            specs.look(world, lambda _: None)
            assert world.probe.key == (Path(key) if key else None)


def test_a_long_wait_for_the_marketplace_is_told_unless_time_is_simulated(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VAST_API_KEY", "a-key-of-sixty-four-characters".ljust(64, "0"))
    for simulate, told in ((False, "  ... the marketplace is asked again in 58s (search)\n"), (True, "")):
        with open_world(Where(simulate, None, 7, Path("state.json"))) as world:
            warn(world, Screen(Shape("text", False)))
            world.wire.pacing.on_wait("search", 57.2)
        assert capsys.readouterr().err == told


@pytest.mark.parametrize(
    ("host", "seen"),
    [("127.0.0.1", True), ("198.18.4.161", False), (None, False)],
    ids=["here", "elsewhere", "nowhere"],
)
def test_on_a_served_playground_only_what_is_here_is_looked_at(host: str | None, seen: bool) -> None:
    door = None if host is None else Endpoint(safe(host), 22)
    assert is_here(instance(ssh_direct=door)) is seen
    target = Target(instance(ssh_direct=door), (Check("ssh"),), ("RTX 3060",), 1, None)
    found = PlaygroundProbe(MachineProbe(allow=lambda _: False)).check([target])
    assert bool(found[target.instance.id]) is seen


def test_a_key_that_cannot_be_used_is_found_on_a_served_playground_too(tmp_path: Path) -> None:
    key = tmp_path / "none"
    assert PlaygroundProbe(MachineProbe(LoginKey(key))).why_no_key() == f"the key {key} is no file"
    assert PlaygroundProbe(MachineProbe(LoginKey(key))).why_no_login() == f"the key {key} is no file"
    assert PlaygroundProbe(MachineProbe()).why_no_key() is None
    assert PlaygroundProbe(MachineProbe()).why_no_login() is None
