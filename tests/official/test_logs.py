"""Logs, commands and snapshots with the official client; results come from a URL of the simulator's own."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from .desks import Desk


def test_logs_come_whole_in_part_and_filtered(desk: Desk) -> None:
    number = desk.running("--onstart-cmd", "echo hi")
    desk.wait(600)
    lines = desk.said("logs", number).splitlines()
    assert len(lines) > 5
    last = desk.said("logs", number, "--tail", "2").splitlines()
    assert len(last) == 2
    assert all("all well" in line for line in last)
    assert "port 22" in desk.said("logs", number, "--filter", "listening")
    assert f"create C.{number}" in desk.said("logs", number, "--daemon-logs")
    assert desk.run("logs", 1).err.strip() == "Failed with error 404: Instance 1 not found."
    assert "Server listening" in desk.call("logs", number)


def test_a_file_of_logs_appears_after_some_seconds_and_needs_no_key(still_desk: Desk) -> None:
    number = still_desk.created()
    body = b'{"tail": "5", "daemon_logs": "true"}'
    headers = {"authorization": "Bearer k", "Host": still_desk.url.removeprefix("http://")}
    answer = still_desk.simulation.handle("PUT", f"/api/v0/instances/request_logs/{number}/", "", headers, body)[2]
    url = json.loads(answer)["result_url"]
    assert url.startswith(f"{still_desk.url}/simulator/logs/")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(urllib.error.HTTPError) as early:
        opener.open(url)
    with early.value as refused:
        assert (refused.code, refused.headers["Content-Type"]) == (404, "application/xml")
        assert b"NoSuchKey" in refused.read()
    still_desk.wait(5)
    with opener.open(url) as response:
        assert f"create C.{number}" in response.read().decode()


def test_a_command_runs_when_it_is_one_of_three(desk: Desk) -> None:
    """The command line itself crashes once it has the result (1.9.1); the library hands it out."""
    number = desk.running()
    assert "workspace" in desk.call("execute", number, "ls -l /")
    assert desk.call("execute", number, "du -d2 -h").startswith("4.0K")
    refused = desk.run("execute", number, "cat /etc/passwd")
    assert refused.err.startswith("Failed with error 400: error 400/1782")
    crashed = desk.run("execute", number, "ls -l /")
    assert (crashed.code, "AttributeError" in crashed.err) == (1, True)


def test_a_snapshot_is_refused_since_the_client_names_the_id_twice(desk: Desk) -> None:
    number = desk.running()
    words = ("--repo", "me/app", "--docker_login_user", "me", "--docker_login_pass", "secret")
    ran = desk.run("take", "snapshot", number, *words)
    assert ran.err.strip() == "Failed with error 400: params duplicated in URL and body: ['id']"
