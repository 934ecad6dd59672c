"""Running is not ready: what apply waits for, what it replaces, and when it blames nobody."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from reconciler.cli.compose import World
from reconciler.core.causes import NO_KEY, REFUSED, TIMED_OUT
from reconciler.core.readiness import Target
from reconciler.core.states import State
from reconciler.simulator import open_simulation
from reconciler.simulator.boots import NO_START, machines_failure
from reconciler.simulator.laws import Laws
from reconciler.views.text import plan_text

from . import checked
from .checked import Eyes, Judge
from .driving import drive
from .project import Project

CARDS: dict[str, Any] = {"gpu__models": ["RTX 3060", "RTX 3090", "RTX 4090"], "price__max_per_hour": 1}
CLOSE = Decimal("1.04")
"""A run that has approved one price may take another offer that is hardly dearer."""


def never(cause: str = REFUSED, *machines: int | None) -> Judge:
    """Instances that never pass: all of them, or those on these machines."""
    return lambda target: cause if not machines or target.instance.machine_id in machines else ""


def one_of_many(project: Project) -> int:
    """A fleet of one whose first machine has an equal at hardly another price; that first machine."""
    project.fleet(**CARDS)
    rows = project.run("offers", "june", "--simulate", "--format", "json").document["eligible"]
    prices = [Decimal(row["price_per_hour"]) for row in rows]
    at = next(i for i in range(len(rows) - 1) if prices[i + 1] <= prices[i] * CLOSE)
    project.fleet(**CARDS, blacklist={"machines": [row["machine"] for row in rows[:at]]})
    return int(rows[at]["machine"])


def chosen(project: Project) -> int:
    """The machine that a plan takes for the only seat."""
    document = project.plan("--format", "json").document
    return int(document["fleets"][0]["actions"][0]["offer"]["machine"])


def struck(project: Project) -> dict[int, str]:
    """The machines with strikes, and the last reason."""
    return {machine: strikes[-1].reason for machine, strikes in checked.record(project).strikes.items()}


def test_apply_waits_until_the_checks_pass(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.fleet()
    since: list[float] = []

    def slow(target: Target) -> str:
        since.append(checked_at())
        return REFUSED if since[-1] - since[0] < 161 else ""

    eyes = Eyes(slow)
    clock: list[Any] = []
    checked_at = lambda: clock[0].now()  # noqa: E731
    assert checked.apply(project, eyes=eyes, clock=clock) == 0
    out = capsys.readouterr().out
    assert "ready in" in out
    assert "1 instance rented" in out or "rented: " in out
    assert since[-1] - since[0] >= 161
    [health] = checked.record(project).health.values()
    assert health.verdict == "pass"
    assert health.ready_at is not None
    assert health.ready_at - health.since > 161


def test_one_that_is_never_ready_is_replaced_in_the_same_run_its_log_kept_and_its_machine_struck(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = one_of_many(project)
    assert checked.apply(project, never(REFUSED, machine)) == 0
    out = capsys.readouterr().out
    assert "not ready in 20m: ssh: connection refused" in out
    project.assert_all_run("june", 1)
    assert project.live()[0].machine != machine
    assert struck(project) == {machine: "not ready in 20m: ssh: connection refused"}
    shown = project.run("logs", "june/0", "--simulate", "--kept").assert_success("went: not ready in 20m")
    assert "Server listening on 0.0.0.0 port 22" in shown.out
    live = project.run("logs", "june/0", "--simulate", "--tail", "2").assert_success("is there")
    assert live.out.count("went: ") == 1
    document = project.run("logs", "june/0", "--simulate", "--format", "json").document
    assert [log["reason"] for log in document["logs"]] == ["not ready in 20m: ssh: connection refused", None]


def test_a_seat_whose_instances_are_never_ready_costs_so_much_a_day_and_no_more(project: Project) -> None:
    """A run every ten minutes; one seat of two has instances that never pass: three replacements, then none."""
    project.fleet(replicas=2, **CARDS)
    failing: list[int] = []

    def judge(target: Target) -> str:
        mine = target.instance.label is not None and "/june/1/" in target.instance.label
        failing.extend([target.instance.id] if mine and target.instance.id not in failing else [])
        return REFUSED if mine else ""

    for _ in range(24 * 6):
        checked.apply(project, judge, step_only=True)
        project.advance("10m")
    assert len(failing) == 4, "the first one, and three replacements"
    assert set(project.ids()) == {"june/0"}
    [wasted] = checked.record(project).wasted.values()
    assert sum(dollars for _, dollars in wasted) < 3 * Decimal(CARDS["price__max_per_hour"])
    project.plan().assert_code(4, "replacements per seat", "free june/1")


@pytest.mark.parametrize("how", ["offline", "exited"])
def test_with_a_lost_ledger_what_the_account_calls_dead_is_replaced_by_a_run_that_waits(
    project: Project, how: str
) -> None:
    """Its grace is as old as the memory: a run that takes one step reports it, and one that waits sees it through."""
    project.fleet()
    assert checked.apply(project) == 0
    before = project.ids()
    project.fail("june/0", how=how)
    for _ in range(3):
        project.ledger.unlink()
        project.apply("--no-wait").assert_success(f"instance {before['june/0']} is {how}", "Nothing was changed")
        project.advance("20m")
    assert project.ids() == before
    project.ledger.unlink()
    project.apply().assert_success("destroyed")
    assert project.ids() != before
    project.assert_all_run("june", 1)


def test_with_a_lost_ledger_what_only_checks_find_is_reported_and_not_replaced(project: Project) -> None:
    project.fleet()
    assert checked.apply(project) == 0
    before = project.ids()
    for _ in range(3):
        project.ledger.unlink()
        checked.apply(project, never(REFUSED), step_only=True)
        assert "not ready yet: ssh: connection refused" in plan_text(checked.looked(project).plan, None)
        project.advance("20m")
    assert (project.ids(), struck(project)) == (before, {})


def test_a_struck_machine_is_refused_by_name_until_it_is_forgiven(project: Project) -> None:
    machine = one_of_many(project)
    checked.apply(project, never(REFUSED, machine))
    told = project.run("strikes", "--simulate").assert_success(f"machine {machine}", "struck until", "1 strike")
    assert "june/0: not ready in 20m" in told.out
    told = project.run("offers", "june", "--simulate", "--explain", str(machine)).assert_success("strikes")
    assert "struck until" in told.out
    [entry] = project.run("strikes", "--simulate", "--format", "json").document["machines"]
    assert (entry["machine"], len(entry["strikes"])) == (machine, 1)

    project.run("strikes", "forgive", str(machine), "--simulate").assert_success("is forgiven: 1 strikes")
    project.run("strikes", "--simulate").assert_success("No machine has a strike.")
    project.run("strikes", "forgive", str(machine), "--simulate").assert_success("nothing was changed")
    project.run("strikes", "forgive", "many", "--simulate").assert_clear(2, "a machine's id")


def test_the_blacklist_that_is_printed_can_be_committed(project: Project) -> None:
    machine = one_of_many(project)
    checked.apply(project, never(REFUSED, machine))
    block = project.run("strikes", "--simulate", "--format", "yaml").assert_success().out
    project.write("specs/policy.yaml", f"kind: Policy\n{block}")
    project.run("validate").assert_success()
    project.run("strikes", "forgive", str(machine), "--simulate").assert_success()
    told = project.run("offers", "june", "--simulate", "--explain", str(machine)).assert_success()
    assert "blacklist.machines" in told.out


def test_a_policy_says_how_long_a_machine_is_out(project: Project) -> None:
    machine = one_of_many(project)
    project.policy(strikes={"after": 2})
    checked.apply(project, never(REFUSED, machine))
    project.run("strikes", "--simulate").assert_success(f"machine {machine}", "may be rented")
    project.run("strikes", "--simulate", "--format", "yaml").assert_success("blacklist: {machines: []}")


def test_a_spec_that_fails_alike_on_two_machines_stops_the_fleet(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.fleet(replicas=10, **CARDS)
    assert checked.apply(project, never("no banner")) == 4
    said = capsys.readouterr()
    assert said.out.count(" rented: ") == 2
    assert project.live() == []
    assert "failed alike before any instance of this spec of june was ready: ssh: no banner" in said.err
    assert "lifted by: reconcile resume june, or a changed spec" in said.err
    assert struck(project) == {}
    for seat in ("june/0", "june/1"):
        project.run("logs", seat, "--simulate").assert_success("went: not ready in 20m: ssh: no banner")

    assert checked.apply(project, never("no banner")) == 4
    assert " rented: " not in capsys.readouterr().out
    project.plan().assert_code(4, "held back by failed spec", "ssh: no banner")
    project.status().assert_success("failed spec: 2 machines")


LIFTED = {
    "by a word": lambda project: project.run("resume", "june", "--simulate").assert_success(),
    "by a changed spec": lambda project: project.fleet(replicas=3, container__image="ghcr.io/acme/june:2", **CARDS),
}


@pytest.mark.parametrize("lift", LIFTED.values(), ids=LIFTED.keys())
def test_a_stopped_fleet_goes_on(project: Project, lift: Any) -> None:
    project.fleet(replicas=3, **CARDS)
    assert checked.apply(project, never("no banner")) == 4
    lift(project)
    assert checked.apply(project) == 0
    project.assert_all_run("june", 3)


def test_a_fleet_whose_first_instance_is_ready_is_filled_at_once(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.fleet(replicas=5, **CARDS)
    eyes = Eyes()
    assert checked.apply(project, eyes=eyes) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("+ june/")]
    assert ["rented" in line for line in lines[:3]] == [True, True, False]
    project.assert_all_run("june", 5)


BLIND = {
    "without a key": never(f"?{NO_KEY}"),
    "without an answer from any of them": never(TIMED_OUT),
}


@pytest.mark.parametrize("judge", BLIND.values(), ids=BLIND.keys())
def test_a_runner_that_does_not_see_destroys_nothing_and_strikes_nobody(
    project: Project, judge: Judge, capsys: pytest.CaptureFixture[str]
) -> None:
    project.fleet(replicas=2, **CARDS)
    blind = Eyes(judge, beside=frozenset((TIMED_OUT,)))
    assert checked.apply(project, eyes=blind) == 1
    assert "cannot be told" in capsys.readouterr().err
    rented = project.ids()
    assert sorted(rented) == ["june/0", "june/1"]
    for _ in range(3):
        project.advance("10m")
        checked.apply(project, eyes=blind, step_only=True)
    assert (project.ids(), struck(project)) == (rented, {})
    assert checked.apply(project) == 0
    checked.apply(project, eyes=blind, step_only=True)
    project.advance("1h")
    checked.apply(project, eyes=blind, step_only=True)
    assert (project.ids(), struck(project)) == (rented, {})


def test_one_that_was_ready_and_fails_is_replaced_after_its_time(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.fleet(replicas=2, **CARDS)
    assert checked.apply(project) == 0
    lost, stays = project.live()
    project.advance("2m")
    fails = never("http 503", lost.machine)
    checked.apply(project, fails, step_only=True)
    assert "unready: ssh: http 503 (old first) (its grace" in capsys.readouterr().out
    project.advance("8m")
    checked.apply(project, fails, step_only=True)
    assert project.ids()["june/0"] == lost.id
    project.advance("2m")
    checked.apply(project, fails)
    assert project.ids()["june/0"] != lost.id
    assert project.ids()["june/1"] == stays.id
    assert struck(project) == {lost.machine: "unready: ssh: http 503"}


def test_one_that_recovers_in_its_time_is_left_alone(project: Project) -> None:
    project.fleet(**CARDS)
    assert checked.apply(project) == 0
    before = project.ids()
    for judge in (never(), checked.passes, never()):
        project.advance("9m")
        checked.apply(project, judge, step_only=True)
    assert (project.ids(), struck(project)) == (before, {})


def test_a_plan_tells_what_the_last_run_found_and_with_probe_what_is_now(project: Project) -> None:
    project.fleet(**CARDS)
    assert checked.apply(project) == 0
    project.advance("2m")
    checked.apply(project, never(), step_only=True)

    def state(judge: Judge | None) -> State:
        found = checked.looked(project, judge).diff.fleets[0].seats[0].keeper
        assert found is not None
        return found.state

    assert state(None) is State.UNREADY
    assert state(checked.passes) is State.READY
    assert state(None) is State.UNREADY


@pytest.mark.parametrize("command", ["plan", "status"])
def test_the_commands_take_the_word_probe(project: Project, command: str) -> None:
    project.fleet()
    project.start()
    project.run(command, "--simulate", "--probe").assert_success("june")


def test_only_those_that_need_it_are_asked(project: Project) -> None:
    project.fleet(replicas=2, **CARDS)
    eyes = Eyes()
    checked.apply(project, eyes=eyes)
    eyes.asked.clear()
    checked.apply(project, eyes=eyes, step_only=True)
    assert eyes.asked == []
    project.advance("2m")
    checked.apply(project, eyes=eyes, step_only=True)
    assert [sorted(ids) for ids in eyes.asked] == [sorted(project.ids().values())]


def test_without_anybody_who_looks_running_is_ready(project: Project) -> None:
    def unseen(world: World) -> Any:
        world.checks = None
        return world.provider

    project.fleet()
    assert drive(project, unseen) == 0
    assert checked.record(project).health == {}
    project.status().assert_success("ready")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_machines_that_never_boot_are_replaced_until_all_seats_are_ready(project: Project, seed: int) -> None:
    """A fifth of the machines never get a container to run: pulls that are stuck, runtimes that fail, dead ends."""
    project.fleet(replicas=8, **CARDS)
    checked.begin(project, Laws(boots=True), seed)
    for _ in range(12):
        checked.apply(project, step_only=True)
        project.advance("10m")
        rows = project.live()
        if len(rows) == 8 and {row.status for row in rows} == {"running"}:
            break
    else:
        project.plan().assert_code(99)
    project.assert_all_run("june", 8)
    bad = set(struck(project))
    assert bad.isdisjoint(row.machine for row in project.live())


def test_one_whose_host_cannot_start_it_is_replaced_without_a_wait(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.fleet(**CARDS)
    checked.begin(project, Laws(boots=True), 1)
    checked.apply(project, step_only=True)  # a cold start: it is over ten minutes later
    project.advance("10m")
    with open_simulation(project.state) as simulation:
        seed = simulation.world.seed
    healthy: list[int] = []
    while machines_failure(seed, bad := chosen(project)) != NO_START:
        healthy.append(bad)
        project.fleet(**CARDS, blacklist={"machines": healthy})
    checked.apply(project, step_only=True)
    assert [row.machine for row in project.live()] == [bad]
    project.advance("25m")  # Some first boots take up to twenty minutes, also to fail.
    capsys.readouterr()
    checked.apply(project, step_only=True)
    assert capsys.readouterr().out.count("is unable to start: runtime failed (old first)") == 1
    assert struck(project) == {bad: "unable to start: runtime failed"}
    assert project.live()[0].machine != bad
    project.run("logs", "june/0", "--simulate", "--kept").assert_success("OCI runtime create failed")


def test_a_new_world_forgets_the_logs_of_the_old_one(project: Project) -> None:
    checked.apply(project, never(REFUSED, one_of_many(project)))
    assert any((project.state.parent / "simulated.logs").iterdir())
    project.run("simulate", "reset").assert_success()
    assert not (project.state.parent / "simulated.logs").exists()


@pytest.mark.parametrize("check", [{"gpu": {}}, {"command": {"run": "true"}}], ids=["gpu", "command"])
def test_nothing_is_rented_that_nobody_could_log_in_to(
    project: Project, check: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    project.fleet(readiness={"checks": [{"ssh": {}}, check]})
    assert checked.apply(project, eyes=Eyes(locked_out="the account does not hold the key k")) == 4
    said = capsys.readouterr().out
    assert "held back by no login: the checks of fleet june log in, and the account does not hold the key k" in said
    assert "reconcile ssh-key add" in said
    assert project.live() == []
    assert checked.apply(project) == 0
    assert len(project.live()) == 1


def test_nothing_is_rented_with_a_key_that_cannot_be_used(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.fleet()
    assert checked.apply(project, eyes=Eyes(keyless="the key k cannot be used")) == 4
    assert "the checks of fleet june log in, and the key k cannot be used" in capsys.readouterr().out
    assert project.live() == []
    project.fleet(readiness={"checks": [{"http": {"port": 8000}}]}, container={"image": "a:1", "ports": [8000]})
    assert checked.apply(project, eyes=Eyes(keyless="the key k cannot be used")) == 0


def test_a_fleet_of_which_nobody_can_tell_is_below_min_ready_once_its_boot_is_over(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.fleet(replicas=4)
    checked.apply(project, lambda _: "?no key", step_only=True)  # A cold start.
    project.advance("10m")
    for minutes, below in (("1m", False), ("10m", False), ("25m", True), ("1m", True)):
        checked.apply(project, lambda _: "?no key", step_only=True)
        project.advance(minutes)
        capsys.readouterr()
        made = checked.looked(project, lambda _: "?no key").plan
        assert (len(project.live()), made.fleets[0].below_min_ready) == (2, below), minutes
        assert ("! below min_ready" in plan_text(made, None)) is below, minutes


def test_a_banner_needs_no_login(project: Project) -> None:
    project.fleet()
    assert checked.apply(project, eyes=Eyes(locked_out="no SSH key is given that can be used")) == 0
