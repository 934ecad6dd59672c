"""The last words of a run: what was done, what is still open, and the leaks as the very last lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from reconciler.apply import Run
from reconciler.converge import Ending, Result
from reconciler.core.plan import Leak, Plan
from reconciler.errors import ReconcileError
from reconciler.views.text import leaks_text
from reconciler.views.wording import money, plural


def ending_lines(run: Run, result: Result | None, error: ReconcileError | None) -> Iterator[str]:
    """What a person reads at the end; lines that start with `!` are never silent."""
    did = summary(run)
    if error is not None:
        yield f"! {error}. {did} The next run goes on from here."
        if error.hint:
            yield f"!   try: {error.hint}"
    elif result is not None:
        yield f"{_ended(result)} {did}".strip()
        yield from (f"! still waiting: {text}" for text in result.waits)
    for intent in run.record.intents.values():
        if intent.instance_id is None:
            ceiling = money(intent.ceiling)
            yield f"! {intent.seat}: a rent is in doubt, up to {ceiling}; the seat stays occupied until that is settled"
    yield from leaks_text(leaks_of(run), run.clock.now())


def leaks_of(run: Run) -> tuple[Leak, ...]:
    """Destroys that were sent and are not proven."""
    return tuple(Leak(x.id, x.seat, x.since, x.rate_per_hour) for x in run.record.leaving.values())


def _ended(result: Result) -> str:
    if result.ending is Ending.LATE:
        return "Time is up before everything ran."
    if result.ending is Ending.STEPPED and result.plan.changes:
        return "One step done."
    running = sum(fleet.running for fleet in result.plan.fleets)
    wanted = sum(fleet.fleet.replicas for fleet in result.plan.fleets)
    return f"Done: {running} of {wanted} running, {money(result.plan.cost.after)}."


def summary(run: Run) -> str:
    """What this run did, in numbers."""
    counts = Counter(outcome.kind for outcome in run.outcomes)
    parts = [
        f"{plural(counts['rented'], 'instance')} rented" if counts["rented"] else "",
        f"{counts['destroyed']} destroyed" if counts["destroyed"] else "",
    ]
    done = ", ".join(part for part in parts if part)
    return f"{done[0].upper()}{done[1:]}." if done else "Nothing was changed."


def machine_report(shape: str, run: Run, plan: Plan, result: Result | None, error: ReconcileError | None) -> str:
    """The same for machines and pull requests."""
    ending = result.ending.value if result is not None else "failed"
    if shape == "markdown":
        from reconciler.views.markdown import outcomes_markdown

        return outcomes_markdown(plan, run.outcomes, ending)
    from reconciler.views.document import apply_document, dump

    waits = result.waits if result is not None else ()
    return dump(apply_document(plan, run.outcomes, ending, waits, str(error) if error else None))
