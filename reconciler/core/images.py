"""Image references taken apart, and the patterns of `images.allow` that admit them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from reconciler.values import dataclass

MAX_LENGTH = 1024
HUB = "docker.io"
"""Where an image without a registry comes from, and under which name the patterns know it."""

_HUB_NAMES = frozenset([HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"])
_PARTS = (
    r"(?P<name>[A-Za-z0-9*._-]+(?::[0-9]{1,5}(?=/))?(?:/[A-Za-z0-9*._-]+)*)"
    r"(?::(?P<tag>[A-Za-z0-9*_.-]+|@vastai-automatic-tag))?(?:@(?P<digest>sha256:(?:[0-9a-f]{64}|\*)))?"
)


@dataclass(frozen=True, slots=True)
class Reference:
    """An image or a pattern of images, in full: `acme/x:1` is `docker.io`, `acme/x`, `1`."""

    registry: str
    repository: str
    tag: str | None
    digest: str | None


def reference(text: str) -> Reference | None:
    """The parts of an image or of a pattern; None where `text` is neither."""
    found = re.fullmatch(_PARTS, text) if len(text) <= MAX_LENGTH else None
    if found is None:
        return None
    first, slash, rest = found["name"].partition("/")
    # As container runtimes read it: a first part that looks like a host is the registry, anything else is the Hub's.
    if slash and (set(first) & set(".:") or first == "localhost" or first != first.lower()):
        registry, repository = first.lower(), rest
    else:
        registry, repository = HUB, found["name"]
    registry = HUB if registry in _HUB_NAMES else registry
    if registry == HUB and "/" not in repository and repository != "**":
        repository = f"library/{repository}"
    return Reference(registry, repository, found["tag"], found["digest"])


def pattern_flaw(pattern: str) -> str | None:
    """Why `pattern` can admit nothing, or too much; None where it is sound."""
    found = reference(pattern)
    if found is None:
        return "wanted is registry/repository, with :tag or @sha256:digest after it where they matter"
    if "*" in found.registry.removeprefix("*."):
        return "a registry is written out, or begins with `*.` for its subdomains"
    if found.repository.count("**") > found.repository.split("/").count("**") or found.repository.count("**") > 1:
        return "`**` stands alone between slashes, and once"
    return None


def admitted(image: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns admits `image`. What cannot be read as an image is never admitted."""
    wanted = reference(image)
    if wanted is None or "*" in image:
        return False
    return any(_admits(found, wanted) for each in patterns if (found := reference(each)) and not pattern_flaw(each))


def _admits(pattern: Reference, image: Reference) -> bool:
    """`*` stands for anything within a part of a name, `**` for one part or more."""
    # (`fnmatchcase` is quick over any pattern; `?` and `[` cannot stand in one.)
    if not fnmatchcase(image.registry, pattern.registry) or not _is_version(pattern, image):
        return False
    parts, wanted = image.repository.split("/"), pattern.repository.split("/")
    if "**" not in wanted:
        return _all_fit(parts, wanted)
    at = wanted.index("**")
    after = len(wanted) - at - 1
    end = len(parts) - after
    return end > at and _all_fit(parts[:at], wanted[:at]) and _all_fit(parts[end:], wanted[at + 1 :])


def _all_fit(parts: Sequence[str], wanted: Sequence[str]) -> bool:
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))


def _is_version(pattern: Reference, image: Reference) -> bool:
    # A runtime that is given a digest passes over the tag, so a tag says nothing of an image that has a digest.
    if pattern.digest is None and pattern.tag is not None and image.digest is not None:
        return False
    right_tag = pattern.tag is None or (image.tag is not None and fnmatchcase(image.tag, pattern.tag))
    return right_tag and (pattern.digest is None or fnmatchcase(image.digest or "", pattern.digest))
