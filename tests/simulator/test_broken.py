"""A broken request gets the documented shape of an error on every route that reads it, and never a 500."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.simulator.door import Asked, SoundDoor
from reconciler.simulator.world import World

from .doors import KEY
from .served import village

BODIES = [
    ("POST", "/api/v0/bundles/"), ("PUT", "/api/v0/search/asks/"), ("PUT", "/api/v0/asks/41000000/"),
    ("PUT", "/api/v0/instances/1/"), ("DELETE", "/api/v0/instances/1/"), ("PUT", "/api/v0/instances/bid_price/1/"),
    ("PUT", "/api/v0/instances/request_logs/1/"), ("PUT", "/api/v0/instances/reboot/1/"),
    ("PUT", "/api/v0/instances/recycle/1/"), ("POST", "/api/v0/ssh/"), ("POST", "/api/v0/instances/1/ssh/"),
]  # fmt: skip
TEN_MEGABYTES = b'{"x": "' + b"a" * 10_000_000 + b'"}'


@pytest.fixture(scope="module")
def world() -> World:
    return village(5)


def answered(world: World, method: str, path: str, body: bytes = b"", query: str = "") -> tuple[int, Any]:
    world.advance(13)
    reply = SoundDoor(world).handle(Asked(method, path, query, KEY, body)).answer
    assert reply.headers["content-type"] == "application/json", reply
    return reply.status, json.loads(reply.body)


def assert_error(found: tuple[int, Any], *statuses: int) -> None:
    status, content = found
    assert status in statuses, found
    assert content["success"] is False
    assert isinstance(content["error"], str)
    assert isinstance(content["msg"], str)


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff\xfe{}", b"{}{}"], ids=["torn", "list", "utf-16", "two"])
@pytest.mark.parametrize(("method", "path"), BODIES)
def test_bad_json_is_a_400_or_the_id_a_404(world: World, method: str, path: str, body: bytes) -> None:
    assert_error(answered(world, method, path, body), 400, 404)


@pytest.mark.parametrize(("method", "path"), BODIES[:5])
def test_ten_megabytes_are_no_500(world: World, method: str, path: str) -> None:
    assert_error(answered(world, method, path, TEN_MEGABYTES), 400, 404, 413)


@pytest.mark.parametrize(
    "conditions",
    [
        {"num_gpus": {"about": 1}}, {"num_gpus": {"$gt": 1}}, {"gpu_name": {"like": "RTX"}}, {"nothing": {"eq": 1}},
        {"order": [["nothing", "asc"]]}, {"limit": "many"}, {"type": "gift"}, {"geolocation": {"gte": "US"}},
    ],
)  # fmt: skip
def test_an_unknown_operator_or_field_of_a_search_is_a_400(world: World, conditions: dict[str, Any]) -> None:
    assert_error(answered(world, "POST", "/api/v0/bundles/", json.dumps(conditions).encode()), 400)


@pytest.mark.parametrize("filters", ['{"label":{"about":1}}', '{"nothing":{"eq":1}}', "{", "[]"])
def test_an_unknown_operator_or_field_of_the_list_is_a_400(world: World, filters: str) -> None:
    assert_error(answered(world, "GET", "/api/v1/instances/", query=f"select_filters={filters}"), 400)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/api/v0/asks/7/", {"image": "a:1", "disk": 8}),
        ("PUT", "/api/v0/instances/7/", {"state": "stopped"}),
        ("PUT", "/api/v0/instances/7/", {"label": "x"}),
        ("DELETE", "/api/v0/instances/7/", {}),
        ("PUT", "/api/v0/instances/bid_price/7/", {"price": 1}),
        ("PUT", "/api/v0/instances/reboot/7/", {}),
        ("PUT", "/api/v0/instances/recycle/7/", {}),
        ("PUT", "/api/v0/instances/request_logs/7/", {}),
    ],
)
def test_an_unknown_id_is_a_4xx(world: World, method: str, path: str, body: dict[str, Any]) -> None:
    assert_error(answered(world, method, path, json.dumps(body).encode()), 400, 404, 410)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/api/v0/bundles/"), ("DELETE", "/api/v0/bundles/"), ("GET", "/api/v0/asks/1/"),
        ("POST", "/api/v1/instances/"), ("PATCH", "/api/v0/instances/1/"), ("POST", "/api/v0/users/current/"),
    ],
)  # fmt: skip
def test_a_wrong_method_is_a_405(world: World, method: str, path: str) -> None:
    assert_error(answered(world, method, path, b"{}"), 405)
