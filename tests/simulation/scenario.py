"""A seed as a scenario: what is wished for, who runs, and a list of troubles that can be taken away one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Literal

from reconciler.simulator.fault_table import TABLE
from simulation.points import POINTS, SAVES

FAULTY_S = 1800.0
"""So long faults strike by default: six times the time in which a doubt settles."""
HOURS = (900.0, 1200.0, 1200.0, 1200.0, 1500.0, 1800.0, 1800.0, 3600.0)
"""How long faults may strike; a whole hour costs twice as much as half of it, and shows little more."""

PAIRS = tuple((call, name) for name, fault in TABLE.items() for call in fault.calls)
"""Every call with every fault that can strike it."""

HUMAN_ACTS = ("stop", "relabel", "delete", "look-alike", "near miss", "unlabelled")
BREAKS = ("offline", "exited", "gone", "host")
PROCESS_ACTS = ("kill", "pause", "stop")
STORE_ACTS = ("conflict", "error before", "error after", "slow", "disk full")


@dataclass(frozen=True, slots=True)
class Fault:
    """The n-th call of a kind fails so."""

    call: str
    name: str
    at: int
    seconds: float = 30.0
    status: int = 502


@dataclass(frozen=True, slots=True)
class AtPoint:
    """Something befalls a runner at the n-th time that it comes to a point."""

    act: Literal["kill", "pause", "stop"]
    runner: int
    point: str
    nth: int
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class AtSave:
    """The n-th save of a runner goes wrong."""

    act: str
    runner: int
    nth: int


@dataclass(frozen=True, slots=True)
class Happens:
    """Somebody does something to an instance, or to the specs, at a moment."""

    at: float
    """Seconds after the beginning."""
    act: str
    pick: int
    """Which of the instances there are then."""


Trouble = Fault | AtPoint | AtSave | Happens


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that a play depends on."""

    seed: int
    replicas: tuple[int, ...] = (2,)
    """Of each fleet."""
    machines: int = 40
    runners: int = 1
    ledgers: int = 1
    period_s: float = 120.0
    waits: tuple[bool, ...] = (False, False)
    """Whether a runner waits until all runs (`apply`), or does one step (`apply --no-wait`)."""
    patience_s: float = 1200.0
    """How long a run waits until all runs."""
    page: int = 25
    """Rows of a page of the list."""
    strangers: int = 0
    """Instances of other people in the account."""
    over_http: bool = False
    first_run: bool = True
    cap: str = "0.25"
    """$/h, all-in; half of the machines cost less than 0.08, nine of ten less than 0.14."""
    budget: bool = False
    """Whether the fleets have a written budget: too small for all replicas at the dearer offers."""
    rollout: bool = False
    """The spec changes on the way, so that instances are replaced."""
    faulty_s: float = FAULTY_S
    troubles: tuple[Trouble, ...] = field(default=())

    def without(self, number: int) -> Scenario:
        """The same, less one trouble."""
        return replace(self, troubles=self.troubles[:number] + self.troubles[number + 1 :])

    def of(self, kind: type[Trouble]) -> Iterator[Trouble]:
        """The troubles of a kind."""
        return (trouble for trouble in self.troubles if isinstance(trouble, kind))


def scenario(seed: int, theme: str | None = None) -> Scenario:
    """The scenario of a seed; of a given theme, where one is given."""
    rng = Random(f"scenario/{seed}")
    runners = 2 if rng.random() < 0.3 else 1
    fleets = 2 if rng.random() < 0.2 else 1
    plain = Scenario(
        seed,
        replicas=tuple(rng.choice((1, 1, 2, 2, 2, 3, 3, 4, 5, 6)) if n == 0 else 1 for n in range(fleets)),
        machines=rng.choice((10, 10, 12, 12, 14, 16, 20, 40)),
        runners=runners,
        ledgers=2 if runners == 2 and rng.random() < 0.2 else 1,
        period_s=rng.choice((60.0, 120.0, 180.0, 180.0, 240.0, 300.0)),
        waits=(rng.random() < 0.3, rng.random() < 0.3),
        patience_s=rng.choice((180.0, 300.0, 420.0)),
        page=rng.choice((1, 2, 25, 25, 25, 25)),
        strangers=rng.randint(0, 2),
        over_http=rng.random() < 0.05,
        first_run=rng.random() < 0.5,
        cap=rng.choice(("0.25", "0.25", "0.09")),
        budget=rng.random() < 0.2,
        rollout=rng.random() < 0.15,
        faulty_s=rng.choice(HOURS),
    )
    plain, more = themed(plain, Random(f"theme/{seed}"), theme)
    return replace(plain, troubles=(*_troubles(plain, rng), *more))


THEMES = ("late", "lost", "pauses", "money", "doubles", "blind", "vain", "dying")
"""Rents that take effect late; lost ledgers; pauses around a rent; scarce money; doubled rents whose destroys fail;
readings that lie together; rents in vain; instances that die at once."""


