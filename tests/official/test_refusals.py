"""What goes wrong on purpose, and what the official client makes of it."""

from __future__ import annotations

import http.client
import json
import re
from typing import Any

import pytest

from .client import Ran
from .desks import Desk


def refused(ran: Ran) -> str:
    """The client prints an HTTP error on its error stream and ends with 0 all the same."""
    assert (ran.code, ran.out) == (0, "")
    return ran.err.strip()


def test_a_wrong_key_is_a_404_and_a_missing_one_a_403(desk: Desk) -> None:
    assert refused(desk.run("show", "user", key="wrong")) == "Failed with error 404: Invalid user key"
    raw = json.loads(refused(desk.run("show", "instances", "--raw", key="wrong")))
    assert raw == {"error": True, "status_code": 404, "msg": "Invalid user key"}
    assert refused(desk.run("show", "user", key=None)) == "Failed with error 403: This action requires login."


def test_too_many_requests_are_refused_in_three_shapes_and_tried_three_times(still_desk: Desk) -> None:
    desk = still_desk
    number = desk.created()
    desk.wait(30)
    before = desk.service.served

    def label() -> str:
        return desk.client.command(desk.url, "label", "instance", number, "x", "--raw").err

    assert label() == ""
    errors = [label() for _ in range(3)]
    assert desk.service.served - before == 1 + 3 * 3
    assert [entry["status"] for entry in list(desk.service.log)[-9:]] == [429] * 9
    assert all(json.loads(error)["status_code"] == 429 for error in errors)


def test_the_last_shape_of_three_is_plain_text(still_desk: Desk) -> None:
    desk = still_desk
    desk.wait(30)
    desk.client.command(desk.url, "show", "instances", "--raw")
    ran = desk.client.command(desk.url, "show", "instances", "--raw")
    assert json.loads(ran.err)["msg"] == "(no detail message supplied)"


def test_the_days_search_rows_end_with_the_time_of_their_return(desk: Desk) -> None:
    with desk.service.lock:
        desk.simulation.world.limits.count_rows(20_000, desk.simulation.clock.now())
    before = desk.service.served
    said = refused(desk.run("search", "offers"))
    assert re.fullmatch(
        r"Failed with error 429: Daily search quota exceeded\.+ Resets at 2026-11-22 00:00 UTC\.", said
    ), said
    assert desk.service.served == before + 1


def test_an_offer_that_is_gone_is_a_400_that_says_404(desk: Desk) -> None:
    offer = desk.offers()[0]["id"]
    assert desk.raw("create", "instance", offer, "--image", "a/b:1")["success"] is True
    said = refused(desk.run("create", "instance", offer, "--image", "a/b:1"))
    assert said.startswith("Failed with error 400: error 404/3603: no_such_ask")
    assert len(desk.simulation.instances()) == 1


def test_an_image_without_a_tag_is_a_server_error(desk: Desk) -> None:
    said = refused(desk.run("create", "instance", desk.offers()[0]["id"], "--image", "acme/app"))
    assert said == "Failed with error 500: Something went wrong on the server"


def test_a_bid_that_does_not_win_leaves_a_stopped_instance_behind(desk: Desk) -> None:
    offer = desk.offers("num_gpus=1 min_bid>0.05", "-i")[0]
    said = desk.said("create", "instance", offer["id"], "--image", "a/b:1", "--bid_price", "0.001")
    assert said.startswith("Started. {'success': False")
    row = desk.simulation.instances()[0]
    assert (row["cur_state"], row["intended_status"]) == ("stopped", "stopped")
    assert str(row["id"]) in said


def test_a_start_without_free_gpus_is_queued_and_the_client_only_prints_it(desk: Desk) -> None:
    first = desk.created()
    machine = desk.row(first)["machine_id"]
    desk.said("stop", "instance", first)
    again = desk.offers(f"machine_id={machine} verified=any", "--limit", "64", "-o", "num_gpus-")[0]
    desk.raw("create", "instance", again["id"], "--image", "a/b:1")
    said = desk.said("start", "instance", first)
    assert said == "Required resources are currently unavailable, state change queued."
    row = desk.row(first)
    assert (row["intended_status"], row["cur_state"]) == ("running", "stopped")


