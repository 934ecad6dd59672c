"""`kill -9` of real processes that bring a new image to ten replicas, at random requests of the rollout.

    python killing_rollouts.py FOLDER ORDER LIVES SEED

Everything is as in `killing`: the world is here, each run is a fork of it. After every request nobody is there beyond
what the first plan said, and nobody serves too little; after every kill the plan says truly what is left.

Writes one line of JSON. Ends with an error when something of that does not hold.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from reconciler.cli.plan import look
from reconciler.clock import StoppingClock
from reconciler.core.assemble import Wish
from reconciler.core.fields import spec_hash
from reconciler.core.label import Mark, read_label
from reconciler.core.model import Limit, Rollout
from reconciler.core.plan import Destroy, Plan, Replace
from reconciler.core.rollout import rolling
from reconciler.simulator.clock import SimulatedClock
from reconciler.simulator.contracts import Contract
from reconciler.simulator.door import Asked, Outcome
from simulation.killing import CALM_RUNS, PERIOD_S, Life, home_of
from simulation.play import LAWS, LOOKS_EVERY
from simulation.wire import named

AT_ONCE = 2
CANARY_S = 600.0
MOST_RUNS = 120
ROUNDED = 1e-6
"""The world counts in floats, $/h."""
PLANS: dict[str, Rollout] = {
    "create-first": Rollout("create-first", Limit(Decimal(AT_ONCE))),
    "canary": Rollout("create-first", Limit(Decimal(AT_ONCE)), CANARY_S),
    "destroy-first": Rollout("destroy-first", Limit(Decimal(AT_ONCE))),
}


class Rolled(Life):
    """A fleet of ten that gets a new image."""

    replicas = 10
    machines = 40
    laws = replace(LAWS, buyers=False)  # So that the offers of the first plan are there to the end.

    def __init__(self, path: Path, plan: str, seed: int) -> None:
        super().__init__(path, seed)
        self.rollout = PLANS[plan]
        self.new = False
        self.stated: Plan | None = None
        self.most = self.replicas
        self.fewest = self.replicas
        self.rented: dict[int, float] = {}
        """Every instance that ever was, and since when."""
        self.told = 0
        """Kills after which the plan said how many seats were to go."""

    @property
    def wish(self) -> Wish:
        """The fleet with the image that is declared now."""
        before = super().wish
        fleet = before.fleets[0]
        container = replace(fleet.container, image="ghcr.io/acme/june:2" if self.new else "ghcr.io/acme/june:1")
        return replace(before, fleets=(replace(fleet, container=container, rollout=self.rollout),))

    def hash_of(self, contract: Contract) -> str:
        """Which spec an instance was rented for."""
        mark = read_label(contract.label, self.wish.policy.owner)
        assert isinstance(mark, Mark)
        return mark.spec_hash

    def of_spec(self, *, new: bool) -> list[Contract]:
        """The instances that run what is declared now, or what was before."""
        wanted = spec_hash(self.wish.fleets[0])
        return [c for c in self.world.contracts.values() if (self.hash_of(c) == wanted) is new]

    def _target(self) -> tuple[str | None, int]:
        """Mostly at what changes something: a run of a rollout does little else that matters."""
        if self.dice.random() < 0.75:
            return self.dice.choice(("rent", "destroy")), self.dice.choice((1, 1, 2))
        return None, self.dice.randint(1, 10)

    def _answer(self, waited: float, asked: Asked) -> Outcome:
        outcome = super()._answer(waited, asked)
        if named(asked) in ("rent", "destroy"):
            self.rented |= {c.id: self.world.now for c in self.world.contracts.values() if c.id not in self.rented}
        return outcome

    def look(self) -> None:
        """No seat has two of one spec, there are no more than were stated, and enough of them serve."""
        for seat, ids in self.seats().items():
            hashes = Counter(self.hash_of(self.world.contracts[one]) for one in ids)
            assert max(hashes.values()) == 1, f"{seat} was rented twice: {ids}"
        if self.stated is None:
            return
        live = list(self.world.contracts.values())
        serving = sum(contract.status(self.world.now) == "running" for contract in live)
        self.most, self.fewest = max(self.most, len(live)), min(self.fewest, serving)
        first_out = self.rollout.order == "destroy-first"
        assert len(live) <= self.replicas + (0 if first_out else AT_ONCE), f"{len(live)} are there"
        assert serving >= self.replicas - (AT_ONCE if first_out else 0), f"only {serving} serve"
        dollars = sum(contract.gpu_per_hour + contract.disk_per_hour for contract in live)
        assert dollars <= float(self.stated.cost.peak) + ROUNDED, f"${dollars}/h of ${self.stated.cost.peak}/h"

    def plan(self) -> Plan:
        """What `plan` says now."""
        home = home_of(self.door, StoppingClock(SimulatedClock(self.world)), self.path, self.wish)
        return look(home, self.wish).plan

    def the_plan_is_true(self) -> None:
        """It says how many seats still hold an old instance, but for those whose destroy it will send again. Where it
        says nothing, it ends each old instance, but for one whose seat is in doubt."""
        plan = self.plan()
        left, resent = rolling(plan.fleets[0]), {action.old.id for action in plan.resent}
        assert resent <= self.record().leaving.keys(), f"a destroy that was never sent: {resent}"
        old = {contract.id for contract in self.of_spec(new=False)} - resent
        if left is not None:
            self.told += 1
            assert left.seats == len(old), f"{left}, but {old} are old"
        else:
            ends = {action.old.id for action in plan.actions() if isinstance(action, Destroy | Replace)} - resent
            assert ends <= old, f"not old: {ends - old}"
            assert len(old - ends) <= 1, f"the plan does not speak of {old - ends}"

    def live(self) -> int:
        """Ten run, a new image is declared, and every run of it may be killed; how many were."""
        self.calm()
        self.new = True
        self.stated = self.plan()
        kills, old = 0, [self.replicas]
        for number in range(MOST_RUNS):
            if number % LOOKS_EVERY == LOOKS_EVERY - 1:  # Two lost attempts freeze a seat.
                self.person()
            killed = self.run(kill=True) is None
            kills += killed
            self.nothing_is_lost()
            old.append(len(self.of_spec(new=False)))
            if killed:
                self.the_plan_is_true()
            self.world.advance(PERIOD_S)
            self.look()
            if not old[-1] and self.at_rest():
                break
        self.calm()
        assert old == sorted(old, reverse=True), f"an old one came back: {old}"
        assert len(self.of_spec(new=True)) == len(self.world.contracts) == self.replicas
        assert len(self.rented) == 2 * self.replicas, f"{len(self.rented)} were rented"
        self.the_canary_was_alone()
        return kills

    def calm(self) -> None:
        """Runs that nobody kills, until all is still."""
        for _ in range(CALM_RUNS):
            self.person()
            self.run(kill=False)
            self.world.advance(PERIOD_S)
            if self.at_rest() and not self.of_spec(new=False):
                return
        raise AssertionError(f"not converged: {self.seats()} {self.record()}")

    def the_canary_was_alone(self) -> None:
        """The first new one was ready for so long before a second one was rented."""
        first, second = sorted(self.rented[contract.id] for contract in self.of_spec(new=True))[:2]
        assert second - first >= (self.rollout.canary_s or 0.0), f"the second one came after {second - first:.0f}s"


def main(folder: Path, plan: str, lives: int, seed: int) -> None:
    """So many rollouts."""
    found, at = [Rolled(folder / f"{n}.db", plan, seed * 1000 + n) for n in range(lives)], Counter[str]()
    told = {"kills": sum(life.live() for life in found), "told": sum(life.told for life in found)}
    for life in found:
        at += life.killed_at
    told |= {"most": max(life.most for life in found), "fewest": min(life.fewest for life in found)}
    sys.stdout.write(json.dumps({**told, "at": dict(sorted(at.items()))}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
