"""What guards remember survives the ledger; a body of before they did is read as one that remembers nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from builders import NOW, known, record, seat, tombstone

from reconciler.core.settle import Appearance
from reconciler.core.traces import Outside, Suspect
from reconciler.ledger.codec import decode, encode

WHOLE = record(
    tombstone(number=1),
    tombstone("june/1", number=2, freed=True),
    replace(known(5), host_id=77, stranger=True),
    known(6),
    suspects={5: Suspect(5, seat(), NOW, NOW - 60)},
    outside={9: Outside(9, seat("june/3"), NOW - 5)},
    paused={"june": NOW},
    stopped={"june": "3 of 4 instances of june were destroyed outside within an hour, more than 2"},
    emptied={seat("june/3"): NOW - 5},
    replaced={seat("june/3"): (NOW - 50, NOW - 5)},
    appeared=(Appearance(NOW - 9, 120.5),),
)
TRACES = ("tombstones", "suspects", "outside", "stopped", "emptied", "replaced", "appeared")


def test_everything_survives():
    assert decode(encode(WHOLE)) == WHOLE


def test_a_body_without_traces_has_none():
    body = json.loads(encode(WHOLE))
    for name in TRACES:
        del body[name]
    for one in body["known"]:
        del one["host_id"], one["stranger"]
    found = decode(json.dumps(body | {"spend": [], "told": {}}), 1)
    assert [dict(getattr(found, name)) for name in TRACES[:-1]] == [{}] * 6
    assert found.appeared == ()
    assert (found.known[5].host_id, found.known[5].stranger) == (None, False)


@pytest.mark.parametrize("name", TRACES)
def test_a_body_with_traces_that_are_none_is_damaged(name):
    body = json.loads(encode(WHOLE))
    body[name] = 7
    with pytest.raises(ValueError, match="not a record"):
        decode(json.dumps(body))
