"""What is remembered for notifications and for `watch` survives the ledger; older files have none of it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from builders import NOW, known, money, record

from reconciler.core.incidents import Incident, Letter
from reconciler.ledger.codec import VERSION, decode, encode

DOWN = Incident("down/june/0", "down", NOW, "june/0: host dead", "june", 0, 100, money("0.25"), told=True)
WHOLE = record(
    known(100),
    unasked={"june": (NOW - 5, NOW)},
    incidents={
        "credit": Incident("credit", "credit", NOW, "the credit is short"),
        DOWN.key: DOWN,
    },
    outbox=(
        Letter("OPS", NOW, "down", False, NOW - 60, "june/0: host dead", "june", 0, 100),
        Letter("OPS", NOW, "down", True, NOW - 60, "june/0: replaced", "june", 0, 101, money("-0.01")),
    ),
)
PARTS = ("unasked", "incidents", "outbox")


def test_everything_survives():
    assert decode(encode(WHOLE)) == WHOLE


def test_a_record_without_any_of_it_is_written_as_before():
    body = json.loads(encode(record(known(100))))
    assert not set(PARTS) & set(body)


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("nonsense", [7, {"a": 1}, [7], [{"kind": "dreamt"}]], ids=str)
def test_nonsense_is_damage(name, nonsense):
    body = json.loads(encode(WHOLE))
    body[name] = nonsense
    with pytest.raises(ValueError):
        decode(json.dumps(body))


def test_a_version_2_file_is_brought_to_version_3_with_what_it_remembers(path, opened):
    store = opened()
    store.load()
    store.save(record(known(100)))
    store.close()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE meta SET version = 2")
    assert sorted(opened(read_only=True).load().known) == [100]
    again = opened()
    found = again.load()
    assert (sorted(found.known), found.incidents, found.outbox, found.unasked) == ([100], {}, (), {})
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT version FROM meta").fetchone()[0] == VERSION == 3
