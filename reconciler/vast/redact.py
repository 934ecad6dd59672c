"""Secrets taken out of what a server says, by value and by shape: it may quote the request it refuses."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from reconciler.core.secret import Hidden
from reconciler.core.shapes import masked

SHORTEST = 4
"""Shorter texts are in every sentence."""
PIECE = 8
"""So many characters of a secret in a row are a piece of it: an answer may be cut anywhere."""
_MOST_PIECES = 8192
_BLOT = "***"


def hide(text: str, secrets: Iterable[str]) -> str:
    """`text` with every secret, its usual spellings, long pieces of them, and whatever looks like one blotted out."""
    for secret in sorted(set(secrets), key=len, reverse=True):
        for form in spellings(secret):
            text = _without_pieces(text.replace(form, _BLOT), form)
    return masked(text)


def spellings(secret: str) -> list[str]:
    """How a text may stand in an answer or a request: as it is, and escaped for JSON, addresses, HTML, code, base64."""
    from html import escape

    raw = secret.encode("utf-8", "surrogatepass")
    plain = json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], str.__repr__(secret)[1:-1]
    forms = [secret, *plain, quote(raw), quote(raw, safe=""), quote_plus(raw), escape(secret), *_base64(raw)]
    return [Hidden(form) for form in dict.fromkeys(forms) if len(form) >= SHORTEST]


def _base64(raw: bytes) -> list[str]:
    """Base64 of the bytes wherever they begin within a longer text, without the letters that neighbours change."""
    found = []
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        whole = coded[(before * 8 + 5) // 6 : (before + len(raw)) * 8 // 6]
        found += [whole, whole.replace("+", "-").replace("/", "_")] if len(whole) >= PIECE else []
    return found


def _without_pieces(text: str, form: str) -> str:
    at = 0
    while at + PIECE <= len(text) <= _MOST_PIECES:
        if text[at : at + PIECE] not in form:
            at += 1
            continue
        end = at + PIECE
        while end < len(text) and text[at : end + 1] in form:
            end += 1
        text = text[:at] + _BLOT + text[end:]
        at += len(_BLOT)
    return text
