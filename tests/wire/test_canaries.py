"""Secrets in every position, and a server that repeats all it is told: none of them is in anything that leaves.

A canary is looked for in every spelling that an answer or an output may have it in.
"""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

import reconciler
from reconciler.apply.run import Run, Secrets
from reconciler.cli import cli
from reconciler.cli.apply import Consent, carry_out
from reconciler.cli.compose import World
from reconciler.cli.options import Shape
from reconciler.cli.plan import look
from reconciler.cli.screen import Screen
from reconciler.core.model import Container, RegistryLogin
from reconciler.core.model import FromEnv as From
from reconciler.core.offer import RentOrder
from reconciler.core.saved import write_plan
from reconciler.errors import ReconcileError
from reconciler.provider import DestroyDoubtful
from reconciler.vast.answers import Answer, Call
from reconciler.vast.client import Wire
from reconciler.vast.redact import spellings

from .stub import KEY, Gate, Reply, Seen, Stub, instance_row, offer_row
from .world import Desk, ended

SECRETS = {
    "HF": "hf_cAnArYcAnArYcAnArY0123456789",
    "PULL": "canary-pull-correct-horse-battery",
    "HOOK": "https://hooks.slack.com/services/T0CANARY0/B0CANARY0/cAnArYhOoKcAnArY",
    "ODD": "can'ary\"p\\ss</w>&wört%2Fd+{x}$HOME`id`",
    "PEM": "-----BEGIN PRIVATE KEY-----\nMIIEcanarycanarycanary\n-----END PRIVATE KEY-----",
    "SHORT": "cAnArY7",
}
CANARIES = {"KEY": KEY, "TFA": "canary-of-the-account-0123456789", **SECRETS}
SPEC = """\
kind: Fleet
name: june
replicas: {replicas}
gpu: {{models: [RTX 3060]}}
price: {{max_per_hour: 0.50}}
container:
  image: ghcr.io/acme/june:{image}
  disk_gb: 10
  registry_login: {{server: ghcr.io, username: bot, password: {{from_env: PULL}}}}
  env: {{HF: {{from_env: HF}}, HOOK: {{from_env: HOOK, version: 3}}, ODD: {{from_env: ODD}}, PEM: {{from_env: PEM}},
        SHORT: {{from_env: SHORT}}, PLAIN: visible}}
  onstart: 'curl -d "$HF" "$HOOK"'
"""
PACKAGE = str(Path(reconciler.__file__).parent)


def leaks(said: str) -> list[str]:
    """Which canaries are in a text, in any spelling, or a piece of them."""
    return [
        name for name, secret in CANARIES.items() if any(form in said for form in [*spellings(secret), *middle(secret)])
    ]


def middle(secret: str) -> list[str]:
    """Twelve letters from the middle of a long secret."""
    half = len(secret) // 2
    return [secret[half - 6 : half + 6]] if len(secret) >= 20 else []


def files_below(folder: Path) -> dict[str, str]:
    return {str(file): file.read_bytes().decode("latin-1") for file in folder.rglob("*") if file.is_file()}


def assert_silent(*said: str) -> None:
    for text in said:
        assert leaks(text) == [], text


def declare(desk: Desk, replicas: int = 1, image: str = "1") -> None:
    desk.declare(SPEC.format(replicas=replicas, image=image))


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)


@pytest.fixture
def telling(stub: Stub) -> Stub:
    """An honest account whose rows tell everything, as the real ones do, and more."""

    def rented(stub: Stub, request: Seen) -> Reply:
        made = stub.make(request.number or 0, request.body, **told(request))
        return Reply(200, {"success": True, "new_contract": made, "instance_api_key": CANARIES["TFA"], **told(request)})

    stub.user |= {"api_key": KEY, "username": CANARIES["TFA"], "ssh_key": SECRETS["PEM"]}
    stub.always("rent", rented)
    return stub


