"""The command as a service runs it: its pages over HTTP, its signals, and `kill -9` wherever it hits."""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from .stub import Gate, Reply, Stub, offer_rows
from .world import Shell, ended, fleet

LISTEN = ("--listen", "127.0.0.1:0")


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def started(shell: Shell) -> Iterator[Start]:
    """Begins a watch that passes every second; whatever becomes of the test, none is left."""
    with ExitStack() as stack:

        def start(*more: str) -> subprocess.Popen[str]:
            line = ["watch", str(shell.spec), "--yes", "--first-run", "--interval", "1s", *more]
            process = shell.start(*line, RECONCILE_PACE="0")
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start


def lines(process: subprocess.Popen[str]) -> Iterator[dict]:
    assert process.stderr is not None
    for line in process.stderr:
        yield json.loads(line)


def until(process: subprocess.Popen[str], event: str, **fields) -> dict:
    """Read on to the next line of an event."""
    for line in lines(process):
        if line["event"] == event and fields.items() <= line.items():
            return line
    raise AssertionError(f"{event} never came")


def get(url: str) -> tuple[int, str, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read().decode()


def test_its_pages_are_served_while_it_works_and_sigterm_ends_it(stub, shell, started):
    process = started(*LISTEN)
    url = until(process, "started")["listen"]
    assert url.startswith("http://127.0.0.1:")
    until(process, "pass", ready=1)
    status, kind, page = get(f"{url}/metrics")
    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert 'reconcile_fleet_ready{fleet="june"} 1\n' in page
    assert 'reconcile_rents_total{fleet="june",reason="new"} 1\n' in page
    assert int(re.findall(r'reconcile_api_calls_total\{route="list"\} (\d+)', page)[0]) >= 2
    assert get(f"{url}/healthz")[0] == 200
    assert get(f"{url}/other")[0] == 404
    ran = ended(process, signal.SIGTERM)
    assert ran.code == 0, ran.said
    assert json.loads(ran.last_line)["event"] == "stopped"
    assert ran.out == ""
    with pytest.raises(urllib.error.URLError):
        get(f"{url}/healthz")


def test_sigterm_while_a_rent_is_in_flight_waits_for_its_answer(stub, shell, started):
    shell.spec.write_text(fleet(replicas=3), encoding="utf-8")
    gate = Gate()
    stub.on("rent", gate)
    process = started("--listen", "off")
    stub.await_request("rent")
    process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    gate.open()
    ran = ended(process)
    assert ran.code == 130, ran.said
    assert len(stub.mutations) == 1
    assert '"event":"rented"' in ran.err


def test_429s_are_counted(stub, shell, started):
    stub.on("list", lambda stub, request: Reply(429, {"msg": "too many"}))
    process = started(*LISTEN)
    url = until(process, "started")["listen"]
    until(process, "pass")
    assert 'reconcile_api_too_many_total{route="list"} 1\n' in get(f"{url}/metrics")[2]
    ended(process, signal.SIGTERM)


def test_a_port_that_is_taken_is_one_clear_error(stub, shell, started):
    taken = stub.url.removeprefix("http://")
    ran = ended(started("--listen", taken))
    assert ran.code == 1
    assert f"error: cannot listen on {taken}" in ran.err
    assert stub.seen == []


def test_killed_anywhere_and_started_again_it_rents_nothing_twice(stub, shell, started):
    """Rents are slow, so that a good part of the kills hits one in flight."""
    shell.spec.write_text(fleet(replicas=3), encoding="utf-8")
    dice = random.Random(6)

    def slowly(stub, request):
        time.sleep(0.1)

    stub.always("rent", slowly)
    for _ in range(4):
        process = started("--listen", "off")
        until(process, "started")
        time.sleep(dice.uniform(0.05, 1.2))
        assert ended(process, signal.SIGKILL).code == -signal.SIGKILL
        assert len(stub.instances) <= 3 + 1
    stub.honest("rent")
    process = started("--listen", "off")
    until(process, "started")
    for line in lines(process):
        if line.get("ready") == 3:
            break
    ran = ended(process, signal.SIGTERM)
    assert ran.code in (0, 130, 5), ran.said
    seats = [row["label"].split("/")[2:4] for row in stub.instances.values()]
    assert len({tuple(seat) for seat in seats}) == len(seats) == 3
    assert len(stub.of("rent")) <= 3 + 1


OLD, NEW = "ghcr.io/acme/june:1", "ghcr.io/acme/june:2"
TEN = 10


def images(stub: Stub) -> list[str]:
    return sorted(row["image_uuid"] for row in stub.instances.values())


def test_a_rollout_that_is_killed_at_random_moments_ends_with_all_new_and_never_has_more_than_a_step_besides(
    stub, shell, started
):
    """Ten replicas, four at once; rents and destroys are slow, so that most kills hit one in flight."""
    for row in offer_rows(24):
        stub.offers.setdefault(row["id"], row)
    spec = fleet(replicas=TEN, more="rollout: {at_once: 4}\n")
    shell.spec.write_text(spec, encoding="utf-8")
    for _ in range(2):  # The first two are tried out before the others follow.
        shell.apply("--no-wait", RECONCILE_PACE="0")
    assert images(stub) == [OLD] * TEN
    shell.spec.write_text(spec.replace(OLD, NEW), encoding="utf-8")
    most = 0

    def slowly(stub, request):
        nonlocal most
        most = max(most, len(stub.instances))
        time.sleep(0.1)

    stub.always("rent", slowly)
    stub.always("destroy", slowly)
    dice, middle = random.Random(3), ""
    for _ in range(5):
        process = started("--listen", "off")
        for line in lines(process):
            if line["event"] in ("rented", "destroying", "destroyed", "pass"):
                break
        time.sleep(dice.uniform(0.0, 1.0))
        assert ended(process, signal.SIGKILL).code == -signal.SIGKILL
        if not middle and OLD in images(stub) and NEW in images(stub):
            middle = shell.run("plan", str(shell.spec)).out
    assert "of 10 seats to go" in middle, images(stub)
    process = started("--listen", "off")
    until(process, "started")
    for line in lines(process):
        if images(stub) == [NEW] * TEN and line.get("ready") == TEN:
            break
    ended(process, signal.SIGTERM)
    assert images(stub) == [NEW] * TEN
    assert most <= TEN + 4
    seats = {row["label"].split("/")[3] for row in stub.instances.values()}
    assert seats == {str(index) for index in range(TEN)}
