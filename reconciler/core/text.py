"""Text from outside, made safe once: no control, bidi or invisible character passes."""

from __future__ import annotations

import unicodedata
from typing import NewType

SafeText = NewType("SafeText", str)
"""Text that may be printed to a terminal, a log or a CI job: made by `safe` only."""

_BIDI_AND_INVISIBLE = frozenset(
    [
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        0x061C,
        0x2028,
        0x2029,
        0xFEFF,
        0x00AD,
    ]
)


def _shown(char: str) -> str:
    code = ord(char)
    if code in _BIDI_AND_INVISIBLE or 0xE0000 <= code <= 0xE007F or unicodedata.category(char) in ("Cc", "Cs", "Co"):
        return f"\\u{code:04x}"
    return char


def safe(text: str, limit: int = 256) -> SafeText:
    """`text` on one line, its ends trimmed, control, bidi and invisible characters shown as `\\uXXXX`,
    cut to `limit` characters with an ellipsis."""
    text = text[: limit + 64].strip()
    text = text if text.isascii() and text.isprintable() else "".join(map(_shown, text))
    return SafeText(text if len(text) <= limit else text[: limit - 1] + "…")
