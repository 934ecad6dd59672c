"""One label call: what is sent, what an answer means, and what a row tells of how a container was set up."""

from __future__ import annotations

import httpx
import pytest

from reconciler.core.instance import Setup
from reconciler.core.model import Port
from reconciler.errors import KeyProblem
from reconciler.provider import Gone, RelabelDoubtful, RelabelSent
from reconciler.vast.pacing import GAP_SECONDS
from reconciler.vast.setups import connect_of, setup

from .world import CANARY, HTML, Script, provider_for, said

LABEL = "rc1/default/june/a0/fb4sppjq/aqf57gis/zaf4"
SENT = said(200, {"success": True, "msg": f"label for 7 set to '{LABEL}'"})


def test_one_label_is_one_request_with_nothing_but_the_label():
    script = Script(SENT)
    assert provider_for(script).relabel(7, LABEL) == RelabelSent()
    (request,) = script.requests
    assert (request.method, str(request.url)) == ("PUT", "https://console.vast.ai/api/v0/instances/7/")
    assert script.bodies == [{"label": LABEL}]


def test_no_label_is_sent_as_an_empty_one():
    script = Script(SENT)
    provider_for(script).relabel(7, None)
    assert script.bodies == [{"label": ""}]


DOUBTS = {
    "no answer in time": httpx.ReadTimeout("slow"),
    "a connection that broke": httpx.ReadError("broken"),
    "too many requests": said(429, {"detail": "API requests too frequent endpoint threshold=1.0"}),
    "a server's error": said(502, {"success": False}),
    "a page of HTML": HTML,
    "success that is not said": said(200, {}),
    "a failure with status 200": said(200, {"success": False, "error": "busy", "msg": "try later"}),
    "a label that is too long": said(400, {"success": False, "error": "label_too_long", "msg": "Please limit"}),
    "a redirect": httpx.Response(301, headers={"Location": "https://elsewhere.example/"}),
}


@pytest.mark.parametrize("answer", DOUBTS.values(), ids=DOUBTS)
def test_whatever_is_not_a_plain_yes_is_doubtful_and_never_sent_twice(answer):
    script = Script(answer, SENT)
    told = provider_for(script).relabel(7, LABEL)
    assert isinstance(told, RelabelDoubtful)
    assert told.why
    assert len(script.requests) == 1


@pytest.mark.parametrize("word", ["no_such_instance", "not_found"])
def test_an_unknown_instance_is_gone(word):
    answer = said(404, {"success": False, "error": word, "msg": "Instance 7 not found."})
    assert provider_for(Script(answer)).relabel(7, LABEL) == Gone(7)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refused_key_is_no_answer_about_the_instance(status):
    answer = said(status, {"success": False, "error": "auth_error", "msg": f"Invalid user key {CANARY}"})
    with pytest.raises(KeyProblem) as caught:
        provider_for(Script(answer)).relabel(7, LABEL)
    assert CANARY not in str(caught.value)


def test_label_calls_keep_the_documented_second_apart():
    script = Script(SENT)
    provider = provider_for(script)
    provider.relabel(7, LABEL)
    provider.relabel(8, LABEL)
    assert script.times[1] - script.times[0] >= GAP_SECONDS["relabel"] == 1.0


WAYS = {
    "ssh_direc ssh_proxy": "ssh-direct",
    "ssh_direct": "ssh-direct",
    "ssh_proxy": "ssh-proxy",
    "ssh": "ssh-proxy",
    "jupyter_direc ssh_direc ssh_proxy": "jupyter-direct",
    "jupyter_proxy ssh_proxy": "jupyter-proxy",
    "jupyter": "jupyter-proxy",
    "args": "args",
    "": None,
    "something new": None,
    None: None,
    7: None,
}


@pytest.mark.parametrize(("told", "way"), WAYS.items(), ids=map(str, WAYS))
def test_ways_in_are_read_in_either_spelling(told, way):
    assert connect_of(told) == way


def test_variables_are_read_by_name_and_never_by_value():
    found = setup({"extra_env": [["HF_TOKEN", CANARY], ["A", "1"], ["A", "2"]]})
    assert found is not None
    assert found.env_names == ("A", "HF_TOKEN")
    assert CANARY not in repr(found)


PAIRS = {
    "nothing": ([], ((), (), ())),
    "ports among variables": (
        [["-p 8000:8000", "1"], ["-p 53:53/udp", "1"], ["-p 22", "1"], ["-p 80:8080/tcp", "1"]],
        ((Port(22), Port(53, "udp"), Port(8000), Port(8080)), (), ()),
    ),
    "a port beyond the ports": ([["-p 1:70000", "1"]], ((), (), ("-p",))),
    "flags without a field, their values left out": (
        [["-h", "box"], ["-v vol:/p", "1"], ["-e SECRET=hunter2", ""]],
        ((), (), ("-e", "-h", "-v")),
    ),
    "rows that are no pairs": ([["A", "1"], "B", [], [1, 2], None, {"C": 1}], ((), ("A",), ())),
    "a name that no variable has": ([["bad name", "1"]], ((), (), ("bad",))),
    "an escape sequence": ([["\x1b[31m", "1"]], ((), (), ("\\u001b[31m",))),
}


@pytest.mark.parametrize(("pairs", "read"), PAIRS.values(), ids=PAIRS)
def test_pairs_are_ports_variables_and_what_has_no_field(pairs, read):
    found = setup({"extra_env": pairs})
    assert found is not None
    assert (found.ports, found.env_names, found.unread) == read


@pytest.mark.parametrize("odd", [None, "A=1", {"A": "1"}, 7])
def test_pairs_that_are_not_told_are_not_none_at_all(odd):
    found = setup({"extra_env": odd, "image_runtype": "ssh"})
    assert found == Setup(connect="ssh-proxy")


def test_a_row_that_tells_nothing_has_no_setup():
    assert setup({"id": 7}) is None


SCRIPTS = {
    "several lines": ("a\n\tb\n", "a\n\tb"),
    "line ends of Windows": ("a\r\nb\r\n", "a\nb"),
    "nothing": ("  \n", None),
    "an escape sequence": ("echo \x1b[31m", None),
    "a bidi character": ("echo \u202e", None),
    "no text": (7, None),
    "more than any script": ("x" * 20_000, None),
}


@pytest.mark.parametrize(("told", "read"), SCRIPTS.values(), ids=SCRIPTS)
def test_a_script_is_read_where_it_can_be_printed(told, read):
    found = setup({"onstart": told})
    assert found is not None
    assert found.onstart == read
    assert "echo" not in repr(found)


def test_arguments_are_read_where_they_can_be_printed():
    assert setup({"image_args": ["--port", "1"]}) == Setup(args=("--port", "1"))
    assert setup({"image_args": ["\x1b"]}) == Setup()
