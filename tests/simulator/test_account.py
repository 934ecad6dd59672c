"""What the account has beside its instances, and that every route survives whatever is sent to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.simulator.paths import ROUTES, Route
from reconciler.simulator.simulation import open_simulation

from .doors import KEY, Caller
from .test_door import JSON, NAMES

MORE_NAMES = (
    *NAMES, "ssh_key", "command", "tail", "filter", "daemon_logs", "amount", "pending_price_increase_id", "size",
    "name", "day", "gte", "lte", "type", "when", "service", "price", "target_state",
)  # fmt: skip
PARAMETERS = ("select_filters", "select_cols", "order_by", "limit", "after_token", "q", "latest_first", "format", "id")
INSTANCE = 41_000_000
DAYS = {"day": {"gte": 0, "lte": 4_000_000_000}}


def rented(caller: Caller, **body: Any) -> int:
    offer = caller.search(num_gpus={"eq": 1}, order=[["dph_total", "asc"]], limit=1)[0]
    return caller.rented(offer["id"], **body)


def path_of(route: Route, number: int) -> str:
    return route.path.pattern.removesuffix("/?").replace("([0-9]{1,18})", str(number)).replace("\\", "") + (
        "/" if route.path.pattern.endswith("/?") else ""
    )


def test_every_route_is_found_under_its_own_path() -> None:
    for route in ROUTES:
        assert route.path.fullmatch(path_of(route, 7)), route


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    route=st.sampled_from(ROUTES),
    body=st.dictionaries(st.sampled_from(MORE_NAMES), JSON),
    query=st.dictionaries(st.sampled_from(PARAMETERS), JSON | st.text(max_size=8), max_size=3),
    known=st.booleans(),
)
def test_no_route_breaks_whatever_is_sent(
    caller: Caller, route: Route, body: dict[str, Any], query: dict[str, Any], known: bool
) -> None:
    world = caller.simulation._world
    number = next(iter(world.contracts), None) or rented(caller)
    path = path_of(route, number if known else 7)
    if path.endswith("bundles/"):
        body = {"gpu_name": {"eq": "Q RTX 8000"}, **body}
    status, content = caller.send(route.method, path, body, **query)
    assert status in (200, 301, 400, 403, 404, 410, 411, 413, 422, 483, 500)
    if status == 500:
        assert content["msg"] == "Something went wrong on the server"  # an image without a tag


def test_the_account_is_kept_with_the_world(caller: Caller, tmp_path: Path) -> None:
    caller.ok("POST", "/api/v0/ssh/", {"ssh_key": "ssh-ed25519 AAAA me"})
    number = rented(caller, label="kept")
    caller.ok("PUT", f"/api/v0/instances/request_logs/{number}/", {"daemon_logs": "true"})
    caller.ok("PUT", "/api/v0/volumes/", {"id": 1, "size": 10, "name": "data"})
    caller.simulation.advance(7200)
    charges = caller.ok("GET", "/api/v0/charges/", select_filters=DAYS)
    caller.simulation.save()
    caller.simulation.close()
    with open_simulation(tmp_path / "world.json") as again:
        other = Caller(again)
        assert other.ok("GET", "/api/v0/ssh/")[0]["public_key"] == "ssh-ed25519 AAAA me"
        assert other.ok("GET", "/api/v0/volumes/")["volumes"][0]["label"] == "data"
        assert again._world.account.saved() == caller.simulation._world.account.saved()
        kept = other.ok("GET", "/api/v0/charges/", select_filters=DAYS)
        assert kept["results"][0]["source"] == charges["results"][0]["source"] == f"instance-{number}"


def test_a_link_in_an_answer_names_the_server_that_was_asked(caller: Caller) -> None:
    number = rented(caller)
    path = f"/api/v0/instances/request_logs/{number}/"
    for host, base in (("127.0.0.1:8123", "http://127.0.0.1:8123"), (None, "http://127.0.0.1")):
        headers = KEY if host is None else {**KEY, "HOST": host}
        answer = caller.simulation.handle("PUT", path, "", headers, b"{}")[2]
        url = json.loads(answer)["result_url"]
        assert url.startswith(f"{base}/simulator/logs/")
        assert caller.simulation.handle("GET", urlsplit(url).path, "", {}, b"")[0] == 404
        caller.simulation.advance(3)
        assert caller.simulation.handle("GET", urlsplit(url).path, "", {}, b"")[0] == 200


def test_same_calls_give_the_same_account(tmp_path: Path) -> None:
    contents = []
    for name in ("one", "two"):
        with open_simulation(tmp_path / name / "world.json", seed=3) as simulation:
            caller = Caller(simulation)
            number = rented(caller)
            caller.ok("POST", f"/api/v0/instances/{number}/ssh/", {"ssh_key": "ssh-rsa A"})
            caller.ok("PUT", f"/api/v0/instances/command/{number}/", {"command": "ls /"})
            caller.simulation.advance(90000)
            simulation.save()
        contents.append((tmp_path / name / "world.json").read_bytes())
    assert contents[0] == contents[1]


@pytest.mark.parametrize(
    ("tail", "pattern", "lines"),
    [("1", None, 1), ("0", None, 0), (None, "create.*machine", 1), (None, "^nothing$", 0), ("x", None, 3)],
)
def test_logs_are_cut_and_filtered(caller: Caller, tail: str | None, pattern: str | None, lines: int) -> None:
    number = rented(caller)
    caller.simulation.advance(3600)
    body = {"daemon_logs": "true", "tail": tail, "filter": pattern}
    url = caller.ok("PUT", f"/api/v0/instances/request_logs/{number}/", body)["result_url"]
    caller.simulation.advance(3)
    content = caller.simulation.handle("GET", urlsplit(url).path, "", {}, b"")[2]
    assert content.decode().count("\n") == lines


def test_a_template_search_finds_nothing_in_its_own_words(caller: Caller) -> None:
    query = urlencode({"select_filters": json.dumps({"name": {"eq": "nobody"}})})
    status, _, content = caller.simulation.handle("GET", "/api/v0/template/", query, KEY, b"")
    assert (status, json.loads(content)) == (200, {"success": False, "msg": "No templates found"})


def test_every_route_stands_in_the_documentation() -> None:
    lines = (Path(__file__).resolve().parents[2] / "docs" / "simulator.md").read_text(encoding="utf-8").splitlines()
    for route in ROUTES:
        path = path_of(route, 0).replace("/0/", "/{id}/").removeprefix("/api/v0").removesuffix("!")
        rows = [line for line in lines if line.startswith("| ") and f"{path}`" in line.split("|")[1]]
        assert any(f"{route.method} " in row or f"`{route.method}`" in row for row in rows), (route.method, path)
