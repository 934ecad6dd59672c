"""Bids on the wire: what is asked for, what a rent and a new bid send, and what the answers mean."""

from __future__ import annotations

from decimal import Decimal

import httpx
import pytest
import respx

from reconciler.errors import KeyProblem
from reconciler.provider import BidDoubtful, BidSent, Gone, OfferGone, RefusedButCreated, RentDoubtful, RentRefused
from reconciler.vast.pacing import GAP_SECONDS

from .world import CANARY, HTML, ORIGIN, FakeClock, Script, VastProvider, order, provider_for, query, said, wire_for

D = Decimal
URL = f"{ORIGIN}/api/v0/instances/bid_price/7/"
SENT = said(200, {"success": True})
ROW = {
    "id": 41, "machine_id": 5, "host_id": 6, "num_gpus": 1, "gpu_name": "RTX 3060", "gpu_ram": 12288, "is_bid": True,
    "dph_base": 0.0333333, "min_bid": 0.0333333, "dph_total": 0.0353, "storage_cost": 0.144, "disk_space": 200.0,
    "rentable": True, "external": False, "verification": "verified",
}  # fmt: skip


# --- searching ------------------------------------------------------------------------------------


def asked(**changes):
    script = Script(said(200, {"offers": []}))
    provider_for(script).search(query(**changes))
    return script.bodies[0]


def test_a_search_for_bids_says_so_and_bounds_them():
    body = asked(interruptible=True, max_bid=D("0.2"), max_price_per_hour=D("0.5"))
    assert body["type"] == "bid"
    assert body["min_bid"] == {"lte": pytest.approx(0.2, abs=2e-9)}
    assert body["min_bid"]["lte"] >= 0.2
    assert body["dph_total"] == {"lte": pytest.approx(0.5, abs=2e-9)}


def test_a_search_on_demand_speaks_of_no_bid():
    body = asked()
    assert body["type"] == "on-demand"
    assert "min_bid" not in body


def found(*rows, **changes):
    return provider_for(Script(said(200, {"offers": list(rows)}))).search(query(**changes)).offers


def test_the_least_bid_is_the_base_of_an_offers_price():
    (offer,) = found(ROW, interruptible=True)
    assert (offer.least_bid, offer.base_price_per_hour) == (D("0.0333333"), D("0.0333333"))
    assert offer.price_per_hour(720) == D("0.0333333") + D("0.144")


def test_a_price_on_demand_in_a_search_for_bids_is_not_taken_for_a_bid():
    (offer,) = found({**ROW, "is_bid": False, "dph_base": 0.71}, interruptible=True)
    assert (offer.least_bid, offer.base_price_per_hour) == (D("0.0333333"), D("0.0333333"))


def test_an_offer_on_demand_has_no_least_bid():
    (offer,) = found({**ROW, "is_bid": False, "dph_base": 0.71})
    assert (offer.least_bid, offer.base_price_per_hour) == (None, D("0.71"))


@pytest.mark.parametrize("odd", [None, "0.03", -0.1, True, ...])
def test_a_row_that_does_not_tell_its_least_bid_is_dropped(odd):
    row = {name: value for name, value in {**ROW, "min_bid": odd}.items() if value is not ...}
    assert [offer.id for offer in found(row, {**ROW, "id": 42}, interruptible=True)] == [42]


# --- renting --------------------------------------------------------------------------------------


def rented(**changes):
    script = Script(said(200, {"success": True, "new_contract": 99}))
    answer = provider_for(script).rent(order(**changes))
    return answer, script


def test_a_bid_is_sent_as_the_price_and_its_loss_names_what_it_made():
    _, script = rented(kind="interruptible", bid=D("0.1105"))
    (body,) = script.bodies
    assert (body["price"], body["cancel_unavail"], body["target_state"]) == (0.1105, False, "running")
    assert b'"price":0.1105,' in script.requests[0].content


def test_on_demand_there_is_no_price():
    _, script = rented()
    (body,) = script.bodies
    assert "price" not in body
    assert body["cancel_unavail"] is True


