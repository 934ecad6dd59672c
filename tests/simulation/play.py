"""One play: a scenario through its faulty hour, then without faults until it is still, with the oracle beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import reduce
from random import Random

import builders as b

from reconciler.core.assemble import Wish
from reconciler.core.evidence import Settle
from reconciler.core.label import Mark, read_label
from reconciler.core.lost import freed
from reconciler.core.model import Fleet, Policy
from reconciler.core.record import Record, without_pause
from reconciler.simulator.contracts import Contract
from reconciler.simulator.door import Asked, Outcome
from reconciler.simulator.failing import fail
from reconciler.simulator.faults import Rule
from reconciler.simulator.faulty import FaultyDoor
from reconciler.simulator.generate import FOLLOWING_ID
from reconciler.simulator.laws import Laws
from reconciler.simulator.world import World
from simulation.market import START, Tiny
from simulation.memory import Ledger
from simulation.oracle import Oracle, Violation
from simulation.people import act, strangers
from simulation.process import Host, Ports, Process
from simulation.scenario import AtPoint, AtSave, Fault, Happens, Scenario
from simulation.stage import Alone, Killed, Shared, Stage
from simulation.wire import named

MOST_PASSES = 60
LOOKS_EVERY = 10
"""After so many quiet runs a person reads what they say."""
QUIET_PASSES = 3
CALM_PERIOD_S = 60.0
LAWS = Laws(grain=300.0, buyers=True, prices=False, late_list=True)


@dataclass(slots=True)
class Verdict:
    """What a play showed."""

    scenario: Scenario
    violations: list[Violation]
    calls: Counter[str]
    pairs: Counter[tuple[str, str]]
    points: Counter[tuple[str, str]]
    """Kills, pauses and stops by (act, point)."""
    saves: Counter[str]
    """Saves that went wrong, by fault."""
    processes: int = 0
    passes: int | None = None
    """Runs without faults until all was still; None where it never was."""
    seconds: float = 0.0
    """Virtual seconds."""
    codes: Counter[int | None] = field(default_factory=Counter)
    open_ends: tuple[str, ...] = ()

    @property
    def rules(self) -> set[str]:
        """The invariants that did not hold."""
        return {violation.rule for violation in self.violations}


@dataclass(slots=True)
class Variant:
    """The product as it is, or with one safeguard taken away."""

    name: str = "as it is"
    ports: Callable[[], Ports] = Ports
    settle: Settle = field(default_factory=Settle)
    policy: Callable[[Policy], Policy] = lambda policy: policy
    """What the product is told; the oracle judges by the true one."""
    ledger: Callable[[], Ledger] = Ledger


class _World(World):
    """A world that tells after everything that happens by itself."""

    watcher: Callable[[], None] = staticmethod(lambda: None)

    def _happen(self) -> None:
        super()._happen()
        self.watcher()


class _Door:
    """The faulty door, watched."""

    def __init__(self, play: Play) -> None:
        self._play = play
        self.faulty = FaultyDoor(play.world, ())

    def handle(self, asked: Asked) -> Outcome:
        play = self._play
        process, name = play.current, named(asked)
        if play.scenario.page < 25 and asked.query:
            asked = asked._replace(query=asked.query.replace("limit=25", f"limit={play.scenario.page}"))
        before = dict(play.world.contracts)
        play.oracle.sent(process, name, asked, frozenset(before))
        outcome = self.faulty.handle(asked)
        if outcome.fault is not None:
            play.pairs["list" if name == "page" else name, outcome.fault] += 1
        play.oracle.answered(process, name, asked, outcome, before)
        if play.tell is not None:
            play.say(f"{name} {asked.path} -> {outcome.answer.status} {outcome.ending.value} {outcome.fault or ''}")
        return outcome


class Play:
    """Everything that one scenario needs while it is played."""

    def __init__(self, scenario: Scenario, variant: Variant, tell: Callable[[str], None] | None = None) -> None:
        self.tell = tell
        self.scenario = scenario
        self.variant = variant
        self.world = world = _World(Tiny(scenario.seed, scenario.machines), START, FOLLOWING_ID, LAWS)
        world.add_credit(10_000.0)
        self.policy = b.policy()
        self.fleets = tuple(fleet_of(n, replicas, scenario) for n, replicas in enumerate(scenario.replicas))
        surge = 1 if scenario.rollout else 0
        self.oracle = Oracle(world, self.policy, ledgers=scenario.ledgers, surge=surge, strict_prices=True)
        self.oracle.declare(self.fleets)
        world.watcher = self.oracle.check
        self.pairs: Counter[tuple[str, str]] = Counter()
        self.points: Counter[tuple[str, str]] = Counter()
        self.saves: Counter[str] = Counter()
        self.codes: Counter[int | None] = Counter()
        self.processes = 0
        self.calm = False
        self.current: Process = Process(0, world.now)
        self.door = _Door(self)
        rng = Random(f"play/{scenario.seed}")
        self.stage: Stage = Alone(world) if scenario.runners == 1 else Shared(world, rng)
        one = variant.ledger()
        self.ledgers = {
            n: one if n == 0 or scenario.ledgers == 1 else variant.ledger() for n in range(scenario.runners)
        }
        self.host = Host(
            world, self.stage, self.door, self.ledgers, self._point, self._save, variant.ports(), scenario.over_http
        )
        self.host.stranger = self.oracle.forgotten
        self._seen: Counter[tuple[int, str]] = Counter()
        self._saved: Counter[int] = Counter()
        self._at_points = {(t.runner, t.point, t.nth): t for t in scenario.of(AtPoint)}
        self._at_saves = {(t.runner, t.nth): t for t in scenario.of(AtSave)}

    def say(self, text: str) -> None:
        """One line of the trace."""
        if self.tell is not None:
            runner = self.current.runner if self.current else 0
            self.tell(f"{self.world.now - START:9.1f} [{runner}] {text}")

    # --- hooks ------------------------------------------------------------------------------------

    def _point(self, process: Process, point: str) -> None:
        if process.dead:
            raise Killed
        if not self.calm:
            if self.scenario.runners > 1 and not point.endswith((":sent", ":done", ":written")):
                self.stage.wait(0)
            self._seen[process.runner, point] += 1
            trouble = self._at_points.get((process.runner, point, self._seen[process.runner, point]))
            if trouble is not None:
                self._strike(process, trouble)
        self.current = process

    def _strike(self, process: Process, trouble: AtPoint) -> None:
        self.points[trouble.act, trouble.point] += 1
        self.say(f"{trouble}")
        if trouble.act == "kill":
            process.dead = True
            raise Killed
        if trouble.act == "stop":
            process.stop()
            return
        process.paused_s += trouble.seconds
        self.oracle.paused(process)
        self.stage.wait(trouble.seconds)

    def _save(self, process: Process, phase: str, before: Record, after: Record) -> str | None:
        kind = _about(before, after)
        if phase == "written":
            process.record = after
            self.oracle.written(process, after)
            if kind != "observed":
                self.say(f"saved {kind}: {_shown(after)}")
        fault = None
        if phase == "before" and not self.calm:
            self._saved[process.runner] += 1
            trouble = self._at_saves.get((process.runner, self._saved[process.runner]))
            if trouble is not None:
                fault = trouble.act
                self.saves[fault] += 1
                self.say(f"{trouble}")
                self.oracle.paused(process)
                if fault == "slow":
                    process.paused_s += 60
                    self.stage.wait(60)
        self._point(process, f"save {kind}:{phase}")
        return fault

    # --- the play ---------------------------------------------------------------------------------

    def play(self) -> Verdict:
        """The faulty hour, then calm."""
        scenario = self.scenario
        strangers(self.world, self.oracle, scenario.strangers)
        self.door.faulty.install(tuple(_rule(t) for t in scenario.of(Fault)))
        for happening in scenario.of(Happens):
            self.world.later.append((START + happening.at, lambda h=happening: self._happens(h)))
        parts = [lambda n=n: self._runner(n) for n in range(scenario.runners)]
        if isinstance(self.stage, Shared):
            self.stage.play(parts)
        else:
            parts[0]()
        self._calm_down()
        passes, open_ends = self._until_still()
        return Verdict(
            scenario, self.oracle.violations, self.oracle.calls, self.pairs, self.points, self.saves,
            self.processes, passes, self.world.now - START, self.codes, open_ends,
        )  # fmt: skip

    def _runner(self, number: int) -> None:
        end = START + self.scenario.faulty_s
        first = self.scenario.first_run and number == 0
        if number:
            self.stage.wait(self.scenario.period_s / 3)
        while self.world.now < end:
            began = self.world.now
            self._run(number, waits=self.scenario.waits[number], first=first)
            first = False
            self.stage.wait(max(1.0, began + self.scenario.period_s - self.world.now))

    def _run(self, number: int, *, waits: bool, first: bool = False) -> int | None:
        policy = self.variant.policy(self.policy)
        wish = Wish(self.fleets, policy, complete=True, first_run=first, settle=self.variant.settle)
        process, code = self.host.run(number, wish, waits=waits, timeout_s=self.scenario.patience_s)
        if self.tell is not None:
            self.say(f"process of runner {number} ended: {code}; {self._instances()}")
        self.processes += 1
        self.codes[code] += 1
        self.oracle.ended(process, code, waits)
        return code

    def _happens(self, happening: Happens) -> None:
        self.say(f"{happening}")
        if happening.act in ("fewer", "more"):
            step = 1 if happening.act == "more" else -1
            first = self.fleets[0]
            grown = replace(first, replicas=max(0, first.replicas + step), min_ready=max(0, first.replicas + step))
            self.fleets = (grown, *self.fleets[1:])
        elif happening.act == "image":
            first = self.fleets[0]
            self.fleets = (
                replace(first, container=replace(first.container, image="ghcr.io/acme/june:2")),
                *self.fleets[1:],
            )
        elif happening.act == "lost ledger":
            for ledger in self.ledgers.values():
                ledger.lose()
            self.oracle.forgotten()
        elif happening.act in ("offline", "exited", "gone", "host"):
            self._break(happening)
        else:
            act(self.world, self.oracle, happening.act, happening.pick)
        self.oracle.declare(self.fleets)

    def _instances(self) -> str:
        now = self.world.now
        return ", ".join(f"{c.id} {c.label} {c.status(now)}/{c.intended}" for c in self.world.contracts.values())

    def _break(self, happening: Happens) -> None:
        ids = sorted(self.world.contracts)
        if not ids:
            return
        picked = [ids[happening.pick % len(ids)]]
        if happening.act == "host":
            host = self.world.contracts[picked[0]].terms["host_id"]
            picked = [c.id for c in self.world.contracts.values() if c.terms["host_id"] == host]
        for number in picked:
            self.oracle.struck(number)
            fail(self.world, number, "offline" if happening.act == "host" else happening.act)

    def _calm_down(self) -> None:
        """Faults end; what only a person can mend, a person mends."""
        self.calm = True
        self.door.faulty.install(())
        if isinstance(self.stage, Shared):
            self.host.stage = Alone(self.world)
        records = [ledger.record for ledger in self.ledgers.values()]
        nameless = {i.instance_id for record in records for i in record.intents.values()}
        nameless |= {number for record in records for number in record.leaving}
        for contract in list(self.world.contracts.values()):
            is_ours = isinstance(read_label(contract.label, self.policy.owner), Mark)
            if self.oracle.lives[contract.id].damaged or (contract.id in nameless and not is_ours):
                self.world.destroy(contract)

    def _resume(self) -> None:
        """A person reads the reports, and says `resume` and `free` where they ask for it."""
        self.oracle.resumed()
        for ledger in set(self.ledgers.values()):
            ledger.change(resumed)

    def _until_still(self) -> tuple[int | None, tuple[str, ...]]:
        open_ends: list[str] = []
        for number in range(MOST_PASSES):
            if number % LOOKS_EVERY == 0:
                self._resume()
            runner = number % self.scenario.runners
            self._run(runner, waits=False)
            open_ends = self.oracle.settled(self.ledgers[runner].record, self.fleets, self._for_sale())
            if not open_ends:
                if not self.oracle.lacking:  # Else somebody may give back what is missing.
                    self._must_stay_still()
                return number + 1, ()
            self.world.advance(CALM_PERIOD_S)
        self.oracle.found("L1", f"not converged after {MOST_PASSES} runs without faults: {'; '.join(open_ends)}")
        return None, tuple(open_ends)

    def _for_sale(self) -> bool:
        """Whether whatever is missing could be rented."""
        if self.scenario.budget:  # It may not be enough for all.
            return False
        market, now = self.world.market(), self.world.now
        # At most one instance on each machine, and none where one has failed.
        taken = {life.machine_id for life in self.oracle.lives.values()}
        free = (
            a for a in market.asks() if a.machine.occupancy.is_free(a.position) and a.machine.machine_id not in taken
        )
        return any(market.row(ask, now, 10)["dph_total"] <= float(self.scenario.cap) for ask in free)

    def _must_stay_still(self) -> None:
        before = self.oracle.mutations
        for number in range(QUIET_PASSES):
            self.world.advance(CALM_PERIOD_S)
            self._run(number % self.scenario.runners, waits=False)
        if self.oracle.mutations != before:
            self.oracle.found("L7", "converged, and a further run changed something")


def fleet_of(number: int, replicas: int, scenario: Scenario) -> Fleet:
    budget = f"{float(scenario.cap) * 0.5 * (replicas + 0.5):.3f}" if scenario.budget else None
    return b.fleet(
        f"fleet-{number}", replicas=replicas, disk_gb=10, max_per_hour=scenario.cap, budget_per_hour=budget, require=(),
        min_reliability=b.money("0"), min_download_mbps=None, min_direct_ports=0, min_days_left=b.money("0"),
        max_download_per_tb=1000, max_upload_per_tb=1000,
    )  # fmt: skip


def _rule(fault: Fault) -> Rule:
    return Rule(fault.call, fault.name, (fault.at,), settings={"seconds": fault.seconds, "status": fault.status})


def _about(before: Record, after: Record) -> str:
    if set(after.intents) - set(before.intents):
        return "intent"
    if any(i.instance_id is not None and before.intents[a].instance_id is None for a, i in after.intents.items()):
        return "rented"
    if set(after.leaving) - set(before.leaving):
        return "leaving"
    if set(before.leaving) - set(after.leaving):
        return "gone"
    if set(before.intents) - set(after.intents):
        return "clear"
    return "observed"


def _shown(record: Record) -> str:
    intents = [f"{i.seat} {a} id={i.instance_id}" for a, i in record.intents.items()]
    leaving = [f"{item.seat} {item.id}: {item.reason}" for item in record.leaving.values()]
    return f"intents {intents} leaving {leaving}"


def play(scenario: Scenario, variant: Variant | None = None) -> Verdict:
    """Play one scenario."""
    return Play(scenario, variant or Variant()).play()


__all__ = ["Contract", "Mark", "Variant", "Verdict", "play", "read_label"]


def resumed(record: Record) -> Record:
    """The record once a person has said `resume` for every fleet and `free` for every seat that a guard stopped."""
    seats = {t.seat for t in record.tombstones.values()} | set(record.replaced)
    return reduce(freed, sorted(seats), reduce(without_pause, sorted(record.stopped), record))
