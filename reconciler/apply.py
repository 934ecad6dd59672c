"""A plan, action by action -> outcomes. The only caller of rent and destroy.

One thread, one schedule: the kind of call that is free first goes first. Nothing is sent that was not written down
before; nothing is destroyed that was not read afresh; nothing counts as destroyed before it was seen gone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import chain
from typing import Literal

from reconciler.clock import Clock
from reconciler.core.batches import Batch
from reconciler.core.blaming import struck_by
from reconciler.core.budget import money
from reconciler.core.candidates import Candidate
from reconciler.core.checking import with_rented
from reconciler.core.diff import judge
from reconciler.core.envelope import Done
from reconciler.core.faults import is_over
from reconciler.core.fields import spec_hash
from reconciler.core.history import Event, EventKind, closing, of_seat, rented
from reconciler.core.label import ATTEMPT_BITS, Mark, Seat, attempt_of, read_label, write_label
from reconciler.core.model import Account, Blacklist, Fleet, Instance, Offer, RentOrder
from reconciler.core.notices import Noticing
from reconciler.core.outbid import waits_anew
from reconciler.core.plan import Create, Destroy, MarketSeen, Plan, Rent, Replace, Update, due, is_unasked
from reconciler.core.planner import not_as_ordered
from reconciler.core.record import (
    Intent,
    Known,
    Leaving,
    Record,
    with_bid,
    with_intent,
    with_known,
    with_leaving,
    without_instance,
    without_intents,
    without_leaving,
)
from reconciler.core.renewal import Cheaper
from reconciler.core.replacing import with_emptied, with_replacement, without_emptied, without_replacement
from reconciler.core.report import Outcome, OutcomeKind
from reconciler.core.settle import Settle, grown
from reconciler.core.sights import NewSights, Sights, with_new
from reconciler.core.states import State, rate_per_hour, state_of, state_of_absent
from reconciler.core.strikes import StrikeRules
from reconciler.core.striking import failed, with_waste
from reconciler.core.text import safe
from reconciler.core.trials import Trial, until, with_trial, without_trial
from reconciler.core.unasked import with_unasked
from reconciler.errors import DoubtfulReading, SearchQuotaUsedUp, Unreachable
from reconciler.eyes import Eyes
from reconciler.provider import (
    Courier,
    DestroyDoubtful,
    Gone,
    KeptLog,
    Logs,
    OfferGone,
    Probe,
    Provider,
    RefusedButCreated,
    RentDoubtful,
    Rented,
    RentRefused,
    Store,
)
from reconciler.rebid import give_bid
from reconciler.survey import is_stale, offer_now

DOUBTS_PER_RUN = 2
"""After so many rents of doubtful end a run rents nothing more."""
_EVENTS: Mapping[OutcomeKind, EventKind] = {
    "rented": "rented",
    "destroyed": "destroyed",
    "sent": "doubtful",
    "doubtful": "doubtful",
    "refused": "refused",
    "skipped": "skipped",
    "bid": "bid",
}
"""What of an outcome goes into the history: not an offer that somebody else was faster to take. That an instance is
ready is told by whichever run sees it first, so a pass tells it."""

SEND_WITHIN_S = 5.0
"""A rent leaves within so many seconds of its written intent, or within a fifth of the time after which lists are
evidence against it where that is longer; else it does not leave at all. A paused process must not send it late."""

LOG_LINES = 200
"""So many lines of a failed instance's log are kept."""
LOG_WIDTH = 500
"""In characters."""
LOG_SHOWN = 300
"""So many characters of its end are told at once."""
FRESH_READ_S = 5.0
"""How old the reading behind a destroy may be when it is sent, from its request on."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What `{from_env}` references stand for, by variable; kept out of `repr`."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(slots=True)
class Run:
    """What one run carries from pass to pass."""

    provider: Provider
    store: Store
    clock: Clock
    owner: str
    record: Record
    random_bits: Callable[[int], int]
    account: Account | None = None
    """Whose account it is, as last read; None where that is not to be checked again."""
    account_at: float = 0.0
    """When it was read."""
    probe: Probe | None = None
    sights: Sights = field(default_factory=Sights)
    """What was seen of the market within a day."""
    settle: Settle = field(default_factory=Settle)
    secrets: Secrets = field(default_factory=Secrets)
    tell: Callable[[Outcome], None] = lambda _: None
    outcomes: list[Outcome] = field(default_factory=list)
    rented: dict[int, float] = field(default_factory=dict)
    """Instances this run rented, and when."""
    ready: set[int] = field(default_factory=set)
    """Those of them that were told to be ready."""
    attempts: dict[Seat, int] = field(default_factory=dict)
    offers_gone: set[int] = field(default_factory=set)
    bid: set[int] = field(default_factory=set)
    """Instances that were given a new bid."""
    machines_failed: set[int] = field(default_factory=set)
    used: set[tuple[int, int | None]] = field(default_factory=set)
    """Machine and host of every rent of this run: a fallback stays off them, so that `spread` holds."""
    unread: set[int] = field(default_factory=set)
    """Instances whose destroy was put off in the last pass, because they could not be read afresh."""
    doubts: int = 0
    added: Decimal = Decimal(0)
    """What this run's rents add to what the fleets bill, in $/h."""
    batches: dict[str, Batch] = field(default_factory=dict)
    """How fast each fleet may rent."""
    market: MarketSeen = field(default_factory=MarketSeen)
    """What the plan that is carried out rests on."""
    stopped_fleets: set[str] = field(default_factory=set)
    rents_stopped: bool = False
    checks: Probe | None = None
    """What looks at instances; None: one that runs counts as ready."""
    logs: Logs | None = None
    """Where the logs of failed instances are kept."""
    strikes: StrikeRules = field(default_factory=StrikeRules)
    unsaved: list[Event] = field(default_factory=list)
    """Events that are written down with the next record."""
    written: list[Event] = field(default_factory=list)
    """Events that were written down, for whoever wants to count or show them."""
    noticing: Noticing = field(default_factory=Noticing)
    """Who is told of what."""
    courier: Courier | None = None

    def save(self, record: Record, *events: Event) -> None:
        """Make the new record durable, and all events up to now with it; only then is it the record."""
        record, closed = closing(self.record, record, self.clock.now())
        new = (*self.unsaved, *events, *closed)
        self.store.save(record, new)
        self.record = record
        self.written += new
        self.unsaved.clear()

    def save_events(self) -> None:
        """Write down what happened since the record was saved."""
        if self.unsaved:
            self.save(self.record)

    def post(self) -> None:
        """Have the outbox carried away; what does not arrive stays for the next pass."""
        waiting = self.record.outbox
        arrived = self.courier.deliver(waiting) if self.courier is not None and waiting else frozenset()
        if arrived:
            left = tuple(letter for at, letter in enumerate(waiting) if at not in arrived)
            self.save(replace(self.record, outbox=left))

    @property
    def eyes(self) -> Eyes:
        """What the market is looked at with."""
        return Eyes(self.provider, self.clock, self.probe, self.checks)

    def saw(self, news: NewSights | None) -> None:
        """Remember what a pass saw of the market."""
        if news is not None:
            self.store.add_sights(news)
            self.sights = with_new(self.sights, news)

    def done(self) -> Done:
        """What this run has done, for the next pass."""
        return Done(
            frozenset(self.rented),
            dict(self.attempts),
            frozenset(self.record.leaving),
            frozenset(self.offers_gone),
            frozenset(self.machines_failed),
            sum(outcome.kind in ("rented", "doubtful") for outcome in self.outcomes),
            self.added,
            frozenset(self.bid),
        )

    def note(self, outcome: Outcome) -> None:
        """Keep an outcome, for the history too, and tell it."""
        self.outcomes.append(outcome)
        if outcome.kind in _EVENTS:
            rate, at = outcome.rate_per_hour, self.clock.now()
            event = of_seat(at, _EVENTS[outcome.kind], outcome.seat, outcome.text, outcome.instance_id, rate)
            self.unsaved.append(event)
        self.tell(outcome)


