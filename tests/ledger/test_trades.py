"""What is remembered of cheaper places survives the ledger; a body of before they were looked for has none of it."""

from __future__ import annotations

import json

import pytest
from builders import NOW, money, record, seat

from reconciler.core.trials import Proposal, Trial
from reconciler.ledger.codec import decode, encode

WHOLE = record(
    looked={"june": NOW, "july": NOW - 60.5},
    proposals={seat("june/3"): Proposal(seat("june/3"), 100, money("0.25"), money("0.1501"), 5001, NOW)},
    trials={
        "baaaaaaa": Trial("baaaaaaa", seat("june/1"), NOW - 9, NOW + 7191, 5002),
        "caaaaaaa": Trial("caaaaaaa", seat("june/2"), NOW - 9, NOW + 7191, 5003, won=True),
    },
)
PARTS = ("looked", "proposals", "trials")


def test_everything_survives():
    assert decode(encode(WHOLE)) == WHOLE


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_body_without_them_has_none(version):
    body = json.loads(encode(WHOLE))
    for name in PARTS:
        del body[name]
    found = decode(json.dumps(body), version)
    assert [dict(getattr(found, name)) for name in PARTS] == [{}, {}, {}]


def test_nothing_is_written_where_there_is_nothing():
    assert not set(PARTS) & set(json.loads(encode(record())))


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("nonsense", [7, [[1]], {"june": "soon"}])
def test_parts_that_are_none_are_damage(name, nonsense):
    with pytest.raises(ValueError):
        decode(json.dumps(json.loads(encode(WHOLE)) | {name: nonsense}))
