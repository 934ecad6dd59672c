"""The block `replace` of a spec: in words of the house, and every way to contradict oneself in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from reconciler.core.model import HostRules
from reconciler.core.renewal import Cheaper, ReplaceRules, unwritten_before_expiry_s
from reconciler.spec.durations import seconds
from reconciler.spec.tree import Finding, Node, Route, dotted
from reconciler.spec.tree_access import number, text

_DAY_S = 86_400
_EXPIRY = ("replace", "before_expiry")
_AGE = ("replace", "cheaper", "min_age")
_FOR = ("replace", "cheaper", "candidate", "for")
_BOUNDS: dict[Route, tuple[int, int, str]] = {
    _EXPIRY: (0, 30 * _DAY_S, "0s to 30d"),
    _AGE: (3600, 365 * _DAY_S, "1h to 365d"),
    _FOR: (600, _DAY_S, "10m to 24h"),
}


def build_replace(fields: Mapping[str, Any], host: HostRules) -> ReplaceRules:
    """The rules of a document without mistakes."""
    written = fields.get("before_expiry")
    before_s = unwritten_before_expiry_s(host.min_days_left) if written is None else float(seconds(written))
    return ReplaceRules(before_s, _cheaper(fields["cheaper"]) if "cheaper" in fields else None)


def _cheaper(fields: Mapping[str, Any]) -> Cheaper:
    candidate = fields.get("candidate", {})
    said = {name: fields[name] for name in ("max_per_day", "approve") if name in fields}
    said |= {name: Decimal(fields[name]) for name in ("saves_per_month", "saves_percent") if name in fields}
    said |= {"min_age_s": float(seconds(fields["min_age"]))} if "min_age" in fields else {}
    said |= {"candidate_for_s": float(seconds(candidate["for"]))} if "for" in candidate else {}
    said |= {"candidate_cost": Decimal(candidate["cost"])} if "cost" in candidate else {}
    return Cheaper(**said)


def _spans(root: Node) -> Iterator[Finding]:
    for route, (least, most, bounds) in _BOUNDS.items():
        length = _seconds(root, route)
        if length is not None and not least <= length <= most:
            said = f"{dotted(route)} must be from {bounds}, not {text(root, *route)}"
            yield Finding(route, "out-of-range", said)


def _outlasted(root: Node) -> Iterator[Finding]:
    """What is rented must outlast the span in which it would be replaced again."""
    before, days = _seconds(root, _EXPIRY), number(root, "host", "min_days_left")
    days = HostRules().min_days_left if days is None else days
    if before and before >= days * _DAY_S:
        span = text(root, *_EXPIRY)
        said = f"replace.before_expiry is {span}, but a contract may have {days} days left when it is rented"
        hint = "let host.min_days_left be more than before_expiry, else what is rented is replaced at once"
        yield Finding(_EXPIRY, "contradicting-values", said, hint)


def _seconds(root: Node, route: Route) -> Decimal | None:
    try:
        return seconds(text(root, *route) or "")
    except ValueError:
        return None


RENEWAL_RULES = (_spans, _outlasted)
