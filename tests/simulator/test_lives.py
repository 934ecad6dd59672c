from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.errors import WrongUsage
from reconciler.simulator import open_simulation
from reconciler.simulator.arrivals import FIRST_MACHINE
from reconciler.simulator.boots import DEAD_END, GIVES_UP, NO_START, STUCK, machines_failure
from reconciler.simulator.contracts import Contract
from reconciler.simulator.laws import GENTLE, LIVELY, Laws
from reconciler.simulator.outages import next_change, outage_at
from reconciler.simulator.rivals import rival, stands_until
from reconciler.simulator.state import content_of
from reconciler.simulator.world import World

from .doors import Caller

HOUR, DAY = 3600.0, 86400.0
STATES = ("intended_status", "cur_state", "next_state")


@contextmanager
def opened(folder: Path, laws: Laws, seed: int | None = None) -> Iterator[Caller]:
    with open_simulation(folder / "world.json", seed=seed, laws=laws) as simulation:
        yield Caller(simulation)


@pytest.fixture
def bidder(tmp_path: Path) -> Iterator[Caller]:
    """A world in which others bid and buy at any moment, and nothing else goes wrong."""
    with opened(tmp_path, Laws(grain=0.0, rivals=True)) as caller:
        yield caller


@pytest.fixture
def lively(tmp_path: Path) -> Iterator[Caller]:
    with opened(tmp_path, LIVELY) as caller:
        yield caller


def world_of(caller: Caller) -> World:
    return caller.simulation.world


def offers(caller: Caller, count: int, **conditions: Any) -> list[dict[str, Any]]:
    """Cheap offers on so many machines, whose contracts last."""
    found: dict[int, dict[str, Any]] = {}
    terms = {"verified": {}, "duration": {"gte": 30 * DAY}, "disk_space": {"gte": 20}, "num_gpus": {"eq": 1}}
    for row in caller.everything(**{**terms, **conditions}):
        if row["dph_base"] <= 0.3 and row["direct_port_count"] > 1:
            found.setdefault(row["machine_id"], row)
    return sorted(found.values(), key=lambda row: (row["dph_base"], row["id"]))[:count]


def at(caller: Caller, moment: float) -> None:
    caller.simulation.advance(moment - world_of(caller).now)


def row_of(caller: Caller, instance: int) -> dict[str, Any]:
    return next(row for row in caller.simulation.instances() if row["id"] == instance)


def watch(caller: Caller, instance: int, wanted: Callable[[dict[str, Any]], bool], step: float, most: int) -> Any:
    for _ in range(most):
        row = row_of(caller, instance)
        if wanted(row):
            return row
        caller.simulation.advance(step)
    pytest.fail("it did not happen")


def contested(caller: Caller, count: int = 40) -> list[dict[str, Any]]:
    """Offers whose least bid is below the price."""
    return [row for row in offers(caller, count * 3) if row["min_bid"] < 0.7 * row["dph_base"]][:count]


# Bids


def test_a_bid_that_a_rival_beats_loses_at_creation_and_runs_when_raised(bidder: Caller) -> None:
    world = world_of(bidder)
    row = next(one for one in contested(bidder) if 1 < rival(world.seed, one["machine_id"], world.now + 7) < 1.25)
    status, content = bidder.rent(row["id"], price=row["min_bid"])
    assert (status, content["success"]) == (200, False)
    instance = content["new_contract"]
    lost = bidder.show(instance)
    assert {lost[name] for name in STATES} == {"stopped"}
    assert lost["instance"]["gpuCostPerHour"] == 0 < lost["instance"]["diskHour"]
    slot = {"verified": {}, "machine_id": {"eq": row["machine_id"]}, "ask_contract_id": {"eq": row["id"]}}
    assert bidder.everything(**slot) == []
    bidder.ok("PUT", f"/api/v0/instances/bid_price/{instance}/", {"client_id": "me"})
    won = bidder.show(instance)
    assert {won[name] for name in STATES} == {"running"}
    assert won["dph_base"] > row["min_bid"]


def test_a_bid_never_pays_more_than_the_price_on_demand(bidder: Caller) -> None:
    row = contested(bidder)[0]
    instance = bidder.rented(row["id"], price=row["dph_base"] * 3)
    bidder.simulation.advance(600)
    shown = bidder.show(instance)
    assert (shown["dph_base"], shown["is_bid"]) == (pytest.approx(row["dph_base"]), True)
    assert shown["instance"]["gpuCostPerHour"] == shown["dph_base"]


