"""Public SSH keys as texts: reading one, and whether an account's keys let a private key in."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass

MAX_KEY = 16_384
"""Characters of a public key's text; the largest RSA key anybody uses has a tenth of it."""


@dataclass(frozen=True, slots=True)
class SshKey:
    """One public key of the account."""

    id: int
    text: str
    """`ssh-ed25519 AAAA... comment`, or whatever else somebody saved there as a key."""
    created_at: float | None = None
    """Epoch seconds; None where the account does not say."""


def essence(text: str) -> tuple[str, bytes] | None:
    """Kind and body of a public key in the one-line form; None where `text` is no such key.

    The body begins with the kind's own name, so that a text cut or put together by hand is noticed.
    """
    words = text.split()
    if len(text) > MAX_KEY or "\n" in text.strip() or len(words) < 2:
        return None
    try:
        body = base64.b64decode(words[1], validate=True)
        kind = words[0].encode("ascii")
    except (binascii.Error, ValueError):
        return None
    return (words[0], body) if body.startswith(len(kind).to_bytes(4, "big") + kind) else None


def held(keys: Iterable[SshKey], public: str, since: float | None = None) -> bool:
    """True where the account holds the key `public`, and held it at the moment `since` where both moments are known:
    keys reach the instances that are made after them."""
    wanted = essence(public)
    own = [key for key in keys if wanted is not None and essence(key.text) == wanted]
    return any(key.created_at is None or since is None or key.created_at <= since for key in own)
