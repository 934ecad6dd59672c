"""Secrets are read once, before the first rent, and are never shown or kept."""

from __future__ import annotations

import json

import pytest

from .project import Project

SECRET = "hunter2-correct-horse-battery"
ENV = {"HF_TOKEN": {"from_env": "HF_TOKEN"}, "PLAIN": "not secret"}
LOGIN = {"server": "ghcr.io", "username": "bot", "password": {"from_env": "READ_TOKEN"}}


def test_a_simulated_world_needs_no_secret(project: Project) -> None:
    project.fleet("june", container__env=ENV, container__registry_login=LOGIN)
    project.fleet("july")
    project.plan().assert_success("2 to create")
    project.run("validate").assert_success()
    project.apply().assert_success("2 instances rented")


def test_the_account_key_is_refused_as_a_secret_of_a_container(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAST_API_KEY", SECRET)
    project.fleet("june", container__env={"KEY": {"from_env": "VAST_API_KEY"}})
    assert SECRET not in project.apply().assert_code(1, "VAST_API_KEY").text
    assert not project.state.exists()


def test_a_secret_is_in_no_output_and_in_no_file(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", SECRET)
    monkeypatch.setenv("READ_TOKEN", SECRET)
    project.fleet("june", replicas=2, container__env=ENV, container__registry_login=LOGIN)
    said = []
    for shape in ("text", "json", "markdown"):
        said.append(project.plan("--format", shape, "--out", "plan.json"))
        said.append(project.apply("--format", shape))
        said.append(project.status("--format", shape))
        said.append(project.run("offers", "june", "--simulate", "--format", shape))
        said.append(project.run("validate", "--format", shape))
    project.fail("june/0")
    said += [project.plan(), project.apply()]
    for outcome in said:
        outcome.assert_success()
        assert SECRET not in outcome.text
    assert len(project.live()) == 2
    for file in project.path.rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes(), file
    assert SECRET not in project.run("destroy", "june", "--simulate", "--yes").assert_success().text


def test_a_new_value_changes_nothing_and_a_new_version_rolls_the_fleet(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", SECRET)
    project.fleet("june", container__env=ENV)
    project.apply().assert_success()
    monkeypatch.setenv("HF_TOKEN", "another")
    project.assert_settled()
    project.fleet("june", container__env={**ENV, "HF_TOKEN": {"from_env": "HF_TOKEN", "version": 2}})
    project.plan("--exit-code").assert_code(3, "1 to replace")


def test_a_fleet_that_rents_nothing_needs_no_secret(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", SECRET)
    project.fleet("june", container__env=ENV)
    project.apply().assert_success()
    monkeypatch.delenv("HF_TOKEN")
    project.apply().assert_success("Nothing was changed")
    project.run("destroy", "june", "--simulate", "--yes").assert_success("1 destroyed")


def test_the_plan_file_holds_no_content_of_the_container(project: Project) -> None:
    project.fleet("june", container__env={"PLAIN": "visible-value"}, container__onstart="echo visible-script")
    project.plan("--out", "plan.json").assert_success()
    text = (project.path / "plan.json").read_text()
    assert "visible" not in text
    assert set(json.loads(text)["approved"]["rents"]) == {"june/0"}


def test_no_word_in_a_container_is_taken_for_the_simulated_account_key(project: Project) -> None:
    project.fleet("june", container__env={"MODE": "simulated"}, container__onstart="echo simulated")
    project.apply().assert_success("1 instance rented")
