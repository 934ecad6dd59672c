"""`watch --simulate`: fleets are filled and kept, in virtual time; specs change, break and are mended on the way."""

from __future__ import annotations

import json
import random
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.cli.apply import stand_in
from reconciler.cli.compose import World, open_world
from reconciler.cli.listening import Board
from reconciler.cli.options import Scope, Shape, Where
from reconciler.cli.rereading import Specs
from reconciler.cli.screen import Screen
from reconciler.cli.signals import asking_to_stop
from reconciler.cli.watch import Bench, code_of
from reconciler.core.guards import Allowed
from reconciler.core.watching import Note
from reconciler.watch import Rhythm, Watch

from .project import STATE, Project

OFF = ("--listen", "off")


class Watched:
    """One watch in this process, with a word in between: `at(n, act)` is done after its n-th pass."""

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.acts: dict[int, Callable[[World], None]] = {}
        self.board: Board | None = None

    def at(self, number: int, act: Callable[[World], None]) -> Watched:
        self.acts[number] = act
        return self

    def run(self, passes: int) -> int:
        specs = Specs(Scope(("specs/",), (), None), Screen(Shape("text", True)), Allowed(), first_run=True)
        with open_world(Where(True, None, None, Path(STATE))) as world, asking_to_stop(world.clock.stop):
            self.board = Board(world.clock.now)

            def say(note: Note) -> None:
                self.notes.append(note)
                if note.event == "pass":
                    self.acts.get(len(self.said("pass")), lambda _: None)(world)

            bench = Bench(world, specs, stand_in, say, self.board)
            return Watch(bench, Rhythm(60.0, passes, random.Random(1).random), code_of).run()

    def said(self, event: str) -> list[dict[str, object]]:
        return [{"at": note.at, **note.fields} for note in self.notes if note.event == event]

    @property
    def results(self) -> list[object]:
        return [fields["result"] for fields in self.said("pass")]


def test_a_fleet_is_filled_and_the_lines_are_json(project: Project) -> None:
    project.fleet(replicas=2)
    outcome = project.run("watch", "--simulate", "--yes", "--first-run", "--passes", "6", *OFF).assert_success()
    lines = [json.loads(line) for line in outcome.err.splitlines()]
    assert [line["event"] for line in lines[:3]] == ["started", "rented", "rented"]
    assert lines[-1]["event"] == "stopped"
    assert outcome.out == ""
    project.assert_all_run("june", 2)


def test_words_are_written_where_they_are_asked_for(project: Project) -> None:
    project.fleet()
    outcome = project.run(
        "watch", "--simulate", "--yes", "--first-run", "--passes", "2", "--log", "text", "--quiet", *OFF
    )
    outcome.assert_success("rented  june/0  instance=")
    assert "{" not in outcome.err


REFUSED = {
    "nobody said yes": (("--simulate",), 4, "--yes"),
    "an interval of nothing": (("--simulate", "--yes", "--interval", "0s"), 2, "at least 1s"),
    "no address": (("--simulate", "--yes", "--listen", "here"), 2, "is not an address such as 127.0.0.1:9109"),
}


