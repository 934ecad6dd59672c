"""The real HTTP server: its life, its clock, its control endpoints, and that it says what the engine says."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.cli import run
from reconciler.errors import ReconcileError
from reconciler.simulator.connection import Connection
from reconciler.simulator.server import LoopbackServer, SimulatorServer
from reconciler.simulator.service import Service
from reconciler.simulator.simulation import open_simulation
from reconciler.simulator.transport import SimulatedTransport

from .doors import KEY
from .served import village

MODULES = Path(__file__).resolve().parents[2] / "reconciler" / "simulator"


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    with SimulatorServer(village()) as server:
        yield server
        assert server.service.failures == []


def call(server: SimulatorServer, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    with httpx.Client(base_url=server.url, headers=KEY, trust_env=False, verify=False) as client:
        answer = client.request(method, path, content=None if body is None else json.dumps(body))
        return answer.status_code, answer.json()


@pytest.mark.parametrize(("limits", "statuses"), [(True, {200, 429}), (False, {200})], ids=["limited", "unlimited"])
def test_the_pace_is_enforced_unless_it_is_switched_off(limits: bool, statuses: set[int]) -> None:
    with SimulatorServer(village(), speed=0, limits=limits) as server:
        assert {call(server, "GET", "/api/v0/instances/1/")[0] for _ in range(3)} == statuses


# --- one engine, two doors --------------------------------------------------------------------------

ASKED: tuple[tuple[str, str, Any], ...] = (
    ("GET", "/api/v0/users/current", None),
    ("POST", "/api/v0/bundles/", {"limit": 5}),
    ("PUT", "/api/v0/search/asks/", {"q": {"num_gpus": {"eq": "1"}}, "select_cols": ["id", "dph_total"]}),
    ("GET", "/api/v1/instances/?select_filters=%7B%22label%22%3A+%7B%22in%22%3A+%5B%22a+b%22%5D%7D%7D", None),
    ("PUT", "/api/v0/asks/{ask}/", {"image": "acme/app:1", "disk": 10, "label": "é/1"}),
    ("GET", "/api/v1/instances/", None),
    ("GET", "/api/v0/instances/", None),
    ("GET", "/api/v0/instances", None),
    ("GET", "/api/v0/instances/41250000/?owner=me", None),
    ("PUT", "/api/v0/instances/41250000/", {"label": "b"}),
    ("POST", "/api/v0/bundles/", {"gpu_name": {"like": 1}}),
    ("GET", "/nowhere/at%20all?x=%zz", None),
    ("DELETE", "/api/v0/instances/41250000/", {}),
    ("DELETE", "/api/v0/instances/41250000/", {}),
)


def test_the_same_requests_get_the_same_bytes_at_both_doors() -> None:
    world = village()
    in_process = said(httpx.Client(transport=SimulatedTransport(world, takes=0.0)), "http://127.0.0.1", world.advance)
    with SimulatorServer(village()) as server:
        client = httpx.Client(trust_env=False, verify=False)
        over_http = said(client, server.url, server.service.advance)
        assert server.service.world.now == world.now
    assert in_process == over_http
    assert [status for status, _, _ in in_process][:6] == [200] * 6


def said(client: httpx.Client, url: str, advance: Any) -> list[tuple[int, dict[str, str], bytes]]:
    found = []
    ask = 0
    with client:
        for method, path, body in ASKED:
            advance(15)
            content = None if body is None else json.dumps(body).encode()
            answer = client.request(method, url + path.format(ask=ask), content=content, headers=KEY)
            found.append((answer.status_code, dict(answer.headers), answer.content))
            if path == "/api/v0/bundles/" and answer.status_code == 200:
                ask = answer.json()["offers"][0]["id"]
    return found


def test_answers_carry_the_exact_type_and_their_length(server: SimulatorServer) -> None:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
    connection.request("GET", "/api/v0/users/current", headers=KEY)
    answer = connection.getresponse()
    body = answer.read()
    assert sorted(answer.headers.items()) == [("content-length", str(len(body))), ("content-type", "application/json")]
    connection.close()


def test_a_connection_is_kept_and_nothing_waits_for_an_acknowledgement(server: SimulatorServer) -> None:
    assert Connection.protocol_version == "HTTP/1.1"
    assert Connection.disable_nagle_algorithm
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
    connection.connect()
    own = connection.sock
    took = []
    for _ in range(30):
        start = time.perf_counter()
        connection.request("GET", "/api/v0/users/current", headers=KEY)
        assert connection.getresponse().read()
        took.append(time.perf_counter() - start)
    assert connection.sock is own
    assert sorted(took)[10] < 0.03  # 40 ms each, where Nagle's algorithm meets delayed acknowledgements
    connection.close()


def test_only_this_machine_is_served(server: SimulatorServer) -> None:
    assert server.url.startswith("http://127.0.0.1:")
    assert server._server.socket.getsockname()[0] == "127.0.0.1"


def test_many_connections_at_once_are_answered(server: SimulatorServer) -> None:
    with httpx.Client(base_url=server.url, headers=KEY, trust_env=False, verify=False) as client:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(16) as pool:
            found = list(pool.map(lambda _: client.get("/api/v0/users/current").status_code, range(200)))
    assert found == [200] * 200
    assert server.service.served == 200


# --- the clock --------------------------------------------------------------------------------------


def test_the_clock_stands_still_at_speed_0(server: SimulatorServer) -> None:
    before = call(server, "GET", "/simulator/world")[1]["now"]
    time.sleep(0.05)
    assert call(server, "GET", "/simulator/world")[1]["now"] == before


def test_the_clock_runs_at_its_speed_and_is_set_right_by_each_request() -> None:
    real = [100.0]
    world = village()
    start = world.now
    service = Service(world, speed=60, real_clock=lambda: real[0])
    real[0] += 2
    assert world.now == start
    service.keep_time()
    assert world.now == start + 120
    service.advance(600)
    real[0] += 1
    service.keep_time()
    assert world.now == start + 780
    assert service.real_seconds(120) == 2
    assert Service(world).real_seconds(120) == 0


def test_the_engine_reads_no_clock_and_no_chance_of_the_machine() -> None:
    """`service` alone has a real clock, as an argument; `state` names its temporary file by chance."""
    import ast

    for path in sorted(MODULES.glob("*.py")):
        names: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.split(".")[0])
            elif isinstance(node, ast.Attribute) and node.attr in ("now", "today", "utcnow", "urandom", "getrandbits"):
                assert not (isinstance(node.value, ast.Name) and node.value.id in ("datetime", "date", "os")), path.name
        assert not names & {"secrets", "uuid"}, path.name
        assert "time" not in names or path.name == "service.py", path.name
        assert "tempfile" not in names or path.name == "state.py", path.name


@pytest.mark.parametrize("path", sorted(MODULES.glob("*.py")), ids=lambda path: path.name)
def test_chance_is_always_a_generator_with_a_seed(path: Path) -> None:
    import ast

    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "random":
            assert node.attr == "Random", f"{path.name}:{node.lineno} uses random.{node.attr}"
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("random.Random", "Random"):
            assert node.args, f"{path.name}:{node.lineno} makes a generator without a seed"


# --- control ----------------------------------------------------------------------------------------


def test_the_world_is_moved_and_described_by_hand(server: SimulatorServer) -> None:
    world = server.service.world
    before = world.now
    assert call(server, "POST", "/simulator/advance", {"seconds": 600}) == (200, {"success": True, "now": before + 600})
    status, told = call(server, "GET", "/simulator/world")
    assert status == 200
    assert (told["now"], told["speed"], told["instances"], told["credit"]) == (before + 600, 0, 0, 250.0)
    assert told["description"] == world.origin.description


def test_an_instance_is_broken_by_hand(server: SimulatorServer) -> None:
    _, found = call(server, "POST", "/api/v0/bundles/", {"limit": 1})
    _, made = call(server, "PUT", f"/api/v0/asks/{found['offers'][0]['id']}/", {"image": "a:1", "disk": 10})
    number = made["new_contract"]
    call(server, "POST", "/simulator/advance", {"seconds": 900})
    assert call(server, "POST", "/simulator/fail", {"instance": number, "as": "offline"})[0] == 200
    assert call(server, "GET", f"/api/v0/instances/{number}/")[1]["instances"]["actual_status"] == "offline"
    assert call(server, "POST", "/simulator/fail", {"instance": number, "as": "gone"})[0] == 200
    call(server, "POST", "/simulator/advance", {"seconds": 9})
    assert call(server, "GET", f"/api/v0/instances/{number}/")[1] == {"instances": None}


def test_faults_are_installed_shown_and_cleared(server: SimulatorServer) -> None:
    rule = {"call": "account", "fault": "server_error", "at": [1], "status": 503}
    assert call(server, "POST", "/simulator/faults", [rule]) == (200, {"success": True, "installed": 1})
    with httpx.Client(base_url=server.url, headers=KEY, trust_env=False, verify=False) as client:
        assert [client.get("/api/v0/users/current").status_code for _ in range(2)] == [503, 200]
    (shown,) = call(server, "GET", "/simulator/faults")[1]["faults"]
    assert shown == {**rule, "struck": 1}
    assert call(server, "DELETE", "/simulator/faults", {})[1]["installed"] == 0
    assert call(server, "GET", "/simulator/faults")[1] == {"faults": []}


def test_requests_are_remembered_without_keys(server: SimulatorServer) -> None:
    call(server, "POST", "/simulator/faults", [{"call": "account", "fault": "before", "at": [2]}])
    call(server, "GET", "/api/v0/users/current?api_key=secret-of-mine")
    with pytest.raises(httpx.TransportError):
        call(server, "GET", "/api/v0/users/current")
    _, told = call(server, "GET", "/simulator/requests")
    assert [(one["number"], one["method"], one["path"], one["status"], one["fault"]) for one in told["requests"]] == [
        (1, "GET", "/api/v0/users/current", 200, None),
        (2, "GET", "/api/v0/users/current", None, "before"),
    ]
    assert "secret-of-mine" not in json.dumps(told)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/simulator/advance", {"seconds": -1}, 400),
        ("POST", "/simulator/advance", {"seconds": 1e12}, 400),
        ("POST", "/simulator/advance", {"seconds": float("nan")}, 400),
        ("POST", "/simulator/advance", {"seconds": True}, 400),
        ("POST", "/simulator/advance", {"seconds": "9"}, 400),
        ("POST", "/simulator/advance", {}, 400),
        ("POST", "/simulator/advance", [], 400),
        ("POST", "/simulator/advance", None, 400),
        ("GET", "/simulator/advance", None, 405),
        ("POST", "/simulator/fail", {"instance": 1, "as": "offline"}, 400),
        ("POST", "/simulator/fail", {"instance": "1", "as": "offline"}, 400),
        ("POST", "/simulator/faults", {"faults": [{"call": "buy"}]}, 400),
        ("POST", "/simulator/world", {}, 405),
        ("GET", "/simulator/nothing", None, 404),
    ],
)
def test_wrong_control_requests_are_refused(
    server: SimulatorServer, method: str, path: str, body: Any, status: int
) -> None:
    got, told = call(server, method, path, body)
    assert got == status
    assert told["success"] is False
    assert told["msg"]


def test_a_slow_answer_takes_the_worlds_seconds() -> None:
    with SimulatorServer(village(), speed=100) as server:
        call(server, "POST", "/simulator/faults", [{"call": "account", "fault": "slow", "seconds": 20}])
        start = time.perf_counter()
        assert call(server, "GET", "/api/v0/users/current")[0] == 200
        assert time.perf_counter() - start >= 0.2


# --- beginning and end ------------------------------------------------------------------------------


def test_stopping_ends_connections_that_wait() -> None:
    with SimulatorServer(village(), speed=0.001) as server:
        port = int(server.url.rpartition(":")[2])
        idle = socket.create_connection(("127.0.0.1", port))
        half = socket.create_connection(("127.0.0.1", port))
        half.sendall(b"PUT /api/v0/asks/1/ HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
        call(server, "POST", "/simulator/faults", [{"call": "account", "fault": "timeout"}])
        silent = socket.create_connection(("127.0.0.1", port))
        silent.sendall(b"GET /api/v0/users/current HTTP/1.1\r\nAuthorization: Bearer k\r\n\r\n")
        time.sleep(0.1)
        start = time.perf_counter()
    assert time.perf_counter() - start < 3
    for connection in (idle, half, silent):
        connection.settimeout(1)
        connection.recv(1000)
        connection.close()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def test_a_port_in_use_is_a_clear_error(server: SimulatorServer, capsys: pytest.CaptureFixture[str]) -> None:
    port = server.url.rpartition(":")[2]
    with pytest.raises(ReconcileError, match=f"port {port} of 127.0.0.1 cannot be used"):
        SimulatorServer(village(), port=int(port))
    assert run(["simulate", "serve", "--port", port]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert f"port {port}" in told.err
    assert "Traceback" not in told.err


def test_a_server_that_cannot_bind_leaves_nothing_open(server: SimulatorServer) -> None:
    with pytest.raises(OSError):
        LoopbackServer(int(server.url.rpartition(":")[2]), server.service)


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The command as a user runs it, and the first two lines it prints."""
    command = [sys.executable, "-W", "error", "-m", "reconciler", "simulate", "serve", *options]
    env = {**os.environ, "PYTHONPATH": str(MODULES.parents[1])}
    process = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process, [process.stdout.readline() for _ in range(2)]
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_what_to_export_serves_and_saves_at_the_end(tmp_path: Path, number: int) -> None:
    state = tmp_path / "world.json"
    with serving(tmp_path, "--speed", "0", "--state", str(state)) as (process, lines):
        assert lines[0].startswith("export VAST_URL=http://127.0.0.1:")
        assert lines[1] == "export VAST_API_KEY=any\n"
        url = lines[0].strip().partition("=")[2]
        with httpx.Client(trust_env=False, verify=False, headers={"authorization": "Bearer any"}) as client:
            start = client.get(f"{url}/simulator/world").json()["now"]
            client.post(f"{url}/simulator/advance", json={"seconds": 5000})
            assert client.get(f"{url}/api/v0/users/current").json()["credit"] == 250.0
            assert not state.exists()
            process.send_signal(number)
            _, errors = process.communicate(timeout=20)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    assert "Warning" not in errors
    with open_simulation(state) as simulation:
        assert simulation.clock.now() == start + 5000


