"""What a run may touch: what is declared in its files, under its policy, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from .project import Project


def two_fleets(project: Project) -> None:
    project.fleet("june", replicas=2)
    project.fleet("july")
    project.start()


def test_a_deleted_spec_leaves_listed_orphans_and_success(project: Project) -> None:
    two_fleets(project)
    before = project.ids()
    (project.path / "specs/june.yaml").unlink()
    planned = project.plan("--exit-code").assert_success("No changes", "--prune june")
    status = project.status("--exit-code").assert_success("--prune june")
    for row in project.live("june"):
        line = next(line for line in planned.out.splitlines() if str(row.id) in line)
        assert f"${row.price:.3f}/h" in line
        assert str(row.id) in status.out
    project.apply().assert_success()
    assert project.ids() == before


def test_prune_destroys_the_orphans_of_the_named_fleet_only(project: Project) -> None:
    two_fleets(project)
    project.fleet("august")
    (project.path / "specs/june.yaml").unlink()
    (project.path / "specs/july.yaml").unlink()
    project.plan("--prune", "june").assert_success("2 to destroy", "--prune july")
    project.apply("--prune", "june").assert_success("2 destroyed")
    assert {row.fleet for row in project.live()} == {"july", "august"}
    project.apply("--prune", "july").assert_success("1 destroyed")
    assert {row.fleet for row in project.live()} == {"august"}


def test_prune_ends_what_is_left_after_the_last_spec_was_deleted(project: Project) -> None:
    two_fleets(project)
    for file in (project.path / "specs").iterdir():
        file.unlink()
    project.apply().assert_code(4, "declares no fleet", "--prune FLEET")
    assert len(project.live()) == 3
    project.apply("--prune", "june", "--prune", "july").assert_success("3 destroyed")
    assert project.live() == []


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["specs/", "--prune", "june"], 2, "declared"),
        (["specs/june.yaml", "--prune", "july"], 2, "directory"),
        (["specs/", "--fleet", "june", "--prune", "gone"], 2, "directory"),
        (["specs/", "--fleet", "august"], 2, "no fleet is named august"),
        (["nowhere/"], 2, "nowhere"),
        (["specs/nothing.yaml"], 2, "specs/nothing.yaml"),
        (["empty/"], 4, "declares no fleet"),
    ],
)
@pytest.mark.parametrize("command", [["plan"], ["apply", "--yes"]], ids=lambda command: command[0])
def test_a_scope_that_cannot_be_is_refused_and_nothing_is_done(
    project: Project, command: list[str], args: list[str], code: int, said: str
) -> None:
    two_fleets(project)
    (project.path / "empty").mkdir()
    before = project.kept()
    project.run(*command, "--simulate", *args).assert_code(code, said)
    assert project.kept() == before


def test_status_lists_the_account_where_nothing_is_declared(project: Project) -> None:
    two_fleets(project)
    for file in (project.path / "specs").iterdir():
        file.unlink()
    status = project.status().assert_success()
    for row in project.live():
        assert str(row.id) in status.out


def test_one_file_alone_is_the_same_as_its_directory(project: Project) -> None:
    project.policy(owner="voice-team", defaults__container__env={"A": "1"}, defaults__container__disk_gb=40)
    two_fleets(project)
    assert {row.owner for row in project.live()} == {"voice-team"}
    for args in (["specs/june.yaml"], ["specs/july.yaml"], ["specs/june.yaml", "specs/july.yaml"], ["specs"]):
        project.assert_settled(*args)
        project.plan(*args).assert_success("voice-team", "specs/policy.yaml")
    project.assert_settled("--fleet", "june")


def test_files_given_alone_touch_and_list_only_their_fleets(project: Project) -> None:
    two_fleets(project)
    july = project.ids("july")
    project.fleet("june", replicas=0)
    project.fleet("july", replicas=0)
    project.apply("specs/june.yaml").assert_success("2 destroyed")
    assert project.ids() == july
    assert "Orphan" not in project.plan("specs/june.yaml").out
    project.apply("--fleet", "july").assert_success("1 destroyed")
    assert project.live() == []


def test_the_owner_of_the_policy_stands_in_every_label_and_in_the_status(project: Project) -> None:
    project.policy(owner="voice-team")
    project.fleet(replicas=2)
    project.apply().assert_success()
    assert {row.label.split("/")[1] for row in project.live()} == {"voice-team"}
    assert project.status("--format", "json").assert_success().document["owner"] == "voice-team"


def test_two_policies_are_an_error_before_anything_is_done(project: Project) -> None:
    project.fleet()
    project.policy()
    project.policy("specs/more/policy.yaml", owner="other")
    project.apply().assert_code(1, "specs/policy.yaml", "specs/more/policy.yaml")
    assert not project.state.exists()


def test_a_named_policy_governs_instead_of_the_one_found(project: Project) -> None:
    project.fleet()
    project.policy(owner="found")
    project.policy("named.yaml", owner="named")
    project.apply("--policy", "named.yaml").assert_success("named.yaml")
    assert {row.owner for row in project.live()} == {"named"}


def test_an_invalid_document_stops_everything_before_any_call(project: Project) -> None:
    project.fleet("june")
    project.fleet("july", replicas="many")
    project.apply().assert_code(1, "specs/july.yaml")
    assert not project.state.exists()
    (project.path / "specs/july.yaml").write_bytes(b"\xff\xfe\x00")
    project.apply().assert_code(1, "specs/july.yaml")
    assert not project.state.exists()


def test_instances_of_another_owner_are_counted_and_left_alone(project: Project, tmp_path: Path) -> None:
    project.policy(owner="ours")
    project.fleet("june")
    project.start()
    project.ledger.unlink()
    project.policy(owner="theirs")
    project.fleet("july")
    (project.path / "specs/june.yaml").unlink()
    before = project.ids()
    project.apply().assert_success("owner ours")
    assert project.ids("june") == before
    assert project.live("july")[0].owner == "theirs"


def test_a_fleet_whose_name_lives_under_another_owner_is_not_rented_without_beside(project: Project) -> None:
    project.policy(owner="ours")
    project.fleet("june")
    project.start()
    project.ledger.unlink()
    project.policy(owner="theirs")
    before = project.live()
    project.apply().assert_code(4, "owner ours", "--beside ours")
    assert project.live() == before
    project.apply("--beside", "ours").assert_success("1 instance rented")
    assert [row.owner for row in project.live()] == ["ours", "theirs"]
