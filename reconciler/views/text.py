"""A plan and what became of it, for a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.core.debuting import ON_TRIAL
from reconciler.core.forecast import apply_s
from reconciler.core.plan import (
    COLD_START,
    Action,
    Cost,
    Create,
    Destroy,
    FleetPlan,
    Held,
    Leak,
    Plan,
    Replace,
    Stray,
    Unfilled,
    Update,
)
from reconciler.core.rollout import rolling
from reconciler.core.states import rate_per_hour
from reconciler.views.wording import (
    HOURS_PER_MONTH,
    MOST_WAYS_OUT,
    PROMISED,
    amount,
    bid_text,
    coming_text,
    counts,
    duration,
    mark_of,
    money,
    plural,
    reading_text,
    relaxation_text,
    rolling_text,
    share_text,
    spent_text,
)

if TYPE_CHECKING:
    from reconciler.core.candidates import Candidate
    from reconciler.core.report import Outcome
    from reconciler.core.shortage import Miss, Shortage
    from reconciler.views.seats import SeatRow

WIDTH = 68
"""Where the file of a fleet stands in its headline."""


def plan_text(plan: Plan, policy_file: str | None) -> str:
    """The whole plan: every fleet with its changes, then what they amount to."""
    lines = [line for fleet in plan.fleets for line in _fleet(fleet)]
    if plan.pruned:
        lines += ["pruned", *_rows(plan.pruned)]
    if plan.resent:
        lines += ["destroys sent before, and not done", *_rows(plan.resent)]
    lines += ["", *_summary(plan), f"Owner {plan.owner}; {_policy(policy_file)}.{_pinned(plan)}"]
    return "\n".join([*lines, *_alarms(plan)])


def _policy(policy_file: str | None) -> str:
    return f"policy {policy_file}" if policy_file else "no policy file"


def _pinned(plan: Plan) -> str:
    return "" if plan.account_id is not None else " Account not pinned: the key may not read it."


# --- one fleet ------------------------------------------------------------------------------------


def _fleet(plan: FleetPlan) -> Iterator[str]:
    yield f"{_headline(plan):<{WIDTH}} {plan.fleet.source.file}:{plan.fleet.source.line}".rstrip()
    yield from _rows(plan.actions)
    if (left := rolling(plan)) is not None:
        yield f"      {rolling_text(left)}"
    for note in plan.notes:
        rate = f"  {money(note.rate_per_hour)}" if note.rate_per_hour else ""
        yield f"      {note.seat.index}  {note.text}{rate}"
    for unfilled in plan.unfilled:
        yield from _unfilled(unfilled)
    for held in plan.held:
        yield from _held(held)


def _headline(plan: FleetPlan) -> str:
    fleet = plan.fleet
    counts = [f"{fleet.replicas} wanted", f"{plan.running} running"]
    open_seats = sum(len(u.seats) for u in plan.unfilled)
    counts += [f"{open_seats} unfilled"] if open_seats else []
    surplus = f" ({plan.surplus} surplus)" if plan.surplus else ""
    coming = any(isinstance(a, Create) and not (a.wait and a.wait.reason == ON_TRIAL) for a in plan.actions)
    below = "  ! below min_ready" if plan.below_min_ready and not coming else ""
    paused = "  paused" if plan.paused else ""
    return f"{fleet.name}  {', '.join(counts)}{surplus}{paused}{below}"


def _rows(actions: Sequence[Action]) -> list[str]:
    """One line an action, its columns aligned."""
    table = [_cells(action) for action in actions]
    widths = [max((len(row[column]) for row in table), default=0) for column in range(5)]
    return [
        f"  {row[0]:<3} {row[1]:<{widths[1]}}  {row[2]:<{widths[2]}}  {row[3]:>{widths[3]}}   {row[4]}".rstrip()
        for row in table
    ]


def _cells(action: Action) -> tuple[str, str, str, str, str]:
    wait = (
        f" ({action.wait.reason}{_left(action.wait.seconds)})"
        if action.wait and action.wait.reason != COLD_START
        else ""
    )
    mark, seat = mark_of(action), str(action.seat.index)
    match action:
        case Create(choice=choice, reason=reason):
            return mark, seat, _offer(choice.candidate), money(choice.candidate.price), reason + wait
        case Replace(old=old, choice=choice, reason=reason):
            price = f"{_dollars(rate_per_hour(old.instance))} -> {coming_text(action)}"
            order = "new first" if action.order == "create-first" else "old first"
            what = PROMISED if choice.promised else _offer(choice.candidate)
            return mark, seat, what, price, f"{reason} ({order}){wait}"
        case Destroy(old=old, reason=reason):
            return mark, seat, f"instance {old.id}", f"-{money(rate_per_hour(old.instance))}", reason + wait
        case Update(old=old, bid=bid, ceiling=ceiling, reason=reason):
            price = f"{_dollars(rate_per_hour(old.instance))} -> {money(ceiling)}"
            return mark, seat, f"instance {old.id}  bid {amount(bid, 4)}/h", price, reason + wait


def _left(seconds: float | None) -> str:
    return f", {duration(seconds)} left" if seconds else ""


def _dollars(amount: Decimal) -> str:
    return money(amount).removesuffix("/h")


def _offer(candidate: Candidate) -> str:
    offer = candidate.offer
    way = f"  {reading_text(candidate.reading)}" if candidate.reading else ""
    way += f"  {bid}" if (bid := bid_text(candidate)) else ""
    return f"{offer.gpu_count}x {offer.gpu_name}  {offer.location or 'place unknown'}  machine {offer.machine_id}{way}"


def _unfilled(unfilled: Unfilled) -> Iterator[str]:
    text = f"{plural(len(unfilled.seats), 'seat')} unfilled: {shortage_text(unfilled.shortage)}"
    yield f"  !   {text}"


def shortage_text(shortage: Shortage) -> str:
    """Why there is no offer, in one line: refusals by rule, the nearest miss in numbers, and what would admit more."""
    if shortage.seen == 0:
        return "no offer with these GPUs was seen"
    refused = ", ".join(f"{rule} refuses {count}" for rule, count in shortage.refused[:3])
    ways = (relaxation_text(step) for step in shortage.relaxations[:MOST_WAYS_OUT])
    return "; ".join([f"of {plural(shortage.seen, 'offer')}, {refused}", *_nearest(shortage.nearest), *ways])


def _nearest(miss: Miss | None) -> Iterator[str]:
    if miss is not None:
        off = f", {miss.percent:.0f} % off" if miss.percent is not None else ""
        yield f"nearest miss {money(miss.price)}: {miss.rule} ({miss.detail}{off})"


def _held(held: Held) -> Iterator[str]:
    yield f"  !   held back by {held.guard}: {held.message}"
    for action in held.actions:
        yield f"        {mark_of(action)} {action.seat}"
    yield f"        lifted by: {held.lift}"


# --- the sums -------------------------------------------------------------------------------------


def _summary(plan: Plan) -> Iterator[str]:
    yield headline(plan)
    yield from _strays(plan)
    cost = plan.cost
    if cost.now or cost.after:
        peak = f" (at most {money(cost.peak)} on the way)" if cost.peak > max(cost.now, cost.after) else ""
        budget = f"; budget {money(cost.budget)}" if cost.budget is not None else ""
        month = f"about ${cost.after * HOURS_PER_MONTH:,.0f} a month"
        yield f"Cost: {money(cost.now)} -> {money(cost.after)}{peak}, {month}{budget}.{_credit(cost)}"
    if plan.market.searches:
        machines, searches = plural(plan.market.machines, "machine"), plural(plan.market.searches, "search")
        yield f"Market: {machines} seen in {searches}, {share_text(plan.market.share)}.{_expected(plan)}"
    if plan.rents_wait_s:
        yield f"Cold start: the ledger is new; rents wait {duration(plan.rents_wait_s)} for a second list that agrees."


def _credit(cost: Cost) -> str:
    hours = cost.credit_lasts_h
    if hours is None:
        return ""
    span = f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.0f} hours"
    return f" Credit lasts {span}{f' at the {money(cost.account_after)} of the whole account' if cost.besides else ''}."


def _expected(plan: Plan) -> str:
    """A rough time for apply."""
    seconds = apply_s(plan)
    return f"   Apply: about {plural(max(1, round(seconds / 60)), 'minute')}." if seconds else ""


def headline(plan: Plan) -> str:
    """What would change, in one sentence everybody can read."""
    n = counts(plan)
    if not plan.changes and not n.unfilled:
        held = " Some changes are held back." if n.held else ""
        return f"No changes. {_as_declared(plan, n.unchanged)}.{held}"
    todo = f"{n.create} to create, {n.replace} to replace, {n.destroy} to destroy"
    todo += f", {plural(n.bids, 'new bid')}" if n.bids else ""
    return f"Plan: {todo}; {n.unchanged} unchanged, {n.unfilled} unfilled."


def _as_declared(plan: Plan, there: int) -> str:
    """How many of the instances that are there run as declared, and how many do not."""
    amiss, booting = sum(fleet.amiss for fleet in plan.fleets), sum(fleet.booting for fleet in plan.fleets)
    told = ((there - amiss, "as declared"), (booting, "not ready yet"), (amiss - booting, "not as declared"))
    (number, what), *others = [(n, what) for n, what in told if n] or told[:1]
    return ", ".join([f"{plural(number, 'instance')} {what}", *(f"{n:,} {what}" for n, what in others)])


def _strays(plan: Plan) -> Iterator[str]:
    if plan.rises:
        from reconciler.views.rises import rise_text

        yield from (f"Price rise: {rise_text(rise)}." for rise in plan.rises)
    for stray in plan.orphans:
        yield (
            f"Orphan: instance {stray.id} of fleet {stray.fleet}, declared nowhere, {money(stray.rate_per_hour)};"
            f" left alone (--prune {stray.fleet} destroys it)."
        )
    if plan.unmanaged:
        yield f"{plural(len(plan.unmanaged), 'unmanaged instance')} ({_sum(plan.unmanaged)}) left alone."
    for owner in sorted({stray.owner or "" for stray in plan.other_owned}):
        theirs = [stray for stray in plan.other_owned if stray.owner == owner]
        yield f"{plural(len(theirs), 'instance')} of owner {owner} ({_sum(theirs)}) left alone."


def _sum(items: Iterable[Stray]) -> str:
    return money(sum((stray.rate_per_hour for stray in items), Decimal(0)))


def _alarms(plan: Plan) -> Iterator[str]:
    for held in plan.held:
        yield from _held(held)
    yield from (f"! {text}" for text in (*plan.warnings, *plan.problems))
    for instance_id in plan.mislabelled:
        yield f"! instance {instance_id} was rented by us, but its label is not ours: it is not touched"
    yield from leaks_text(plan.leaks, plan.made_at)


def leaks_text(leaks: Sequence[Leak], now: float) -> Iterator[str]:
    """Destroys that were sent and not seen done; always the last lines."""
    for leak in leaks:
        age = duration(max(0.0, now - leak.since))
        told = f"was told to go {age} ago and is not proven gone"
        yield f"! LEAK: instance {leak.id} ({leak.seat}) {told}, {money(leak.rate_per_hour)}"


# --- afterwards -----------------------------------------------------------------------------------

_MARKS = {"bid": "~", "rented": "+", "ready": "+", "destroyed": "-", "offer gone": " ", "skipped": " ", "log": " "}


def outcome_text(outcome: Outcome) -> str:
    """One line for one thing that happened."""
    instance = f"  instance {outcome.instance_id}" if outcome.instance_id is not None else ""
    rate = f"  {money(outcome.rate_per_hour)}" if outcome.rate_per_hour and outcome.kind != "ready" else ""
    word = {"rented": "rented", "destroyed": "destroyed", "doubtful": "in doubt"}.get(outcome.kind, "")
    said = f"{word}: {outcome.text}" if word else outcome.text
    return f"{_MARKS.get(outcome.kind, '!')} {outcome.seat}{instance}  {said}{rate}"


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """The rows as lines, every column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def status_text(plan: Plan, rows: Iterable[SeatRow]) -> str:
    """What runs, seat by seat, then the sums."""
    lines = aligned([_seat_cells(row) for row in rows])
    paused = [f"Fleet {part.fleet.name} is paused." for part in plan.fleets if part.paused]
    return "\n".join([*(lines or ["no instance of ours"]), "", *paused, *_strays(plan), *_rate(plan), *_alarms(plan)])


def _seat_cells(row: SeatRow) -> tuple[str, ...]:
    state = f"{row.state} ({row.why})" if row.why else row.state
    i = row.instance
    if i is None:
        return row.seat, "-", state, "", ""
    what = (
        f"{i.gpu_count or '?'}x {i.gpu_name or 'GPU unknown'}  {i.location or 'place unknown'}  machine {i.machine_id}"
    )
    return row.seat, f"instance {i.id}", state, money(row.rate_per_hour), what


def _rate(plan: Plan) -> Iterator[str]:
    credit = f"; credit ${plan.cost.credit:.2f}" if plan.cost.credit is not None else ""
    yield f"Running cost: {money(plan.cost.now)}{credit}."
    if text := spent_text(plan.cost):
        yield f"{text[0].upper()}{text[1:]}."
