"""Reading a tree whose types are not certain yet."""

from __future__ import annotations

from decimal import Decimal

from reconciler.spec.tree import Node, Route


def items(root: Node, *route: str | int) -> list[tuple[Route, Node]]:
    """The entries of the list at `route`, each with its own route; none where there is no list."""
    node = root.at(route)
    entries = node.value if node else None
    return [((*route, index), each) for index, each in enumerate(entries)] if isinstance(entries, tuple) else []


def entries(root: Node, *route: str | int) -> list[tuple[Route, Node]]:
    """The entries of the mapping at `route`, each with its own route; none where there is no mapping."""
    node = root.at(route)
    found = node.value if node else None
    return [((*route, key), each) for key, each in found.items()] if isinstance(found, dict) else []


def text(root: Node, *route: str | int) -> str | None:
    """The text at `route`, if there is text."""
    node = root.at(route)
    return node.value if node and isinstance(node.value, str) else None


def number(root: Node, *route: str | int) -> Decimal | None:
    """The number at `route`, if there is one."""
    node = root.at(route)
    if node is None or isinstance(node.value, bool) or not isinstance(node.value, int | Decimal):
        return None
    return Decimal(node.value)
