"""Rules about the settle time: no policy may make doubt so short that a rent is paid for twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from reconciler.core.settle import LEAST_APART_S, LEAST_EVIDENCE_S, LEAST_TOTAL_S, Settle
from reconciler.spec.durations import seconds
from reconciler.spec.tree import Finding, Node
from reconciler.spec.tree_access import text

MOST_S = 86_400
LEAST_S = {"total": LEAST_TOTAL_S, "evidence_after": LEAST_EVIDENCE_S, "apart": LEAST_APART_S}


def settle_times(root: Node) -> Iterator[Finding]:
    """Each span within its bounds, and no verdict before there can be two lists."""
    spans = {name: _span(root, name) for name in LEAST_S}
    for name, least in LEAST_S.items():
        length = spans[name]
        if length is not None and not least <= length <= MOST_S:
            said = f"settle.{name} must be from {least:.0f}s to 1d, not {text(root, 'settle', name)}"
            hint = "what is shorter may rent a seat twice" if length < least else None
            yield Finding(("settle", name), "out-of-range", said, hint)
    yield from _two_lists_in_time(root, spans)


def _two_lists_in_time(root: Node, spans: Mapping[str, Decimal | None]) -> Iterator[Finding]:
    ours = Settle()
    defaults = {"total": ours.total_s, "evidence_after": ours.evidence_after_s, "apart": ours.apart_s}
    length = {name: Decimal(defaults[name]) if said is None else said for name, said in spans.items()}
    least = length["evidence_after"] + length["apart"]
    if root.at(("settle",)) and length["total"] < least:
        said = f"settle.total is {length['total']:.0f}s, less than evidence_after and apart together, {least:.0f}s"
        yield Finding(("settle",), "contradicting-values", said)


def _span(root: Node, name: str) -> Decimal | None:
    try:
        return seconds(text(root, "settle", name) or "")
    except ValueError:
        return None
