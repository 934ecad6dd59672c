"""The whole tool against the stub: in this process with a clock that jumps, or as the command that a person types.

In this process everything is real but the time: specs are loaded, the ledger is a file, HTTP goes over the socket,
and `carry_out` is what the command calls once it has read its options.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.cli import run
from reconciler.cli.apply import Consent, carry_out
from reconciler.cli.compose import World
from reconciler.cli.declared import wish
from reconciler.cli.options import Shape
from reconciler.cli.plan import code_of, look
from reconciler.cli.screen import Screen
from reconciler.clock import StoppingClock
from reconciler.core.assemble import Wish
from reconciler.core.evidence import Settle
from reconciler.core.guards import Allowed
from reconciler.core.record import Record
from reconciler.errors import ReconcileError
from reconciler.ledger.git.place import GitPlace
from reconciler.ledger.sqlite import SqliteStore
from reconciler.probe.checks import MachineProbe
from reconciler.probe.latency import TcpProbe
from reconciler.provider import Probe
from reconciler.spec.load import load
from reconciler.vast.client import Wire
from reconciler.vast.key import ApiKey
from reconciler.vast.pacing import Pacing
from reconciler.vast.provider import VastProvider
from reconciler.views.text import plan_text

from .stub import ACCOUNT, KEY, Stub

START = 1_795_300_000.0
HOUR_S = 3600.0

FLEET = """\
kind: Fleet
name: {name}
replicas: {replicas}
gpu: {{models: [RTX 3060]}}
price: {{max_per_hour: {cap}}}
container: {{image: "ghcr.io/acme/june:1", disk_gb: 10}}
"""


def fleet(name: str = "june", replicas: int = 1, cap: str = "0.50", more: str = "") -> str:
    """A small spec."""
    return FLEET.format(name=name, replicas=replicas, cap=cap) + more


class JumpingClock:
    """Time passes only when slept, and then at once."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += max(0.0, seconds)


@dataclass(frozen=True)
class Ran:
    """How a run ended and what it said."""

    code: int
    out: str
    err: str
    calls: tuple[Any, ...] = ()
    """The requests of this run."""

    @property
    def said(self) -> str:
        return self.out + self.err

    @property
    def last_line(self) -> str:
        return self.said.rstrip().splitlines()[-1]

    def sent(self, *routes: str) -> list[Any]:
        return [call for call in self.calls if call.route in routes]

    @property
    def mutations(self) -> list[Any]:
        return self.sent("rent", "destroy", "relabel", "other")


