from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.simulator.limits import ROWS_A_DAY

from .doors import KEY, Caller

NAMES = (
    "eq", "in", "notin", "gte", "id", "image", "disk", "label", "env", "args", "price", "onstart", "template_hash_id",
    "order", "limit", "type", "allocated_storage", "geolocation", "verified", "num_gpus", "q", "select_cols", "state",
    "ids", "instance_ids", "runtype", "col", "dir", "values",
)  # fmt: skip
QUERY = ("select_filters", "order_by", "select_cols", "limit", "after_token", "q")
DOORS = (
    ("POST", "/api/v0/bundles/"),
    ("PUT", "/api/v0/search/asks/"),
    ("GET", "/api/v0/search/asks/"),
    ("PUT", "/api/v0/asks/41000000/"),
    ("GET", "/api/v1/instances/"),
    ("PUT", "/api/v0/instances/1/"),
    ("PUT", "/api/v0/instances/"),
    ("DELETE", "/api/v0/instances/"),
    ("PUT", "/api/v0/instances/bid_price/1/"),
)


@pytest.mark.parametrize(
    ("headers", "status", "text"),
    [
        ({}, 403, "This action requires login."),
        ({"Authorization": "Bearer "}, 403, "This action requires login."),
        ({"authorization": "Bearer wrong"}, 404, "Invalid user key"),
        ({"authorization": "Bearer anything"}, 200, None),
    ],
)
def test_a_key_is_needed_and_a_wrong_one_is_a_404(
    caller: Caller, headers: dict[str, str], status: int, text: str | None
) -> None:
    got, content = caller.send("GET", "/api/v1/instances/", headers=headers)
    assert got == status
    if text:
        assert content == {"success": False, "error": "auth_error", "msg": text}


def test_a_search_works_without_a_key_but_not_with_a_wrong_one(caller: Caller) -> None:
    assert caller.send("POST", "/api/v0/bundles/", {}, headers={})[0] == 200
    assert caller.send("POST", "/api/v0/bundles/", {}, headers={"authorization": "Bearer wrong"})[0] == 404


def test_answers_carry_exactly_the_json_type(caller: Caller) -> None:
    _, headers, _ = caller.simulation.handle("GET", "/api/v0/users/current", "", KEY, b"")
    assert headers == {"content-type": "application/json"}


@pytest.mark.parametrize("path", ["/api/v0/offers/", "/api/v2/instances/", "/", "/api/v0/instances/x/"])
def test_an_unknown_path_gets_the_web_page_with_status_200(caller: Caller, path: str) -> None:
    status, content = caller.send("GET", path)
    assert status == 200
    assert content.startswith(b"<!DOCTYPE html>")


def test_the_account_has_credit_and_a_zero_balance(caller: Caller) -> None:
    user = caller.ok("GET", "/api/v0/users/current")
    assert (user["credit"], user["balance"]) == (250.0, 0)
    assert caller.send("GET", "/api/v0/users/current", owner="me")[0] == 400


@pytest.mark.parametrize("body", [b"{", b"[]", b"7"])
def test_a_body_that_is_no_object_is_refused(caller: Caller, body: bytes) -> None:
    status, _, _ = caller.simulation.handle("PUT", "/api/v0/asks/1/", "", KEY, body)
    assert status == 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(route=st.sampled_from(DOORS), body=st.dictionaries(st.sampled_from(NAMES), JSON), name=st.sampled_from(QUERY))
def test_whatever_is_sent_gets_an_answer(
    caller: Caller, route: tuple[str, str], body: dict[str, Any], name: str
) -> None:
    status, _ = caller.send(*route, {"gpu_name": {"eq": "Q RTX 8000"}, **body}, **{name: body.get("q")})
    assert status in (200, 400, 404, 500)


GAPS = [
    ("GET", "/api/v1/instances/", 1.0),
    ("GET", "/api/v0/instances/1/", 2.0),
    ("PUT", "/api/v0/instances/1/", 1.0),
    ("DELETE", "/api/v0/instances/1/", 3.0),
    ("PUT", "/api/v0/asks/1/", 4.5),
]


@pytest.mark.parametrize(("method", "path", "gap"), GAPS)
def test_a_route_wants_its_interval(caller: Caller, method: str, path: str, gap: float) -> None:
    caller.patient = False
    body: Any = {"image": "a:1", "label": "x"}
    assert caller.send(method, path, body)[0] != 429
    caller.simulation.advance(gap - 0.1)
    assert caller.send(method, path, body)[0] == 429
    caller.simulation.advance(0.1 if gap != 4.5 else 11.9)
    assert (caller.send(method, path, body)[0] == 429) is (gap == 4.5)
    caller.simulation.advance(12)
    assert caller.send(method, path, body)[0] != 429


def test_refusals_take_the_three_documented_shapes_in_turn(caller: Caller) -> None:
    caller.patient = False
    caller.send("GET", "/api/v1/instances/")
    shapes = [caller.send("GET", "/api/v1/instances/") for _ in range(4)]
    assert [status for status, _ in shapes] == [429] * 4
    assert shapes[0][1] == {"detail": "API requests too frequent endpoint threshold=1.0"}
    assert shapes[1][1]["error"] == "rate_limit_exceeded"
    assert shapes[2][1] == b"API requests too frequent: endpoint threshold=1.0"
    assert shapes[3] == shapes[0]


def test_ten_searches_fit_in_a_minute(caller: Caller) -> None:
    caller.patient = False
    answers = [caller.send("POST", "/api/v0/bundles/", {"limit": 1})[0] for _ in range(11)]
    assert answers == [200] * 10 + [429]
    caller.simulation.advance(60)
    assert caller.send("POST", "/api/v0/bundles/", {"limit": 1})[0] == 200


def test_the_rows_of_a_day_are_limited_until_midnight(caller: Caller) -> None:
    world = caller.simulation._world
    world.limits.count_rows(ROWS_A_DAY - 1, world.now)
    assert len(caller.search(limit=5)) == 5
    status, headers, _ = caller.simulation.handle("POST", "/api/v0/bundles/", "", KEY, b"{}")
    reset = int(headers["X-RateLimit-Reset"])
    assert status == 429
    assert reset % 86400 == 0
    assert 0 < reset - world.now < 86400
    caller.simulation.advance(reset - world.now)
    assert len(caller.search(limit=5)) == 5


def test_the_transport_takes_a_fifth_of_a_simulated_second(caller: Caller) -> None:
    before = caller.simulation.clock.now()
    with httpx.Client(
        transport=caller.simulation.transport(), base_url="https://console.vast.ai", headers=KEY
    ) as client:
        answer = client.get("/api/v1/instances/", params={"select_filters": '{"label": {"in": ["a b"]}}'})
        assert answer.json()["instances"] == []
        assert client.post("/api/v0/bundles/", json={"limit": 3}).json()["offers"]
    assert caller.simulation.clock.now() - before == pytest.approx(0.4)


def test_the_clock_sleeps_without_waiting(caller: Caller) -> None:
    before = caller.simulation.clock.now()
    caller.simulation.clock.sleep(86400)
    caller.simulation.clock.sleep(-5)
    assert caller.simulation.clock.now() == before + 86400
