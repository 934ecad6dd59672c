"""`host.query` in a spec: its text checked where it stands, and its clauses for the model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from reconciler.spec.page import Mark
from reconciler.spec.tree import Finding, Node, Route, dotted
from reconciler.spec.tree_access import text

if TYPE_CHECKING:
    from reconciler.core.model import Clause
    from reconciler.core.query_language import Language
    from reconciler.core.query_text import FlawKind

Spoken: TypeAlias = "Callable[[], Language] | None"
"""A marketplace's language for `host.query`, asked for by the first spec that has one; without one only the form
of a query is checked."""
ROUTE: Route = ("host", "query")

_CODES: dict[FlawKind, str] = {
    "form": "query-syntax",
    "field": "unknown-query-field",
    "reserved": "query-field-reserved",
    "operator": "query-operator",
    "value": "query-value",
}


def query_rule(language: Spoken) -> Callable[[Node], Iterator[Finding]]:
    """The rule about `host.query`."""

    def rule(root: Node) -> Iterator[Finding]:
        written = text(root, *ROUTE)
        if not written:
            return
        from reconciler.core.query_language import understand

        for flaw in understand(written, language() if language else None).flaws:
            said = f"{dotted(ROUTE)}: {flaw.message}"
            yield Finding(ROUTE, _CODES[flaw.kind], said, flaw.suggestion, span=(flaw.start, flaw.width))

    return rule


def clauses_of(written: str, language: Spoken) -> tuple[Clause, ...]:
    """The clauses of a query without mistakes."""
    from reconciler.core.query_language import understand

    return understand(written, language() if language else None).clauses


def within(node: Node, start: int, width: int) -> Mark:
    """The place of a piece of a text, counted in the text; the whole text where it stands otherwise on the page.

    A text over several lines is found too: its words stand on the page in the same order, apart by white space.
    """
    mark, value = node.mark, node.value
    lines = mark.page.lines[mark.line - 1 :] if mark.line else ()
    if not isinstance(value, str) or not lines:
        return mark
    page = "\n".join(lines)
    wanted = _folded(value[:start]) + "(" + _folded(value[start : start + width]) + ")"
    found = re.compile(wanted).search(page, mark.column - 1)
    if found is None:
        return mark
    line, column = page.count("\n", 0, found.start(1)), found.start(1) - page.rfind("\n", 0, found.start(1))
    return Mark(mark.page, mark.line + line, column, len(found[1].partition("\n")[0]))


def _folded(text: str) -> str:
    """A pattern for a text that may be folded between its words."""
    return "".join(r"\s+" if piece.isspace() else re.escape(piece) for piece in re.split(r"(\s+)", text))
