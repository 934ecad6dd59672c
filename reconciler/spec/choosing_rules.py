"""Rules about how offers are ranked: where the users are, the weights, and what would change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from decimal import Decimal

from reconciler.core.model import Weights
from reconciler.spec.durations import seconds
from reconciler.spec.page import shown
from reconciler.spec.tree import Finding, Node
from reconciler.spec.tree_access import entries, number, text

TIMEOUT_S = (Decimal("0.1"), Decimal(30))
"""The shortest and the longest measurement: below, no far machine can answer; above, a run would seem to hang."""
_USERS = ("latency", "users_at")
_WEIGHTS = tuple(field.name for field in fields(Weights))


def _users_at(root: Node) -> Iterator[Finding]:
    latitude, longitude = number(root, *_USERS, 0), number(root, *_USERS, 1)
    if latitude is None or longitude is None or abs(latitude) <= 90:
        return
    said = f"latency.users_at begins with the latitude, a number from -90 to 90, not {latitude}"
    hint = f"did you mean [{longitude}, {latitude}]?" if abs(longitude) <= 90 and abs(latitude) <= 180 else None
    yield Finding((*_USERS, 0), "out-of-range", said, hint)


def _timeout(root: Node) -> Iterator[Finding]:
    said = text(root, "latency", "timeout") or ""
    try:
        length = seconds(said)
    except ValueError:
        return
    if not TIMEOUT_S[0] <= length <= TIMEOUT_S[1]:
        yield Finding(("latency", "timeout"), "out-of-range", f"latency.timeout must be from 100ms to 30s, not {said}")


def _idle_limit(root: Node) -> Iterator[Finding]:
    sources = [node.value for name in ("probe", "trust_estimate") if (node := root.at(("latency", name)))]
    if number(root, "latency", "max_ms") is not None and not any(sources):
        said = "latency.max_ms refuses nothing: nothing is measured, and estimates are not trusted"
        hint = "add probe: true where this runs near the users, or trust_estimate: true"
        yield Finding(("latency", "max_ms"), "no-effect", said, hint, warning=True)


def _either(root: Node) -> Iterator[Finding]:
    if root.at(("scoring", "strategy")) and root.at(("scoring", "weights")):
        said = "scoring has a strategy and weights; a strategy is a set of weights"
        yield Finding(("scoring", "strategy"), "contradicting-values", said, "keep one of them", on_key=True)


def _whole(root: Node) -> Iterator[Finding]:
    """The sum of the weights, once each of them is right by itself."""
    route = ("scoring", "weights")
    node, total = root.at(route), Decimal(0)
    if node is None or not isinstance(node.value, dict):
        return
    for at, _ in entries(root, *route):
        weight = number(root, *at)
        if at[-1] not in _WEIGHTS or weight is None or not 0 <= weight <= 1:
            return
        total += weight
    if total != 1:
        said = f"scoring.weights sum to {total}, not to 1"
        yield Finding(route, "weights-not-one", said, _correction(total), on_key=True)


def _correction(total: Decimal) -> str:
    return f"take {total - 1} off" if total > 1 else f"add {1 - total}"


def _unknown_distance(root: Node) -> Iterator[Finding]:
    if root.at(("latency",)):
        return
    strategy, weight = text(root, "scoring", "strategy"), number(root, "scoring", "weights", "latency")
    hint = "add latency: {users_at: [LATITUDE, LONGITUDE]}"
    if strategy in ("latency-first", "low-latency"):
        said = f"without a latency block the distance is not known: {shown(strategy)} ranks by its other weights"
        yield Finding(("scoring", "strategy"), "no-effect", said, hint, warning=True)
    if weight:
        said = f"without a latency block the distance is not known: its weight {weight} goes to the others"
        yield Finding(("scoring", "weights", "latency"), "no-effect", said, hint, warning=True)


CHOOSING_RULES = (_users_at, _timeout, _idle_limit, _either, _whole, _unknown_distance)