class Desk:
    """A person with specs, a ledger and an account; every `apply` is a run of its own, as from cron."""

    def __init__(self, stub: Stub, folder: Path) -> None:
        self.stub = stub
        self.folder = folder
        self.clock = JumpingClock()
        self.ledger = folder / "state" / "ledger.db"
        self.ledger_ref: GitPlace | None = None
        self.specs = folder / "specs"
        self.specs.mkdir()
        self.settle = Settle()
        self.stopping: StoppingClock | None = None
        self.checks: Probe | None = None
        """What looks at instances; None: one that runs counts as ready."""
        self.declare(fleet())

    def declare(self, *documents: str) -> None:
        """What is wished for from now on."""
        for old in self.specs.iterdir():
            old.unlink()
        for number, text in enumerate(documents):
            (self.specs / f"{number}.yaml").write_text(text, encoding="utf-8")

    def wish(self, first_run: bool, **options: Any) -> Wish:
        loaded = load([str(self.specs)])
        allowed = Allowed(options.get("max_destroys"), run_started_at=self.clock.now())
        return wish(loaded, self.settle, allowed=allowed, first_run=first_run)

    @contextlib.contextmanager
    def world(self) -> Iterator[World]:
        clock = StoppingClock(self.clock)
        self.stopping = clock
        pacing = Pacing(clock)
        wire = Wire(key=ApiKey(KEY), origin=self.stub.url, clock=clock, pacing=pacing, jitter=lambda: 1.0)
        provider = VastProvider(wire, clock)
        try:
            yield World(
                provider=provider,
                clock=clock,
                settle=self.settle,
                wire=wire,
                warnings=(),
                simulation=None,
                ledger_path=self.ledger,
                probe=MachineProbe(allow=lambda _: False, latency=TcpProbe(allowed=lambda _: False)),
                ledger_ref=self.ledger_ref,
                checks=self.checks,
            )
        finally:
            wire.close()

    def apply(
        self,
        *,
        first_run: bool = True,
        wait: bool = False,
        timeout_s: float = HOUR_S,
        quiet: bool = False,
        yes: bool = True,
        shape: str = "text",
        lock_s: float = 0.0,
    ) -> Ran:
        """`reconcile apply --yes`: one step, or with `wait` until all is done."""

        def command(world: World) -> int:
            consent = Consent(Screen(Shape(shape, quiet)), yes, None, None)
            wish = self.wish(first_run)
            return carry_out(world, wish, consent, timeout_s=timeout_s, step_only=not wait, lock_s=lock_s)

        return self._run(command)

    def plan(self, *, first_run: bool = True) -> Ran:
        """`reconcile plan`."""

        def command(world: World) -> int:
            result = look(world, self.wish(first_run)).plan
            print(plan_text(result, None))  # noqa: T201
            return code_of(result)

        return self._run(command)

    def _run(self, command: Callable[[World], int]) -> Ran:
        before = len(self.stub.seen)
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), self.world() as world:
            try:
                code = command(world)
            except ReconcileError as error:
                code = error.exit_code
                err.write(f"error: {error}\n")
        return Ran(code, out.getvalue(), err.getvalue(), tuple(self.stub.seen[before:]))

    @property
    def record(self) -> Record:
        """What the ledger remembers now."""
        store = SqliteStore(self.ledger, account=ACCOUNT, owner="default", read_only=True)
        try:
            return store.load()
        finally:
            store.close()


class Shell:
    """The command as a person types it, in a folder of his own."""

    def __init__(self, stub: Stub | None, folder: Path) -> None:
        self.folder = folder
        self.spec = folder / "june.yaml"
        self.spec.write_text(fleet(), encoding="utf-8")
        self.env = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(folder),
            "XDG_STATE_HOME": str(folder / "state"),
            "VAST_API_KEY": KEY,
            "VAST_URL": stub.url if stub else "http://127.0.0.1:1",
            "RECONCILE_SETTLE": "2",
            "PYTHONWARNINGS": "error",
        }

    def start(
        self, *args: str, program: Sequence[str] = ("-m", "reconciler"), **env: str | None
    ) -> subprocess.Popen[str]:
        """Begin a command; the test ends it."""
        return subprocess.Popen(
            [sys.executable, *program, *args],
            cwd=self.folder,
            env=self._environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _environment(self, changes: dict[str, str | None]) -> dict[str, str]:
        return {name: value for name, value in {**self.env, **changes}.items() if value is not None}

    def run(self, *args: str, **env: str | None) -> Ran:
        """A whole command, with this process's time and environment lent to it: starting another takes long."""
        out, err = io.StringIO(), io.StringIO()
        kept = dict(os.environ)
        os.environ.clear()
        os.environ.update(self._environment(env))
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), contextlib.chdir(self.folder):
                code = run(args)
        finally:
            os.environ.clear()
            os.environ.update(kept)
        return Ran(code, out.getvalue(), err.getvalue())

    def apply(self, *more: str, **env: str | None) -> Ran:
        return self.run(*self.line(*more), **env)

    def line(self, *more: str) -> list[str]:
        """The words of an apply."""
        return ["apply", str(self.spec), "--yes", "--first-run", *more]


def ended(process: subprocess.Popen[str], number: signal.Signals | None = None) -> Ran:
    """What a command said until it ended, after a signal if one is given."""
    if number is not None:
        process.send_signal(number)
    try:
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    return Ran(process.returncode, out, err)
