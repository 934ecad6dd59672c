"""The main job on the simulated market: specs in, a plan with its cost, an account that matches, nothing left."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from .project import Project

EXAMPLES = {"flux-training": "1.00", "na-budget": "0.35", "na-low-latency": "0.50", "na-performance": "0.70"}
SCHEMA = Path(__file__).parents[2] / "schemas" / "output.schema.json"
FULL_MARKET = "offers-2024-11-05-full-market.json"


def assert_examples_run(project: Project) -> None:
    for name, cap in EXAMPLES.items():
        project.assert_all_run(name, 1)
        assert project.live(name)[0].price <= Decimal(cap)


def test_the_example_specs_are_planned_applied_and_then_nothing_changes(project: Project) -> None:
    project.examples()
    project.run("validate").assert_success("4 fleets")
    project.plan("--exit-code").assert_code(3, "4 to create", *EXAMPLES)
    project.apply().assert_success("4 instances rented")
    assert_examples_run(project)
    again = project.plan("--exit-code").assert_success("No changes", "4 instances as declared")
    assert "! " not in again.out
    project.apply().assert_success("Nothing was changed")


def test_the_example_specs_are_planned_and_applied_on_the_recorded_market(project: Project, market_data: Path) -> None:
    project.examples()
    market = ("--market", str(market_data / FULL_MARKET))
    project.plan(*market).assert_success("4 to create")
    project.apply(*market).assert_success("4 instances rented")
    assert_examples_run(project)
    project.plan(*market, "--exit-code").assert_success("No changes")


def test_flux_training_alone_rents_a_recorded_machine_within_its_cap(project: Project, market_data: Path) -> None:
    project.examples()
    project.apply("specs/flux-training.yaml", "--market", str(market_data / FULL_MARKET)).assert_success()
    [rented] = project.live()
    recorded = json.loads((market_data / FULL_MARKET).read_bytes())
    rows = recorded["offers"] if isinstance(recorded, dict) else recorded
    [machine, *_] = [row for row in rows if row["machine_id"] == rented.machine]
    assert machine["gpu_name"].replace("_", " ") in ("RTX 4090", "RTX 3090")
    assert rented.price <= 1
    project.assert_settled("specs/flux-training.yaml")


def test_the_plan_says_what_it_costs_and_apply_keeps_to_it(project: Project) -> None:
    project.fleet(replicas=3)
    planned = project.plan("--format", "json").assert_success().document
    project.apply().assert_success()
    bills = sum(row.price for row in project.live())
    assert abs(bills - Decimal(planned["cost"]["after"])) < Decimal("0.000001")
    now = project.plan("--format", "json").document["cost"]["now"]
    assert abs(bills - Decimal(now)) < Decimal("0.000001")


@pytest.mark.parametrize("shape", ["text", "json", "markdown"])
def test_the_same_inputs_give_the_same_bytes(project: Project, shape: str) -> None:
    project.examples()
    project.fleet(replicas=3)
    first = project.plan("--format", shape).assert_success()
    second = project.plan("--format", shape).assert_success()
    assert first.out == second.out
    assert first.err == second.err


@pytest.mark.parametrize(
    "command",
    [["plan"], ["plan", "--out", "p.json"], ["status"], ["offers", "june"], ["validate"]],
    ids=lambda command: " ".join(command),
)
def test_what_only_looks_changes_neither_world_nor_ledger(project: Project, command: list[str]) -> None:
    simulate = () if command == ["validate"] else ("--simulate",)
    project.fleet(replicas=2)
    project.run(*command, *simulate).assert_success()
    assert not project.state.exists()
    assert not project.ledger.exists()
    project.start()
    project.fail("june/1")
    before = project.kept()
    project.run(*command, *simulate).assert_success()
    assert project.kept() == before


def test_quiet_commands_say_nothing_when_nothing_changes(project: Project) -> None:
    project.fleet()
    project.apply("--quiet").assert_success()
    for outcome in (project.plan("--quiet"), project.apply("--quiet"), project.apply("--quiet", "--no-wait")):
        assert outcome.assert_success().text.strip() == ""


def test_a_quiet_apply_says_what_it_did(project: Project) -> None:
    project.fleet()
    project.apply("--quiet").assert_success("june/0", "rented")


COMMANDS = [
    ["validate"],
    ["plan", "--simulate"],
    ["apply", "--simulate", "--yes"],
    ["status", "--simulate"],
    ["offers", "june", "--simulate"],
    ["destroy", "june", "--simulate", "--yes"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_every_command_speaks_json_as_the_schema_describes_it(project: Project, command: list[str]) -> None:
    project.fleet(replicas=3)
    validator = Draft202012Validator(json.loads(SCHEMA.read_bytes()))
    for moment in ("before the first apply", "when all runs", "when one has failed"):
        if moment != "before the first apply":
            project.start()
        if moment == "when one has failed":
            project.fail("june/1", how="exited")
        outcome = project.run(*command, "--format", "json").assert_success()
        validator.validate(outcome.document)
        assert outcome.document["command"] == command[0]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_every_command_speaks_markdown(project: Project, command: list[str]) -> None:
    project.fleet(replicas=2)
    project.start()
    outcome = project.run(*command, "--format", "markdown").assert_success()
    assert outcome.out.strip()


@pytest.mark.parametrize("shape", ["json", "markdown"])
def test_a_pipe_gets_the_document_alone(project: Project, shape: str) -> None:
    project.fleet()
    outcome = project.apply("--format", shape).assert_success()
    assert "rented" in outcome.out
    if shape == "json":
        assert outcome.document["ending"] == "done"


def test_no_wait_does_one_step_and_the_next_run_goes_on(project: Project) -> None:
    project.fleet(replicas=2)
    project.apply("--no-wait").assert_success()
    assert project.live() == []
    project.advance("6m")
    project.apply("--no-wait").assert_success("2 instances rented")
    assert len(project.live()) == 2
    project.apply("--no-wait").assert_success("Nothing was changed")
    project.advance("10m")
    project.assert_settled()
    project.assert_all_run("june", 2)


def test_apply_says_when_time_is_up(project: Project) -> None:
    project.fleet()
    project.apply("--timeout", "1m").assert_code(1, "Time is up", "still waiting")
    assert project.live() == []
    project.apply().assert_success()
    project.assert_all_run("june", 1)


def test_the_first_run_may_skip_the_cold_start(project: Project) -> None:
    project.fleet()
    project.apply("--no-wait", "--first-run").assert_success("1 instance rented")
    assert len(project.live()) == 1
