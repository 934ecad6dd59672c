"""Chance that can be repeated: every draw is a function of the world's seed and of what the draw is for."""

from __future__ import annotations

import hashlib
import math
import random
import struct
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")

_FOUR = struct.Struct(">4I")


def digest(*purpose: object) -> bytes:
    """32 bytes that depend on all parts of `purpose` and on nothing else."""
    return hashlib.blake2b("/".join(map(str, purpose)).encode(), digest_size=32).digest()


def stream(*purpose: object) -> random.Random:
    """A generator of its own for this purpose; the same parts give the same draws in every process."""
    return random.Random(int.from_bytes(digest(*purpose)[:8], "big"))


def fraction(*purpose: object) -> float:
    """One number in [0, 1) for this purpose."""
    return int.from_bytes(digest(*purpose)[:6], "big") / 2**48


def fractions(prefix: str, number: int) -> tuple[float, ...]:
    """Four numbers in [0, 1) for this purpose, at the price of one."""
    return tuple(
        part / 2**32 for part in _FOUR.unpack(hashlib.blake2b(f"{prefix}{number}".encode(), digest_size=16).digest())
    )


def token(*purpose: object) -> str:
    """64 hexadecimal digits for this purpose: the form of the keys and tokens that Vast.ai gives out."""
    return digest(*purpose).hex()


def whole(*purpose: object) -> int:
    """A whole number below 2**31 for this purpose: the form of Vast.ai's bundle ids."""
    return int.from_bytes(digest(*purpose)[:4], "big") >> 1


def weighted(rng: random.Random, values: Sequence[T], cumulative: Sequence[float]) -> T:
    """One of `values` by its cumulative weight."""
    return rng.choices(values, cum_weights=cumulative)[0]


def quantile(u: float, points: Sequence[tuple[float, float]]) -> float:
    """The value at share `u` of a distribution known by (share, value) points.

    Between two positive points it runs on a logarithmic scale, as prices, speeds and sizes do.
    """
    low_share, low = points[0]
    for share, value in points[1:]:
        if u <= share:
            part = (u - low_share) / (share - low_share)
            if low > 0 and value > 0:
                return low * math.exp(part * math.log(value / low))
            return low + part * (value - low)
        low_share, low = share, value
    return low
