"""Clear answers to a rent, and what a run makes of them."""

from __future__ import annotations

import pytest

from reconciler.core.label import read_label

from .stub import (
    Reply,
    Seen,
    Stub,
    instance_row,
    no_credit,
    no_longer_available,
    no_such_ask,
    offer_row,
    refused_but_created,
    says,
)
from .world import fleet


def seat_of(request):
    return str(read_label(request.body["label"], "default").seat)


def test_refused_but_created_is_destroyed_by_the_same_run(stub, desk):
    stub.on("rent", refused_but_created)
    ran = desk.apply()
    assert [(r.method, r.number) for r in ran.mutations] == [("PUT", 501), ("DELETE", 9001)]
    assert stub.instances == {}
    assert "9001" in ran.out
    assert desk.record.leaving == {}
    again = desk.apply()
    assert (again.code, [r.method for r in again.mutations]) == (0, ["PUT"])


def test_after_a_refused_but_created_one_a_waiting_run_rents_the_seat(stub, desk):
    stub.on("rent", refused_but_created)
    ran = desk.apply(wait=True)
    assert [r.method for r in ran.mutations] == ["PUT", "DELETE", "PUT"]
    assert sorted(stub.instances) == [9002]
    assert desk.record.intents == {}


@pytest.mark.parametrize("status", [400, 404, 409, 429, 500])
def test_a_contract_in_any_refusal_exists_and_goes(stub, desk, status):
    def refuses(stub: Stub, request: Seen) -> Reply:
        made = stub.make(request.number or 0, request.body)
        return Reply(status, {"success": False, "error": "no_such_ask", "new_contract": made})

    stub.on("rent", refuses)
    ran = desk.apply()
    assert [(r.method, r.number) for r in ran.mutations] == [("PUT", 501), ("DELETE", 9001)]
    assert stub.instances == {}


def test_refused_but_created_and_read_too_slowly_goes_in_a_later_pass(stub, desk):
    def slowly(_: Stub, __: Seen) -> None:
        desk.clock.time += 6

    stub.on("rent", refused_but_created)
    stub.on("show", slowly)
    ran = desk.apply()
    assert (ran.code, [r.method for r in ran.mutations]) == (5, ["PUT"])
    assert [r.method for r in desk.apply().mutations] == ["DELETE"]
    assert stub.instances == {}


def test_refused_but_created_and_not_to_be_destroyed_is_a_leak(stub, desk):
    stub.on("rent", refused_but_created)
    stub.always("destroy", says(500, b""))
    ran = desk.apply()
    assert ran.code == 5
    assert "LEAK: instance 9001" in ran.last_line
    stub.honest("destroy")
    again = desk.apply(wait=True)
    assert again.code == 0, again.said
    first, second = again.mutations
    assert (first.method, first.number, second.method) == ("DELETE", 9001, "PUT")
    assert list(stub.instances) == [9002]
    assert desk.apply().mutations == []


def test_a_named_contract_that_is_another_ones_is_not_destroyed(stub, desk):
    stub.instances[77] = instance_row(77, offer_row(), {"disk": 10, "label": "my own"})
    stub.on("rent", says(200, {"success": False, "new_contract": 77}))
    ran = desk.apply()
    again = desk.apply()
    assert [r.method for r in stub.mutations] == ["PUT"]
    assert 77 in stub.instances
    assert "77" in ran.said
    assert "instance 77" in again.said


def made_with(**fields: object):
    def makes(stub: Stub, request: Seen) -> Reply:
        return Reply(200, {"success": True, "new_contract": stub.make(request.number or 0, request.body, **fields)})

    return makes


WRONG = {"over its cap": {"dph_total": 0.506}, "a bid": {"is_bid": True}}


@pytest.mark.parametrize("fields", WRONG.values(), ids=WRONG.keys())
def test_what_this_run_rented_and_is_not_as_ordered_goes_at_once(stub, desk, fields):
    stub.on("rent", made_with(**fields))
    ran = desk.apply(wait=True)
    assert [r.method for r in ran.mutations] == ["PUT", "DELETE", "PUT"], ran.said
    assert sorted(stub.instances) == [9002]
    assert ran.code == 0


def test_machines_that_go_wrong_are_not_rented_again_in_the_run(stub, desk):
    stub.offers |= {600 + n: {**stub.offers[501], "id": 600 + n} for n in range(3)}
    stub.always(
        "rent", lambda s, r: made_with(dph_total=0.6)(s, r) if s.offers[r.number]["machine_id"] == 20501 else None
    )
    ran = desk.apply(wait=True)
    assert [r.method for r in ran.mutations] == ["PUT", "DELETE", "PUT"], ran.said
    assert [row["machine_id"] for row in stub.instances.values()] == [20502]


