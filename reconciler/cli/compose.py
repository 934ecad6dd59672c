"""Where the parts meet: one line chooses the marketplace, the rest opens what it needs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.options import Where, ledger_beside, logs_beside
from reconciler.clock import Clock, StoppingClock, SystemClock
from reconciler.core.calls import Calls
from reconciler.core.instance import Account
from reconciler.core.secret import Hidden, hidden
from reconciler.core.settle import Settle
from reconciler.errors import Interrupted, ReconcileError, WrongUsage
from reconciler.eyes import Eyes
from reconciler.ledger.sqlite import SqliteStore
from reconciler.probe.key import LoginKey, key_path
from reconciler.probe.known_hosts import KnownHosts, hosts_beside

if TYPE_CHECKING:
    from reconciler.core.model import Policy
    from reconciler.core.ssh_keys import SshKey
    from reconciler.ledger.git.place import GitPlace
    from reconciler.ledger.git.store import GitStore
    from reconciler.ledger.logs import FileLogs
    from reconciler.provider import Probe, Store
    from reconciler.simulator.simulation import Simulation
    from reconciler.vast.client import Wire
    from reconciler.vast.key import ApiKey
    from reconciler.vast.pacing import Pacing
    from reconciler.vast.provider import VastProvider


@dataclass(slots=True)
class World:
    """An account one can act on, real or simulated, and what belongs to it."""

    provider: VastProvider
    clock: StoppingClock
    settle: Settle
    wire: Wire
    warnings: tuple[str, ...]
    simulation: Simulation | None
    ledger_path: Path | None
    """Where the ledger is, if that was said; else it follows from account and owner."""
    probe: Probe
    """What looks at machines: over the real network only where the machines are real."""
    hosts: KnownHosts = field(default_factory=KnownHosts)
    """The host keys of instances, kept beside the ledger's file as soon as one is opened."""
    ledger_ref: GitPlace | None = None
    """The ref of a git repository that the ledger is on, if that was said."""
    calls: Calls = field(default_factory=Calls)
    """How many calls the wire has sent."""
    checks: Probe | None = None
    """What looks at rented instances; None: one that runs counts as ready."""
    login: LoginKey = field(default_factory=LoginKey)
    """The key that looks log in with."""

    @property
    def eyes(self) -> Eyes:
        """What the market is looked at with."""
        return Eyes(self.provider, self.clock, self.probe, self.checks)

    def govern(self, policy: Policy) -> Settle:
        """Let a policy say what the environment leaves open: the key that logs in, and how long doubt lasts (told)."""
        self.login.path = key_path(os.environ, policy.ssh_key)
        return policy.settle if self.settle == Settle() else self.settle

    def ledger(self, account: Account, owner: str, *, read_only: bool) -> SqliteStore | GitStore:
        """The ledger of this account and owner, with the pace of the last command taken over."""
        path = self.ledger_path or default_ledger(account, owner)
        store = self._ledger(path, account, owner, read_only)
        self.hosts.use(hosts_beside(path))
        self.wire.pacing.adopt(store.route_clocks())
        return store

    def logs(self, account: Account, owner: str) -> FileLogs:
        """The kept logs of this account and owner: a folder beside the ledger."""
        from reconciler.ledger.logs import FileLogs

        return FileLogs(logs_beside(self.ledger_path or default_ledger(account, owner)))

    def ledger_there(self, owner: str) -> SqliteStore | GitStore | None:
        """The ledger of this owner, open for writing, where nobody can tell the account: the one that is there. None
        where there is none, or more than one that it may be."""
        path = self.ledger_path or only_ledger(owner)
        if self.ledger_ref is None and not (path and path.is_file()):
            return None
        return self._ledger(path or Path(), None, owner, read_only=False)

    def _ledger(self, path: Path, account: Account | None, owner: str, read_only: bool) -> SqliteStore | GitStore:
        account_id = account.id if account is not None else None
        if self.ledger_ref is not None:
            from reconciler.ledger.git.store import GitStore

            return GitStore(self.ledger_ref, account=account_id, owner=owner, read_only=read_only)
        return SqliteStore(path, account=account_id, owner=owner, read_only=read_only)

    def keep_pace(self, store: Store) -> None:
        """Leave the pace to the next command."""
        store.save_route_clocks(self.wire.pacing.earliest)

    def save(self) -> None:
        """Keep the simulated world; the real one keeps itself."""
        if self.simulation is not None:
            self.simulation.save()


def default_ledger(account: Account, owner: str) -> Path:
    """`${XDG_STATE_HOME:-~/.local/state}/reconcile/<account>-<owner>.db`, so that cron and a shell share it."""
    return _ledgers() / f"{account.id}-{owner}.db"


def only_ledger(owner: str) -> Path | None:
    """The ledger of `owner` in the default place, if exactly one account has one."""
    found = [path for path in _ledgers().glob("*.db") if re.fullmatch(rf"[0-9]+-{re.escape(owner)}\.db", path.name)]
    return found[0] if len(found) == 1 else None


def _ledgers() -> Path:
    home = os.environ.get("XDG_STATE_HOME")
    base = Path(home) if home and Path(home).is_absolute() else Path.home() / ".local" / "state"
    return base / "reconcile"


