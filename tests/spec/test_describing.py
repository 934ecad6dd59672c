"""A described instance as YAML: it loads, and what is loaded differs in nothing from what is there."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from builders import NO_BANS, NOW, instance
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.core.differences import differences
from reconciler.core.drift import dynamic_drift
from reconciler.core.importing import groups_of
from reconciler.core.instance import Setup
from reconciler.core.model import Port
from reconciler.core.text import safe
from reconciler.spec.describing import described_text, wrong_with
from reconciler.spec.load import load

SETUP = Setup("ssh-direct", (Port(53, "udp"), Port(8000)), ("HF_TOKEN", "NO"), "echo one\n\n  echo two", ())


def described(*rows):
    ((found,), ()) = groups_of(rows, frozenset())
    return described_text(found, "../fleet.schema.json")


def loaded(folder: Path, text: str):
    (folder / "described.yaml").write_text(text, encoding="utf-8")
    return load([str(folder)]).fleets[0]


ROWS = {
    "an image": {},
    "a whole setup": {"setup": SETUP},
    "a script of tabs": {"setup": replace(SETUP, onstart="if x; then\n\techo\nfi")},
    "a script that begins with blanks": {"setup": replace(SETUP, onstart="  echo\necho")},
    "a script that looks like YAML": {"setup": replace(SETUP, onstart="a: [b\n# c\n--- d\n'\"{}")},
    "a script beyond ASCII": {"setup": replace(SETUP, onstart="echo ünï 🙂")},
    "arguments": {"setup": Setup("args", (), (), None, ("--port", "80", "a b", '"'))},
    "Jupyter": {"setup": Setup("jupyter-proxy", (), (), None, ())},
    "a template": {"image": None, "vast_template": safe("4e17788f74f075dd9aab7d0d4427968f")},
    "Norway": {"location": safe("Oslo, NO")},
    "two cards": {"gpu_count": 2},
    "a card that nobody knows": {"gpu_name": safe("RTX 9999")},
    "no place": {"location": None},
    "a fleet called no": {"label": "no"},
    "a fleet called 7": {"label": "7a"},
    "a digest": {"image": safe("a@sha256:" + "0" * 64)},
    "an image of the server's choice": {"image": safe("vastai/base:@vastai-automatic-tag")},
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_what_is_described_is_what_is_there(tmp_path, row):
    there = [instance(None, id=number, **row) for number in (7, 8)]
    text = described(*there)
    assert wrong_with(text, "x.yaml") == []
    fleet = loaded(tmp_path, text)
    assert fleet.replicas == 2
    for one in there:
        assert differences(fleet, one) == ()
        assert dynamic_drift(fleet, one, NO_BANS, NOW) == ()
    if "setup" in row:
        assert (fleet.container.onstart or None) == row["setup"].onstart
        assert fleet.container.args == (row["setup"].args or ())


LEFT_OUT = {
    "a script with a token": (Setup(onstart="export T=hf_" + "a1B2" * 8), "onstart is not taken over: it holds"),
    "a script that is too long": (Setup(onstart="x" * 5000), "onstart is not taken over: it is longer"),
    "arguments with a token": (
        Setup("args", args=("--token", "hf_" + "a1B2" * 8)),
        "args are not taken over: one looks like a secret",
    ),
    "a script with loose accents": (Setup(onstart="echo cafe\u0301"), "onstart is not taken over: a spec holds"),
    "arguments with loose accents": (Setup("args", args=("cafe\u0301",)), "args are not taken over: a spec holds"),
    "a variable of ours": (Setup(env_names=("GITHUB_TOKEN",)), "it must never reach a rented host: GITHUB_TOKEN"),
    "a flag": (Setup(unread=(safe("-h"),)), "a spec has no field for it: -h"),
}


@pytest.mark.parametrize(("setup", "said"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_what_is_left_out_is_said(tmp_path, setup, said):
    text = described(instance(None, setup=setup))
    assert said in text
    assert "hf_" not in text
    loaded(tmp_path, text)


def test_a_spec_that_would_be_wrong_is_found_out():
    text = described(instance(None, image=safe("Not An Image:1")))
    assert [each.code for each in wrong_with(text, "x.yaml")] == ["bad-image"]


TEXT = st.text(min_size=1, max_size=30).map(safe).filter(bool)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(TEXT, TEXT, st.lists(TEXT, max_size=3), st.lists(TEXT, max_size=2), st.decimals("0.001", "100", places=6))
def test_whatever_the_account_tells_nothing_breaks_out_of_its_field(tmp_path, label, script, unread, args, price):
    setup = Setup("args", (), (), script, tuple(args), tuple(unread))
    row = instance(None, label=label, setup=setup, price_per_hour=Decimal(price))
    fleet = loaded(tmp_path, described(row))
    assert (fleet.replicas, fleet.container.image) == (1, "ghcr.io/acme/june:1")
    assert fleet.container.onstart in (script, None)
    assert fleet.container.args in (tuple(args), ())


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(TEXT, TEXT)
def test_an_image_or_a_card_of_any_name_is_described_or_found_out(tmp_path, image, card):
    text = described(instance(None, image=image, gpu_name=card))
    if not wrong_with(text, "x.yaml"):
        assert loaded(tmp_path, text).container.image in (image, f"{image}:latest")
