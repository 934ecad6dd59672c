"""Templates: what is asked for, what an answer means, and what of a row is taken."""

from __future__ import annotations

import json
from decimal import Decimal
from unicodedata import category

import pytest

from reconciler.core.template import Template
from reconciler.errors import DoubtfulReading, KeyProblem, Unreachable
from reconciler.vast.provider import TEMPLATE_HOLDS_S

from .world import CANARY, HTML, START, Script, provider_for, raw, said

HASH = "4e17788f74f075dd9aab7d0d4427968f"
OTHER = "661d064bbda1f2a133816b6d55da07c3"
NONE = said(200, {"success": False, "msg": "No templates found"})


def row(spelt: object = HASH, name: object = "PyTorch (Vast)", **fields: object) -> dict[str, object]:
    return {"hash_id": spelt, "name": name, **fields}


def found(*rows: object, **more: object):
    return said(200, {"success": True, "templates_found": len(rows), "templates": list(rows), **more})


def test_a_row_is_read_with_every_field_we_know_and_no_other():
    record = row(
        id=220001, image="vastai/pytorch", tag="2.8.0", creator_id=62897, count_created=912455, recommended=True,
        recommended_disk_space=16.0, use_ssh=True, ssh_direct=True, jup_direct=True, readme="# secret",
        docker_login_pass="hunter2",
    )  # fmt: skip
    assert provider_for(Script(found(record))).template(HASH) == Template(
        hash=HASH,
        name="PyTorch (Vast)",
        image="vastai/pytorch:2.8.0",
        creator=62897,
        connect=("ssh-direct", "jupyter-direct"),
        disk_gb=Decimal("16.0"),
        recommended=True,
        rentals=912455,
    )


WAYS = {
    "ssh direct": ({"use_ssh": True, "ssh_direct": True, "jup_direct": False}, ("ssh-direct",)),
    "ssh by the proxy": ({"use_ssh": True, "ssh_direct": False}, ("ssh-proxy",)),
    "jupyter alone": ({"use_ssh": False, "jup_direct": True}, ("jupyter-direct",)),
    "neither: its own entry point": ({"use_ssh": False, "ssh_direct": False, "jup_direct": False}, ("args",)),
    "not said": ({}, None),
}


@pytest.mark.parametrize(("fields", "ways"), WAYS.values(), ids=WAYS.keys())
def test_the_ways_in_are_told_in_the_words_of_a_spec(fields, ways):
    (template,) = provider_for(Script(found(row(**fields)), NONE)).templates("pytorch")
    assert template.connect == ways


def test_one_template_is_asked_for_by_its_hash_and_nothing_is_asked_that_is_not_read():
    script = Script(found(row()))
    provider_for(script).template(HASH)
    (request,) = script.requests
    assert (request.method, request.url.path) == ("GET", "/api/v0/template/")
    assert json.loads(request.url.params["select_filters"]) == {"hash_id": {"eq": HASH}}
    assert "readme" not in json.loads(request.url.params["select_cols"])
    assert request.content == b""


def test_words_are_looked_for_in_what_is_in_use_and_in_what_is_called_just_so():
    script = Script(found(row(), row(OTHER, "NVIDIA CUDA")), found(row("a" * 32, "cuda"), row(OTHER, "NVIDIA CUDA")))
    names = [template.name for template in provider_for(script).templates("CUDA")]
    assert names == ["cuda", "NVIDIA CUDA"]
    filters = [json.loads(request.url.params["select_filters"]) for request in script.requests]
    assert filters == [{"count_created": {"gte": 100}}, {"name": {"eq": "CUDA"}}]
    assert script.times[1] - script.times[0] == 3.0


ANSWERS = {
    "the server's words for none are none": (NONE, None),
    "an empty list is none": (found(), None),
    "the template": (found(row()), HASH),
    "the template among others": (found(row(OTHER), row()), HASH),
    "another template is doubtful": (found(row(OTHER)), DoubtfulReading),
    "a row without a name is doubtful": (found(row(name="")), DoubtfulReading),
    "a row that is none is doubtful": (found(None), DoubtfulReading),
    "no list": (said(200, {"success": True}), DoubtfulReading),
    "a list that is none": (said(200, {"success": True, "templates": {}}), DoubtfulReading),
    "a count that is not kept": (found(row(), templates_found=2), DoubtfulReading),
    "none, and yet some": (
        said(200, {"success": False, "msg": "No templates found", "templates": [1]}), DoubtfulReading,
    ),
    "another failure": (said(200, {"success": False, "msg": "busy"}), DoubtfulReading),
    "none with a status of doubt": (said(404, {"success": False, "msg": "No templates found"}), DoubtfulReading),
    "a wrong key": (said(404, {"success": False, "error": "auth_error", "msg": "Invalid user key"}), KeyProblem),
    "a key without the scope": (said(403, {"success": False, "error": "no", "msg": "missing scope"}), KeyProblem),
    "HTML": (HTML, DoubtfulReading),
    "half of the JSON": (raw(200, '{"success": true, "templa'), DoubtfulReading),
    "500": (raw(500, "<html>"), Unreachable),
}  # fmt: skip


@pytest.mark.parametrize(("answer", "meaning"), ANSWERS.values(), ids=ANSWERS.keys())
def test_only_an_answer_beyond_doubt_makes_a_template_gone(answer, meaning):
    provider = provider_for(Script(answer))
    if isinstance(meaning, type):
        with pytest.raises(meaning) as caught:
            provider.template(HASH)
        assert CANARY not in str(caught.value)
    else:
        template = provider.template(HASH)
        assert (template and template.hash) == meaning


@pytest.mark.parametrize(
    "spelt", [None, 7, "", "short", "x" * 65, "4e17788f/../../etc", "4e17788f 74f0", "4e17\n788f74f0"]
)
def test_a_hash_that_no_spec_may_name_is_passed_over(spelt):
    script = Script(found(row(spelt), row(OTHER, "PyTorch")), NONE)
    assert [template.hash for template in provider_for(script).templates("pytorch")] == [OTHER]


def test_text_of_strangers_is_made_safe():
    odd = row(name="Py\x1b[31mTorch\u202e", image="a\nb\x07", tag="\u200b1")
    (template,) = provider_for(Script(found(odd), NONE)).templates("py")
    for text in (template.name, template.image):
        assert not [char for char in text if category(char) in ("Cc", "Cf")]


def test_a_template_that_was_found_is_not_asked_for_again_within_a_run():
    script = Script(found(row()))
    provider = provider_for(script)
    for _ in range(3):
        assert provider.template(HASH) is not None
    assert len(script.requests) == 1
    script.clock.time = START + TEMPLATE_HOLDS_S + 60
    provider.template(HASH)
    assert len(script.requests) == 2


def test_a_template_that_was_not_found_is_asked_for_again():
    script = Script(NONE, found(row()))
    provider = provider_for(script)
    assert provider.template(HASH) is None
    assert provider.template(HASH) is not None