def themed(plain: Scenario, rng: Random, theme: str | None = None) -> tuple[Scenario, tuple[Trouble, ...]]:
    """Half of the seeds have a theme: troubles that are rare alone come together."""
    # The second try of an attempt goes to another machine, for a rented one would keep the late rent out.
    late = [Fault("rent", "late", at, rng.uniform(10, 90)) for at in (1, 3)]
    late += [Fault("rent", "no_such_ask", at, status=404) for at in (2, 4)]
    drawn = rng.choice((*[None] * len(THEMES), *THEMES))
    theme = theme or drawn
    if theme == "late":
        plain = replace(plain, replicas=(1,), runners=1, ledgers=1) if rng.random() < 0.5 else plain
        return replace(plain, waits=(True, rng.random() < 0.5)), tuple(late)
    if theme == "lost":
        lost = Happens(rng.uniform(20, 100), "lost ledger", 0)
        return replace(plain, period_s=60.0, ledgers=1, rollout=False, faulty_s=1200.0), (*late, lost)
    if theme == "pauses":
        ways = ("save intent:written", "save intent:after", "save intent:before", "rent:done", "rent:after")
        pauses = [AtPoint("pause", rng.randrange(2), rng.choice(ways), rng.randint(1, 3), rng.uniform(300, 600))]
        return replace(plain, runners=2, ledgers=1, period_s=120.0, faulty_s=1200.0), tuple(pauses)
    if theme == "money":
        if rng.random() < 0.5:
            dear = [Fault("rent", "other_price", at) for at in (1, 2)]
            return replace(plain, replicas=(1,), cap="0.07", budget=False, waits=(True, True)), tuple(dear)
        return replace(plain, cap=rng.choice(("0.07", "0.09")), budget=True, waits=(True, True)), ()
    if theme == "doubles":
        names = ("before", "redirect", "timeout", "not_successful")
        vain = [Fault("destroy", rng.choice(names), at, status=302) for at in (1, 2)]
        ends = [Happens(rng.uniform(300, 900), rng.choice(("gone", "delete")), rng.randrange(9)) for _ in range(2)]
        return replace(plain, replicas=(1,), strangers=0, period_s=300.0), (Fault("rent", "twice", 1), *vain, *ends)
    if theme == "blind":
        at, kind = rng.randint(6, 12), rng.choice(("gone_though_alive", "gone_though_alive", "other_row", "html"))
        shown = [Fault("show", kind, number) for number in range(1, 25)]
        return replace(plain, waits=(False, False)), (Fault("list", "other_account", at), *shown)
    if theme == "vain":
        ways = [Fault("rent", rng.choice(("before", "timeout", "server_error")), at) for at in range(1, 6)]
        return replace(plain, replicas=(1,), runners=1, ledgers=1, faulty_s=2400.0), tuple(ways)
    if theme == "dying":
        dies = [Fault("rent", "dies", at) for at in range(1, 9)]
        return replace(plain, replicas=(1,), runners=1, ledgers=1, faulty_s=2400.0), tuple(dies)
    return plain, ()


_CALLS_SEEN = {"rent": 6, "list": 20, "show": 6, "destroy": 3, "search": 6, "account": 10}
"""About how many calls of each kind a faulty hour sees."""


def _troubles(plain: Scenario, rng: Random) -> Iterator[Trouble]:
    for call, most in (("rent", 8), ("list", 12), ("show", 6), ("destroy", 6), ("search", 4), ("account", 4)):
        for _ in range(rng.randint(0, most)):
            names = [name for kind, name in PAIRS if kind == call]
            yield _fault(call, rng.choice(names), rng.randint(1, _CALLS_SEEN[call]), rng)
    for _ in range(rng.randint(0, 3)):
        yield at_point("kill", plain, rng)
    for _ in range(rng.randint(0, 3)):
        yield at_point("pause", plain, rng)
    if rng.random() < 0.2:
        yield at_point("stop", plain, rng)
    for _ in range(rng.choice((0, 0, 1, 2))):
        yield AtSave(rng.choice(STORE_ACTS), rng.randrange(plain.runners), rng.randint(1, 30))
    for _ in range(rng.randint(0, 4)):
        yield Happens(rng.uniform(30, plain.faulty_s), rng.choice(HUMAN_ACTS), rng.randrange(1000))
    for _ in range(rng.randint(0, 4)):
        yield Happens(rng.uniform(30, plain.faulty_s), rng.choice(BREAKS), rng.randrange(1000))
    if rng.random() < 0.3:
        yield Happens(rng.uniform(300, plain.faulty_s), rng.choice(("fewer", "more")), 0)
    if rng.random() < 0.1:
        yield Happens(rng.uniform(30, plain.faulty_s), "lost ledger", 0)
    if plain.rollout:
        yield Happens(rng.uniform(300, plain.faulty_s - 300), "image", 0)


def _fault(call: str, name: str, at: int, rng: Random) -> Fault:
    seconds = {
        "late": rng.uniform(0, 90),
        "stale": rng.uniform(1, 29),
        "older": rng.uniform(0, 2),
        "alive_though_gone": rng.uniform(1, 29),
        "still_listed": rng.uniform(1, 29),
        "slow": rng.uniform(1, 40),
        "comes_back": rng.uniform(1, 120),
    }.get(name, 0.0)
    status = rng.choice((400, 404, 410)) if name == "no_such_ask" else rng.choice((500, 502, 503, 504))
    return Fault(call, name, at, seconds, 302 if name == "redirect" else status)


LONGEST_PAUSE = 600.0
CHANGING = tuple(p for p in POINTS if p.startswith(("rent", "destroy", "save intent", "save rented", "save leaving")))
"""The points around what costs money."""

LAST_INSTANT = ("rent:before", "rent:sent", "destroy:sent")
"""Between the last check and the send nothing can be checked any more: pauses are short there."""


def at_point(act: Literal["kill", "pause", "stop"], plain: Scenario, rng: Random) -> AtPoint:
    """A trouble at a random point; those that come often are met at any of their times."""
    point = rng.choice(POINTS if rng.random() < 0.5 else CHANGING)
    often = point.startswith(("account", "list", "page", "save observed", "loaded", "start", "close"))
    nth = rng.randint(1, 12) if often else rng.randint(1, 5)
    longest = 4.0 if point in LAST_INSTANT else LONGEST_PAUSE
    return AtPoint(act, rng.randrange(plain.runners), point, nth, rng.uniform(1, longest) if act == "pause" else 0.0)


assert set(SAVES)
