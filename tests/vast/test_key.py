"""Where the key comes from, and that it goes nowhere else."""

from __future__ import annotations

import copy
import os
import pickle
from pathlib import Path

import pytest

from reconciler.errors import KeyProblem, WrongUsage
from reconciler.vast.key import ApiKey, find_key, find_origin

SECRET = "5ec2e7" * 8


def _file(path: Path, text: str = SECRET + "\n", mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def _official(home: Path) -> Path:
    return home / ".config" / "vastai" / "vast_api_key"


@pytest.mark.parametrize("name", ["VAST_API_KEY", "VASTAI_API_KEY"])
def test_a_variable_comes_first_and_is_stripped(tmp_path, name):
    _file(_official(tmp_path), "other")
    found = find_key({name: f" {SECRET}\n", "VAST_API_KEY_FILE": "/nowhere"}, tmp_path)
    assert (found.key.reveal(), found.warnings) == (SECRET, ())


def test_both_variables_may_agree(tmp_path):
    assert find_key({"VAST_API_KEY": SECRET, "VASTAI_API_KEY": SECRET}, tmp_path).key.reveal() == SECRET


def test_two_variables_that_differ_are_refused(tmp_path):
    with pytest.raises(KeyProblem, match="differ"):
        find_key({"VAST_API_KEY": SECRET, "VASTAI_API_KEY": "another"}, tmp_path)


def test_a_named_file_comes_before_the_official_one(tmp_path):
    _file(_official(tmp_path), "other")
    named = _file(tmp_path / "k")
    assert find_key({"VAST_API_KEY_FILE": str(named)}, tmp_path).key.reveal() == SECRET


MODES = {0o600: True, 0o400: True, 0o640: False, 0o604: False, 0o644: False, 0o444: False, 0o660: False}


@pytest.mark.parametrize(("mode", "accepted"), MODES.items(), ids=[oct(mode) for mode in MODES])
def test_a_named_file_that_others_can_read_is_refused(tmp_path, mode, accepted):
    environ = {"VAST_API_KEY_FILE": str(_file(tmp_path / "k", mode=mode))}
    if accepted:
        assert find_key(environ, tmp_path).warnings == ()
    else:
        with pytest.raises(KeyProblem, match="others") as caught:
            find_key(environ, tmp_path)
        assert caught.value.hint == f"chmod 600 {tmp_path / 'k'}"


@pytest.mark.parametrize(("mode", "accepted"), MODES.items(), ids=[oct(mode) for mode in MODES])
def test_the_official_file_is_used_with_a_warning_when_others_can_read_it(tmp_path, mode, accepted):
    path = _file(_official(tmp_path), mode=mode)
    found = find_key({}, tmp_path)
    assert found.key.reveal() == SECRET
    assert [f"chmod 600 {path}" in warning for warning in found.warnings] == ([] if accepted else [True])


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "empty", "blank"])
def test_a_named_file_must_be_a_regular_file_with_a_key(tmp_path, kind):
    path = tmp_path / "k"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind != "missing":
        _file(path, "" if kind == "empty" else " \n")
    with pytest.raises(KeyProblem, match=r"VAST_API_KEY_FILE \(.*/k\)"):
        find_key({"VAST_API_KEY_FILE": str(path)}, tmp_path)


def test_the_official_file_lies_below_an_absolute_xdg_folder(tmp_path):
    _file(tmp_path / "xdg" / "vastai" / "vast_api_key")
    assert find_key({"XDG_CONFIG_HOME": str(tmp_path / "xdg")}, tmp_path).key.reveal() == SECRET


def test_a_relative_xdg_folder_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _file(tmp_path / "xdg" / "vastai" / "vast_api_key", "other")
    _file(_official(tmp_path))
    assert find_key({"XDG_CONFIG_HOME": "xdg"}, tmp_path).key.reveal() == SECRET


def test_the_legacy_file_comes_last(tmp_path):
    _file(tmp_path / ".vast_api_key", "legacy")
    assert find_key({}, tmp_path).key.reveal() == "legacy"
    _file(_official(tmp_path))
    assert find_key({}, tmp_path).key.reveal() == SECRET


def test_without_a_key_the_three_ways_are_told(tmp_path):
    with pytest.raises(KeyProblem) as caught:
        find_key({"VAST_API_KEY": "  "}, tmp_path)
    hint = caught.value.hint or ""
    assert all(way in hint for way in ("VAST_API_KEY", "VAST_API_KEY_FILE", "vastai set api-key"))


@pytest.mark.parametrize("inside", [" ", "\n", "\r\nX: y", "\t", "\0", "\x7f", "ü", "\u200b", "x" * 5000])
def test_a_key_that_cannot_travel_in_a_header_is_refused_without_showing_it(tmp_path, inside):
    with pytest.raises(KeyProblem) as caught:
        find_key({"VAST_API_KEY": f"{SECRET}{inside}{SECRET}"}, tmp_path)
    assert SECRET not in str(caught.value) + repr(caught.value) + str(caught.value.hint)
    _file(tmp_path / "k", f"{SECRET}{inside}{SECRET}")
    with pytest.raises(KeyProblem) as caught:
        find_key({"VAST_API_KEY_FILE": str(tmp_path / "k")}, tmp_path)
    assert SECRET not in str(caught.value)


def test_a_key_never_shows_itself(tmp_path):
    key = ApiKey(SECRET)
    found = find_key({"VAST_API_KEY": SECRET}, tmp_path)
    assert SECRET not in f"{key} {key!r} {[key]} {found!r} {found}"
    for save in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            save(key)


ORIGINS = {
    "": "https://console.vast.ai",
    " ": "https://console.vast.ai",
    "https://console.vast.ai": "https://console.vast.ai",
    "https://console.vast.ai/": "https://console.vast.ai",
    "HTTPS://Example.com:8443": "https://example.com:8443",
    "http://127.0.0.1:8000": "http://127.0.0.1:8000",
    "http://127.9.9.9": "http://127.9.9.9",
    "http://localhost:1": "http://localhost:1",
    "http://[::1]:8000": "http://[::1]:8000",
}


@pytest.mark.parametrize(("given", "expected"), ORIGINS.items())
def test_the_server_is_vast_or_what_vast_url_names(given, expected):
    assert find_origin({"VAST_URL": given}) == expected
    assert find_origin({}) == "https://console.vast.ai"


WRONG = [
    "console.vast.ai", "ftp://x", "https://", "https://x/api", "https://x?a", "https://x#a", "https://u:p4ss@x",
    "https://x:0", "https://x:99999", "https://x:a", "https://x y", "https://x\ny", "https://x\\y", "https://[::1",
    "https://[zz]", "http://example.com", "http://0.0.0.0", "http://127.0.0.1.example.com", "http://10.0.0.1",
    "http://localhost.example.com", "https://\u0435xample.com", "//x", "https:///x",
]  # fmt: skip


@pytest.mark.parametrize("given", WRONG)
def test_anything_else_is_wrong_usage(given):
    with pytest.raises(WrongUsage) as caught:
        find_origin({"VAST_URL": given})
    assert "p4ss" not in str(caught.value)
