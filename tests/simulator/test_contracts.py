from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.errors import WrongUsage

from .doors import ANYTHING, Caller


def cheap(caller: Caller, **conditions: Any) -> dict[str, Any]:
    """The cheapest offer with ports and a day to go."""
    terms = {"direct_port_count": {"gte": 5}, "duration": {"gte": 86400}, "disk_space": {"gte": 20}}
    return caller.search(**{"verified": {}, **terms, "order": [["dph_total", "asc"]], **conditions})[0]


def test_renting_an_ask_takes_away_every_ask_that_shares_a_gpu(any_market: Caller) -> None:
    rows = any_market.everything(verified={})
    groups: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row["machine_id"], []).append(row)
    machine, asks = next((m, g) for m, g in groups.items() if len({row["num_gpus"] for row in g}) > 1)
    rented = min(asks, key=lambda row: int(row["num_gpus"]))
    any_market.rented(rented["id"], disk=8)
    left = {row["id"] for row in any_market.everything(verified={}, machine_id={"eq": machine})}
    assert left == {row["id"] for row in asks if not set(row["gpu_ids"]) & set(rented["gpu_ids"])}


def test_an_ask_id_serves_one_rent_and_never_comes_back(any_market: Caller) -> None:
    row = any_market.search(verified={}, disk_space={"gte": 10})[0]
    slot = {"verified": {}, "machine_id": {"eq": row["machine_id"]}, "num_gpus": {"eq": row["num_gpus"]}}
    before = {one["id"] for one in any_market.everything(**slot)}
    instance = any_market.rented(row["id"])
    status, content = any_market.rent(row["id"])
    assert (status, content["error"]) == (400, "invalid_args")
    assert "no_such_ask" in content["msg"]
    any_market.ok("DELETE", f"/api/v0/instances/{instance}/", {})
    after = any_market.everything(**slot)
    again = next(one for one in after if one["gpu_ids"] == row["gpu_ids"])
    assert again["id"] not in before
    assert again["id"] > instance > row["id"]
    assert any_market.rent(row["id"])[0] == 400
    any_market.rented(again["id"])


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"disk": 7}, 400, "invalid_args"),
        ({"disk": "much"}, 400, "invalid_args"),
        ({"disk": 10_000_000}, 400, "invalid_args"),
        ({"label": "x" * 257}, 400, "invalid_args"),
        ({"label": 5}, 400, "invalid_args"),
        ({"image": None}, 400, "invalid_args"),
        ({"image": "x" * 1025}, 400, "invalid_args"),
        ({"image": "acme/app"}, 500, "server_error"),
        ({"image": None, "template_hash_id": "short"}, 400, "invalid_args"),
        ({"env": ["A"]}, 400, "invalid_args"),
        ({"env": {"A": "x" * 257}}, 400, "invalid_args"),
        ({"onstart": "x" * 4097}, 400, "invalid_args"),
        ({"onstart": "x" * 4000, "args": ["y" * 97]}, 400, "invalid_args"),
        ({"price": 0}, 400, "invalid_price"),
        ({"price": 129}, 400, "invalid_price"),
        ({"price": 0.001, "cancel_unavail": True}, 200, "bid_too_low"),
    ],
)
def test_a_wrong_rent_is_refused_and_rents_nothing(
    caller: Caller, body: dict[str, Any], status: int, error: str
) -> None:
    offer = cheap(caller, gpu_name={"eq": "RTX 4090"})
    got, content = caller.rent(offer["id"], **body)
    assert (got, content["success"], content["error"]) == (status, False, error)
    assert "new_contract" not in content
    assert caller.listed()["total_instances"] == 0
    caller.rented(offer["id"])


@pytest.mark.parametrize("image", ["a/b:1", "host:5000/a/b:1", "a/b@sha256:00", "vastai/base:@vastai-automatic-tag"])
def test_an_image_with_a_tag_is_accepted(caller: Caller, image: str) -> None:
    caller.rented(cheap(caller)["id"], image=image)


def test_a_template_can_stand_for_the_image(caller: Caller) -> None:
    instance = caller.rented(cheap(caller)["id"], image=None, template_hash_id="4e17788f" * 4)
    assert caller.show(instance)["template_hash_id"] == "4e17788f" * 4