def told(request: Seen) -> dict[str, Any]:
    """The fields in which Vast.ai gives secrets back."""
    body = request.body
    everything = f"{body} {json.dumps(body)} {dict(request.headers)}"
    return {
        "extra_env": [[name, value] for name, value in body["env"].items()],
        "onstart": everything,
        "image_args": everything,
        "image_login": body["image_login"],
        "jupyter_token": CANARIES["TFA"],
        "status_msg": everything,
        "instance_api_key": CANARIES["TFA"],
    }


def test_the_canaries_are_found_where_they_are():
    for name, secret in CANARIES.items():
        for form in spellings(secret):
            assert name in leaks(f"before {form} after")


@pytest.mark.parametrize("shape", ["text", "json", "markdown"])
def test_a_whole_life_says_no_secret_and_keeps_none(telling, desk, shape):
    desk.stub = telling
    declare(desk, replicas=2)
    said = [desk.plan(), desk.apply(shape=shape, wait=True), desk.plan(), desk.apply(shape=shape)]
    declare(desk, replicas=1, image="2")
    said += [desk.plan(), desk.apply(shape=shape, wait=True), desk.apply(shape=shape)]
    assert [ran.code for ran in said] == [0] * len(said), [ran.said for ran in said]
    rents = telling.of("rent")
    assert all(rent.body["env"]["ODD"] == SECRETS["ODD"] for rent in rents)  # They did travel where they should.
    assert all(SECRETS["PULL"] in rent.body["image_login"] for rent in rents)
    for rent in rents:
        assert KEY not in json.dumps(rent.body)
    assert_silent(*(ran.said for ran in said), *files_below(desk.folder).values())


# --- errors that repeat the request ---------------------------------------------------------------

Echo = Callable[[Seen], Reply]


def everything(request: Seen) -> str:
    """All of a request in one text, in several spellings."""
    body = request.body if request.body is not None else {}
    values = [str(value) for value in (body.get("env") or {}).values()] if isinstance(body, dict) else []
    forms = [form for secret in [KEY, *SECRETS.values(), *values] for form in spellings(secret)]
    login = body.get("image_login") if isinstance(body, dict) else None
    return " ".join([str(dict(request.headers)), repr(login), str(body), json.dumps(body, default=str), *forms])


def words(status: int, **more: Any) -> Echo:
    """The request in each of the words of a refusal, one after the other in one answer."""
    return lambda request: Reply(
        status,
        {
            "success": False,
            "error": f"invalid_args {everything(request)}",
            **{word: f"bad request: {everything(request)}" for word in ("msg", "message", "detail")},
            **more,
        },
    )


def cut(status: int, name: str) -> Echo:
    """One secret that was cut at either end: what is left of it is a secret too."""
    secret = CANARIES[name]
    said = {"success": False, "error": "invalid_args", "msg": f"{secret[:-3]} {secret[3:]}"}
    return lambda _: Reply(status, said)


def in_bytes(status: int, before: bytes, **headers: str) -> Echo:
    return lambda request: Reply(status, before + everything(request).encode(), headers)


ECHOES: dict[str, Echo] = {
    **{f"{status} in words": words(status) for status in (200, 400, 401, 403, 404, 409, 410, 422, 429, 500, 502, 503)},
    "200 that speaks of success": words(200, success=True),
    "200 with an id that is none": words(200, new_contract="9001"),
    "502 in HTML": in_bytes(502, b"<html>"),
    "400 in plain text": in_bytes(400, b"bad request: "),
    "429 in plain text": in_bytes(429, b"API requests too frequent: endpoint threshold=4.5 "),
    "200 in plain text": in_bytes(200, b""),
    "200 with broken JSON": in_bytes(200, b'{"success": tru '),
    "302 to an address that tells": lambda request: Reply(302, b"", {"Location": f"http://127.0.0.1:1/?k={KEY}"}),
    "401 with a challenge": in_bytes(401, b"", **{"WWW-Authenticate": f'Bearer realm="{KEY}"'}),
}
ROUTES = ("account", "list", "search", "rent", "show", "destroy")


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES.keys())
@pytest.mark.parametrize("route", ROUTES)
def test_an_error_that_repeats_the_request_repeats_no_secret(stub, desk, route, echo):
    declare(desk, replicas=2)
    desk.apply()
    declare(desk, replicas=3 if route in ("rent", "search") else 1)
    stub.always(route, lambda _, request: echo(request))
    ran = desk.apply(shape="json" if route == "rent" else "text")
    again = desk.apply()
    assert "Traceback" not in ran.said
    assert stub.of(route), "nothing was asked on this route"
    assert_silent(ran.said, again.said, desk.plan().said, *files_below(desk.folder).values())


