"""Moving in and out on the simulated account: import, adopt, plan nothing; release, and all is as it was."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.cli.compose import World, open_world
from reconciler.cli.declared import read
from reconciler.cli.holding import Turn
from reconciler.cli.moving import Task, move
from reconciler.cli.options import Scope, Shape, Where
from reconciler.cli.screen import Screen
from reconciler.core.lease import Holder, Lease
from reconciler.core.moves import Ground, Kind, Moves, adopt_all, release_all
from reconciler.errors import Interrupted
from reconciler.ledger.sqlite import SqliteStore
from reconciler.simulator import open_simulation

from .driving import Watched
from .project import IMAGE, STATE, Project

CANARY = "hunter2-canary-value"
SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "output.schema.json").read_text("utf-8"))


def rented(project: Project, count: int = 1, **body: Any) -> list[int]:
    """Instances that somebody rented through the API itself, without this tool, and that run."""
    found = []
    with open_simulation(project.state) as simulation:

        def call(method: str, path: str, content: dict[str, Any]) -> dict[str, Any]:
            headers = {"Authorization": "Bearer any"}
            status, _, text = simulation.handle(method, path, "", headers, json.dumps(content).encode())
            assert status == 200, text
            answer: dict[str, Any] = json.loads(text)
            return answer

        for _ in range(count):
            asked = {
                "gpu_name": {"eq": body.get("gpu", "RTX 3060")},
                "num_gpus": {"eq": 1},
                "rentable": {"eq": True},
                "order": [["dph_total", "asc"]],
                "allocated_storage": 20,
                "type": "bid" if body.get("price") else "on-demand",
            }
            offer = call("POST", "/api/v0/bundles/", asked)["offers"][0]["id"]
            simulation.advance(60)
            given = {
                "image": IMAGE,
                "disk": 20,
                "label": None,
                "env": {"-p 8000:8000": "1"},
                "runtype": "ssh_direc ssh_proxy",
            }
            changes = {name: value for name, value in body.items() if name != "gpu"}
            found.append(call("PUT", f"/api/v0/asks/{offer}/", given | changes)["new_contract"])
        simulation.advance(1200)
        simulation.save()
    return found


def labels(project: Project) -> dict[int, str | None]:
    """Every label of the account."""
    with open_simulation(project.state) as simulation:
        return {row["id"]: row["label"] for row in simulation.instances()}


def imported(project: Project, *args: str) -> Any:
    return project.run("import", "--simulate", *args)


def adopt(project: Project, *args: str) -> Any:
    return project.run("adopt", "--simulate", "--yes", *args)


def release(project: Project, *args: str) -> Any:
    return project.run("release", "--simulate", "--yes", *args)


def assert_nothing_to_do(project: Project) -> None:
    """Neither now nor once the ledger is warm."""
    for _ in range(2):
        document = project.plan("--format", "json", "--exit-code").assert_success().document
        assert [document["summary"][word] for word in ("create", "replace", "destroy")] == [0, 0, 0]
        assert document["summary"]["unfilled"] == 0
        project.advance("10m")


@pytest.mark.parametrize("words", [("adopt", "--all"), ("release", "--all")], ids=["adopt", "release"])
def test_who_moves_instances_waits_for_a_turn(project: Project, words: tuple[str, ...]) -> None:
    project.fleet()
    project.start()
    account = project.status("--format", "json").document["account"]
    with closing(SqliteStore(project.ledger, account=account, owner="default")) as store:
        with open_simulation(project.state) as simulation:
            now = simulation.clock.now()
        lease = Lease("5f0c2a91", Holder("elsewhere", 1, "reconcile apply"), since=now, renewed=now)
        store.take(lease, lambda: now, lambda _: False)
        held = project.run(*words, "--yes", "--simulate").assert_code(6, "reconcile apply (pid 1 on elsewhere)")
        assert held.out == ""
        store.release()


def test_a_release_is_quiet_where_there_is_nothing_to_tell(project: Project) -> None:
    project.fleet()
    for shape in ("text", "json", "markdown"):
        told = project.run("release", "--all", "--yes", "--simulate", "--quiet", "--format", shape).assert_success()
        assert (told.out, told.err) == ("", "")


# --- the way in --------------------------------------------------------------------------------------


def test_after_import_and_adopt_all_there_is_nothing_to_do(project: Project) -> None:
    ids = [
        *rented(project, 3, label="pool-a/1", env={"MODE": CANARY, "HF_TOKEN": CANARY, "-p 8000:8000": "1"}),
        *rented(project, 2, gpu="RTX 3090", onstart="echo one\n\n  echo two\n", disk=50),
        *rented(project, 1, image="nginx:1", runtype="args", args=["--port", "80"]),
    ]
    imported(project).assert_success("fleet pool-a, 3 instances", "fleet june, 2 instances", "fleet nginx")
    project.run("validate", "specs/").assert_success("3 fleets")
    done = adopt(project, "--all").assert_success("6 instances adopted")
    assert done.out.count("no difference is told") == 6
    assert_nothing_to_do(project)
    project.apply().assert_success()
    assert sorted(labels(project)) == sorted(ids)
    assert all((label or "").startswith("rc1/default/") for label in labels(project).values())


def test_ten_instances_adopted_stay_ten(project: Project) -> None:
    ids = rented(project, 10, disk=10)
    imported(project).assert_success("10 instances")
    adopt(project, "--all").assert_success("10 instances adopted")
    for _ in range(3):
        project.apply("--timeout", "30m").assert_success()
        project.advance("6h")
    assert sorted(labels(project)) == sorted(ids)
    assert_nothing_to_do(project)


def test_adoption_needs_no_ledger_to_be_remembered(project: Project) -> None:
    (number,) = rented(project)
    project.fleet(container__disk_gb=32)
    adopt(project, f"june/0={number}").assert_success("container.disk_gb 20 -> 32")
    project.ledger.unlink()
    assert_nothing_to_do(project)
    project.plan().assert_success("was adopted as it is", "container.disk_gb 20 -> 32")
    assert "adopted as it is: container.disk_gb 20 -> 32" in project.status().out


def test_differences_are_kept_until_the_spec_changes(project: Project) -> None:
    ids = rented(project, 2)
    project.fleet(replicas=2, container__env={"A": "1"}, container__ports=[8000], container__disk_gb=20)
    adopt(project, *(f"june={number}" for number in ids)).assert_success("container.env none -> A")
    assert_nothing_to_do(project)
    project.fleet(replicas=2, container__env={"A": "2"}, container__ports=[8000], container__disk_gb=20)
    project.apply().assert_success()
    assert not set(ids) & set(labels(project))
    project.assert_all_run("june", 2)


def test_an_adopted_instance_that_dies_is_replaced_as_any_other(project: Project) -> None:
    (number,) = rented(project)
    imported(project).assert_success()
    adopt(project, "--all").assert_success()
    spec = Path("specs/june.yaml")
    text = spec.read_text()
    wide = text[: text.index("regions:")] + text[text.index("price:") :]
    spec.write_text("\n".join("  max_per_hour: 0.9" if "max_per_hour" in line else line for line in wide.split("\n")))
    with open_simulation(project.state) as simulation:
        simulation.fail(number, "exited")
        simulation.save()
    project.apply().assert_success("destroyed")
    project.assert_all_run("june", 1)


REFUSED: dict[str, tuple[str, str]] = {
    "one that is managed": ("june/1={managed}", "it is managed already, as june/0"),
    "another owner's": ("june/1={theirs}", "it is owner team-b's, of fleet voice"),
    "none at all": ("june/1=99", "there is no such instance in this account"),
    "a seat that is taken": ("june/0={free}", "june/0 is taken by instance {managed}"),
    "a seat beyond the replicas": ("june/2={free}", "june/2 is beyond the declared replicas: 2 wanted"),
}


@pytest.mark.parametrize(("word", "why"), REFUSED.values(), ids=REFUSED)
def test_what_may_not_be_adopted_stops_all_before_anything_is_sent(project: Project, word: str, why: str) -> None:
    theirs, managed, free, other = rented(project, 4)
    project.fleet("voice")
    project.policy(owner="team-b")
    adopt(project, f"voice={theirs}").assert_success()
    for file in (*Path("specs").iterdir(), project.ledger):
        file.unlink()
    project.fleet(replicas=2)
    adopt(project, f"june/0={managed}").assert_success()
    before = labels(project)
    names = {"managed": managed, "theirs": theirs, "free": free}
    word, why = word.format(**names), why.format(**names)
    adopt(project, f"june/1={other}", word, "--format", "json").assert_code(2 if "june/1" in word else 4)
    adopt(project, word).assert_code(4, why, "nothing was changed")
    assert labels(project) == before


WRONG = {
    "nothing": [],
    "all and a name": ["--all", "june=1"],
    "an undeclared fleet": ["july=1"],
    "no instance": ["june/0=x"],
    "an index with zeros": ["june/00=1"],
    "one instance twice": ["june/0=1", "june/1=1"],
    "one seat twice": ["june/0=1", "june/0=2"],
    "a path that is not there": ["june=1", "elsewhere/"],
}


@pytest.mark.parametrize("words", WRONG.values(), ids=WRONG)
def test_wrong_words_are_wrong_usage(project: Project, words: list[str]) -> None:
    project.fleet(replicas=2)
    adopt(project, *words).assert_clear(2)


def test_without_a_yes_nothing_is_sent(project: Project) -> None:
    (number,) = rented(project)
    project.fleet()
    project.run("adopt", "--simulate", "--all").assert_code(4, "nobody said yes")
    assert labels(project) == {number: None}


def test_what_does_not_fit_is_left_alone_with_the_reason(project: Project) -> None:
    one, other = rented(project, 1)[0], rented(project, 1, image="nginx:1")[0]
    project.fleet(container__disk_gb=20)
    document = adopt(project, "--all", "--format", "json").assert_success().document
    assert [(move["instance"], move["state"]) for move in document["moves"]] == [(one, "done")]
    assert document["left_alone"] == [
        {"instance": other, "why": "no fleet describes it (june: image nginx:1)", "lift": None}
    ]
    assert labels(project)[other] is None


# --- what import writes ------------------------------------------------------------------------------


def test_import_changes_nothing_and_shows_no_value(project: Project) -> None:
    rented(project, 1, label="pool", env={"HF_TOKEN": CANARY, "VAST_API_KEY": CANARY}, onstart="echo hi")
    before = project.kept()
    said = imported(project).assert_success()
    assert project.kept() == before
    text = Path("specs/pool.yaml").read_text()
    assert "HF_TOKEN: {from_env: HF_TOKEN}" in text
    assert "not taken over, it must never reach a rented host: VAST_API_KEY" in text
    assert CANARY not in text + said.text
    adopt(project, "--all").assert_success()
    everything = b"".join(path.read_bytes() for path in Path(".").rglob("*") if path.is_file() and path != STATE)
    assert CANARY.encode() not in everything


def test_a_script_with_a_secret_is_not_copied(project: Project) -> None:
    token = "hf_" + "a1B2" * 8
    rented(project, 1, onstart=f"export HF={token}")
    imported(project).assert_success()
    text = Path("specs/june.yaml").read_text()
    assert token not in text
    assert "# onstart is not taken over" in text
    adopt(project, "--all").assert_success("script of 1 line -> none")
    assert_nothing_to_do(project)


def test_no_file_is_ever_overwritten(project: Project) -> None:
    rented(project, 1, label="b")
    rented(project, 1, label="a", disk=30)
    mine = project.write("specs/b.yaml", "# mine\nkind: Fleet\nname: mine\ngpu: {models: [RTX 3060]}\n")
    mine.write_text(mine.read_text() + 'price: {max_per_hour: 1}\ncontainer: {image: "a:1"}\n')
    before = mine.read_bytes()
    imported(project).assert_clear(2, "specs/b.yaml exists already; nothing was written")
    assert mine.read_bytes() == before
    assert not Path("specs/a.yaml").exists()
    imported(project, "--out", "others/").assert_success()
    imported(project, "--out", "others/").assert_clear(2, "nothing was written")


def test_a_fleet_of_the_name_in_another_file_stops_it(project: Project) -> None:
    rented(project, 1)
    project.fleet("june", file="specs/all.yaml")
    imported(project).assert_clear(2, "a fleet named june is declared in specs already")


def test_broken_specs_stop_it(project: Project) -> None:
    rented(project, 1)
    project.write("specs/broken.yaml", "kind: Fleet\n")
    imported(project).assert_code(1)
    assert [file.name for file in Path("specs").iterdir()] == ["broken.yaml"]


CHOICES: dict[str, tuple[list[str], list[str]]] = {
    "all": ([], ["x", "pool-a", "pool-b"]),
    "by label": (["--match", "pool-*"], ["pool-a", "pool-b"]),
    "by several labels": (["--match", "x", "--match", "*-b"], ["x", "pool-b"]),
    "by id": (["--id", "{0}"], ["x"]),
    "by id and label": (["--id", "{0}", "--match", "pool-a"], ["x", "pool-a"]),
    "by no label": (["--match", ""], []),
}


@pytest.mark.parametrize(("args", "fleets"), CHOICES.values(), ids=CHOICES)
def test_import_takes_what_is_meant(project: Project, args: list[str], fleets: list[str]) -> None:
    ids = [rented(project, 1, label=label, disk=10 + n)[0] for n, label in enumerate(("x", "pool-a", "pool-b"))]
    document = imported(project, "--format", "json", *(arg.format(*ids) for arg in args)).assert_success().document
    assert sorted(row["fleet"] for row in document["written"]) == sorted(fleets)


def test_import_describes_only_what_is_nobodys(project: Project) -> None:
    managed, free = rented(project, 2)
    project.fleet()
    adopt(project, f"june={managed}").assert_success()
    imported(project, "--id", str(managed)).assert_code(4, "it is managed already, as june/0")
    imported(project, "--id", "99").assert_code(4, "there is no such instance")
    document = imported(project, "--format", "json").assert_success().document
    # The name of a fleet that is there is not given again.
    assert [(row["fleet"], row["instances"]) for row in document["written"]] == [("june-2", [free])]


def test_what_cannot_be_described_is_told(project: Project) -> None:
    (number,) = rented(project, 1, price=0.9)
    said = imported(project).assert_success(f"not described: instance {number}, it is interruptible")
    assert "wrote" not in said.text
    assert not Path("specs").exists()


def test_the_price_is_what_the_dearest_one_costs_and_a_tenth(project: Project) -> None:
    rented(project, 3)
    document = imported(project, "--format", "json").assert_success().document
    with open_simulation(project.state) as simulation:
        dearest = max(row["dph_total"] for row in simulation.instances())
    (row,) = document["written"]
    assert dearest * 1.1 <= float(row["max_per_hour"]) <= dearest * 1.1 + 0.001


def test_an_account_without_instances_writes_nothing(project: Project) -> None:
    imported(project).assert_success("There is no unmanaged instance")
    assert not Path("specs").exists()


def test_a_folder_that_cannot_be_written_is_a_clear_error(project: Project) -> None:
    rented(project, 1)
    folder = project.path / "closed"
    folder.mkdir()
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        if not _may_write(folder):
            imported(project, "--out", "closed/").assert_clear(1, "cannot be written")
    finally:
        folder.chmod(stat.S_IRWXU)


def _may_write(folder: Path) -> bool:
    try:
        (folder / "x").touch()
    except OSError:
        return False
    return True


# --- the way out -------------------------------------------------------------------------------------


def test_release_all_puts_every_label_back_and_destroys_nothing(project: Project) -> None:
    rented(project, 2, label="pool-a/1")
    rented(project, 1, gpu="RTX 3090")
    before = labels(project)
    imported(project).assert_success()
    adopt(project, "--all").assert_success()
    assert labels(project) != before
    release(project, "--all").assert_success("3 instances released", "Paused, so that nothing is rented in their place")
    assert labels(project) == before
    project.apply().assert_success()
    assert labels(project) == before
    release(project, "--all").assert_success("There is nothing to release.")


def test_a_way_out_and_in_again(project: Project) -> None:
    rented(project, 2, label="pool")
    imported(project).assert_success()
    for _ in range(2):
        adopt(project, "--all").assert_success()
        release(project, "--all").assert_success()
    assert set(labels(project).values()) == {"pool"}
    adopt(project, "--all").assert_success("Paused: pool", "reconcile resume")
    project.run("resume", "pool", "--simulate").assert_success()
    assert_nothing_to_do(project)


def test_what_we_rented_is_released_without_a_label(project: Project) -> None:
    project.fleet(replicas=2)
    project.start()
    first, second = project.ids().values()
    release(project, str(first)).assert_success("what it had before is not known any more")
    assert labels(project)[first] is None
    assert (labels(project)[second] or "").startswith("rc1/")
    project.plan().assert_success("paused", "1 unmanaged instance")


def test_a_lost_ledger_loses_old_labels_and_that_is_said(project: Project) -> None:
    (number,) = rented(project, 1, label="pool")
    imported(project).assert_success()
    adopt(project, "--all").assert_success()
    project.ledger.unlink()
    release(project, "--all").assert_success("what it had before is not known any more")
    assert labels(project) == {number: None}


def test_who_leaves_may_have_deleted_the_specs(project: Project) -> None:
    (number,) = rented(project, 1, label="pool")
    imported(project).assert_success()
    adopt(project, "--all").assert_success()
    for file in Path("specs").iterdir():
        file.unlink()
    Path("specs").rmdir()
    release(project, "--all").assert_success("1 instance released")
    assert labels(project) == {number: "pool"}


def test_what_is_not_ours_is_not_released(project: Project) -> None:
    (number,) = rented(project, 1, label="pool")
    project.fleet()
    release(project, str(number)).assert_code(4, "it is not managed")
    release(project, "99").assert_code(4, "there is no such instance")
    release(project).assert_clear(2)
    release(project, "--all", "7").assert_clear(2)
    assert labels(project) == {number: "pool"}


# --- stopped, cut off, and going on --------------------------------------------------------------------


class Cut:
    """Counts the calls of a command, and acts before or after the n-th one."""

    def __init__(self, number: int = 0, act: Callable[[World], None] | None = None, *, after: bool = True) -> None:
        self.number, self.act, self.after = number, act, after
        self.calls: list[str] = []

    def wrap(self, world: World) -> Any:
        def begin(name: str) -> None:
            self.calls.append(name)
            if self.act and not self.after and len(self.calls) == self.number:
                self.act(world)

        def end(_: str) -> None:
            if self.act and self.after and len(self.calls) == self.number:
                self.act(world)

        return Watched(world.provider, begin, end)


def ask_for_a_stop(world: World) -> None:
    world.clock.stop_requested = True


def cut_off(_: World) -> None:
    raise KeyboardInterrupt


def die(_: World) -> None:
    raise SystemExit(9)


def drive(cut: Cut, kind: Kind) -> int:
    """`reconcile adopt --all` or `release --all`, its calls watched."""
    screen = Screen(Shape("text", False))
    loaded = read(Scope(("specs/",), (), None), screen)

    def chosen(ground: Ground) -> Moves:
        return adopt_all(ground) if kind == "adopt" else release_all(ground.diff, ground.record)

    with open_world(Where(True, None, None, STATE)) as world:
        world.provider = cut.wrap(world)
        try:
            return move(world, loaded, screen, Task(kind, chosen, False, Turn(kind)), yes=True)
        except (Interrupted, KeyboardInterrupt, SystemExit):
            return 130


CALLS = ["account", "list", *["show", "relabel"] * 3, "list"]
KINDS: list[Kind] = ["adopt", "release"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_command_reads_each_instance_afresh_sends_once_and_confirms_by_one_list(project: Project, kind: Kind) -> None:
    prepared(project, kind)
    cut = Cut()
    assert drive(cut, kind) == 0
    names = {"instances": "list", "instance": "show"}
    assert [names.get(name, name) for name in cut.calls] == CALLS


def prepared(project: Project, kind: Kind) -> dict[int, str | None]:
    """Three instances that wait to be moved, and their own labels."""
    rented(project, 3, label="pool")
    before = labels(project)
    imported(project).assert_success()
    if kind == "release":
        adopt(project, "--all").assert_success()
    return before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("act", "after"),
    [(ask_for_a_stop, True), (cut_off, False), (cut_off, True), (die, False), (die, True)],
    ids=["a stop", "cut off before the call", "cut off before the answer", "dead before the call", "dead after it"],
)
def test_stopped_anywhere_the_next_command_goes_on(
    project: Project, kind: Kind, act: Callable[[World], None], after: bool
) -> None:
    before = prepared(project, kind)
    start = project.kept()
    for number in range(1, len(CALLS) + 1):
        for name, content in start.items():
            (project.path / STATE.parent / name).write_bytes(content)
        cut = Cut(number, act, after=after)
        drive(cut, kind)
        assert len(cut.calls) <= len(CALLS)
        rest = Cut()
        assert drive(rest, kind) == 0
        changes = [name for each in (cut, rest) for name in each.calls if name == "relabel"]
        unsent = number <= len(CALLS) and CALLS[number - 1] == "relabel" and not after
        assert len(changes) == 3 + unsent, (number, cut.calls, rest.calls)
        if kind == "release":
            assert labels(project) == before
            continue
        project.plan("--exit-code").assert_success("No changes")
        release(project, "--all").assert_success()
        assert labels(project) == before


@pytest.mark.parametrize("words", [["june=1"], []], ids=["by name", "without names"])
def test_an_adoption_under_way_goes_on(project: Project, words: list[str]) -> None:
    (number,) = rented(project, 1, label="pool")
    project.fleet(container__disk_gb=20)
    drive(Cut(4, die, after=False), "adopt")
    assert labels(project) == {number: "pool"}
    adopt(project, *(word.replace("1", str(number)) for word in words)).assert_success("1 instance adopted")
    adopt(project).assert_clear(2, "no adoption is under way")


def test_a_label_that_somebody_changes_meanwhile_is_left_alone(project: Project) -> None:
    rented(project, 3, label="pool")
    imported(project).assert_success()
    first = min(labels(project))

    def mine(world: World) -> None:
        assert world.simulation is not None
        world.simulation.world.contracts[first].label = "mine"

    assert drive(Cut(2, mine), "adopt") == 1
    found = labels(project)
    assert found.pop(first) == "mine"
    assert all((label or "").startswith("rc1/") for label in found.values())


def test_an_instance_that_goes_meanwhile_is_told(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    rented(project, 3, label="pool")
    imported(project).assert_success()
    first = min(labels(project))

    def end(world: World) -> None:
        assert world.simulation is not None
        world.simulation.fail(first, "gone")

    assert drive(Cut(2, end), "adopt") == 1
    assert f"instance {first}  there is no such instance any more" in capsys.readouterr().out


# --- what is told of it afterwards -------------------------------------------------------------------


def told(project: Project) -> list[tuple[str, str | None, int | None]]:
    """Every event of the history: what, which seat (None: the fleet), which instance."""
    document = project.run("events", "--simulate", "--format", "json").assert_success().document
    Draft202012Validator(SCHEMA).validate(document)
    return [(event["kind"], event["seat"], event["instance"]) for event in document["events"]]


def test_the_history_tells_of_what_was_adopted_and_released_and_of_the_pause(project: Project) -> None:
    (number,) = rented(project)
    project.fleet(container__disk_gb=20)
    adopt(project, f"june/0={number}").assert_success()
    assert told(project) == [("adopted", "june/0", number)]
    release(project, str(number)).assert_success()
    assert told(project)[1:] == [("paused", None, None), ("released", "june/0", number)]
    adopt(project, f"june/0={number}").assert_success()
    release(project, str(number)).assert_success()
    assert [kind for kind, _, _ in told(project)[3:]] == ["adopted", "released"]