def apply(run: Run, plan: Plan) -> None:
    """Do everything in `plan` that is due; outcomes go into `run`.

    Raises `Interrupted` between calls when a stop was asked for, `Busy` or `NotSaved` when the record cannot be
    written (then nothing more is sent), `KeyProblem` when the key is refused.
    """
    run.unread.clear()
    run.market = plan.market
    for batch in run.batches.values():
        batch.begin_pass()
    actions = [action for action in plan.actions() if due(action)]
    rents: deque[Rent] = deque(a for a in actions if isinstance(a, Rent) and not _old_first(a))
    destroys: deque[Destroy | Replace] = deque(
        a for a in actions if not isinstance(a, Create | Update) and _old_first(a)
    )
    sent: list[Destroy | Replace] = []
    while destroys or rents:
        if destroys and (not rents or _destroy_is_free_first(run)):
            action = destroys.popleft()
            if _destroy(run, action):
                sent.append(action)
        else:
            _rent(run, rents.popleft())
    for update in (a for a in actions if isinstance(a, Update)):
        _bid(run, update)
    confirmed = confirm(run, [a.old.id for a in sent]) if sent else set()
    for action in sent:
        if isinstance(action, Replace) and action.old.id in confirmed:
            _rent(run, action)


def _old_first(action: Rent | Destroy) -> bool:
    """Whether the action begins with a destroy."""
    return isinstance(action, Destroy) or (isinstance(action, Replace) and action.order == "destroy-first")


