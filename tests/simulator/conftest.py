from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .doors import ANYTHING, RECORDINGS, Caller, market, recording


@pytest.fixture
def caller(tmp_path: Path) -> Iterator[Caller]:
    """A caller at a fresh world of the default seed."""
    yield from market("generated", tmp_path)


@pytest.fixture(params=["generated", *(pytest.param(name, marks=pytest.mark.recorded) for name in RECORDINGS)])
def any_market(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Caller]:
    """The same cases on the generated market and on every recorded one."""
    yield from market(request.param, tmp_path)


@pytest.fixture(
    scope="module", params=["generated", *(pytest.param(name, marks=pytest.mark.recorded) for name in RECORDINGS)]
)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """One world for all tests of a file that only look."""
    yield from market(request.param, tmp_path_factory.mktemp("shop"))


@pytest.fixture(params=RECORDINGS)
def recorded_row(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """An offer as a search serves it, and as it was recorded."""
    name: str = request.param
    found = json.loads(recording(name).read_text())
    rows = found if isinstance(found, list) else [row for rows in found["offers_by_model"].values() for row in rows]
    storage = rows[0]["storage_total_cost"] * 720 / rows[0]["storage_cost"]
    for caller in market(name, tmp_path):
        served = caller.search(**ANYTHING, allocated_storage=storage)[7]
        yield served, next(row for row in rows if row["id"] == served["id"])
