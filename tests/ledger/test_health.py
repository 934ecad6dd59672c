"""Health, debuts, strikes and the like are read back as they were; records of older releases have none."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from builders import NOW, known, money, record, seat

from reconciler.core.debut import Debut, Failure
from reconciler.core.health import Health
from reconciler.core.record import Record
from reconciler.core.strikes import Strike
from reconciler.ledger.codec import decode, encode

FULL = record(
    known(100),
    health={
        100: Health(NOW - 90, NOW - 60, NOW - 30, NOW, "fail", "http 8000/healthz: http 503", "said nothing", False),
        101: Health(NOW - 90),
    },
    debuts={
        ("june", "abcdefgh"): Debut(failures=(Failure(7, "no gpu", NOW), Failure(8, "still loading", NOW + 1))),
        ("june", "ijklmnop"): Debut(proved=True),
    },
    strikes={7: (Strike(NOW - 9, "offline", "june/0"), Strike(NOW, "not ready in 20m: still loading", "june/1"))},
    wasted={seat("june/0"): ((NOW - 9, money("0.041666")), (NOW, money("0.3")))},
    aside={9: (Strike(NOW, "the bid lost at once", "june/0"),)},
    let_in={100: True, 101: False},
)
PARTS = ("health", "debuts", "strikes", "wasted", "aside", "let_in")


def test_a_record_with_all_of_it_is_read_back_as_it_was():
    assert decode(encode(FULL)) == FULL
    assert encode(decode(encode(FULL))) == encode(FULL)


def test_what_is_empty_is_not_written():
    assert set(PARTS).isdisjoint(json.loads(encode(Record())))
    assert set(PARTS) <= set(json.loads(encode(FULL)))


@pytest.mark.parametrize("version", [2, 3])
def test_a_record_without_it_reads_as_if_it_were_empty(version):
    read = decode(encode(record(known(100))), version)
    assert [getattr(read, part) for part in PARTS] == [{}] * len(PARTS)


NONSENSE = {
    "a verdict nobody gives": ("health", [[100, 1.0, None, None, None, "maybe", "", "", True]]),
    "a health that lacks a part": ("health", [[100, 1.0]]),
    "a strike without a reason": ("strikes", [[7, [[1.0]]]]),
    "a failure on no machine": ("debuts", [["june", "x", False, [["seven", "no gpu", 1.0]]]]),
    "a machine set aside for nothing": ("aside", [[7, [[1.0]]]]),
    "an instance let in by no word": ("let_in", [[100]]),
    "waste that is no money": ("wasted", {"june/0": [[1.0, "much"]]}),
}


@pytest.mark.parametrize(("part", "value"), NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_is_no_record(part, value):
    body = {**json.loads(encode(FULL)), part: value}
    with pytest.raises(ValueError):
        decode(json.dumps(body))


def test_a_version_2_file_is_migrated_with_all_that_it_holds(opened, path):
    store = opened()
    store.save(record(known(100)))
    store.close()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE meta SET version = 2")
    assert sorted(opened(read_only=True).load().known) == [100]
    again = opened()
    assert sorted(again.load().known) == [100]
    again.save(FULL)
    assert opened(read_only=True).load() == FULL
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT version FROM meta").fetchone()[0] == 3
