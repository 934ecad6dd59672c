"""Instances one can reach: logins, `nvidia-smi` and health checks over real sockets, and every way to lie."""

from __future__ import annotations

import asyncio
import errno
import gc
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncssh
import httpx
import paramiko
import pytest

from reconciler.cli import run as command_line
from reconciler.errors import ReconcileError, WrongUsage
from reconciler.simulator.commands import run
from reconciler.simulator.drivers import full_name
from reconciler.simulator.lies import LIES, Lie, Lies, Telling, parse, parse_all
from reconciler.simulator.nvidia import Gpus
from reconciler.simulator.server import SimulatorServer
from reconciler.simulator.shells import Shells
from reconciler.simulator.state import content_of
from reconciler.simulator.world import World

from .doors import KEY
from .served import village
from .test_server import serving

QUERY = "nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader"
KEYS = [asyncssh.generate_private_key("ssh-ed25519") for _ in range(3)]
OURS, LATER, NOBODYS = KEYS
SHORT = 0.4
"""Seconds that a lie takes in these tests."""


def public(key: asyncssh.SSHKey) -> str:
    return key.export_public_key().decode()


class Desk:
    """A served world whose instances can be reached, and what a user does at it."""

    def __init__(self, server: SimulatorServer, client: httpx.Client) -> None:
        self.server = server
        self.world: World = server.service.world
        self._client = client

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        self.server.service.advance(7)
        answer = self._client.request(method, path, content=None if body is None else json.dumps(body).encode())
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._client.request(method, path, content=None if body is None else json.dumps(body).encode())
        assert answer.status_code >= 400
        return answer.json()

    def rented(self, gpus: int = 1, runtype: str = "ssh_direc ssh_proxy", wait: float = 900, **body: Any) -> int:
        wanted = {"num_gpus": {"eq": gpus}, "direct_port_count": {"gte": 5}, "limit": 1}
        (offer,) = self.ask("POST", "/api/v0/bundles/", wanted)["offers"]
        ordered = {"image": "acme/app:1", "disk": 10, "runtype": runtype, "env": {"-p 8000:8000": "1"}, **body}
        made = self.ask("PUT", f"/api/v0/asks/{offer['id']}/", ordered)["new_contract"]
        self.server.service.advance(wait)
        return int(made)

    def row(self, instance: int) -> Any:
        row = self.ask("GET", f"/api/v0/instances/{instance}/")["instances"]
        (listed,) = [one for one in self.ask("GET", "/api/v1/instances/")["instances"] if one["id"] == instance]
        assert [listed.get(name) for name in ("ports", "ssh_port")] == [row.get(name) for name in ("ports", "ssh_port")]
        return row

    def direct(self, instance: int) -> int:
        row = self.row(instance)
        assert row["public_ipaddr"].strip() == "127.0.0.1"
        return int(row["ports"]["22/tcp"][0]["HostPort"])

    def url(self, instance: int) -> str:
        return f"http://127.0.0.1:{self.row(instance)['ports']['8000/tcp'][0]['HostPort']}"

    def lie(self, name: str | None, instance: int | None = None, **settings: float) -> None:
        self.ask("POST", "/simulator/lies", {"instance": instance, "lie": name, **settings})


@contextmanager
def open_desk(shells: Shells | None) -> Iterator[Desk]:
    """A desk that leaves no thread and no failure behind."""
    before = set(threading.enumerate())
    with (
        SimulatorServer(village(), shells=shells) as server,
        httpx.Client(base_url=server.url, headers=KEY, trust_env=False, verify=False) as client,
    ):
        yield Desk(server, client)
        assert server.service.failures == []
    assert set(threading.enumerate()) <= before
    gc.collect()  # a socket left open is a warning then, and a warning is an error


@pytest.fixture
def desk() -> Iterator[Desk]:
    with open_desk(Shells()) as desk:
        desk.ask("POST", "/api/v0/ssh/", {"ssh_key": public(OURS)})
        yield desk


def said(port: int, command: str, key: asyncssh.SSHKey = OURS, user: str = "root") -> tuple[int | None, str, str]:
    """Run a command as a client would: exit code, output, errors."""
    return asyncio.run(_said(port, command, key, user))


