"""The faulty door: the engine's answers, and at chosen calls a fault instead."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reconciler.simulator.door import Asked, Outcome
from reconciler.simulator.fault_table import TABLE
from reconciler.simulator.past import Past
from reconciler.simulator.scene import Memory, Scene, answered, call_of

if TYPE_CHECKING:
    from reconciler.simulator.faults import Rule
    from reconciler.simulator.world import World

_REMEMBERED = 3600.0
"""Seconds between two lists within which `older` can look back behind the former one."""


class FaultyDoor:
    """Counts the calls of each kind and lets the first rule strike that wants to.

    The same seed, rules and requests give the same faults. What it counts and remembers is not kept in the state
    file: a world that is opened again begins to count anew.
    """

    def __init__(self, world: World, rules: tuple[Rule, ...] = ()) -> None:
        self._world = world
        self.install(rules)

    def install(self, rules: tuple[Rule, ...]) -> None:
        """These rules from now on, none of the former ones; the counting begins anew."""
        self.rules = rules
        self.fired = [0] * len(rules)
        """How often each rule has struck."""
        self._calls: Counter[str] = Counter()
        self._memory = Memory(Past(self._world), self._world.now)
        self._memory.past.reach = max((_reach(rule) for rule in rules), default=0.0)
        self._memory.past.note()

    def handle(self, asked: Asked) -> Outcome:
        """Answer one request, or fail to."""
        call = call_of(asked) if self.rules else None
        if call is None:
            return Outcome(asked.to(self._world))
        self._memory.past.note()
        outcome = self._answered(call, asked)
        if call == "list":
            self._memory.listed = self._world.now
        self._memory.past.note()
        return outcome

    def _answered(self, call: str, asked: Asked) -> Outcome:
        self._calls[call] += 1
        for place, rule in enumerate(self.rules):
            if rule.call == call and rule.strikes(
                self._calls[call], self.fired[place], self._world.seed, "fault", place, call
            ):
                scene = Scene(self._world, asked, rule, self._memory)
                self.fired[place] += 1
                return TABLE[rule.fault].action(scene)._replace(fault=rule.fault)
        return Outcome(answered(self._world, asked, self._memory))


def _reach(rule: Rule) -> float:
    if rule.fault == "older":
        return rule.seconds + _REMEMBERED
    return rule.seconds if rule.fault in ("stale", "alive_though_gone") else 0.0
