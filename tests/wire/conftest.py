"""A stub account with an offer or two, a person in this process, and a shell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .stub import Stub, offer_rows
from .webhook import Webhook
from .world import Desk, Shell


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub(offer_rows(6)) as running:
        yield running


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    """The webhook of `webhook.POLICY`."""
    with Webhook() as running:
        monkeypatch.setenv("OPS_WEBHOOK", running.url)
        yield running


@pytest.fixture
def desk(stub: Stub, tmp_path: Path) -> Desk:
    return Desk(stub, tmp_path)


@pytest.fixture
def shell(stub: Stub, tmp_path: Path) -> Shell:
    return Shell(stub, tmp_path)