def test_an_outbid_instance_is_stopped_at_once_reads_as_before_for_a_while_and_comes_back(bidder: Caller) -> None:
    world = world_of(bidder)

    def soon(row: dict[str, Any]) -> bool:
        until = stands_until(world.seed, row["machine_id"], world.now)
        after = stands_until(world.seed, row["machine_id"], until)
        found = [rival(world.seed, row["machine_id"], moment) for moment in (world.now, until, after)]
        return found[0] == 0 < 1 < found[1] and found[2] == 0 and until - world.now > 600

    row = next(one for one in contested(bidder, 150) if soon(one))
    instance = bidder.rented(row["id"], price=row["min_bid"])
    until = stands_until(world.seed, row["machine_id"], world.now)
    after = stands_until(world.seed, row["machine_id"], until)
    at(bidder, until - 1)
    assert row_of(bidder, instance)["actual_status"] == "running"
    at(bidder, until + 1)
    shown = row_of(bidder, instance)
    assert {shown[name] for name in STATES} == {"stopped"}
    assert shown["actual_status"] == "running"
    assert shown["instance"]["gpuCostPerHour"] == 0
    at(bidder, until + 200)
    assert row_of(bidder, instance)["actual_status"] == "exited"
    at(bidder, after + 60)
    shown = row_of(bidder, instance)
    assert {shown[name] for name in STATES} == {"running"}


def test_whoever_pays_the_full_price_displaces_a_bid_that_no_rival_beats(bidder: Caller) -> None:
    rows = contested(bidder, 25)
    instances = [bidder.rented(row["id"], price=row["min_bid"] * 9) for row in rows]
    world = world_of(bidder)
    for _ in range(48):
        bidder.simulation.advance(2 * HOUR)
        displaced = [world.contracts[one] for one in instances if world.contracts[one].outbid]
        if displaced:
            break
    assert displaced
    for contract in displaced:
        machine = world.machine(contract)
        assert machine.occupancy.taken & contract.mask
        assert not machine.occupancy.ours & contract.mask


def test_a_rival_by_hand_outbids_and_leaves_when_beaten(tmp_path: Path) -> None:
    with opened(tmp_path, GENTLE) as caller:
        row = contested(caller)[0]
        instance = caller.rented(row["id"], price=row["min_bid"])
        caller.simulation.advance(600)
        caller.simulation.fail(instance, "outbid")
        lost = row_of(caller, instance)
        assert {lost[name] for name in STATES} == {"stopped"}
        caller.simulation.advance(DAY)
        assert row_of(caller, instance)["cur_state"] == "stopped"
        url = f"/api/v0/instances/bid_price/{instance}/"
        caller.ok("PUT", url, {"client_id": "me", "price": row["min_bid"] * 1.01})
        assert row_of(caller, instance)["cur_state"] == "stopped"
        caller.ok("PUT", url, {"client_id": "me", "price": row["min_bid"] * 1.1})
        assert row_of(caller, instance)["cur_state"] == "running"


def test_nobody_outbids_what_is_rented_on_demand(tmp_path: Path) -> None:
    with opened(tmp_path, GENTLE) as caller:
        instance = caller.rented(contested(caller)[0]["id"])
        with pytest.raises(WrongUsage, match="on demand"):
            caller.simulation.fail(instance, "outbid")


def test_a_user_stop_of_an_outbid_instance_keeps_it_stopped(bidder: Caller) -> None:
    world = world_of(bidder)
    row = next(one for one in contested(bidder) if rival(world.seed, one["machine_id"], world.now + 7) > 1)
    instance = bidder.rent(row["id"], price=row["min_bid"])[1]["new_contract"]
    bidder.ok("PUT", f"/api/v0/instances/{instance}/", {"state": "stopped"})
    bidder.simulation.advance(2 * DAY)
    assert row_of(bidder, instance)["cur_state"] == "stopped"


# Starts that wait


