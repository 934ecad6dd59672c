"""Whether a driver's name and the market's mean the same card.

`NVIDIA GeForce RTX 4070 Ti SUPER` is the market's `RTX 4070S Ti`, `NVIDIA H100 80GB HBM3` its `H100 SXM`. What one of
the two leaves out (maker, form, memory) says nothing; the number and the words Ti, Super, D and laptop do.
"""

from __future__ import annotations

import re

_SILENT = frozenset(
    (
        *("nvidia", "geforce", "quadro", "tesla", "rtx", "gtx", "q", "gpu"),
        *("generation", "edition", "blackwell", "server", "workstation", "ws", "sff", "design", "max"),
        *("pcie", "sxm", "sxm2", "sxm3", "sxm4", "sxm5", "nvl", "hbm2", "hbm2e", "hbm3", "hbm3e"),
    )
)
_SIZE = re.compile(r"[0-9]+gb")
_STUCK = re.compile(r"([0-9]{4})(ada|s|d)")
"""`5000Ada`, `4070S`, `4090D`: a word stuck to its number."""


def same_card(driver: str, market: str) -> bool:
    """True where both names can mean one card."""
    return _essence(driver) == _essence(market)


def _essence(name: str) -> frozenset[str]:
    """The words that tell cards apart."""
    words: set[str] = set()
    for word in re.split(r"[\s_/-]+", name.lower()):
        stuck = _STUCK.fullmatch(word)
        words.update(stuck.groups() if stuck else (word,))
    # `RTX PRO 6000 S` is the server's edition, `GTX 1660 S` a SUPER.
    if "s" in words:
        words = words - {"s"} if "pro" in words else words - {"s"} | {"super"}
    return frozenset(word for word in words if word and word not in _SILENT and not _SIZE.fullmatch(word))
