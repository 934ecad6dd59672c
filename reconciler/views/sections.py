"""Sections that several markdown pages share: what is held back, unfilled, left alone, wrong, at risk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal

from reconciler.core.plan import Action, FleetPlan, Held, Plan, Stray
from reconciler.core.shortage import Miss, Shortage
from reconciler.views.markup import blocks, code, section, shortened, shown
from reconciler.views.rises import rise_text
from reconciler.views.wording import MOST_WAYS_OUT, duration, mark_of, money, plural, relaxation_text

MOST_LINES = 20
"""So many lines of one section, then how many more there are."""
MOST_RULES = 4
TWO_DAYS_H = 48


def credit_text(hours: Decimal | None) -> str:
    """How long the credit lasts, in words; empty where nobody can tell."""
    if hours is None:
        return ""
    number, unit = (int(hours / 24), "day") if hours >= TWO_DAYS_H else (int(hours), "hour")
    return f"the credit lasts {plural(number, unit)}"


def shortage_text(shortage: Shortage) -> str:
    """Why seats have no offer: what refuses most, and the nearest miss in numbers."""
    if shortage.seen == 0:
        return "no offer was seen"
    text = f"of {plural(shortage.seen, 'offer')} seen, {refused_text(dict(shortage.refused))}"
    nearest = [] if shortage.nearest is None else [miss_text(shortage.nearest)]
    return "; ".join([text, *nearest, *(shown(relaxation_text(step)) for step in shortage.relaxations[:MOST_WAYS_OUT])])


def refused_text(refused: Mapping[str, int]) -> str:
    """Which rule refuses how many offers, the most first."""
    rules = [f"{shown(rule)} refuses {count:,}" for rule, count in refused.items()]
    return ", ".join(shortened(rules, MOST_RULES)) or "none fits"


def miss_text(miss: Miss) -> str:
    """The refused offer that comes nearest."""
    percent = f", {miss.percent:.0f} % off" if miss.percent is not None else ""
    return f"nearest miss {money(miss.price)}: {shown(miss.rule)}, {shown(miss.detail)}{percent}"


def alarms(plan: Plan) -> str:
    """Everything that is not as it should be or not ours to change; leaks come last."""
    return blocks(notes(plan), rises(plan), left_alone(plan), problems(plan), leaks(plan))


def held_back(plan: Plan) -> str:
    """What guards refuse, each with what lifts it."""
    return section("Held back", (_held(held) for held in plan.refusals()))


def _held(held: Held) -> str:
    whose = f"{shown(held.fleet)}, " if held.fleet else ""
    text = f"{whose}{shown(held.guard)}: {shown(held.message, 256)}. Lifted by {code(held.lift)}"
    return f"{text}\n  - {_marked(held.actions)}" if held.actions else text


def _marked(actions: Iterable[Action]) -> str:
    return ", ".join(shortened([f"{code(mark_of(a))} {a.seat}" for a in actions], MOST_LINES))


def notes(plan: Plan) -> str:
    """What is to be said about seats that no action is about."""
    return section("Notes", shortened([line for fleet in plan.fleets for line in _notes(fleet)], MOST_LINES))


def _notes(plan: FleetPlan) -> Iterator[str]:
    name, least = plan.fleet.name, min(plan.fleet.min_ready, plan.fleet.replicas)
    if plan.paused:
        yield f"{name} is paused: nothing of it is changed"
    if plan.below_min_ready:
        yield f"{code('!')} {name} is below min_ready: {plan.running} of at least {least} running"
    for note in plan.notes:
        rate = f" ({money(note.rate_per_hour)})" if note.rate_per_hour else ""
        yield f"{note.seat}: {shown(note.text)}{rate}"


def rises(plan: Plan) -> str:
    """What hosts ask for beyond the end of contracts."""
    return section("Price rises", shortened([shown(rise_text(rise), 256) for rise in plan.rises], MOST_LINES))


def left_alone(plan: Plan) -> str:
    """Instances that are not in the plan, with what they bill."""
    lines = [*_orphans(plan.orphans), *_foreign(plan.other_owned)]
    if plan.unmanaged:
        lines.append(_sum(plan.unmanaged, "unmanaged instance"))
    return section("Left alone", lines)


def _orphans(strays: Iterable[Stray]) -> Iterator[str]:
    for fleet, group in _grouped(strays, lambda stray: stray.fleet).items():
        flag = code(f"--prune {fleet}")
        yield f"{_sum(group, 'orphan')} of fleet {shown(fleet)}, declared nowhere; {flag} destroys {_them(group)}"


def _foreign(strays: Iterable[Stray]) -> Iterator[str]:
    for owner, group in _grouped(strays, lambda stray: stray.owner).items():
        yield f"{_sum(group, 'instance')} of owner {shown(owner)}"


def _grouped(strays: Iterable[Stray], key: Callable[[Stray], str | None]) -> dict[str, list[Stray]]:
    groups: dict[str, list[Stray]] = {}
    for stray in strays:
        groups.setdefault(key(stray) or "unknown", []).append(stray)
    return dict(sorted(groups.items()))


def _them(group: list[Stray]) -> str:
    return "it" if len(group) == 1 else "them"


def _sum(group: Iterable[Stray], noun: str) -> str:
    strays = list(group)
    return f"{plural(len(strays), noun)} ({money(sum((s.rate_per_hour for s in strays), Decimal(0)))})"


def problems(plan: Plan) -> str:
    """What failed while the plan was made, and instances whose label is not as we wrote it."""
    lines = [shown(problem, 256) for problem in (*plan.warnings, *plan.problems)]
    lost = "was rented by us, but its label is not as written; left alone"
    return section("Problems", [*lines, *(f"instance {number} {lost}" for number in plan.mislabelled)])


def leaks(plan: Plan) -> str:
    """Destroys that were sent and not seen done: they may go on billing."""
    return section(
        "Leaks",
        (
            f"instance {leak.id} ({leak.seat}) was told to go {duration(max(0.0, plan.made_at - leak.since))} ago"
            f" and is not proven gone; it bills {money(leak.rate_per_hour)}"
            for leak in plan.leaks
        ),
    )
