"""A saved plan approves what it says and no more, to whom it was made and for a day."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.saved import read_plan

from .project import Project

PLAN = "plan.json"


def saved(project: Project, *args: str) -> Path:
    project.plan("--out", PLAN, *args).assert_success()
    return project.path / PLAN


def test_a_saved_plan_is_applied_and_nothing_is_left_to_do(project: Project) -> None:
    project.fleet(replicas=2)
    saved(project)
    project.apply("--plan", PLAN).assert_success("2 instances rented")
    project.assert_all_run("june", 2)
    project.assert_settled()


def test_a_saved_plan_is_applied_twice_without_doing_anything_twice(project: Project) -> None:
    project.fleet(replicas=2)
    saved(project)
    project.apply("--plan", PLAN).assert_success()
    before = project.ids()
    project.apply("--plan", PLAN).assert_success("Nothing was changed")
    assert project.ids() == before


def test_an_account_that_has_changed_since_is_told_and_nothing_more_is_done(project: Project) -> None:
    project.fleet(replicas=2)
    project.start()
    project.fleet(replicas=3)
    saved(project)
    project.fail("june/0", how="gone")
    told = project.apply("--plan", PLAN).assert_success("The account has changed since the plan was made")
    assert "1 instance rented" in told.text
    assert sorted(project.ids()) == ["june/1", "june/2"]


def test_an_account_as_it_was_is_not_worth_a_word(project: Project) -> None:
    project.fleet(replicas=2)
    project.start()
    project.fleet(replicas=3)
    saved(project)
    assert "has changed" not in project.apply("--plan", PLAN).assert_success().text


def test_a_saved_plan_still_asks(project: Project) -> None:
    project.fleet()
    saved(project)
    project.run("apply", "--simulate", "--plan", PLAN).assert_code(4, "--yes")
    assert not project.state.exists() or project.live() == []


def eventful(project: Project) -> Path:
    """A plan with something of everything: a rent, a replacement, a destroy."""
    project.fleet("june", replicas=2)
    project.fleet("july", replicas=2)
    project.start()
    project.fleet("june", replicas=1)
    project.fleet("july", replicas=3, container__image="ghcr.io/acme/june:2")
    return saved(project)


def test_one_changed_byte_anywhere_makes_a_plan_unusable(project: Project) -> None:
    data = eventful(project).read_bytes()
    read_plan(data)
    for at, byte in enumerate(data):
        for other in {byte ^ 1, byte ^ 0x20, byte ^ 0x80, ord("0"), ord("9"), ord("}"), ord(" ")} - {byte}:
            if chr(byte).isspace() and chr(other).isspace():
                continue
            changed = data[:at] + bytes([other]) + data[at + 1 :]
            with pytest.raises(ValueError):
                read_plan(changed)
    for at in range(len(data)):
        if not chr(data[at]).isspace():
            with pytest.raises(ValueError):
                read_plan(data[:at] + data[at + 1 :])


@pytest.mark.parametrize("stride", range(5))
def test_a_changed_plan_ends_the_command_with_one_clear_line_and_does_nothing(project: Project, stride: int) -> None:
    plan = eventful(project)
    data, before = plan.read_bytes(), project.kept()
    for at in range(stride * 7, len(data), 83):
        if not chr(data[at]).isspace():
            plan.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            project.apply("--plan", PLAN).assert_clear(1, PLAN, "cannot be used")
            assert project.kept() == before


def spoiled(document: Any) -> Iterator[Any]:
    """The document with one value at a time changed, emptied, or left out."""
    for key in document if isinstance(document, dict) else range(len(document)):
        value = document[key]
        others = [None, [], {}, "", 0, -1, 1e400, [value], f"{value}0"]
        if isinstance(value, dict | list):
            others += list(spoiled(value))
        for other in others:
            if other != value:
                copy = dict(document) if isinstance(document, dict) else list(document)
                copy[key] = other
                yield copy
        if isinstance(document, dict):
            yield {name: kept for name, kept in document.items() if name != key}


def test_every_changed_value_makes_a_plan_unusable(project: Project) -> None:
    document = json.loads(eventful(project).read_text())
    changes = list(spoiled(document))
    assert len(changes) > 100
    for changed in changes:
        with pytest.raises(ValueError):
            read_plan(json.dumps(changed).encode())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "damaged"),
        (b"<html>502</html>", "damaged"),
        (b"[]", "not a saved plan"),
        (b"{}", "not a saved plan"),
        (b"[" * 100_000, "damaged"),
        (b"\xff\xfe", "damaged"),
        (b" " * (5 * 1024 * 1024), "cannot be used"),
    ],
    ids=["empty", "HTML", "a list", "an empty object", "deep", "no text", "huge"],
)
def test_a_file_that_is_no_plan_is_refused(project: Project, content: bytes, said: str) -> None:
    project.fleet()
    (project.path / PLAN).write_bytes(content)
    project.apply("--plan", PLAN).assert_clear(1, PLAN, said)
    assert not project.state.exists()


def test_a_plan_file_that_is_a_folder_or_not_there_is_refused(project: Project) -> None:
    project.fleet()
    project.apply("--plan", PLAN).assert_code(2, PLAN)
    (project.path / PLAN).mkdir()
    project.apply("--plan", PLAN).assert_clear(1, PLAN)
    project.plan("--out", PLAN).assert_code(2, PLAN)
    project.plan("--out", "nowhere/plan.json").assert_code(1, "nowhere/plan.json")


def test_a_plan_is_stale_once_what_would_be_rented_has_changed(project: Project) -> None:
    project.fleet()
    saved(project)
    project.fleet(container__image="ghcr.io/acme/june:2")
    project.apply("--plan", PLAN).assert_code(4, "stale", "june")
    assert not project.state.exists() or project.live() == []


def test_a_plan_is_stale_after_a_day(project: Project) -> None:
    project.fleet("june")
    project.start()
    project.fleet("july")
    saved(project)
    project.advance("23h")
    project.plan("--out", "later.json").assert_success()
    project.advance("2h")
    project.apply("--plan", PLAN).assert_code(4, "stale", "24 hours")
    assert project.live("july") == []
    project.apply("--plan", "later.json").assert_success("1 instance rented")


def test_a_plan_of_another_owner_is_stale(project: Project) -> None:
    project.policy(owner="ours")
    project.fleet()
    saved(project)
    project.policy(owner="theirs")
    project.apply("--plan", PLAN).assert_code(4, "stale", "ours")


def test_a_plan_approves_no_more_seats_than_it_says(project: Project) -> None:
    project.fleet("june", replicas=1)
    saved(project)
    project.fleet("june", replicas=3)
    project.fleet("july")
    project.apply("--plan", PLAN).assert_success("1 instance rented")
    project.assert_all_run("june", 1)
    project.plan("--exit-code").assert_code(3, "3 to create")


def test_a_plan_approves_no_destroy_that_it_does_not_name(project: Project) -> None:
    project.fleet(replicas=3)
    project.start()
    project.fleet(replicas=2)
    saved(project)
    project.fleet(replicas=0)
    project.apply("--plan", PLAN).assert_success("1 destroyed")
    project.assert_all_run("june", 2)


def test_what_the_specs_want_no_more_is_not_done_though_it_was_approved(project: Project) -> None:
    project.fleet(replicas=2)
    project.start()
    before = project.ids()
    project.fleet(replicas=1)
    saved(project)
    project.fleet(replicas=2)
    project.apply("--plan", PLAN).assert_success("Nothing was changed")
    assert project.ids() == before


def test_a_plan_approves_no_price_above_its_ceiling(project: Project) -> None:
    project.fleet()
    saved(project)
    cheapest = json.loads(project.plan("--format", "json").out)["fleets"][0]["actions"][0]["offer"]["machine"]
    project.fleet(blacklist__machines=[cheapest])
    project.apply("--plan", PLAN).assert_success()
    approved = Decimal(json.loads((project.path / PLAN).read_text())["approved"]["rents"]["june/0"])
    assert all(row.price <= approved for row in project.live())


def test_a_plan_forged_with_a_right_digest_spends_nothing_above_the_caps(project: Project) -> None:
    project.fleet(replicas=1, price__max_per_hour=0.04)
    project.fleet("july")
    plan = saved(project)
    document = json.loads(plan.read_text())
    document["approved"]["rents"] = {f"{name}/{seat}": "1000" for name in ("june", "july") for seat in range(9)}
    document["approved"]["destroys"] = list(range(41_250_000, 41_250_100))
    body = json.dumps(document["approved"], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    document["digest"] = hashlib.sha256(body.encode()).hexdigest()
    plan.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")
    project.apply("--plan", PLAN).assert_success("1 instance rented")
    assert [row.seat for row in project.live()] == ["july/0"]


def test_a_replacement_is_applied_from_a_plan(project: Project) -> None:
    project.fleet(replicas=2)
    project.start()
    project.advance("2m")
    project.fail("june/0")
    saved(project)
    project.apply("--plan", PLAN).assert_success("1 instance rented, 1 destroyed")
    project.assert_all_run("june", 2)
    project.assert_settled()


# --- replacements that a person asked for -----------------------------------------------------------


def asked(project: Project, *seats: str, replicas: int = 2) -> dict[str, int]:
    """Running instances, and a plan that replaces those of `seats` at a person's word."""
    project.fleet(replicas=replicas)
    project.start()
    saved(project, *(word for seat in seats for word in ("--replace", seat)))
    return project.ids()


