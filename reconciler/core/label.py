"""The mark every instance of ours carries: `rc1/<owner>/<fleet>/<index>/<spec-hash>/<attempt>/<check>`.

It is written once, in the rent, and read back by exact grammar: no prefix matching, no trimming. Twenty bits over
the rest detect truncation and hand edits; they are no authentication.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache

from reconciler.values import dataclass

ATTEMPT_BITS = 40
_PART = "[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_GRAMMAR = re.compile(
    rf"rc1/(?P<owner>{_PART})/(?P<fleet>{_PART})/(?P<adopted>a?)(?P<index>0|[1-9][0-9]{{0,3}})"
    r"/(?P<spec_hash>[a-z2-7]{8})/(?P<attempt>[a-z2-7]{8})/(?P<check>[a-z2-7]{4})",
    re.ASCII,
)
_ANY_VERSION = re.compile(rf"rc[0-9]+/(?P<owner>{_PART})/(?P<fleet>{_PART})/.+", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Seat:
    """One replica's place in its fleet."""

    fleet: str
    index: int

    def __str__(self) -> str:
        return f"{self.fleet}/{self.index}"


@dataclass(frozen=True, slots=True)
class Mark:
    """What a label of ours says."""

    owner: str
    seat: Seat
    spec_hash: str
    attempt: str
    """Forty random bits, unique for each attempt to rent."""
    adopted: bool = False


@dataclass(frozen=True, slots=True)
class ForeignMark:
    """A label of this tool that is not ours to act upon: another owner's, or of another grammar version."""

    owner: str
    fleet: str


def base32(data: bytes, length: int) -> str:
    """The first `length` characters of lower-case base32: five bits each."""
    enough = (5 * length + 7) // 8  # bytes; a checksum is made for every label that is read
    return base64.b32encode(data[:enough]).decode("ascii").lower()[:length]


def attempt_of(bits: int) -> str:
    """The text of `ATTEMPT_BITS` random bits."""
    return base32(bits.to_bytes(ATTEMPT_BITS // 8, "big"), 8)


def _check(body: str) -> str:
    return base32(hashlib.sha256(body.encode("ascii")).digest(), 4)


def write_label(mark: Mark) -> str:
    """The label of `mark`, at most 94 characters of lower-case ASCII."""
    index = f"{'a' if mark.adopted else ''}{mark.seat.index}"
    body = f"rc1/{mark.owner}/{mark.seat.fleet}/{index}/{mark.spec_hash}/{mark.attempt}"
    return f"{body}/{_check(body)}"


@lru_cache(maxsize=8192)
def read_label(label: str | None, owner: str) -> Mark | ForeignMark | None:
    """What `label` says to `owner`: a Mark is managed by us, a ForeignMark is other-owned, None is unmanaged."""
    found = _GRAMMAR.fullmatch(label or "")
    if found is None:
        other = _ANY_VERSION.fullmatch(label or "")
        newer = other is not None and not (label or "").startswith("rc1/")
        return ForeignMark(other["owner"], other["fleet"]) if other and newer else None
    body = found.string.rpartition("/")[0]
    if _check(body) != found["check"] or len(found["owner"]) > 20 or len(found["fleet"]) > 40:
        return None
    if found["owner"] != owner:
        return ForeignMark(found["owner"], found["fleet"])
    seat = Seat(found["fleet"], int(found["index"]))
    return Mark(owner, seat, found["spec_hash"], found["attempt"], bool(found["adopted"]))
