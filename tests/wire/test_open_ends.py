"""What is left open is said, waited for or refused; a run never ends well while something is not."""

from __future__ import annotations

import json

import pytest

from .stub import hangs_up, offer_row, offer_rows, says
from .world import fleet

GONE = says(400, {"success": False, "error": "invalid_args", "msg": "error 404/3603: no_such_ask"})


def test_a_doubt_is_not_rented_again_without_consent(stub, desk):
    stub.on("rent", hangs_up)
    desk.apply()
    refused = desk.apply(wait=True, yes=False)
    assert refused.code == 4
    assert refused.mutations == []


def test_a_destroy_that_cannot_be_prepared_is_tried_until_it_can(stub, desk):
    desk.apply(wait=True)
    desk.declare(fleet(replicas=0))
    stub.on("show", *[says(500, b"")] * 12)
    ran = desk.apply(wait=True)
    assert ran.code == 0, ran.said
    assert stub.instances == {}


@pytest.mark.parametrize("wait", [True, False], ids=["waiting", "one step"])
def test_a_destroy_that_could_not_be_prepared_is_a_failure(stub, desk, wait):
    desk.apply(wait=True)
    desk.declare(fleet(replicas=0))
    stub.always("show", says(500, b""))
    ran = desk.apply(wait=wait, timeout_s=600)
    assert ran.code == 1
    assert len(stub.instances) == 1
    assert ran.mutations == []


def test_a_report_for_machines_names_leaks_and_doubts(stub, desk):
    desk.apply(wait=True)
    desk.declare(fleet(replicas=0), fleet("july"))
    stub.always("destroy", says(500, b""))
    stub.on("rent", hangs_up)
    ran = desk.apply(shape="json")
    told = json.loads(ran.out)
    assert ran.code == 5
    assert [leak["id"] for leak in told["plan"]["leaks"]] == [9001]
    assert [doubt["seat"] for doubt in told["doubts"]] == ["july/0"]
    stub.honest("destroy")
    assert "LEAK" in desk.apply(shape="text", quiet=True).said or not stub.instances


def test_offers_that_vanish_do_not_use_up_the_tries(stub, desk):
    stub.on("rent", *[GONE] * 5)
    ran = desk.apply(wait=True)
    assert ran.code == 0, ran.said
    assert len(stub.instances) == 1


def test_a_seat_that_stays_empty_is_a_failure(stub, desk):
    stub.always("rent", says(200, {"success": False, "new_contract": 77}))
    ran = desk.apply(wait=True, timeout_s=3600)
    assert ran.code != 0
    assert stub.instances == {}


def test_a_better_tier_is_looked_for_behind_a_page_of_cheaper_offers(stub, desk):
    cheap = [offer_row(501 + n, base=0.1 + n / 10_000, geolocation="Ohio, US") for n in range(70)]
    stub.offers = {row["id"]: row for row in [*cheap, offer_row(900, base=0.3, geolocation="Texas, US")]}
    desk.declare(fleet(more="regions: {tiers: [{name: best, in: [US-TX], bonus: 0.9}, {name: rest, in: [US]}]}\n"))
    ran = desk.apply(wait=True)
    assert ran.code == 0, ran.said
    assert [row["geolocation"] for row in stub.instances.values()] == ["Texas, US"]


def test_a_row_that_cannot_be_read_does_not_end_the_search(stub, desk):
    rows = [offer_row(501 + n, base=0.1 + n / 10_000, reliability=0.5) for n in range(64)]
    del rows[3]["machine_id"]
    stub.offers = {row["id"]: row for row in [*rows, offer_row(900, base=0.3)]}
    assert desk.apply(wait=True).code == 0
    assert len(stub.instances) == 1


def test_offers_are_not_taken_that_an_open_attempt_may_hold(stub, desk):
    stub.offers = {row["id"]: row for row in offer_rows(3)}
    desk.declare(fleet(replicas=2))
    stub.on("rent", hangs_up)
    desk.apply()
    asked = [request.number for request in stub.of("rent")]
    desk.apply()
    assert len({request.number for request in stub.of("rent")}) == len(stub.of("rent")), asked
