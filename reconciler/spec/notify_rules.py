"""Rules about who is told: each address once, and never the account's key or another credential as an address."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.spec.page import shown
from reconciler.spec.secrets import is_off_limits
from reconciler.spec.tree import Finding, Node
from reconciler.spec.tree_access import items, text


def webhooks(root: Node) -> Iterator[Finding]:
    """Each webhook has a variable of its own, which is made for that purpose."""
    seen: set[str] = set()
    for route, _ in items(root, "notify"):
        name, here = text(root, *route, "url", "from_env"), (*route, "url", "from_env")
        if name is None:
            continue
        if is_off_limits(name):
            said = f"{shown(name)} is a credential, not the address of a webhook"
            yield Finding(here, "forbidden-secret", said, "use a variable that holds the address")
        if name in seen:
            said = f"the webhook {shown(name)} is named twice"
            yield Finding(here, "repeated-value", said, "write one entry with all of its kinds in `on`")
        seen.add(name)
