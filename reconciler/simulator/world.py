"""The simulated world: its time, market, contracts and credit. Everything that happens, happens in `advance`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from reconciler.simulator.limits import Limits
from reconciler.simulator.market import Ids, Market
from reconciler.simulator.rng import stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from reconciler.simulator.contracts import Contract
    from reconciler.simulator.machines import Machine

CREDIT = 250.0
"""Dollars that a new world's account begins with."""

HOUR = 3600.0


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
    """One account on one market. Deterministic: the same origin and the same requests give the same world."""

    def __init__(self, origin: Origin, now: float, following_id: int) -> None:
        self.origin = origin
        self.now = now
        self.ids = Ids(following_id)
        self.credit = CREDIT
        self.contracts: dict[int, Contract] = {}
        self.limits = Limits()
        self.draws = 0
        """How many answers drew from chance; each has a stream of its own."""
        self.hour = int(now // HOUR)
        """Up to which hour the market has moved."""
        self.changes: dict[str, Any] = {}
        """The market's changes as saved, until somebody looks at it."""
        self._market: Market | None = None

    @property
    def seed(self) -> int:
        """The seed of everything drawn in this world."""
        return self.origin.seed

    def market(self) -> Market:
        """The market at this moment: made on first use, moved up to the present hour."""
        if self._market is None:
            self._market = Market(self.origin.machines(), self.ids)
            self._market.restore(self.changes)
            for contract in self.contracts.values():
                if contract.current == "running":
                    self._market.hold_again(contract.machine_id, contract.mask)
        self._catch_up(self._market)
        return self._market

    def market_changes(self) -> dict[str, Any]:
        """How the market differs from how it began."""
        return self.changes if self._market is None else self._market.changes()

    def draw(self) -> Random:
        """A stream of chance for one answer."""
        self.draws += 1
        return stream(self.seed, "answer", self.draws)

    def advance(self, seconds: float) -> None:
        """Let time pass: containers boot, money burns, contracts end, others rent and leave."""
        target = round(self.now + max(0.0, seconds), 6)
        while self.now < target:
            before = self.now
            self._settle(min([target, *(when for when in self._turns() if before < when < target)]))
            self._after(before)

    def destroy(self, contract: Contract) -> None:
        """The contract ends; its record vanishes and its GPUs come back under new asks."""
        del self.contracts[contract.id]
        if contract.current == "running":
            self.market().let_go(contract.machine_id, contract.mask)
            self._start_queued()

    def stop(self, contract: Contract) -> None:
        """The contract keeps its disk and gives its GPUs back."""
        held = contract.current == "running"
        contract.halt(self.now)
        if held:
            self.market().let_go(contract.machine_id, contract.mask)
            self._start_queued()

    def start(self, contract: Contract) -> bool:
        """Run a stopped contract again; False when its GPUs are taken, and the start waits for them."""
        if contract.current == "running" and contract.fault != "exited":
            return True
        able = self.credit > 0 and contract.terms["end_date"] > self.now
        if contract.current == "running" or (able and self.market().hold_again(contract.machine_id, contract.mask)):
            contract.begin(self.seed, self.now)
            return True
        contract.intended, contract.queued = "running", able
        return False

    def _turns(self) -> Iterator[float]:
        """Moments at which rates change, within the near future or not."""
        for contract in self.contracts.values():
            yield contract.runs
            yield contract.terms["end_date"]
        if any(contract.queued for contract in self.contracts.values()):
            yield (self.now // HOUR + 1) * HOUR

    def _settle(self, until: float) -> None:
        """Charge every contract up to `until`, or up to the moment the credit is used up."""
        due = [(contract, contract.costs(self.now, until)) for contract in self.contracts.values()]
        total = sum(cost for _, cost in due)
        if self.credit > 0 and total >= self.credit:
            share = self.credit / total  # rates are constant within one step
            until = min(until, max(self.now + 1e-6, round(self.now + (until - self.now) * share, 6)))
            due = [(contract, cost * share) for contract, cost in due]
            total = self.credit
        if self.credit > 0:
            for contract, cost in due:
                contract.spent += cost
            self.credit -= total
        self.now = until

    def _after(self, before: float) -> None:
        for contract in list(self.contracts.values()):
            over = contract.terms["end_date"] <= self.now
            if (over or self.credit <= 0) and contract.intended == "running":
                self.stop(contract)
        if self.now // HOUR > before // HOUR:
            self._start_queued()

    def _start_queued(self) -> None:
        for contract in self.contracts.values():
            if contract.queued:
                self.start(contract)

    def _catch_up(self, market: Market) -> None:
        present = int(self.now // HOUR)
        while self.hour < present:
            self.hour += 1
            if self.origin.moving:
                market.move(stream(self.seed, "hour", self.hour))
