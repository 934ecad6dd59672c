"""A newcomer's first command: a spec and a policy that work as they are, and settings taken over from elsewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import reconciler
from reconciler.cli.new_files import write_new
from reconciler.errors import NotSaved, WrongUsage

from .project import Project

SPEC, POLICY = Path("specs/first-fleet.yaml"), Path("specs/policy.yaml")

ENV = """\
# Settings of a platform
DOMAIN=example.org
export VAST_API_KEY=0f00ba5e0f00ba5e0f00ba5e
DB_PASSWORD="hunter2-hunter2"
VAST_GPU_TYPE=RTX3060, RTX_3090   # both will do
VAST_MIN_GPU_MEMORY=12288
VAST_MAX_PRICE_PER_HOUR=0.45
VAST_RELIABILITY_SCORE=95
VAST_VERIFIED_ONLY=true
VAST_RENTABLE_ONLY=true
"""
SECRETS = ("0f00ba5e0f00ba5e0f00ba5e", "hunter2")


# --- from nothing -----------------------------------------------------------------------------------


def test_what_is_written_validates_plans_and_applies_as_it_is(project: Project) -> None:
    project.run("init").assert_success(str(SPEC), str(POLICY))
    project.run("validate").assert_success("valid")
    planned = project.plan("--format", "json").assert_success().document
    assert planned["owner"] == "work"
    assert [fleet["unfilled"] for fleet in planned["fleets"]] == [[]]
    project.apply().assert_success()
    project.assert_all_run("first-fleet", 1)


@pytest.mark.parametrize("seed", range(1, 7))
def test_no_seat_stays_unfilled_on_other_markets(project: Project, seed: int) -> None:
    project.run("init").assert_success()
    project.plan("--seed", str(seed)).assert_success("1 to create", "0 unfilled")


def test_no_seat_stays_unfilled_on_a_recorded_market(project: Project, market_data: Path) -> None:
    project.run("init").assert_success()
    market = market_data / "offers-2024-11-05-full-market.json"
    project.plan("--market", str(market)).assert_success("1 to create", "0 unfilled")


def test_it_ends_with_the_three_commands_to_type(project: Project) -> None:
    said = project.run("init", "my specs").assert_success().out
    commands = re.findall(r"^  reconcile (\w+) '(.*)'", said, re.MULTILINE)
    assert commands == [("validate", "my specs"), ("plan", "my specs"), ("apply", "my specs")]
    assert said.splitlines()[-1] == "  reconcile apply 'my specs' --simulate"


NAMES = {
    "a plain one": ("june", "june"),
    "capitals, blanks, dots and underscores": ("My Repo_X.2", "my-repo-x-2"),
    "letters of other alphabets": ("Café Zürich", "cafe-zurich"),
    "cut where it is too long, and not after a hyphen": ("a" * 19 + "-bcd", "a" * 19),
    "nothing that is left": ("日本", "default"),
}


@pytest.mark.parametrize(("folder", "owner"), NAMES.values(), ids=NAMES.keys())
def test_the_owner_is_the_name_of_the_repository(
    project: Project, monkeypatch: pytest.MonkeyPatch, folder: str, owner: str
) -> None:
    inside = project.path / folder / "deep" / "down"
    (project.path / folder / ".git").mkdir(parents=True)
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    project.run("init").assert_success(f"owner {owner}")
    assert f"owner: {owner} #" in (inside / POLICY).read_text()
    project.run("validate").assert_success("valid")


def test_without_a_repository_the_owner_is_the_name_of_the_directory(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "Plain").mkdir()
    monkeypatch.chdir(tmp_path / "Plain")
    project.run("init").assert_success("owner plain")
    project.run("init", str(tmp_path / "Elsewhere")).assert_success("owner elsewhere")


@pytest.mark.parametrize("there", [SPEC, POLICY])
def test_a_file_that_is_there_is_never_overwritten_and_nothing_else_is_written(project: Project, there: Path) -> None:
    project.write(str(there), "precious: 1\n")
    project.run("init").assert_clear(2, str(there), "exists already", "nothing was written")
    assert there.read_text() == "precious: 1\n"
    assert [path.name for path in Path("specs").iterdir()] == [there.name]


def test_a_second_init_changes_nothing(project: Project) -> None:
    project.run("init").assert_success()
    before = [SPEC.read_bytes(), POLICY.read_bytes()]
    project.run("init").assert_clear(2, "exists already")
    assert [SPEC.read_bytes(), POLICY.read_bytes()] == before


def test_a_dangling_link_is_a_file_that_is_there(project: Project) -> None:
    Path("specs").mkdir()
    SPEC.symlink_to(project.path / "elsewhere.yaml")
    project.run("init").assert_clear(2, str(SPEC))
    assert not (project.path / "elsewhere.yaml").exists()


def test_a_policy_that_governs_already_is_kept_and_there_is_no_second_one(project: Project) -> None:
    project.policy("rules.yaml", owner="ours")
    project.run("init").assert_success("the policy rules.yaml governs it")
    assert not POLICY.exists()
    assert project.plan("--format", "json").assert_success().document["owner"] == "ours"


@pytest.mark.parametrize("place", ["", "note.txt", "note.txt/below"])
def test_a_place_that_is_no_directory_is_wrong_usage(project: Project, place: str) -> None:
    project.write("note.txt", "mine")
    project.run("init", place).assert_clear(2)
    assert (project.path / "note.txt").read_text() == "mine"


def test_a_place_that_cannot_be_written_is_told_without_a_traceback(project: Project) -> None:
    if os.geteuid() == 0:
        place = "/proc/specs"  # Not even root makes a folder there.
    else:
        (project.path / "closed").mkdir(mode=0o500)
        place = "closed/specs"
    project.run("init", place).assert_clear(1, "cannot be written")


def test_an_editor_finds_the_schema(project: Project) -> None:
    project.run("init").assert_success()
    for file, title in ((SPEC, "Fleet"), (POLICY, "Policy")):
        pointer = re.fullmatch(r"# yaml-language-server: \$schema=(.+)", file.read_text().splitlines()[0])
        assert pointer
        assert json.loads((file.parent / pointer[1]).read_text())["title"] == title


# --- from settings ----------------------------------------------------------------------------------


def test_settings_become_a_spec_that_plans(project: Project) -> None:
    project.write("config.env", ENV)
    said = project.run("init", "--from-env", "config.env").assert_success(
        "not copied, for they look like secrets: VAST_API_KEY, DB_PASSWORD",
        "not understood, so left out: DOMAIN",
    )
    spec = SPEC.read_text()
    for secret in SECRETS:
        assert secret not in said.text + spec + POLICY.read_text()
    assert "example.org" not in said.text + spec
    for line in (
        "  models: [RTX 3060, RTX 3090] # from VAST_GPU_TYPE, config.env:5",
        "  min_vram_gb: 12 # from VAST_MIN_GPU_MEMORY, config.env:6 (12288 there, which is MB)",
        "  max_per_hour: 0.45 # from VAST_MAX_PRICE_PER_HOUR, config.env:7",
        "  min_reliability: 0.95 # from VAST_RELIABILITY_SCORE, config.env:8 (95 there, which is percent)",
        "  require: [verified] # from VAST_VERIFIED_ONLY, config.env:9",
        "# VAST_RENTABLE_ONLY, config.env:10",
        "# not in config.env: chosen here",
    ):
        assert line in spec
    project.run("validate").assert_success("valid")
    project.plan().assert_success("1 to create", "0 unfilled")


def test_all_that_is_wrong_is_told_at_once_with_its_place_and_nothing_is_written(project: Project) -> None:
    project.write("config.env", "A_TOKEN=hush-hush\nVAST_GPU_TYPE=RTX3909\nVAST_MAX_PRICE_PER_HOUR=0,50\n")
    said = project.run("init", "--from-env", "config.env").assert_code(
        1,
        "config.env:2:15: error[unknown-gpu]",
        "did you mean RTX 3090?",
        "config.env:3:25: error[wrong-type]",
        "write 0.50",
        "2 errors in the input",
    )
    assert "hush" not in said.text
    assert not Path("specs").exists()


def test_what_only_a_spec_can_judge_is_told_at_the_setting_too(project: Project) -> None:
    text = "VAST_MAX_PRICE_PER_HOUR=500\n"
    project.write("config.env", text)
    project.run("init", "--from-env", "config.env").assert_code(1, "config.env:1:25: error[out-of-range]", "128")


def test_a_file_of_settings_that_does_not_exist_is_wrong_usage(project: Project) -> None:
    project.run("init", "--from-env", "absent.env").assert_clear(2, "no such file")
    assert not Path("specs").exists()


def test_a_file_that_cannot_be_read_is_a_located_diagnostic(project: Project) -> None:
    (project.path / "config.env").write_bytes(b"\x1f\x8b\x00")
    project.run("init", "--from-env", "config.env").assert_code(1, "config.env: error[not-yaml]")
    project.run("init", "--from-env", ".").assert_code(1, "error[unreadable-file]")


def test_unknown_settings_stop_nothing(project: Project) -> None:
    project.write("config.env", "PORT=8000\nset -e\n")
    project.run("init", "--from-env", "config.env").assert_success(
        "no setting of config.env is known", "not understood, so left out: PORT, line 2"
    )
    project.run("validate").assert_success("valid")


# --- where it cannot be written ---------------------------------------------------------------------

FULL = """
import resource, sys
from reconciler.cli import run
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
sys.exit(run(["init"]))
"""


@pytest.mark.parametrize("most", [0, 100], ids=["no byte", "half a spec"])
def test_a_disk_that_is_full_leaves_nothing_that_blocks_the_next_try(project: Project, most: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(most)],
        env=os.environ | {"PYTHONPATH": str(Path(reconciler.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert "cannot be written: File too large" in done.stderr
    assert not SPEC.exists()
    project.run("init").assert_success(str(SPEC), str(POLICY))


def test_files_that_belong_together_are_all_written_or_none(tmp_path: Path) -> None:
    mine, first = tmp_path / "mine", tmp_path / "specs" / "first"
    mine.write_text("mine")
    with pytest.raises(NotSaved, match="File name too long"):
        write_new([(first, "text"), (tmp_path / ("x" * 300), "text")])
    assert not first.exists()
    with pytest.raises(WrongUsage, match="exists already"):
        write_new([(first, "text"), (mine, "text")])
    assert (first.exists(), mine.read_text()) == (False, "mine")
