"""Letters that wait to be carried away: which of what is to be told is written now, and how much may wait.

What is told once must not be lost on the way: an incident counts as told only when its letter found room.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from reconciler.core.incidents import Incident, Letter
from reconciler.core.notify import NoticeKind, Notify
from reconciler.core.record import Record

PATIENCE_S: Mapping[NoticeKind, float] = {
    "down": 0.0,
    "below_min_ready": 900.0,
    "held_back": 600.0,
    "leak": 600.0,
    "doubt": 900.0,
    "credit": 0.0,
    "failing": 600.0,
}
"""How long an incident stands before it is told: what ends by itself sooner is nobody's business. An instance is down
only once its grace is over, so that is told at once."""
LETTERS_KEPT = 200
"""So many letters wait for one webhook at most."""
LETTER_KEPT_S = 86_400.0


def written(
    record: Record, incidents: Mapping[str, Incident], ends: Mapping[str, Letter], notify: Notify, now: float
) -> Record:
    """Tell what has stood long enough, and put letters for everybody who wants them into the outbox. What finds no
    room there is told by a later pass: an incident that is over stays remembered until then."""
    known = {hook.variable for hook in notify.webhooks}
    kept = [letter for letter in record.outbox if now - letter.at < LETTER_KEPT_S and letter.to in known]
    due = {k: i for k, i in incidents.items() if not i.told and now - i.since >= PATIENCE_S[i.kind]}
    letters = {**ends, **{key: _begin(incident, now) for key, incident in due.items()}}
    fitting = _fitting(letters, kept, notify)
    to = [replace(each, to=h.variable) for each in fitting.values() for h in notify.webhooks if each.kind in h.on]
    late = {key: record.incidents[key] for key in ends if key not in fitting}
    told = {key: replace(incident, told=True) for key, incident in due.items() if key in fitting}
    return replace(record, incidents={**incidents, **late, **told}, outbox=_newest([*kept, *to]))


def _fitting(letters: Mapping[str, Letter], waiting: Iterable[Letter], notify: Notify) -> dict[str, Letter]:
    """Those of `letters` that are written now: for which one webhook at least has room. One that takes nothing does not
    keep the others from being told."""
    found, numbers = {}, Counter(letter.to for letter in waiting)
    for key, letter in letters.items():
        to = [hook.variable for hook in notify.webhooks if letter.kind in hook.on]
        if not to or any(numbers[name] < LETTERS_KEPT for name in to):
            found[key] = letter
            numbers.update(to)
    return found


def _newest(letters: Sequence[Letter]) -> tuple[Letter, ...]:
    """The letters without the oldest ones to a webhook for which too many wait."""
    too_many = Counter(letter.to for letter in letters)
    kept = []
    for letter in letters:
        if too_many[letter.to] > LETTERS_KEPT:
            too_many[letter.to] -= 1
        else:
            kept.append(letter)
    return tuple(kept)


def _begin(incident: Incident, now: float) -> Letter:
    i = incident
    return Letter("", now, i.kind, False, i.since, i.text, i.fleet, i.index, i.instance_id)
