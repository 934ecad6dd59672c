"""One process of the product: `carry_out` of the command, with its world, ledger and clock of this stage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.cli.apply import Consent, begun, carry_out
from reconciler.cli.compose import World as CommandWorld
from reconciler.cli.options import Shape
from reconciler.cli.screen import Screen
from reconciler.clock import StoppingClock
from reconciler.core.assemble import Wish
from reconciler.core.instance import Account
from reconciler.core.record import Record
from reconciler.errors import ReconcileError
from reconciler.provider import Provider
from reconciler.simulator.door import Door
from reconciler.simulator.keys import ACCOUNT
from reconciler.simulator.world import World
from reconciler.vast.client import Wire
from reconciler.vast.pacing import Pacing
from reconciler.vast.provider import VastProvider
from simulation.memory import Ledger, MemoryStore
from simulation.stage import Killed, Stage
from simulation.wire import KEY, DirectWire, HttpTransport


class Silent(Screen):
    """A screen that shows nothing, for output that is a machine's."""

    def __init__(self) -> None:
        super().__init__(Shape("json", True))

    def data(self, text: str) -> None:
        """Nobody reads it."""

    def alarm(self, text: str) -> None:
        """Nobody reads it."""


@dataclass(slots=True)
class Process:
    """What one run is, for the hooks: who, since when, and whether it is dead."""

    runner: int
    began: float
    number: int = 0
    """Counts the processes of a play."""
    dead: bool = False
    stop: Callable[[], None] = lambda: None
    closes: Callable[[], None] = lambda: None
    """What the operating system closes when a process dies."""
    paused_s: float = 0.0
    busy: bool = False
    """Its ledger was written by somebody else: it must not act any more."""
    record: Record = field(default_factory=Record)
    """As it was last made durable by this process."""
    ledger: Ledger | None = None


Hook = Callable[[Process, str], None]
"""Is told of every point that a process comes to."""


class StageClock:
    """The world's time as a process sees it; it waits on the stage."""

    def __init__(self, world: World, stage: Stage, process: Process) -> None:
        self._world = world
        self._stage = stage
        self._process = process

    def now(self) -> float:
        """Epoch seconds of the world."""
        return self._world.now

    def sleep(self, seconds: float) -> None:
        """Wait on the stage; the dead wait no more."""
        if self._process.dead:
            raise Killed
        self._stage.wait(seconds)


class HarnessWorld(CommandWorld):
    """The world of a command, with a ledger in memory."""

    opened: Callable[[Account, str], MemoryStore]

    def ledger(self, account: Account, owner: str, *, read_only: bool, **more: Any) -> Any:
        """The ledger of this account, with the pace of the last command."""
        store = self.opened(account, owner)
        self.wire.pacing.adopt(store.route_clocks())
        return store


@dataclass(slots=True)
class Ports:
    """The wraps of the ports that a variant of the product has; as they are, nothing is wrapped."""

    provider: Callable[[Provider, Wire], Provider] = lambda provider, _: provider
    store: Callable[[MemoryStore], Any] = lambda store: store
    clock: Callable[[Any], Any] = lambda clock: clock
    wish: Callable[[Wish], Wish] = lambda wish: wish


@dataclass(slots=True)
class Host:
    """Where processes run: the shared world, and what every process is opened with."""

    world: World
    stage: Stage
    door: Door
    ledgers: Mapping[int, Ledger]
    """By runner."""
    hook: Hook
    save_hook: Callable[[Process, str, Record, Record], str | None]
    ports: Ports
    over_http: bool = False
    stranger: Callable[[], None] = lambda: None
    """Is told when the account answers as another one, so that another ledger is opened."""
    processes: int = 0

    def run(self, runner: int, wish: Wish, *, waits: bool, timeout_s: float = 1200.0) -> tuple[Process, int | None]:
        """One process from its start to its end; its exit code, or None where it was killed."""
        self.processes += 1
        process = Process(runner, self.world.now, self.processes)
        try:
            self.hook(process, "start")
            return process, self._command(process, wish, waits, timeout_s)
        except Killed:
            process.dead = True
            process.closes()
            return process, None

    def _command(self, process: Process, wish: Wish, waits: bool, timeout_s: float) -> int:
        clock = StoppingClock(self.ports.clock(StageClock(self.world, self.stage, process)))
        process.stop = clock.stop
        wire = self._wire(process, clock)
        provider = self.ports.provider(VastProvider(wire, clock), wire)
        wish = self.ports.wish(wish)
        home = HarnessWorld(provider, clock, wish.settle, wire, (), None, None, NO_PROBE)  # type: ignore[arg-type]
        home.opened = lambda account, owner: self._opened(process, account)
        try:
            want = begun(wish, home)
            return carry_out(
                home, want, Consent(Silent(), True, None, None), timeout_s=timeout_s, step_only=not waits, lock_s=0.0
            )
        except ReconcileError as error:
            return error.exit_code
        finally:
            wire.close()

    def _wire(self, process: Process, clock: StoppingClock) -> Wire:
        def wait(seconds: float) -> None:
            if process.dead:
                raise Killed
            self.stage.wait(seconds)

        def hook(name: str, phase: str) -> None:
            self.hook(process, f"{name}:{phase}")

        pacing = Pacing(clock)
        if not self.over_http:
            return DirectWire(self.door, clock, pacing, wait, hook)
        transport = HttpTransport(self.door, wait, hook)
        return Wire(key=KEY, origin="http://127.0.0.1", clock=clock, pacing=pacing, transport=transport)

    def _opened(self, process: Process, account: Account) -> Any:
        ledger = self.ledgers[process.runner]
        if account.id != ACCOUNT:
            ledger = Ledger()
            self.stranger()
        process.ledger = ledger

        def hook(phase: str, before: Record, after: Record) -> str | None:
            if process.dead:
                raise Killed
            return self.save_hook(process, phase, before, after)

        store = _Opened(ledger, hook, self, process)
        return self.ports.store(store)


class _Opened(MemoryStore):
    """A store that says when it was read, and when it is closed."""

    def __init__(self, ledger: Ledger, hook: Any, host: Host, process: Process) -> None:
        super().__init__(ledger, hook)
        self._host = host
        self._process = process
        process.closes = self._backing.close

    def load(self) -> Record:
        """The record as it is now."""
        found = super().load()
        self._host.hook(self._process, "loaded")
        return found

    def save(self, record: Record, *more: Any, **named: Any) -> None:
        """Compare and swap; who loses must do nothing more."""
        try:
            super().save(record, *more, **named)
        except ReconcileError:
            self._process.busy = True
            raise

    def save_route_clocks(self, earliest: Mapping[str, float]) -> None:
        """The dead leave nothing."""
        if not self._process.dead:
            super().save_route_clocks(earliest)

    def close(self) -> None:
        """The last point of a run."""
        if not self._process.dead:
            self._host.hook(self._process, "close")
            super().close()


class _NoProbe:
    def latency_ms(self, addresses: Iterable[str], timeout_s: float) -> Mapping[str, float]:
        """Nothing answers."""
        return {}


NO_PROBE = _NoProbe()