def test_a_queued_start_begins_by_itself_when_others_leave_and_is_billed_from_then_on(tmp_path: Path) -> None:
    with opened(tmp_path, Laws(grain=0.0)) as caller:
        world = world_of(caller)
        instances = [caller.rented(row["id"]) for row in offers(caller, 12)]
        caller.simulation.advance(600)
        for instance in instances:
            caller.ok("PUT", f"/api/v0/instances/{instance}/", {"state": "stopped"})
        caller.simulation.advance(3 * DAY)
        taken = [
            one
            for one in instances
            if not caller.ok("PUT", f"/api/v0/instances/{one}/", {"state": "running"})["success"]
        ]
        assert taken
        for one in taken:
            row = row_of(caller, one)
            assert (row["intended_status"], row["cur_state"]) == ("running", "stopped")
            assert "currently in use" in row["status_msg"]
        watch(caller, taken[0], lambda _: any(world.contracts[o].current == "running" for o in taken), HOUR, 24 * 20)
        begun = next(one for one in taken if world.contracts[one].current == "running")
        before = world.spent(world.contracts[begun])
        caller.simulation.advance(HOUR)
        assert world.spent(world.contracts[begun]) > before


# Hosts


def test_a_host_drops_off_reads_unknown_then_offline_is_not_billed_and_returns(tmp_path: Path) -> None:
    with opened(tmp_path, Laws(outages=True, buyers=False)) as caller:
        world = world_of(caller)

        def leaves(row: dict[str, Any]) -> bool:
            when = next_change(world.seed, row["machine_id"], world.now)
            there = outage_at(world.seed, row["machine_id"], when)
            return there is not None and when - world.now > HOUR and there.end - there.start > 600

        seen = set()
        for _ in range(12):
            row = next((row for row in offers(caller, 400) if leaves(row)), None)
            if row is None:
                caller.simulation.advance(2 * DAY)
                continue
            instance = caller.rented(row["id"])
            contract = world.contracts[instance]
            outage = outage_at(world.seed, row["machine_id"], next_change(world.seed, row["machine_id"], world.now))
            assert outage is not None
            at(caller, outage.start + 1)
            assert row_of(caller, instance)["actual_status"] == "unknown"
            spent = world.spent(contract)
            at(caller, outage.end - 1)
            shown = row_of(caller, instance)
            assert (shown["actual_status"], shown["intended_status"]) == ("offline", "running")
            assert world.spent(contract) == spent
            address = shown["public_ipaddr"]
            at(caller, outage.end + 1)
            shown = row_of(caller, instance)
            assert shown["actual_status"] == ("exited" if outage.exited else "running")
            assert (shown["public_ipaddr"] != address) is (not shown["static_ip"])
            seen.add(shown["actual_status"])
        assert "running" in seen


def test_the_disk_of_an_ended_contract_is_kept_for_two_days_and_cannot_be_started(caller: Caller) -> None:
    ends = {"duration": {"gte": 7200, "lte": 20 * DAY}}
    row = caller.search(verified={}, order=[["dph_total", "asc"]], disk_space={"gte": 20}, **ends)[0]
    instance = caller.rented(row["id"])
    at(caller, row["end_date"] + 60)
    assert caller.show(instance)["cur_state"] == "stopped"
    content = caller.ok("PUT", f"/api/v0/instances/{instance}/", {"state": "running"})
    assert content["success"] is False
    assert caller.show(instance)["intended_status"] == "stopped"
    at(caller, row["end_date"] + 47 * HOUR)
    assert caller.show(instance)
    at(caller, row["end_date"] + 49 * HOUR)
    assert caller.show(instance) is None


# Money


def test_what_stopped_for_lack_of_money_starts_again_only_after_a_payment(caller: Caller) -> None:
    dear = caller.search(verified={}, order=[["dph_total", "desc"]], disk_space={"gte": 20}, duration={"gte": 30 * DAY})
    instance = caller.rented(dear[0]["id"])
    at(caller, world_of(caller).now + 250 / dear[0]["dph_total"] * 1.1 * HOUR)
    assert caller.credit() == 0
    assert caller.show(instance)["intended_status"] == "stopped"
    status, content = caller.send("PUT", f"/api/v0/instances/{instance}/", {"state": "running"})
    assert (status, content["error"]) == (400, "insufficient_credit")
    caller.simulation.add_credit(50)
    assert caller.credit() <= 50
    assert caller.show(instance)["intended_status"] == "stopped"
    before = caller.credit()
    caller.simulation.advance(HOUR)
    assert before - caller.credit() == pytest.approx(caller.show(instance)["storage_total_cost"], rel=0.01)
    caller.send("PUT", f"/api/v0/instances/{instance}/", {"state": "running"})
    assert caller.show(instance)["intended_status"] == "running"


