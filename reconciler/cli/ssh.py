"""`reconcile ssh`: into the instance of a seat. `reconcile ssh-key add`: a public key for the account."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

import click

from reconciler.cli.compose import World, default_ledger, open_world
from reconciler.cli.options import DEFAULT_PATHS, Shape, policy_option, where, world_options
from reconciler.cli.plan import warn
from reconciler.cli.screen import Screen
from reconciler.cli.seats import seat_named
from reconciler.core.instance import Endpoint, Instance
from reconciler.core.label import Mark, Seat, read_label
from reconciler.core.secret import hidden
from reconciler.core.ssh_keys import MAX_KEY, essence, held
from reconciler.errors import KeyProblem, ReconcileError, WrongUsage
from reconciler.probe.key import VARIABLE, flaw_of_key, key_path, public_half
from reconciler.probe.known_hosts import alias, hosts_beside
from reconciler.spec.load import load_policy


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("seat", metavar="FLEET/INDEX")
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[COMMAND]...")
@policy_option
@click.option("--proxy", is_flag=True, help="By Vast.ai's proxy, also where there is a direct way.")
@click.option("--print", "only_print", is_flag=True, help="Print the command and run nothing.")
@world_options
def ssh(**values: Any) -> int:
    """Log in to the instance of a seat, or run a COMMAND there, with the ssh program.

    The key is the one that VASTAI_SSH_KEY_PATH names, else the policy's ssh_key, else ssh's own choice. Host keys are
    kept beside the ledger, by instance: the first one is kept, and ssh refuses another one. The policy is the one that
    governs specs/, unless --policy names it; no fleet is read.

    \b
    Examples:
      reconcile ssh flux-training/0
      reconcile ssh flux-training/0 nvidia-smi
      reconcile ssh flux-training/0 --policy fleets/policy.yaml
      reconcile ssh flux-training/0 --proxy --print
    """
    world_at, screen, seat = where(values), Screen(Shape("text", False)), seat_named(values["seat"])
    if world_at.simulate and not values["only_print"]:
        raise WrongUsage(
            "a simulated instance cannot be logged in to", hint="--print; or reconcile simulate serve --ssh"
        )
    policy = load_policy(values["policy"], DEFAULT_PATHS[0])
    with open_world(world_at) as world:
        warn(world, screen)
        instance = _sitting(world, seat, policy.owner, screen)
        hosts = hosts_beside(world.ledger_path or default_ledger(world.provider.account(), policy.owner))
    key = key_path(os.environ, policy.ssh_key)
    line = [*command_of(instance, key, hosts, proxy=values["proxy"]), *values["command"]]
    if values["only_print"]:
        screen.data(shlex.join(line))
        return 0
    try:
        os.execvp(line[0], line)
    except OSError as error:
        raise ReconcileError(
            f"ssh cannot be run: {(error.strerror or '').lower()}", hint="install OpenSSH's client"
        ) from error


def command_of(instance: Instance, key: Path | None, hosts: Path, *, proxy: bool = False) -> list[str]:
    """The ssh program's words for one instance, its known-hosts file the one that checks keep, too."""
    way = _way(instance, proxy)
    chosen = ["-i", str(key), "-o", "IdentitiesOnly=yes"] if key is not None else []
    quoted = str(hosts.absolute()).replace("%", "%%")
    return [
        *("ssh", "-p", str(way.port), *chosen),
        *("-o", f"HostKeyAlias={alias(instance.id)}", "-o", f'UserKnownHostsFile="{quoted}"'),
        *("-o", "HashKnownHosts=no", "-o", "StrictHostKeyChecking=accept-new"),
        f"root@{way.host}",
    ]


def _way(instance: Instance, proxy: bool) -> Endpoint:
    way = instance.ssh_proxy if proxy else instance.ssh_direct or instance.ssh_proxy
    if way is None:
        raise ReconcileError(
            f"the account tells no way in to instance {instance.id}", hint="wait until it runs; see reconcile status"
        )
    return way


def _sitting(world: World, seat: Seat, owner: str, screen: Screen) -> Instance:
    """The instance in a seat; of several the one that runs, of those the oldest."""
    found = []
    for instance in world.provider.instances().instances:
        mark = read_label(instance.label, owner)
        if isinstance(mark, Mark) and mark.seat == seat:
            found.append(instance)
    if not found:
        hint = "see reconcile status; the owner is the policy's: --policy FILE names another"
        raise WrongUsage(f"no instance of {owner} sits in {seat}", hint=hint)
    chosen = min(found, key=lambda instance: (instance.reported != "running", instance.id))
    if len(found) > 1:
        screen.alarm(f"warning: {len(found)} instances sit in {seat}; this is {chosen.id}")
    return chosen


@click.group("ssh-key")
def ssh_key() -> None:
    """The account's SSH keys, which every instance is given that is made after them.

    \b
    Example:
      reconcile ssh-key add ~/.ssh/id_ed25519.pub
    """


@ssh_key.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@policy_option
@world_options
def add(**values: Any) -> int:
    """Give the account the public key in FILE, else the public half of the key that VASTAI_SSH_KEY_PATH or the policy
    names.

    A key that the account has already is not added twice. The private key is never sent.

    \b
    Examples:
      reconcile ssh-key add
      reconcile ssh-key add ~/.ssh/id_ed25519.pub
    """
    world_at, screen = where(values), Screen(Shape("text", False))
    text = _given(values["file"]) if values["file"] else _own(values["policy"])
    with open_world(world_at) as world:
        warn(world, screen)
        try:
            if held(world.provider.ssh_keys(), text):
                screen.note("The account has this key already.")
                return 0
            key = world.provider.add_ssh_key(text)
        except KeyProblem as error:
            raise KeyProblem(str(error), hint="the API key needs user_read and user_write for this") from None
        finally:
            world.save()
    screen.note(f"The account has this key now, as {key.id}. Instances that exist already do not know it.")
    return 0


def _given(path: Path) -> str:
    """The public key of a file."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(MAX_KEY + 1).strip()
    except OSError as error:
        raise WrongUsage(f"{path} cannot be read: {(error.strerror or '').lower()}") from error
    if essence(text) is None:
        raise WrongUsage(f"{path} is no public key on one line", hint="name the file that ends in .pub")
    return text


def _own(policy: str | None) -> str:
    """The public half of the private key that the environment names, else the policy."""
    path = key_path(hidden(os.environ))
    by = VARIABLE if path else "ssh_key of the policy"
    path = path or key_path({}, load_policy(policy, DEFAULT_PATHS[0]).ssh_key)
    if path is None:
        hint = f"name a public key's file, or set {VARIABLE}, or write ssh_key in the policy"
        raise WrongUsage("no key is named", hint=hint)
    text = public_half(path)
    if text is None:
        raise WrongUsage(f"{by} is of no use: {flaw_of_key(path)}", hint="name the file of a public key instead")
    return text
