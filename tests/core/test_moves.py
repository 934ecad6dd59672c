"""Moving in and out: what is taken where, what is refused, what is put back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import NO_BANS, NOW, OWNER, adopted, diff, fleet, instance, intent, known, leaving, record, seat

from reconciler.core.instance import Setup
from reconciler.core.label import read_label
from reconciler.core.moves import Ask, Ground, adopt_all, adopt_named, release_all, release_named, under_way
from reconciler.core.record import Relabel
from reconciler.core.text import safe

JUNE = fleet(replicas=3)


def odd(number, **options):
    """An unmanaged instance as `june` would have it, with a label of its own."""
    return instance(None, id=number, **{"label": f"pool-{number}", **options})


def ground(fleets, instances, before=None, *, beside=()):
    before = before or record()
    return Ground(diff(fleets, instances, before), before, OWNER, NO_BANS, NOW, frozenset(beside))


def moved(moves):
    return [(str(move.seat), move.id) for move in moves.moves]


def refused(moves):
    return {refusal.instance_id: refusal.why for refusal in moves.refusals}


def asks(*texts):
    found = []
    for text in texts:
        where, _, number = text.partition("=")
        name, _, index = where.partition("/")
        found.append(Ask(name, int(index) if index else None, int(number)))
    return found


SEATS = {
    "a seat by name": (["june/1=7"], [], [("june/1", 7)]),
    "the lowest free seat": (["june=7"], [], [("june/0", 7)]),
    "the next free seat beside one that is taken": (["june=7"], [instance("june/0", JUNE)], [("june/1", 7)]),
    "several, the named seat first": (["june=7", "june/0=8"], [], [("june/0", 8), ("june/1", 7)]),
}


@pytest.mark.parametrize(("words", "there", "expected"), SEATS.values(), ids=SEATS)
def test_an_instance_gets_the_seat_it_is_given(words, there, expected):
    found = adopt_named(ground(JUNE, [*there, odd(7), odd(8)]), asks(*words))
    assert (moved(found), refused(found)) == (expected, {})


def test_the_new_label_is_ours_and_says_adopted():
    (move,) = adopt_named(ground(JUNE, [odd(7)]), asks("june/2=7")).moves
    mark = read_label(move.after, OWNER)
    assert (move.before, str(mark.seat), mark.adopted) == ("pool-7", "june/2", True)


REFUSED = {
    "no such instance": ("june=9", [], {}, "there is no such instance in this account"),
    "one that is managed": ("june=100", [instance("june/2", JUNE)], {}, "it is managed already, as june/2"),
    "one of a fleet declared nowhere": ("june=100", [instance("other/0")], {}, "it is managed already, as other/0"),
    "another owner's": (
        "june=100",
        [instance("voice/1", owner="team-b")],
        {},
        "it is owner team-b's, of fleet voice",
    ),
    "a seat that is taken": ("june/0=7", [instance("june/0", JUNE)], {}, "june/0 is taken by instance 100"),
    "a seat in doubt": ("june/0=7", [], {"items": [intent()]}, "june/0 is taken"),
    "a seat that is being emptied": ("june/0=7", [], {"items": [leaving(99), known(99)]}, "june/0 is taken"),
    "a seat beyond the replicas": ("june/3=7", [], {}, "june/3 is beyond the declared replicas: 3 wanted"),
    "one that is being destroyed": ("june=7", [], {"items": [leaving(7, "june/1")]}, "a destroy of it is under way"),
    "a fleet that is another owner's in this account": (
        "june=7",
        [instance("june/0", owner="team-b")],
        {},
        "owner team-b has a fleet june in this account, and owner default has none",
    ),
    "an undeclared fleet": ("july=7", [], {}, "no fleet is named july"),
}


@pytest.mark.parametrize(("word", "there", "before", "why"), REFUSED.values(), ids=REFUSED)
def test_what_may_not_be_adopted_is_refused(word, there, before, why):
    found = adopt_named(ground(JUNE, [*there, odd(7)], record(*before.get("items", ()))), asks(word))
    assert (moved(found), list(refused(found).values())) == ([], [why])


def test_a_full_fleet_refuses_and_names_the_field():
    full = [instance(f"june/{index}", JUNE, id=200 + index) for index in range(3)]
    (refusal,) = adopt_named(ground(JUNE, [*full, odd(7)]), asks("june=7")).refusals
    assert refusal.why == "fleet june has no free seat: 3 wanted"
    assert refusal.lift.startswith("raise replicas")


def test_beside_accepts_another_owner_of_the_name():
    theirs = instance("june/0", owner="team-b")
    found = adopt_named(ground(JUNE, [theirs, odd(7)], beside=["team-b"]), asks("june=7"))
    assert moved(found) == [("june/0", 7)]


def test_an_instance_that_lost_the_label_of_its_rent_is_mended_by_adopting_it():
    before = record(intent(instance_id=7))
    found = adopt_named(ground(JUNE, [odd(7)], before), asks("june/0=7"))
    assert moved(found) == [("june/0", 7)]


def test_the_same_again_is_no_refusal_and_changes_no_label():
    row = adopted(JUNE, odd(7), at="june/1")
    for word in ("june/1=7", "june=7"):
        (move,) = adopt_named(ground(JUNE, [row]), asks(word)).moves
        assert move.before == move.after == row.label
    assert refused(adopt_named(ground(JUNE, [row]), asks("june/2=7"))) == {7: "it is managed already, as june/1"}


# --- everything that fits ----------------------------------------------------------------------------


A = fleet("a", replicas=2, onstart="sleep 1")
B = fleet("b", replicas=2)
SCRIPT = Setup("ssh-direct", (), (), "sleep 1", ())
PLAIN = Setup("ssh-direct", (), (), None, ())


def test_every_instance_goes_where_it_differs_least():
    rows = [odd(1, setup=PLAIN), odd(2, setup=SCRIPT), odd(3, setup=PLAIN), odd(4, setup=SCRIPT)]
    found = adopt_all(ground([A, B], rows))
    assert moved(found) == [("a/0", 2), ("a/1", 4), ("b/0", 1), ("b/1", 3)]
    assert [move.differences for move in found.moves] == [()] * 4


def test_a_difference_is_taken_where_nothing_closer_has_a_seat():
    (move,) = adopt_all(ground([B], [odd(2, setup=SCRIPT)])).moves
    assert list(map(str, move.differences)) == ["container.onstart script of 1 line -> none"]


UNFIT = {
    "another image": ({"image": safe("nginx:1")}, "no fleet describes it (june: image nginx:1)"),
    "an untold image": ({"image": None}, "no fleet describes it (june: image not told)"),
    "another card": ({"gpu_name": safe("RTX 4090")}, "no fleet describes it (june: 1x RTX 4090)"),
    "more GPUs": ({"gpu_count": 2}, "no fleet describes it (june: 2x RTX 3060)"),
    "too dear": (
        {"price_per_hour": "0.9"},
        "no fleet describes it (june: price.max_per_hour $0.900/h -> $0.500/h)",
    ),
    "interruptible": ({"interruptible": True}, "no fleet describes it (june: it is interruptible)"),
}


@pytest.mark.parametrize(("oddity", "why"), UNFIT.values(), ids=UNFIT)
def test_what_fits_nowhere_is_left_alone_with_the_reason(oddity, why):
    found = adopt_all(ground(JUNE, [odd(7, **oddity)]))
    assert (moved(found), refused(found)) == ([], {7: why})


def test_more_instances_than_seats_are_told():
    found = adopt_all(ground(JUNE, [odd(number) for number in range(1, 6)]))
    assert moved(found) == [("june/0", 1), ("june/1", 2), ("june/2", 3)]
    assert refused(found) == dict.fromkeys((4, 5), "fleet june has no free seat for it")


def test_managed_and_other_owned_instances_are_never_among_them():
    rows = [instance("june/0", JUNE), instance("voice/0", owner="team-b", id=101), odd(7)]
    found = adopt_all(ground(JUNE, rows))
    assert (moved(found), refused(found)) == ([("june/1", 7)], {})


# --- going on ----------------------------------------------------------------------------------------


def begun(number=7, at="june/1", before="pool-7", **options):
    """A record in which an adoption was written down."""
    entry = Relabel(number, seat(at), before, "rc1/default/june/a1/aaaaaaaa/aaaaaaaa/aaaa", NOW, **options)
    return record(relabels={number: entry})


def test_an_adoption_that_was_written_down_and_does_not_show_is_under_way():
    assert set(under_way(ground(JUNE, [odd(7)], begun()))) == {7}


NOT_UNDER_WAY = {
    "its label was changed since": ([odd(7, label="mine")], begun()),
    "it is gone": ([], begun()),
    "it is managed by now": ([instance("june/1", JUNE, id=7)], begun()),
    "it is being released": ([odd(7)], begun(releasing=True)),
}


@pytest.mark.parametrize(("there", "before"), NOT_UNDER_WAY.values(), ids=NOT_UNDER_WAY)
def test_nothing_else_is_under_way(there, before):
    assert under_way(ground(JUNE, there, before)) == {}


def test_its_seat_is_kept_for_it():
    place = ground(JUNE, [odd(6), odd(7), odd(8), odd(9)], begun())
    assert ("june/1", 7) in moved(adopt_all(place))
    assert moved(adopt_named(place, asks("june=7"))) == [("june/1", 7)]
    assert moved(adopt_named(place, asks("june=8", "june=9"))) == [("june/0", 8), ("june/2", 9)]
    assert refused(adopt_named(place, asks("june/1=8"))) == {8: "june/1 is taken"}
    assert refused(adopt_named(place, asks("june/0=7"))) == {7: "it is being adopted as june/1 already"}


# --- moving out --------------------------------------------------------------------------------------


def test_an_adopted_instance_gets_its_old_label_back():
    row = adopted(JUNE, odd(7))
    (move,) = release_named(diff(JUNE, [row]), begun(), [7]).moves
    assert (move.before, move.after, move.remembered) == (row.label, "pool-7", True)


def test_one_that_had_no_label_gets_none_and_that_is_remembered():
    row = adopted(JUNE, odd(7, label=None))
    (move,) = release_named(diff(JUNE, [row]), begun(before=None), [7]).moves
    assert (move.after, move.remembered) == (None, True)


def test_where_the_old_label_is_lost_it_gets_none_and_that_is_said():
    (move,) = release_named(diff(JUNE, [adopted(JUNE, odd(7))]), record(), [7]).moves
    assert (move.after, move.remembered) == (None, False)


def test_all_of_ours_is_released_and_nothing_else():
    rows = [
        instance("june/0", JUNE),
        instance("june/9", JUNE, id=101),
        instance("old/0", id=102),
        instance("june/0", id=103, owner="team-b"),
        odd(7),
    ]
    assert moved(release_all(diff(JUNE, rows), record())) == [("june/0", 100), ("june/9", 101), ("old/0", 102)]


NOT_OURS = {
    "an unmanaged one": ([odd(7)], 7, "it is not managed: there is nothing to release"),
    "another owner's": ([instance("x/0", id=7, owner="team-b")], 7, "it is owner team-b's, of fleet x"),
    "none at all": ([], 7, "there is no such instance in this account"),
}


@pytest.mark.parametrize(("there", "number", "why"), NOT_OURS.values(), ids=NOT_OURS)
def test_what_is_not_ours_is_not_released(there, number, why):
    found = release_named(diff(JUNE, there), record(), [number])
    assert (moved(found), refused(found)) == ([], {number: why})


def test_what_is_being_destroyed_is_not_released():
    before = record(known(100), leaving(100))
    found = diff(JUNE, [instance("june/0", JUNE)], before)
    for moves in (release_named(found, before, [100]), release_all(found, before)):
        assert (moved(moves), refused(moves)) == ([], {100: "a destroy of it is under way"})


def test_a_label_of_ours_that_was_cut_can_be_put_back():
    row = odd(7, label="rc1/default/june/a1/aaaa")
    found = release_named(diff(JUNE, [row]), begun(), [7])
    assert [(move.before, move.after) for move in found.moves] == [(row.label, "pool-7")]


def test_a_label_that_somebody_wrote_since_is_not_overwritten():
    found = release_named(diff(JUNE, [odd(7, label="mine")]), begun(), [7])
    assert refused(found) == {7: "it is not managed: there is nothing to release"}


def test_names_of_seats_do_not_decide_who_is_released():
    rows = [replace(instance("june/0", JUNE), id=5), replace(instance("june/0", JUNE), id=6)]
    assert moved(release_named(diff(JUNE, rows), record(), [6])) == [("june/0", 6)]
