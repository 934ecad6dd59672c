"""The account's SSH keys: what is sent, and what an answer means."""

from __future__ import annotations

import httpx
import pytest

from reconciler.core.ssh_keys import SshKey
from reconciler.errors import DoubtfulReading, KeyProblem, Unreachable

from .world import CANARY, HTML, Script, provider_for, raw, said

TEXT = "ssh-ed25519 AAAA me@here"
ROW = {"id": 5, "user_id": 1, "public_key": TEXT, "created_at": "2026-11-20T12:00:00.5", "deleted_at": None}
NOON = 1_795_176_000.5


def keys(*rows: object) -> list[SshKey]:
    return list(provider_for(Script(said(200, list(rows)))).ssh_keys())


ROWS = {
    "a plain one": (ROW, SshKey(5, TEXT, NOON)),
    "under the older name": ({"id": 5, "key": TEXT}, SshKey(5, TEXT)),
    "with a zone": ({**ROW, "created_at": "2026-11-20T13:00:00.5+01:00"}, SshKey(5, TEXT, NOON)),
    "with a number for a moment": ({**ROW, "created_at": NOON}, SshKey(5, TEXT, NOON)),
    "with an odd moment": ({**ROW, "created_at": "yesterday"}, SshKey(5, TEXT)),
    "with a line end": ({**ROW, "public_key": f"{TEXT}\n"}, SshKey(5, TEXT, NOON)),
    "a path that somebody saved": ({**ROW, "public_key": "~/.ssh/id.pub"}, SshKey(5, "~/.ssh/id.pub", NOON)),
    "one that was deleted": ({**ROW, "deleted_at": "2026-11-21T00:00:00"}, None),
    "no number": ({**ROW, "id": "5"}, None),
    "no text": ({**ROW, "public_key": 7}, None),
    "no row": ("ssh", None),
}


@pytest.mark.parametrize(("row", "key"), ROWS.values(), ids=ROWS)
def test_rows(row, key):
    assert keys(row, {"id": 6, "key": "x"}) == [each for each in (key, SshKey(6, "x")) if each]


def test_no_keys_at_all_is_a_404_in_words():
    script = Script(said(404, {"success": False, "msg": "No SSH keys found for the user."}))
    assert provider_for(script).ssh_keys() == ()
    (request,) = script.requests
    assert (request.method, request.url.path) == ("GET", "/api/v0/ssh/")
    assert keys() == []


NOT_READ = {
    "another 404": (said(404, {"success": False, "msg": "not here"}), DoubtfulReading),
    "a wrong key": (
        said(404, {"success": False, "error": "auth_error", "msg": f"Invalid user key {CANARY}"}),
        KeyProblem,
    ),
    "a missing scope": (said(403, {"success": False, "error": "forbidden", "msg": "user_read"}), KeyProblem),
    "an object": (said(200, {"success": True, "keys": []}), DoubtfulReading),
    "a text": (raw(200, '"no"'), DoubtfulReading),
    "a torn list": (raw(200, '[{"id": 5'), DoubtfulReading),
    "a page of HTML": (HTML, DoubtfulReading),
    "a server's error": (said(500, {"success": False}), Unreachable),
    "no answer": (httpx.ReadTimeout("slow"), Unreachable),
}


@pytest.mark.parametrize(("answer", "error"), NOT_READ.values(), ids=NOT_READ)
def test_what_is_no_list_of_keys(answer, error):
    with pytest.raises(error) as caught:
        provider_for(Script(answer)).ssh_keys()
    assert CANARY not in str(caught.value)


def test_adding_one_is_one_request_with_the_text():
    script = Script(said(200, {"success": True, "key": ROW}))
    assert provider_for(script).add_ssh_key(TEXT) == SshKey(5, TEXT, NOON)
    (request,) = script.requests
    assert (request.method, request.url.path) == ("POST", "/api/v0/ssh/")
    assert script.bodies == [{"ssh_key": TEXT}]


NOT_ADDED = {
    "no key in it": (said(200, {"success": True}), DoubtfulReading),
    "refused": (said(400, {"success": False, "error": "no_ssh_key"}), DoubtfulReading),
    "a missing scope": (said(403, {"success": False, "error": "forbidden", "msg": "user_write"}), KeyProblem),
    "a server's error": (said(502, {"success": False}), Unreachable),
    "no answer": (httpx.ReadTimeout("slow"), Unreachable),
}


@pytest.mark.parametrize(("answer", "error"), NOT_ADDED.values(), ids=NOT_ADDED)
def test_what_is_not_a_plain_yes_is_an_error_and_nothing_is_sent_twice(answer, error):
    script = Script(answer)
    with pytest.raises(error):
        provider_for(script).add_ssh_key(TEXT)
    assert len(script.requests) == 1


ATTACHED = {
    "done": (said(200, {"success": True, "msg": "SSH key attached successfully"}), True),
    "not done": (said(200, {"success": False}), False),
    "gone": (said(404, {"success": False, "error": "no_such_instance"}), False),
}


@pytest.mark.parametrize(("answer", "done"), ATTACHED.values(), ids=ATTACHED)
def test_letting_a_key_into_one_instance(answer, done):
    script = Script(answer)
    assert provider_for(script).attach_ssh_key(7, TEXT) is done
    assert script.requests[0].url.path == "/api/v0/instances/7/ssh/"
    assert script.bodies[0] == {"ssh_key": TEXT}


def test_letting_in_with_a_refused_key_is_an_error():
    with pytest.raises(KeyProblem):
        provider_for(Script(said(401, {"success": False, "error": "auth_error"}))).attach_ssh_key(7, TEXT)