def test_an_instance_goes_from_null_over_loading_to_running(any_market: Caller) -> None:
    offer = cheap(any_market)
    any_market.patient = False
    instance = any_market.rented(
        offer["id"],
        runtype="jupyter_direc ssh_direc ssh_proxy",
        env={"A": "1", "-p 8000:8000": "1", "-p 53:53/udp": "1"},
    )
    seen = [any_market.show(instance)]
    while seen[-1]["actual_status"] != "running":
        any_market.simulation.advance(2.5)
        seen.append(any_market.show(instance))
    assert list(dict.fromkeys(row["actual_status"] for row in seen)) == [None, "loading", "running"]
    took = any_market.simulation.clock.now() - seen[0]["start_date"]
    assert 35 <= took <= 265
    first, last = seen[0], seen[-1]
    assert first["status_msg"] is None
    assert "ports" not in first
    assert (first["direct_port_start"], first["direct_port_end"]) == (-1, -1)
    assert last["status_msg"].endswith("\n")
    assert last["public_ipaddr"].endswith("\n")
    assert set(last["ports"]) == {"22/tcp", "8080/tcp", "8000/tcp", "53/udp"}
    assert all(isinstance(port["HostPort"], str) for found in last["ports"].values() for port in found)
    assert last["extra_env"] == [["A", "1"], ["-p 8000:8000", "1"], ["-p 53:53/udp", "1"]]
    assert len(last["jupyter_token"]) == 64
    assert {last[name] for name in ("cur_state", "next_state", "intended_status")} == {"running"}
    assert first["instance"]["gpuCostPerHour"] == 0
    assert last["instance"]["totalHour"] == last["dph_total"] == last["dph_base"] + last["storage_total_cost"]


def test_the_terms_of_a_rental_are_those_of_the_ask_and_stay(caller: Caller) -> None:
    offer = cheap(caller, allocated_storage=20)
    instance = caller.rented(offer["id"], disk=20, label="a label")
    same = (
        "machine_id",
        "host_id",
        "gpu_name",
        "num_gpus",
        "dph_base",
        "dph_total",
        "storage_cost",
        "end_date",
        "geolocation",
    )
    for _ in range(2):
        row = caller.show(instance)
        assert {name: row[name] for name in same} == {name: offer[name] for name in same}
        assert (row["label"], row["disk_space"], row["is_bid"]) == ("a label", 20, False)
        caller.simulation.advance(12 * 3600)


def test_an_unknown_or_destroyed_instance_is_null_and_cannot_be_destroyed_again(caller: Caller) -> None:
    assert caller.show(12345) is None
    instance = caller.rented(cheap(caller)["id"])
    caller.ok("DELETE", f"/api/v0/instances/{instance}/", {})
    assert caller.show(instance) is None
    status, content = caller.send("DELETE", f"/api/v0/instances/{instance}/", {})
    assert (status, content["error"]) == (404, "no_such_instance")
    status, content = caller.send("PUT", f"/api/v0/instances/{instance}/", {"label": "x"})
    assert (status, content["error"]) == (404, "no_such_instance")


def test_a_label_can_be_changed_up_to_1024_characters(caller: Caller) -> None:
    instance = caller.rented(cheap(caller)["id"], label="x" * 256)
    caller.ok("PUT", f"/api/v0/instances/{instance}/", {"label": "y" * 1024})
    assert caller.show(instance)["label"] == "y" * 1024
    status, content = caller.send("PUT", f"/api/v0/instances/{instance}/", {"label": "y" * 1025})
    assert (status, content["error"]) == (400, "label_too_long")


def test_a_stop_gives_the_gpus_back_and_a_start_takes_them_again_or_waits(caller: Caller) -> None:
    offer = cheap(caller)
    path = f"/api/v0/instances/{(instance := caller.rented(offer['id']))}/"
    caller.simulation.advance(300)
    caller.ok("PUT", path, {"state": "stopped"})
    caller.patient = False
    row = caller.simulation.instances()[0]
    assert (row["intended_status"], row["cur_state"], row["actual_status"]) == ("stopped", "stopped", "running")
    caller.simulation.advance(20)
    caller.patient = True
    row = caller.show(instance)
    assert (row["actual_status"], row["instance"]["gpuCostPerHour"]) == ("exited", 0)
    slot = {"verified": {}, "machine_id": {"eq": offer["machine_id"]}, "num_gpus": {"eq": offer["num_gpus"]}}
    other = next(one for one in caller.everything(**slot) if one["gpu_ids"] == offer["gpu_ids"])
    taker = caller.rented(other["id"])
    status, content = caller.send("PUT", path, {"state": "running"})
    assert (status, content["success"], content["error"]) == (200, False, "resources_unavailable")
    row = caller.show(instance)
    assert (row["intended_status"], row["cur_state"]) == ("running", "stopped")
    caller.ok("DELETE", f"/api/v0/instances/{taker}/", {})
    assert caller.show(instance)["cur_state"] == "running"
    caller.simulation.advance(300)
    assert caller.show(instance)["actual_status"] == "running"


def test_a_bid_below_the_least_one_makes_a_stopped_instance_that_bills_its_disk(caller: Caller) -> None:
    offer = cheap(caller, gpu_name={"eq": "RTX 4090"}, type="bid")
    status, content = caller.rent(offer["id"], price=0.001)
    assert (status, content["success"]) == (200, False)
    row = caller.show(content["new_contract"])
    assert {row["intended_status"], row["cur_state"], row["next_state"]} == {"stopped"}
    assert row["instance"]["totalHour"] == row["storage_total_cost"] > 0
    caller.ok("PUT", f"/api/v0/instances/bid_price/{row['id']}/", {"client_id": "me", "price": row["min_bid"]})
    caller.simulation.advance(600)
    row = caller.show(row["id"])
    assert (row["actual_status"], row["is_bid"]) == ("running", True)
    assert row["dph_base"] == pytest.approx(offer["min_bid"])


