"""YAML events to trees. Nothing is ever composed by the YAML library: budgets are kept while events come.

Only JSON's values exist: no anchors, aliases, merge keys or tags, and keys are text. That leaves no way to write a
document that is small to read and huge to hold, or that means something else to another reader.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from reconciler.diagnostics import Diagnostic
from reconciler.spec.page import Mark, Page, diagnose, shown
from reconciler.spec.scalars import MAX_DIGITS, TooLong, resolve
from reconciler.spec.syntax import explain_syntax
from reconciler.spec.text import Refused, forbidden, named
from reconciler.spec.tree import MAX_FINDINGS, Node, Scalar

MAX_DEPTH = 32
MAX_NODES = 100_000

FAST_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser of libyaml where PyYAML was built with it."""


@dataclass(slots=True)
class Document:
    """One document of a file. `sound` is False where a value could not be understood at all."""

    root: Node
    sound: bool = True


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet."""

    mark: Mark
    is_mapping: bool
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Mark] = field(default_factory=dict)
    key: str | None = None
    """The key whose value comes next."""
    skip: bool = False
    """True where the next value belongs to a key that was refused."""

    @property
    def awaits_key(self) -> bool:
        return self.is_mapping and self.key is None and not self.skip

    def close(self) -> Node:
        return Node(self.entries if self.is_mapping else tuple(self.items), self.mark, self.keys)

    def take(self, node: Node) -> None:
        if not self.is_mapping:
            self.items.append(node)
        elif not self.skip and self.key is not None:
            self.entries[self.key] = node
        self.key, self.skip = None, False


class _Builder:
    """Takes the events of one file and keeps what it understood and what it refused."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.documents: list[Document] = []
        self.problems: list[Diagnostic] = []
        self._open: list[_Open] = []
        self._nodes = 0
        self._sound = True

    def take(self, event: yaml.Event) -> None:
        match event:
            case yaml.DocumentStartEvent():
                self._sound = True
                if event.tags:
                    self._complain(self._mark(event), "yaml-tag", "YAML tags are not part of a spec", fatal=True)
            case yaml.AliasEvent():
                said = f"aliases such as *{event.anchor} are not part of a spec"
                self._complain(self._mark(event), "yaml-anchor", said, "write the value out")
                self._value(event, None)
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._begin(event)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._keep(self._open.pop().close())

    def _mark(self, event: Any) -> Mark:
        start, end = event.start_mark, event.end_mark
        is_scalar = isinstance(event, yaml.ScalarEvent | yaml.AliasEvent)
        width = end.column - start.column if is_scalar and end.line == start.line else 1
        return Mark(self.page, start.line + 1, start.column + 1, max(1, width))

    def _complain(self, mark: Mark, code: str, said: str, hint: str | None = None, *, fatal: bool = True) -> None:
        problem = diagnose(mark, code, said, hint)
        if len(self.problems) >= MAX_FINDINGS:
            raise Refused(problem)
        self.problems.append(problem)
        self._sound = self._sound and not fatal

    def _count(self, event: yaml.Event) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            said = f"more than {MAX_NODES} values in one file"
            raise Refused(diagnose(self._mark(event), "too-many-values", said, "split the file"))

    def _check_extras(self, event: Any) -> None:
        if event.anchor:
            said = f"anchors such as &{event.anchor} are not part of a spec"
            self._complain(self._mark(event), "yaml-anchor", said, "write the value out where it is used")
        if event.tag:
            said = f"the tag {shown(event.tag)} is not part of a spec"
            self._complain(self._mark(event), "yaml-tag", said, "remove it; quotes make a value text")

    def _begin(self, event: Any) -> None:
        self._count(event)
        self._check_extras(event)
        mark = self._mark(event)
        if self._open and self._open[-1].awaits_key:
            self._refuse_complex_key(mark)
        if len(self._open) >= MAX_DEPTH:
            raise Refused(diagnose(mark, "too-deep", f"values are nested deeper than {MAX_DEPTH} levels"))
        self._open.append(_Open(mark, isinstance(event, yaml.MappingStartEvent)))

    def _refuse_complex_key(self, mark: Mark) -> None:
        line = self.page.lines[mark.line - 1]
        if "{{" in line[max(0, mark.column - 2) :]:
            said = "this is a template's placeholder; templates are not expanded in specs"
            raise Refused(diagnose(mark, "template-braces", said, "render the template first"))
        raise Refused(diagnose(mark, "key-not-text", "a key must be a plain word, not a list or a mapping"))

    def _scalar(self, event: Any) -> None:
        self._count(event)
        self._check_extras(event)
        if char := forbidden(event.value, allowed="\n\t"):
            said = f"the invisible character {named(char)} may not stand in a spec"
            self._complain(self._mark(event), "forbidden-character", said, "remove it")
        if self._open and self._open[-1].awaits_key:
            self._key(event)
        else:
            self._value(event, self._resolve(event))

    def _resolve(self, event: Any) -> Scalar:
        if event.style not in (None, ""):
            return str(unicodedata.normalize("NFC", event.value))
        try:
            value = resolve(event.value)
        except TooLong:
            said = f"{shown(event.value)} does not fit in the {MAX_DIGITS} digits a number may have"
            self._complain(self._mark(event), "number-too-long", said, "quote it if it is text")
            return None
        return unicodedata.normalize("NFC", value) if isinstance(value, str) else value

    def _value(self, event: Any, value: Scalar) -> None:
        if self._open and self._open[-1].awaits_key:
            said = "a key must be a plain word"
            raise Refused(diagnose(self._mark(event), "key-not-text", said))
        is_plain = getattr(event, "style", "'") in (None, "")
        self._keep(Node(value, self._mark(event), plain=is_plain))

    def _key(self, event: Any) -> None:
        mapping, mark, key = self._open[-1], self._mark(event), self._resolve(event)
        problem = self._key_problem(mapping, key, event)
        if problem is None and isinstance(key, str):
            mapping.key = key
            mapping.keys[key] = mark
        else:
            mapping.skip = True
            code, said, hint = problem or ("key-not-text", "a key must be a plain word", None)
            self._complain(mark, code, said, hint, fatal=code == "yaml-merge-key")

    def _key_problem(self, mapping: _Open, key: Scalar, event: Any) -> tuple[str, str, str | None] | None:
        if not isinstance(key, str):
            return "key-not-text", f"a key must be text, not {shown(key)}", "put the key in quotes"
        if key == "<<" and event.style in (None, ""):
            return "yaml-merge-key", "merge keys are not part of a spec", "write the fields out"
        if not key.isascii():
            odd = next(char for char in key if not char.isascii())
            said = f"the key {shown(key)} contains a non-ASCII letter, {named(odd)}"
            return "non-ascii-key", said, "type the key anew on a plain keyboard"
        if key in mapping.keys:
            first = mapping.keys[key].line
            return "duplicate-key", f"{shown(key)} is written twice, first on line {first}", "remove one of them"
        return None

    def _keep(self, node: Node) -> None:
        if self._open:
            self._open[-1].take(node)
        else:
            self.documents.append(Document(node, self._sound))


def parse(page: Page, text: str, loader: Any = None) -> tuple[list[Document], list[Diagnostic]]:
    """Every document of a file and every problem with its form; after a fatal one, no document."""
    builder = _Builder(page)
    try:
        for event in _events(text, loader or FAST_LOADER):
            builder.take(event)
    except Refused as refused:
        return [], [*builder.problems, refused.diagnostic]
    except yaml.YAMLError as error:
        return [], [*builder.problems, explain_syntax(page, text, error)]
    except (ValueError, RecursionError, MemoryError, IndexError, OverflowError) as error:
        said = f"this cannot be read as YAML ({type(error).__name__})"
        return [], [*builder.problems, diagnose(Mark(page), "yaml-syntax", said)]
    return builder.documents, builder.problems


def _events(text: str, loader: Any) -> Iterator[yaml.Event]:
    return iter(yaml.parse(text, Loader=loader))
