"""A ledger's file or ref, stores on it, and the file as the releases of version 1 left it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from repositories import made_bare

from reconciler.core.secret import Hidden
from reconciler.ledger.git.place import GitPlace
from reconciler.ledger.git.store import GitStore
from reconciler.ledger.sqlite import SqliteStore

ACCOUNT = 4711
Open = Callable[..., Any]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A bare repository, as empty as it was made."""
    return made_bare(tmp_path / "ledger.git")


@pytest.fixture
def opened(path: Path, request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens stores on the ledger; the test's end closes them. In a test of `each_store` on a file, then on a ref."""
    on_a_ref = getattr(request, "param", "a file") == "a git ref"
    place = GitPlace(Hidden(request.getfixturevalue("bare"))) if on_a_ref else path
    with ExitStack() as stack:

        def open_(**options: Any) -> SqliteStore | GitStore:
            options = {"account": ACCOUNT, "owner": "default", **options}
            store = GitStore(place, **options) if isinstance(place, GitPlace) else SqliteStore(place, **options)
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
