"""The state file of a simulated world: one JSON object, versioned, replaced as a whole; and the lock beside it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from pathlib import Path
from typing import Any

from reconciler.errors import Busy, NotSaved
from reconciler.simulator.account import Account
from reconciler.simulator.contracts import Contract
from reconciler.simulator.laws import Laws
from reconciler.simulator.limits import Limits
from reconciler.simulator.older import upgraded
from reconciler.simulator.origin import reopened
from reconciler.simulator.world import World

FORMAT = "reconcile-simulated-world"
VERSION = 2

RESET = "move the file away to begin with a new market"


class Lock:
    """Keeps two commands from one world. Held from construction to `release`."""

    def __init__(self, state: Path) -> None:
        path = state.with_name(f"{state.name}.lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise NotSaved(f"the simulated world's lock {path} cannot be opened: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise Busy(
                f"another command is using the simulated world {state}", hint="wait until it is done, then run again"
            ) from error
        self._held = True

    def release(self) -> None:
        """Let others in; a second call does nothing."""
        if self._held:
            self._held = False
            os.close(self._file)


def load(path: Path) -> World | None:
    """The world of a state file; None when there is no file. What cannot be read is left in place."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NotSaved(f"the simulated world {path} cannot be read: {error.strerror}") from error
    try:
        saved = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise NotSaved(f"the simulated world {path} is damaged: it is not JSON", hint=RESET) from error
    if not isinstance(saved, dict) or saved.get("format") != FORMAT:
        raise NotSaved(f"{path} is not a simulated world", hint=RESET)
    if saved.get("version") not in (1, VERSION):
        raise NotSaved(
            f"the simulated world {path} has version {saved.get('version')!r}; this program reads 1 and {VERSION}",
            hint=f"use the program that wrote it; or {RESET}",
        )
    try:
        return _restored(saved)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise NotSaved(f"the simulated world {path} is damaged: {error!r}", hint=RESET) from error


def _restored(saved: dict[str, Any]) -> World:
    if saved["version"] == 1:
        saved = upgraded(saved)
    laws = Laws(**saved["laws"])
    world = World(reopened(saved["market"]), float(saved["now"]), int(saved["following_id"]), laws)
    world.begun = float(saved["begun"])
    world.money.amount, world.money.since, world.money.rate, world.dry = saved["credit"]
    world.draws = int(saved["draws"])
    world.changes = dict(saved["changes"])
    world.limits = Limits(saved["limits"])
    world.account = Account.restored(saved["account"])
    world.contracts = {int(one["id"]): Contract(**one) for one in saved["contracts"]}
    world.settle()
    return world


def content_of(world: World) -> bytes:
    """The state file's content: the same for the same world, byte for byte."""
    world.settle()
    saved = {
        "format": FORMAT,
        "version": VERSION,
        "market": world.origin.saved(),
        "laws": world.laws.saved(),
        "begun": world.begun,
        "now": world.now,
        "following_id": world.ids.following,
        "credit": [world.money.amount, world.money.since, world.money.rate, world.dry],
        "draws": world.draws,
        "limits": world.limits.saved(),
        "account": world.account.saved(),
        "contracts": [contract.saved() for contract in world.contracts.values()],
        "changes": world.market_changes(),
    }
    return json.dumps(saved, ensure_ascii=False, separators=(",", ":")).encode()


def is_ours(path: Path) -> bool:
    """Whether a file is a simulated world, be it damaged: it begins as ours do, or is empty."""
    try:
        with path.open("rb") as file:
            head = file.read(200)
    except OSError:
        return False
    return not head or FORMAT.encode() in head


def save(world: World, path: Path) -> None:
    """Replace the state file as a whole, readable by its owner only: a crash leaves the old world or the new.

    What a killed save had begun stands under one name, which the next save writes over.
    """
    begun = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content_of(world))
            file.flush()
            os.fsync(file.fileno())
        os.replace(begun, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            begun.unlink(missing_ok=True)
        raise NotSaved(f"the simulated world {path} cannot be written: {error.strerror}") from error