def test_a_replacement_that_was_asked_for_is_applied_from_a_signed_plan_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILE_PLAN_KEY", "k" * 32)
    before = asked(project, "june/0")
    project.apply("--plan", PLAN).assert_success("1 instance rented, 1 destroyed")
    after = project.ids()
    assert after["june/0"] != before["june/0"]
    assert after["june/1"] == before["june/1"]
    project.apply("--plan", PLAN).assert_success("Nothing was changed")
    project.apply().assert_success("Nothing was changed")
    assert project.ids() == after


def test_a_replacement_from_a_plan_that_is_not_signed_is_asked_for_again(project: Project) -> None:
    before = asked(project, "june/0", "june/1")
    refused = project.apply("--plan", PLAN, "--replace", "june/1")
    refused.assert_clear(4, "replaces what works, and is not signed", "repeat --replace june/0")
    assert project.ids() == before
    project.apply("--plan", PLAN, "--replace", "june/0", "--replace", "june/1").assert_success("2 destroyed")
    assert not set(project.ids().values()) & set(before.values())
    project.assert_settled()


def test_a_replacement_that_the_plan_does_not_hold_is_refused_and_not_remembered(project: Project) -> None:
    before = asked(project, "june/0")
    told = project.apply("--plan", PLAN, "--replace", "june/1")
    told.assert_clear(4, "--replace june/1: not in the saved plan", "plan --replace")
    project.apply().assert_success("Nothing was changed")
    assert project.ids() == before


