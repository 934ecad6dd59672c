"""What looks like a secret, and how a line that holds one is shown."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

_SHAPES = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"sk-(?=[A-Za-z_-]{0,64}[0-9])[A-Za-z0-9_-]{10,}"
    r"|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,}|glpat-[A-Za-z0-9_-]{16,}"
    r"|hf_[A-Za-z0-9]{16,}|A[KS]IA[0-9A-Z]{12,}|xox[abprs]-[A-Za-z0-9-]{10,}"
    r"|hooks\.slack\.com/[a-z]+/[A-Za-z0-9_/-]{16,}|discord(?:app)?\.com/api/webhooks/[A-Za-z0-9_/-]{16,}"
    r")|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
_LONG = re.compile(r"(?<!sha256:)(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{40,}={0,2}")


def _is_random(word: str) -> bool:
    """True for long words that no person typed: hexadecimal, or all kinds of letters in no order."""
    entropy = -sum(n / len(word) * math.log2(n / len(word)) for n in Counter(word).values())
    if re.fullmatch(r"[0-9a-f]+|[0-9A-F]+", word):
        return entropy > 3
    return entropy > 4.2 and all(re.search(kind, word) for kind in ("[0-9]", "[a-z]", "[A-Z]"))


def _spans(text: str) -> Iterator[tuple[int, int]]:
    yield from (found.span() for found in _SHAPES.finditer(text))
    yield from (found.span() for found in _LONG.finditer(text) if _is_random(found.group()))


def looks_secret(text: str) -> bool:
    """True where `text` holds something shaped like a key, a token or a private key."""
    return next(_spans(text), None) is not None


def masked(text: str) -> str:
    """`text` with everything that looks secret as asterisks, as long as before so that columns stay."""
    for start, end in list(_spans(text)):
        text = text[:start] + "*" * (end - start) + text[end:]
    return text
