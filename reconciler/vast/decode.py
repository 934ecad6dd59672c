"""Bytes of an answer -> values, strictly; and typed looks at one field that never fail.

Everything is read by allow-list: a field nobody asks for never becomes a value of ours.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Clamped, Context, Decimal, InvalidOperation, Overflow, Subnormal
from functools import lru_cache
from typing import NoReturn

from reconciler.core.text import SafeText, safe

Record = Mapping[str, object]
"""One decoded JSON object."""

MAX_ID = 2**63 - 1

_MAX_LITERAL = 100
_MAX_EXPONENT = 308

_FIRST_MOMENT, _LAST_MOMENT = Decimal("1e9"), Decimal("1e11")
_PLAIN = Context(
    prec=_MAX_LITERAL,
    Emin=-_MAX_EXPONENT,
    Emax=_MAX_EXPONENT,
    traps=[Clamped, InvalidOperation, Overflow, Subnormal],
)
"""Refuses an absurd exponent by itself."""

_DIGITS = bytes(ord("0") if byte in b"0123456789" else ord(" ") for byte in range(256))
_LONG = b"0" * (_MAX_LITERAL // 3)


class Malformed(Exception):
    """Not the JSON it should be. The text says in which way, never what the bytes were."""


def decode(body: bytes) -> object:
    """The JSON value of `body`, numbers with a fraction as `Decimal`.

    Refused, since each of them has two readings or none: other encodings than UTF-8, a byte order mark, duplicate
    keys, NaN and infinities, numbers of absurd size, nesting beyond reason, anything after the value.
    """
    problem = "it is not JSON"
    plain = _is_plain(body)
    try:
        return json.loads(
            body.decode("utf-8"),
            parse_float=_PLAIN.create_decimal if plain else _fraction,
            parse_int=int if plain else _whole,
            parse_constant=_constant,
            object_pairs_hook=_unique,
        )
    except UnicodeDecodeError:
        problem = "it is not UTF-8"
    except RecursionError:
        problem = "it is nested too deep"
    except ArithmeticError:
        problem = "it holds a number beyond reason"
    except ValueError:
        pass
    raise Malformed(problem)


def _is_plain(body: bytes) -> bool:
    """Whether `_PLAIN` and `int`, which are much quicker, refuse all that the functions below refuse: no number
    is too long where no third of that length is all digits, and no zero has an exponent, which a context lets pass."""
    return _LONG not in body.translate(_DIGITS) and b"0e-" not in body and b"0E-" not in body


def _fraction(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except ArithmeticError:  # Its exponent alone is beyond what a Decimal holds.
        value = Decimal("inf")
    if len(text) > _MAX_LITERAL or not value.is_finite() or abs(value.adjusted()) > _MAX_EXPONENT:
        raise Malformed("it holds a number beyond reason")
    return value


def _whole(text: str) -> int:
    if len(text) > _MAX_LITERAL:
        raise Malformed("it holds a number beyond reason")
    return int(text)


def _constant(_text: str) -> NoReturn:
    raise Malformed("it holds NaN or an infinity")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("a key occurs twice")
    return found


def as_record(value: object) -> dict[str, object] | None:
    """`value` where it is a JSON object."""
    return value if isinstance(value, dict) else None


def identifier(value: object) -> int | None:
    """`value` where it is an id: a whole positive number. `true`, `"123"` and `1.0` are none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_ID else None


def number(row: Record, name: str, low: Decimal, high: Decimal) -> Decimal | None:
    """The number of a field where it lies in `low`..`high`. `true` is none.

    There are dozens in a row. Types are compared exactly, since decoding makes no others, and the bounds are
    `Decimal`, since comparing with anything else takes several times as long.
    """
    value = row.get(name)
    kind = type(value)
    if kind is not Decimal:
        if kind is not int:
            return None
        value = Decimal(value)  # type: ignore[arg-type]
    return value if low <= value <= high else None  # type: ignore[operator, return-value]


def whole(row: Record, name: str, low: int, high: int) -> int | None:
    """The count of a field; `2.0` is two, since the server writes either."""
    value = row.get(name)
    kind = type(value)
    if kind is Decimal:
        count = int(value) if low <= value <= high else low - 1  # type: ignore[operator, call-overload]
        return count if count == value else None
    return value if kind is int and low <= value <= high else None  # type: ignore[operator, return-value]


def flag(row: Record, name: str) -> bool | None:
    """The truth value of a field."""
    value = row.get(name)
    return value if isinstance(value, bool) else None


def text(row: Record, name: str, limit: int = 256) -> SafeText | None:
    """The text of a field, made safe; None where it is empty."""
    value = row.get(name)
    return (safe(value, limit) or None) if isinstance(value, str) else None


def known_text(row: Record, name: str, limit: int) -> SafeText | None:
    """As `text`, for the fields that say the same in many rows: the names of cards and places."""
    value = row.get(name)
    return _seen(value[: limit + 64], limit) if isinstance(value, str) else None


@lru_cache(maxsize=4096)
def _seen(value: str, limit: int) -> SafeText | None:
    return safe(value, limit) or None


def moment(row: Record, name: str) -> float | None:
    """A time in epoch seconds. Milliseconds and times before 2001 are odd."""
    value = number(row, name, _FIRST_MOMENT, _LAST_MOMENT)
    return None if value is None else float(value)
