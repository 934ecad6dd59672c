"""Which trouble counts against a machine."""

from __future__ import annotations

import pytest

from reconciler.core import causes
from reconciler.core.causes import NEVER_COUNTS, ON_THE_WAY, exited, http_status, verdict_of

WORDS = {name: word for name, word in vars(causes).items() if name.isupper() and isinstance(word, str)}


def test_every_word_stands_once():
    assert len(set(WORDS.values())) == len(WORDS)
    assert {*NEVER_COUNTS, *ON_THE_WAY} <= set(WORDS.values())


@pytest.mark.parametrize("word", sorted(NEVER_COUNTS))
@pytest.mark.parametrize("key_held", [False, True])
def test_trouble_of_the_one_who_looks_never_counts(word, key_held):
    assert verdict_of(word, key_held=key_held) == "cannot tell"


@pytest.mark.parametrize("word", sorted(set(WORDS.values()) - NEVER_COUNTS - {"login refused"}))
@pytest.mark.parametrize("key_held", [False, True])
def test_trouble_of_the_machine_counts(word, key_held):
    assert verdict_of(word, key_held=key_held) == "fail"


def test_a_refused_login_counts_where_the_account_holds_the_key():
    assert verdict_of("login refused") == "cannot tell"
    assert verdict_of("login refused", key_held=True) == "fail"


def test_no_trouble_is_a_pass():
    assert verdict_of("") == "pass"


@pytest.mark.parametrize("word", ["no key", "no route", "name not resolved", "timed out"])
def test_all_alike_these_are_rather_the_ways_fault(word):
    assert word in ON_THE_WAY


def test_numbers_are_in_their_words():
    assert (http_status(503), exited(1), exited(-1)) == ("http 503", "exit 1", "exit by a signal")
    assert {verdict_of(word) for word in (http_status(503), exited(1), exited(-1))} == {"fail"}
