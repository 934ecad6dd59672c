"""The record as bytes: golden, canonical, and read back as it was."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from builders import DAY_S, NOW, intent, known, leaving, money, record

from reconciler.core.record import ColdStart, Record
from reconciler.ledger.codec import decode, encode

FULL = record(
    intent(number=3, age_s=100, votes=(NOW - 20,)),
    intent("june/1", number=4, instance_id=103),
    known(100),
    leaving(102, "july/3"),
    paused={"may": NOW - 50.5},
    since={(100, "offline"): NOW - 7},
    last_list_at=NOW - 5,
    spend={498660: money("0.25"), 498659: money("0.243166")},
    told={"leak/102": NOW - 5, "held/policy budget/june": NOW - DAY_S},
)
GOLDEN = (
    '{"appeared":[],"cold":null,"emptied":{},"intents":['
    '{"at":1795175900.0,"attempt":"daaaaaaa","ceiling":"0.3","instance_id":null,"machine_id":5003,"offer_id":3,'
    '"seat":"june/0","votes":[1795175980.0]},'
    '{"at":1795176000.0,"attempt":"eaaaaaaa","ceiling":"0.3","instance_id":103,"machine_id":5004,"offer_id":4,'
    '"seat":"june/1","votes":[]}],'
    '"known":[{"host_id":null,"id":100,"listed":true,"seat":"june/0","seen_at":1795175940.0,"stranger":false}],'
    '"last_list_at":1795175995.0,'
    '"leaving":[{"id":102,"keeper_id":null,"rate_per_hour":"0.25","reason":"replicas 2 -> 1",'
    '"seat":"july/3","since":1795175940.0}],'
    '"outside":[],"paused":{"may":1795175949.5},"replaced":{},"since":[[100,"offline",1795175993.0]],'
    '"spend":[[498659,"0.243166"],[498660,"0.25"]],"stopped":{},"suspects":[],'
    '"told":{"held/policy budget/june":1795089600.0,"leak/102":1795175995.0},"tombstones":[],"unwanted":[],"warm":true}'
)
RECORDS = {
    "everything": FULL,
    "nothing": Record(),
    "bids that stand": Record(bids={100: money("0.1105"), 99: money("0.2")}),
    "a destroy that may not have left": record(replace(leaving(), fault="offline", in_doubt_at=NOW - 3)),
    "a cold start": Record(cold=ColdStart(NOW, "1,2")),
}


def test_the_bytes_of_a_record_are_golden():
    assert encode(FULL) == GOLDEN


@pytest.mark.parametrize("before", RECORDS.values(), ids=RECORDS.keys())
def test_a_record_is_read_back_as_it_was(before):
    assert decode(encode(before)) == before


def test_a_record_of_version_1_lacks_what_came_later_and_reads_as_if_it_were_empty():
    body = json.loads(GOLDEN)
    del body["spend"], body["told"]
    read = decode(json.dumps(body), 1)
    assert (read.spend, read.told) == ({}, {})
    assert read.intents == FULL.intents


@pytest.mark.parametrize("part", sorted(json.loads(GOLDEN)))
def test_a_record_that_lacks_a_part_is_none(part):
    body = json.loads(GOLDEN)
    del body[part]
    with pytest.raises(ValueError, match="not a record"):
        decode(json.dumps(body))


NONSENSE = ["", "null", "[]", "7", '{"intents": 3}', GOLDEN[:-1], GOLDEN.replace('"0.25"', '"much"')]


@pytest.mark.parametrize("text", NONSENSE)
def test_nonsense_is_no_record(text):
    with pytest.raises(ValueError):
        decode(text)


def test_a_destroy_of_an_older_release_has_left():
    (item,) = decode(GOLDEN).leaving.values()
    assert (item.fault, item.in_doubt_at) == ("", None)