def test_without_money_instances_are_deleted_after_three_days(caller: Caller) -> None:
    dear = caller.search(verified={}, order=[["dph_total", "desc"]], disk_space={"gte": 20}, duration={"gte": 30 * DAY})
    instance = caller.rented(dear[0]["id"])
    caller.simulation.advance(250 / dear[0]["dph_total"] * HOUR + 2.9 * DAY)
    assert caller.show(instance)
    caller.simulation.advance(0.2 * DAY)
    assert caller.show(instance) is None


def test_loading_can_be_billed_and_the_pull_costs_its_bytes(tmp_path: Path) -> None:
    costs = {}
    for name, laws in {
        "gentle": GENTLE, "loading": Laws(loading_billed=True), "traffic": Laws(traffic=True),
    }.items():  # fmt: skip
        with opened(tmp_path / name, laws) as caller:
            row = next(one for one in offers(caller, 40) if one["inet_down_cost"] > 0)
            world, instance = world_of(caller), caller.rented(row["id"])
            at(caller, world.contracts[instance].runs)
            costs[name] = world.spent(world.contracts[instance])
            caller.simulation.advance(600)
            kinds = {n for *_, p in world.account.charges.shown(world.now) for n, part in p._asdict().items() if part}
            assert ("down" in kinds) is (name == "traffic")
    assert costs["gentle"] < min(costs["loading"], costs["traffic"])


# Boots


@pytest.mark.parametrize(
    ("failure", "status", "text"),
    [
        (STUCK, "loading", "Retrying in 2 seconds"),
        (NO_START, "created", "OCI runtime create failed"),
        (DEAD_END, "created", ""),
        (GIVES_UP, "created", "Error response from daemon"),
    ],
)
def test_some_machines_never_get_a_container_to_run(tmp_path: Path, failure: str, status: str, text: str) -> None:
    with opened(tmp_path, Laws(boots=True, buyers=False)) as caller:
        world = world_of(caller)
        row = next(one for one in offers(caller, 900) if machines_failure(world.seed, one["machine_id"]) == failure)
        instance = caller.rented(row["id"])
        at(caller, world.contracts[instance].runs + 30)
        shown = row_of(caller, instance)
        assert (shown["actual_status"], shown["intended_status"]) == (status, "running")
        assert text in shown["status_msg"]
        assert shown["instance"]["gpuCostPerHour"] == 0
        assert "ports" not in shown
        caller.simulation.advance(2 * HOUR)
        shown = row_of(caller, instance)
        assert {shown[name] for name in STATES} == {"stopped" if failure == GIVES_UP else "running"}


def test_an_image_that_nobody_pushed_fails_on_every_machine_in_a_gentle_world_too(tmp_path: Path) -> None:
    with opened(tmp_path, GENTLE) as caller:
        world = world_of(caller)
        for row in offers(caller, 900)[:2]:
            instance = caller.rented(row["id"], image="ghcr.io/acme/app:missing-2")
            at(caller, world.contracts[instance].runs + 30)
            shown = row_of(caller, instance)
            assert shown["actual_status"] == "created"
            assert "manifest unknown" in shown["status_msg"]
        pushed = caller.rented(offers(caller, 900)[0]["id"], image="missing/app:2")
        at(caller, world.contracts[pushed].runs + 30)
        assert row_of(caller, pushed)["actual_status"] == "running"


def test_a_fifth_of_the_machines_fails_and_does_so_every_time() -> None:
    failures = [machines_failure(1, machine) for machine in range(4000)]
    assert 0.17 < sum(map(bool, failures)) / 4000 < 0.23
    assert len(set(failures)) == 5


def test_a_new_instance_is_missing_in_the_list_for_a_moment_but_not_in_the_single_read(lively: Caller) -> None:
    lively.patient = False
    world = world_of(lively)
    for row in offers(lively, 5):
        instance = lively.rented(row["id"])
        if world.contracts[instance].listed > world.now + 0.2:
            break
        lively.simulation.advance(13)
    assert lively.show(instance)["id"] == instance
    assert instance not in [one["id"] for one in lively.listed()["instances"]]
    lively.simulation.advance(2)
    assert instance in [one["id"] for one in lively.listed()["instances"]]