def _destroy_is_free_first(run: Run) -> bool:
    return run.provider.free_at("destroy") <= run.provider.free_at("rent")


def _bid(run: Run, action: Update) -> None:
    """A new bid, once in a run; from then on the instance has as long to win as it had from its loss on."""
    run.bid.add(action.old.id)

    def write_down() -> None:
        run.added += money(action).lasting
        run.save(waits_anew(run.record, action.old.id, run.clock.now()))

    outcome = give_bid(run.provider, run.clock, action, write_down)
    run.note(outcome)
    if outcome.kind == "bid":
        run.save(with_bid(run.record, action.old.id, action.bid))


# --- destroying -----------------------------------------------------------------------------------


def _destroy(run: Run, action: Destroy | Replace) -> bool:
    """Read afresh, write down, send. True when a destroy is under way."""
    victim = action.old.id
    _keep_log(run, action)
    run.clock.sleep(run.provider.free_at("destroy") - run.clock.now())
    reading, read_at = _fresh(run, action)
    if isinstance(reading, Instance):
        rate = rate_per_hour(reading)
        keeper = action.keeper_id if isinstance(action, Destroy) else None
        at = run.clock.now()
        leaving = Leaving(victim, action.seat, at, action.reason, rate, keeper)
        _save_leaving(run, leaving, _failed(run, action, reading, at))
        if run.clock.now() - read_at > FRESH_READ_S:  # The answer or the save took long: by now it may be another's.
            reading, read_at = _fresh(run, action)
    if isinstance(reading, Instance) and run.clock.now() - read_at > FRESH_READ_S:
        run.unread.add(victim)
        reading = _skipped(action, f"its reading is older than {FRESH_READ_S:.0f} s")
    if isinstance(reading, Outcome):
        run.note(reading)
        return False
    if isinstance(reading, Gone):
        return True
    if (action.old.fault or victim in run.rented) and reading.machine_id is not None:
        run.machines_failed.add(reading.machine_id)
    answer = run.provider.destroy(victim)
    if isinstance(answer, DestroyDoubtful):
        run.note(Outcome("sent", action.seat, f"destroy of instance {victim}: {answer.why}", victim, rate))
    return True


def _save_leaving(run: Run, leaving: Leaving, record: Record) -> None:
    """Write a destroy down before it is sent; in the history it stands once."""
    told = of_seat(leaving.since, "destroying", leaving.seat, leaving.reason, leaving.id, leaving.rate_per_hour)
    strikes = struck_by(run.record, record, leaving.seat, leaving.id, leaving.since)
    run.save(with_leaving(record, leaving), *(() if leaving.id in run.record.leaving else (told, *strikes)))


