"""The lines of a watch, for machines and for people."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from reconciler.core.watching import Note
from reconciler.views.log import log_json, log_text

MONEY = {
    "a price as the marketplace sends it": ("0.20000000000000001", "0.2"),
    "a sum of such": ("1.0500000000000000444", "1.05"),
    "less than a cent": ("0.00042", "0.00042"),
    "a round sum": ("1200", "1200"),
    "nothing": ("0.000", "0"),
}


@pytest.mark.parametrize(("sent", "told"), MONEY.values(), ids=MONEY)
def test_money_has_no_more_digits_than_it_needs(sent, told):
    note = Note(0.0, "info", "pass", {"dollars_per_hour": Decimal(sent)})
    assert json.loads(log_json(note))["dollars_per_hour"] == told
    assert log_text(note).endswith(f"dollars_per_hour={told}")


def test_a_line_is_one_line_whatever_is_in_it():
    note = Note(0.0, "warning", "problem", {"text": "a\nb\x1b[31m\u2028c"})
    for line in (log_json(note), log_text(note)):
        assert len(line.splitlines()) == 1
        assert "\x1b" not in line
