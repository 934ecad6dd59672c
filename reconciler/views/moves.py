"""Moving in and out, for a person and for machines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.core.model import Source
from reconciler.core.moves import Kind, Move, Moves, Refusal, Step
from reconciler.core.text import safe
from reconciler.views.document import FORMAT, VERSION
from reconciler.views.markup import blocks, section, shown, table
from reconciler.views.parts import Document, value
from reconciler.views.wording import money, plural

_DONE = {"adopt": "adopted", "release": "released"}
_MARKS = {"done": "=", "skipped": "!", "failed": "!"}


def moves_text(kind: Kind, found: Moves, sources: Mapping[str, Source]) -> str:
    """What would be done, fleet by fleet, and what is left alone."""
    lines: list[str] = []
    for name in dict.fromkeys(move.seat.fleet for move in found.moves):
        source = sources.get(name)
        lines.append(f"{name}  {source.file}:{source.line}" if source else name)
        lines += [_line(kind, move) for move in found.moves if move.seat.fleet == name]
    lines += [_left(refusal) for refusal in found.refusals]
    return "\n".join(lines) if lines else f"There is nothing to {kind}."


def _line(kind: Kind, move: Move) -> str:
    instance = move.instance
    what = f"{instance.gpu_count or '?'}x {instance.gpu_name or 'unknown GPU'}  {instance.location or 'place unknown'}"
    return f"  {move.seat.index}  instance {move.id}  {what}  {money(move.rate_per_hour)}   {_kept(kind, move)}"


def _kept(kind: Kind, move: Move) -> str:
    if kind == "adopt":
        return "; ".join(map(str, move.differences)) or "no difference is told"
    if move.after:
        return f"label {_shown(move.before)} -> {_shown(move.after)}"
    return "no label" if move.remembered else "no label: what it had before, if anything, is not known"


def _left(refusal: Refusal) -> str:
    lift = f"  ({refusal.lift})" if refusal.lift else ""
    return f"  !  instance {refusal.instance_id} is left alone: {refusal.why}{lift}"


def _shown(label: str | None) -> str:
    return f'"{safe(label, 100)}"' if label else "none"


def question(kind: Kind, found: Moves) -> str:
    """What a person says yes to."""
    count = plural(len(found.moves), "instance")
    if kind == "release":
        return f"Release {count}, {money(found.rate_per_hour)}? They go on to run and to bill."
    return f"Adopt {count}, {money(found.rate_per_hour)}, as they are? Only their labels change."


def step_text(step: Step) -> str:
    """One change, as it ended."""
    return f"{_MARKS[step.state]} {step.seat}  instance {step.instance_id}  {safe(step.text, 400)}"


def ending_lines(kind: Kind, found: Moves, steps: Sequence[Step], paused: Sequence[str]) -> Iterator[str]:
    """What a person reads at the end."""
    if not found.moves:
        yield "Nothing was changed."
        return
    done = sum(step.state == "done" for step in steps)
    yield f"{plural(done, 'instance')} {_DONE[kind]}; nothing was rented, stopped or destroyed."
    if len(found.moves) > done:
        yield f"{len(found.moves) - done} not: reconcile {kind} goes on from what the account shows."
    if paused:
        names = ", ".join(paused)
        why = ", so that nothing is rented in their place" if kind == "release" else ""
        yield f"Paused{why}: {names}. To have it looked after again: reconcile resume FLEET"


def moves_document(
    kind: Kind, found: Moves, steps: Sequence[Step], paused: Sequence[str], error: str | None = None
) -> Document:
    """The same for machines. A move without a step was not reached, or not confirmed: `open`."""
    ended = {step.instance_id: step for step in steps}
    return {
        "format": FORMAT,
        "version": VERSION,
        "command": kind,
        "moves": [_move(move, ended.get(move.id)) for move in found.moves],
        "left_alone": [{"instance": r.instance_id, "why": safe(r.why, 400), "lift": r.lift} for r in found.refusals],
        "paused": list(paused),
        "error": error,
    }


def moves_markdown(
    kind: Kind, found: Moves, steps: Sequence[Step], paused: Sequence[str], error: str | None = None
) -> str:
    """The same for a pull request or a page of CI."""
    ended = {step.instance_id: step for step in steps}
    rows = [_row(kind, move, ended.get(move.id)) for move in found.moves]
    moved = table(("Seat", "Instance", "Price", "As it is", "Result"), rows) if rows else ""
    left = [f"instance {r.instance_id}: {shown(r.why)}" for r in found.refusals]
    failed = f"**{shown(error, 512)}**" if error else ""
    said = " ".join(shown(line) for line in ending_lines(kind, found, steps, paused))
    return blocks(failed, moved, section("Left alone", left), said)


def _row(kind: Kind, move: Move, step: Step | None) -> tuple[str, ...]:
    result = f"{step.state}: {shown(step.text)}" if step else "open"
    return shown(str(move.seat)), str(move.id), money(move.rate_per_hour), shown(_kept(kind, move)), result


def _move(move: Move, step: Step | None) -> Document:
    return {
        "seat": str(move.seat),
        "instance": move.id,
        "rate_per_hour": value(move.rate_per_hour),
        "label_before": None if not move.before else safe(move.before, 1024),
        "label_after": None if not move.after else safe(move.after, 1024),
        "label_remembered": move.remembered,
        "differences": [{"field": d.field, "desired": d.desired, "actual": d.actual} for d in move.differences],
        "state": step.state if step else "open",
        "text": safe(step.text, 400) if step else None,
    }
