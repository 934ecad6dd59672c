"""What several answers amount to: the newest ask of the same GPUs counts, and nothing is gone for being absent."""

from __future__ import annotations

from decimal import Decimal

import pytest
from builders import offer
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.crowd import overlap
from reconciler.core.offer import OfferQuery
from reconciler.core.pool import Pool


def row(id, gpus="", *, machine=7, count=None, price="0.2", name="RTX 3060"):
    """An offer of one machine with these GPUs, `"01"`; no GPUs: it does not say which."""
    ids = frozenset(map(int, gpus))
    return offer(id, machine_id=machine, gpu_ids=ids, gpu_count=count or len(ids) or 1, price=price, gpu_name=name)


TAKEN_IN = {
    # first answer, second answer, the asks known then, of how many machines the second told something new
    "another machine": ([row(1, "0")], [row(2, "0", machine=8)], {1, 2}, 1),
    "the same ask at another price": ([row(1, "0")], [row(1, "0", price="0.3")], {1}, 0),
    "a new ask of the same GPU": ([row(1, "0")], [row(2, "0")], {2}, 0),
    "another GPU of the machine": ([row(1, "0")], [row(2, "1")], {1, 2}, 1),
    "two other GPUs, of one machine": ([row(1, "0")], [row(2, "1"), row(3, "2")], {1, 2, 3}, 1),
    "a larger size of the same GPUs": ([row(1, "0")], [row(2, "01")], {1, 2}, 1),
    "the GPUs grouped in another way": ([row(1, "01"), row(2, "23")], [row(3, "12")], {3}, 0),
    "asks that do not say which GPUs they are": ([row(1)], [row(2)], {2}, 0),
    "an ask that does not say so any more": ([row(1, "0")], [row(1)], {1}, 0),
    "nothing": ([row(1, "0")], [], {1}, 0),
}


@pytest.mark.parametrize(("first", "second", "asks", "news"), TAKEN_IN.values(), ids=TAKEN_IN)
def test_an_answer_is_taken_in(first, second, asks, news):
    pool = Pool(first)
    assert pool.add(second) == news
    assert {known.id for known in pool} == asks


def test_the_newest_price_counts():
    pool = Pool([row(1, "0", price="0.2")])
    pool.add([row(2, "0", price="0.3")])
    assert [known.base_price_per_hour for known in pool] == [Decimal("0.3")]


def test_sizes_are_known_by_machine():
    pool = Pool([row(1, "0"), row(2, "1"), row(3, "01"), row(4, "0", machine=8)])
    assert {machine: [o.id for o in rows] for machine, rows in pool.sizes(1).items()} == {7: [1, 2], 8: [4]}
    assert {machine: [o.id for o in rows] for machine, rows in pool.sizes(2).items()} == {7: [3]}
    assert pool.machines == 2


def test_what_is_proven_holds_up_to_its_price_and_for_narrower_questions():
    wide = OfferQuery(("RTX 3060", "RTX 3090"), 1, 8)
    narrow = OfferQuery(("RTX 3060",), 1, 32, require=("verified",))
    pool = Pool()
    assert not pool.knows(narrow, Decimal("0.1"))
    pool.prove(wide, Decimal("0.3"))
    assert pool.knows(narrow, Decimal("0.3"))
    assert not pool.knows(narrow, Decimal("0.31"))
    assert not pool.knows(OfferQuery(("RTX 4090",), 1, 32), Decimal("0.1"))


ASKS = st.lists(
    st.builds(
        lambda id, machine, gpus: row(id, "".join(map(str, sorted(gpus))), machine=machine),
        st.integers(1, 12),
        st.integers(1, 3),
        st.sets(st.integers(0, 3), min_size=1, max_size=2),
    ),
    max_size=12,
)


@given(st.lists(ASKS, max_size=4))
@settings(max_examples=100, deadline=None)
def test_no_gpu_is_known_twice_and_no_machine_is_lost(answers):
    pool = Pool()
    for answer in answers:
        news = pool.add(answer)
        assert 0 <= news <= len({known.machine_id for known in answer})
    known = list(pool)
    assert pool.machines == len({o.machine_id for answer in answers for o in answer})
    for i, one in enumerate(known):
        for other in known[:i]:
            if one.machine_id == other.machine_id and one.gpu_count == other.gpu_count:
                assert not overlap(one, other)
