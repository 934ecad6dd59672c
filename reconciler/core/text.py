"""Text from outside, made safe once: no control, bidi or invisible character passes."""

from __future__ import annotations

import re
import unicodedata
from typing import NewType

SafeText = NewType("SafeText", str)
"""Text that may be printed to a terminal, a log or a CI job: made by `safe` only."""

_CATEGORIES = frozenset(["Cc", "Cf", "Cs", "Co", "Zl", "Zp"])
"""Controls, formats (bidi controls and zero-width characters are among them), surrogates, private ones, separators."""

_FILLERS = frozenset([0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, *range(0x180B, 0x1810)])
_SELECTORS = frozenset([*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)])
"""Characters of other categories that show nothing, and so can hide something."""

_COMMANDS = re.compile(r"(?<=#)#(?=[A-Za-z]*\[)|^:(?=:)")
"""Where a text would begin a command in a CI log: `##[...]` and `##vso[...]` anywhere, `::...` at its start."""


def shows(char: str) -> bool:
    """Whether a character is seen where it stands, and hides or moves nothing."""
    code = ord(char)
    return unicodedata.category(char) not in _CATEGORIES and code not in _FILLERS and code not in _SELECTORS


def _shown(char: str) -> str:
    return char if shows(char) else f"\\u{ord(char):04x}"


def safe(text: str, limit: int = 256) -> SafeText:
    """`text` on one line, its ends trimmed, control, bidi and invisible characters and the beginnings of CI commands
    shown as `\\uXXXX`, cut to `limit` characters with an ellipsis."""
    text = text[: limit + 64].strip()
    text = text if text.isascii() and text.isprintable() else "".join(map(_shown, text))
    if "##" in text or text.startswith("::"):
        text = _COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return SafeText(text if len(text) <= limit else text[: limit - 1] + "…")
