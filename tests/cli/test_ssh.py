"""`reconcile ssh` enters the instance of a seat by the ssh program; `reconcile ssh-key` gives the account a key."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from probe.served import NOBODYS, OURS, Served, key_file, probe, public, said, served, target

from reconciler.core.label import Mark, Seat, write_label
from reconciler.core.readiness import Check
from reconciler.probe.known_hosts import HostKey, KnownHosts

from .project import Outcome, Project

PACKAGE = Path(__file__).parents[2]
FAKE = """#!{python}
import json, sys
json.dump(sys.argv, open({told!r}, "w"))
sys.exit(7)
"""


def label(index: int = 0, owner: str = "default") -> str:
    return write_label(Mark(owner, Seat("june", index), "a" * 8, "b" * 8))


class Shell:
    """A folder, a key, an account with instances, and the command as a user types it; `ssh` only says how it was
    called, and leaves with 7."""

    def __init__(self, project: Project, world: Served) -> None:
        folder = project.path
        self.project, self.world = project, world
        self.key = key_file(folder)
        self.told = folder / "told.json"
        self.ledger = folder / "state of mine" / "ledger.db"
        (folder / "bin").mkdir()
        project.policy()
        program = folder / "bin" / "ssh"
        program.write_text(FAKE.format(python=sys.executable, told=str(self.told)))
        program.chmod(0o755)

    def env(self, **changes: str | None) -> dict[str, str | None]:
        return {
            "PATH": f"{self.project.path / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(PACKAGE),
            "HOME": str(self.project.path),
            "VAST_URL": self.world.server.url,
            "VAST_API_KEY": "any-key-of-some-length",
            "VASTAI_SSH_KEY_PATH": str(self.key),
            "RECONCILE_LEDGER": str(self.ledger),
            "RECONCILE_PACE": "0",
            **changes,
        }

    def run(self, *words: str, **changes: str | None) -> Outcome:
        """In this process."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.env(**changes).items():
                if value is None:
                    patch.delenv(name, raising=False)
                else:
                    patch.setenv(name, value)
            return self.project.run(*words)

    def exec(self, *words: str) -> subprocess.CompletedProcess[str]:
        """In a process of its own, which may become another program."""
        env = {name: value for name, value in self.env().items() if value is not None}
        return subprocess.run(
            [sys.executable, "-m", "reconciler", *words],
            cwd=self.project.path,
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @property
    def called(self) -> list[str]:
        found: list[str] = json.loads(self.told.read_text())
        return found


@pytest.fixture
def shell(project: Project) -> Iterator[Shell]:
    with served() as world:
        yield Shell(project, world)


def test_the_ssh_program_is_run_with_all_it_needs(shell: Shell) -> None:
    instance = shell.world.rented(label=label())
    assert instance.ssh_direct is not None
    done = shell.exec("ssh", "june/0", "nvidia-smi", "-L")
    assert done.returncode == 7, done.stderr
    hosts = shell.ledger.with_name("ledger.known_hosts")
    assert shell.called[1:] == [
        *("-p", str(instance.ssh_direct.port), "-i", str(shell.key), "-o", "IdentitiesOnly=yes"),
        *("-o", f"HostKeyAlias=instance-{instance.id}", "-o", f'UserKnownHostsFile="{hosts}"'),
        *("-o", "HashKnownHosts=no", "-o", "StrictHostKeyChecking=accept-new"),
        *(f"root@{instance.ssh_direct.host}", "nvidia-smi", "-L"),
    ]


def test_print_runs_nothing_and_can_be_pasted(shell: Shell) -> None:
    instance = shell.world.rented(label=label())
    done = shell.run("ssh", "june/0", "--print", VASTAI_SSH_KEY_PATH=None).assert_success()
    assert done.err == ""
    words = shlex.split(done.out)
    assert words[0] == "ssh"
    assert "-i" not in words
    assert words[-1] == f"root@{instance.ssh_direct and instance.ssh_direct.host}"
    assert not shell.told.exists()


def test_the_policy_names_the_key_where_the_environment_names_none(shell: Shell) -> None:
    shell.world.rented(label=label())
    shell.project.policy(ssh_key="~/.ssh/vast_fleet")
    for named, key in ((None, shell.project.path / ".ssh" / "vast_fleet"), (str(shell.key), shell.key)):
        words = shlex.split(shell.run("ssh", "june/0", "--print", VASTAI_SSH_KEY_PATH=named).assert_success().out)
        assert words[words.index("-i") + 1] == str(key)


POLICIES = {
    "no policy, no specs": ({}, (), "default"),
    "a policy among the specs": ({"specs/policy.yaml": "mine"}, (), "mine"),
    "one below the specs, over all of them": ({"specs/team/policy.yaml": "mine"}, (), "mine"),
    "one in the folder above": ({"policy.yaml": "mine"}, (), "mine"),
    "one in another folder": ({"fleets/policy.yaml": "mine"}, (), "default"),
    "one that is named": ({"fleets/policy.yaml": "mine"}, ("--policy", "fleets/policy.yaml"), "mine"),
    "one that is named goes before": (
        {"specs/policy.yaml": "other", "fleets/policy.yaml": "mine"},
        ("--policy", "fleets/policy.yaml"),
        "mine",
    ),
}


@pytest.mark.parametrize(("owners", "words", "owner"), POLICIES.values(), ids=POLICIES)
def test_the_policy_alone_says_whose_seat_it_is(
    shell: Shell, owners: dict[str, str], words: tuple[str, ...], owner: str
) -> None:
    (shell.project.path / "specs" / "policy.yaml").unlink()
    (shell.project.path / "specs").rmdir()
    for file, name in owners.items():
        shell.project.policy(file, owner=name)
    instance = shell.world.rented(label=label(owner=owner))
    shell.run("ssh", "june/0", "--print", *words).assert_success(f"HostKeyAlias=instance-{instance.id}")
    shell.run("ssh", "june/9", "--print", *words).assert_clear(2, f"no instance of {owner} sits in june/9", "--policy")


def test_a_spec_that_is_wrong_keeps_nobody_out(shell: Shell) -> None:
    shell.world.rented(label=label())
    shell.project.write("specs/broken.yaml", "kind: Fleet\nname: [\n")
    shell.project.write("specs/wrong.yaml", "kind: Fleet\nreplicas: many\n")
    shell.run("plan").assert_code(1)
    shell.run("ssh", "june/0", "--print").assert_success("HostKeyAlias=")
    shell.project.policy(ssh_key=str(shell.key))
    shell.run("ssh-key", "add", VASTAI_SSH_KEY_PATH=None).assert_success("already")


WRONG_POLICIES = {
    "one that is broken": ({"specs/policy.yaml": "kind: Policy\nowner: [\n"}, "policy.yaml:3:1: error[yaml-syntax]"),
    "one that is wrong": ({"specs/policy.yaml": "kind: Policy\nowner: 3.5\n"}, "policy.yaml:2:8: error["),
    "two": ({"specs/other.yaml": "kind: Policy\n"}, "error[two-policies]"),
}


@pytest.mark.parametrize(("files", "said"), WRONG_POLICIES.values(), ids=WRONG_POLICIES)
def test_a_policy_that_does_not_say_whose_seat_it_is_is_refused(shell: Shell, files: dict[str, str], said: str) -> None:
    shell.world.rented(label=label())
    for file, text in files.items():
        shell.project.write(file, text)
    shell.run("ssh", "june/0", "--print").assert_code(1, said)
    shell.run("ssh-key", "add", VASTAI_SSH_KEY_PATH=None).assert_code(1, said)
    shell.project.policy("mine.yaml")
    shell.run("ssh", "june/0", "--print", "--policy", "mine.yaml").assert_success("HostKeyAlias=")


def test_the_proxy_is_a_way_of_its_own(shell: Shell) -> None:
    instance = shell.world.rented(label=label(), connect="ssh-proxy")
    assert instance.ssh_direct is None
    assert instance.ssh_proxy is not None
    for flags in ((), ("--proxy",)):
        assert f"-p {instance.ssh_proxy.port} " in shell.run("ssh", "june/0", "--print", *flags).out


def test_only_a_seat_of_ours_is_entered(shell: Shell) -> None:
    shell.world.rented(label=label(owner="somebody"))
    for words, code, told in (
        (("june/0",), 2, "no instance of default sits in june/0"),
        (("june/1",), 2, "no instance of default sits in june/1"),
        (("june",), 2, "'june' is not a seat"),
        (("june/007",), 2, "is not a seat"),
    ):
        shell.run("ssh", *words).assert_clear(code, told)
    assert not shell.told.exists()


def test_of_two_in_a_seat_the_one_that_runs_is_entered(shell: Shell) -> None:
    waiting = shell.world.rented(label=label(), wait_s=0)
    running = shell.world.rented(label=label(), wait_s=0)
    shell.world.server.service.advance(900)
    shell.world.server.service.world.contracts[waiting.id].fail("exited", 0.0)
    done = shell.run("ssh", "june/0", "--print")
    done.assert_success(f"HostKeyAlias=instance-{running.id}", f"2 instances sit in june/0; this is {running.id}")


def test_without_the_program_it_says_so(shell: Shell) -> None:
    shell.world.rented(label=label())
    shell.run("ssh", "june/0", PATH="/nowhere").assert_clear(1, "ssh cannot be run")


def test_a_simulated_instance_is_printed_only(project: Project) -> None:
    project.fleet()
    project.apply().assert_success()
    project.run("ssh", "june/0", "--simulate").assert_clear(2, "simulated")
    project.run("ssh", "june/0", "--simulate", "--print").assert_success("ssh -p", "HostKeyAlias=instance-")


def test_the_key_that_checks_have_seen_first_is_the_one_ssh_trusts(shell: Shell) -> None:
    """One file for both, whose lines have the form that OpenSSH reads."""
    instance = shell.world.rented(label=label())
    hosts = KnownHosts(shell.ledger.with_name("ledger.known_hosts"))
    found = probe(shell.key, hosts=hosts).check([target(instance, Check("ssh"))])
    assert said(found[instance.id]) == ["ssh pass"]
    assert hosts.path is not None
    (name, kind, body) = hosts.path.read_text().split()
    assert name == f"instance-{instance.id}"
    assert hosts.first(instance.id) == HostKey(kind, body)


# --- the account's keys ---------------------------------------------------------------------------


def test_a_key_is_added_once(shell: Shell) -> None:
    path = shell.project.path / "other.pub"
    path.write_text(public(NOBODYS))
    for told in ("The account has this key now, as 2.", "The account has this key already."):
        shell.run("ssh-key", "add", str(path)).assert_success(told)
    assert [key.text for key in shell.world.provider.ssh_keys()] == [public(OURS).strip(), public(NOBODYS).strip()]


def test_without_a_file_it_is_the_key_that_logs_in(shell: Shell) -> None:
    shell.run("ssh-key", "add").assert_success("already")
    other = key_file(shell.project.path, NOBODYS)
    shell.run("ssh-key", "add", VASTAI_SSH_KEY_PATH=str(other)).assert_success("as 2")
    key = shell.world.provider.ssh_keys()[1]
    assert public(NOBODYS).startswith(key.text)


def test_without_either_it_is_the_key_of_the_policy(shell: Shell) -> None:
    shell.project.policy(ssh_key=str(key_file(shell.project.path, NOBODYS)))
    shell.run("ssh-key", "add").assert_success("already")
    shell.run("ssh-key", "add", VASTAI_SSH_KEY_PATH=None).assert_success("as 2")
    shell.project.policy("other.yaml", ssh_key="/nowhere")
    told = "ssh_key of the policy is of no use: /nowhere is no file"
    shell.run("ssh-key", "add", "--policy", "other.yaml", VASTAI_SSH_KEY_PATH=None).assert_clear(2, told)


def test_a_key_of_which_no_public_half_can_be_told_is_refused_with_the_reason(shell: Shell) -> None:
    half = shell.project.write("key.pub", public(OURS))
    told = f"VASTAI_SSH_KEY_PATH is of no use: {half} is a public key, not the private one"
    shell.run("ssh-key", "add", VASTAI_SSH_KEY_PATH=str(half)).assert_clear(2, told, "name the file of a public key")


def test_what_is_no_public_key_is_never_sent(shell: Shell) -> None:
    (shell.project.path / "empty").write_text("")
    for words, told in (
        ((str(shell.key),), "is no public key on one line"),
        ((str(shell.project.path / "empty"),), "is no public key on one line"),
        ((str(shell.project.path / "nowhere"),), "cannot be read"),
    ):
        shell.run("ssh-key", "add", *words).assert_clear(2, told)
    shell.run("ssh-key", "add", VASTAI_SSH_KEY_PATH=None).assert_clear(2, "no key is named")
    shell.run("ssh-key", "add", VASTAI_SSH_KEY_PATH="/nowhere").assert_clear(2, "/nowhere is no file")
    assert len(shell.world.provider.ssh_keys()) == 1


def test_a_simulated_account_takes_a_key_too(project: Project) -> None:
    project.write("key.pub", public(OURS))
    project.run("ssh-key", "add", "key.pub", "--simulate").assert_success("now, as 1")
    project.run("ssh-key", "add", "key.pub", "--simulate").assert_success("already")


def test_nothing_is_rented_for_checks_whose_key_lets_nobody_in(shell: Shell) -> None:
    shell.project.fleet(readiness__checks=[{"ssh": {}}])
    told = "no login: the checks of fleet june log in, and the key /nowhere is no file"
    shell.project.policy(ssh_key="/nowhere")
    shell.run("plan", VASTAI_SSH_KEY_PATH=None).assert_code(4, told)
    shell.run("plan").assert_success()  # The environment goes before the policy.
    shell.project.policy(ssh_key=str(shell.key))
    shell.run("plan", VASTAI_SSH_KEY_PATH=None).assert_success()
    stranger = key_file(shell.project.path, NOBODYS)
    told = f"the account does not hold the key {stranger}"
    shell.run("plan", VASTAI_SSH_KEY_PATH=str(stranger)).assert_code(4, told)
    shell.run("ssh-key", "add", VASTAI_SSH_KEY_PATH=str(stranger)).assert_success()
    shell.run("plan", VASTAI_SSH_KEY_PATH=str(stranger)).assert_success()