async def _said(port: int, command: str, key: asyncssh.SSHKey, user: str = "root") -> tuple[int | None, str, str]:
    async with _connection(port, key, user) as connection:
        done = await connection.run(command)
        return done.exit_status, str(done.stdout), str(done.stderr)


def _connection(port: int, key: asyncssh.SSHKey, user: str = "root") -> Any:
    return asyncssh.connect(
        "127.0.0.1", port, username=user, client_keys=[key], known_hosts=None, config=[], agent_path=None
    )


def host_key(port: int) -> bytes:
    async def seen() -> bytes:
        key = await asyncssh.get_server_host_key("127.0.0.1", port, config=[])
        assert key is not None
        return key.public_data

    return asyncio.run(seen())


def health(url: str, path: str = "/") -> tuple[int, str]:
    answer = httpx.get(url + path, trust_env=False, verify=False)
    return answer.status_code, answer.text


def waited(seconds: float, act: Callable[[], object]) -> bool:
    start = time.monotonic()
    act()
    return seconds <= time.monotonic() - start < seconds + 10


# --- logins -----------------------------------------------------------------------------------------


def test_the_accounts_key_opens_both_ways_and_no_other_key_does(desk: Desk) -> None:
    instance = desk.rented()
    row = desk.row(instance)
    assert row["actual_status"] == "running"
    assert (row["ssh_host"], row["ssh_port"]) == ("127.0.0.1", desk.direct(instance))
    for port in (desk.direct(instance), row["ssh_port"]):
        assert said(port, "true") == (0, "", "")
        for key, user in ((NOBODYS, "root"), (OURS, "ubuntu")):
            with pytest.raises(asyncssh.PermissionDenied):
                said(port, "true", key, user)


def test_paramiko_logs_in_too(desk: Desk, tmp_path: Path) -> None:
    port = desk.direct(desk.rented())
    path = tmp_path / "key"
    OURS.write_private_key(str(path))
    with paramiko.SSHClient() as client:
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        client.connect(
            "127.0.0.1", port, "root", key_filename=str(path), look_for_keys=False, allow_agent=False, timeout=20
        )
        stdin, stdout, stderr = client.exec_command("echo hello; nonsense")
        assert stdout.read() == b"hello\n"
        assert stderr.read() == b"bash: line 1: nonsense: command not found\n"
        assert stdout.channel.recv_exit_status() == 127
        for one in (stdin, stdout, stderr):
            one.close()


def test_an_instance_has_the_keys_of_its_day_and_those_attached_since(desk: Desk) -> None:
    instance = desk.rented()
    port = desk.direct(instance)
    desk.ask("POST", "/api/v0/ssh/", {"ssh_key": public(LATER)})
    desk.ask("POST", "/api/v0/ssh/", {"ssh_key": "~/.ssh/id_ed25519.pub"})
    with pytest.raises(asyncssh.PermissionDenied):
        said(port, "true", LATER)
    assert said(desk.direct(desk.rented()), "true", LATER)[0] == 0
    desk.ask("POST", f"/api/v0/instances/{instance}/ssh/", {"ssh_key": public(NOBODYS)})
    assert said(port, "true", NOBODYS)[0] == 0
    desk.ask("DELETE", f"/api/v0/instances/{instance}/ssh/1/")
    with pytest.raises(asyncssh.PermissionDenied):
        said(port, "true", OURS)


def test_jupyters_proxy_is_one_port_further(desk: Desk) -> None:
    row = desk.row(desk.rented(runtype="jupyter_direc ssh_direc ssh_proxy"))
    assert said(row["ssh_port"] + 1, "true")[0] == 0
    assert health(f"http://127.0.0.1:{row['ports']['8080/tcp'][0]['HostPort']}") == (200, "ok")


def test_an_instance_without_ssh_hangs_up(desk: Desk) -> None:
    instance = desk.rented(runtype="args")
    with pytest.raises((asyncssh.ConnectionLost, ConnectionResetError)):
        said(desk.row(instance)["ssh_port"], "true")
    assert health(desk.url(instance)) == (200, "ok")


def test_a_shell_reads_line_by_line(desk: Desk) -> None:
    port = desk.direct(desk.rented())

    async def typed() -> tuple[int | None, str]:
        async with _connection(port, OURS) as connection:
            done = await connection.run(input="echo a\nfalse\nexit\necho b\n")
            return done.exit_status, str(done.stdout)

    assert asyncio.run(typed()) == (1, "a\n")


