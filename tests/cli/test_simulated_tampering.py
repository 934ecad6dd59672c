"""Whatever somebody writes into a saved plan: apply does what it would do without the plan, or less, or refuses.

The forger knows the format and computes the digest anew. With a plan key every change is refused.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.core.saved import FORMAT, VERSION, read_plan

from .project import LEDGER, Project

PLAN = "plan.json"
KEY = "a-key-that-the-jobs-share"
CAP = 0.5


def forged(body: Any) -> bytes:
    """A plan file with this content and the digest that belongs to it."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    document = {"format": FORMAT, "version": VERSION, "digest": digest, "approved": body}
    return (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()


def broken(project: Project) -> None:
    """Two fleets with something of everything to do: rents, repairs of which a share is held back, a surplus."""
    project.fleet("june", replicas=4, price__max_per_hour=CAP)
    project.fleet("july", replicas=2)
    project.start()
    project.advance("5m")
    project.fail("june/0", "june/1", how="exited")
    project.advance("20m")
    project.apply("--fleet", "july").assert_success()
    project.fleet("july", replicas=1)
    project.fleet("may", replicas=2, price__max_per_hour=CAP)


class Told:
    """The world as it was when the plan was made, what the plan approves, and what a plain apply does in that world."""

    def __init__(self, project: Project) -> None:
        broken(project)
        project.plan("--out", PLAN).assert_code(4, "held back")
        self.project, self.world = project, project.kept()
        self.body = json.loads((project.path / PLAN).read_text())["approved"]
        self.before = {row.id: row for row in project.live()}
        project.apply("--timeout", "30m")
        self.plain = self.effect()

    def again(self) -> None:
        """The world as it was."""
        folder = self.project.ledger.parent
        for file in folder.iterdir():
            if file.is_file():  # Logs that were kept are told to nobody but people.
                file.unlink()
        for name, kept in self.world.items():
            (folder / name).write_bytes(kept)

    def effect(self) -> tuple[set[str], set[int]]:
        """Seats that were rented for, and ids that are gone."""
        after = {row.id: row for row in self.project.live()}
        new = [row for row in after.values() if row.id not in self.before]
        assert all(float(row.price) <= CAP for row in new)
        assert len({row.seat for row in after.values()}) == len(after), "two in a seat"
        return {row.seat for row in new}, set(self.before) - set(after)

    def applied(self, data: bytes) -> tuple[int, tuple[set[str], set[int]]]:
        self.again()
        (self.project.path / PLAN).write_bytes(data)
        outcome = self.project.apply("--plan", PLAN, "--timeout", "30m")
        assert "Traceback" not in outcome.text
        return outcome.code, self.effect()


@pytest.fixture
def told(project: Project) -> Told:
    return Told(project)


SEATS = st.builds("{}/{}".format, st.sampled_from(["june", "july", "may", "other"]), st.integers(0, 6))
CEILINGS = st.one_of(
    st.sampled_from(["0", "-1", "1e9", "NaN", "Infinity", "0.0001", "1000", "", None, 3]),
    st.decimals(0, 2, places=4).map(str),
)
IDS = st.one_of(st.integers(41_250_000, 41_250_012), st.sampled_from([0, -1, 2**80, "41250000", None, 4.5, True]))

CHANGES = ("rents", "fewer", "raised", "ids", "who", "when", "hashes")
WHO = st.sampled_from(["other", 5, None, "default"])


@st.composite
def bodies(draw: st.DrawFn, body: dict[str, Any]) -> dict[str, Any]:
    """The approved part with seats, ceilings, ids, the owner, the account, dates or hashes changed."""
    changed, made_at = json.loads(json.dumps(body)), body["made_at"]
    for what in draw(st.sets(st.sampled_from(CHANGES), min_size=1)):
        match what:
            case "rents":
                changed["rents"] |= draw(st.dictionaries(SEATS, CEILINGS, max_size=5))
            case "fewer":
                keep = draw(st.sets(st.sampled_from(sorted(body["rents"]))))
                changed["rents"] = {seat: changed["rents"][seat] for seat in keep if seat in changed["rents"]}
            case "raised":
                changed["rents"] = dict.fromkeys(changed["rents"], "1000")
            case "ids":
                changed["destroys"] = draw(st.lists(IDS, max_size=12))
            case "who":
                changed[draw(st.sampled_from(["owner", "account"]))] = draw(WHO)
            case "when":
                changed["made_at"] = draw(st.sampled_from([0, -1e300, 1e300, made_at + 1e5, made_at, "x"]))
            case "hashes":
                changed["hashes"] = draw(st.sampled_from([{}, {"june": "aaaaaaaa"}, {"may": 5}, None]))
    return changed


EVERYTHING = {
    "rents": {f"{fleet}/{index}": "1000" for fleet in ("june", "july", "may", "other") for index in range(7)},
    "destroys": list(range(41_250_000, 41_250_020)),
    "hashes": {},
}


def test_the_plan_as_it_was_made_does_what_it_says(told: Told) -> None:
    code, (rented, gone) = told.applied(forged(told.body))
    assert code in (0, 4)
    assert rented == set(told.body["rents"])
    assert gone == set(told.body["destroys"])


def test_a_plan_that_approves_everything_does_what_a_plain_apply_does(told: Told) -> None:
    """The limit on unasked destroys holds as well, though the plan names every instance."""
    _, effect = told.applied(forged(told.body | EVERYTHING))
    assert effect == told.plain
    assert len(told.plain[1] & {row.id for row in told.before.values() if row.fleet == "june"}) == 1


def test_whatever_is_written_into_a_plan_never_does_more(told: Told) -> None:
    seen = set()

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(bodies(told.body))
    def check(body: dict[str, Any]) -> None:
        code, (rented, gone) = told.applied(forged(body))
        seen.add(code)
        assert rented <= told.plain[0]
        assert gone <= told.plain[1]

    check()
    assert {1, 4} & seen


def test_without_the_digest_every_change_is_refused(project: Project) -> None:
    project.fleet(replicas=2)
    project.plan("--out", PLAN).assert_success()
    made = json.loads((project.path / PLAN).read_text())

    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
    @given(bodies(made["approved"]))
    def check(body: dict[str, Any]) -> None:
        data = (json.dumps(made | {"approved": body}, indent=2, sort_keys=True) + "\n").encode()
        if json.dumps(body, sort_keys=True) != json.dumps(made["approved"], sort_keys=True):
            with pytest.raises(ValueError, match="it"):
                read_plan(data)

    check()


# --- signed plans ---------------------------------------------------------------------------------


@pytest.fixture
def signed(project: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RECONCILE_PLAN_KEY", KEY)
    broken(project)
    project.plan("--out", PLAN, "--max-destroys", "2").assert_success("to replace")
    return project.path / PLAN


def test_a_signed_plan_is_applied_and_lifts_the_limit_that_it_was_made_without(project: Project, signed: Path) -> None:
    before = set(project.ids("june").values())
    project.apply("--plan", PLAN).assert_success()
    assert len(before - set(project.ids("june").values())) == 2
    assert KEY not in signed.read_text()
    assert all(KEY.encode() not in kept for kept in project.kept().values())


@pytest.mark.parametrize("key", [None, "another-key-of-good-length"])
def test_the_same_plan_without_the_key_is_a_plan_that_anybody_may_have_written(
    project: Project, signed: Path, monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    before = set(project.ids("june").values())
    if key is None:
        monkeypatch.delenv("RECONCILE_PLAN_KEY")
        project.apply("--plan", PLAN).assert_code(4, "--max-destroys 2")
        assert len(before - set(project.ids("june").values())) == 1
    else:
        monkeypatch.setenv("RECONCILE_PLAN_KEY", key)
        project.apply("--plan", PLAN).assert_code(1, "not signed with this RECONCILE_PLAN_KEY")
        assert set(project.ids("june").values()) == before


def test_a_forged_plan_is_refused_where_there_is_a_key(project: Project, signed: Path) -> None:
    document = json.loads(signed.read_text())
    before, world = signed.read_bytes(), (project.path / LEDGER).read_bytes()

    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
    @given(bodies(document["approved"]), st.sampled_from([document["signature"], None, "", 5, "0" * 64]))
    def check(body: dict[str, Any], signature: Any) -> None:
        changed = json.loads(forged(body)) | {"signature": signature}
        data = (json.dumps(changed, indent=2, sort_keys=True) + "\n").encode()
        if data != before:
            with pytest.raises(ValueError, match="it"):
                read_plan(data, KEY)

    check()
    signed.write_bytes(forged(document["approved"]))
    project.apply("--plan", PLAN).assert_code(1, "not signed")
    assert (project.path / LEDGER).read_bytes() == world


def test_a_short_key_is_wrong_usage(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONCILE_PLAN_KEY", "short")
    project.fleet()
    project.plan("--out", PLAN).assert_clear(2, "RECONCILE_PLAN_KEY")
    assert not (project.path / PLAN).exists()
