"""Spans of time as people write them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from reconciler.spec.durations import seconds

RIGHT = {"500ms": "0.5", "1ms": "0.001", "3s": "3", "0s": "0", "20m": "1200", "2h": "7200", "14d": "1209600"}


@pytest.mark.parametrize(("text", "expected"), RIGHT.items())
def test_a_number_and_a_unit_are_a_span_of_time(text, expected):
    assert seconds(text) == Decimal(expected)


@pytest.mark.parametrize(
    "text", ["", "3", "s", "3 s", "3S", "1.5h", "-3s", "3sec", "1h30m", "3s\n", "1234567s", "\u0663s"]
)
def test_everything_else_is_none(text):
    with pytest.raises(ValueError, match="no duration"):
        seconds(text)
