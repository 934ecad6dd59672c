"""Where output goes, and what must never be written over."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from .project import Project

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "output.schema.json").read_text(encoding="utf-8"))


def test_a_saved_plan_replaces_nothing_but_a_saved_plan(project: Project) -> None:
    project.fleet()
    precious = project.path / "precious.yaml"
    precious.write_text("precious: 1\n")
    (project.path / "link.json").symlink_to(precious)
    for place in ("precious.yaml", "link.json", ".", "", os.devnull):
        project.plan("--out", place).assert_code(2)
    assert precious.read_text() == "precious: 1\n"
    project.plan("--out", "plan.json").assert_success()
    project.plan("--out", "plan.json").assert_success()


def test_a_file_that_is_no_world_is_not_reset(project: Project) -> None:
    precious = project.path / "precious.yaml"
    precious.write_text("precious: 1\n")
    project.run("simulate", "reset", "--state", "precious.yaml").assert_code(1, "precious.yaml")
    assert precious.read_text() == "precious: 1\n"


FAILURES = {
    "an invalid spec": (["plan", "broken.yaml", "--simulate"], 1),
    "an unknown fleet": (["plan", "--simulate", "--fleet", "nope"], 2),
    "no consent": (["apply", "--simulate"], 4),
}


@pytest.mark.parametrize(("command", "code"), FAILURES.values(), ids=FAILURES.keys())
def test_a_failure_is_told_in_the_shape_that_was_asked_for(project: Project, command: list[str], code: int) -> None:
    project.fleet()
    (project.path / "broken.yaml").write_text("kind: Fleet\nname: x\n")
    told = json.loads(project.run(*command, "--format", "json").assert_code(code).out)
    jsonschema.validate(told, SCHEMA)
    assert told["exit_code"] == code
    assert "**Failed**" in project.run(*command, "--format=markdown").assert_code(code).out


PROGRAM = (
    "import sys; sys.argv = ['reconcile', 'apply', '--simulate', '--yes']; from reconciler.cli import main; main()"
)


@pytest.mark.parametrize("gone", ["closed", "full"])
def test_apply_goes_on_when_nobody_reads_what_it_says(project: Project, gone: str) -> None:
    project.fleet(replicas=2)
    with open("/dev/full", "w") as full:
        before = (lambda: os.close(1)) if gone == "closed" else None
        ran = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=before,
            check=False,
        )
    assert "Traceback" not in ran.stderr
    assert ran.returncode == 0, ran.stderr
    assert "2 of 2 running" in ran.stderr
    assert len(project.live()) == 2


@pytest.mark.parametrize("command", ["plan", "status --format json", "events", "offers june", "strikes --format yaml"])
@pytest.mark.parametrize("gone", ["closed", "full"])
def test_a_command_whose_output_is_lost_has_failed(project: Project, command: str, gone: str) -> None:
    project.fleet(replicas=1)
    project.start()
    words = ["reconcile", *command.split(), "--simulate"]
    program = f"import sys; sys.argv = {words}; from reconciler.cli import main; main()"
    with open("/dev/full", "w") as full:
        before = (lambda: os.close(1)) if gone == "closed" else None
        ran = subprocess.run(
            [sys.executable, "-c", program],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=before,
            check=False,
        )
    assert "the output could not be written" in ran.stderr
    assert ran.returncode == 1, ran.stderr


def test_a_paused_fleet_is_shown_as_paused(project: Project) -> None:
    project.fleet()
    project.run("pause", "june", "--simulate").assert_success("resume june --simulate")
    project.status().assert_success("june is paused")


def test_a_name_to_prune_that_nobody_has_is_said(project: Project) -> None:
    project.fleet()
    project.plan("--prune", "nobody").assert_success("--prune nobody: no instance of such a fleet")


def test_a_plan_of_several_fleets_may_be_applied_to_one_of_them(project: Project) -> None:
    project.fleet("june")
    project.fleet("july")
    project.plan("--out", "plan.json").assert_success()
    project.apply("--plan", "plan.json", "--fleet", "july").assert_success("1 instance rented")
    assert [row.seat for row in project.live()] == ["july/0"]


def test_a_folder_without_specs_is_not_called_valid(project: Project) -> None:
    (project.path / "empty").mkdir()
    project.run("validate", "empty").assert_code(4, "there is no spec and no policy here")


@pytest.mark.parametrize("command", ["validate", "plan", "apply", "status"])
def test_an_empty_path_is_not_the_present_folder(project: Project, command: str) -> None:
    project.fleet()
    project.run(command, "").assert_code(2, "a path is empty")


@pytest.mark.parametrize("speed", ["nan", "inf", "-1"])
def test_a_world_runs_at_a_speed_that_is_a_number(project: Project, speed: str) -> None:
    project.run("simulate", "serve", "--speed", speed).assert_code(2, "--speed")
