"""The page about the rooms tells what the code does: every field stands in the row of its class."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.core.fields import FIELD_CLASSES

PAGE = (Path(__file__).parents[2] / "docs" / "design.md").read_text(encoding="utf-8")
ROWS = {cells[1].strip(): cells[3] for line in PAGE.splitlines() if len(cells := line.split("|")) == 5}
SPOKEN_FOR = {"price.max_download_per_tb": "traffic prices", "price.max_upload_per_tb": "traffic prices"}


@pytest.mark.parametrize("field", [f for f, kind in FIELD_CLASSES.items() if kind != "behavioural"])
def test_a_field_stands_in_the_row_of_its_class(field: str) -> None:
    row = ROWS[FIELD_CLASSES[field]]
    names = {SPOKEN_FOR.get(field, field), field.removeprefix("container.")}
    assert any(name in row for name in names), f"{field} is not in the row: {row}"
