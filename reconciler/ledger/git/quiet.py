"""Which records need not be pushed at once: those that only say again, of a later moment, what is known."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.record import Record

PUT_OFF_S = 60.0
"""So long a record that says nothing new may wait for the next push, at most."""


def says_nothing_new(before: Record, after: Record) -> bool:
    """Whether `after` differs from `before` in times of evidence and in what was spent only, and nothing is open.

    Losing it costs nothing: the next list shows the same instances, and what they billed is counted from the list
    before. While an attempt, a destroy or a change of a label is open every record counts: then something may be sent
    that rests on it.
    """
    is_open = after.intents or after.leaving or after.relabels or not after.warm
    return not is_open and _timeless(before) == _timeless(after)


def _timeless(record: Record) -> Record:
    known = {i: replace(each, seen_at=0.0) for i, each in record.known.items()}
    return replace(record, known=known, last_list_at=None, spend={})
