"""Which known word was probably meant."""

from __future__ import annotations

from collections.abc import Iterable


def distance(left: str, right: str, limit: int = 2) -> int:
    """How many letters must be changed, added or dropped; anything above `limit` is `limit + 1`."""
    if abs(len(left) - len(right)) > limit:
        return limit + 1
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        above, row = row, [i]
        for j, b in enumerate(right, 1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b)))
    return min(row[-1], limit + 1)


def near(word: str, known: Iterable[str], limit: int = 2) -> str | None:
    """The known word nearest to `word`, at most `limit` letters away and never all of it; the first of equals."""
    limit = min(limit, len(word) - 1)
    if limit < 1 or len(word) > 100:
        return None
    found = [(distance(word.lower(), each.lower(), limit), each) for each in known]
    best = min(found, key=lambda pair: pair[0], default=(limit + 1, ""))
    return best[1] if best[0] <= limit else None
