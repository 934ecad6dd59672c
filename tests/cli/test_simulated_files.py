"""State files and ledgers that are not what they should be: one clear line, and the file stays as it is."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.simulator import open_simulation

from .project import Project

HTML = b"<!doctype html><html><body>502 Bad Gateway</body></html>"


def edited(**values: object) -> Callable[[bytes], bytes]:
    """The JSON object with some values replaced."""
    return lambda content: json.dumps({**json.loads(content), **values}).encode()


STATES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "HTML": lambda _: HTML,
    "not UTF-8": lambda _: b"\xff\xfe\x00",
    "truncated": lambda content: content[: len(content) // 2],
    "of another kind": lambda _: b'{"fleets": []}',
    "a list": lambda _: b"[]",
    "deep": lambda _: b"[" * 200_000,
    "from a newer version": edited(version=99),
    "without contracts": edited(contracts=None),
    "with a strange contract": edited(contracts=[{"id": 1}]),
    "with words for numbers": edited(now="noon"),
    "with a market that is gone": edited(market={"kind": "recorded", "path": "/nowhere/market.json"}),
}
LEDGERS: dict[str, Callable[[bytes], bytes]] = {
    "HTML": lambda _: HTML,
    "truncated": lambda content: content[:3000],
    "garbled": lambda content: content[:100] + b"\xff" * (len(content) - 100),
    "a state file": lambda _: b'{"format": "reconcile-simulated-world"}',
}
LOOKING = [["plan"], ["status"]]
DOING = [["apply", "--yes"], ["pause", "june"], ["destroy", "june", "--yes"]]
name_of = " ".join


def damaged(project: Project, file: Path, damage: Callable[[bytes], bytes]) -> bytes:
    project.fleet()
    project.start()
    file.write_bytes(damage(file.read_bytes()))
    return file.read_bytes()


@pytest.mark.parametrize("damage", STATES)
def test_a_state_file_that_is_none_is_refused_and_left_as_it_is(project: Project, damage: str) -> None:
    content = damaged(project, project.state, STATES[damage])
    for command in (*LOOKING, *DOING, ["offers", "june"]):
        outcome = project.run(*command, "--simulate").assert_clear(1, "simulated.json")
        assert "move the file away" in outcome.err
        assert project.state.read_bytes() == content
    project.run("simulate", "advance", "1m").assert_clear(1, "simulated.json")
    project.run("simulate", "fail", "june/0").assert_clear(1, "simulated.json")
    assert project.state.read_bytes() == content
    project.run("simulate", "reset").assert_success()
    project.apply().assert_success("1 instance rented")


@pytest.mark.parametrize("command", [*LOOKING, *DOING], ids=name_of)
@pytest.mark.parametrize("damage", LEDGERS)
def test_a_ledger_that_is_none_is_refused_and_left_as_it_is(project: Project, damage: str, command: list[str]) -> None:
    content = damaged(project, project.ledger, LEDGERS[damage])
    before = project.kept()
    project.run(*command, "--simulate").assert_clear(1, "simulated.db", "try: ")
    assert project.ledger.read_bytes() == content
    assert project.kept() == before


def changed(project: Project, statement: str) -> bytes:
    project.fleet()
    project.start()
    with closing(sqlite3.connect(project.ledger)) as ledger, ledger:
        ledger.execute(statement)
    return project.ledger.read_bytes()


@pytest.mark.parametrize("command", [*LOOKING, *DOING], ids=name_of)
@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE meta SET version = 99", "newer"),
        ("UPDATE meta SET account = 1", "account 1"),
        ("UPDATE meta SET owner = 'theirs'", "owner theirs"),
        ("UPDATE meta SET format = 'bookmarks'", "not a ledger"),
        ("UPDATE record SET body = '{'", "damaged"),
        ("UPDATE record SET body = '[]'", "damaged"),
        ("DELETE FROM record", "damaged"),
        ("DROP TABLE record", "simulated.db"),
    ],
)
def test_a_ledger_of_somebody_else_is_refused_and_left_as_it_is(
    project: Project, statement: str, said: str, command: list[str]
) -> None:
    content = changed(project, statement)
    project.run(*command, "--simulate").assert_clear(1, said, "simulated.db")
    assert project.ledger.read_bytes() == content
    assert len(project.live()) == 1


def test_an_empty_ledger_file_is_one_that_remembers_nothing(project: Project) -> None:
    damaged(project, project.ledger, lambda _: b"")
    project.plan().assert_success("No changes")
    project.apply().assert_success("Nothing was changed")


@pytest.mark.parametrize("file", ["simulated.json", "simulated.db"])
def test_a_folder_in_place_of_a_file_is_refused(project: Project, file: str) -> None:
    project.fleet()
    (project.path / ".reconcile" / file).mkdir(parents=True)
    for command in (*LOOKING, *DOING):
        project.run(*command, "--simulate").assert_clear(1, file)
    project.run("simulate", "reset").assert_clear(1, file)
    assert (project.path / ".reconcile" / file).is_dir()


@pytest.mark.parametrize("command", [*LOOKING, *DOING], ids=name_of)
def test_a_place_that_cannot_be_written_is_one_clear_line(project: Project, command: list[str]) -> None:
    project.fleet()
    project.write("occupied", "a file where a folder is wanted")
    project.run(*command, "--simulate", "--state", "occupied/world.json").assert_clear(1, "occupied/world.json")
    assert not project.state.exists()


@pytest.mark.parametrize("command", [*LOOKING, *DOING, ["resume", "june"], ["offers", "june"]], ids=name_of)
def test_a_world_in_use_is_busy(project: Project, command: list[str]) -> None:
    project.fleet()
    project.start()
    before = project.kept()
    with open_simulation(project.state):
        project.run(*command, "--simulate").assert_clear(6, "another command")
        project.run("simulate", "reset").assert_clear(6, "another command")
    assert project.kept() == before


def test_another_market_than_the_states_is_refused_with_the_way_on(project: Project) -> None:
    project.fleet()
    project.start()
    before = project.kept()
    for other in (["--seed", "99"], ["--market", "offers.json"], ["--seed", "1", "--market", "offers.json"]):
        for command in (["plan"], ["apply", "--yes"], ["status"]):
            project.run(*command, "--simulate", *other).assert_code(2)
    project.plan("--seed", "99").assert_clear(2, "simulate reset")
    assert project.kept() == before
    project.run("simulate", "reset").assert_success()
    assert project.kept() == {}
    project.plan("--seed", "99").assert_success("1 to create")


@pytest.mark.parametrize("seed", ["1", "2", "99"])
def test_every_generated_market_serves_a_simple_fleet(project: Project, seed: str) -> None:
    project.fleet(replicas=2)
    project.apply("--seed", seed).assert_success("2 instances rented")
    project.assert_settled("--seed", seed)


@pytest.mark.parametrize("content", [b"", HTML, b"{}", b"[]", b'[{"id": 1}]', b"[" * 200_000], ids=repr)
def test_a_market_file_that_is_none_is_refused(project: Project, content: bytes) -> None:
    project.fleet()
    (project.path / "market.json").write_bytes(content)
    project.plan("--market", "market.json").assert_clear(1, "market.json")
    assert not project.state.exists()


def test_market_and_seed_need_the_simulated_world(project: Project) -> None:
    project.fleet()
    project.run("plan", "--seed", "1").assert_code(2, "--simulate")
    project.run("plan", "--market", "x.json").assert_code(2, "--simulate")


def test_another_state_file_is_another_world_with_its_own_ledger(project: Project) -> None:
    project.fleet()
    project.apply("--state", "other/world.json").assert_success()
    assert (project.path / "other/world.json").exists()
    assert (project.path / "other/world.db").exists()
    assert not project.state.exists()
    project.plan("--state", "other/world.json").assert_success("No changes")
    project.plan().assert_success("1 to create")


def test_state_and_ledger_never_share_a_file(project: Project) -> None:
    project.fleet()
    project.apply("--state", "world.db").assert_code(2, "world.db")
    project.run("simulate", "reset", "--state", "world.db").assert_code(2)
    assert not (project.path / "world.db").exists()


def test_keys_ledgers_and_origins_of_the_environment_are_ignored(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VAST_API_KEY", "a-key")
    monkeypatch.setenv("VASTAI_API_KEY", "another-key")
    monkeypatch.setenv("VAST_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("RECONCILE_LEDGER", str(tmp_path / "ledger.db"))
    project.fleet()
    project.apply().assert_success("1 instance rented")
    assert not (tmp_path / "ledger.db").exists()
    assert project.ledger.exists()


def test_a_lost_ledger_costs_waiting_and_never_money(project: Project) -> None:
    project.fleet(replicas=2)
    project.start()
    before = project.ids()
    project.ledger.unlink()
    project.assert_settled()
    project.apply().assert_success("Nothing was changed")
    assert project.ids() == before
    project.ledger.unlink()
    project.advance("1m")
    project.fail("june/0", how="gone")
    project.plan().assert_success("1 to create", "Cold start")
    project.apply("--no-wait").assert_success("Nothing was changed")
    project.apply().assert_success("1 instance rented")
    project.assert_all_run("june", 2)
