"""One run at a time, as politeness: who holds the ledger, for how long, and what becomes of one it is taken from."""

from __future__ import annotations

import pytest
from builders import HOUR_S, NOW, known, record

from reconciler.core.lease import LASTS_S, Holder, Lease
from reconciler.errors import Busy

each_store = pytest.mark.parametrize("opened", ["a file", "a git ref"], indirect=True)
HERE = Holder("here", 7, "reconcile apply")
THERE = Holder("there", 9, "reconcile destroy")


def lease(id: str, holder: Holder = HERE, at: float = NOW) -> Lease:
    return Lease(id, holder, at, at)


def lives(_: Holder) -> bool:
    return False


def died(_: Holder) -> bool:
    return True


def at(moment: float):
    return lambda: moment


@each_store
def test_one_lease_stands_at_a_time(opened):
    first, second = opened(), opened()
    assert first.take(lease("a"), at(NOW), lives) is None
    assert second.take(lease("b", THERE, NOW + 5), at(NOW + 5), lives) == lease("a")
    first.release()
    assert second.take(lease("b", THERE, NOW + 6), at(NOW + 6), lives) is None
    assert first.lease() == lease("b", THERE, NOW + 6)


@each_store
def test_a_lease_is_renewed_with_each_save(opened):
    holder, other = opened(), opened()
    moment = [NOW]
    holder.take(lease("a"), lambda: moment[0], lives)
    holder.load()
    for _ in range(4):
        moment[0] += LASTS_S - 1
        holder.save(record())
        assert other.lease().renewed == moment[0]
        standing = other.take(lease("b", THERE, moment[0] + 1), at(moment[0] + 1), lives)
        assert (standing.id, standing.since) == ("a", NOW)


TAKEN = {
    "of a run that has not written for ten minutes": (NOW + LASTS_S, lives),
    "of a process that is dead": (NOW + 1, died),
    "of a clock that is two hours ahead": (NOW - 2 * HOUR_S, lives),
}


@each_store
@pytest.mark.parametrize(("now", "is_dead"), TAKEN.values(), ids=TAKEN.keys())
def test_a_lease_that_does_not_stand_is_taken(opened, now, is_dead):
    first, second = opened(), opened()
    first.take(lease("a"), at(NOW), lives)
    first.load()
    assert second.take(lease("b", THERE, now), at(now), is_dead) is None
    with pytest.raises(Busy):
        first.save(record(known()))
    second.load()
    second.save(record(known(7)))
    assert sorted(opened(read_only=True).load().known) == [7]


def test_a_lease_taken_away_under_the_hand_decides_nothing_the_record_does(opened):
    """Even with the lease stolen behind the store's back two runs cannot both save."""
    first, second = opened(), opened()
    first.take(lease("a"), at(NOW), lives)
    first.load(), second.load()
    first._db.execute("DELETE FROM lease")
    assert second.take(lease("b", THERE), at(NOW), lives) is None
    first.save(record(known(1)))
    with pytest.raises(Busy):
        second.save(record(known(2)))
    assert sorted(first.load().known) == [1]


@each_store
def test_unlocking_ends_the_run_that_held_it(opened):
    holder, other = opened(), opened()
    holder.take(lease("a"), at(NOW), lives)
    holder.load()
    assert other.unlock("a")
    assert other.lease() is None
    with pytest.raises(Busy):
        holder.save(record(known()))
    holder.release()


@each_store
@pytest.mark.parametrize("wrong", ["b", "", "A", "a' OR '1'='1"])
def test_unlocking_another_id_removes_nothing(opened, wrong):
    holder = opened()
    holder.take(lease("a"), at(NOW), lives)
    holder.load()
    assert not opened().unlock(wrong)
    holder.save(record(known()))


@each_store
def test_giving_back_leaves_the_lease_of_the_next_one(opened):
    first, second = opened(), opened()
    first.take(lease("a"), at(NOW), lives)
    second.take(lease("b", THERE, NOW + LASTS_S), at(NOW + LASTS_S), lives)
    first.release()
    assert first.lease().id == "b"


@each_store
def test_a_run_without_a_lease_saves_all_the_same(opened):
    """Who only reads and notes needs none; nobody else's is renewed by it."""
    opened().take(lease("a"), at(NOW), lives)
    reader = opened()
    reader.load()
    reader.save(record())
    assert reader.lease() == lease("a")