@contextmanager
def open_world(where: Where) -> Iterator[World]:
    """The world of a command. Leaving it closes connections and lets go of locks; nothing is saved by itself."""
    with _simulated(where) if where.simulate else _real() as world:
        try:
            yield world
        finally:
            world.wire.close()


@contextmanager
def _simulated(where: Where) -> Iterator[World]:
    from reconciler.cli.virtual import VirtualProbe
    from reconciler.simulator.simulation import open_simulation
    from reconciler.vast.key import ApiKey
    from reconciler.vast.pacing import Pacing

    with open_simulation(where.state, market=where.market, seed=where.seed) as simulation:
        clock = StoppingClock(simulation.clock)
        origin, key = "http://127.0.0.1", ApiKey("no-key-is-needed-in-a-simulated-world")
        calls = Calls()
        wire = _wire(key, origin, clock, Pacing(clock, scale=_pace(True)), simulation, calls)
        ledger, hosts = ledger_beside(where.state), KnownHosts()
        probe = VirtualProbe(simulation.probe(), simulation.knocks, hosts)
        provider, settle = _provider(wire, clock), _settle(True)
        yield World(provider, clock, settle, wire, (), simulation, ledger, probe, hosts, None, calls, probe)


@contextmanager
def _real() -> Iterator[World]:
    from reconciler.vast.key import find_key, find_origin, is_loopback
    from reconciler.vast.pacing import Pacing

    origin = find_origin(hidden(os.environ))
    path, ref = _said_ledger()
    settle, pace = _settle(is_loopback(origin)), _pace(is_loopback(origin))
    found = find_key(hidden(os.environ), Path.home())
    clock = StoppingClock(SystemClock())
    calls = Calls()
    wire = _wire(found.key, origin, clock, Pacing(clock, scale=pace), None, calls)
    hosts, login, provider = KnownHosts(), LoginKey(key_path(os.environ)), _provider(wire, clock)
    probe = _probe(clock, login, hosts, provider, loopback=is_loopback(origin))
    yield World(provider, clock, settle, wire, found.warnings, None, path, probe, hosts, ref, calls, probe, login)


def _said_ledger() -> tuple[Path | None, GitPlace | None]:
    """Where `RECONCILE_LEDGER` says that the ledger is: a file, a ref, or nothing."""
    said = hidden(os.environ).get("RECONCILE_LEDGER")
    if not said:
        return None, None
    from reconciler.ledger.git.place import place_of

    place = place_of(Hidden(said))
    return (place, None) if isinstance(place, Path) else (None, place)


def _probe(
    clock: StoppingClock, login: LoginKey, hosts: KnownHosts, provider: VastProvider, *, loopback: bool
) -> Probe:
    """What looks at real machines; those of a marketplace on this very machine are here, too, if anywhere."""
    from reconciler.probe.checks import MachineProbe
    from reconciler.probe.latency import TcpProbe, is_public, public_or_loopback

    def account_keys() -> tuple[SshKey, ...] | None:
        try:
            return provider.ssh_keys()
        except Interrupted:
            raise
        except ReconcileError:  # The key may lack the scope; then nobody knows.
            return None

    probe = MachineProbe(
        login,
        hosts,
        account_keys,
        public_or_loopback if loopback else is_public,
        clock.check,
        TcpProbe(check=clock.check),
    )
    if not loopback:
        return probe
    from reconciler.cli.playground import PlaygroundProbe

    return PlaygroundProbe(probe)


def _wire(key: ApiKey, origin: str, clock: Clock, pacing: Pacing, simulation: Simulation | None, calls: Calls) -> Wire:
    from reconciler.vast.client import Wire

    transport = simulation.transport() if simulation is not None else None
    return Wire(key=key, origin=origin, clock=clock, pacing=pacing, transport=transport, calls=calls)


def _provider(wire: Wire, clock: Clock) -> VastProvider:
    """The one line that chooses the marketplace."""
    from reconciler.vast.provider import VastProvider

    return VastProvider(wire, clock)


def _settle(playground: bool) -> Settle:
    """How long doubt lasts. `RECONCILE_SETTLE` shortens it where no money is at stake."""
    seconds = _said("RECONCILE_SETTLE", "a number of seconds", 3600, playground)
    return Settle() if seconds is None else Settle.within(seconds)


def _pace(playground: bool) -> float:
    """By how much the documented gaps between calls are stretched: `RECONCILE_PACE=0` is for a server without any."""
    factor = _said("RECONCILE_PACE", "a factor", 1, playground)
    return 1.0 if factor is None else factor


def _said(name: str, what: str, most: int, playground: bool) -> float | None:
    """The number of an environment variable that is accepted only where no money is at stake."""
    said = os.environ.get(name)
    if said is None:
        return None
    if not playground:
        raise WrongUsage(f"{name} is accepted only with --simulate or a loopback VAST_URL")
    try:
        found = float(said)
    except ValueError:
        found = -1.0
    if not 0 <= found <= most:
        raise WrongUsage(f"{name}={said!r} is not {what} from 0 to {most}")
    return found