WRONG = {
    "an interruptible one without a bid": {"kind": "interruptible"},
    "one on demand with a bid": {"bid": D("0.1")},
    "a bid of nothing": {"kind": "interruptible", "bid": D(0)},
    "a bid below the least": {"kind": "interruptible", "bid": D("0.0009")},
    "a bid above the most": {"kind": "interruptible", "bid": D("128.0001")},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG.keys())
def test_an_order_that_would_rent_as_nobody_asked_for_is_not_sent(changes):
    answer, script = rented(**changes)
    assert isinstance(answer, RentRefused)
    assert (answer.stops, script.requests) == ("fleet", [])
    assert "nothing was sent" in answer.why


LOST = {"success": False, "error": "bid_too_low", "msg": "bid too low"}
ANSWERS = {
    "a lost bid with its contract": (said(200, {**LOST, "new_contract": 99}), RefusedButCreated),
    "a lost bid that made nothing": (said(400, LOST), OfferGone),
    "a lost bid of which nobody can tell": (said(200, LOST), RentDoubtful),
}


@pytest.mark.parametrize(("answer", "kind"), ANSWERS.values(), ids=ANSWERS.keys())
def test_what_a_lost_bid_means(answer, kind):
    assert isinstance(provider_for(Script(answer)).rent(order(kind="interruptible", bid=D("0.1"))), kind)


# --- a new bid ------------------------------------------------------------------------------------


@respx.mock
def test_a_new_bid_is_one_request_with_the_price():
    clock = FakeClock()
    route = respx.put(URL).mock(return_value=httpx.Response(200, json={"success": True}))
    assert VastProvider(wire_for(None, clock), clock).bid(7, D("0.1210")) == BidSent()
    assert route.call_count == 1
    assert route.calls[0].request.content == b'{"client_id":"me","price":0.121}'


DOUBTS = {
    "no answer in time": httpx.ReadTimeout("slow"),
    "a connection that broke": httpx.ReadError("broken"),
    "too many requests": said(429, {"detail": "API requests too frequent endpoint threshold=5.5"}),
    "a server's error": said(502, {"success": False}),
    "a page of HTML": HTML,
    "success that is not said": said(200, {}),
    "a failure with status 200": said(200, {"success": False, "error": "busy", "msg": "try later"}),
    "a price that is refused": said(400, {"success": False, "error": "invalid_args", "msg": "Please set a bid price"}),
}


@pytest.mark.parametrize("answer", DOUBTS.values(), ids=DOUBTS)
def test_whatever_is_not_a_plain_yes_is_doubtful_and_never_sent_twice(answer):
    script = Script(answer, SENT)
    told = provider_for(script).bid(7, D("0.1"))
    assert isinstance(told, BidDoubtful)
    assert told.why
    assert len(script.requests) == 1


def test_an_unknown_instance_is_gone():
    answer = said(404, {"success": False, "error": "no_such_instance", "msg": "Instance with that ID does not exist."})
    assert provider_for(Script(answer)).bid(7, D("0.1")) == Gone(7)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refused_key_is_no_answer_about_the_instance(status):
    answer = said(status, {"success": False, "error": "auth_error", "msg": f"Invalid user key {CANARY}"})
    with pytest.raises(KeyProblem) as caught:
        provider_for(Script(answer)).bid(7, D("0.1"))
    assert CANARY not in str(caught.value)


def test_new_bids_keep_the_documented_gap():
    script = Script(SENT)
    provider = provider_for(script)
    provider.bid(7, D("0.1"))
    provider.bid(8, D("0.1"))
    assert script.times[1] - script.times[0] >= GAP_SECONDS["bid"] == 5.5


def test_an_instance_tells_the_least_bid_of_its_host():
    row = {"id": 7, "label": None, "is_bid": True, "min_bid": 0.1, "dph_total": 0.12, "storage_total_cost": 0.01}
    found = provider_for(Script(said(200, {"instances": row}))).instance(7)
    assert (found.interruptible, found.least_bid) == (True, D("0.1"))
