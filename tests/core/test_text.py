"""Text of strangers, made safe once: what a terminal or a CI log would act upon is shown as what it is."""

from __future__ import annotations

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.secret import Hidden, hidden
from reconciler.core.text import safe

SHOWN = {
    "an escape": ("\x1b[31mred", "\\u001b[31mred"),
    "a line end": ("a\r\nb", "a\\u000d\\u000ab"),
    "a control of C1": ("a\x9b31mb", "a\\u009b31mb"),
    "writing from the right": ("a\u202eb", "a\\u202eb"),
    "nothing to see": ("a\u200bb\ufeffc\u3164d\ufe0fe\U000e0041f", "a\\u200bb\\ufeffc\\u3164d\\ufe0fe\\ue0041f"),
    "half a character": ("a\ud800b", "a\\ud800b"),
    "a command of GitHub": ("::set-output name=x::y", "\\u003a:set-output name=x::y"),
    "a command of GitHub behind blanks": (" \t::error::y", "\\u003a:error::y"),
    "an older command of GitHub": ("a ##[error]b", "a #\\u0023[error]b"),
    "a command of Azure": ("##vso[task.setvariable variable=x]y", "#\\u0023vso[task.setvariable variable=x]y"),
    "a command of TeamCity": ("##teamcity[x]", "#\\u0023teamcity[x]"),
    "a command behind a heading": ("###[x]", "##\\u0023[x]"),
}
PLAIN = ["California, US", "a::b", "## heading", "T\u00fcrkiye, TR", "2001:db8::1", "ghcr.io/acme/june:1", "#1", "[x]"]


@pytest.mark.parametrize(("text", "expected"), SHOWN.values(), ids=SHOWN.keys())
def test_what_would_act_is_shown(text, expected):
    assert safe(text) == expected


@pytest.mark.parametrize("text", PLAIN)
def test_plain_text_stays(text):
    assert safe(text) == text


def test_no_character_that_is_not_seen_passes():
    hidden_ones = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    codes = (code for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) in hidden_ones)
    assert [hex(code) for code in codes if chr(code) in safe(f"x{chr(code)}y")] == []


@given(st.text(alphabet=st.one_of(st.sampled_from("#[:vso \x1b\n"), st.characters()), max_size=400))
def test_made_safe_a_text_begins_no_command_and_is_one_short_line(text):
    found = safe(text)
    assert not re.search(r"##[A-Za-z]*\[", found)
    assert not found.lstrip().startswith("::")
    assert len(found) <= 256
    assert found.isprintable() or not found.isascii()
    found.encode("utf-8")


def test_a_hidden_text_is_sent_and_not_shown():
    secret = Hidden("hunter2")
    assert f"{[secret]} {secret!r} { ({'a': secret}) }".count("hunter2") == 0
    assert f"-p {secret}" == "-p hunter2"
    assert repr(hidden({"A": "hunter2"})) == "{'A': '***'}"
