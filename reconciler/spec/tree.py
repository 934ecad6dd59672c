"""A document as a tree in which every key and every value knows its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from decimal import Decimal
from typing import TypeAlias

from reconciler.spec.page import Mark
from reconciler.values import dataclass

Route: TypeAlias = tuple[str | int, ...]
"""The way to a value: keys and list positions from the top of the document."""

Scalar: TypeAlias = bool | int | Decimal | str | None


@dataclass(frozen=True, slots=True)
class Node:
    """A value: a scalar, a list or a mapping of nodes."""

    value: Scalar | tuple[Node, ...] | dict[str, Node]
    mark: Mark
    keys: Mapping[str, Mark] = field(default_factory=dict)
    """Where each key of a mapping stands."""
    plain: bool = False
    """True for a scalar written without quotes."""

    def child(self, step: str | int) -> Node | None:
        """The value one step down, if there is one."""
        if isinstance(self.value, dict):
            return self.value.get(step) if isinstance(step, str) else None
        if isinstance(self.value, tuple) and isinstance(step, int) and step < len(self.value):
            return self.value[step]
        return None

    def at(self, route: Route) -> Node | None:
        """The value at the end of `route`, if there is one."""
        node: Node | None = self
        for step in route:
            node = node.child(step) if node else None
        return node

    def nearest(self, route: Route) -> Mark:
        """The mark of the last key on `route` that is written here; the beginning where none is."""
        node, mark = self, self.mark
        for step in route:
            below = node.child(step)
            if below is None:
                break
            mark = node.keys.get(step, below.mark) if isinstance(step, str) else below.mark
            node = below
        return mark

    def walk(self, route: Route = ()) -> Iterator[tuple[Route, Node]]:
        """This node and all below it, each with its route."""
        yield route, self
        if isinstance(self.value, dict):
            for key, node in self.value.items():
                yield from node.walk((*route, key))
        elif isinstance(self.value, tuple):
            for index, node in enumerate(self.value):
                yield from node.walk((*route, index))


def plain(node: Node) -> object:
    """The bare value: dicts, lists and scalars."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, tuple):
        return [plain(child) for child in node.value]
    return node.value


def laid_over(below: Node, above: Node) -> Node:
    """`above` with what it does not say taken from `below`: mappings merge, everything else of `above` wins."""
    if not isinstance(below.value, dict) or not isinstance(above.value, dict):
        return above
    merged = dict(below.value)
    for key, node in above.value.items():
        merged[key] = laid_over(merged[key], node) if key in merged else node
    return replace(above, value=merged, keys={**below.keys, **above.keys})


def put(root: Node, route: Route, node: Node) -> Node:
    """`root` with `node` in place of what stands at the end of `route`."""
    if not route:
        return node
    key, below = route[0], root.child(route[0])
    if below is None or not isinstance(root.value, dict) or not isinstance(key, str):
        return root
    return replace(root, value={**root.value, key: put(below, route[1:], node)})


MAX_FINDINGS = 100
"""So many findings of one rule in one document are enough to say; a file full of mistakes must not cost minutes."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to say about a route; whoever decides it knows nothing of lines."""

    route: Route
    code: str
    message: str
    suggestion: str | None = None
    on_key: bool = False
    """True where the key is what is wrong, not its value."""
    warning: bool = False
    meant: Route | None = None
    """For an unknown field: the field that was probably meant."""
    span: tuple[int, int] | None = None
    """For a piece of a text: where it begins in it, counted from 0, and how wide it is."""


def dotted(route: Route) -> str:
    """A route as people write it: `regions.tiers[0].in`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in route)
    return text.removeprefix(".")
