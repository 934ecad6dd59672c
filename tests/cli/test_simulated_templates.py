"""Templates by name, and a fleet whose template is gone."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from .project import Project

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "output.schema.json").read_text(encoding="utf-8"))
KNOWN = "4e17788f74f075dd9aab7d0d4427968f"
GONE = "00000000aaaabbbbccccdddd00000000"


def test_a_template_is_found_with_what_a_spec_needs(project: Project) -> None:
    project.run("templates", "pytorch", "--simulate").assert_success(
        KNOWN, "PyTorch (Vast)", "vastai/pytorch:2.8.0", "62897", "ssh-direct, jupyter-direct", "16 GB"
    )
    project.run("templates", "vLLM", "--simulate").assert_success(
        "args", "60 GB", "container: {vast_template: 9b7d2a1c"
    )


def test_the_document_matches_its_schema(project: Project) -> None:
    told = project.run("templates", "NVIDIA", "CUDA", "--simulate", "--format", "json").assert_success().document
    jsonschema.validate(told, SCHEMA)
    assert told["words"] == "NVIDIA CUDA"
    assert [(row["name"], row["connect"]) for row in told["templates"]] == [("NVIDIA CUDA", ["ssh-direct"])]


def test_a_name_that_nobody_gave_is_said_and_no_failure(project: Project) -> None:
    project.run("templates", "nobody's", "--simulate").assert_success("No template", "nobody's")
    told = project.run("templates", "nobody's", "--simulate", "--format", "json").assert_success().document
    assert told["templates"] == []


@pytest.mark.parametrize("args", [[], [""], ["  "], ["x", "--format", "markdown"], ["x", "--seed", "3"]])
def test_a_name_has_to_be_given_and_options_have_to_make_sense(project: Project, args: list[str]) -> None:
    project.run("templates", *args).assert_code(2)


def test_without_a_key_the_way_on_is_told(project: Project) -> None:
    project.run("templates", "pytorch").assert_clear(1, "VAST_API_KEY")


def test_the_hash_that_is_shown_plans(project: Project) -> None:
    shown = project.run("templates", "pytorch", "--simulate", "--format", "json").document["templates"][0]["hash"]
    project.fleet("june", container={"vast_template": shown})
    project.plan().assert_success("1 to create", "0 unfilled")


# --- a template that is gone ------------------------------------------------------------------------


def test_a_fleet_whose_template_is_gone_is_refused_before_any_search_and_others_go_on(project: Project) -> None:
    project.fleet("june", replicas=2, container={"vast_template": GONE})
    alone = project.plan("--format", "json").assert_code(4).document
    assert alone["market"]["searches"] == 0
    assert alone["fleets"][0]["unfilled"] == []
    (held,) = alone["fleets"][0]["held"]
    assert GONE in held["message"]
    project.fleet("july", container={"vast_template": KNOWN})
    project.plan().assert_code(4, GONE, "reconcile templates NAME", "1 to create")
    project.apply().assert_code(4, GONE, "1 instance rented")
    assert [row.fleet for row in project.live()] == ["july"]


def test_what_runs_is_not_touched_when_its_new_template_is_gone(project: Project) -> None:
    project.fleet("june", container={"vast_template": KNOWN})
    project.apply().assert_success()
    before = project.ids("june")
    project.fleet("june", container={"vast_template": GONE})
    project.apply().assert_code(4, GONE)
    assert project.ids("june") == before
    project.fleet("june", replicas=0, container={"vast_template": GONE})
    project.apply().assert_success("1 destroyed")


# --- images that the policy admits ------------------------------------------------------------------


def test_a_template_whose_image_the_policy_does_not_admit_is_refused_by_name_and_others_go_on(project: Project) -> None:
    project.policy(images={"allow": ["ghcr.io/acme/*"]})
    project.fleet("june", container={"vast_template": KNOWN})
    alone = project.plan("--format", "json").assert_code(4).document
    (held,) = alone["fleets"][0]["held"]
    assert "vastai/pytorch:2.8.0" in held["message"]
    assert KNOWN in held["message"]
    assert held["lift"] == "images.allow"
    assert alone["market"]["searches"] == 0
    project.fleet("july")
    project.apply().assert_code(4, "images.allow", "1 instance rented")
    assert [row.fleet for row in project.live()] == ["july"]


@pytest.mark.parametrize("pattern", ["vastai/pytorch", "docker.io/vastai/*", "vastai/pytorch:2.*"])
def test_a_template_whose_image_the_policy_admits_is_rented_from(project: Project, pattern: str) -> None:
    project.policy(images={"allow": [pattern]})
    project.fleet("june", container={"vast_template": KNOWN})
    project.apply().assert_success("1 instance rented")


def test_an_image_that_the_policy_does_not_admit_is_found_before_any_call(project: Project) -> None:
    project.policy(images={"allow": ["ghcr.io/other/*"]}, secrets={"allow": ["HF_*"]})
    project.fleet("june", container__env={"A": {"from_env": "STRIPE_KEY"}})
    project.apply().assert_code(1, "image-not-allowed", "secret-not-allowed", "specs/june.yaml")
    assert not project.state.exists()
