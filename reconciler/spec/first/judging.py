"""A written spec judged as any other, but each value at the place where it came from."""

from __future__ import annotations

from pathlib import Path

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.spec.events import parse
from reconciler.spec.first.latency import HEAD
from reconciler.spec.first.settings import Settings
from reconciler.spec.page import Mark, Page, diagnose
from reconciler.spec.rules import check_fleet
from reconciler.spec.schema import check
from reconciler.spec.tree import Finding, Node, put


def judge(text: str, settings: Settings) -> list[Diagnostic]:
    """Every finding about the spec in `text`, located in the file of settings it was made from."""
    page = Page(settings.file, Path(settings.file), tuple(text.split("\n")))
    documents, problems = parse(page, text)
    if problems:
        return problems
    root = documents[0].root
    for route, parts in settings.parts.items():
        if route[0] != HEAD:
            nodes = tuple(node for part in parts for node in _nodes(part.node))
            root = put(root, route, Node(nodes, parts[0].node.mark) if _is_list(parts[0].node) else parts[0].node)
    return [_located(each, root, page) for each in (*check("fleet", root), *check_fleet(root))]


def _located(finding: Finding, root: Node, written: Page) -> Diagnostic:
    """Where the value came from; what the settings do not say has no line in their file."""
    node = root.at(finding.route)
    mark = node.mark if node else root.nearest(finding.route)
    mark = Mark(written) if mark.page is written else mark
    severity: Severity = "warning" if finding.warning else "error"
    return diagnose(mark, finding.code, finding.message, finding.suggestion, severity)


def _is_list(node: Node) -> bool:
    return isinstance(node.value, tuple)


def _nodes(node: Node) -> tuple[Node, ...]:
    return node.value if isinstance(node.value, tuple) else (node,)
