"""`host.query` understood: comparisons as written become clauses, by what a marketplace's language knows of its fields.

What the fields are is no business of the core: a `Language` tells. Without one only the form is checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from reconciler.core import places
from reconciler.core.clauses import Value, shown_value, version
from reconciler.core.model import Clause
from reconciler.core.near import near
from reconciler.core.query_text import Comparison, Flaw, Word, comparisons
from reconciler.core.text import safe

Kind = Literal["number", "flag", "text", "version", "country"]

_WILDCARDS = (["any"], ["*"], ["?"])
_NUMBER = re.compile(r"[+-]?(?:\d{1,30}\.?\d{0,30}|\.\d{1,30})(?:[eE][+-]?\d{1,2})?", re.ASCII)
_ORDERS = ("lt", "lte", "gt", "gte")
_IN_WORDS: dict[Kind, str] = {
    "number": "a number",
    "flag": "true or false",
    "text": "a text",
    "version": "a version such as 580.95",
    "country": "a country's code such as SE",
}


@dataclass(frozen=True, slots=True)
class Known:
    """What a language knows of one field: its kind and, for a number, its unit and what is possible at all."""

    kind: Kind
    unit: str = ""
    low: Decimal = Decimal(0)
    high: Decimal = Decimal("1e12")


@dataclass(frozen=True, slots=True)
class Language:
    """The search language of a marketplace."""

    fields: Mapping[str, Known]
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Other names of fields."""
    reserved: Mapping[str, str] = field(default_factory=dict)
    """Names that may not be asked for, each with what to do instead."""


@dataclass(frozen=True, slots=True)
class Understood:
    """What a text asks for and what is wrong with it."""

    clauses: tuple[Clause, ...] = ()
    flaws: tuple[Flaw, ...] = ()


def understand(text: str, language: Language | None = None) -> Understood:
    """The clauses of a text, in its order. `field=any` asks for nothing and becomes none."""
    found, unreadable = comparisons(text)
    clauses: list[Clause] = []
    flaws = [] if unreadable is None else [unreadable]
    for each in found:
        wrong = list(_flaws(each, language))
        flaws += wrong
        if not wrong and not _asks_for_anything(each):
            clauses.append(_clause(each, language))
    return Understood(tuple(clauses), tuple(sorted(flaws, key=lambda flaw: flaw.start)))


def _asks_for_anything(each: Comparison) -> bool:
    return not each.listed and [word.text for word in each.values if not word.quoted] in _WILDCARDS


def _flaws(each: Comparison, language: Language | None) -> Iterator[Flaw]:
    known = None
    if language is not None:
        name = language.aliases.get(each.field.text, each.field.text)
        known = language.fields.get(name)
        if name in language.reserved:
            said = f"{each.field.text} may not be asked for here"
            yield each.field.flaw("reserved", said, language.reserved[name])
            return
        if known is None:
            yield _unknown(each.field, language)
            return
    yield from _wrong_operator(each, known)
    words = () if _asks_for_anything(each) else each.values
    yield from (flaw for word in words if (flaw := _wrong_value(each.field.text, word, known)) is not None)


def _unknown(name: Word, language: Language) -> Flaw:
    meant = near(name.text, sorted({*language.fields, *language.aliases}))
    hint = f"did you mean {meant}?" if meant else f"fields: {', '.join(sorted(language.fields))}"
    return name.flaw("field", f"there is no field {safe(name.text, 60)} to ask for", hint)


def _wrong_operator(each: Comparison, known: Known | None) -> Iterator[Flaw]:
    sign = each.sign
    if _asks_for_anything(each):
        if each.operator != "eq":
            yield sign.flaw("operator", f"{each.values[0].text} makes sense after = only")
    elif each.listed and each.operator not in ("in", "notin"):
        hint = "write notin" if each.operator == "neq" else "write in" if each.operator == "eq" else None
        yield sign.flaw("operator", f"{sign.text} takes one value, not a list", hint)
    elif known is not None and known.kind in ("flag", "text", "country") and each.operator in _ORDERS:
        said = f"{each.field.text} is {_IN_WORDS[known.kind]} and knows no {sign.text}"
        yield sign.flaw("operator", said, "there are = != in notin")
    elif not each.values:
        yield sign.flaw("value", f"after {sign.text} a value is missing")


def _wrong_value(name: str, word: Word, known: Known | None) -> Flaw | None:
    if not word.text.strip():
        return word.flaw("value", f"{name} is compared with an empty text")
    if known is None:
        return None
    value = _value_of(word, known.kind)
    if value is None:
        said = f"{name} is {_IN_WORDS[known.kind]}{_in_unit(known)}, not {safe(word.text, 40)}"
        return word.flaw("value", said, _hint(word.text, known.kind))
    if isinstance(value, Decimal) and not known.low <= value <= known.high:
        said = f"{name} lies between {shown_value(known.low)} and {shown_value(known.high)}{_in_unit(known)}"
        return word.flaw("value", f"{said}, not at {safe(word.text, 40)}")
    return None


def _in_unit(known: Known) -> str:
    return f" ({known.unit})" if known.unit else ""


def _hint(text: str, kind: Kind) -> str | None:
    if kind == "country":
        meant = (places.suggest(text) or "")[:2]
        return f"did you mean {meant}?" if _country(meant) else None
    if kind == "number":
        number = re.match(r"\d+(?:[.,]\d+)?", text)
        return f"write {number[0].replace(',', '.')}" if number else None
    return None


def _country(text: str) -> str | None:
    return text if len(text) == 2 and places.is_known(text) else None


def _value_of(word: Word, kind: Kind) -> Value | None:
    """A word as a value of its kind. In a text without quotes underscores stand for blanks."""
    text = word.text
    if kind == "number":
        return Decimal(text) if _NUMBER.fullmatch(text) else None
    if kind == "flag":
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower())
    if kind == "version":
        return text if version(text) is not None else None
    if kind == "country":
        return _country(text)
    return text if word.quoted else text.replace("_", " ")


def _guessed(word: Word) -> Value:
    """A word of a field that nobody knows."""
    for kind in ("number", "flag", "text"):
        value = _value_of(word, kind) if not word.quoted else None
        if value is not None:
            return value
    return word.text


def _clause(each: Comparison, language: Language | None) -> Clause:
    if language is None:
        return Clause(each.field.text, each.operator, tuple(map(_guessed, each.values)), each.text)
    name = language.aliases.get(each.field.text, each.field.text)
    values = (_value_of(word, language.fields[name].kind) for word in each.values)
    return Clause(name, each.operator, tuple(value for value in values if value is not None), each.text)
