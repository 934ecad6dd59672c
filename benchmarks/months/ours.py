"""The month with this tool, as cron runs it: `apply --yes --no-wait` at every tick, in this process, nothing saved but
the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.cli.apply import Consent, begun, carry_out
from reconciler.cli.compose import World as Desk
from reconciler.cli.options import Shape
from reconciler.cli.screen import Screen
from reconciler.cli.virtual import VirtualProbe
from reconciler.clock import StoppingClock
from reconciler.core.assemble import Wish
from reconciler.core.settle import Settle
from reconciler.errors import ReconcileError
from reconciler.ledger.sqlite import SqliteStore
from reconciler.probe.known_hosts import KnownHosts
from reconciler.simulator.clock import SimulatedClock
from reconciler.simulator.distances import Distances
from reconciler.simulator.keys import ACCOUNT
from reconciler.simulator.knocks import Knocks
from reconciler.simulator.lies import Lies
from reconciler.vast.client import Wire
from reconciler.vast.key import ApiKey
from reconciler.vast.pacing import Pacing
from reconciler.vast.provider import VastProvider

from .truth import Counting, Watched

KEY = ApiKey("no-key-is-needed-in-a-simulated-world")


class Quiet(Screen):
    """A screen that nobody reads, unless somebody wants its lines."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(Shape("text", quiet=True))
        self._say = say

    def data(self, text: str) -> None:
        """Hand on a result."""
        self._say(text)

    def note(self, text: str) -> None:
        """Hand on a word beside it."""
        self._say(text)

    def alarm(self, text: str) -> None:
        """Hand on an alarm."""
        self._say(text)


@dataclass(slots=True)
class Ours:
    """The tool at work on one fleet."""

    world: Watched
    wish: Wish
    ledger: Path
    say: Callable[[str], None]
    transport: Counting
    codes: Counter[int] = field(default_factory=Counter)
    """How the runs left."""

    def step(self) -> None:
        """One run, as cron starts it."""
        desk = self._desk()
        consent = Consent(Quiet(self.say), True, None, None)
        try:
            code = carry_out(desk, begun(self.wish, desk), consent, timeout_s=0.0, step_only=True)
        except ReconcileError as error:
            self.say(f"error: {error}")
            code = error.exit_code
        finally:
            desk.wire.close()
        self.codes[code] += 1

    def struck(self) -> int:
        """How many machines hold a strike that is not forgotten."""
        store = SqliteStore(self.ledger, account=ACCOUNT, owner=self.wish.policy.owner, read_only=True)
        try:
            return len(store.load().strikes)
        finally:
            store.close()

    def _desk(self) -> Desk:
        """A desk of its own for each run: only the ledger, and what lies beside it, leads from one to the next."""
        clock = StoppingClock(SimulatedClock(self.world))
        wire = Wire(key=KEY, origin="http://127.0.0.1", clock=clock, pacing=Pacing(clock), transport=self.transport)
        hosts = KnownHosts()
        probe = VirtualProbe(Distances(self.world), lambda: Knocks(self.world, Lies()), hosts)
        provider = VastProvider(wire, clock)
        return Desk(provider, clock, Settle(), wire, (), None, self.ledger, probe, hosts, checks=probe)


def ours(world: Watched, wish: Wish, folder: Path, say: Callable[[str], None], lost: float = 0.0) -> Ours:
    """The tool with this wish, and with an empty ledger in `folder`."""
    return Ours(world, wish, folder / "ledger.db", say, Counting(world, lost))