def test_an_instance_that_is_gone_is_null_and_exit_code_1(desk: Desk) -> None:
    ran = desk.run("show", "instance", 7)
    assert (ran.code, ran.err.strip()) == (1, "Instance 7 not found or no longer exists.")
    assert desk.raw("show", "instance", 7) == {"instances": None}
    for words in (("stop", "instance", 7), ("destroy", "instance", 7, "-y"), ("label", "instance", 7, "x")):
        assert refused(desk.run(*words)) == "Failed with error 404: Instance 7 not found."
    assert refused(desk.run("change", "bid", 7, "--price", "0.2")).endswith("Instance with that ID does not exist.")


def test_a_label_may_have_1024_characters(desk: Desk) -> None:
    number = desk.created()
    desk.said("label", "instance", number, "x" * 1024)
    assert refused(desk.run("label", "instance", number, "x" * 1025)).startswith("Failed with error 400: Please limit")


def ask(desk: Desk, method: str, path: str, body: bytes = b"") -> tuple[int, str | None, Any]:
    desk.wait(13)
    connection = http.client.HTTPConnection(desk.url.removeprefix("http://"))
    connection.request(method, path, body, {"Authorization": "Bearer k", "Content-Type": "application/json"})
    answer = connection.getresponse()
    found = answer.status, answer.headers["Content-Type"], answer.read()
    connection.close()
    return found[0], found[1], json.loads(found[2]) if found[1] == "application/json" else found[2]


def test_the_old_list_is_retired_and_moved_without_its_slash(desk: Desk) -> None:
    status, _, content = ask(desk, "GET", "/api/v0/instances/")
    assert (status, content["error"]) == (410, "deprecated_endpoint")
    status, _, content = ask(desk, "GET", "/api/v0/instances")
    assert (status, content) == (301, {"instances": []})
    status, _, content = ask(desk, "GET", "/api/v0/users/current?owner=me")
    assert (status, content["error"]) == (400, "invalid_request")


def test_slashes_at_the_end_do_not_matter_elsewhere(desk: Desk) -> None:
    for path in ("/api/v1/instances", "/api/v0/instances/count", "/api/v1/instances/lite/", "/api/v0/users/current/"):
        assert ask(desk, "GET", path)[:2] == (200, "application/json")
    assert ask(desk, "GET", "/api/v0/instances/count/")[2] == {"count": 0}
    assert ask(desk, "GET", "/api/v0/gpu_types/")[2]["gpu_types"][0]["gpu_ram_mb"] > 0
    assert ask(desk, "GET", '/api/v0/bundles/?q={"limit":2}')[2]["offers"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("PUT", "/api/v0/asks/1/", b"{", 400, "invalid_args"),
        ("PUT", "/api/v0/asks/1/", b'{"label": "\\ud800", "image": "a:1"}', 400, "invalid_args"),
        ("PUT", "/api/v0/asks/1/", b"[" * 100_000, 400, "invalid_args"),
        ("PUT", "/api/v0/asks/1/", b'{"a": "' + b"x" * 10_000_000 + b'"}', 413, "invalid_args"),
        ("PUT", "/api/v0/instances/command/1/", b"{", 483, "invalid_args"),
        ("POST", "/api/v0/bundles/", b'{"num_gpus": {"like": 1}}', 400, "invalid_request"),
        ("POST", "/api/v0/users/current/", b"{}", 405, "method_not_allowed"),
        ("DELETE", "/api/v1/instances/", b"{}", 405, "method_not_allowed"),
        ("GET", '/api/v1/instances/?select_filters={"dph_total":{"gt":1}}', b"", 400, "invalid_request"),
        ("GET", "/api/v1/instances/?select_cols=%5B%22%5Cud800%22%5D", b"", 400, "invalid_request"),
        ("GET", "/api/v1/instances/?after_token=x", b"", 400, "invalid_token"),
        ("GET", "/api/v0/charges/", b"", 400, "invalid_request"),
        ("GET", '/api/v0/template/?select_filters={"nothing":{"eq":1}}', b"", 400, "invalid_request"),
        ("POST", "/api/v0/ssh/", b"{}", 400, "no_ssh_key"),
        ("GET", f"/api/v0/instances/{'9' * 18}/ssh/", b"", 404, "no_such_instance"),
    ],
)
def test_a_broken_request_gets_the_documented_shape(
    desk: Desk, method: str, path: str, body: bytes, status: int, error: str
) -> None:
    got, kind, content = ask(desk, method, path, body)
    assert (got, kind) == (status, "application/json")
    assert (content["success"], content["error"], bool(content["msg"])) == (False, error, True)
