"""Whether a text can name a container image, and whether it names always the same one."""

from __future__ import annotations

import re

_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*(?::[0-9]{1,5})?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|@vastai-automatic-tag))?(?P<digest>@sha256:[0-9a-f]{64})?"
)
_MOVING = frozenset(["latest", "main", "master", "nightly", "dev", "edge", "@vastai-automatic-tag"])
MAX_LENGTH = 1024


def why_not(image: str) -> str | None:
    """Why `image` is not an image reference; None where it is one."""
    # The length is asked first: the pattern must not be tried on a text of any size.
    if len(image) > MAX_LENGTH:
        return f"it has {len(image)} characters; at most {MAX_LENGTH} are possible"
    if _REFERENCE.fullmatch(image):
        return None
    if "{{" in image or "$" in image:
        return "placeholders are not expanded in specs"
    if "://" in image:
        return "it is an address; write registry/name:tag"
    if re.match(r"[^/]*:[^/]*@[^/]*/", image):
        return "it holds a user and a password; use registry_login"
    if re.search(r"\s", image):
        return "it holds blanks"
    return "repository names are lower-case" if _REFERENCE.fullmatch(image.lower()) else "wanted is registry/name:tag"


def parts(image: str) -> tuple[str | None, bool]:
    """The tag of a valid reference, and whether it has a digest."""
    found = _REFERENCE.fullmatch(image)
    return (found["tag"], bool(found["digest"])) if found else (None, False)


def is_moving(tag: str) -> bool:
    """True for tags that mean another image tomorrow."""
    return tag in _MOVING
