"""What must hold after every event, judged by what is true at the server and by what went over the wire.

The oracle knows more than the product: who made each instance, who changed its label and when, which answer was a lie.
It excuses what nobody could prevent (a request that was doubled below us, a look-alike that a person made, an instance
that came back from the dead), and nothing else.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from urllib.parse import parse_qs

from reconciler.core.fields import spec_hash
from reconciler.core.label import Mark, Seat, read_label
from reconciler.core.model import Fleet, Policy
from reconciler.core.record import Record
from reconciler.simulator.contracts import Contract
from reconciler.simulator.door import PATIENCE, Asked, Ending, Outcome
from reconciler.simulator.world import World
from simulation.process import Process

READ_WITHIN_S = 5.0
"""S1: how old the reading behind a destroy may be when it is sent."""
LIST_WITHIN_S = 120.0
"""S6: how old the complete list behind a mutation may be."""
VISIBLE_WITHIN_S = 30.0
"""The model's bound on the lag of a reading."""
SLACK_S = 1.0
SOUND = ("slow", "stale", "older", "unknown_status", "other_account")
SOUND_WHEN_EMPTY = ("truncated", "duplicate_ids", "row_without_id")
"""Faults of a list whose answer is complete and well-formed all the same."""
OVER = Decimal("1.01")
LOST_A_DAY = 1
"""So many lost attempts of a seat are followed by another rent; one more freezes it."""
YOUNG_S = 300.0
"""Of a younger one "gone" says nothing yet."""
FEW = 2
"""So many instances of a fleet may go at once without being suspected."""
SPARE_BIRTHS = 3
"""So many instances of a seat beside its first one and its replacements: a rollout's, a mended mistake's."""
_UNASKED = re.compile(r"instance \d+ (is (offline|exited|unknown)|failed)$")
_DUPLICATE = "replaced by instance"


@dataclass(frozen=True, slots=True)
class Violation:
    """One invariant that did not hold."""

    rule: str
    text: str
    at: float

    def __str__(self) -> str:
        return f"{self.rule} at {self.at:.1f}s: {self.text}"


@dataclass(slots=True)
class _Life:
    """What the oracle knows of one contract."""

    seat: Seat | None
    attempt: str | None
    born: float
    machine_id: int
    price: float = 0.0
    damaged: bool = False
    """It was made for a seat of ours, and its label was lost on the way."""
    told: bool = False
    """Its id is in a ledger."""
    excused: bool = False
    touched: float = float("-inf")
    """When a person last changed its label."""
    struck: float = float("-inf")
    """When somebody else stopped, broke or ended it."""
    gone: bool = False
    maker: int | None = None
    """The process that rented it."""


@dataclass(slots=True)
class _Actions:
    """What one process did."""

    listed: float | None = None
    """When its last complete list began, in the time that it did not spend in a pause."""
    list_began: float | None = None
    list_lied: bool = False
    """Whether its last list had a fault that it may not have noticed."""
    spoiled: set[str] = field(default_factory=set)
    """Pages of its list that were answered wrongly, and not asked for again."""
    lies: list[_Life] = field(default_factory=list)
    """Living instances that it was told to be gone, by two readings."""
    shown: dict[int, float] = field(default_factory=dict)
    unasked: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    live: dict[str, int] = field(default_factory=Counter)
    made: Counter[Seat] = field(default_factory=Counter)
    sent: set[int] = field(default_factory=set)
    named: int | None = None
    """The contract that the last answer to a rent named, until it is written down."""


