"""`kill -9` of real processes that apply over a simulated world, with the real ledger.

    python killing.py FOLDER LIVES SEED

The world lives in this process; each run of the product is a fork of it, which asks for everything over a pipe: calls,
and time. It is killed at a random request: before the request arrives, before its answer, or a moment after the answer,
in the middle of whatever it does then. What the file says is compared with what is true after each kill.

Writes one line of JSON. Ends with an error when something was lost, or a seat was rented twice.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import builders as b
import deepdiff

import reconciler.views.document
import reconciler.views.ending
import reconciler.views.text
from reconciler.cli.apply import Consent, begun, carry_out
from reconciler.clock import StoppingClock
from reconciler.core.assemble import Wish
from reconciler.core.instance import Account
from reconciler.core.label import Mark, Seat, read_label
from reconciler.core.record import Record
from reconciler.errors import ReconcileError
from reconciler.ledger.sqlite import SqliteStore
from reconciler.simulator.door import Asked, Door, Outcome, SoundDoor
from reconciler.simulator.failing import fail
from reconciler.simulator.generate import FOLLOWING_ID
from reconciler.simulator.keys import ACCOUNT
from reconciler.simulator.world import World
from reconciler.vast.pacing import Pacing
from reconciler.vast.provider import VastProvider
from simulation.market import START, Tiny
from simulation.play import LAWS, fleet_of, resumed
from simulation.process import NO_PROBE, HarnessWorld, Silent
from simulation.scenario import Scenario
from simulation.wire import DirectWire, named

KILLS_A_LIFE = 14
CALM_RUNS = 30
PERIOD_S = 120.0
LONGEST_S = 0.008
"""So long after an answer a kill may come: about as long as it takes to the next request."""


class Remote:
    """The world as a run sees it that lives in another process."""

    def __init__(self, to: Connection, now: float) -> None:
        self._to = to
        self._now = now
        self._waited = 0.0

    def now(self) -> float:
        """As it was at the last answer, and what was waited since."""
        return self._now + self._waited

    def sleep(self, seconds: float) -> None:
        """Let time pass: the world follows at the next request."""
        self._waited += max(0.0, seconds)

    def handle(self, asked: Asked) -> Outcome:
        """One request."""
        self._to.send((self._waited, asked))
        self._waited = 0.0
        found: Outcome
        self._now, found = self._to.recv()
        return found


def opened(path: Path, *, read_only: bool = False) -> SqliteStore:
    """The ledger of the file."""
    return SqliteStore(path, account=ACCOUNT, owner=b.OWNER, read_only=read_only)


def home_of(door: Door, clock: StoppingClock, path: Path, wish: Wish) -> HarnessWorld:
    """The world of a command behind `door`, with the ledger of the file."""
    wire = DirectWire(door, clock, Pacing(clock), clock.sleep, lambda name, phase: None)
    home = HarnessWorld(VastProvider(wire, clock), clock, wish.settle, wire, (), None, None, NO_PROBE)  # type: ignore[arg-type]

    def ledger(account: Account, owner: str) -> Any:
        return opened(path)

    home.opened = ledger
    return home


def command(remote: Remote, path: Path, wish: Wish) -> int:
    """One `apply --no-wait` of the product."""
    home = home_of(remote, StoppingClock(remote), path, wish)
    try:
        want = begun(wish, home)
        return carry_out(home, want, Consent(Silent(), True, None, None), timeout_s=0.0, step_only=True)
    except ReconcileError as error:
        return error.exit_code


class Life:
    """One account with its ledger, from its first rent on."""

    replicas = 2
    machines = 12
    laws = LAWS

    def __init__(self, path: Path, seed: int) -> None:
        self.path = path
        self.dice = random.Random(f"killing/{seed}")
        self.scenario = Scenario(seed, (self.replicas,), machines=self.machines)
        self.world = World(Tiny(seed, self.machines), START, FOLLOWING_ID, self.laws)
        self.world.add_credit(1_000.0)
        self.door = SoundDoor(self.world)
        self.attempts: set[str] = set()
        self.killed_at: Counter[str] = Counter()
        self.half_done = 0
        opened(path).close()

    @property
    def wish(self) -> Wish:
        """What is declared now."""
        return Wish((fleet_of(0, self.replicas, self.scenario),), b.policy(), complete=True, first_run=True)

    def run(self, kill: bool) -> int | None:
        """One process; killed, if it comes so far. Its exit code, None where it was killed."""
        ours, theirs = Pipe()
        wish = self.wish
        child = os.fork()
        if child == 0:
            ours.close()
            code = 70
            try:
                code = command(Remote(theirs, self.world.now), self.path, wish)
            finally:
                os._exit(code)
        theirs.close()
        self._serve(child, ours, self._target() if kill else None)
        ours.close()
        _, status = os.waitpid(child, 0)
        return None if os.WIFSIGNALED(status) else os.waitstatus_to_exitcode(status)

    def _target(self) -> tuple[str | None, int]:
        """At which call of which kind the next process is killed; None: of any kind."""
        if self.dice.random() < 0.5:
            return self.dice.choice(("rent", "rent", "destroy")), self.dice.randint(1, 2)
        return None, self.dice.randint(1, 10)

    def _serve(self, child: int, to: Connection, kill_at: tuple[str | None, int] | None) -> None:
        calls = Counter[str | None]()
        while True:
            try:
                waited, asked = to.recv()
            except EOFError:
                return
            calls.update((None, named(asked)))
            due = kill_at is not None and calls[kill_at[0]] == kill_at[1]
            moment = self.dice.choice(("before", "done", "after", "after")) if due else None
            if moment != "before":
                answer = self._answer(waited, asked)
            if moment in (None, "after"):
                to.send((self.world.now, answer))
            if moment is not None:
                if moment == "after":
                    time.sleep(self.dice.uniform(0, LONGEST_S))
                os.kill(child, signal.SIGKILL)
                self.killed_at[f"{named(asked)}:{moment}"] += 1
                if moment == "after":
                    self._late(to)
                return

    def _late(self, to: Connection) -> None:
        """What was sent before the process died may arrive all the same."""
        try:
            while to.poll(0.05):
                waited, asked = to.recv()
                if self.dice.random() < 0.5:
                    self._answer(waited, asked)
        except (EOFError, OSError):  # It died in the middle of a word.
            pass

    def _answer(self, waited: float, asked: Asked) -> Outcome:
        self.world.advance(waited)
        if named(asked) in ("rent", "destroy"):
            self._is_written_down(asked)
        outcome = self.door.handle(asked)
        self.look()
        return outcome

    def _is_written_down(self, asked: Asked) -> None:
        """What changes something is durable before it arrives, and a rent arrives once."""
        record = self.record()
        if named(asked) == "destroy":
            number = int(asked.path.strip("/").split("/")[-1])
            assert number in record.leaving, f"a destroy of {number} that is not written down"
            return
        mark = read_label(json.loads(asked.body)["label"], b.OWNER)
        assert isinstance(mark, Mark)
        assert mark.attempt not in self.attempts, f"attempt {mark.attempt} was sent twice"
        assert mark.attempt in record.intents, f"attempt {mark.attempt} is not written down"
        self.attempts.add(mark.attempt)

    def record(self) -> Record:
        """What the file says."""
        store = opened(self.path, read_only=True)
        try:
            return store.load()
        finally:
            store.close()

    def seats(self) -> dict[Seat, list[int]]:
        """Who sits where, in truth."""
        found: dict[Seat, list[int]] = {}
        for contract in self.world.contracts.values():
            mark = read_label(contract.label, b.OWNER)
            assert isinstance(mark, Mark)
            found.setdefault(mark.seat, []).append(contract.id)
        return found

    def look(self) -> None:
        """No seat is taken twice."""
        twice = {str(seat): ids for seat, ids in self.seats().items() if len(ids) > 1}
        assert not twice, twice

    def nothing_is_lost(self) -> None:
        """Every instance is known to the file, or its attempt is open there."""
        self.half_done += self.path.with_name(f"{self.path.name}-journal").exists()
        record = self.record()
        for contract in self.world.contracts.values():
            mark = read_label(contract.label, b.OWNER)
            assert isinstance(mark, Mark)
            assert contract.id in record.known or mark.attempt in record.intents, f"instance {contract.id} is lost"

    def trouble(self) -> None:
        """Something happens, so that there is something to do."""
        act = self.dice.choice(("exited", "gone", "fewer", "more"))
        running = [c.id for c in self.world.contracts.values() if c.status(self.world.now) == "running"]
        if act in ("fewer", "more"):
            self.replicas = max(1, min(3, self.replicas + (1 if act == "more" else -1)))
        elif running:
            fail(self.world, self.dice.choice(running), act)

    def person(self) -> None:
        """Somebody says `resume` and `free`."""
        store = opened(self.path)
        store.save(resumed(store.load()))
        store.close()

    def live(self) -> int:
        """Kill after kill, then calm; how many processes were killed."""
        kills = 0
        while kills < KILLS_A_LIFE:
            kills += self.run(kill=True) is None
            self.nothing_is_lost()
            if self.dice.random() < 0.5:
                self.trouble()
            self.world.advance(PERIOD_S)
        for _ in range(CALM_RUNS):
            self.person()
            self.run(kill=False)
            self.world.advance(PERIOD_S)
            if self.at_rest():
                return kills
        raise AssertionError(f"not converged: {self.seats()} {self.record()}")

    def at_rest(self) -> bool:
        """Whether every seat has its one instance, and the file is at peace."""
        record, now = self.record(), self.world.now
        wanted = {Seat("fleet-0", index) for index in range(self.replicas)}
        running = all(contract.status(now) == "running" for contract in self.world.contracts.values())
        return running and set(self.seats()) == wanted and not record.intents and not record.leaving


FORKS_SHARE = (deepdiff, reconciler.views)
"""The product imports these when it needs them: imported here once, and not by each fork."""


def main(folder: Path, lives: int, seed: int) -> None:
    """So many lives."""
    kills, half_done, at = 0, 0, Counter[str]()
    for number in range(lives):
        life = Life(folder / f"{number}.db", seed * 1000 + number)
        kills += life.live()
        half_done += life.half_done
        at += life.killed_at
    sys.stdout.write(json.dumps({"kills": kills, "half_done": half_done, "at": dict(sorted(at.items()))}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
