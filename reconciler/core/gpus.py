"""The names of GPUs as the market spells them."""

from __future__ import annotations

import re
from functools import lru_cache

from reconciler.core.near import near

_SEEN = """
    A10, A100 PCIE, A100 SXM4, A100X, A30, A40, B200, GB200,
    GTX 1050 Ti, GTX 1060, GTX 1070, GTX 1070 Ti, GTX 1080, GTX 1080 Ti, GTX 1650, GTX 1660, GTX 1660 S, GTX 1660 Ti,
    H100 NVL, H100 PCIE, H100 SXM, H200, H200 NVL, L4, L40, L40S, Q RTX 5000, Q RTX 6000, Q RTX 8000, Quadro K2200,
    RTX 2060, RTX 2060S, RTX 2070, RTX 2070S, RTX 2080 Ti, RTX 2080S,
    RTX 3060, RTX 3060 Ti, RTX 3060 laptop, RTX 3070, RTX 3070 Ti, RTX 3080, RTX 3080 Ti, RTX 3090, RTX 3090 Ti,
    RTX 4000Ada, RTX 4060, RTX 4060 Ti, RTX 4070, RTX 4070 Ti, RTX 4070S, RTX 4070S Ti, RTX 4080, RTX 4080S,
    RTX 4090, RTX 4090D, RTX 5000Ada, RTX 5060, RTX 5060 Ti, RTX 5070, RTX 5070 Ti, RTX 5080, RTX 5090,
    RTX 6000Ada, RTX A2000, RTX A4000, RTX A5000, RTX A6000, RTX PRO 6000 S, RTX PRO 6000 WS,
    Tesla P100, Tesla T4, Tesla V100, Titan V, Titan Xp
"""

KNOWN: tuple[str, ...] = tuple(name.strip() for name in _SEEN.split(","))
"""Every name seen on the market so far; new cards appear, so a name outside is not wrong by itself."""


def _squeezed(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).lower()


_BY_SQUEEZED = {_squeezed(name): name for name in KNOWN}


@lru_cache(maxsize=4096)
def normalise(name: str) -> str:
    """The market's spelling of `name`: `RTX_3060`, `rtx3060` and `rtx-3060` are `RTX 3060`.

    An unknown name keeps its own, with blanks for underscores.
    """
    return _BY_SQUEEZED.get(_squeezed(name)) or " ".join(name.replace("_", " ").split())


def _in_full(name: str) -> str | None:
    """The known name of a card in its maker's words: `NVIDIA GeForce RTX 4070 Ti Super` is `RTX 4070S Ti`."""
    short = re.sub(r"nvidia|geforce", "", _squeezed(name))
    return _BY_SQUEEZED.get(re.sub(r"(ti)?super", lambda found: "s" + (found[1] or ""), short))


def _kinds_of(name: str) -> list[str]:
    """The known names that say more: `H100` comes as `H100 NVL`, `H100 PCIE` and `H100 SXM`."""
    words = set(normalise(name).lower().split())
    return [known for known in KNOWN if words and words <= set(known.lower().split())]


def suggest(name: str) -> str | None:
    """The known name that `name` probably means, or the few that it may mean."""
    return _in_full(name) or ", ".join(_kinds_of(name)[:4]) or near(normalise(name), KNOWN)


def is_misspelt(name: str) -> bool:
    """True where `name` is near a known name and has its digits; other digits are rather a card we do not know yet."""
    known = _in_full(name) or (None if _kinds_of(name) else near(normalise(name), KNOWN))
    return known is not None and _digits(known) == _digits(name)


def _digits(name: str) -> list[str]:
    """The digits in any order; a letter O among them was meant as a zero."""
    return sorted(re.findall(r"\d", re.sub(r"(?<=\d)[Oo]", "0", name)))
