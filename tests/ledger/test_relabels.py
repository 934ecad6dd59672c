"""Old labels in the record: kept word for word, and of no consequence to a ledger that knows none."""

from __future__ import annotations

import json

import pytest
from builders import known, record, seat

from reconciler.core.record import Record, Relabel, with_relabel, without_instance
from reconciler.ledger.codec import decode, encode

OURS = "rc1/default/june/a0/fb4sppjq/aqf57gis/zaf4"


def relabel(before="pool-a/7f3c", **options):
    return Relabel(7, seat("june/0"), before, OURS, 1.5, **options)


@pytest.mark.parametrize("before", ["pool-a/7f3c", None, "", "Stimme Ä\n\u202e\x00 🙂", "x" * 1024])
@pytest.mark.parametrize("releasing", [False, True])
def test_an_old_label_is_remembered_word_for_word(before, releasing):
    held = with_relabel(Record(), relabel(before, releasing=releasing))
    assert decode(encode(held)) == held


def test_a_record_without_any_is_written_as_before():
    assert "relabels" not in json.loads(encode(record(known())))


def test_a_record_of_an_older_release_has_none():
    body = json.loads(encode(with_relabel(Record(), relabel())))
    del body["relabels"]
    assert decode(json.dumps(body)).relabels == {}


@pytest.mark.parametrize("flaw", [{"before": 7}, {"seat": "june"}, {"at": "soon"}, {"id": None}])
def test_a_damaged_entry_is_no_record(flaw):
    body = json.loads(encode(with_relabel(Record(), relabel())))
    body["relabels"][0] |= flaw
    if flaw == {"before": 7}:
        assert decode(json.dumps(body)).relabels[7].before == "7"
        return
    with pytest.raises(ValueError, match=r".*"):
        decode(json.dumps(body))


def test_an_instance_that_is_gone_takes_its_old_label_along():
    held = with_relabel(record(known(7)), relabel())
    assert without_instance(held, 7).relabels == {}
    assert without_instance(held, 8).relabels == held.relabels
