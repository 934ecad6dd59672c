"""What is sent to rent, and what each answer to it means."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.model import Container, FromEnv, Port, RegistryLogin
from reconciler.errors import DoubtfulReading, KeyProblem, Unreachable
from reconciler.provider import OfferGone, RefusedButCreated, RentAnswer, RentDoubtful, Rented, RentRefused

from .world import CANARY, HTML, Script, order, provider_for, raw, said

BASE = {"client_id": "me", "label": "L", "disk": 32, "target_state": "running", "cancel_unavail": True}

BODIES = {
    "an image reached by ssh directly": (
        Container(image="i:1", connect="ssh-direct"),
        {},
        {"image": "i:1", "runtype": "ssh_direc ssh_proxy"},
    ),
    "an image reached through the proxy": (
        Container(image="i:1", connect="ssh-proxy"),
        {},
        {"image": "i:1", "runtype": "ssh_proxy"},
    ),
    "jupyter directly": (
        Container(image="i:1", connect="jupyter-direct"),
        {},
        {"image": "i:1", "runtype": "jupyter_direc ssh_direc ssh_proxy"},
    ),
    "jupyter through the proxy": (
        Container(image="i:1", connect="jupyter-proxy"),
        {},
        {"image": "i:1", "runtype": "jupyter_proxy ssh_proxy"},
    ),
    "the image's own entry point with arguments": (
        Container(image="i:1", connect="args", args=("--port", "1")),
        {},
        {"image": "i:1", "runtype": "args", "args": ["--port", "1"]},
    ),
    "a template decides how it is reached": (
        Container(vast_template="4e17788f"),
        {},
        {"template_hash_id": "4e17788f"},
    ),
    "a template with a written connect": (
        Container(vast_template="4e17788f", connect="ssh-proxy"),
        {},
        {"template_hash_id": "4e17788f", "runtype": "ssh_proxy"},
    ),
    "variables and ports travel in one object": (
        Container(image="i:1", connect="ssh-proxy", ports=(Port(8000), Port(8001, "udp"))),
        {"A": "1", "HF_TOKEN": "secret"},
        {
            "image": "i:1",
            "runtype": "ssh_proxy",
            "env": {"A": "1", "HF_TOKEN": "secret", "-p 8000:8000": "1", "-p 8001:8001/udp": "1"},
        },
    ),
    "a script": (
        Container(image="i:1", connect="ssh-proxy", onstart="echo ü"),
        {},
        {"image": "i:1", "runtype": "ssh_proxy", "onstart": "echo ü"},
    ),
}


@pytest.mark.parametrize(("container", "env", "expected"), BODIES.values(), ids=BODIES.keys())
def test_the_body_has_exactly_the_keys_that_apply(container, env, expected):
    script = Script(said(200, {"success": True, "new_contract": 99}))
    assert provider_for(script).rent(order(container=container, env=env, label="L")) == Rented(99)
    assert script.bodies == [{**BASE, **expected}]


def test_the_request_is_a_put_with_the_key_in_the_header_alone():
    script = Script(said(200, {"success": True, "new_contract": 99}))
    provider_for(script).rent(order(offer_id=48120771))
    (request,) = script.requests
    assert (request.method, str(request.url)) == ("PUT", "https://console.vast.ai/api/v0/asks/48120771/")
    assert request.headers["authorization"] == f"Bearer {CANARY}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept"] == "application/json"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["user-agent"].startswith("vast-reconciler/")
    assert CANARY not in str(request.url)


def test_a_registry_login_is_written_as_docker_flags():
    login = RegistryLogin("ghcr.io", "bot", FromEnv("TOKEN"))
    container = Container(image="i:1", connect="ssh-proxy", registry_login=login)
    script = Script(said(200, {"success": True, "new_contract": 99}))
    provider_for(script).rent(order(container=container, registry_password="pa55word"))
    assert script.bodies[0]["image_login"] == "-u bot -p pa55word ghcr.io"


@pytest.mark.parametrize("password", [None, "", "a b", "a\n", "a -v /:/host"])
def test_a_login_that_does_not_fit_one_line_of_flags_is_not_sent(password):
    login = RegistryLogin("ghcr.io", "bot", FromEnv("TOKEN"))
    script = Script(said(200, {}))
    container = Container(image="i:1", registry_login=login)
    answer = provider_for(script).rent(order(container=container, registry_password=password))
    assert isinstance(answer, RentRefused)
    assert (answer.stops, script.requests) == ("fleet", [])
    assert not password or password not in answer.why


def test_the_accounts_own_key_is_never_sent_to_a_host():
    script = Script(said(200, {}))
    answer = provider_for(script).rent(order(env={"X": f"a{CANARY}b"}))
    assert isinstance(answer, RentRefused)
    assert answer.stops == "fleet"
    assert script.requests == []


NO_ASK = "error 404/3603: no_such_ask  Instance type by id 41 is not available."
DOUBT, DOUBT_STOP = (RentDoubtful, {"stops_run": False}), (RentDoubtful, {"stops_run": True})
FLEET, RUN, GONE = (RentRefused, {"stops": "fleet"}), (RentRefused, {"stops": "run"}), (OfferGone, {})


def _created(number: int) -> tuple[type, dict[str, object]]:
    return RefusedButCreated, {"id": number}


ANSWERS = {
    "accepted": (said(200, {"success": True, "new_contract": 99, "instance_api_key": "k"}), (Rented, {"id": 99})),
    "accepted without the word success": (said(200, {"new_contract": 99}), (Rented, {"id": 99})),
    "accepted with 201": (said(201, {"success": True, "new_contract": 99}), (Rented, {"id": 99})),
    "a lost bid that exists": (said(200, {"success": False, "new_contract": 52298608}), _created(52298608)),
    "an odd success that exists": (said(200, {"success": "no", "new_contract": 99}), _created(99)),
    "an error word and a contract": (said(200, {"error": "bid_too_low", "new_contract": 99}), _created(99)),
    "400 with a contract": (said(400, {"error": "no_such_ask", "new_contract": 99}), _created(99)),
    "404 auth_error with a contract": (said(404, {"error": "auth_error", "new_contract": 99}), _created(99)),
    "429 with a contract": (said(429, {"new_contract": 99}), _created(99)),
    "500 with a contract": (said(500, {"success": True, "new_contract": 99}), _created(99)),
    "302 with a contract": (said(302, {"success": True, "new_contract": 99}), _created(99)),
    "the offer's own id": (said(200, {"success": True, "new_contract": 41}), DOUBT),
    "the offer's own id in a refusal": (said(400, {"error": "no_such_ask", "new_contract": 41}), DOUBT),
    "no id": (said(200, {"success": True}), DOUBT),
    "id null": (said(200, {"success": True, "new_contract": None}), DOUBT),
    "id 0": (said(200, {"success": True, "new_contract": 0}), DOUBT),
    "id -1": (said(200, {"success": True, "new_contract": -1}), DOUBT),
    "id 99.0": (said(200, {"success": True, "new_contract": 99.0}), DOUBT),
    "id as text": (said(200, {"success": True, "new_contract": "123"}), DOUBT),
    "id true": (said(200, {"success": True, "new_contract": True}), DOUBT),
    "id 2^63": (said(200, {"success": True, "new_contract": 2**63}), DOUBT),
    "a nonsense id in a refusal": (said(400, {"error": "no_such_ask", "new_contract": "99"}), DOUBT),
    "a contract in another place": (said(400, {"error": "no_such_ask", "data": {"new_contract": 9}}), DOUBT),
    "two contracts under one key": (raw(200, '{"success":true,"new_contract":9,"new_contract":8}'), DOUBT),
    "an empty body": (raw(200, b""), DOUBT),
    "an empty object": (said(200, {}), DOUBT),
    "a list": (said(200, [{"new_contract": 99}]), DOUBT),
    "a page of HTML": (HTML, DOUBT),
    "cut JSON": (raw(200, '{"success": true, "new_contract": 9'), DOUBT),
    "cut JSON in a refusal": (raw(400, '{"error": "no_such_ask", '), DOUBT),
    "204": (raw(204, b""), DOUBT),
    "offer gone, 400, word in the message": (
        said(400, {"error": "invalid_args", "msg": NO_ASK}),
        GONE,
    ),
    "offer gone, 404": (said(404, {"success": False, "error": "no_such_ask", "msg": "already taken"}), GONE),
    "offer gone, 404, word in the message": (
        said(404, {"error": "invalid_args", "msg": NO_ASK}),
        GONE,
    ),
    "offer gone, 410": (said(410, {"success": False, "error": "no_such_ask", "ask_id": 41}), GONE),
    "offer gone, with a null contract": (said(410, {"error": "no_such_ask", "new_contract": None}), GONE),
    "offer gone, but with 200": (said(200, {"success": False, "error": "no_such_ask"}), DOUBT),
    "offer gone, but with 500": (said(500, {"success": False, "error": "no_such_ask"}), DOUBT),
    "offer gone, but with 429": (said(429, {"success": False, "error": "no_such_ask"}), DOUBT),
    "offer gone, but success": (said(404, {"success": True, "error": "no_such_ask"}), DOUBT),
    "a host's account and another's offer": (
        said(403, {"success": False, "error": "invalid_args", "msg": "error 403/3586: Offer 41 is not your own. "}),
        GONE,
    ),
    "no credit": (said(400, {"error": "insufficient_credit", "msg": "Your account lacks credit; see"}), RUN),
    "no credit, in words": (said(400, {"error": True, "status_code": 400, "msg": "Your account lacks credit"}), RUN),
    "no credit, 411": (said(411, {"success": False, "msg": "Insufficient credit"}), RUN),
    "the spend cap of a new account": (said(400, {"success": False, "error": "spend_rate_limit"}), RUN),
    "the route is retired": (said(410, {"success": False, "error": "deprecated_endpoint"}), RUN),
    "bad arguments": (said(400, {"success": False, "error": "invalid_args", "msg": "error 400/3467: Invalid"}), FLEET),
    "bad price": (said(400, {"success": False, "error": "invalid_price"}), FLEET),
    "no ssh key for a VM": (said(400, {"success": False, "error": "no_ssh_key_for_vm"}), FLEET),
    "bad arguments, 403": (said(403, {"success": False, "error": "invalid_args", "msg": "x"}), FLEET),
    "a refusal without a word": (said(400, {"success": False, "msg": "no"}), DOUBT),
    "a wrong key": (said(404, {"success": False, "error": "auth_error", "msg": "Invalid user key"}), DOUBT_STOP),
    "no login": (
        said(403, {"error": "auth_error", "msg": "This action requires login."}),
        DOUBT_STOP,
    ),
    "401": (said(401, {"success": False, "msg": "Invalid user key"}), DOUBT_STOP),
    "a key without the scope": (said(403, {"success": False, "error": "forbidden", "msg": "permission"}), DOUBT_STOP),
    "edge 403": (raw(403, "<html>403 Forbidden</html>"), DOUBT),
    "429 and the spend cap": (said(429, {"success": False, "error": "spend_rate_limit"}), DOUBT_STOP),
    "429 in JSON": (said(429, {"detail": "API requests too frequent endpoint threshold=4.5"}), DOUBT),
    "429 in text": (raw(429, "API requests too frequent"), DOUBT),
    "408": (said(408, {"success": False, "error": "timeout"}), DOUBT),
    "409": (said(409, {"success": False, "error": "conflict"}), DOUBT),
    "425": (said(425, {"success": False, "error": "early"}), DOUBT),
    "500 in HTML": (raw(500, "<html>cloudflare</html>"), DOUBT),
    "502": (raw(502, "<html>502</html>"), DOUBT),
    "200 and a refusal": (said(200, {"success": False, "error": "bid_too_low"}), DOUBT),
    "200 and a queue": (said(200, {"success": False, "error": "resources_unavailable"}), DOUBT),
    "a redirect": (raw(307, b"", Location="https://console.vast.ai/api/v0/asks/41/"), DOUBT),
    "a timeout": (httpx.ReadTimeout("x"), DOUBT),
    "a reset": (httpx.ReadError("x"), DOUBT),
    "no connection": (httpx.ConnectError("x"), DOUBT),
}


@pytest.mark.parametrize(("step", "expected"), ANSWERS.values(), ids=ANSWERS.keys())
def test_every_answer_has_one_meaning_and_the_request_is_sent_once(step, expected):
    script = Script(step)
    answer = provider_for(script).rent(order(offer_id=41))
    kind, fields = expected
    assert type(answer) is kind
    assert {name: getattr(answer, name) for name in fields} == fields
    assert len(script.requests) == 1


def test_a_reason_names_the_call_and_blots_out_secrets():
    container = Container(image="i:1", env=(("HF_TOKEN", FromEnv("HF_TOKEN")), ("A", "plain")))
    message = f'Invalid args: tok"en-1234 {CANARY} \x1b[31m plain ' + "x" * 500
    script = Script(said(400, {"success": False, "error": "invalid_args", "msg": message}))
    answer = provider_for(script).rent(order(container=container, env={"HF_TOKEN": 'tok"en-1234', "A": "plain"}))
    assert isinstance(answer, RentRefused)
    assert answer.why.startswith(
        "PUT /api/v0/asks/41/ answered 400: invalid_args Invalid args: *** *** \\u001b[31m plain xxx"
    )
    assert len(answer.why) < 220


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("auth_error")
KEYS = st.sampled_from(["success", "new_contract", "error", "msg"])
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=8)


@given(body=JSON, status=st.integers(200, 599))
def test_any_body_with_any_status_is_an_answer_and_an_id_is_never_invented(body, status):
    script = Script(raw(status, json.dumps(body)))
    answer = provider_for(script).rent(order())
    assert isinstance(answer, RentAnswer)
    assert len(script.requests) == 1
    if isinstance(answer, Rented | RefusedButCreated):
        assert type(body["new_contract"]) is int
        assert body["new_contract"] == answer.id > 0


SPOKEN = {  # The words of an observed refusal -> its meaning, in the order they are looked for.
    "not your own": OfferGone,
    "no_such_ask": OfferGone,
    "lacks credit": RentRefused,
    "Invalid args": RentRefused,
}


def test_every_observed_answer_to_a_rent_has_its_meaning(market_data: Path):
    entries = json.loads((market_data / "api-errors-observed.json").read_text())["entries"]
    assert len(entries) > 20
    for entry in entries:
        content = entry.get("text") or json.dumps(entry["body"])
        refused = [meaning for words, meaning in SPOKEN.items() if words in content]
        certain = 400 <= entry["status"] < 500 and entry["status"] != 429 and "body" in entry and refused
        expected = refused[0] if certain else RentDoubtful
        if "new_contract" in content:
            expected = RefusedButCreated
        answer = provider_for(Script(raw(entry["status"], content))).rent(order())
        if "1782" not in content:  # Seen for a read: another kind of bad argument.
            assert type(answer) is expected, entry


def test_the_observed_answers_to_a_read_are_never_a_list(market_data: Path):
    for entry in json.loads((market_data / "api-errors-observed.json").read_text())["entries"]:
        content = entry.get("text") or json.dumps(entry["body"])
        with pytest.raises((DoubtfulReading, Unreachable, KeyProblem)):
            provider_for(Script(raw(entry["status"], content))).instances()
