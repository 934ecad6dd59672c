"""A ledger's file, stores on it, and the file as the releases of version 1 left it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from reconciler.ledger.sqlite import SqliteStore

ACCOUNT = 4711
Open = Callable[..., SqliteStore]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def opened(path: Path) -> Iterator[Open]:
    """Opens stores on the ledger; the test's end closes them."""
    with ExitStack() as stack:

        def open_(**options: Any) -> SqliteStore:
            store = SqliteStore(path, **{"account": ACCOUNT, "owner": "default", **options})
            stack.callback(store.close)
            return store

        yield open_


@pytest.fixture
def version_1(path: Path) -> Path:
    """A file that a release of version 1 wrote, statement by statement as SQLite dumped it."""
    text = Path(__file__).with_name("version-1.sql").read_text(encoding="utf-8")
    with closing(sqlite3.connect(path)) as db:
        db.executescript(text)
    return path
