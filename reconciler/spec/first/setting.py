"""A setting of another tool, and what of a spec is made of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from reconciler.core.text import safe
from reconciler.diagnostics import Diagnostic
from reconciler.spec.page import Mark, diagnose, shown
from reconciler.spec.tree import Node, Route, Scalar

_SECRET = re.compile(r"key|token|secret|passw(?:or)?d|credential", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Setting:
    """A name and its value, at its place."""

    keys: tuple[str, ...]
    """The way to it: one name in an env file, several in a tree."""
    node: Node

    @property
    def name(self) -> str:
        """The name as people write it, safe to print."""
        return safe(".".join(self.keys), 120)

    @property
    def origin(self) -> str:
        """Name and place, for a comment."""
        return f"{self.name}, {self.node.mark}"

    @property
    def is_secret(self) -> bool:
        """Whether its name is that of a secret. Such a value is never looked at."""
        return any(_SECRET.search(key) for key in self.keys)

    def wrong(self, code: str, said: str, hint: str | None = None) -> Wrong:
        """The exception that says what is wrong with the whole value."""
        return Wrong([diagnose(self.node.mark, code, said, hint)])


class Wrong(Exception):
    """A value that means nothing; holds why, for every part of it."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__(diagnostics[0].message)
        self.diagnostics = list(diagnostics)


@dataclass(frozen=True, slots=True)
class Part:
    """A field of the spec, its value at the place it came from, and where that is in words."""

    route: Route
    node: Node
    origin: str
    note: str = ""
    """What was done to the value on the way."""


@dataclass(frozen=True, slots=True)
class Read:
    """What one setting gives."""

    parts: tuple[Part, ...] = ()
    remark: str = ""
    """What is to be said where it gives no field."""
    unknown: tuple[str, ...] = field(default=())
    """Names inside it that are not understood."""


def one(setting: Setting, route: Route, value: Scalar, note: str = "") -> Read:
    """A single value for one field."""
    return Read((Part(route, Node(value, setting.node.mark), setting.origin, note),))


def several(setting: Setting, route: Route, nodes: Sequence[Node], note: str = "") -> Read:
    """A list for one field."""
    return Read((Part(route, Node(tuple(nodes), setting.node.mark), setting.origin, note),))


def entries(setting: Setting) -> list[tuple[str, Mark]]:
    """The texts of a list, or of one text that commas divide, each at its place."""
    value = setting.node.value
    if isinstance(value, tuple):
        odd = [each for each in value if isinstance(each.value, bool) or not isinstance(each.value, str | int)]
        if odd:
            raise Wrong([diagnose(each.mark, "wrong-type", f"{setting.name} is a list of plain words") for each in odd])
        return [(str(each.value), each.mark) for each in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return [(str(value), setting.node.mark)]
    if not isinstance(value, str):
        raise setting.wrong("wrong-type", f"{setting.name} must be a list of texts, not {_kind(setting.node)}")
    return list(_divided(value, setting.node.mark))


def _divided(text: str, mark: Mark) -> list[tuple[str, Mark]]:
    found = []
    for piece in re.finditer(r"[^,;]+", text):
        word = piece.group().strip(" \t[]\"'")
        if word:
            column = mark.column + piece.start() + piece.group().index(word)
            found.append((word, replace(mark, column=column, width=len(word))))
    return found


def _kind(node: Node) -> str:
    return shown(node.value) if not isinstance(node.value, dict | tuple) else "a mapping"
