"""Numbers of an answer: read exactly, or refused as beyond reason, whatever else stands in the body."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.vast.decode import Malformed, decode

LONGEST = 100
WIDEST = 308

DIGITS = st.integers(0, 120).flatmap(lambda size: st.text("0123456789", min_size=size, max_size=size))
WHOLES = DIGITS.map(lambda digits: digits.lstrip("0") or "0")
EXPONENTS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from("eE"),
    st.sampled_from(["", "+", "-"]),
    st.sampled_from(["", "0", "0" * 30, "0" * 40]),
    st.one_of(st.integers(0, 420), st.integers(WIDEST - 110, WIDEST + 3), st.just(10**25)),
)
LITERALS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "-"]),
    WHOLES,
    st.one_of(st.just(""), DIGITS.filter(bool).map(".{}".format)),
    st.one_of(st.just(""), EXPONENTS),
)

NEIGHBOURS = {
    "nothing special": '"x"',
    "a zero with an exponent": "0e-5",
    "a text of many digits": f'"{"7" * LONGEST}"',
    "a text that looks like an exponent": '"0e-12"',
}


def read(text: str) -> int | Decimal | None:
    """What a literal is by the rule, one literal at a time; None where it is beyond reason."""
    if len(text) > LONGEST:
        return None
    if text.lstrip("-").isdigit():
        return int(text)
    try:
        value = Decimal(text)
    except ArithmeticError:
        return None
    return value if abs(value.adjusted()) <= WIDEST else None


@pytest.mark.parametrize("neighbour", NEIGHBOURS.values(), ids=NEIGHBOURS.keys())
@given(literal=LITERALS)
@example(literal="9" * LONGEST)
@example(literal="9" * (LONGEST + 1))
@example(literal="-" + "9" * LONGEST)
@example(literal="0." + "0" * (LONGEST - 2))
@example(literal="0." + "0" * (LONGEST - 1))
@example(literal=f"-{'1' * 32}.{'1' * 32}e-{'0' * 29}{WIDEST}")
@example(literal=f"-{'1' * 33}.{'1' * 32}e-{'0' * 29}{WIDEST}")
@example(literal=f"1e{WIDEST}")
@example(literal=f"10.0e{WIDEST}")
@example(literal=f"1e-{WIDEST}")
@example(literal=f"0.1e-{WIDEST}")
@example(literal=f"0e-{WIDEST + 1}")
@example(literal=f"0.0E-{WIDEST}")
@example(literal=f"0e{WIDEST + 1}")
@example(literal="1e99999999999999999999")
@example(literal="1e-99999999999999999999")
def test_a_number_is_read_to_its_last_digit_or_refused(literal, neighbour):
    expected = read(literal)
    body = f'{{"other": {neighbour}, "value": [{literal}]}}'.encode()
    if expected is None:
        with pytest.raises(Malformed, match="a number beyond reason"):
            decode(body)
        return
    found = decode(body)
    assert isinstance(found, dict)
    assert repr(found["value"]) == repr([expected])
