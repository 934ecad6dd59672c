"""Runs of the tool in a simulated world whose instances are looked at: what a look finds is decided by the test."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.cli.apply import Consent, begun, carry_out
from reconciler.cli.compose import open_world
from reconciler.cli.declared import read, wish
from reconciler.cli.options import Scope, Shape, Where
from reconciler.cli.plan import look
from reconciler.cli.screen import Screen
from reconciler.clock import Clock
from reconciler.core.evidence import Settle
from reconciler.core.instance import Instance
from reconciler.core.readiness import Finding, Target
from reconciler.core.record import Record
from reconciler.core.text import safe
from reconciler.ledger.sqlite import SqliteStore
from reconciler.reconcile import Pass
from reconciler.simulator import open_simulation
from reconciler.simulator.laws import Laws

from .project import LEDGER, STATE, Project

Judge = Callable[[Target], str]
"""Why a target does not pass; empty: it does. What begins with `?` cannot be told."""


def passes(_: Target) -> str:
    """Every instance that runs is ready."""
    return ""


@dataclass
class Eyes:
    """A checker that says of every target what it is told to say, and remembers whom it was asked about."""

    judge: Judge = passes
    asked: list[list[int]] = field(default_factory=list)
    locked_out: str | None = None
    """Why nobody can log in."""
    beside: frozenset[str] = frozenset(("",))
    """How connections to what has nothing to do with the instances end."""
    keyless: str | None = None
    """Why the key that is named cannot be used."""

    def why_no_login(self) -> str | None:
        return self.locked_out

    def controls(self, _instances: Sequence[Instance]) -> frozenset[str]:
        return self.beside

    def key_to_let_in(self) -> str | None:
        return None

    def why_no_key(self) -> str | None:
        return self.keyless

    def check(self, targets: Sequence[Target]) -> Mapping[int, tuple[Finding, ...]]:
        self.asked.append([target.instance.id for target in targets])
        return {target.instance.id: tuple(self._of(target)) for target in targets}

    def _of(self, target: Target) -> list[Finding]:
        cause = self.judge(target)
        if not cause:
            return [Finding(check, "pass") for check in target.checks]
        verdict = "cannot tell" if cause.startswith("?") else "fail"
        return [Finding(target.checks[0], verdict, cause.removeprefix("?"), safe("as the test says"))]  # type: ignore[arg-type]


def begin(project: Project, laws: Laws | None = None, seed: int | None = None) -> None:
    """A world under these laws."""
    project.state.parent.mkdir(exist_ok=True)
    with open_simulation(project.state, laws=laws, seed=seed) as simulation:
        simulation.save()


def apply(
    project: Project,
    judge: Judge = passes,
    *,
    step_only: bool = False,
    timeout_s: float = 7200,
    eyes: Eyes | None = None,
    clock: list[Clock] | None = None,
) -> int:
    """`reconcile apply --simulate --yes` where instances are looked at; the exit code. `clock` is given the world's."""
    screen = Screen(Shape("text", False))
    loaded = read(Scope(("specs/",), (), None), screen)
    with open_world(Where(True, None, None, STATE)) as world:
        world.checks = eyes or Eyes(judge)
        if clock is not None:
            clock.append(world.clock)
        want = begun(wish(loaded, Settle()), world)
        return carry_out(world, want, Consent(screen, True, None, None), timeout_s=timeout_s, step_only=step_only)


def looked(project: Project, judge: Judge | None = None) -> Pass:
    """What `reconcile plan --simulate` decides where instances are looked at; with a `judge` as with `--probe`."""
    loaded = read(Scope(("specs/",), (), None), Screen(Shape("text", False)))
    with open_world(Where(True, None, None, STATE)) as world:
        world.checks = Eyes(judge or passes)
        return look(world, replace(wish(loaded, world.settle), probing=judge is not None))


def record(project: Project) -> Record:
    """What the ledger holds."""
    with open_world(Where(True, None, None, STATE)) as world:
        account = world.provider.account()
    store = SqliteStore(project.path / LEDGER, account=account.id, owner="default", read_only=True)
    try:
        return store.load()
    finally:
        store.close()