def _keep_log(run: Run, action: Destroy | Replace) -> None:
    """Keep what a failed instance says of itself while it is there. Without a log it goes all the same."""
    fault = action.old.fault
    if run.logs is None or fault is None or not fault.has_log or action.old.id in run.record.leaving:
        return
    text = run.provider.logs(action.old.id, LOG_LINES)
    if text:
        lines = tuple(safe(line, LOG_WIDTH) for line in text.splitlines()[-LOG_LINES:])
        run.logs.keep(KeptLog(action.seat, action.old.id, run.clock.now(), fault.kind, lines))
        shown = " | ".join(line for line in lines if line)
        end = safe(shown[-LOG_SHOWN:], LOG_SHOWN)
        run.note(Outcome("log", action.seat, f"its log ends: {end}", action.old.id))


def _failed(run: Run, action: Destroy | Replace, reading: Instance, at: float) -> Record:
    """The record that knows what the victim's failure says of its machine, its spec and its seat."""
    record, fault = _emptied(run, action, at), action.old.fault
    if fault is None or action.old.id in run.record.leaving:
        return record
    record = failed(record, action.old.mark, reading.machine_id, fault, run.strikes, at)
    health = record.health.get(action.old.id)
    if health is None or not fault.booting:
        return record
    return with_waste(record, action.seat, health.since, reading.price_per_hour or Decimal(0), at)


def _emptied(run: Run, action: Destroy | Replace, at: float) -> Record:
    """The record that knows whether the seat's next rent is a replacement; a destroy that is sent again says nothing
    new about it."""
    if action.old.id in run.record.leaving:
        return run.record
    unasked = action.unasked if isinstance(action, Destroy) else not action.asked
    seat, record = action.seat, run.record
    if isinstance(action, Replace) and unasked:
        record = with_unasked(record, seat.fleet, at)
    return with_emptied(record, seat, at) if unasked else without_emptied(record, frozenset([seat]))


def _fresh(run: Run, action: Destroy | Replace) -> tuple[Instance | Gone | Outcome, float]:
    """The victim as it is now, if it may still go; else why it is left alone. And since when that is known."""
    run.clock.sleep(run.provider.free_at("show") - run.clock.now())
    read_at = run.clock.now()
    return _judged(run, action), read_at


def _judged(run: Run, action: Destroy | Replace) -> Instance | Gone | Outcome:
    try:
        keeper = action.keeper_id if isinstance(action, Destroy) else None
        stays = None if keeper is None else _state_of_keeper(run, action, keeper)
        if keeper is not None and stays is None:
            if action.old.id in run.record.leaving:  # Sent before, in vain: what is left of the seat stays.
                run.save(without_leaving(run.record, action.old.id))
            return _skipped(action, f"instance {keeper}, which was to stay, is not seen alive in this seat")
        reading = run.provider.instance(action.old.id)
    except (DoubtfulReading, Unreachable) as error:
        run.unread.add(action.old.id)
        return _skipped(action, f"could not be read afresh: {error}")
    if isinstance(reading, Gone):
        return reading
    mark = read_label(reading.label, action.old.mark.owner)
    if not isinstance(mark, Mark) or mark.seat != action.seat:
        return _skipped(action, "its label is not ours any more")
    for_its_fault = isinstance(action, Replace) or action.unasked
    if for_its_fault and action.old.fault is not None and is_over(action.old.fault, reading):
        return _skipped(action, f"it recovered: {reading.reported}")
    if stays is State.PENDING and state_of(reading) is State.READY:
        return _skipped(action, f"it runs, and instance {keeper}, which is to stay, still boots")
    return reading


def _state_of_keeper(run: Run, action: Destroy | Replace, keeper: int) -> State | None:
    """How the instance is that stays in a seat; None unless it lives, and its label is still ours and of this seat."""
    reading = run.provider.instance(keeper)
    state = state_of_absent(called_gone=True) if isinstance(reading, Gone) else state_of(reading)
    if isinstance(reading, Gone) or state not in (State.READY, State.PENDING):
        return None
    mark = read_label(reading.label, action.old.mark.owner)
    return state if isinstance(mark, Mark) and mark.seat == action.seat else None