def test_a_plan_that_replaces_what_it_does_not_destroy_is_no_plan(project: Project) -> None:
    asked(project, "june/0")
    document = json.loads((project.path / PLAN).read_text())
    document["approved"]["destroys"] = []
    body = json.dumps(document["approved"], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    document["digest"] = hashlib.sha256(body.encode()).hexdigest()
    with pytest.raises(ValueError, match="not a saved plan"):
        read_plan((json.dumps(document, indent=2, sort_keys=True) + "\n").encode())


# --- what is wanted by now, and was not when the plan was made --------------------------------------


@pytest.mark.parametrize("shape", ["text", "json", "markdown"])
def test_a_seat_that_is_wanted_and_not_in_the_plan_is_told(project: Project, shape: str) -> None:
    project.fleet(replicas=2)
    saved(project)
    project.fleet(replicas=3)
    told = project.apply("--plan", PLAN, "--format", shape).assert_success()
    assert "june/2 is wanted and not in the saved plan" in told.err.splitlines()
    assert "june/1 is wanted" not in told.text


def test_a_paused_fleet_wants_nothing_that_a_plan_could_lack(project: Project) -> None:
    project.fleet()
    saved(project)
    project.fleet("july")
    project.run("pause", "july", "--simulate").assert_success()
    assert "is wanted" not in project.apply("--plan", PLAN).assert_success().text
