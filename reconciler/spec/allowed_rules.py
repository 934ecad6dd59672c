"""What the policy lets a fleet run and know: `images.allow` and `secrets.allow`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from itertools import chain
from typing import Any

from reconciler.core.images import admitted, pattern_flaw
from reconciler.spec import images
from reconciler.spec.container_rules import sources
from reconciler.spec.page import shown
from reconciler.spec.secrets import is_off_limits
from reconciler.spec.tree import Finding, Node
from reconciler.spec.tree_access import items, text

_IMAGE = ("container", "image")
_MOST_NAMED = 3


def allowed_rule(policy: Mapping[str, Any] | None) -> Callable[[Node], Iterable[Finding]]:
    """The rule for fleets under this policy, given as the bare values of a document without mistakes."""
    allowed_images, allowed_secrets = (_patterns(policy, section) for section in ("images", "secrets"))
    return lambda root: chain(_image(root, allowed_images), _secrets(root, allowed_secrets))


def _patterns(policy: Mapping[str, Any] | None, section: str) -> list[str] | None:
    found: list[str] | None = (policy or {}).get(section, {}).get("allow")
    return found


def _image(root: Node, patterns: list[str] | None) -> Iterator[Finding]:
    image = text(root, *_IMAGE)
    if patterns is None or not image or images.why_not(image) or admitted(image, patterns):
        return
    said = f"the policy's images.allow does not admit {shown(image)}"
    yield Finding(_IMAGE, "image-not-allowed", said, _named(patterns))


def _secrets(root: Node, patterns: list[str] | None) -> Iterator[Finding]:
    if patterns is None:
        return
    for route, name in sources(root):
        if not is_off_limits(name) and not any(fnmatchcase(name, pattern) for pattern in patterns):
            said = f"the policy's secrets.allow does not admit {shown(name)}"
            yield Finding(route, "secret-not-allowed", said, _named(patterns))


def _named(patterns: list[str]) -> str:
    """What is admitted, in short."""
    more = "" if len(patterns) <= _MOST_NAMED else f" and {len(patterns) - _MOST_NAMED} more"
    return f"admitted is {', '.join(patterns[:_MOST_NAMED])}{more}" if patterns else "admitted is nothing"


def _image_patterns(root: Node) -> Iterator[Finding]:
    for route, node in items(root, "images", "allow"):
        if isinstance(node.value, str) and (flaw := pattern_flaw(node.value)):
            yield Finding(route, "bad-image", f"{shown(node.value)} names no images: {flaw}")


def _secret_patterns(root: Node) -> Iterator[Finding]:
    for route, node in items(root, "secrets", "allow"):
        if isinstance(node.value, str) and is_off_limits(node.value):
            said = f"{shown(node.value)} must never reach a rented host; no policy can allow it"
            yield Finding(route, "forbidden-secret", said, "use a token made for this one purpose")


ALLOW_RULES = (_image_patterns, _secret_patterns)
"""For the policy itself."""
