"""The text of `host.query` cut into comparisons: `pcie_bw>=10 compute_cap in [890,900]`. Nothing here knows a field.

A query is comparisons side by side, all of which must hold. A comparison is a field, an operator and a value; the
value is a bare word, a text in quotes, or a list of either for `in` and `notin`, with or without brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Operator = Literal["eq", "neq", "lt", "lte", "gt", "gte", "in", "notin"]
FlawKind = Literal["form", "field", "reserved", "operator", "value"]

_SIGNS: dict[str, Operator] = {
    "=": "eq", "==": "eq", "eq": "eq", "!=": "neq", "neq": "neq", "noteq": "neq", "not eq": "neq",
    "<": "lt", "lt": "lt", "<=": "lte", "lte": "lte", ">": "gt", "gt": "gt", ">=": "gte", "gte": "gte",
    "in": "in", "notin": "notin", "nin": "notin", "not in": "notin",
}  # fmt: skip
_MEANT = {"=<": "<=", "=>": ">=", "<>": "!=", "=!": "!=", "===": "=", "!": "!="}

_BETWEEN = re.compile(r"[\s,]*")
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SIGN = re.compile(
    r"\s*([=<>!]+)|\s+(not\s+in|not\s+eq|notin|nin|in|noteq|neq|eq|gte?|lte?)(?=[\s\[]|$)", re.IGNORECASE
)
_VALUE = re.compile(r"\s*(\[[^\]]*\]|\"[^\"]*\"|'[^']*'|[^\s]+)")
_ITEM = re.compile(r"\s*(?:(?P<quoted>\"[^\"]*\"|'[^']*')|(?P<bare>[^,]+))")


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a piece of the text: `width` characters from `start`, counted from 0."""

    kind: FlawKind
    start: int
    width: int
    message: str
    suggestion: str | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of the text and where it stands; of a text in quotes what is between them."""

    text: str
    start: int
    width: int
    quoted: bool = False

    def flaw(self, kind: FlawKind, message: str, suggestion: str | None = None) -> Flaw:
        """A flaw of just this piece."""
        return Flaw(kind, self.start, max(1, self.width), message, suggestion)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison as written, its values not understood yet."""

    field: Word
    sign: Word
    operator: Operator
    values: tuple[Word, ...]
    listed: bool
    """True where the values stand in brackets."""
    text: str


class _Unreadable(Exception):
    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.message)
        self.flaw = flaw


def comparisons(text: str) -> tuple[tuple[Comparison, ...], Flaw | None]:
    """The comparisons up to the first piece that cannot be read, and what is wrong with that piece."""
    found: list[Comparison] = []
    try:
        found.extend(_read(text))
    except _Unreadable as unreadable:
        return tuple(found), unreadable.flaw
    return tuple(found), None


def _read(text: str) -> Iterator[Comparison]:
    at = _after(_BETWEEN.match(text), 0)
    while at < len(text):
        field = _field(text, at)
        sign, operator = _sign(text, field)
        value = _value(text, sign)
        end = value.start + value.width
        values = tuple(_items(value) if operator in ("in", "notin") or value.text.startswith("[") else [_bare(value)])
        written = text[field.start : end].rstrip(",")
        yield Comparison(field, sign, operator, values, value.text.startswith("["), written)
        at = _after(_BETWEEN.match(text, end), end)


def _after(found: re.Match[str] | None, otherwise: int) -> int:
    return found.end() if found else otherwise


def _word_at(text: str, at: int) -> Word:
    """The piece from `at` to the next blank."""
    found = re.compile(r"\S*").match(text, at)
    return Word(found[0], at, len(found[0])) if found else Word("", at, 0)


def _field(text: str, at: int) -> Word:
    found = _FIELD.match(text, at)
    if found is None:
        odd = _word_at(text, at)
        raise _Unreadable(odd.flaw("form", f"a field's name was expected, not {odd.text}"))
    return Word(found[0], at, len(found[0]))


def _sign(text: str, field: Word) -> tuple[Word, Operator]:
    found = _SIGN.match(text, field.start + field.width)
    if found is None:
        raise _Unreadable(_without_sign(field))
    group = 1 if found[1] else 2
    sign = Word(" ".join(found[group].lower().split()), found.start(group), len(found[group]))
    operator = _SIGNS.get(sign.text)
    if operator is None:
        meant = _MEANT.get(sign.text)
        hint = f"did you mean {meant}?" if meant else "there are = != < <= > >= in notin"
        raise _Unreadable(sign.flaw("operator", f"there is no operator {sign.text}", hint))
    return sign, operator


def _without_sign(field: Word) -> Flaw:
    if field.text.lower() in ("and", "or"):
        hint = "remove it: all comparisons must hold" if field.text.lower() == "and" else "use in with a list of values"
        return field.flaw("form", f"there is no word {field.text} between comparisons", hint)
    said = f"{field.text} is compared with nothing"
    return field.flaw("form", said, "write an operator and a value; a list of values stands in brackets")


def _value(text: str, sign: Word) -> Word:
    found = _VALUE.match(text, sign.start + sign.width)
    if found is None:
        raise _Unreadable(sign.flaw("form", f"after {sign.text} a value is missing"))
    value = Word(found[1], found.start(1), len(found[1]))
    first, last = value.text[0], value.text[-1]
    if first in "=<>!":
        said = "an operator may not hold blanks"
        raise _Unreadable(value.flaw("operator", said, f"write {sign.text}{first}, if that is meant"))
    if (first == "[" and last != "]") or (first in "\"'" and (last != first or value.width < 2)):
        raise _Unreadable(value.flaw("form", f"the {'bracket is' if first == '[' else 'quotes are'} never closed"))
    return value


def _bare(value: Word) -> Word:
    """A single value without its quotes, and without a comma that was meant to end it."""
    if value.text[0] in "\"'":
        return Word(value.text[1:-1], value.start, value.width, quoted=True)
    text = value.text.rstrip(",")
    return Word(text, value.start, len(text))


def _items(value: Word) -> Iterator[Word]:
    """The values of a list; empty ones are left out."""
    inner, at = (value.text[1:-1], value.start + 1) if value.text.startswith("[") else (value.text, value.start)
    for found in _ITEM.finditer(inner):
        if found["quoted"]:
            start = found.start("quoted")
            yield Word(found["quoted"][1:-1], at + start, len(found["quoted"]), quoted=True)
        elif text := found["bare"].strip():
            yield Word(text, at + found.start("bare") + found["bare"].index(text), len(text))
