"""Real markets: a ranking that a reviewer can read, and two recordings of one market that differ by chance alone."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import cycle
from pathlib import Path

import pytest
from builders import NO_BANS, fleet

from reconciler.core.candidates import Appraiser
from reconciler.core.offer import Offer, OfferQuery
from reconciler.core.place import Ground, place
from reconciler.core.pool import Pool
from reconciler.provider import Found
from reconciler.survey import Eyes, survey

from .recorded import FIRST, GOLDEN, RECORDED_AT, SECOND, ranking, recorded, voice
from .shop import Now, chosen, fits, machines, needs

GROUND = Ground(NO_BANS, RECORDED_AT)
FLEETS = {
    "voice": voice(),
    "two cards, any order": fleet(models=("RTX 4090", "L40S"), replicas=6, max_per_hour="0.9"),
    "all that there are of a small one": fleet(
        models=("Tesla V100",), replicas=8, max_per_hour="0.6", min_reliability=Decimal("0.9")
    ),
    "pairs": fleet(models=("H100 SXM", "H200"), count=2, replicas=2, max_per_hour="9"),
    "eights": fleet(models=("H200", "H100 SXM"), count=8, replicas=2, max_per_hour="40"),
}


@pytest.fixture(scope="module")
def pair(market_data: Path) -> tuple[tuple[Offer, ...], tuple[Offer, ...]]:
    """The two recordings, 24 seconds apart."""
    return recorded(market_data, FIRST), recorded(market_data, SECOND)


def test_the_ranking_of_a_recorded_market_is_as_reviewed(market_data: Path):
    """`recorded.py` says how the file is written anew."""
    assert ranking(market_data) == (GOLDEN / "voice.txt").read_text(encoding="utf-8")


def test_the_ranking_does_not_depend_on_the_order_of_the_rows(market_data: Path):
    appraiser, rows = Appraiser(voice(), NO_BANS, RECORDED_AT), recorded(market_data, FIRST)
    assert appraiser.judged(rows) == appraiser.judged(rows[::-1])


def test_the_recordings_show_different_machines_and_asks(pair):
    """Else the tests below would prove nothing."""
    first, second = pair
    assert machines(first) - machines(second)
    assert machines(second) - machines(first)
    assert {row.id for row in first} != {row.id for row in second}


@pytest.mark.parametrize("spec", FLEETS.values(), ids=FLEETS)
def test_both_recordings_together_choose_the_same_machines_in_either_order(pair, spec):
    first, second = pair
    wanted = needs(spec)
    one = place(wanted, Pool([*first, *second]), GROUND)
    other = place(wanted, Pool([*second, *first]), GROUND)
    assert chosen(one) == chosen(other)
    assert len(one.choices) == spec.replicas


def test_what_only_one_of_them_shows_is_not_gone(pair):
    first, second = pair
    pool = Pool(first)
    pool.add(second)
    assert machines(pool) == machines(first) | machines(second)
    for rows, others in (pair, pair[::-1]):
        lone = machines(rows) - machines(others)
        assert lone <= machines(Pool([*rows, *others]))


def test_the_same_gpus_are_known_once(pair):
    pool = Pool([*pair[0], *pair[1]])
    known = [(row.machine_id, gpu, row.gpu_count) for row in pool for gpu in row.gpu_ids]
    assert len(known) == len(set(known)) > 500


class Flickering:
    """A market that shows the one recording, then the other, and so on."""

    def __init__(self, *recordings: tuple[Offer, ...]) -> None:
        self._turns: Iterator[tuple[Offer, ...]] = cycle(recordings)

    def search(self, query: OfferQuery) -> Found:
        rows = sorted(next(self._turns), key=lambda row: (row.price_per_hour(query.disk_gb), row.id))
        found = tuple(row for row in rows if fits(query, row))[:64]
        return Found(found, len(found))


@pytest.mark.parametrize("spec", FLEETS.values(), ids=FLEETS)
def test_a_market_that_flickers_is_seen_as_both_recordings_together(pair, spec):
    """Whichever of the two answers first, the machines chosen are those of the union."""
    wanted = needs(spec)
    best = chosen(place(wanted, Pool([*pair[0], *pair[1]]), GROUND))
    for turns in (pair, pair[::-1]):
        market = survey(Eyes(Flickering(*turns), Now()), wanted, GROUND)
        assert chosen(place(wanted, market.offers, GROUND)) == best
