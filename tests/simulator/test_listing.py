from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from .doors import Caller


@pytest.fixture
def fleet(caller: Caller) -> Caller:
    """An account with 57 instances, every third one without a label."""
    offers = [row for _ in range(3) for row in caller.search(verified={}, num_gpus={"eq": 1}, disk_space={"gte": 10})]
    machines = {row["machine_id"]: row for row in offers}
    for number, row in enumerate(list(machines.values())[:57]):
        caller.rented(row["id"], label=None if number % 3 == 0 else f"pool-{number % 3}")
    return caller


def pages(caller: Caller, **query: Any) -> list[dict[str, Any]]:
    found = [caller.listed(**query)]
    while found[-1]["next_token"]:
        found.append(caller.listed(**query, after_token=found[-1]["next_token"]))
    return found


def test_the_list_comes_in_pages_of_25_that_together_hold_every_instance_once(fleet: Caller) -> None:
    found = pages(fleet)
    assert [len(page["instances"]) for page in found] == [25, 25, 7]
    ids = [row["id"] for page in found for row in page["instances"]]
    assert ids == sorted(row["id"] for row in fleet.simulation.instances())
    for page in found:
        assert page["success"] is True
        assert page["instances_found"] == len(page["instances"])
        assert page["total_instances"] == 57
        assert page["label_counts"] == {"": 19, "pool-1": 19, "pool-2": 19}


@pytest.mark.parametrize(("limit", "rows"), [("10", 10), ("0", 5), ("-3", 5), ("100", 25)])
def test_a_page_has_at_most_25_rows_and_five_for_zero_or_less(fleet: Caller, limit: str, rows: int) -> None:
    assert len(fleet.listed(limit=limit)["instances"]) == rows


def test_the_parameter_next_token_is_ignored_and_reads_page_one_again(fleet: Caller) -> None:
    first = fleet.listed()
    again = fleet.listed(next_token=first["next_token"])
    assert [row["id"] for row in again["instances"]] == [row["id"] for row in first["instances"]]


def test_rows_destroyed_between_two_pages_shift_nothing(fleet: Caller) -> None:
    first = fleet.listed()
    ids = [row["id"] for row in first["instances"]]
    for one in (ids[0], ids[-1]):
        fleet.ok("DELETE", f"/api/v0/instances/{one}/", {})
    second = fleet.listed(after_token=first["next_token"])
    assert second["instances"][0]["id"] == ids[-1] + 1


def test_filters_columns_and_order_work_as_documented(fleet: Caller) -> None:
    found = pages(fleet, select_filters={"label": {"in": ["pool-1"]}}, select_cols=["id", "label", "unheard_of"])
    rows = [row for page in found for row in page["instances"]]
    assert len(rows) == 19
    assert all(set(row) == {"id", "label", "unheard_of"} and row["unheard_of"] is None for row in rows)
    unlabelled = fleet.listed(select_filters={"label": {"in": [None]}})
    assert (unlabelled["total_instances"], len(unlabelled["instances"])) == (19, 19)
    order = [{"col": "label", "dir": "desc"}, {"col": "gpu_name", "dir": "sideways"}]
    rows = [row for page in pages(fleet, order_by=order) for row in page["instances"]]
    assert len(rows) == 57
    assert [row["label"] for row in rows] == ["pool-2"] * 19 + ["pool-1"] * 19 + [None] * 19
    assert [row["gpu_name"] for row in rows[:19]] == sorted(row["gpu_name"] for row in rows[:19])


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"after_token": "not a token"}, "invalid_token"),
        ({"after_token": base64.b64encode(b"{}").decode()}, "invalid_token"),
        ({"after_token": base64.b64encode(json.dumps({"values": {}}).encode()).decode()}, "invalid_token"),
        ({"select_filters": {"dph_total": {"lt": 1}}}, "invalid_request"),
        ({"select_filters": {"num_gpus": {"eq": 1}}}, "invalid_request"),
        ({"select_filters": "{"}, "invalid_request"),
        ({"order_by": [{"col": "unheard_of", "dir": "asc"}]}, "invalid_request"),
        ({"limit": "many"}, "invalid_request"),
    ],
)
def test_a_malformed_query_is_refused(caller: Caller, query: dict[str, Any], error: str) -> None:
    status, content = caller.send("GET", "/api/v1/instances/", **query)
    assert (status, content["error"]) == (400, error)


def test_the_retired_list_is_gone_and_its_bare_form_reads_like_an_empty_account(caller: Caller) -> None:
    status, content = caller.send("GET", "/api/v0/instances/")
    assert (status, content["error"]) == (410, "deprecated_endpoint")
    status, content = caller.send("GET", "/api/v0/instances")
    assert (status, content) == (301, {"instances": []})


def test_the_list_and_the_single_read_show_the_same(fleet: Caller) -> None:
    fleet.patient = False
    fleet.simulation.advance(10)
    row = fleet.listed()["instances"][3]
    assert fleet.show(row["id"]) == row
    assert row in fleet.simulation.instances()