# --- what a container says --------------------------------------------------------------------------


def test_nvidia_smi_says_what_was_rented(desk: Desk) -> None:
    instance = desk.rented(gpus=2)
    row = desk.row(instance)
    name, memory, driver = full_name(row["gpu_name"]), row["gpu_ram"], row["driver_version"]
    port = desk.direct(instance)
    assert said(port, QUERY) == (0, f"{name}, {memory} MiB, {driver}\n" * 2, "")
    bare = said(port, "nvidia-smi --query-gpu=index,memory.total --format=csv,noheader,nounits")[1]
    assert bare == f"0, {memory}\n1, {memory}\n"
    table = said(port, "nvidia-smi")[1]
    assert table.count(f"{memory}MiB") == table.count(name[:30]) == 2
    assert len({len(line) for line in table.splitlines()}) == 1


def test_a_start_script_leaves_its_files(desk: Desk) -> None:
    port = desk.direct(desk.rented(onstart="setup.sh && touch /root/ready; echo"))
    assert [said(port, f"test -f {path}")[0] for path in ("/root/ready", "/root/onstart.sh", "/root/no")] == [0, 0, 1]


GPUS = Gpus("RTX 4090", 1, 24564, "570.133.07", 12.8, 450, 7)


@pytest.mark.parametrize(
    ("line", "out", "code"),
    [
        ("echo  'a  b' c", "a  b c\n", 0),
        ("/usr/bin/echo a && /bin/true || echo b", "a\n", 0),
        ("false && echo a; echo b;", "b\n", 0),
        ("test -f /nowhere || echo c", "c\n", 0),
        ("", "", 0),
        ("reboot now", "", 127),
        ("echo '", "", 2),
        ("sleep 1 &", "", 2),
        ("| echo", "", 2),
        ("nvidia-smi --query-gpu=name", "Missing required --format=csv option.", 2),
        ("nvidia-smi --query-gpu=colour --format=csv", 'Field "colour" is not a valid field to query.', 2),
        ("nvidia-smi -q", "Invalid combination of input arguments.", 2),
        ("nvidia-smi --query-gpu name,memory.total --format csv", "name, memory.total [MiB]\n", 0),
        ("nvidia-smi -L", "GPU 0: NVIDIA GeForce RTX 4090 (UUID: GPU-", 0),
    ],
)
def test_lines(line: str, out: str, code: int) -> None:
    reply = run(line, GPUS, ())
    assert reply.code == code
    assert reply.out.startswith(out) if out else not reply.out


@pytest.mark.parametrize(
    ("market", "driver"),
    [
        ("RTX 4070S Ti", "NVIDIA GeForce RTX 4070 Ti SUPER"),
        ("GTX 1660 S", "NVIDIA GeForce GTX 1660 SUPER"),
        ("RTX A6000", "NVIDIA RTX A6000"),
        ("RTX 5000Ada", "NVIDIA RTX 5000 Ada Generation"),
        ("Q RTX 8000", "Quadro RTX 8000"),
        ("H100 SXM", "NVIDIA H100 80GB HBM3"),
        ("Tesla T4", "Tesla T4"),
    ],
)
def test_the_driver_has_names_of_its_own(market: str, driver: str) -> None:
    assert full_name(market) == driver


def test_health_checks(desk: Desk) -> None:
    url = desk.url(desk.rented())
    assert [health(url, path) for path in ("/", "/healthz?a=1")] == [(200, "ok")] * 2
    assert health(url, "/elsewhere")[0] == 404
    assert httpx.post(url, trust_env=False, verify=False).status_code == 405
    assert httpx.head(url, trust_env=False, verify=False).text == ""
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), 5) as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400")


# --- a container's life -----------------------------------------------------------------------------


