"""Files opened once, within one budget, and their documents sorted by kind."""

from __future__ import annotations

import os
from dataclasses import field
from typing import Any

from reconciler.core.near import near
from reconciler.diagnostics import Diagnostic
from reconciler.spec.events import Document, parse
from reconciler.spec.files import Found, read_bytes
from reconciler.spec.page import Mark, Page, diagnose, shown
from reconciler.spec.schema import Kind
from reconciler.spec.text import Refused, decode
from reconciler.spec.tree import Node
from reconciler.spec.tree_access import text
from reconciler.values import dataclass

MAX_TOTAL_BYTES = 1024 * 1024
_KINDS: dict[str, Kind] = {"Fleet": "fleet", "Policy": "policy"}


@dataclass(frozen=True, slots=True)
class Written:
    """A document whose kind is known."""

    kind: Kind
    root: Node
    sound: bool
    """False where its form is so wrong that its content cannot be judged."""

    @property
    def page(self) -> Page:
        """The page it stands on."""
        return self.root.mark.page


@dataclass(slots=True)
class Opened:
    """What one file holds."""

    documents: list[Written] = field(default_factory=list)
    problems: list[Diagnostic] = field(default_factory=list)


class Desk:
    """Opens each file once and never more than a megabyte in all."""

    def __init__(self, loader: Any = None) -> None:
        self._loader = loader
        self._opened: dict[str, Opened] = {}
        self._left = MAX_TOTAL_BYTES

    def open(self, found: Found) -> Opened:
        """The file's documents and problems; the same for the same file."""
        place = os.path.realpath(found.path)
        if place not in self._opened:
            self._opened[place] = self._read(found)
        return self._opened[place]

    def _read(self, found: Found) -> Opened:
        try:
            data = read_bytes(found)
            self._left -= len(data)
            if self._left < 0:
                said = f"is one too many: specs may have {MAX_TOTAL_BYTES} bytes together"
                raise found.refuse("too-large", said)
            page, content = decode(found.shown, found.path, data)
        except Refused as refused:
            return Opened(problems=[refused.diagnostic])
        documents, problems = parse(page, content, self._loader)
        return _sorted_out(page, documents, problems)


def _sorted_out(page: Page, documents: list[Document], problems: list[Diagnostic]) -> Opened:
    opened = Opened(problems=list(problems))
    if not documents and not problems:
        opened.problems.append(_empty(Mark(page)))
    for document in documents:
        problem = _misfit(document.root)
        if problem is None:
            opened.documents.append(Written(_KINDS[text(document.root, "kind") or ""], document.root, document.sound))
        elif document.sound:
            opened.problems.append(problem)
    return opened


def _empty(mark: Mark) -> Diagnostic:
    hint = "write a fleet, or remove the document"
    return diagnose(mark, "empty-spec", "this document is empty; an empty document is never no fleets", hint)


def _misfit(root: Node) -> Diagnostic | None:
    """Why a document is neither a fleet nor a policy."""
    if root.value is None:
        return _empty(root.mark)
    if not isinstance(root.value, dict):
        said = "a document must be a mapping of fields, beginning with kind: Fleet"
        return diagnose(root.mark, "not-a-mapping", said)
    kind = root.value.get("kind")
    if kind is None:
        return diagnose(root.mark, "missing-kind", "the document does not say its kind", _kind_hint(root))
    if not isinstance(kind.value, str) or kind.value not in _KINDS:
        name = kind.value if isinstance(kind.value, str) else ""
        meant = near(name, _KINDS)
        said = f"kind must be Fleet or Policy, not {shown(name) if name else 'this'}"
        return diagnose(kind.mark, "unknown-kind", said, f"did you mean {meant}?" if meant else None)
    return None


def _kind_hint(root: Node) -> str:
    if misspelt := near("kind", root.keys):
        return f"did you mean kind instead of {shown(misspelt)}?"
    if "fleets" in root.keys:
        return "write one document for each fleet, with --- between them, each with kind: Fleet"
    return f"add kind: {'Policy' if {'owner', 'limits', 'protect', 'defaults'} & set(root.keys) else 'Fleet'}"
