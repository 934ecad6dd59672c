"""The simulated world: its time, market, contracts and credit. Everything that happens, happens in `advance`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from reconciler.simulator.account import Account
from reconciler.simulator.bidding import retry
from reconciler.simulator.books import Books
from reconciler.simulator.credit import Credit
from reconciler.simulator.laws import GENTLE
from reconciler.simulator.limits import Limits
from reconciler.simulator.lives import Lives, first_day
from reconciler.simulator.market import Ids, Market
from reconciler.simulator.origin import Generated
from reconciler.simulator.rng import stream
from reconciler.simulator.turns import turn

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from reconciler.simulator.contracts import Contract
    from reconciler.simulator.instances import Reached
    from reconciler.simulator.laws import Laws
    from reconciler.simulator.machines import Machine

CREDIT = 250.0
"""Dollars that a new world's account begins with."""

PATIENCE = 3 * 86400.0
"""So long instances are kept when the credit is used up."""


class Origin(Protocol):
    """Where a market comes from."""

    seed: int
    moving: bool
    """Whether other people rent and leave; a recorded market stays still."""
    description: str
    """Which market it is, for people."""

    def machines(self) -> list[Machine]:
        """The machines as the market began; asked for once, when somebody first looks at the market."""
        ...

    def saved(self) -> dict[str, Any]:
        """As the state file keeps it."""
        ...


class World:
    """One account on one market. Deterministic: the same origin and the same requests give the same world.

    In which steps time passes makes no difference: what happens has its moment, and money is a matter of rates.
    """

    def __init__(self, origin: Origin, now: float, following_id: int, laws: Laws = GENTLE) -> None:
        self.origin = origin
        self.laws = laws
        self.now = now
        self.begun = now
        """Since when others act on the market."""
        self.ids = Ids(following_id)
        self.money = Credit(CREDIT, now)
        self.dry: float | None = None
        """Since when the credit is used up."""
        self.contracts: dict[int, Contract] = {}
        self.limits = Limits()
        self.limited = True
        """Whether the limiter refuses anything. Not kept in the state file."""
        self.account = Account(now, CREDIT)
        self.draws = 0
        """How many answers drew from chance; each has a stream of its own."""
        self.changes: dict[str, Any] = {}
        """The market's changes as saved, until somebody looks at it."""
        self.later: list[tuple[float, Callable[[], object]]] = []
        """What happens at a moment still to come, such as a request that arrives late. Not kept in the state file."""
        self.reached: dict[int, Reached] = {}
        """Where instances can really be reached, while somebody serves them. Not kept in the state file."""
        self._market: Market | None = None
        self._books = Books(self)

    @property
    def seed(self) -> int:
        """The seed of everything drawn in this world."""
        return self.origin.seed

    @property
    def credit(self) -> float:
        """Dollars left."""
        return self.money.at(self.now)

    def add_credit(self, amount: float) -> None:
        """Pay in. What stopped for lack of money stays stopped until somebody starts it."""
        self.money.add(amount, self.now)
        self.account.paid_in += amount
        self.dry = None
        self._books.doubt()

    def spent(self, contract: Contract) -> float:
        """Dollars that a contract has cost so far."""
        return self.account.charges.spent(contract.id, self.now)

    def market(self) -> Market:
        """The market at this moment: made on first use, moved up to the present."""
        market = self.unmoved_market()
        market.catch_up(self.now)
        return market

    def unmoved_market(self) -> Market:
        """The market with each machine as somebody last saw it."""
        if self._market is None:
            self._market = self._made()
        return self._market

    def machine(self, contract: Contract) -> Machine:
        """The machine of a contract at this moment."""
        return self.unmoved_market().machine(contract.machine_id, self.now)

    def market_changes(self) -> dict[str, Any]:
        """How the market differs from how it began."""
        if self._market is None:
            return self.changes
        return self._market.changes({contract.machine_id for contract in self.contracts.values()})

    def draw(self) -> Random:
        """A stream of chance for one answer."""
        self.draws += 1
        return stream(self.seed, "answer", self.draws)

    def advance(self, seconds: float) -> None:
        """Let time pass: containers boot, money burns, contracts end, others rent and leave."""
        target = round(self.now + max(0.0, seconds), 6)
        self.settle()
        while (moment := self._next()) <= target:
            self.now = max(self.now, moment)
            self._happen()
            self.settle()
        self.now = target

    def destroy(self, contract: Contract) -> None:
        """The contract ends; its record vanishes and its GPUs come back under new asks."""
        del self.contracts[contract.id]
        self._books.close(contract)
        if contract.current == "running":
            self._let_go(contract)

    def stop(self, contract: Contract) -> None:
        """The contract keeps its disk and gives its GPUs back."""
        held = contract.current == "running"
        contract.halt(self.now)
        if held:
            self._let_go(contract)

    def start(self, contract: Contract) -> bool:
        """Run a stopped contract again; False when its GPUs are taken, and the start waits for them."""
        if contract.current == "running":
            if contract.fault == "exited":
                contract.begin(self.seed, self.now, self.laws)
            return True
        if self.credit <= 0 or contract.terms["end_date"] <= self.now:
            return False
        contract.intended, contract.queued = "running", True
        return retry(self, contract)

    def settle(self) -> None:
        """Note at which rates the contracts are billed from now on, and when something next happens to each."""
        self._books.settle()

    def _next(self) -> float:
        moments = [*self._books.moments(), *(moment for moment, _ in self.later), self.money.empty_at()]
        return min(moments) if self.dry is None or not self.contracts else min([*moments, self.dry + PATIENCE])

    def _happen(self) -> None:
        due = [act for moment, act in self.later if moment <= self.now]
        self.later = [(moment, act) for moment, act in self.later if moment > self.now]
        for act in due:
            act()
        for contract in self._books.due():
            if contract.id in self.contracts:
                turn(self, contract)
        if self.dry is None and self.money.empty_at() <= self.now:
            self._run_dry()
        elif self.dry is not None and self.now >= self.dry + PATIENCE:
            for contract in list(self.contracts.values()):
                self.destroy(contract)

    def _run_dry(self) -> None:
        """The credit is used up: everything stops, and nothing is charged until money comes."""
        self.dry = self.now
        self.money.amount, self.money.since = 0.0, self.now
        for contract in self.contracts.values():
            self.stop(contract)
        self._books.doubt()

    def _let_go(self, contract: Contract) -> None:
        self.unmoved_market().let_go(contract.machine_id, contract.mask)
        for other in self.contracts.values():
            if (other.queued or other.outbid) and other.machine_id == contract.machine_id:
                retry(self, other)

    def _first_machines(self) -> list[Machine]:
        """The machines of the market at the moment at which it began."""
        if isinstance(self.origin, Generated):
            return first_day(self.origin.seed, self.origin.size, self.seed, self.begun, self.laws)
        return self.origin.machines()

    def _made(self) -> Market:
        lives = Lives(self.seed, self.begun, self.laws) if self.origin.moving else None
        market = Market(self._first_machines(), self.ids, lives)
        market.restore(self.changes, self.now)
        for contract in self.contracts.values():
            if contract.current == "running":
                market.keep(contract.machine_id, contract.mask, soft=contract.bid is not None)
        return market
