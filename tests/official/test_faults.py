"""What Vast.ai's own client does when the simulator fails on purpose: the quirks that ours must not copy."""

from __future__ import annotations

import json

from reconciler.simulator.faults import Rule

from .desks import Desk


def broken(desk: Desk, call: str, fault: str, **more: object) -> None:
    with desk.service.lock:
        desk.service.door.install((Rule(call, fault, **more),))  # type: ignore[arg-type]


def requests(desk: Desk, method: str, path: str) -> int:
    return sum((entry["method"], entry["path"]) == (method, path) for entry in desk.service.log)


def test_a_lost_answer_to_a_create_is_repeated_and_leaves_an_instance_nobody_knows_of(desk: Desk) -> None:
    offer = desk.offers()[0]["id"]
    broken(desk, "rent", "server_error_after", at=(1,), settings={"status": 502})
    ran = desk.run("create", "instance", offer, "--image", "a/b:1")
    assert ran.out == ""
    assert requests(desk, "PUT", f"/api/v0/asks/{offer}/") > 1
    assert len(desk.simulation.instances()) == 1


def test_a_create_that_always_fails_is_tried_three_times(desk: Desk) -> None:
    offer = desk.offers()[0]["id"]
    broken(desk, "rent", "server_error", settings={"status": 502})
    ran = desk.run("create", "instance", offer, "--image", "a/b:1")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith("Failed with error 502")
    assert requests(desk, "PUT", f"/api/v0/asks/{offer}/") == 3


def test_a_page_of_the_edge_and_a_500_are_tried_once(desk: Desk) -> None:
    for fault, settings, status in (("forbidden", {}, 403), ("server_error", {"status": 500}, 500)):
        broken(desk, "list", fault, settings=settings)
        before = requests(desk, "GET", "/api/v1/instances/")
        ran = desk.run("show", "instances", "--raw")
        assert json.loads(ran.err)["status_code"] == status
        assert requests(desk, "GET", "/api/v1/instances/") == before + 1


def test_a_retired_list_is_an_error_for_their_client_too(desk: Desk) -> None:
    broken(desk, "list", "api_gone")
    ran = desk.run("show", "instances", "--raw")
    assert json.loads(ran.err)["status_code"] == 410
