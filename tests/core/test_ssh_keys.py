"""Public keys as texts, and whether an account holds one."""

from __future__ import annotations

import base64

import pytest

from reconciler.core.ssh_keys import MAX_KEY, SshKey, essence, held


def body(kind: str, rest: bytes = b"\x00\x00\x00\x20" + bytes(32)) -> str:
    return base64.b64encode(len(kind).to_bytes(4, "big") + kind.encode() + rest).decode()


OURS = f"ssh-ed25519 {body('ssh-ed25519')}"
OTHER = f"ssh-ed25519 {body('ssh-ed25519', b'other')}"

NO_KEYS = {
    "nothing": "",
    "a path": "~/.ssh/id_ed25519.pub",
    "one word": "ssh-ed25519",
    "no base64": "ssh-ed25519 ???",
    "a body of another kind": f"ssh-ed25519 {body('ssh-rsa')}",
    "a private key": "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n",
    "two lines": f"{OURS}\n{OTHER}",
    "more than any key": OURS + " " + "x" * MAX_KEY,
    "another alphabet": "ssh-ed2551\uff19 AAAA",
}


@pytest.mark.parametrize("text", NO_KEYS.values(), ids=NO_KEYS)
def test_what_is_no_public_key(text):
    assert essence(text) is None


SAME = [OURS, f"{OURS} a comment", f"  {OURS}\n", f"{OURS.replace(' ', '   ')} x@y"]


@pytest.mark.parametrize("text", SAME)
def test_a_comment_and_blanks_make_no_other_key(text):
    assert held([SshKey(1, text)], OURS)
    assert held([SshKey(1, OURS)], text)


MOMENTS = {
    "both unknown": (None, None, True),
    "the instance's is unknown": (100.0, None, True),
    "the key's is unknown": (None, 100.0, True),
    "before it": (50.0, 100.0, True),
    "at the same time": (100.0, 100.0, True),
    "after it": (150.0, 100.0, False),
}


@pytest.mark.parametrize(("created", "since", "is_held"), MOMENTS.values(), ids=MOMENTS)
def test_a_key_reaches_what_is_made_after_it(created, since, is_held):
    assert held([SshKey(1, OTHER), SshKey(2, OURS, created)], OURS, since) is is_held


def test_another_key_or_none_lets_nobody_in():
    assert not held([], OURS)
    assert not held([SshKey(1, OTHER), SshKey(2, "a path")], OURS)
    assert not held([SshKey(1, "a path")], "a path")