def _skipped(action: Destroy | Replace, why: str) -> Outcome:
    return Outcome("skipped", action.seat, f"instance {action.old.id} is left alone: {why}", action.old.id)


def confirm(run: Run, ids: list[int]) -> set[int]:
    """Which of `ids` are seen gone: absent from a complete list, and the single read says so. The others are leaks
    for now; a later pass asks again."""
    confirmed: set[int] = set()
    try:
        listed = {instance.id for instance in run.provider.instances().instances}
        for instance_id in ids:
            if instance_id in listed or _too_new(run, instance_id):
                continue
            if isinstance(run.provider.instance(instance_id), Gone):
                confirmed.add(instance_id)
    except (DoubtfulReading, Unreachable):
        pass
    record = run.record
    for instance_id in confirmed:
        item = record.leaving.get(instance_id)
        known = record.known.get(instance_id)
        seat = item.seat if item else known.seat if known else Seat("", 0)
        rate = item.rate_per_hour if item else Decimal(0)
        record = without_instance(record, instance_id)
        run.note(Outcome("destroyed", seat, item.reason if item else "it was gone already", instance_id, rate))
    if record is not run.record:
        run.save(record)
    return confirmed


def _too_new(run: Run, instance_id: int) -> bool:
    """Whether an instance was rented so lately, and never listed, that nobody can call it gone yet."""
    known = run.record.known.get(instance_id)
    now = run.clock.now()
    settle = grown(run.settle, run.record.appeared, now)
    return known is not None and not known.listed and now - known.seen_at < settle.total_s


def check_rented(run: Run, fleets: Iterable[Fleet]) -> None:
    """Look at what this run rented, one by one: what came back over its price, or of the wrong kind, goes at once.
    What cannot be read is left to the next run."""
    declared = {fleet.name: fleet for fleet in fleets}
    sent = []
    for instance_id in (i for i in run.rented if i not in run.record.leaving):
        try:
            reading = run.provider.instance(instance_id)
        except (DoubtfulReading, Unreachable):
            continue
        action = None if isinstance(reading, Gone) else _mistake(run, reading, declared)
        if action is not None:  # It was seen: from now on an absence counts.
            run.save(with_known(run.record, [Known(instance_id, action.seat, run.clock.now())]))
            sent += [instance_id] if _destroy(run, action) else []
    if sent:
        confirm(run, sent)


def _mistake(run: Run, reading: Instance, declared: Mapping[str, Fleet]) -> Destroy | None:
    mark = read_label(reading.label, run.owner)
    if not isinstance(mark, Mark):
        return None
    now, fleet = run.clock.now(), declared.get(mark.seat.fleet)
    member = judge(reading, mark, fleet, run.record, Blacklist(), now=now, list_at=now)
    why = not_as_ordered(member)
    return Destroy(mark.seat, member, why, unasked=True) if why else None


# --- renting --------------------------------------------------------------------------------------


def _rent(run: Run, action: Rent) -> None:
    """Try the chosen offer, then its successors where the offer itself is gone; in batches of 1, 2, 4, ..."""
    if not run.batches.setdefault(action.seat.fleet, Batch()).may_rent():
        return
    spare = (candidate for candidate in action.choice.fallbacks if not _crowds(run, action.fleet, candidate.offer))
    candidates = chain([action.choice.candidate], spare)
    for candidate in (c for c in candidates if c.price <= action.ceiling and c.offer.id not in run.offers_gone):
        if run.rents_stopped or action.seat.fleet in run.stopped_fleets:
            return
        if not _attempt(run, action, candidate):
            return


def _crowds(run: Run, fleet: Fleet, offer: Offer) -> bool:
    """Whether this run has rented on the offer's machine already, or on its host where hosts are counted."""
    per_host = fleet.spread.per_host is not None
    return any(offer.machine_id == machine or (per_host and offer.host_id == host) for machine, host in run.used)