CUT = {
    "400 with pieces of the password": cut(400, "PULL"),
    "400 with pieces of an odd secret": cut(400, "ODD"),
    "422 with pieces of an address": cut(422, "HOOK"),
}


@pytest.mark.parametrize("echo", CUT.values(), ids=CUT.keys())
def test_an_error_that_repeats_a_piece_of_a_secret_does_not_show_it(stub, desk, echo):
    declare(desk)
    stub.always("rent", lambda _, request: echo(request))
    said = desk.apply().said
    assert "invalid_args" in said
    assert_silent(said, *files_below(desk.folder).values())


def test_a_later_answer_that_repeats_an_earlier_request_does_not_show_it(stub, desk):
    order = RentOrder(501, "rc1/x", Container(image="a:1"), SECRETS)
    said = {"success": False, "error": "server_error", "msg": " ".join(SECRETS.values())}
    stub.on("destroy", lambda _, __: Reply(500, said))
    with desk.world() as world:
        world.provider.rent(order)
        answer = world.provider.destroy(9001)
    assert isinstance(answer, DestroyDoubtful)
    assert "server_error" in answer.why
    assert_silent(answer.why)


def test_a_refusal_still_says_what_is_wrong(stub, desk):
    declare(desk)
    stub.on("rent", lambda _, request: words(400)(request))
    ran = desk.apply()
    assert "invalid_args" in ran.said
    assert "***" in ran.said


# --- exceptions, values, processes ----------------------------------------------------------------


