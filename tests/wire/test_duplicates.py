"""Of several live instances of a seat one goes only while fresh reads show the other alive, ours and of this seat; and
what came back over its price goes in the very run that rented it."""

from __future__ import annotations

import pytest

from reconciler.core.label import Mark, Seat, read_label, write_label

from .stub import Reply, Seen, Stub, says
from .world import fleet

KEEPER, LOSER = 9001, 9500


@pytest.fixture
def doubled(stub, desk):
    """Two instances run in one seat; by the rule the one of the lower id stays."""
    assert desk.apply(wait=True).code == 0
    label = read_label(stub.instances[KEEPER]["label"], "default")
    again = write_label(Mark("default", label.seat, label.spec_hash, "abcdefgh"))
    stub.instances[LOSER] = {**stub.instances[KEEPER], "id": LOSER, "label": again}
    desk.clock.time += 60
    return desk


def test_the_loser_goes_after_both_were_read_afresh(stub, doubled):
    ran = doubled.apply()
    assert ran.code == 0, ran.said
    assert [(r.route, r.number) for r in ran.calls][2:5] == [("show", KEEPER), ("show", LOSER), ("destroy", LOSER)]
    assert list(stub.instances) == [KEEPER]


def of_another_seat(row):
    mark = read_label(row["label"], "default")
    return {"label": write_label(Mark("default", Seat("june", 7), mark.spec_hash, mark.attempt))}


SPARED = {
    # what changes between the list and the fresh reads, and whose
    "the keeper is gone": (KEEPER, None),
    "the keeper's label is cut off": (KEEPER, lambda row: {"label": row["label"][:-1]}),
    "the keeper was renamed": (KEEPER, lambda _: {"label": "mine"}),
    "the keeper was moved to another seat": (KEEPER, of_another_seat),
    "the keeper's host went offline": (KEEPER, lambda _: {"actual_status": "offline"}),
    "somebody stopped the keeper": (KEEPER, lambda _: {"intended_status": "stopped", "cur_state": "stopped"}),
    "the keeper boots again and the loser runs": (KEEPER, lambda _: {"actual_status": "loading"}),
    "the loser was renamed": (LOSER, lambda _: {"label": "mine"}),
    "the loser was moved to another seat": (LOSER, of_another_seat),
}


@pytest.mark.parametrize(("whose", "change"), SPARED.values(), ids=SPARED.keys())
def test_the_loser_is_spared_when_a_fresh_read_shows_it_otherwise(stub, doubled, whose, change):
    def changes(stub: Stub, request: Seen) -> None:
        if change is None:
            stub.instances.pop(whose, None)
        else:
            stub.instances[whose] |= change(stub.instances[whose])

    stub.on("show", changes)
    ran = doubled.apply()
    assert ran.sent("destroy") == []
    assert LOSER in stub.instances


@pytest.mark.parametrize("who", ["the keeper", "the loser"])
def test_the_loser_is_spared_while_a_fresh_read_fails(stub, doubled, who):
    honest = [lambda s, r: None] if who == "the loser" else []
    stub.on("show", *honest, *[says(500, b"")] * 8)
    assert doubled.apply().sent("destroy") == []


def too_dear(stub: Stub, request: Seen) -> Reply:
    made = stub.make(request.number or 0, request.body, dph_total=0.9)
    return Reply(200, {"success": True, "new_contract": made})


def test_one_step_destroys_at_once_what_came_back_over_its_price(stub, desk):
    stub.on("rent", too_dear)
    ran = desk.apply()
    assert [r.route for r in ran.mutations] == ["rent", "destroy"], ran.said
    assert "over its cap" in ran.said
    assert stub.instances == {}


@pytest.mark.parametrize(("price", "stays"), [(0.505, True), (0.506, False)])
def test_one_percent_over_the_cap_is_borne(stub, desk, price, stays):
    def dear(stub: Stub, request: Seen) -> Reply:
        made = stub.make(request.number or 0, request.body, dph_total=price)
        return Reply(200, {"success": True, "new_contract": made})

    stub.on("rent", dear)
    desk.apply()
    assert bool(stub.instances) is stays


def test_what_always_comes_back_over_its_price_is_not_bought_for_ever(stub, desk):
    stub.always("rent", too_dear)
    runs = [desk.apply() for _ in range(7)]
    assert [len(ran.sent("rent")) for ran in runs] == [1, 1, 1, 1, 0, 0, 0]
    assert runs[-1].code == 4
    assert "lifted by: reconcile free june/0" in runs[-1].said


def test_two_that_another_runner_rented_are_two_and_one_goes(stub, desk):
    """A ledger of its own, the same owner: both runners follow the same rule, so both converge."""
    desk.declare(fleet(replicas=1))
    assert desk.apply(wait=True).code == 0
    mark = read_label(stub.instances[KEEPER]["label"], "default")
    strange = write_label(Mark("default", mark.seat, mark.spec_hash, "abcdefgh"))
    stub.instances[8000] = {**stub.instances[KEEPER], "id": 8000, "label": strange}
    assert "rented by another runner" in desk.plan().said
    ran = desk.apply(wait=True)
    assert (ran.code, list(stub.instances)) == (0, [8000]), ran.said


def test_a_replacement_whose_old_one_had_to_be_sent_twice_counts_as_one(stub, desk):
    assert desk.apply(wait=True).code == 0
    stub.instances[KEEPER]["actual_status"] = "exited"
    stub.on("destroy", says(200, {"success": True}))
    assert desk.apply(wait=True).code == 0
    (times,) = desk.record.replaced.values()
    assert len(times) == 1
    assert desk.record.emptied == {}
    assert len(stub.instances) == 1