def _as_of_now(run: Run, action: Rent, candidate: Candidate) -> Candidate | Literal["next", "stop"]:
    """The candidate with the price of this moment, if it may be rented for that; else whether to try the next one."""
    if not is_stale(run.market, run.clock.now()):
        return candidate
    offer = f"offer {candidate.offer.id}"
    try:
        fresh, news = offer_now(run.provider, action.fleet, candidate, run.clock.now())
    except (DoubtfulReading, Unreachable, SearchQuotaUsedUp) as error:
        why = f"{offer} is not rented: its price could not be read again: {error}"
        run.note(Outcome("skipped", action.seat, why))
        return "stop"
    run.saw(news)
    if fresh is not None and fresh.price <= action.ceiling and (fresh.bid is None) == (candidate.bid is None):
        return fresh
    now = "is not shown any more" if fresh is None else f"costs ${fresh.price:.3f}/h now, over ${action.ceiling:.3f}/h"
    run.offers_gone.add(candidate.offer.id)
    run.note(Outcome("offer gone", action.seat, f"{offer} {now}"))
    return "next"


def _attempt(run: Run, action: Rent, candidate: Candidate) -> bool:
    """One attempt: read the price again where it is old, write the intent, send once, classify. True when the next
    offer should be tried."""
    seat, fleet, ceiling, batch = action.seat, action.fleet, action.ceiling, run.batches[action.seat.fleet]
    run.clock.sleep(run.provider.free_at("rent") - run.clock.now())
    fresh = _as_of_now(run, action, candidate)
    if not isinstance(fresh, Candidate):
        return fresh == "next"
    candidate = fresh
    attempt = attempt_of(run.random_bits(ATTEMPT_BITS))
    order = _order(run, seat, fleet, candidate, attempt)
    offer = candidate.offer
    intent = Intent(attempt, seat, run.clock.now(), ceiling, offer.id, offer.machine_id)
    record = with_intent(run.record, intent)
    if isinstance(action, Replace) and action.trial is not None:
        record = with_trial(record, _trial(intent, action.trial, candidate.price))
    run.save(with_replacement(record, seat, intent.at) if is_unasked(action) else record)
    if run.clock.now() - intent.at > max(SEND_WITHIN_S, run.settle.evidence_after_s / 5):
        # Others may be about to settle it as never made. Whoever has done so has written: then this save is refused.
        run.note(Outcome("skipped", seat, f"offer {offer.id}: it took too long to write the attempt down"))
        run.save(_never_made(run.record, intent))
        return False
    run.attempts[seat] = run.attempts.get(seat, 0) + 1
    run.used.add((offer.machine_id, offer.host_id))
    answer = run.provider.rent(order)
    match answer:
        case Rented(instance_id):
            batch.answered(clear=True)
            run.added += max(Decimal(0), money(action).lasting)
            _rented(run, intent, instance_id, candidate)
        case RefusedButCreated(instance_id, why):
            # A lost bid is a clear answer: somebody else bids more there, and of other machines it says nothing.
            batch.answered(clear=order.bid is not None)
            if order.bid is not None:
                run.machines_failed.add(offer.machine_id)
            _rented(run, intent, instance_id, None)
            _undo(run, intent, instance_id, why, candidate)
        case OfferGone(why):
            run.offers_gone.add(offer.id)
            run.attempts[seat] -= 1
            run.note(Outcome("offer gone", seat, f"offer {offer.id} is gone: {why}"))
            run.save(_never_made(run.record, intent))
            return True
        case RentRefused(why, stops):
            batch.answered(clear=False)
            run.note(Outcome("refused", seat, f"offer {offer.id} was refused: {why}"))
            run.save(_never_made(run.record, intent))
            run.stopped_fleets.add(seat.fleet)
            run.rents_stopped = run.rents_stopped or stops == "run"
        case RentDoubtful(why, stops_run):
            batch.answered(clear=False)
            run.added += max(Decimal(0), money(action).lasting)
            run.doubts += 1
            run.rents_stopped = run.rents_stopped or stops_run or run.doubts >= DOUBTS_PER_RUN
            text = f"offer {offer.id}: {why}; the seat stays occupied until the account settles it"
            run.note(Outcome("doubtful", seat, text, None, ceiling))
    return False


