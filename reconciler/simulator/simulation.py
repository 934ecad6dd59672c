"""A simulated world as the commands use it: opened from its state file, under its lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.errors import NotSaved, WrongUsage
from reconciler.simulator import state as files
from reconciler.simulator.clock import SimulatedClock
from reconciler.simulator.failing import fail
from reconciler.simulator.generate import DEFAULT_SEED
from reconciler.simulator.laws import GENTLE, Laws, named
from reconciler.simulator.lies import Lies
from reconciler.simulator.listing import all_rows
from reconciler.simulator.origin import Generated, Recorded, beginning
from reconciler.simulator.routes import handle
from reconciler.simulator.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    import httpx

    from reconciler.simulator.distances import Distances
    from reconciler.simulator.knocks import Knocks

ANOTHER = "run `reconcile simulate reset` to start another market"


class Simulation:
    """A simulated world opened from its state file, under its lock."""

    def __init__(self, world: World, state: Path, lock: files.Lock) -> None:
        self._world = world
        self._state = state
        self._lock = lock
        self.clock = SimulatedClock(world)
        self.lies = Lies()
        """What instances say instead of the truth to whoever knocks in this process. Not kept in the state file."""

    @property
    def description(self) -> str:
        """Which market this is, such as `generated market, seed 7`."""
        return described(self._world)

    @property
    def world(self) -> World:
        """The world itself, for another door to it."""
        return self._world

    def transport(self) -> httpx.BaseTransport:
        """The world behind an httpx client in this process; each request takes 0.2 s of simulated time."""
        from reconciler.simulator.transport import SimulatedTransport

        return SimulatedTransport(self._world)

    def probe(self) -> Distances:
        """What one would measure from San Francisco; waiting for answers takes simulated time."""
        from reconciler.simulator.distances import Distances

        return Distances(self._world)

    def knocks(self) -> Knocks:
        """The doors of the instances, for whoever knocks in this process."""
        from reconciler.simulator.knocks import Knocks

        return Knocks(self._world, self.lies)

    def handle(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """One request at the door itself; takes no simulated time."""
        return handle(self._world, method, path, query, headers, body)

    def advance(self, seconds: float) -> None:
        """Let simulated time pass."""
        self._world.advance(seconds)

    def fail(self, instance_id: int, how: str) -> None:
        """Break an instance: its host goes `offline`, its container has `exited`, it is `gone` altogether, or
        `outbid` by a rival."""
        fail(self._world, instance_id, how)

    def add_credit(self, amount: float) -> None:
        """Pay in; what stopped for lack of money stays stopped until it is started."""
        self._world.add_credit(amount)

    def instances(self) -> list[dict[str, Any]]:
        """All instances as `GET /api/v1/instances` shows them, by id."""
        return all_rows(self._world)

    def save(self) -> None:
        """Write the world to its state file, in one step."""
        files.save(self._world, self._state)

    def close(self) -> None:
        """Release the lock; what was not saved is forgotten."""
        self._lock.release()

    def __enter__(self) -> Simulation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_simulation(
    state: Path, *, market: Path | None = None, seed: int | None = None, laws: Laws | None = None
) -> Simulation:
    """Open the world of a state file, or begin a new one: on a recorded market, or on the market of a seed.

    The state file belongs to one market under one set of laws; asking for another one is refused. Unless said
    otherwise a new world is a gentle one. A new world is written by `save` only.
    """
    _refuse_both(market, seed)
    lock = files.Lock(state)
    try:
        world = files.load(state)
        if world is None:
            world = begun(market, seed, laws)
        else:
            _check_same(world, state, market, seed, laws)
    except BaseException:
        lock.release()
        raise
    return Simulation(world, state, lock)


def reset(state: Path) -> None:
    """Forget the world: remove its state file, unless a command is using it."""
    lock = files.Lock(state)
    try:
        state.unlink(missing_ok=True)
    except OSError as error:
        raise NotSaved(f"the simulated world {state} cannot be removed: {error.strerror}") from error
    finally:
        lock.release()


def begun(market: Path | None, seed: int | None, laws: Laws | None = None) -> World:
    """A new world, on a recorded market or on the market of a seed; it is in no file."""
    _refuse_both(market, seed)
    origin = Recorded(market) if market is not None else Generated(DEFAULT_SEED if seed is None else seed)
    return World(origin, *beginning(origin), laws or GENTLE)


def _refuse_both(market: Path | None, seed: int | None) -> None:
    if market is not None and seed is not None:
        raise WrongUsage("a simulated market is either recorded or generated from a seed, not both")


def _check_same(world: World, state: Path, market: Path | None, seed: int | None, laws: Laws | None) -> None:
    origin = world.origin
    other_market = market is not None and not (isinstance(origin, Recorded) and origin.path == market.resolve())
    other_seed = seed is not None and not (isinstance(origin, Generated) and origin.seed == seed)
    if other_market or other_seed or laws not in (None, world.laws):
        raise WrongUsage(f"{state} holds another simulated world: {described(world)}", hint=ANOTHER)


def described(world: World) -> str:
    """Which market a world is on, and whether it is a lively one."""
    return f"{world.origin.description}{named(world.laws)}"
