"""Lines and fields to the text of a spec, and the text of a policy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import groupby

from reconciler.core.text import safe
from reconciler.spec.first.latency import HEAD, latency_lines
from reconciler.spec.first.lines import BLOCKS, LINES, Line, commented
from reconciler.spec.first.setting import Part
from reconciler.spec.first.settings import Parts, Settings
from reconciler.spec.tree import Node

_WIDE = 100
_NOT_TEXT_ELSEWHERE = ("no", "yes", "on", "off", "y", "n")
"""Words that other readers of YAML take for a truth value: Norway is `"NO"`."""


def spec_text(schema: str, settings: Settings | None = None) -> str:
    """A spec that explains itself. Fields that the settings say come from there, each with a word on it."""
    parts = settings.parts if settings else {}
    lines = [_line(line, parts, settings.file if settings else "") for line in LINES]
    body = [row for block, group in groupby(lines, lambda line: line.block) for row in _block(block, list(group))]
    latency = [part for route, several in parts.items() if route[0] == HEAD for part in several]
    return "\n".join([*_head(schema, settings), *body, *latency_lines(latency), ""])


def _head(schema: str, settings: Settings | None) -> Iterator[str]:
    yield f"# yaml-language-server: $schema={safe(schema, 4096)}"
    yield "# A fleet: GPU instances on Vast.ai that should exist. With the line above an editor explains each field."
    yield "# Lines behind a # are examples: take the # away and they count."
    if settings is not None:
        yield f"# Made from {settings.file}. No secret was copied; commands read VAST_API_KEY from the environment."
        yield from (f"# {safe(remark, 200)}" for remark in settings.remarks)
    yield "kind: Fleet"


def _line(line: Line, parts: Parts, file: str) -> Line:
    found = parts.get(line.route)
    if not found:
        return replace(line, source=f"not in {file}: chosen here") if file and line.must_be_chosen else line
    if line.name == "tiers":
        rows = [row for part in found for row in _tiers(part)]
        return replace(line, live=True, below=tuple(rows))
    nodes = [node for part in found for node in _nodes(part)]
    value = _value(nodes[0]) if not isinstance(found[0].node.value, tuple) else _list(nodes)
    source = "from " + " and ".join(part.origin + (f" ({part.note})" if part.note else "") for part in found)
    return replace(line, live=True, value=value, source=source)


def _nodes(part: Part) -> tuple[Node, ...]:
    return part.node.value if isinstance(part.node.value, tuple) else (part.node,)


def _tiers(part: Part) -> Iterator[str]:
    for tier in _nodes(part):
        name, places = tier.at(("name",)), tier.at(("in", 0))
        if name and places:
            yield f"- {{name: {_value(name)}, in: [{_value(places)}]}} # from {part.origin}"


def _list(nodes: Sequence[Node]) -> str:
    words, rows = [_value(node) for node in nodes], [""]
    for word in words:
        if len(rows[-1]) + len(word) > _WIDE:
            rows.append("")
        rows[-1] += f"{word}, "
    return "[" + "\n    ".join(row.rstrip() for row in rows).rstrip(",") + "]"


def _value(node: Node) -> str:
    value = node.value
    if isinstance(value, Decimal):
        return f"{value:f}"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    plain = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ._-]*", text) and text.lower() not in _NOT_TEXT_ELSEWHERE
    return text if plain or isinstance(value, bool) else f'"{text}"'


def _block(name: str, lines: list[Line]) -> list[str]:
    if not name:
        return [line.written() for line in lines]
    said = f" # {BLOCKS[name]}" if name in BLOCKS else ""
    live = any(line.live for line in lines)
    rows = [line.written() if live else replace(line, live=True).written() for line in lines]
    block = [f"{name}:{said}", *rows]
    return block if live else commented(block)


def policy_text(schema: str, owner: str) -> str:
    """A policy that names the owner and shows the limits one may want."""
    return f"""\
# yaml-language-server: $schema={safe(schema, 4096)}
# Rules over all fleets of this folder and below. Exactly one policy governs a run.
kind: Policy
owner: {owner} # stands on every instance's label: what another owner rented in this account is never touched
# limits: # over all fleets together
#   budget_per_hour: 2.00 # in $/h; nothing is rented beyond it
#   max_instances: 4 # the most that may exist
# protect: [first-fleet] # fleets whose instances are destroyed only with --max-destroys and the exact number
# blacklist: # shared by all fleets
#   machines: [12345] # never rented
# defaults: # laid under every fleet
#   host: {{require: [verified]}} # of verified, datacenter, static_ip
"""
