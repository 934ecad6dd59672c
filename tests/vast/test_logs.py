"""The log of an instance: asked for with the key, fetched without it, from nowhere it should not, without secrets."""

from __future__ import annotations

import httpx
import pytest

from reconciler.errors import Interrupted
from reconciler.vast.logs import TRIES, may_be_fetched

from .world import CANARY, ORIGIN, FakeClock, Script, provider_for, said

STORE = "https://s3.amazonaws.com/instance_logs/ab12.log"
ASKED = {"success": True, "result_url": STORE, "msg": "..."}
MISSING = httpx.Response(404, content=b"<Error><Code>NoSuchKey</Code></Error>")


def text(content):
    return httpx.Response(200, content=content.encode())


def test_the_log_is_asked_for_and_fetched_once_it_is_there():
    script = Script(said(200, ASKED), MISSING, MISSING, text("one\ntwo\n"))
    assert provider_for(script).logs(7, 50) == "one\ntwo"
    assert [str(request.url) for request in script.requests] == [
        f"{ORIGIN}/api/v0/instances/request_logs/7/",
        *[STORE] * 3,
    ]
    assert script.requests[0].content == b'{"tail":"50"}'


def test_only_the_account_gets_the_key():
    script = Script(said(200, ASKED), text("one"))
    provider_for(script).logs(7, 50)
    asked, fetched = script.requests
    assert CANARY in asked.headers["Authorization"]
    assert CANARY not in repr(fetched.headers.raw)
    assert "authorization" not in fetched.headers


def test_where_the_container_said_nothing_its_host_is_asked():
    script = Script(said(200, ASKED), text("\n"), said(200, ASKED), text("docker pull a/b:1"))
    assert provider_for(script).logs(7, 50) == "docker pull a/b:1"
    assert script.requests[2].content == b'{"tail":"50","daemon_logs":"true"}'


def test_secrets_are_blotted_out_line_by_line():
    script = Script(said(200, ASKED), text(f"a\nkey {CANARY} end\nTOKEN=hunter2hunter2 x"))
    provider = provider_for(script)
    provider._wire.also_hide(["hunter2hunter2", ""])
    found = provider.logs(7, 50)
    assert found.splitlines()[0] == "a"
    assert CANARY not in found
    assert "hunter2" not in found


NONE = {
    "the account knows no such instance": [said(404, {"success": False, "error": "no_such_instance"})],
    "the key may not": [said(403, {"success": False, "error": "forbidden"})],
    "no address comes": [said(200, {"success": True})],
    "the address is no text": [said(200, {"success": True, "result_url": 7})],
    "not JSON": [httpx.Response(200, content=b"<html>")],
    "the store breaks": [said(200, ASKED), httpx.ConnectError("no")],
    "the file never appears": [said(200, ASKED), MISSING],
    "the address leads elsewhere": [said(200, {"success": True, "result_url": "http://169.254.169.254/latest"})],
}


@pytest.mark.parametrize("steps", NONE.values(), ids=NONE.keys())
def test_without_a_log_there_is_none_and_nothing_is_raised(steps):
    script = Script(*steps)
    alternating = steps if len(steps) == 1 else [*steps, *steps[1:] * (TRIES - 1)] * 2
    script.steps = list(alternating)
    assert provider_for(script).logs(7, 50) is None


def test_a_redirect_is_not_followed():
    away = httpx.Response(302, headers={"location": "http://127.0.0.1/secret"})
    script = Script(said(200, ASKED), *[away] * TRIES, said(404, {}))
    assert provider_for(script).logs(7, 50) is None
    assert {request.url.host for request in script.requests} == {"console.vast.ai", "s3.amazonaws.com"}


def test_a_stop_ends_the_waiting():
    class Stopping(FakeClock):
        def sleep(self, seconds):
            if self.slept:
                raise Interrupted("stop")
            super().sleep(seconds or 0.1)

    script = Script(said(200, ASKED), MISSING, clock=Stopping())
    with pytest.raises(Interrupted):
        provider_for(script).logs(7, 50)


def test_of_a_large_log_the_end_is_read():
    script = Script(said(200, ASKED), text("x" * 300_000 + "\nend"))
    found = provider_for(script).logs(7, 50)
    assert found.endswith("end")
    assert len(found) <= 256 * 1024


ADDRESSES = {
    STORE: True,
    "https://vast-logs.example.com:443/a": True,
    f"{ORIGIN}/simulator/logs/a.log": True,
    "http://s3.amazonaws.com/a": False,
    "https://s3.amazonaws.com:8443/a": False,
    "https://127.0.0.1/a": False,
    "https://[::1]/a": False,
    "https://10.0.0.1/a": False,
    "https://2130706433/a": False,
    "https://0x7f.1/a": False,
    "https://localhost/a": False,
    "file:///etc/passwd": False,
    "https://[broken": False,
    "": False,
}


@pytest.mark.parametrize(("url", "expected"), ADDRESSES.items())
def test_where_a_log_may_come_from(url, expected):
    assert may_be_fetched(url, ORIGIN) is expected


def test_a_server_on_this_machine_may_name_itself():
    assert may_be_fetched("http://127.0.0.1:8765/simulator/logs/a.log", "http://127.0.0.1:8765")
    assert not may_be_fetched("http://127.0.0.1:9999/a.log", "http://127.0.0.1:8765")