# Worlds


def test_a_world_keeps_its_laws_and_another_set_of_laws_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    with open_simulation(path, laws=LIVELY) as simulation:
        assert simulation.description.endswith(", lively")
        simulation.save()
    with open_simulation(path) as simulation:
        assert simulation.world.laws == LIVELY
    with pytest.raises(WrongUsage, match="lively"):
        open_simulation(path, laws=GENTLE)


def test_a_world_of_the_first_version_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    with open_simulation(path) as simulation:
        caller = Caller(simulation)
        instance = caller.rented(offers(caller, 1)[0]["id"], label="old")
        simulation.advance(HOUR)
        world = simulation.world
        spent, credit = world.spent(world.contracts[instance]), world.credit
        simulation.save()
    saved = json.loads(path.read_text())
    contract = {**saved["contracts"][0], "spent": spent, "label": "old"}
    changes = {number: [one[2], one[3], None] for number, one in saved["changes"].items()}
    older = {name: saved[name] for name in ("format", "market", "now", "following_id", "draws", "limits")}
    older |= {"version": 1, "hour": 1, "credit": credit, "contracts": [contract], "changes": changes}
    path.write_text(json.dumps(older))
    with open_simulation(path) as simulation:
        world = simulation.world
        assert world.credit == pytest.approx(credit)
        assert world.spent(world.contracts[instance]) == pytest.approx(spent)
        simulation.advance(DAY)
        assert world.account.paid_in - world.credit == pytest.approx(world.account.charges.total(world.now))
        assert world.market().machines
        simulation.save()
    open_simulation(path).close()


DEEDS = ("rent", "bid", "stop", "start", "raise", "destroy", "wait", "pay")
STEP = st.tuples(st.sampled_from(DEEDS), st.integers(0, 9))
SPANS = (7.0, 60.0, 333.3, 1800.0, 7200.0, 43200.0, 86400.0, 90000.1, 250000.0, 500000.0)


def act(caller: Caller, what: str, number: int, advance: Callable[[float], None]) -> None:
    world = world_of(caller)
    live = [one for _, one in sorted(world.contracts.items())]
    if what == "wait":
        advance(SPANS[number])
    elif what == "pay":
        caller.simulation.add_credit(10.0 * number)
    elif what in ("rent", "bid"):
        found = offers(caller, 10)
        price = {"price": found[number]["min_bid"] * 1.1} if what == "bid" else {}
        caller.rent(found[number]["id"], **price)
    elif live:
        path = f"/api/v0/instances/{(one := live[number % len(live)]).id}/"
        if what == "destroy":
            caller.send("DELETE", path, {})
        elif what == "raise":
            caller.send("PUT", path.replace("instances/", "instances/bid_price/"), {"price": 0.1 * (number + 1)})
        else:
            caller.send("PUT", path, {"state": "running" if what == "start" else "stopped"})
        assert one.id in world.contracts or what == "destroy"


def check(world: World) -> None:
    """What holds at every moment."""
    charged = world.account.charges.total(world.now)
    assert world.account.paid_in - world.credit == pytest.approx(charged, abs=1e-5)
    shown = sum(sum(parts) for *_, parts in world.account.charges.shown(world.now))
    assert shown <= charged + 1e-9
    held: dict[int, list[int]] = {}
    for contract in world.contracts.values():
        if contract.current == "running":
            held.setdefault(contract.machine_id, []).append(contract.mask)
    ours = [world.machine(contract) for contract in world.contracts.values()]
    machines = {one.machine_id: one for one in (*world.market().machines, *ours)}
    for number, machine in machines.items():
        masks = held.get(number, [])
        assert sum(masks) == machine.occupancy.ours
        assert not machine.occupancy.ours & machine.occupancy.taken
    ids = [one for machine in machines.values() for one in machine.occupancy.ids]
    assert len(ids) == len(set(ids))
    assert not set(ids) & set(world.contracts)


