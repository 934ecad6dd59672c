"""The last words of a run: what was done, what is still open, and the leaks as the very last lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Literal

from reconciler.core.report import Ending, Report
from reconciler.core.seat_guards import FROM_MEMORY
from reconciler.views.text import leaks_text
from reconciler.views.wording import money, plural


def ending_lines(report: Report) -> Iterator[str]:
    """What a person reads at the end; lines that start with `!` are never silent."""
    did = summary(report)
    if report.error is not None:
        yield f"! {report.error}. {did} The next run goes on from here."
        if report.hint:
            yield f"!   try: {report.hint}"
    else:
        yield f"{_ended(report)} {did}"
        yield from (f"! still waiting: {text}" for text in report.waits)
        yield from (f"! {text}" for text in report.failed)
    yield from left_out_lines(report)
    for fleet in report.plan.fleets:
        yield from (f"! {note.seat}: {note.text}" for note in fleet.notes if note.kind == "kept")
    for held in report.plan.refusals():
        if held.guard in FROM_MEMORY:
            yield f"! held back by {held.guard}: {held.message}; lifted by: {held.lift}"
    for intent in report.doubts:
        ceiling = money(intent.ceiling)
        yield f"! {intent.seat}: a rent is in doubt, up to {ceiling}; the seat stays occupied until that is settled"
    yield from leaks_text(report.leaks, report.at)


def left_out_lines(report: Report) -> Iterator[str]:
    """What an approval of an earlier day lacks: told, and no failure."""
    yield from (f"{seat} is wanted and not in the saved plan" for seat in report.left_out)


def _ended(report: Report) -> str:
    if report.ending is Ending.LATE:
        return "Time is up before everything ran."
    if report.ending is Ending.STEPPED and report.plan.changes:
        return "One step done."
    running = sum(fleet.running for fleet in report.plan.fleets)
    wanted = sum(fleet.fleet.replicas for fleet in report.plan.fleets)
    unfilled = sum(len(u.seats) for fleet in report.plan.fleets for u in fleet.unfilled)
    short = f", {unfilled} unfilled" if unfilled else ""
    return f"Done: {running} of {wanted} running{short}, {money(report.plan.cost.now)}."


def summary(report: Report) -> str:
    """What a run did, in numbers."""
    counts = Counter(outcome.kind for outcome in report.outcomes)
    parts = [
        f"{plural(counts['rented'], 'instance')} rented" if counts["rented"] else "",
        f"{counts['destroyed']} destroyed" if counts["destroyed"] else "",
        f"{plural(counts['bid'], 'new bid')}" if counts["bid"] else "",
        f"{plural(len(report.doubts), 'rent')} in doubt" if report.doubts else "",
        f"{plural(len(report.leaks), 'destroy', 'destroys')} not proven" if report.leaks else "",
    ]
    done = ", ".join(part for part in parts if part)
    return f"{done[0].upper()}{done[1:]}." if done else "Nothing was changed."


def is_news(report: Report) -> bool:
    """Whether there is anything to say to somebody who wants silence when all is as it was."""
    plan = report.plan
    happened = report.outcomes or report.error or report.waits or report.failed or report.doubts or report.leaks
    return bool(happened or plan.problems or any(plan.refusals()))


def machine_report(shape: str, report: Report, command: Literal["apply", "destroy"]) -> str:
    """The same for machines and pull requests."""
    if shape == "markdown":
        from reconciler.views.markdown import report_markdown

        return report_markdown(report)
    from reconciler.views.document import dump, report_document

    return dump(report_document(report, command))
