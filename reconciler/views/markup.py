"""Markdown that outside text cannot break out of: into links, images, mentions, HTML, tables or CI commands.

GitHub looks for mentions, references and addresses in the text that is left after rendering, where a backslash no
longer shows. So text is either of a harmless alphabet or in a code span, never escaped letter by letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from reconciler.core.text import safe

TEXT_LIMIT = 160
"""No single text of outside makes a comment longer than this many characters."""

_HARMLESS = re.compile(
    r"(?=[A-Za-z0-9]|\$[0-9])(?!.*(?:www\.|gh-[0-9]))"
    r"(?:[A-Za-z0-9 ,.()%+;'/-]|(?<=[a-z0-9])_(?=[a-z0-9])|(?<=[0-9]):(?=[0-9])|:(?= )|\$(?=[0-9]))+",
    re.IGNORECASE | re.ASCII,
)


def shown(text: str, limit: int = TEXT_LIMIT) -> str:
    """Outside text inside a line of ours: as it is where that is harmless, else in a code span; never at its start."""
    text = safe(text, limit)
    return text if _HARMLESS.fullmatch(text) else code(text, limit)


def code(text: str, limit: int = TEXT_LIMIT) -> str:
    """A code span whose fence is longer than any run of backticks inside; `##` begins no command in a CI log."""
    text = re.sub("#(?=#)", "# ", safe(text, limit)) or "(empty)"
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are markdown already; a `|` in them does not end a cell."""
    ruler = ["---"] * len(head)
    return "\n".join(_row(cells) for cells in (head, ruler, *rows))


def _row(cells: Sequence[str]) -> str:
    inside = " | ".join(cell.replace("|", "\\|") for cell in cells)
    return f"| {inside} |"


def section(title: str, lines: Iterable[str]) -> str:
    """A bold title over a list, or nothing where the list is empty."""
    items = [f"- {line}" for line in lines]
    return "\n".join([f"**{title}**", "", *items]) if items else ""


def blocks(*parts: str) -> str:
    """Paragraphs, tables and lists that have something to say, a blank line between them."""
    return "\n\n".join(part for part in parts if part)


def shortened(items: Sequence[str], limit: int) -> list[str]:
    """The first `limit` items, and how many more there are."""
    left = len(items) - limit
    return [*items[:limit], f"... and {left:,} more"] if left > 0 else list(items)