@pytest.mark.parametrize("how", ["offline", "exited"])
def test_a_failed_instance_says_how_and_stays_so(caller: Caller, how: str) -> None:
    instance = caller.rented(cheap(caller)["id"])
    caller.simulation.advance(400)
    caller.simulation.fail(instance, how)
    for _ in range(3):
        row = caller.show(instance)
        assert (row["actual_status"], row["intended_status"], row["cur_state"]) == (how, "running", "running")
        caller.simulation.advance(3600)


def test_an_instance_that_is_gone_leaves_no_record(caller: Caller) -> None:
    instance = caller.rented(cheap(caller)["id"])
    caller.simulation.fail(instance, "gone")
    assert caller.show(instance) is None
    assert caller.listed()["instances"] == []


def test_failing_an_unknown_instance_or_in_an_unknown_way_is_wrong_usage(caller: Caller) -> None:
    with pytest.raises(WrongUsage):
        caller.simulation.fail(1, "offline")
    instance = caller.rented(cheap(caller)["id"])
    with pytest.raises(WrongUsage):
        caller.simulation.fail(instance, "tired")


def test_disk_is_billed_from_creation_gpus_while_running_and_nothing_while_offline(caller: Caller) -> None:
    instance = caller.rented(cheap(caller, gpu_name={"eq": "RTX 4090"})["id"], disk=20)
    row = caller.show(instance)
    contract = caller.simulation._world.contracts[instance]
    world = caller.simulation._world
    caller.simulation.advance(contract.runs - world.now)
    assert world.spent(contract) == pytest.approx((world.now - contract.created) / 3600 * row["storage_total_cost"])
    before = world.credit
    caller.simulation.advance(7200)
    assert before - world.credit == pytest.approx(2 * row["dph_total"])
    caller.simulation.fail(instance, "offline")
    before = world.credit
    caller.simulation.advance(7200)
    assert world.credit == before


def test_at_zero_credit_all_instances_stop_and_nothing_can_be_rented(caller: Caller) -> None:
    dear = caller.search(verified={}, order=[["dph_total", "desc"]], disk_space={"gte": 20})
    apart = list({row["machine_id"]: row for row in dear}.values())
    instances = [caller.rented(row["id"]) for row in apart[:3]]
    caller.simulation.advance(40 * 3600)
    assert caller.credit() == 0
    for instance in instances:
        assert caller.show(instance)["intended_status"] == "stopped"
    status, content = caller.rent(caller.search()[0]["id"])
    assert (status, content["error"]) == (400, "insufficient_credit")


def test_a_rental_ends_with_its_contract(caller: Caller) -> None:
    offer = caller.search(verified={}, order=[["duration", "asc"]], disk_space={"gte": 20}, duration={"gte": 7200})[0]
    instance = caller.rented(offer["id"])
    caller.simulation.advance(offer["duration"])
    assert caller.show(instance)["intended_status"] == "stopped"


WHAT = ("rent", "stop", "start", "destroy", "offline", "exited", "gone", "wait")
STEPS = st.lists(st.tuples(st.sampled_from(WHAT), st.integers(0, 5)), max_size=14)
STATES = {"stop": "stopped", "start": "running"}


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_happens_money_is_kept_and_no_gpu_is_held_twice(caller: Caller, steps: list[tuple[str, int]]) -> None:
    world = caller.simulation._world
    for contract in list(world.contracts.values()):
        world.destroy(contract)
    begun, before = world.credit, world.account.charges.total(world.now)
    for what, number in steps:
        live = list(world.contracts.values())
        if what == "rent":
            caller.rented(caller.search(verified={}, dph_total={"lte": 1}, disk_space={"gte": 10})[number]["id"])
        elif what == "wait":
            caller.simulation.advance(10.0**number)
        elif live:
            contract = live[number % len(live)]
            if what in STATES:
                caller.send("PUT", f"/api/v0/instances/{contract.id}/", {"state": STATES[what]})
            elif what == "destroy":
                caller.ok("DELETE", f"/api/v0/instances/{contract.id}/", {})
            else:
                caller.simulation.fail(contract.id, what)
    charged = world.account.charges.total(world.now) - before
    assert begun - world.credit == pytest.approx(charged, abs=1e-6)
    for machine in world.market().machines:
        held = [
            c.mask for c in world.contracts.values() if c.machine_id == machine.machine_id and c.current == "running"
        ]
        assert sum(held) == machine.occupancy.ours
        assert not machine.occupancy.ours & machine.occupancy.taken
    ids = [one for machine in world.market().machines for one in machine.occupancy.ids]
    assert len(set(ids)) == len(ids)


def test_searches_show_rentable_false_for_what_is_rented(caller: Caller) -> None:
    offer = cheap(caller)
    caller.rented(offer["id"])
    rows = caller.everything(**ANYTHING, machine_id={"eq": offer["machine_id"]}, ask_contract_id={"eq": offer["id"]})
    assert [(row["rentable"], row["rented"]) for row in rows] == [(False, False)]
