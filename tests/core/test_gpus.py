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


@pytest.mark.parametrize("name", ["RTX 6090", "RTX 3050", "MI300X", "B300", "RTX PRO 6000", ""])
def test_a_card_not_seen_yet_is_no_misspelling(name):
    assert not is_misspelt(name)


MARKET = """
    A10, A100 PCIE, A100 SXM4, A100X, A30, A40, GTX 1050 Ti, GTX 1060, GTX 1070, GTX 1070 Ti, GTX 1080, GTX 1080 Ti,
    GTX 1650, GTX 1660, GTX 1660 S, GTX 1660 Ti, H100 NVL, H100 PCIE, H100 SXM, L4, L40, L40S, Q RTX 5000, Q RTX 6000,
    Quadro K2200, RTX 2060, RTX 2060S, RTX 2070, RTX 2070S, RTX 2080 Ti, RTX 2080S, RTX 3060, RTX 3060 Ti,
    RTX 3060 laptop, RTX 3070, RTX 3070 Ti, RTX 3080, RTX 3080 Ti, RTX 3090, RTX 3090 Ti, RTX 4000Ada, RTX 4060,
    RTX 4060 Ti, RTX 4070, RTX 4070 Ti, RTX 4070S, RTX 4070S Ti, RTX 4080, RTX 4080S, RTX 4090, RTX 5000Ada,
    RTX 6000Ada, RTX A2000, RTX A4000, RTX A5000, RTX A6000, Tesla P100, Tesla T4, Tesla V100, Titan V, Titan Xp,
    B200, GB200, H200, H200 NVL, RTX 5090, RTX 4090D, RTX PRO 6000 WS, RTX PRO 6000 S
"""
"""The 61 names of a recorded market, and those seen later."""


def test_every_name_of_the_recorded_markets_is_known():
    assert {name.strip() for name in MARKET.split(",")} - set(KNOWN) == set()


SUGGESTED = {
    "RTX 4080 Super": "RTX 4080S",
    "RTX 4070 Ti SUPER": "RTX 4070S Ti",
    "NVIDIA GeForce RTX 4090": "RTX 4090",
    "A100 SXM": "A100 SXM4",
    "A100": "A100 PCIE, A100 SXM4",
    "H100": "H100 NVL, H100 PCIE, H100 SXM",
    "V100": "Tesla V100",
    "4090": "RTX 4090",
    "MI300X": None,
    "": None,
}


@pytest.mark.parametrize(("name", "meant"), SUGGESTED.items())
def test_what_was_probably_meant(name, meant):
    assert suggest(name) == meant


@pytest.mark.parametrize("name", ["RTX 4080 Super", "GeForce RTX 4090"])
def test_the_makers_words_for_a_card_are_a_misspelling_of_it(name):
    assert is_misspelt(name)


def test_distance_and_nearness():
    assert [distance("kitten", word) for word in ("kitten", "mitten", "sitting", "k")] == [0, 1, 3, 3]
    assert near("replica", ["replicas", "price"]) == "replicas"
    assert near("x", ["y"]) is None, "nothing of the word would be left"
    assert near("abc", []) is None
