"""GPU names: the market's spelling, whatever the user's."""

from __future__ import annotations

import pytest

from reconciler.core.gpus import KNOWN, is_misspelt, normalise, suggest
from reconciler.core.near import distance, near


@pytest.mark.parametrize("name", ["RTX 3060", "RTX_3060", "RTX3060", "rtx 3060", "rtx-3060", " RTX  3060 "])
def test_all_spellings_are_one(name):
    assert normalise(name) == "RTX 3060"


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_name_stays_and_is_found_by_any_spelling(name):
    assert normalise(name) == normalise(name.replace(" ", "_")) == normalise(name.replace(" ", "").lower()) == name


def test_an_unknown_name_keeps_its_spelling():
    assert normalise("RTX_9090_Ultra") == "RTX 9090 Ultra"


MISSPELT = {"RTX 306O": "RTX 3060", "RTXX 4090": "RTX 4090", "H100 SMX": "H100 SXM", "RTX 4060 Tie": "RTX 4060 Ti"}


@pytest.mark.parametrize(("name", "meant"), MISSPELT.items())
def test_a_misspelling_is_recognised(name, meant):
    assert suggest(name) == meant
    assert is_misspelt(name)


@pytest.mark.parametrize("name", ["RTX 6090", "RTX 3050", "MI300X", "B300", ""])
def test_a_card_not_seen_yet_is_no_misspelling(name):
    assert not is_misspelt(name)


def test_distance_and_nearness():
    assert [distance("kitten", word) for word in ("kitten", "mitten", "sitting", "k")] == [0, 1, 3, 3]
    assert near("replica", ["replicas", "price"]) == "replicas"
    assert near("x", ["y"]) is None, "nothing of the word would be left"
    assert near("abc", []) is None