def test_a_world_that_is_served_is_busy_for_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = tmp_path / "world.json"
    with serving(tmp_path, "--state", str(state)):
        assert run(["simulate", "advance", "1m", "--state", str(state)]) == 6
    assert "another command is using" in capsys.readouterr().err


def test_without_a_state_nothing_is_written(tmp_path: Path) -> None:
    with serving(tmp_path, "--seed", "4") as (process, _):
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"- {call: rent, fault: nonsense}\n", "rent cannot fail as 'nonsense'"),
        (b"- [\n", "are not YAML"),
        (b"\xff\xfe\x00", "are not YAML"),
        (b"", "faults are a list"),
        (None, "cannot be read"),
    ],
)
def test_a_wrong_file_of_faults_is_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, said: str
) -> None:
    path = tmp_path / "faults.yaml"
    if content is not None:
        path.write_bytes(content)
    assert run(["simulate", "serve", "--faults", str(path)]) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert str(path) in told.err


def test_faults_of_a_file_strike(tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text("faults:\n  - {call: account, fault: empty, at: [1]}\n")
    with serving(tmp_path, "--faults", str(path)) as (_, lines):
        url = lines[0].strip().partition("=")[2]
        with httpx.Client(trust_env=False, verify=False, headers=KEY) as client:
            assert [client.get(f"{url}/api/v0/users/current").content == b"" for _ in range(2)] == [True, False]