def test_doors_open_when_the_container_runs_and_shut_when_it_stops(desk: Desk) -> None:
    instance = desk.rented(wait=0)
    row = desk.row(instance)
    assert row["actual_status"] != "running"
    with pytest.raises(ConnectionRefusedError):
        said(row["ssh_port"], "true")
    desk.server.service.advance(900)
    port, url = desk.direct(instance), desk.url(instance)
    key = host_key(port)
    assert port == row["ssh_port"]

    desk.ask("PUT", f"/api/v0/instances/{instance}/", {"state": "stopped"})
    desk.server.service.advance(60)
    assert desk.row(instance)["ssh_port"] == port
    with pytest.raises(ConnectionRefusedError):
        said(port, "true")
    with pytest.raises(httpx.ConnectError):
        health(url)

    desk.ask("PUT", f"/api/v0/instances/{instance}/", {"state": "running"})
    desk.server.service.advance(900)
    assert desk.direct(instance) == port
    assert host_key(port) == key
    assert (said(port, "true")[0], health(url)) == (0, (200, "ok"))

    desk.ask("DELETE", f"/api/v0/instances/{instance}/")
    with pytest.raises(ConnectionRefusedError):
        said(port, "true")


def test_an_end_of_the_container_ends_its_connections(desk: Desk) -> None:
    instance = desk.rented()
    port = desk.direct(instance)

    async def thrown_out() -> None:
        async with _connection(port, OURS) as connection:
            assert (await connection.run("echo a")).stdout == "a\n"
            desk.ask("POST", "/simulator/fail", {"instance": instance, "as": "exited"})
            await asyncio.wait_for(connection.wait_closed(), 10)

    asyncio.run(thrown_out())


def test_ports_follow_another_environment(desk: Desk) -> None:
    instance = desk.rented()
    before = desk.url(instance)
    desk.ask(
        "PUT", f"/api/v0/instances/update_template/{instance}/", {"env": {"-p 9000:9000": "1", "-p 53:53/udp": "1"}}
    )
    ports = desk.row(instance)["ports"]
    assert set(ports) == {"22/tcp", "9000/tcp", "53/udp"}
    assert health(f"http://127.0.0.1:{ports['9000/tcp'][0]['HostPort']}") == (200, "ok")
    with pytest.raises(httpx.ConnectError):
        health(before)


def test_host_keys_are_each_instances_own_and_the_same_in_every_process(desk: Desk) -> None:
    ports = [desk.direct(desk.rented()) for _ in range(2)]
    keys = [host_key(port) for port in ports]
    assert keys[0] != keys[1]
    world = desk.world
    desk.server.service.shells.stop(world)
    assert world.reached == {}
    desk.server.service.shells.start(world)
    assert [host_key(reached.ssh) for reached in world.reached.values()] == keys


def test_nothing_of_it_is_kept_in_the_state_file(desk: Desk) -> None:
    instance = desk.rented()
    desk.lie("slow", instance)
    assert b"reached" not in content_of(desk.world)
    assert str(desk.direct(instance)).encode() not in content_of(desk.world)


def test_fifty_connections_at_once(desk: Desk) -> None:
    ports = [desk.direct(desk.rented()) for _ in range(2)]

    async def all_of_them() -> list[Any]:
        return await asyncio.gather(*(_said(ports[place % 2], f"echo {place}", OURS) for place in range(50)))

    assert asyncio.run(all_of_them()) == [(0, f"{place}\n", "") for place in range(50)]


def test_clients_that_only_knock_do_no_harm(desk: Desk) -> None:
    port = desk.direct(desk.rented())
    for words in (b"", b"GET / HTTP/1.1\r\n\r\n", b"SSH-2.0-x\r\n" + bytes(500)):
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            connection.sendall(words)
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        assert connection.recv(100).startswith(b"SSH-2.0-")
        assert said(port, "true")[0] == 0


# --- lies -------------------------------------------------------------------------------------------


def test_wrong_gpus(desk: Desk) -> None:
    instance = desk.rented(gpus=2)
    port, row = desk.direct(instance), desk.row(instance)
    name, memory = full_name(row["gpu_name"]), row["gpu_ram"]
    major, _, minor = row["driver_version"].partition(".")
    for lie, lines in (
        ("one-gpu-missing", [f"{name}, {memory} MiB, {row['driver_version']}"]),
        ("wrong-memory", [f"{name}, {memory // 2} MiB, {row['driver_version']}"] * 2),
        ("wrong-name", [f"Tesla K80, {memory} MiB, {row['driver_version']}"] * 2),
        ("older-driver", [f"{name}, {memory} MiB, {int(major) - 1}.{minor}"] * 2),
        (None, [f"{name}, {memory} MiB, {row['driver_version']}"] * 2),
    ):
        desk.lie(lie)
        assert said(port, QUERY)[1].splitlines() == lines
    desk.lie("nvidia-smi-fails")
    code, out, _ = said(port, QUERY)
    assert code == 9
    assert out.startswith("NVIDIA-SMI has failed because it couldn't communicate")
    assert said(port, "true")[0] == 0
    single = desk.direct(desk.rented())
    desk.lie("one-gpu-missing")
    assert said(single, "nvidia-smi")[:2] == (6, "No devices were found\n")


