"""Results as markdown for a pull-request comment: short, stable, nothing of outside text interpreted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from reconciler.core.candidates import Candidate
from reconciler.core.model import Fleet
from reconciler.core.plan import Action, Cost, Create, Destroy, FleetPlan, Plan, Replace, Unfilled, Update, Wait
from reconciler.core.report import Outcome, Report
from reconciler.core.rollout import rolling
from reconciler.core.shortage import Shortage
from reconciler.core.states import rate_per_hour
from reconciler.diagnostics import Diagnostic
from reconciler.views.markup import blocks, code, section, shown, table
from reconciler.views.seats import SeatRow
from reconciler.views.sections import alarms, credit_text, held_back, miss_text, refused_text, shortage_text
from reconciler.views.wording import (
    HOURS_PER_MONTH,
    PROMISED,
    UNFILLED_MARK,
    amount,
    bid_text,
    coming_text,
    counts,
    duration,
    mark_of,
    money,
    plural,
    rolling_text,
    spent_text,
)

MOST_ROWS = 100
"""A comment has room for so many changes; of more, the destroys are shown before the rents."""
MOST_OFFERS = 20

_MARKS = {"bid": "`~`", "rented": "`+`", "ready": "`+`", "destroyed": "`-`", "offer gone": "", "skipped": ""}

Row = tuple[int, tuple[str, ...]]
"""How much a row must not be hidden (0 is the most), and its cells."""


def plan_markdown(plan: Plan) -> str:
    """What would change, what it costs, and what stands in the way."""
    waits = blocks(_rollouts(plan), _cold_start(plan))
    return blocks(_delta(plan.cost), _summary(plan), _changes(plan), waits, held_back(plan), alarms(plan))


def outcomes_markdown(plan: Plan, outcomes: Sequence[Outcome], ending: str) -> str:
    """What a run did, and what its last plan leaves to be said."""
    kinds = Counter(outcome.kind for outcome in outcomes)
    did = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items()) or "nothing was done"
    head = f"**{money(plan.cost.now)}** (about {_month(plan.cost.now)} a month). The run ended {shown(ending)}: {did}."
    rows = [_outcome(outcome) for outcome in outcomes]
    unfilled = [_unfilled(each) for fleet in plan.fleets for each in fleet.unfilled]
    done = table(("", "Seat", "Result", "Price", "What"), rows[:MOST_ROWS]) if rows else ""
    return blocks(head, done, _hidden(len(rows)), section("Unfilled", unfilled), held_back(plan), alarms(plan))


def report_markdown(report: Report) -> str:
    """A whole run, with what is still open at its end."""
    plan = replace(report.plan, leaks=report.leaks)
    error = [shown(report.error, 512)] if report.error else []
    doubts = [f"{i.seat}: a rent is in doubt, up to {money(i.ceiling)}" for i in report.doubts]
    lines = [*error, *map(shown, report.failed), *(f"still waiting: {shown(text)}" for text in report.waits), *doubts]
    done = outcomes_markdown(plan, report.outcomes, report.ending.value)
    return blocks(section("Not well", lines), done)


def status_markdown(plan: Plan, seats: Iterable[SeatRow] = ()) -> str:
    """The account as it is."""
    cost = plan.cost
    spent = f"; {text}" if (text := spent_text(cost)) else ""
    head = f"**{money(cost.now)}** (about {_month(cost.now)} a month){_credit(cost)}{spent}"
    rows = [_fleet(fleet) for fleet in plan.fleets]
    fleets = table(("Fleet", "Wanted", "Running", "Live", "Declared in"), rows) if rows else ""
    cells = [_seat(row) for row in seats]
    sitting = table(("Seat", "State", "Instance", "What", "Price"), cells[:MOST_ROWS]) if cells else ""
    return blocks(head, fleets, sitting, _hidden(len(cells)), alarms(plan))


def _seat(row: SeatRow) -> tuple[str, ...]:
    state = f"{row.state}: {shown(row.why)}" if row.why else row.state
    i = row.instance
    if i is None:
        return shown(row.seat), state, "", "", ""
    what = f"{i.gpu_count or '?'}x {shown(i.gpu_name or '?')}, {shown(i.location or 'place unknown')}"
    return shown(row.seat), state, str(i.id), what, money(row.rate_per_hour)


def offers_markdown(fleet: Fleet, judged: Sequence[Candidate], shortage: Shortage) -> str:
    """What one fleet could rent now, the best first, and what refuses the rest."""
    good = [candidate for candidate in judged if candidate.eligible]
    head = f"**{fleet.name}**: {plural(len(good), 'eligible offer')} of {len(judged):,} seen"
    names = ("", "Price", "Score", "What", "Tier", "Reliability", "Download", "Host")
    rows = [_judged(rank, candidate) for rank, candidate in enumerate(good[:MOST_OFFERS], 1)]
    more = f"The first {MOST_OFFERS} are shown." if len(good) > MOST_OFFERS else ""
    refused = f"Refused: {refused_text(dict(shortage.refused))}." if shortage.refused else ""
    nearest = f"The {miss_text(shortage.nearest)}." if shortage.nearest else ""
    return blocks(head, table(names, rows) if rows else "", more, refused, nearest)


def diagnostics_markdown(diagnostics: Sequence[Diagnostic]) -> str:
    """Everything that is wrong with the files, by place."""
    kinds = Counter(found.severity for found in diagnostics)
    total = [plural(kinds[kind], kind) for kind in ("error", "warning") if kinds[kind]]
    return section(", ".join(total), (_diagnostic(found) for found in diagnostics)) or "**Nothing is wrong**"


def error_markdown(message: str, hint: str | None, diagnostics: Sequence[Diagnostic]) -> str:
    """What a command says that could not do its work."""
    found = diagnostics_markdown(diagnostics) if diagnostics else ""
    return blocks(f"**Failed**: {shown(message, 512)}", f"Try: {shown(hint, 512)}" if hint else "", found)


# --- the head of a plan ---------------------------------------------------------------------------


def _delta(cost: Cost) -> str:
    rates = money(cost.now) if cost.now == cost.after else f"{money(cost.now)} -> {money(cost.after)}"
    same = ", unchanged" if cost.now == cost.after else ""
    return f"**{rates}**{same} (about {_month(cost.after)} a month)"


def _month(rate: Decimal) -> str:
    return amount(rate * HOURS_PER_MONTH, 0)


def _credit(cost: Cost) -> str:
    text = credit_text(cost.credit_lasts_h)
    return f"; {text}" if text else ""


def _summary(plan: Plan) -> str:
    n, cost = counts(plan), plan.cost
    todo = f"{n.create:,} to create, {n.replace:,} to replace, {n.destroy:,} to destroy"
    todo += f", {plural(n.bids, 'new bid')}" if n.bids else ""
    held = f"; held back by {plural(n.held, 'guard')}" if n.held else ""
    text = f"{todo if plan.changes else 'No changes'}; {n.unchanged:,} unchanged, {n.unfilled:,} unfilled{held}."
    peak = f"at most {money(cost.peak)} on the way" if cost.peak > max(cost.now, cost.after) else ""
    budget = f"budget {money(cost.budget)}" if cost.budget is not None else ""
    limits = "; ".join(part for part in (peak, budget, credit_text(cost.credit_lasts_h)) if part)
    return f"{text} {limits[:1].upper()}{limits[1:]}." if limits else text


def _rollouts(plan: Plan) -> str:
    left = ((fleet.fleet.name, rolling(fleet)) for fleet in plan.fleets)
    return "\n\n".join(f"{name}: {rolling_text(found)}." for name, found in left if found is not None)


def _cold_start(plan: Plan) -> str:
    wait = plan.rents_wait_s
    return f"Cold start: rents wait {duration(wait)} for a second list that agrees." if wait else ""


# --- the table of changes -------------------------------------------------------------------------


def _changes(plan: Plan) -> str:
    rows = list(_rows(plan))
    if not rows:
        return ""
    kept = rows if len(rows) <= MOST_ROWS else sorted(rows, key=lambda row: row[0])[:MOST_ROWS]
    orders = {a.order for a in plan.actions() if isinstance(a, Replace)}
    legend = "`+/-` starts the new one first, `-/+` ends the old one first." if orders else ""
    changes = table(("", "Seat", "What", "Price", "Why"), [cells for _, cells in kept])
    return blocks(changes, _hidden(len(rows)), legend)


def _hidden(rows: int) -> str:
    return f"{MOST_ROWS} of {rows:,} rows are shown; `--format json` has all." if rows > MOST_ROWS else ""


def _rows(plan: Plan) -> Iterator[Row]:
    for fleet in plan.fleets:
        yield from map(_action, fleet.actions)
        yield from map(_unfilled_row, fleet.unfilled)
    yield from map(_action, (*plan.pruned, *plan.resent))


def _action(action: Action) -> Row:
    rank, what, price = _what(action)
    return rank, (code(mark_of(action)), str(action.seat), what, price, shown(action.reason) + _wait(action.wait))


def _what(action: Action) -> tuple[int, str, str]:
    """How much it must be seen, what comes or goes, and its price."""
    match action:
        case Destroy(old=old):
            return 0, f"instance {old.id}", money(-rate_per_hour(old.instance))
        case Update(old=old, bid=bid, ceiling=ceiling):
            prices = f"{amount(rate_per_hour(old.instance))} -> {money(ceiling)}"
            return 1, f"instance {old.id}, bid {amount(bid, 4)}/h", prices
        case Replace(old=old, choice=choice):
            prices = f"{amount(rate_per_hour(old.instance))} -> {coming_text(action)}"
            what = PROMISED if choice.promised else _offer(choice.candidate)
            return 1, f"{what} for instance {old.id}", prices
        case Create(choice=choice):
            return 3, _offer(choice.candidate), money(choice.candidate.price)


def _offer(candidate: Candidate) -> str:
    offer, bid = candidate.offer, bid_text(candidate)
    place = shown(offer.location) if offer.location else "place unknown"
    what = f"{offer.gpu_count}x {shown(offer.gpu_name)}, {place}, machine {offer.machine_id}"
    return f"{what}, {bid}" if bid else what


def _wait(wait: Wait | None) -> str:
    if wait is None:
        return ""
    left = f", {duration(wait.seconds)}" if wait.seconds else ""
    return f"; waits: {shown(wait.reason)}{left}"


def _unfilled_row(unfilled: Unfilled) -> Row:
    return 2, (code(UNFILLED_MARK), _seats(unfilled), "no offer", "", shortage_text(unfilled.shortage))


def _unfilled(unfilled: Unfilled) -> str:
    return f"{_seats(unfilled)}: {shortage_text(unfilled.shortage)}"


def _seats(unfilled: Unfilled) -> str:
    first, *others = unfilled.seats
    return f"{plural(len(unfilled.seats), 'seat')} of {first.fleet}" if others else str(first)


# --- the rows of the other pages ------------------------------------------------------------------


def _outcome(outcome: Outcome) -> tuple[str, ...]:
    went = outcome.kind == "destroyed"
    price = money(-outcome.rate_per_hour if went else outcome.rate_per_hour) if outcome.rate_per_hour else ""
    instance = f"instance {outcome.instance_id}: " if outcome.instance_id is not None else ""
    mark = _MARKS.get(outcome.kind, code(UNFILLED_MARK))
    return mark, str(outcome.seat), shown(outcome.kind), price, instance + shown(outcome.text)


def _fleet(plan: FleetPlan) -> tuple[str, ...]:
    source = plan.fleet.source
    numbers = (f"{number:,}" for number in (plan.fleet.replicas, plan.running, plan.live))
    return plan.fleet.name, *numbers, code(f"{source.file}:{source.line}")


def _judged(rank: int, candidate: Candidate) -> tuple[str, ...]:
    offer, tier = candidate.offer, shown(candidate.tier or "")
    reliability = "" if offer.reliability is None else f"{offer.reliability:.3f}"
    download = "" if offer.download_mbps is None else f"{offer.download_mbps:,.0f} Mbps"
    host = "" if offer.host_id is None else f"{offer.host_id}"
    score = f"{candidate.score.total:.3f}"
    return f"{rank}", money(candidate.price), score, _offer(candidate), tier, reliability, download, host


def _diagnostic(found: Diagnostic) -> str:
    place, hint = code(found.place), f" ({shown(found.suggestion, 256)})" if found.suggestion else ""
    return f"{found.severity} {code(found.code)} at {place}: {shown(found.message, 256)}{hint}"
