"""What users copy is right: the workflow is safe, and every command line in examples and docs is one the tool knows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

import reconciler

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / "examples" / "github-actions").glob("*.y*ml"))
CRONTAB = ROOT / "examples" / "cron" / "crontab"
DOCS = [*sorted((ROOT / "docs").glob("*.md")), *([ROOT / "README.md"] if (ROOT / "README.md").exists() else [])]

PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
COMMAND = re.compile(r"(?:^|(?<=[\s/(\"']))(?:vast-)?reconcile[ \t]+(?P<rest>[^\s|=].*)")
END_OF_COMMAND = re.compile(r"\s(?:\|\|?|&&|&|[0-9]?>>?.*|<.*|#.*)(?:\s|$)|;|\)|\s#")


def workflow(path: Path) -> dict[str, Any]:
    """The workflow with every scalar a string, so that `on` stays `on`."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


def steps(path: Path) -> Iterator[dict[str, Any]]:
    for job in workflow(path)["jobs"].values():
        yield from job["steps"]


def script(step: dict[str, Any]) -> str:
    return str(step.get("run", ""))


each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)


def test_there_is_a_workflow_a_crontab_and_their_docs():
    assert WORKFLOWS
    assert CRONTAB.exists()
    assert {"ci.md", "cron.md"} <= {path.name for path in DOCS}


@each_workflow
def test_every_action_is_pinned_by_commit_with_its_version_beside_it(path):
    lines = [line.strip().removeprefix("- ") for line in path.read_text(encoding="utf-8").splitlines()]
    uses = [line for line in lines if line.startswith("uses:")]
    assert len(uses) == sum("uses" in step for step in steps(path)) > 0
    assert [line for line in uses if not PINNED.match(line)] == []


@each_workflow
def test_permissions_are_none_at_the_top_and_least_in_each_job(path):
    found = workflow(path)
    assert found["permissions"] == {}
    for name, job in found["jobs"].items():
        writes = {scope for scope, access in job["permissions"].items() if access != "read"}
        assert writes <= {"preview": {"pull-requests"}, "apply": {"contents"}}.get(name, set())


@each_workflow
def test_only_the_step_that_needs_the_ledger_gets_a_token_for_it(path):
    """A job that may write hands its token to one step, and only where the ledger is on a ref."""
    for name, job in workflow(path)["jobs"].items():
        holding = [step for step in job["steps"] if "github.token" in str(step) and "RECONCILE_LEDGER" in str(step)]
        assert all(step["env"]["RECONCILE_LEDGER"].startswith("git:https://") for step in holding)
        assert len(holding) <= 1
        assert job["permissions"].get("contents") != "write" or holding, name


@each_workflow
def test_nothing_of_the_event_is_written_into_a_script(path):
    """Whoever opens a pull request chooses its title and branch: they must not become shell."""
    assert "pull_request_target" not in path.read_text(encoding="utf-8")
    assert [script(step) for step in steps(path) if "${{" in script(step)] == []


@each_workflow
def test_checkouts_leave_no_credentials_behind(path):
    checkouts = [step for step in steps(path) if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] == "false" for step in checkouts)


@each_workflow
def test_only_the_approved_job_sees_the_key_that_rents(path):
    for job in workflow(path)["jobs"].values():
        if "secrets.VAST_API_KEY" in str(job):
            assert job["environment"] == "production"
            assert job["concurrency"] == {"group": "reconcile", "cancel-in-progress": "false"}
        assert "secrets" not in str(job.get("env", {})), "a key is given to the step that needs it, not to the job"


@each_workflow
def test_the_right_distribution_is_installed_in_this_version(path):
    installs = [script(step) for step in steps(path) if "pip install" in script(step)]
    assert installs
    assert set(installs) == {f'python -m pip install "vast-reconciler=={reconciler.__version__}"'}


def test_no_text_installs_other_peoples_packages():
    for path in [*WORKFLOWS, CRONTAB, *DOCS]:
        assert not re.search(r"(?:pip|pipx|uv tool|uvx) install\s+[\"']?reconciler?\b", path.read_text("utf-8")), (
            path.name
        )


# --- every command line -----------------------------------------------------------------------------


def scripts() -> Iterator[tuple[str, str]]:
    """Pieces of text that a user would run, each with where it stands."""
    for path in WORKFLOWS:
        for step in steps(path):
            yield path.name, script(step)
    yield CRONTAB.name, "\n".join(line for line in CRONTAB.read_text().splitlines() if not line.startswith("#"))
    for path in DOCS:
        for code in code_of(path.read_text(encoding="utf-8")):
            yield path.name, code


def code_of(markdown: str) -> Iterator[str]:
    """Shell fences, the typed lines of console fences, and code in running text."""
    fence = re.compile(r"^[ ]*```(\w*)[^\n]*\n(.*?)^[ ]*```", re.M | re.S)
    for language, code in fence.findall(markdown):
        if language in ("sh", "bash", "shell"):
            yield code
        else:
            yield "\n".join(line.strip()[2:] for line in code.splitlines() if line.strip().startswith("$ "))
    yield from (" ".join(code.split()) for code in re.findall(r"`([^`]+)`", fence.sub("", markdown)))


def command_lines() -> Iterator[tuple[str, str]]:
    for where, text in scripts():
        for line in text.replace("\\\n", " ").splitlines():
            for part in re.split(r"&&|;|\|\|", line):
                if found := COMMAND.search(part):
                    yield where, re.split(END_OF_COMMAND, found["rest"] + " ")[0].strip()


COMMAND_LINES = sorted(set(command_lines()))


def complaint(line: str) -> str | None:
    """What the command-line parser has against a line; `[--option]` and `a|b` of a synopsis are read as written out."""
    words = [word.split("|")[0] for word in shlex.split(re.sub(r"[\[\]]|\.\.\.|…", "", line))]
    from reconciler.cli import cli

    command: click.Command = cli
    context = click.Context(command, info_name="reconcile")
    try:
        while isinstance(command, click.Group):
            _, words, _ = command.make_parser(context).parse_args(words)
            if not words:
                return None
            _, found, words = command.resolve_command(context, words)
            if found is None:
                return "no such command"
            command, context = found, click.Context(found, info_name=found.name, parent=context)
        values, left, _ = command.make_parser(context).parse_args(words)
    except click.UsageError as error:
        return error.format_message()
    return f"too many arguments: {left}" if left else wrong_choice(command, context, values)


def wrong_choice(command: click.Command, context: click.Context, values: dict[str, Any]) -> str | None:
    for parameter in command.get_params(context):
        if isinstance(parameter.type, click.Choice) and isinstance(values.get(parameter.name or ""), str):
            try:
                parameter.type.convert(values[parameter.name or ""], parameter, context)
            except click.UsageError as error:
                return error.format_message()
    return None


def test_command_lines_are_found_everywhere():
    assert {"plan-and-apply.yaml", "crontab", "ci.md", "cron.md"} <= {where for where, _ in COMMAND_LINES}


@pytest.mark.parametrize(
    "line",
    ["plan specs/ --outt FILE", "plan --format yaml", "conquer specs/", "apply --plan", "validate --yes", "--yes plan"],
)
def test_a_wrong_command_line_would_be_noticed(line):
    assert complaint(line) is not None


@pytest.mark.parametrize(("where", "line"), COMMAND_LINES)
def test_every_command_line_is_one_the_tool_knows(where, line):
    assert complaint(line) is None, f"{where}: reconcile {line}"