def test_a_slow_one(desk: Desk) -> None:
    instance = desk.rented()
    port = desk.direct(instance)
    desk.lie("slow", instance, seconds=SHORT)
    assert waited(SHORT, lambda: said(port, "true"))


def test_one_that_refuses_for_a_while(desk: Desk) -> None:
    desk.lie("refuses", seconds=SHORT)
    instance = desk.rented()
    desk.ask("PUT", f"/api/v0/instances/reboot/{instance}/")
    start = time.monotonic()
    desk.server.service.advance(900)  # a new start, a new refusal
    port = desk.world.reached[instance].ssh
    while refuses(port) and time.monotonic() - start < 20:
        time.sleep(0.02)
    assert time.monotonic() - start >= SHORT
    assert (said(port, "true")[0], health(desk.url(instance))) == (0, (200, "ok"))


def refuses(port: int) -> bool:
    with socket.socket() as knocking:
        return knocking.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED


def test_a_refusal_that_is_taken_back_ends_at_once(desk: Desk) -> None:
    instance = desk.rented()
    port = desk.direct(instance)
    url = desk.url(instance)
    desk.lie("refuses", instance, seconds=3600)
    with pytest.raises(ConnectionRefusedError):
        said(port, "true")
    with pytest.raises(httpx.ConnectError):
        health(url)
    desk.lie(None, instance)
    assert (said(port, "true")[0], health(url)) == (0, (200, "ok"))


def test_one_that_says_nothing(desk: Desk) -> None:
    port = desk.direct(desk.rented())
    desk.lie("no-banner")
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(b"SSH-2.0-x\r\n")
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_another_host_key(desk: Desk) -> None:
    instance = desk.rented()
    port = desk.direct(instance)
    key = host_key(port)
    desk.lie("host-key-changed", instance)
    assert host_key(port) != key
    desk.lie(None, instance)
    assert host_key(port) == key


def test_a_login_that_is_denied(desk: Desk) -> None:
    port = desk.direct(desk.rented())
    desk.lie("login-denied")
    with pytest.raises(asyncssh.PermissionDenied):
        said(port, "true")


def test_health_checks_that_fail_or_take_long(desk: Desk) -> None:
    instance = desk.rented()
    url = desk.url(instance)
    desk.lie("http-500", instance)
    assert health(url) == (500, "Internal Server Error")
    desk.lie("http-slow", instance, seconds=SHORT)
    assert waited(SHORT, lambda: health(url))
    assert said(desk.direct(instance), "true")[0] == 0


def test_a_server_ends_in_the_middle_of_a_slow_answer() -> None:
    with open_desk(Shells([Telling(None, Lie("http-slow", 3600))])) as desk:
        url = desk.url(desk.rented())
        waiting = socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), 5)
        waiting.sendall(b"GET / HTTP/1.1\r\n\r\n")
    with waiting:
        assert waiting.recv(1) == b""


def test_the_last_order_holds() -> None:
    lies = Lies([Telling(None, Lie("slow", 1)), Telling(7, None)])
    assert (lies.of(7), lies.of(8)) == (None, Lie("slow", 1))
    assert lies.shown() == [{"instance": None, "lie": "slow", "seconds": 1}, {"instance": 7, "lie": None}]
    assert Lies(parse_all(lies.shown())).shown() == lies.shown()
    lies.tell(Telling(None, Lie("http-500")))
    assert lies.of(7) == Lie("http-500")
    lies.tell(Telling(None, None))
    assert lies.shown() == []


