"""Rules about rollouts."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.spec.durations import seconds
from reconciler.spec.tree import Finding, Node
from reconciler.spec.tree_access import text

LONGEST_S = 86_400


def canary(root: Node) -> Iterator[Finding]:
    """A wait that ends: an instance that is watched for more than a day holds up all others."""
    said = text(root, "rollout", "canary") or ""
    try:
        length = seconds(said)
    except ValueError:
        return
    if length > LONGEST_S:
        yield Finding(("rollout", "canary"), "out-of-range", f"rollout.canary must be at most 1d, not {said}")