def _never_made(record: Record, intent: Intent) -> Record:
    """The record once an attempt was refused in so many words."""
    record = without_trial(without_intents(record, [intent.attempt]), intent.attempt)
    return without_replacement(record, intent.seat, intent.at)


def _trial(intent: Intent, rules: Cheaper, price: Decimal) -> Trial:
    end = until(intent.at, price, rules.candidate_for_s, rules.candidate_cost)
    return Trial(intent.attempt, intent.seat, intent.at, end, intent.machine_id)


def _order(run: Run, seat: Seat, fleet: Fleet, candidate: Candidate, attempt: str) -> RentOrder:
    """Everything the attempt sends, its secrets filled in from memory: no I/O between the intent and the send."""
    label = write_label(Mark(run.owner, seat, spec_hash(fleet), attempt))
    env = {n: v if isinstance(v, str) else run.secrets.values[v.name] for n, v in fleet.container.env}
    login = fleet.container.registry_login
    password = run.secrets.values[login.password.name] if login else None
    return RentOrder(candidate.offer.id, label, fleet.container, env, password, fleet.rental.kind, candidate.bid)


def _rented(run: Run, intent: Intent, instance_id: int, candidate: Candidate | None) -> None:
    """It exists: said first, since writing it down may fail, and known from now on. The intent stays until its label
    was seen."""
    run.rented[instance_id] = run.clock.now()
    known = Known(instance_id, intent.seat, run.clock.now(), listed=False)
    if candidate is not None:
        offer = candidate.offer
        text = f"{offer.gpu_count}x {offer.gpu_name}, {offer.location or 'place unknown'}, machine {offer.machine_id}"
        text += "" if candidate.bid is None else f", bid ${candidate.bid:.4f}/h"
        run.note(Outcome("rented", intent.seat, text, instance_id, candidate.price))
    record = with_known(with_intent(run.record, replace(intent, instance_id=instance_id)), [known])
    record = with_rented(record, instance_id, known.seen_at) if run.checks is not None else record
    if candidate is not None and candidate.bid is not None:
        record = with_bid(record, instance_id, candidate.bid)
    run.save(rented(record, instance_id, known.seen_at))


def _undo(run: Run, intent: Intent, instance_id: int, why: str, candidate: Candidate) -> None:
    """A refusal that made an instance all the same: it bills, so it goes, unless a fresh read shows that it is another
    one. Where it cannot be read, or not at once, it is sent later."""
    seat, rate, is_bid = intent.seat, candidate.price, candidate.bid is not None
    reason = f"{'the bid lost' if is_bid else 'refused but created'}: {why}"
    run.note(Outcome("refused", seat, f"{reason}; instance {instance_id} is to go", instance_id, rate))
    at = run.clock.now()
    # A bid that loses at once has cost nothing: it was no replacement, and the next one is none.
    record = without_replacement(run.record, seat, intent.at) if is_bid else with_emptied(run.record, seat, at)
    _save_leaving(run, Leaving(instance_id, seat, at, reason, rate), record)
    run.clock.sleep(run.provider.free_at("show") - run.clock.now())
    read_at = run.clock.now()
    try:
        reading = run.provider.instance(instance_id)
    except (DoubtfulReading, Unreachable):
        return
    mark = read_label(reading.label, run.owner) if isinstance(reading, Instance) else None
    if isinstance(reading, Instance) and not (isinstance(mark, Mark) and mark.attempt == intent.attempt):
        text = f"instance {instance_id} is left alone: it does not carry the label of this attempt"
        run.note(Outcome("skipped", seat, text, instance_id))
        run.save(without_instance(run.record, instance_id))
        return
    if isinstance(reading, Instance):  # It was seen: from now on an absence counts.
        run.save(with_known(run.record, [Known(instance_id, seat, run.clock.now())]))
    if run.clock.now() - read_at > FRESH_READ_S:
        return
    run.provider.destroy(instance_id)
    confirm(run, [instance_id])