@pytest.mark.parametrize(("args", "code", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused_before_anything_is_done(project: Project, args, code, said) -> None:
    project.fleet()
    project.run("watch", *args).assert_code(code, said)
    assert not project.state.exists()


def test_invalid_specs_end_it_when_it_starts(project: Project) -> None:
    project.fleet(replicas=-1)
    project.run("watch", "--simulate", "--yes", *OFF).assert_code(1, "replicas")


def test_missing_addresses_end_it_when_it_starts(project: Project, monkeypatch) -> None:
    project.fleet()
    monkeypatch.setenv("VAST_API_KEY", "0f00ba5e" * 8)
    monkeypatch.setenv("VAST_URL", "http://127.0.0.1:1")
    project.policy(notify=[{"url": {"from_env": "OPS_WEBHOOK"}}])
    project.run("watch", "--yes", *OFF).assert_code(1, "OPS_WEBHOOK: the variable is not set")


def test_a_host_that_dies_is_replaced_and_told(project: Project) -> None:
    project.fleet()
    project.policy(notify=[{"url": {"from_env": "OPS"}}])
    project.start()
    [one] = project.live()
    watched = Watched().at(1, lambda world: world.simulation.fail(one.id, "offline"))
    assert watched.run(30) == 0
    project.assert_all_run("june", 1)
    assert project.live()[0].id != one.id
    told = [str(fields["text"]) for fields in watched.said("notification")]
    assert [text.split()[4] for text in told] == ["host", "replaced"], told
    assert watched.board is not None
    assert watched.board.shown.counts[("strikes", "june", "died")] == 1
    [strike] = watched.said("strike")
    assert strike["text"] == f"machine {one.machine}: offline"
    replaced = watched.said("destroying")[0]["at"] - next(iter(watched.said("pass")))["at"]
    assert 570 <= replaced <= 600 + 2 * 70


def test_a_broken_fleet_neither_stops_nor_delays_the_others(project: Project) -> None:
    project.fleet("april", container={"vast_template": "ab" * 16})
    project.fleet("june", replicas=2)
    watched = Watched().at(8, lambda world: world.simulation.fail(project_ids(world)["june/1"], "exited"))
    assert watched.run(40) == 1
    project.assert_all_run("june", 2)
    assert watched.results == ["good"] * 40
    rented = watched.said("rented")
    assert [fields["seat"] for fields in rented[:2]] == ["june/0", "june/1"]
    assert rented[1]["at"] <= watched.said("pass")[0]["at"]
    resting = watched.said("fleet_resting")
    assert {fields["fleet"] for fields in resting} == {"april"}
    assert watched.board is not None
    assert "april" in watched.board.shown.resting
    looked = watched.board.shown.calls.sent["template"]
    assert 3 <= looked <= 10


def project_ids(world: World) -> dict[str, int]:
    rows = world.simulation.instances()
    return {"/".join(row["label"].split("/")[2:4]): row["id"] for row in rows}


def test_while_the_specs_are_invalid_nothing_is_planned_and_nothing_destroyed(project: Project) -> None:
    project.fleet(replicas=2)
    project.start()
    before = project.ids()
    broken = (
        Watched()
        .at(1, lambda _: project.fleet(replicas=1, price__max_per_hour=-1))
        .at(3, lambda _: project.fleet(replicas=1))
    )
    assert broken.run(6) == 0
    assert broken.results == ["good", "skipped", "skipped", "good", "good", "good"]
    assert len(broken.said("specs_invalid")) == 1
    [finding] = broken.said("specs_invalid")[0]["findings"]
    assert finding.startswith("specs/june.yaml:")
    destroyed = broken.said("destroyed")
    assert [fields["instance"] for fields in destroyed] == [before["june/1"]]
    assert destroyed[0]["at"] > broken.said("pass")[2]["at"]


def test_a_folder_that_becomes_empty_destroys_nothing(project: Project) -> None:
    project.fleet()
    project.start()
    before = project.ids()
    watched = Watched().at(1, lambda _: (project.path / "specs/june.yaml").unlink())
    assert watched.run(4) == 4
    assert watched.results == ["good", "skipped", "skipped", "skipped"]
    assert project.ids() == before


def test_a_fleet_that_is_declared_nowhere_any_more_is_told_and_measured(project: Project) -> None:
    project.fleet()
    project.fleet("july")
    project.start()
    watched = Watched().at(2, lambda _: (project.path / "specs" / "july.yaml").unlink())
    watched.run(5)
    (told,) = [fields["text"] for fields in watched.said("problem")]
    assert re.search(r"of fleet july is declared nowhere and left alone: it bills \$0\.\d+/h$", str(told))
    assert watched.board is not None
    page = watched.board.metrics()
    assert "\nreconcile_orphans 1\n" in page
    assert re.search(r"\nreconcile_orphans_dollars_per_hour 0\.\d+\n", page)


def test_a_changed_spec_and_a_changed_script_are_seen_by_the_next_pass(project: Project) -> None:
    project.write("specs/start.sh", "echo a\n")
    project.fleet(container__onstart={"file": "start.sh"})
    project.start()
    watched = Watched().at(2, lambda _: project.write("specs/start.sh", "echo b\n"))
    watched.run(4)
    assert [fields["changed"] for fields in watched.said("specs_changed")] == [["june"]]
    assert watched.said("rented")


def test_unasked_destroys_are_limited_in_any_ten_minutes_across_restarts(project: Project) -> None:
    """Six of ten fail one after the other; at most three go within ten minutes, whoever is asked."""
    project.fleet(replicas=10)
    project.start()
    ids = sorted(project.ids().values())
    first = Watched()
    for number in range(1, 4):
        first.at(number, lambda world, n=number: world.simulation.fail(ids[n], "exited"))
    first.run(5)
    second = Watched()
    for number in range(1, 4):
        second.at(number, lambda world, n=number: world.simulation.fail(ids[n + 3], "exited"))
    second.run(25)
    sent = sorted(float(fields["at"]) for each in (first, second) for fields in each.said("destroying"))
    assert len(sent) == 6
    assert all(later - early >= 600 for early, later in zip(sent, sent[3:], strict=False))
    assert any("unasked destroys" in str(fields["text"]) for fields in second.said("held_back"))
    project.assert_all_run("june", 10)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_between_two_passes_ends_it_with_0(project: Project, number: signal.Signals) -> None:
    project.fleet()
    before = signal.getsignal(signal.SIGTERM)
    watched = Watched().at(2, lambda _: signal.raise_signal(number))
    assert watched.run(50) == 0
    assert len(watched.results) == 2
    assert signal.getsignal(signal.SIGTERM) is before


def test_pausing_between_two_passes_is_possible_and_holds(project: Project) -> None:
    """The ledger is free between passes; here another process would have paused the fleet."""
    from reconciler.core.record import with_pause
    from reconciler.ledger.sqlite import SqliteStore

    project.fleet(replicas=1)
    project.start()
    [one] = project.live()

    def pause(world: World) -> None:
        store = SqliteStore(project.ledger, account=world.provider.account().id, owner="default")
        assert store.lease() is None
        store.save(with_pause(store.load(), "june", world.clock.now()))
        store.close()
        world.simulation.fail(one.id, "exited")

    watched = Watched().at(1, pause)
    assert watched.run(8) == 0
    assert watched.said("destroying") == []
