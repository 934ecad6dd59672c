"""Pending price increases: what is read of them, what is passed over, and what is an error."""

from __future__ import annotations

from decimal import Decimal

import pytest

from reconciler.core.rises import Asked
from reconciler.errors import DoubtfulReading, KeyProblem, Unreachable

from .world import HTML, Script, provider_for, said

END = 1_798_000_000.0
ROW = {
    "pending_price_increase_id": 5,
    "contract_id": 41,
    "host_id": 9,
    "new_gpu_costpersec": 0.00008,
    "old_gpu_costpersec": 0.00006,
    "new_bwu_cost": None,
    "contract_end_date": END,
    "ask_end_date": END + 2_592_000,
}


def answer(*rows: object, **more: object) -> Script:
    body = {"success": True, "count": len(rows), "truncated": False, "pending_price_increases": list(rows), **more}
    return Script(said(200, body))


def test_a_wish_is_so_much_more_an_hour_from_the_contract_s_end_on():
    script = answer(ROW)
    assert provider_for(script).price_rises() == (Asked(41, Decimal("0.072"), END, END + 2_592_000),)
    (request,) = script.requests
    assert (request.method, request.url.path) == ("GET", "/api/v0/instances/pending-price-increases/")


def test_a_wish_without_a_later_end_is_one():
    (asked,) = provider_for(answer({**ROW, "ask_end_date": None})).price_rises()
    assert asked.until is None


ODD = {
    "no object": 7,
    "no contract": {**ROW, "contract_id": None},
    "a contract in quotes": {**ROW, "contract_id": "41"},
    "no end": {**ROW, "contract_end_date": "soon"},
    "an end in milliseconds": {**ROW, "contract_end_date": END * 1000},
    "no new price": {**ROW, "new_gpu_costpersec": None},
    "a price of thousands a second": {**ROW, "new_gpu_costpersec": 4000},
    "less than nothing": {**ROW, "old_gpu_costpersec": -0.1},
}


@pytest.mark.parametrize("row", ODD.values(), ids=ODD.keys())
def test_a_row_that_is_no_wish_is_passed_over(row):
    assert [asked.instance_id for asked in provider_for(answer(row, ROW)).price_rises()] == [41]


def test_a_server_without_such_a_page_knows_of_none():
    assert (
        provider_for(Script(said(404, {"success": False, "error": "not_found", "msg": "no such page"}))).price_rises()
        == ()
    )


WRONG = {
    "a page of HTML": (HTML, DoubtfulReading),
    "no list": (said(200, {"success": True}), DoubtfulReading),
    "an error in a 200": (said(200, {"success": False, "error": "x"}), DoubtfulReading),
    "a wrong key": (said(404, {"error": "auth_error", "msg": "Invalid user key"}), KeyProblem),
    "a key without the scope": (said(403, {"error": "x"}), KeyProblem),
    "a server that is down": (said(503, {}), Unreachable),
}


@pytest.mark.parametrize(("step", "error"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_believed_is_an_error(step, error):
    with pytest.raises(error):
        provider_for(Script(step)).price_rises()
