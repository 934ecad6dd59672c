"""What the schema cannot say: values that contradict each other, and names that the world does not know.

Every rule takes the whole tree and bears values of any type: what the schema refused is not judged twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal
from itertools import islice

from reconciler.core import gpus
from reconciler.spec.allowed_rules import ALLOW_RULES
from reconciler.spec.choosing_rules import CHOOSING_RULES
from reconciler.spec.container_rules import CONTAINER_RULES
from reconciler.spec.notify_rules import webhooks
from reconciler.spec.page import shown
from reconciler.spec.readiness_rules import READINESS_RULES, strike_times
from reconciler.spec.region_rules import REGION_RULES
from reconciler.spec.renewal import RENEWAL_RULES
from reconciler.spec.rental_rules import RENTAL_RULES
from reconciler.spec.rollout_rules import canary
from reconciler.spec.settle_rules import settle_times
from reconciler.spec.text import named
from reconciler.spec.timing_rules import TIMING_RULES, most_wanted
from reconciler.spec.tree import MAX_FINDINGS, Finding, Node, Route, dotted
from reconciler.spec.tree_access import items, number


def check_fleet(root: Node, *more: Callable[[Node], Iterable[Finding]]) -> list[Finding]:
    """Every finding about one fleet beyond the schema, by the rules of the house and `more`."""
    mine = (canary, *REGION_RULES, *CHOOSING_RULES, *RENTAL_RULES, *CONTAINER_RULES, *READINESS_RULES, *_TIME)
    return _all(root, (*_BOTH, *_FLEET, *mine, *more))


def check_policy(root: Node) -> list[Finding]:
    """Every finding about a policy beyond the schema; its defaults are judged where they meet a fleet."""
    return _all(root, (*_BOTH, _runway, settle_times, strike_times, webhooks, *ALLOW_RULES))


def _all(root: Node, rules: Iterable[Callable[[Node], Iterable[Finding]]]) -> list[Finding]:
    return [finding for rule in rules for finding in islice(rule(root), MAX_FINDINGS)]


def _one_line(root: Node) -> Iterator[Finding]:
    for route, node in root.walk():
        odd = next((char for char in node.value if char in "\n\t"), None) if isinstance(node.value, str) else None
        if odd and route[-1:] != ("onstart",):
            said = f"{dotted(route)} holds a {named(odd)}; only onstart may have several lines"
            yield Finding(route, "forbidden-character", said)


def _dates(root: Node) -> Iterator[Finding]:
    for route, node in root.walk():
        if route[-1:] == ("until",) and "blacklist" in route and isinstance(node.value, str):
            try:
                date.fromisoformat(node.value)
            except ValueError:
                yield Finding(route, "bad-date", f"{shown(node.value)} is not a day of the calendar")


def _banned_twice(root: Node) -> Iterator[Finding]:
    for kind in ("hosts", "machines"):
        seen: set[object] = set()
        for route, node in items(root, "blacklist", kind):
            entry = node.child("id") or node
            if isinstance(entry.value, int) and entry.value in seen:
                yield Finding(
                    route, "repeated-value", f"{entry.value} is named twice", "remove one of them", warning=True
                )
            seen.add(entry.value if isinstance(entry.value, int) else None)


def _ready(root: Node) -> Iterator[Finding]:
    has, wanted = most_wanted(root), number(root, "min_ready")
    if wanted is not None and has is not None and wanted > has:
        also = " and the most of its windows" if root.at(("schedule",)) else ""
        yield Finding(
            ("min_ready",), "contradicting-values", f"min_ready is {wanted}, more than replicas{also}, which is {has}"
        )


def _budget(root: Node) -> Iterator[Finding]:
    cap, budget = number(root, "price", "max_per_hour"), number(root, "price", "budget_per_hour")
    if cap is not None and budget is not None and budget < cap:
        said = f"price.budget_per_hour {budget} is below price.max_per_hour {cap}; the lower one holds"
        yield Finding(("price", "budget_per_hour"), "budget-below-cap", said, warning=True)


def _models(root: Node) -> Iterator[Finding]:
    seen: dict[str, Route] = {}
    for route, node in items(root, "gpu", "models"):
        if not isinstance(node.value, str):
            continue
        name = gpus.normalise(node.value)
        if name in seen:
            yield Finding(route, "repeated-value", f"{shown(node.value)} is named twice", "remove one of them")
        elif name not in gpus.KNOWN:
            yield _unknown_gpu(route, node.value)
        seen[name] = route


def _unknown_gpu(route: Route, name: str) -> Finding:
    meant = gpus.suggest(name)
    hint = f"did you mean {meant}?" if meant else None
    if gpus.is_misspelt(name):
        return Finding(route, "unknown-gpu", f"there is no GPU {shown(name)}", hint)
    return Finding(route, "unlisted-gpu", f"{shown(name)} is not among the GPUs we have seen", hint, warning=True)


def _runway(root: Node) -> Iterator[Finding]:
    route = ("limits", "min_runway_hours")
    warn, refuse = (number(root, *route, name) for name in ("warn", "refuse"))
    warn, refuse = (Decimal(24) if warn is None else warn), (Decimal(2) if refuse is None else refuse)
    if refuse > warn and root.at(route):
        yield Finding(
            route, "contradicting-values", f"{dotted(route)}: refuse is {refuse}, above warn, which is {warn}"
        )


_BOTH = (_one_line, _dates, _banned_twice)
_FLEET = (_ready, _budget, _models)
_TIME = (*TIMING_RULES, *RENEWAL_RULES)
