"""Labels changed at a person's word: adopted instances get ours, released ones theirs again. Nothing else is sent.

Each change is written down before its call, sent once, and counts when a reading shows it. Whatever a call answered, it
is never repeated here: the label that the account shows says how it ended, and the next command goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from reconciler.clock import Clock
from reconciler.core.history import Event, EventKind, of_seat
from reconciler.core.instance import Instance
from reconciler.core.label import Mark, read_label
from reconciler.core.moves import Kind, Move, Step, StepState
from reconciler.core.record import (
    Known,
    Record,
    Relabel,
    with_known,
    with_relabel,
    without_instance,
    without_intents,
)
from reconciler.errors import DoubtfulReading, Unreachable
from reconciler.provider import Gone, Provider, RelabelDoubtful, Store


@dataclass(slots=True)
class Hand:
    """What labels are changed with, and what has become of them so far."""

    provider: Provider
    store: Store
    clock: Clock
    owner: str
    record: Record
    tell: Callable[[Step], None] = lambda _: None
    steps: list[Step] = field(default_factory=list)

    def save(self, record: Record, *events: Event) -> None:
        """Make the new record durable, and `events` with it; only then is it the record."""
        self.store.save(record, events)
        self.record = record

    def note(self, move: Move, state: StepState, text: str) -> None:
        """Keep what became of a change and tell it."""
        step = Step(state, move.seat, move.id, text)
        self.steps.append(step)
        self.tell(step)


def carry(hand: Hand, kind: Kind, moves: Sequence[Move]) -> None:
    """Do all of `moves`, then confirm them by one reading of the whole account.

    Raises `Interrupted` between calls when a stop was asked for, `Busy` or `NotSaved` when the record cannot be
    written (then nothing more is sent), `KeyProblem` when the key is refused.
    """
    sent: dict[int, tuple[Move, str]] = {}
    for move in moves:
        answer = _send(hand, kind, move)
        if answer is not None:
            sent[move.id] = move, answer
    if sent:
        _confirm(hand, kind, sent)


def _send(hand: Hand, kind: Kind, move: Move) -> str | None:
    """Read afresh, write down, send once. What the answer said, `""` for a plain yes; None where nothing was sent."""
    try:
        reading = hand.provider.instance(move.id)
    except (DoubtfulReading, Unreachable) as error:
        hand.note(move, "skipped", f"left alone: it could not be read afresh: {error}")
        return None
    if isinstance(reading, Gone):
        hand.note(move, "skipped", "there is no such instance any more")
        hand.save(without_instance(hand.record, move.id))
        return None
    if _text(reading.label) == _text(move.after):
        return ""  # An earlier run sent it: only the confirmation is missing.
    if _text(reading.label) != _text(move.before):
        hand.note(move, "skipped", "left alone: its label has changed meanwhile")
        return None
    hand.save(with_relabel(hand.record, _entry(hand, kind, move)))
    answer = hand.provider.relabel(move.id, move.after)
    return answer.why if isinstance(answer, RelabelDoubtful) else ""


def _entry(hand: Hand, kind: Kind, move: Move) -> Relabel:
    earlier = hand.record.relabels.get(move.id)
    if kind == "adopt":
        assert move.after is not None
        torn = earlier is not None and move.before is not None and earlier.ours.startswith(move.before)
        before = earlier.before if earlier and torn else move.before  # What it had before any label of ours.
        return Relabel(move.id, move.seat, before, move.after, hand.clock.now())
    if earlier is not None:
        return replace(earlier, releasing=True)
    return Relabel(move.id, move.seat, None, move.before or "", hand.clock.now(), releasing=True)


def _confirm(hand: Hand, kind: Kind, sent: dict[int, tuple[Move, str]]) -> None:
    """What the account shows now. A label that is not there yet is read once more, singly."""
    try:
        listed = {instance.id: instance for instance in hand.provider.instances().instances}
        shown = {number: _newest(hand, listed.get(number), sent[number][0]) for number in sent}
    except (DoubtfulReading, Unreachable) as error:
        for move, _ in sent.values():
            hand.note(move, "failed", f"sent, and not confirmed: {error}")
        return
    for number, (move, answer) in sent.items():
        _conclude(hand, kind, move, shown[number], answer)


def _newest(hand: Hand, listed: Instance | None, move: Move) -> Instance | Gone:
    if listed is not None and _text(listed.label) == _text(move.after):
        return listed
    return hand.provider.instance(move.id)


def _conclude(hand: Hand, kind: Kind, move: Move, shown: Instance | Gone, answer: str) -> None:
    if isinstance(shown, Gone):
        hand.save(without_instance(hand.record, move.id))
        hand.note(move, "failed", "there is no such instance any more")
    elif _text(shown.label) == _text(move.after):
        if kind == "adopt":
            hand.save(_adopted(hand, move), _event(hand, "adopted", move, "by command, as it is"))
        else:
            hand.save(_released(hand, move), _event(hand, "released", move, f"by command: {_let_go(move)}"))
        hand.note(move, "done", "adopted" if kind == "adopt" else _let_go(move))
    elif _text(shown.label) == _text(move.before):
        why = f": {answer}" if answer else ", although the account accepted it"
        hand.note(move, "failed", f"its label is as before{why}")
    else:
        hand.note(move, "failed", "its label reads back neither as before nor as sent")


def _event(hand: Hand, kind: EventKind, move: Move, text: str) -> Event:
    return of_seat(hand.clock.now(), kind, move.seat, text, move.id, move.rate_per_hour)


def _adopted(hand: Hand, move: Move) -> Record:
    """It is ours, and its absence counts from now on. An attempt that it came from is settled."""
    record = with_known(hand.record, [Known(move.id, move.seat, hand.clock.now())])
    mended = [intent.attempt for intent in record.intents.values() if intent.instance_id == move.id]
    return without_intents(record, mended)


def _released(hand: Hand, move: Move) -> Record:
    """It is nobody's of ours any more, and nothing is remembered of it."""
    mark = read_label(move.before, hand.owner)
    own = {mark.attempt} if isinstance(mark, Mark) else set()
    record = without_instance(hand.record, move.id)
    ended = [i.attempt for i in record.intents.values() if i.instance_id == move.id or i.attempt in own]
    return without_intents(record, ended)


def _let_go(move: Move) -> str:
    if move.after:
        return "released, its old label is back"
    return "released, without a label" + ("" if move.remembered else ": what it had before is not known any more")


def _text(label: str | None) -> str:
    """The account shows an empty label as none."""
    return label or ""