class Oracle:
    """Follows one play."""

    def __init__(self, world: World, policy: Policy, *, ledgers: int, surge: int, strict_prices: bool) -> None:
        self.world = world
        self.policy = policy
        self.ledgers = ledgers
        self.surge = surge
        self.strict_prices = strict_prices
        self.violations: list[Violation] = []
        self.fleets: dict[str, Fleet] = {}
        self.most: dict[str, int] = {}
        """The most replicas that each fleet ever had."""
        self.calls: Counter[str] = Counter()
        self.mutations = 0
        self.began = world.now
        self.lives: dict[int, _Life] = {}
        self._ended: dict[int, float] = {}
        self._attempts: set[str] = set()
        self._acts: dict[int, _Actions] = {}
        self._budget_excused = False
        self._births: Counter[Seat] = Counter()
        self._forgot = False
        self._peak = 0
        self.lacking = False
        """Whether, when all was settled, something was missing that could not be had."""

    def declare(self, fleets: tuple[Fleet, ...]) -> None:
        """What is wished for from now on."""
        self.fleets = {fleet.name: fleet for fleet in fleets}
        for fleet in fleets:
            self.most[fleet.name] = max(self.most.get(fleet.name, 0), fleet.replicas)

    # --- what happens outside ---------------------------------------------------------------------

    def _page(self, acts: _Actions, asked: Asked, outcome: Outcome, occupied: bool) -> None:
        """A page is answered: the last one completes the list; one that lies spoils it, until it is asked for anew."""
        sound = outcome.fault in (None, *SOUND) or (not occupied and outcome.fault in SOUND_WHEN_EMPTY)
        page = parse_qs(asked.query).get("after_token", [""])[0]
        acts.spoiled = acts.spoiled - {page} if sound else acts.spoiled | {page}
        if sound and b'"next_token":null' in outcome.answer.body and not acts.spoiled:
            acts.listed = acts.list_began

    def _named(self, asked: Asked, outcome: Outcome) -> int | None:
        """The contract that an answer names, if the answer arrives."""
        if outcome.ending is not Ending.WHOLE or outcome.delay >= PATIENCE:
            return None
        try:
            named = json.loads(outcome.answer.body).get("new_contract")
        except (ValueError, AttributeError):
            return None
        return named if isinstance(named, int) and named != _number(asked) and named in self.world.contracts else None

    def written(self, process: Process, record: Record) -> None:
        """A record is durable: the ids in it are known."""
        acts = self._of(process)
        if acts.named is not None:
            ids = {*record.known, *record.leaving, *(i.instance_id for i in record.intents.values())}
            if acts.named not in ids:
                self._say("F05", f"an answer named instance {acts.named}, and it is not written down")
            acts.named = None
        lost = Counter(t.seat for t in record.tombstones.values() if not t.freed)
        for seat, times in lost.items():
            if times > LOST_A_DAY + 1:
                self._say("S23", f"{times} attempts for {seat} were settled as never made, and it was not frozen")
        for intent in record.intents.values():
            if intent.instance_id in self.lives:
                self.lives[intent.instance_id].told = True

    def paused(self, process: Process) -> None:
        """A process stands still for long, or its ledger fails: an answer that it waits for may never be written."""
        self._of(process).named = None

    def forgotten(self) -> None:
        """The ledgers are lost, or another account's is read: what has lost its label, too, nobody can know."""
        self._forgot = True
        for life in self.lives.values():
            life.excused |= life.damaged

    def resumed(self) -> None:
        """A person lifts what stands: the counting begins anew."""
        self._births.clear()

    def relabelled(self, contract: Contract) -> None:
        """A person changed a label."""
        self.lives[contract.id].touched = self.world.now
        self.lives[contract.id].damaged = False

    def struck(self, contract_id: int) -> None:
        """Somebody else stopped, broke or ended an instance."""
        if contract_id in self.lives:
            self.lives[contract_id].struck = self.world.now

    def made_by_a_person(self, contract: Contract) -> None:
        """Somebody made an instance, perhaps with a label like ours."""
        self._enter(contract)
        self.lives[contract.id].excused = True
        self._budget_excused = True

    # --- what goes over the wire ------------------------------------------------------------------

    def sent(self, process: Process, name: str, asked: Asked, before: frozenset[int]) -> None:
        """A request is about to arrive."""
        self.calls[name] += 1
        acts = self._of(process)
        own_time = self.world.now - process.paused_s
        if name == "list":
            acts.list_began, acts.spoiled = own_time, set()
        elif name == "show":
            acts.shown[_number(asked)] = own_time
        elif name == "change":
            self._say("S24", f"{asked.method} {asked.path} changes what is there, and nobody asked for it")
        elif name in ("rent", "destroy"):
            self.mutations += 1
            if name == "rent" or _number(asked) not in acts.sent:
                self._mutation(process, acts, own_time, name)
            if name == "rent":
                self._rent(process, acts, asked)
            else:
                self._destroy(process, acts, own_time, _number(asked))

    def answered(
        self, process: Process, name: str, asked: Asked, outcome: Outcome, before: dict[int, Contract]
    ) -> None:
        """A request was carried out, or not."""
        acts = self._of(process)
        if name in ("list", "page"):
            acts.list_lied = outcome.fault is not None or (name == "page" and acts.list_lied)
        if name == "show" and outcome.fault == "gone_though_alive" and acts.list_lied:
            self._believed(acts, _number(asked))
        if name in ("list", "page") and outcome.answer.status == 200 and outcome.ending is Ending.WHOLE:
            self._page(acts, asked, outcome, any(c.listed <= self.world.now for c in before.values()))
        made = [c for c in self.world.contracts.values() if c.id not in self.lives]
        if outcome.fault in ("other_price", "other_kind"):  # It drifts, and a later run replaces it, the new one first.
            self._budget_excused, self.surge = True, max(1, self.surge)
        if name == "rent":
            self._born(asked, made, process, acts)
            acts.named = self._named(asked, outcome)
        if name == "destroy":
            number = _number(asked)
            if number in before and number not in self.world.contracts:
                self._destroyed(process, before[number])
        self.check()

    def _believed(self, acts: _Actions, number: int) -> None:
        """Two readings of two kinds agree on what is not true: of few instances nobody can doubt it."""
        if acts.made:  # It has drawn its conclusions.
            return
        if number in self.lives and self.lives[number] not in acts.lies and not self.lives[number].excused:
            acts.lies.append(self.lives[number])
        old = sum(self.world.now - life.born >= YOUNG_S for life in acts.lies)
        for life in acts.lies:
            life.excused = old <= FEW

    def check(self) -> None:
        """After every event: new lives are entered, and no seat is taken twice."""
        for contract in self.world.contracts.values():
            life = self.lives.get(contract.id)
            if life is None:
                self._enter(contract)
            elif life.gone:
                life.gone, life.excused, self._budget_excused = False, True, True
        for number, life in self.lives.items():
            if not life.gone and number not in self.world.contracts:
                life.gone = True
                self._ended[number] = self.world.now
        self._seats()
        self._money()

    def ended(self, process: Process, code: int | None, waited: bool) -> None:
        """A process ended; what it rented too dear must be gone, or be on its way."""
        if code != 0 or not waited or not self.strict_prices:
            return
        for number, life in self.lives.items():
            if life.gone or life.excused or life.seat is None or life.born < process.began:
                continue
            fleet = self.fleets.get(life.seat.fleet)
            mine = life.seat in self._of(process).made
            if mine and fleet is not None and number in self.world.contracts and number not in process.record.leaving:
                contract = self.world.contracts[number]
                price = Decimal(str(contract.gpu_per_hour + contract.disk_per_hour))
                untouched = contract.intended == "running" and self._owner_of(contract) is not None
                if price > fleet.price.max_per_hour * OVER and untouched and contract.fault is None:
                    self._say("S4", f"instance {number} at ${price:.3f}/h stays, over the cap, in the run that made it")

    # --- one by one -------------------------------------------------------------------------------

    def _mutation(self, process: Process, acts: _Actions, own_time: float, name: str) -> None:
        if process.busy:
            self._say("S9", f"a {name} was sent after the ledger had refused a save")
        if acts.listed is None or own_time - acts.listed > LIST_WITHIN_S + SLACK_S:
            age = "none" if acts.listed is None else f"{own_time - acts.listed:.0f}s old"
            self._say("S6", f"a {name} was sent, and the last complete list is {age}")

    def _rent(self, process: Process, acts: _Actions, asked: Asked) -> None:
        body = json.loads(asked.body)
        mark = read_label(body.get("label"), self.policy.owner)
        if not isinstance(mark, Mark):
            self._say("S1", f"a rent was sent with the label {body.get('label')!r}")
            return
        if mark.attempt in self._attempts:
            self._say("S7", f"the attempt {mark.attempt} for {mark.seat} was sent again")
        self._attempts.add(mark.attempt)
        if mark.attempt not in process.record.intents:
            self._say("S8", f"the attempt {mark.attempt} for {mark.seat} was sent, and no durable intent is there")
        elif process.ledger is not None and mark.attempt not in process.ledger.record.intents:
            self._say("S8", f"the attempt {mark.attempt} for {mark.seat} was sent after it was settled")
        fleet = self.fleets.get(mark.seat.fleet)
        if self.strict_prices and fleet is not None:
            price = self._price_of(_number(asked), float(body.get("disk", 0)))
            if price is not None and price > float(fleet.price.max_per_hour) + 1e-6:
                self._say("S4", f"a rent was sent for ${price:.4f}/h, over the cap of ${fleet.price.max_per_hour}")
        acts.made[mark.seat] += 1

    def _price_of(self, ask_id: int, disk: float) -> float | None:
        market = self.world.market()
        ask = market.find(ask_id)
        return None if ask is None else float(market.row(ask, self.world.now, disk)["dph_total"])

    def _born(self, asked: Asked, made: list[Contract], process: Process, acts: _Actions) -> None:
        mark = read_label(json.loads(asked.body).get("label"), self.policy.owner)
        for number, contract in enumerate(sorted(made, key=lambda c: c.id)):
            self._enter(contract)
            life = self.lives[contract.id]
            if isinstance(mark, Mark):
                life.damaged = life.seat is None
                life.seat, life.attempt, life.maker = mark.seat, mark.attempt, process.number
                self._count_birth(mark.seat)
            if number > 0:  # The request was doubled below us.
                life.excused = self._budget_excused = True

    def _count_birth(self, seat: Seat) -> None:
        """A rent that was refused made nothing, and does not count."""
        self._births[seat] += 1
        most = 1 + self.policy.limits.replacements_per_seat_per_day + SPARE_BIRTHS
        if self._births[seat] > most * self.ledgers and not self._forgot:
            self._say("S13", f"{seat} was rented for {self._births[seat]} times in an hour")

    def _destroy(self, process: Process, acts: _Actions, own_time: float, number: int) -> None:
        first, acts.sent = number not in acts.sent, acts.sent | {number}
        item = process.record.leaving.get(number)
        if item is None:
            self._say("S8", f"a destroy of {number} was sent, and it is not written down")
            return
        shown = acts.shown.get(number)
        if first and (shown is None or own_time - shown > READ_WITHIN_S + SLACK_S):
            age = "never" if shown is None else f"{own_time - shown:.0f}s before"
            self._say("S1", f"a destroy of {number} was sent; it was read afresh {age}")
        if (
            _UNASKED.fullmatch(item.reason)
            and item.since >= process.began
            and number not in acts.unasked[item.seat.fleet]
            and number in self.lives
        ):
            if self.lives[number].maker == process.number:
                return  # What a run rented itself it may end.
            unasked, live = acts.unasked[item.seat.fleet], acts.live[item.seat.fleet]
            unasked.add(number)
            most = max(1, int(float(self.policy.limits.max_unasked_destroy_share) * live))
            if len(unasked) > most:
                self._say("S11", f"{len(unasked)} unasked destroys of {item.seat.fleet} in one run, of {live} live")

    def _destroyed(self, process: Process, contract: Contract) -> None:
        life, now = self.lives[contract.id], self.world.now
        mark = read_label(contract.label, self.policy.owner)
        item = process.record.leaving.get(contract.id)
        seat = mark.seat if isinstance(mark, Mark) else None
        if (seat is None or (item is not None and item.seat != seat)) and not life.damaged:
            since = now - life.touched
            if since > READ_WITHIN_S + SLACK_S:
                self._say(
                    "S25",
                    f"instance {contract.id}, labelled {contract.label!r} by a person {since:.0f}s ago, was destroyed",
                )
        if item is None or seat is None or not item.reason.startswith(_DUPLICATE):
            return
        others = [c for c in self.world.contracts.values() if self._owner_of(c) == seat]
        if any(c.fault is None and c.intended == "running" for c in others):
            return
        lately = now - VISIBLE_WITHIN_S - 2 * READ_WITHIN_S
        if not any(one.seat == seat and one.struck >= lately for one in self.lives.values()):
            self._say("S10", f"instance {contract.id} of {seat} was destroyed as one too many, and nothing is left")

    def _seats(self) -> None:
        taken: dict[Seat, list[int]] = defaultdict(list)
        for contract in self.world.contracts.values():
            life = self.lives[contract.id]
            seat = self._owner_of(contract) or (life.seat if life.damaged and life.told else None)
            resting = contract.intended == "stopped" and self.surge
            if seat is not None and not life.excused and not resting:
                taken[seat].append(contract.id)
        most = self.ledgers + self.surge
        for seat, ids in taken.items():
            self._peak = max(self._peak, len(ids))
            if len(ids) > most:
                self._say("S2", f"{seat} is taken by {len(ids)}: {', '.join(map(str, sorted(ids)))}")
        for name, replicas in self.most.items():
            count = sum(len(ids) for seat, ids in taken.items() if seat.fleet == name)
            if count > replicas * self.ledgers + self.surge:
                self._say("S3", f"fleet {name} has {count} instances, and never wanted more than {replicas}")

    def _money(self) -> None:
        if self._budget_excused or self.ledgers > 1 or not self.strict_prices:
            return
        for fleet in self.fleets.values():
            if fleet.price.budget_per_hour is None:
                continue
            live = [c for c in self.world.contracts.values() if (s := self._owner_of(c)) and s.fleet == fleet.name]
            rate = sum(c.gpu_per_hour + c.disk_per_hour for c in live)
            if rate > float(fleet.price.budget_per_hour) * 1.0001:
                self._say(
                    "S5", f"fleet {fleet.name} bills ${rate:.4f}/h, over its budget of ${fleet.price.budget_per_hour}"
                )

    def _owner_of(self, contract: Contract) -> Seat | None:
        mark = read_label(contract.label, self.policy.owner)
        return mark.seat if isinstance(mark, Mark) else None

    def _is_good(self, contract: Contract, fleet: Fleet, wanted: str) -> bool:
        """Whether it runs, and is what the spec says."""
        return contract.status(self.world.now) == "running" and self._could_stay(contract, fleet, wanted)

    def _could_stay(self, contract: Contract, fleet: Fleet, wanted: str) -> bool:
        """Whether it is what the spec says, or will be once it runs; a look-alike may cost more than that."""
        price = Decimal(str(contract.gpu_per_hour + contract.disk_per_hour))
        fits = self._hash_of(contract) == wanted and price <= fleet.price.max_per_hour * OVER
        return fits and contract.fault is None and contract.bid is None

    def _hash_of(self, contract: Contract) -> str | None:
        mark = read_label(contract.label, self.policy.owner)
        return mark.spec_hash if isinstance(mark, Mark) else None

    def _enter(self, contract: Contract) -> None:
        mark = read_label(contract.label, self.policy.owner)
        seat, attempt = (mark.seat, mark.attempt) if isinstance(mark, Mark) else (None, None)
        price = contract.gpu_per_hour + contract.disk_per_hour
        self.lives[contract.id] = _Life(seat, attempt, self.world.now, contract.machine_id, price)

    def _of(self, process: Process) -> _Actions:
        key = process.number
        if key not in self._acts:
            self._acts[key] = acts = _Actions()
            for contract in self.world.contracts.values():
                if seat := self._owner_of(contract):
                    acts.live[seat.fleet] += 1
        return self._acts[key]

    def _say(self, rule: str, text: str) -> None:
        if not any(v.rule == rule and v.text == text for v in self.violations):
            self.violations.append(Violation(rule, text, self.world.now - self.began))

    def found(self, rule: str, text: str) -> None:
        """Something that the play itself noticed."""
        self._say(rule, text)

    def settled(self, record: Record, fleets: tuple[Fleet, ...], for_sale: bool) -> list[str]:
        """What still stands between the account and the wish; empty when it has converged."""
        self.lacking = False
        open_ends = [f"{i.seat}: an attempt without an end" for i in record.intents.values() if i.instance_id is None]
        open_ends += [f"{item.seat}: instance {item.id} is leaving" for item in record.leaving.values()]
        taken: dict[Seat, list[Contract]] = defaultdict(list)
        for contract in self.world.contracts.values():
            if seat := self._owner_of(contract):
                taken[seat].append(contract)
        for fleet in fleets:
            name, wanted = fleet.name, spec_hash(fleet)
            for index in range(fleet.replicas):
                there = taken.pop(Seat(name, index), [])
                held = [c for c in there if c.intended == "stopped"]
                running = [c for c in there if c.intended == "running"]
                good = [c for c in running if self._is_good(c, fleet, wanted)]
                rests = held and not any(self._could_stay(c, fleet, wanted) for c in running)
                if rests and running:  # A rollout may go on beside what a person has stopped.
                    self.lacking = True
                if not (len(good) == len(running) == 1) and not rests:
                    if (
                        not for_sale and sum(c.fault is None for c in running) <= 1
                    ):  # What is empty stays empty, and what is dead stays.
                        self.lacking = True
                        continue
                    what = ", ".join(f"{c.id} {c.status(self.world.now)}/{c.intended}" for c in there) or "empty"
                    open_ends.append(f"{name}/{index}: {what}")
        open_ends += [f"{seat}: beyond the wish, {[c.id for c in there]}" for seat, there in taken.items()]
        return open_ends


def _number(asked: Asked) -> int:
    return int(re.findall("[0-9]+", asked.path)[-1])
