"""A tree of YAML or JSON as settings, also where one text of it holds another document, as a ConfigMap's do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from reconciler.core.shapes import looks_secret
from reconciler.core.text import safe
from reconciler.spec.events import Document, parse
from reconciler.spec.first.setting import Setting
from reconciler.spec.page import Mark
from reconciler.spec.tree import Node

_EMBEDDED = (".yaml", ".yml", ".json")


@dataclass(slots=True)
class Sorted:
    """The settings of a tree by what becomes of them."""

    known: list[Setting] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def add(self, other: Sorted) -> None:
        """Take over what was found elsewhere."""
        self.known += other.known
        self.secrets += other.secrets
        self.unknown += other.unknown


def sort_out(document: Node, meanings: Mapping[tuple[str, ...], object]) -> Sorted:
    """Everything in a document; what is not understood is named by the largest part in which nothing is."""
    found = Sorted()
    for keys, node in _children(document, ()):
        found.add(_sorted(keys, node, meanings))
    return found


def _sorted(keys: tuple[str, ...], node: Node, meanings: Mapping[tuple[str, ...], object]) -> Sorted:
    setting = Setting(keys, node)
    if keys[-1:] in meanings or keys[-2:] in meanings:
        return Sorted(known=[setting])
    if setting.is_secret or (isinstance(node.value, str) and looks_secret(node.value) and not _embedded(keys, node)):
        return Sorted(secrets=[setting.name])
    found = Sorted()
    for below, child in _children(node, keys):
        found.add(_sorted(below, child, meanings))
    if found.known or found.secrets:
        return found
    return Sorted(unknown=[setting.name])


def _children(node: Node, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Node]]:
    if isinstance(node.value, dict):
        yield from (((*keys, key), child) for key, child in node.value.items())
    elif isinstance(node.value, tuple):
        for each in node.value:
            yield from _children(each, keys)
    elif _embedded(keys, node):
        for document in _inside(node):
            # The names of an embedded document begin anew: they are what its own tool calls them.
            yield from _children(document.root, ())


def _embedded(keys: tuple[str, ...], node: Node) -> bool:
    return isinstance(node.value, str) and "\n" in node.value and bool(keys) and keys[-1].endswith(_EMBEDDED)


def _inside(node: Node) -> list[Document]:
    """The documents of a block of text, every mark moved to where it stands in the file."""
    assert isinstance(node.value, str)
    page, first = node.mark.page, node.mark.line
    line = page.lines[first] if first < len(page.lines) else ""
    indent = len(line) - len(line.lstrip(" "))
    inner = replace(page, lines=tuple(node.value.split("\n")))
    documents, problems = parse(inner, node.value)
    if problems:
        return []  # A script or a text of another kind: not understood, and no reason to stop.
    return [Document(_moved(each.root, first, indent, node.mark)) for each in documents]


def _moved(node: Node, lines: int, columns: int, outer: Mark) -> Node:
    mark = replace(outer, line=node.mark.line + lines, column=node.mark.column + columns, width=node.mark.width)
    value = node.value
    if isinstance(value, dict):
        return replace(node, mark=mark, value={key: _moved(each, lines, columns, outer) for key, each in value.items()})
    if isinstance(value, tuple):
        return replace(node, mark=mark, value=tuple(_moved(each, lines, columns, outer) for each in value))
    return replace(node, mark=mark)


def shown_names(names: list[str]) -> list[str]:
    """Each name once, in their order, safe to print."""
    return list(dict.fromkeys(safe(name, 120) for name in names))