IN_VAIN = {"refused but created": refused_but_created} | {name: made_with(**fields) for name, fields in WRONG.items()}


@pytest.mark.parametrize("answer", IN_VAIN.values(), ids=IN_VAIN.keys())
def test_where_a_rent_came_to_nothing_the_next_runs_try_elsewhere_for_an_hour(stub, desk, answer):
    stub.offers |= {600 + n: {**stub.offers[501], "id": 600 + n} for n in range(3)}
    stub.always("rent", lambda s, r: answer(s, r) if s.offers[r.number]["machine_id"] == 20501 else None)
    assert [r.method for r in desk.apply().mutations] == ["PUT", "DELETE"]
    assert stub.instances == {}
    desk.clock.time += 60
    assert [r.method for r in desk.apply().mutations] == ["PUT"]
    assert [row["machine_id"] for row in stub.instances.values()] == [20502]
    desk.declare(fleet(replicas=2))
    desk.clock.time += 3600
    assert [r.method for r in desk.apply().mutations] == ["PUT", "DELETE"]
    assert len(desk.record.aside[20501]) == 2


def test_a_hair_over_the_cap_is_no_reason(stub, desk):
    stub.on("rent", made_with(dph_total=0.504))
    assert len(desk.apply(wait=True).mutations) == 1


@pytest.mark.parametrize("label", [None, "x", "rc1/default/june/0"])
def test_an_instance_whose_label_does_not_come_back_is_reported_and_its_seat_stays_taken(stub, desk, label):
    stub.on("rent", made_with(label=label))
    assert desk.apply().code == 0
    for _ in range(3):
        desk.clock.time += 400
        ran = desk.apply()
        assert ran.mutations == []
        assert "9001 was rented by us, but its label is not ours" in ran.out


GONE = {"400 with the word inside the message": no_such_ask, "410": no_longer_available}


@pytest.mark.parametrize("answer", GONE.values(), ids=GONE.keys())
def test_when_the_offer_is_gone_the_next_ranked_one_is_taken_in_the_same_run(stub, desk, answer):
    stub.on("rent", answer, answer)
    ran = desk.apply()
    assert ran.code == 0
    assert [r.number for r in ran.mutations] == [501, 502, 503]
    labels = [r.body["label"] for r in ran.mutations]
    assert len(set(labels)) == 3
    assert desk.record.intents.keys() == {read_label(labels[-1], "default").attempt}


def test_no_offer_above_the_ceiling_is_taken_when_offers_vanish(stub, desk):
    for number in (503, 504, 505, 506):
        stub.offers[number]["dph_base"] = 0.45
    stub.on("rent", no_such_ask, no_such_ask)
    ran = desk.apply()
    assert [r.number for r in ran.mutations] == [501, 502]
    assert stub.instances == {}


MONEY = {
    "no credit": no_credit,
    "402 with words": says(402, {"success": False, "error": "x", "msg": "Your account lacks credit"}),
    "a spend cap": says(400, {"success": False, "error": "spend_rate_limit", "msg": "too fast for a new account"}),
}


@pytest.mark.parametrize("answer", MONEY.values(), ids=MONEY.keys())
@pytest.mark.parametrize("wait", [False, True], ids=["one step", "waiting"])
def test_no_money_stops_every_rent_of_the_run(stub, desk, answer, wait):
    desk.declare(fleet("april", replicas=2), fleet("june", replicas=2))
    stub.always("rent", answer)
    ran = desk.apply(wait=wait)
    assert (ran.code, len(ran.mutations)) == (1, 1), ran.said
    assert sum("refused" in line for line in ran.said.splitlines()) == 1
    assert desk.record.intents == {}


@pytest.mark.parametrize("word", ["invalid_args", "invalid_price", "no_ssh_key_for_vm"])
def test_bad_arguments_stop_their_fleet_and_no_other(stub, desk, word):
    def refuses_april(stub: Stub, request: Seen) -> Reply | None:
        if not seat_of(request).startswith("april"):
            return None
        return Reply(400, {"success": False, "error": word, "msg": f"error 400/3467: {word}: x"})

    desk.declare(fleet("april", replicas=2), fleet("june", replicas=2))
    stub.always("rent", refuses_april)
    ran = desk.apply(wait=True)
    assert ran.code == 1
    assert [seat_of(r) for r in ran.mutations].count("april/0") == 1
    assert sorted(seat_of(r) for r in ran.mutations) == ["april/0", "june/0", "june/1"]
    assert len(stub.instances) == 2
