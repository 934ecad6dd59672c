"""What an unquoted word of YAML means: JSON's scalars, and text for everything else."""

from __future__ import annotations

import re
from decimal import Decimal

from reconciler.spec.tree import Scalar

MAX_DIGITS = 18
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?P<fraction>\.[0-9]+)?(?P<exponent>[eE][+-]?[0-9]+)?")
_WORDS: dict[str, Scalar] = {"": None, "~": None, "null": None, "true": True, "false": False}


class TooLong(ValueError):
    """A number with more digits than any field can mean."""


def resolve(text: str) -> Scalar:
    """The value of an unquoted scalar. `on`, `NO`, `010`, `22:22`, `.inf` and dates are text; floats do not exist."""
    if text in _WORDS:
        return _WORDS[text]
    number = _NUMBER.fullmatch(text) if text[0] in "-0123456789" else None
    if number is None:
        return text
    if len(text) > 2 * MAX_DIGITS or sum(char.isdigit() for char in text) > MAX_DIGITS:
        raise TooLong(text)
    if number["fraction"] is None and number["exponent"] is None:
        return int(text)
    value = Decimal(text)
    if value and abs(value.adjusted()) > MAX_DIGITS:
        raise TooLong(text)
    return value


def quoted_hint(text: str, wants_number: bool) -> str | None:
    """What to write instead of a text that stands where a number, or true or false, is wanted."""
    if not wants_number:
        return "write true or false" if text.lower() in ("on", "off", "yes", "no", "y", "n", "true", "false") else None
    bare = text.strip().strip("$€").strip().replace("_", "")
    bare = bare.replace(",", ".") if re.fullmatch(r"[0-9]+,[0-9]+", bare) else bare
    bare = bare.lstrip("0") if re.fullmatch(r"0+[1-9][0-9]*", bare) else bare
    if not _NUMBER.fullmatch(bare) or len(bare) > MAX_DIGITS:
        return None
    return f"write {bare}, without quotes" if bare == text else f"write {bare}"