def test_every_lie_is_read_and_has_a_line_in_the_documentation() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "simulator.md").read_text(encoding="utf-8")
    for name in LIES:
        assert parse({"lie": name}).lie is not None
        assert f"| `{name}` |" in text


@pytest.mark.parametrize(
    "wrong",
    [
        [], {}, {"instance": None}, {"lie": "white"}, {"lie": 1}, {"lie": []}, {"lie": "slow", "instance": "7"},
        {"lie": "slow", "instance": True}, {"lie": "slow", "seconds": -1}, {"lie": "slow", "seconds": "1"},
        {"lie": "slow", "seconds": float("nan")}, {"lie": "http-500", "seconds": 1}, {"lie": None, "seconds": 1},
        {"lie": "slow", "instances": 1},
    ],
)  # fmt: skip
def test_a_wrong_order_is_refused(wrong: object) -> None:
    with pytest.raises(WrongUsage):
        parse(wrong)


def test_the_control_endpoint(desk: Desk) -> None:
    assert desk.ask("GET", "/simulator/lies") == {"lies": []}
    desk.lie("refuses")
    assert desk.ask("GET", "/simulator/lies") == {"lies": [{"instance": None, "lie": "refuses", "seconds": 20.0}]}
    assert desk.ask("DELETE", "/simulator/lies") == {"success": True}
    assert desk.ask("GET", "/simulator/lies") == {"lies": []}
    assert desk.refused("POST", "/simulator/lies", {"instance": 5, "lie": "slow"})["error"] == "no_such_instance"
    assert "one of one-gpu-missing" in desk.refused("POST", "/simulator/lies", {"lie": "white"})["msg"]


# --- the command ------------------------------------------------------------------------------------


def test_without_shells_addresses_are_invented_and_lies_are_refused() -> None:
    with open_desk(None) as desk:
        assert "--ssh" in desk.refused("GET", "/simulator/lies")["msg"]
        row = desk.row(desk.rented())
        assert row["ssh_host"].endswith(".vast.ai")
        assert row["public_ipaddr"] != "127.0.0.1\n"


def test_a_missing_library_is_said_with_the_way_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ReconcileError, match="asyncssh") as error:
        Shells()
    assert error.value.hint == "pip install 'vast-reconciler[ssh]'"


@pytest.mark.parametrize("text", ["{faults: [], lies: [{lie: slow}]}", "lies: [{lie: slow}]"])
def test_lies_in_a_file_need_ssh(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(text)
    assert command_line(["simulate", "serve", "--faults", str(path)]) == 2
    assert "--ssh" in capsys.readouterr().err


def test_a_wrong_lie_in_a_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text("lies: [{lie: white}]")
    assert command_line(["simulate", "serve", "--ssh", "--faults", str(path)]) == 2
    assert "there is no lie 'white'" in capsys.readouterr().err


def test_serving_with_ssh_opens_no_files_that_stay_open() -> None:
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        pytest.skip("open files are counted in /proc")
    before = len(os.listdir(folder))
    with open_desk(Shells()) as desk:
        assert health(desk.url(desk.rented())) == (200, "ok")
    assert len(os.listdir(folder)) == before


def test_the_command_serves_instances_one_can_reach(tmp_path: Path) -> None:
    faults = tmp_path / "faults.yaml"
    faults.write_text("lies: [{lie: one-gpu-missing}]")
    with serving(tmp_path, "--speed", "0", "--ssh", "--faults", str(faults)) as (process, lines):
        url = lines[0].strip().partition("=")[2]
        with httpx.Client(base_url=url, headers=KEY, trust_env=False, verify=False) as client:
            client.post("/api/v0/ssh/", json={"ssh_key": public(OURS)})
            (offer,) = client.post("/api/v0/bundles/", json={"num_gpus": {"eq": 1}, "limit": 1}).json()["offers"]
            wanted = {"image": "acme/app:1", "disk": 10, "runtype": "ssh"}
            instance = client.put(f"/api/v0/asks/{offer['id']}/", json=wanted).json()["new_contract"]
            client.post("/simulator/advance", json={"seconds": 900})
            row = client.get(f"/api/v0/instances/{instance}/").json()["instances"]
        assert said(row["ssh_port"], "nvidia-smi")[0] == 6
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 0, errors
    assert "its instances can be reached" in errors
    assert len(errors.splitlines()) == 1, errors