def frames_of(error: BaseException) -> Iterator[str]:
    """The whole traceback with the variables of our frames, and of all that hang on to it."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    while told is not None:
        yield "".join(told.format_exception_only())
        for frame in told.stack:
            if frame.filename.startswith(PACKAGE):
                yield f"{frame.filename}:{frame.lineno} {frame.locals}"
        told = told.__cause__ or told.__context__  # type: ignore[assignment]


class Bug(RuntimeError):
    """What nobody foresaw."""


class Broken(Wire):
    """A wire with a mistake in it, found while a call of one route is under way."""

    breaks = "rent"

    def once(self, call: Call) -> Any:
        if call.route == self.breaks:
            raise Bug(f"{call} {call!r}")
        return super().once(call)


def wrecked(desk: Desk, world: World) -> Iterable[str]:
    """An apply on `world` that fails somehow, in all its words."""
    consent = Consent(Screen(Shape("text", True)), True, None, None)
    try:
        carry_out(world, desk.wish(True), consent, timeout_s=100.0, step_only=True)
    except (Bug, ReconcileError) as error:
        return list(frames_of(error))
    return []


@pytest.mark.parametrize("route", ["account", "list", "search", "rent"])
def test_a_traceback_with_variables_shows_no_secret(telling, desk, route):
    declare(desk)
    with desk.world() as world:
        broken = Broken(
            key=world.wire._key, origin=telling.url, clock=world.clock, pacing=world.wire.pacing, jitter=lambda: 1.0
        )
        broken.breaks = route
        world.wire = world.provider._wire = broken
        said = wrecked(desk, world)
        broken.close()
    assert len(said) > 3
    assert_silent(*said)


BAD_KEYS = {
    "two keys that differ": {"VASTAI_API_KEY": CANARIES["TFA"]},
    "a key that cannot travel": {"VAST_API_KEY": f"{KEY} {KEY}"},
    "a server that is none": {"VAST_URL": f"http://me:{CANARIES['TFA']}@127.0.0.1"},
    "a plan key that is short": {"RECONCILE_PLAN_KEY": SECRETS["SHORT"]},
}


@pytest.mark.parametrize("environ", BAD_KEYS.values(), ids=BAD_KEYS.keys())
def test_a_traceback_of_a_wrong_environment_shows_no_secret(telling, shell, monkeypatch, environ):
    shell.spec.write_text(SPEC.format(replicas=1, image="1"), encoding="utf-8")
    for name, value in {**shell.env, **SECRETS, **environ}.items():
        monkeypatch.setenv(name, value)
    saving = ["plan", str(shell.spec), "--out", str(shell.folder / "plan.json")]
    line = saving if "RECONCILE_PLAN_KEY" in environ else shell.line("--no-wait")
    with pytest.raises(ReconcileError) as caught:
        cli.main(line, standalone_mode=False)
    assert_silent(*frames_of(caught.value))


def test_the_repr_of_no_value_shows_a_secret(telling, desk):
    declare(desk)
    login = RegistryLogin("ghcr.io", "bot", From("PULL"))
    order = RentOrder(501, "rc1/x", Container(image="a:1", registry_login=login), SECRETS, SECRETS["PULL"])
    call = Call("rent", "PUT", "/x", body={"env": SECRETS}, secrets=tuple(SECRETS.values()))
    answer = Answer(call, 400, json.dumps(SECRETS).encode())
    with desk.world() as world:
        run = Run(world.provider, None, world.clock, "default", desk.record if desk.ledger.exists() else None, len)  # type: ignore[arg-type]
        run.secrets = Secrets(SECRETS)
        values = [order, call, answer, run, run.secrets, world, world.wire, world.provider, world.wire._headers]
        assert_silent(*(f"{value!r} {[value]} {value}" for value in values if value is not run.secrets.values))


def test_a_saved_plan_holds_no_secret(telling, desk):
    declare(desk, replicas=2)
    with desk.world() as world:
        made = look(world, desk.wish(True)).plan
    assert_silent(write_plan(made), write_plan(made, CANARIES["TFA"]))


def test_the_list_of_processes_shows_no_secret(stub, shell):
    shell.spec.write_text(SPEC.format(replicas=1, image="1"), encoding="utf-8")
    gate = Gate()
    stub.on("rent", gate)
    process = shell.start(*shell.line("--no-wait"), **SECRETS)
    try:
        stub.await_request("rent")
        lines = {pid: command_of(pid) for pid in os.listdir("/proc") if pid.isdigit()}
        assert "june.yaml" in lines[str(process.pid)]
        assert_silent(*lines.values())
    finally:
        gate.open()
        ran = ended(process)
    assert ran.code == 0, ran.said
    assert_silent(ran.said, *files_below(shell.folder).values())


def command_of(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode("latin-1")
    except OSError:
        return ""


# --- the key and the hosts ------------------------------------------------------------------------


@pytest.mark.parametrize("at", range(10))
def test_the_accounts_key_is_sent_to_no_host_in_any_spelling(stub, shell, at):
    spelt = spellings(KEY)
    shell.spec.write_text(SPEC.format(replicas=1, image="1"), encoding="utf-8")
    value = f"x{spelt[at % len(spelt)]}y"
    ran = shell.apply("--no-wait", **{**SECRETS, "HF": value})
    assert (ran.code, stub.mutations) == (1, [])
    assert_silent(ran.said)


def test_what_the_account_says_of_its_instances_is_shown_without_their_secrets(telling, shell):
    shell.env |= {"RECONCILE_PACE": "0", **SECRETS}
    shell.spec.write_text(SPEC.format(replicas=2, image="1"), encoding="utf-8")
    assert shell.apply("--no-wait").code == 0
    telling.instances[77] = {**instance_row(77, offer_row(), {"disk": 10, "label": KEY}), "extra_env": [["A", KEY]]}
    for shape in ("text", "json", "markdown"):
        for line in (["status"], ["plan"], ["offers", "june"]):
            ran = shell.run(*line, str(shell.spec), "--format", shape)
            assert ran.code == 0, ran.said
            assert_silent(ran.said)
