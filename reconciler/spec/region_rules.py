"""Rules about regions: places that the world does not know, contradictions, and orders that order nothing."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from reconciler.core import places
from reconciler.spec.page import shown
from reconciler.spec.tree import Finding, Node, Route
from reconciler.spec.tree_access import items, number, text


def _lists(root: Node) -> Iterator[list[tuple[Route, Node]]]:
    """Every list of places, entry by entry."""
    for route, tier in items(root, "regions", "tiers"):
        yield [((*route, *index), node) for index, node in items(tier, "in")]
    yield items(root, "regions", "blocked")


def _tiers(root: Node) -> Iterator[tuple[Route, Node]]:
    for route, tier in items(root, "regions", "tiers"):
        for index, node in items(tier, "in"):
            yield (*route, *index), node


def _known_places(root: Node) -> Iterator[Finding]:
    for route, node in (*_tiers(root), *items(root, "regions", "blocked")):
        if isinstance(node.value, str) and node.value and not places.is_known(node.value):
            meant = places.suggest(node.value)
            hint = f"did you mean {meant}?" if meant else "write US-CA, CA-ON, SE or Europe"
            yield Finding(route, "unknown-place", f"there is no place {shown(node.value)}", hint)


def _countries_like_states(root: Node) -> Iterator[Finding]:
    """`CA` among US states is Canada, and was hardly meant."""
    for entries in _lists(root):
        texts = {node.value for _, node in entries if isinstance(node.value, str)}
        for route, node in entries:
            code = node.value if isinstance(node.value, str) else ""
            state, others = places.state_of_same_code(code), texts - {code}
            if state and others and all(other.startswith("US-") for other in others):
                said = f"{code} is {'Canada' if code == 'CA' else 'a country'}; {state} is US-{code}"
                hint = f"write US-{code}, or a tier of its own for {code}"
                yield Finding(route, "country-like-a-state", said, hint, warning=True)


def _blocked_tiers(root: Node) -> Iterator[Finding]:
    texts = (node.value for _, node in items(root, "regions", "blocked") if isinstance(node.value, str))
    blocked = [token for token in dict.fromkeys(texts) if places.is_known(token)]
    for route, node in _tiers(root):
        if not isinstance(node.value, str) or not places.is_known(node.value):
            continue
        over = next((token for token in blocked if places.covers(token, node.value)), None)
        if over:
            said = f"{shown(node.value)} stands in a tier, but regions.blocked holds {shown(over)}"
            yield Finding(route, "contradicting-values", said, "remove one of them")


def _tier_names(root: Node) -> Iterator[Finding]:
    seen: set[str] = set()
    for route, _ in items(root, "regions", "tiers"):
        name = text(root, *route, "name")
        if name is not None and name in seen:
            yield Finding(
                (*route, "name"), "repeated-value", f"two tiers are named {shown(name)}", "rename one of them"
            )
        seen.add(name or "")


def _equal_tiers(root: Node) -> Iterator[Finding]:
    order = root.at(("regions", "strict_order"))
    if order and order.value is True:
        return
    first: dict[Decimal, str] = {}
    for route, tier in items(root, "regions", "tiers"):
        bonus = number(tier, "bonus") if tier.child("bonus") else Decimal(0)
        name = text(tier, "name")
        if bonus is None or name is None:
            continue
        if bonus in first:
            said = f"the order of the tiers {first[bonus]} and {name} has no effect: both have the bonus {bonus}"
            hint = "give the better one a higher bonus, put them into one tier, or add strict_order: true"
            yield Finding(route, "no-effect", said, hint, warning=True)
        first.setdefault(bonus, name)


def _elsewhere(root: Node) -> Iterator[Finding]:
    route = ("regions", "elsewhere")
    if items(root, "regions", "tiers"):
        return
    if text(root, *route) == "refuse":
        said = "regions.elsewhere is refuse, but there are no tiers: no offer would ever fit"
        yield Finding(route, "contradicting-values", said, "add tiers, or leave it out")
    elif number(root, *route, "penalty"):
        said = "without tiers every offer is elsewhere, and the penalty strikes all alike"
        yield Finding((*route, "penalty"), "no-effect", said, "add tiers, or leave it out", warning=True)


REGION_RULES = (
    _known_places,
    _countries_like_states,
    _blocked_tiers,
    _tier_names,
    _equal_tiers,
    _elsewhere,
)
