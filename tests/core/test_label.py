"""The mark an instance carries: exact grammar, a check over all of it, and other versions that are never ours."""

from __future__ import annotations

import string

import pytest
from builders import fleet
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.fields import spec_hash
from reconciler.core.label import ForeignMark, Mark, Seat, attempt_of, read_label, write_label

MARK = Mark("voice-team", Seat("june-voice", 12), "7rca6p5t", "abcdefg2")
LABEL = "rc1/voice-team/june-voice/12/7rca6p5t/abcdefg2/gk2e"
LONGEST = Mark("o" * 20, Seat("f" * 40, 9999), "z" * 8, "7" * 8, adopted=True)

NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?", fullmatch=True)
FLEETS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", fullmatch=True)
EIGHT = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=8, max_size=8)
MARKS = st.builds(Mark, NAMES, st.builds(Seat, FLEETS, st.integers(0, 9999)), EIGHT, EIGHT, adopted=st.booleans())


def test_a_label_is_written_as_agreed():
    assert write_label(MARK) == LABEL


def test_a_label_says_what_was_written():
    assert read_label(LABEL, "voice-team") == MARK


def test_an_adopted_instance_has_an_a_before_its_index():
    adopted = Mark("default", Seat("june", 0), "7rca6p5t", "abcdefg2", adopted=True)
    assert write_label(adopted).startswith("rc1/default/june/a0/")
    assert read_label(write_label(adopted), "default") == adopted


def test_the_longest_label_has_94_characters():
    assert len(write_label(LONGEST)) == 94
    assert read_label(write_label(LONGEST), LONGEST.owner) == LONGEST


@given(MARKS)
def test_every_mark_survives_its_label(mark):
    label = write_label(mark)
    assert read_label(label, mark.owner) == mark
    assert len(label) <= 94
    assert label.isascii()
    assert label == label.lower()


@given(MARKS, NAMES)
def test_a_label_of_another_owner_is_foreign(mark, reader):
    read = read_label(write_label(mark), reader)
    assert read == (mark if reader == mark.owner else ForeignMark(mark.owner, mark.seat.fleet))


def edits(label: str) -> set[str]:
    """Every label that is one character away: replaced, dropped, doubled or put in."""
    characters = string.ascii_letters + string.digits + "/-_ .\n\u00e9"
    places = range(len(label))
    replaced = {label[:i] + c + label[i + 1 :] for i in places for c in characters}
    added = {label[:i] + c + label[i:] for i in range(len(label) + 1) for c in characters}
    dropped = {label[:i] + label[i + 1 :] for i in places}
    return (replaced | added | dropped) - {label}


@pytest.mark.parametrize("mark", [MARK, Mark("a", Seat("b", 0), "aaaaaaaa", "aaaaaaaa"), LONGEST], ids=str)
def test_no_single_edit_leaves_a_label_ours(mark):
    label = write_label(mark)
    ours = [edited for edited in edits(label) if isinstance(read_label(edited, mark.owner), Mark)]
    assert ours == []


NOT_OURS = {
    "no label": None,
    "an empty label": "",
    "a name given by hand": "june-voice",
    "a label with a blank before it": " " + LABEL,
    "a label with a line end behind it": LABEL + "\n",
    "a label in capitals": LABEL.upper(),
    "a label cut off before its check": LABEL[:-5],
    "a label cut off within its check": LABEL[:-1],
    "an index with a leading zero": LABEL.replace("/12/", "/012/"),
    "an index of five digits": LABEL.replace("/12/", "/12000/"),
    "digits that are not ASCII": LABEL.replace("/12/", "/\u0661\u0662/"),
    "an owner of 21 characters": write_label(Mark("o" * 21, Seat("june", 0), "7rca6p5t", "abcdefg2")),
    "a fleet of 41 characters": write_label(Mark("default", Seat("f" * 41, 0), "7rca6p5t", "abcdefg2")),
    "an owner that ends in a hyphen": write_label(Mark("team-", Seat("june", 0), "7rca6p5t", "abcdefg2")),
    "a label of this version without an owner": "rc1//june/0/7rca6p5t/abcdefg2/aaaa",
    "a prefix that only begins like ours": "rc1-voice-team/june-voice/12/7rca6p5t/abcdefg2/gk2e",
}


@pytest.mark.parametrize("label", NOT_OURS.values(), ids=NOT_OURS.keys())
def test_what_is_not_exactly_a_label_is_unmanaged(label):
    assert read_label(label, "voice-team") is None


OTHER_VERSIONS = {
    "a newer version": "rc2/voice-team/june-voice/12/7rca6p5t/abcdefg2/gk2e",
    "a newer version with more parts": "rc17/voice-team/june-voice/x/y/z/1/2/3",
    "an older version": "rc0/voice-team/june-voice/12",
}


@pytest.mark.parametrize("label", OTHER_VERSIONS.values(), ids=OTHER_VERSIONS.keys())
def test_another_version_of_the_label_is_foreign_even_with_our_owner(label):
    assert read_label(label, "voice-team") == ForeignMark("voice-team", "june-voice")


def test_seats_are_sorted_by_number_not_by_text():
    assert sorted([Seat("b", 2), Seat("b", 10), Seat("a", 11)]) == [Seat("a", 11), Seat("b", 2), Seat("b", 10)]


@given(st.integers(0, 2**40 - 1))
def test_forty_random_bits_are_eight_characters_of_their_own(bits):
    assert len(attempt_of(bits)) == 8
    assert attempt_of(bits) != attempt_of(bits ^ 1)


def test_a_spec_hash_fits_the_grammar():
    mark = Mark("default", Seat("june", 0), spec_hash(fleet()), attempt_of(0))
    assert read_label(write_label(mark), "default") == mark