def test_a_stopped_instance_outlives_its_machine_in_the_saved_world_too(tmp_path: Path) -> None:
    laws = replace(LIVELY, outages=False)
    with opened(tmp_path, laws) as caller:
        caller.simulation.advance(10 * DAY)
        (row, *_) = offers(caller, 1, machine_id={"gte": FIRST_MACHINE}, disk_space={"gte": 10})
        instance = caller.rented(row["id"])
        caller.ok("PUT", f"/api/v0/instances/{instance}/", {"state": "stopped"})
        gone = world_of(caller).contracts[instance]
        world_of(caller).add_credit(1e6)
        gone.terms = {**gone.terms, "end_date": world_of(caller).now + 4000 * DAY}
        while world_of(caller).machine(gone).listed:
            caller.simulation.advance(30 * DAY)
        caller.search()
        caller.simulation.save()
    with opened(tmp_path, laws) as caller:
        assert not world_of(caller).machine(world_of(caller).contracts[instance]).listed
        caller.ok("DELETE", f"/api/v0/instances/{instance}/", {})


@settings(max_examples=12, deadline=None)
@given(steps=st.lists(STEP, max_size=16), seed=st.integers(0, 3))
def test_whatever_a_life_brings_money_is_kept_and_no_gpu_is_held_twice(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]], seed: int
) -> None:
    with opened(tmp_path_factory.mktemp("life"), LIVELY, seed) as caller:
        for what, number in steps:
            act(caller, what, number, caller.simulation.advance)
            check(world_of(caller))


@settings(max_examples=8, deadline=None)
@given(steps=st.lists(STEP, min_size=3, max_size=12), pieces=st.integers(2, 40))
def test_it_does_not_matter_in_which_pieces_time_passes(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]], pieces: int
) -> None:
    def lived(divided: bool) -> bytes:
        with opened(tmp_path_factory.mktemp("life"), LIVELY, 6) as caller:
            world = world_of(caller)

            def advance(seconds: float) -> None:
                end = round(world.now + seconds, 6)
                for piece in range(1, pieces) if divided else ():
                    caller.simulation.advance(round(seconds * piece / pieces, 3) - (seconds - (end - world.now)))
                caller.simulation.advance(end - world.now)

            for what, number in steps:
                act(caller, what, number, advance)
            return content_of(world)

    assert lived(False) == lived(True)


def test_an_hour_is_sixty_minutes(tmp_path: Path) -> None:
    contents = []
    for name, pieces in (("one", 1), ("many", 60)):
        with opened(tmp_path / name, LIVELY) as caller:
            for row in offers(caller, 6):
                caller.rent(row["id"], price=row["min_bid"] * 1.2)
            for _ in range(12):
                for _ in range(pieces):
                    caller.simulation.advance(HOUR / pieces)
                caller.search()
            contents.append(content_of(world_of(caller)))
    assert contents[0] == contents[1]


def test_a_lively_world_goes_on_as_if_it_had_not_been_closed(tmp_path: Path) -> None:
    contents = []
    for name, closing in (("open", False), ("closed", True)):
        path = tmp_path / name / "world.json"
        simulation = open_simulation(path, laws=LIVELY)
        caller = Caller(simulation)
        for row in offers(caller, 8):
            caller.rent(row["id"], price=row["min_bid"] * 1.2)
        for number in range(8):
            simulation.advance(11 * HOUR)
            if number % 3 == 1:
                Caller(simulation).search(verified={})
            if closing:
                simulation.save()
                simulation.close()
                simulation = open_simulation(path)
        contents.append(content_of(simulation.world))
        simulation.close()
    assert contents[0] == contents[1]


def test_a_contract_in_the_state_file_says_only_what_is_not_usual() -> None:
    contract = Contract(1, 1, {}, "a:1", 10.0, "ssh", 5.0)
    assert Contract(**contract.saved()) == contract
    assert "fault" not in contract.saved()


def test_a_week_of_a_hundred_instances_takes_seconds(tmp_path: Path) -> None:
    import time

    with opened(tmp_path, LIVELY) as caller:
        caller.simulation.add_credit(100_000)
        for number, row in enumerate(offers(caller, 100)):
            caller.rent(row["id"], **({"price": row["min_bid"] * 1.5} if number % 2 else {}))
        before = time.process_time()
        caller.simulation.advance(7 * DAY)
        assert time.process_time() - before < 3.0
