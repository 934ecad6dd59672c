"""How many calls went out, by route: counted where they are sent, read where they are shown."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

TOO_MANY = 429


@dataclass(slots=True)
class Calls:
    """Counts since the program began. Every attempt counts, repeats included."""

    sent: Counter[str] = field(default_factory=Counter)
    too_many: Counter[str] = field(default_factory=Counter)
    """Those that were answered with 429."""
    unanswered: Counter[str] = field(default_factory=Counter)
    """Those without a usable answer: no connection, a timeout, a torn body."""

    def note(self, route: str, status: int | None) -> None:
        """One call has ended with `status`; None: without an answer."""
        self.sent[route] += 1
        if status is None:
            self.unanswered[route] += 1
        elif status == TOO_MANY:
            self.too_many[route] += 1
