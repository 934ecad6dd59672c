from __future__ import annotations

from typing import Any

import pytest

from .doors import ANYTHING, Caller


def field(rows: list[dict[str, Any]], name: str) -> list[Any]:
    return [row[name] for row in rows]


def test_an_answer_has_at_most_64_rows_whatever_limit_asks_for(shop: Caller) -> None:
    assert len(shop.search(**ANYTHING, limit=500)) == 64
    assert len(shop.search(**ANYTHING, limit="3")) == 3


def test_an_answer_has_one_ask_of_each_bundle_drawn_anew_each_time(caller: Caller) -> None:
    query = {**ANYTHING, "gpu_name": {"eq": "RTX 4090"}, "order": [["dph_total", "asc"]]}
    first, second = caller.search(**query), caller.search(**query)
    assert len(set(field(first, "bundle_id"))) == len(first)
    assert set(field(first, "id")) != set(field(second, "id"))
    assert set(field(first, "bundle_id")) & set(field(second, "bundle_id"))


def test_the_score_of_one_ask_differs_by_at_most_nine_percent_from_its_middle(caller: Caller) -> None:
    rows = {row["id"]: row for row in caller.search(verified={})}
    again = {row["id"]: row for row in caller.search(verified={})}
    both = rows.keys() & again.keys()
    assert both
    assert all(0.91 / 1.09 - 1e-9 <= rows[one]["score"] / again[one]["score"] <= 1.09 / 0.91 + 1e-9 for one in both)
    assert any(rows[one]["score"] != again[one]["score"] for one in both)


def test_without_filters_the_server_shows_verified_and_rentable_offers_only(caller: Caller) -> None:
    rows = caller.search()
    assert set(field(rows, "verification")) == {"verified"}
    assert set(field(rows, "rentable")) == {True}
    rows = caller.search(verified={"eq": False}, rentable={"eq": False}, limit=64)
    assert "verified" not in field(rows, "verification")
    assert set(field(rows, "rentable")) == {False}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"num_gpus": {"eq": "1"}}, lambda row: row["num_gpus"] == 1),
        ({"num_gpus": {"in": [2, "4"]}}, lambda row: row["num_gpus"] in (2, 4)),
        ({"num_gpus": {"notin": [1, 2]}}, lambda row: row["num_gpus"] not in (1, 2)),
        ({"num_gpus": {"neq": 1}}, lambda row: row["num_gpus"] != 1),
        ({"gpu_name": {"eq": "RTX 3090"}}, lambda row: row["gpu_name"] == "RTX 3090"),
        ({"gpu_name": {"in": ["RTX 3090", "RTX 4090"]}}, lambda row: row["gpu_name"] in ("RTX 3090", "RTX 4090")),
        ({"reliability": {"gt": "0.98"}}, lambda row: row["reliability"] > 0.98),
        ({"reliability2": {"lte": 0.98}}, lambda row: row["reliability"] <= 0.98),
        ({"dph": {"lt": 0.5}}, lambda row: row["dph_total"] < 0.5),
        ({"dph_total": {"gte": 0.1, "lte": 0.2}}, lambda row: 0.1 <= row["dph_total"] <= 0.2),
        ({"geolocation": {"eq": "CA"}}, lambda row: row["geolocation"].endswith("CA")),
        ({"geolocation": {"notin": ["US", "CN"]}}, lambda row: row["geolocation"][-2:] not in ("US", "CN")),
        ({"verified": {"eq": True}}, lambda row: row["verification"] == "verified"),
        ({"verification": {"eq": "deverified"}}, lambda row: row["verification"] == "deverified"),
        ({"datacenter": {"eq": True}}, lambda row: row["hosting_type"] == 1),
        ({"external": {"eq": False}}, lambda row: not row["external"]),
        ({"static_ip": {"eq": True}}, lambda row: row["static_ip"] is True),
        ({"rented": {"eq": True}}, lambda row: row["rented"] is False),
        ({"driver_version": {"gte": 560000000}}, lambda row: row["driver_vers"] >= 560000000),
        ({"cuda_max_good": {"gte": "12.4"}}, lambda row: row["cuda_max_good"] >= 12.4),
        ({"gpu_ram": {"gte": 24000.0}}, lambda row: row["gpu_ram"] >= 24000),
        ({"duration": {"gt": 259200.0}}, lambda row: row["duration"] > 259200),
    ],
)
def test_a_condition_keeps_exactly_the_rows_it_names(shop: Caller, condition: dict[str, Any], holds: Any) -> None:
    some = {"verified": {}, **condition}
    rows = shop.everything(**some)
    assert all(holds(row) for row in rows)
    assert {row["id"] for row in shop.search(**some)} <= {row["id"] for row in rows}
    kept = {row["id"] for row in rows}
    left = [row for row in shop.everything(verified={}) if row["id"] not in kept]
    known = [row for row in left if row["geolocation"] and row["driver_vers"] and row["cuda_max_good"]]
    assert not [row for row in known if holds(row)]


def test_a_filter_on_id_matches_nothing_but_ask_contract_id_does(caller: Caller) -> None:
    one = caller.search()[0]["id"]
    assert caller.search(id={"eq": one}) == []
    assert field(caller.search(ask_contract_id={"eq": one}), "id") == [one]


def test_a_wrong_gpu_name_is_answered_with_an_empty_list(caller: Caller) -> None:
    assert caller.search(**ANYTHING, gpu_name={"eq": "A100 SXM"}) == []


def test_order_sorts_by_several_fields(shop: Caller) -> None:
    rows = shop.search(**ANYTHING, order=[["num_gpus", "desc"], ["dph_total", "asc"]])
    assert rows == sorted(rows, key=lambda row: (-row["num_gpus"], row["dph_total"]))


def test_paging_upwards_by_price_reaches_every_bundle(caller: Caller) -> None:
    query = {**ANYTHING, "gpu_name": {"eq": "RTX 4090"}, "rentable": {"eq": True}, "order": [["dph_total", "asc"]]}
    bundles = {row["bundle_id"] for row in caller.everything(**query)}
    seen, low = set[int](), 0.0
    for _ in range(12):
        page = caller.search(**query, dph_total={"gte": low})
        seen |= {row["bundle_id"] for row in page}
        low = page[-1]["dph_total"]
    assert seen == bundles


@pytest.mark.parametrize(
    "body",
    [
        {"num_gpus": 1},
        {"num_gpus": ["eq", 1]},
        {"num_gpus": {"equals": 1}},
        {"num_gpus": {"in": 1}},
        {"geolocation": {"gt": "US"}},
        {"no_such_field": {"eq": 1}},
        {"order": "dph_total"},
        {"order": [["dph_total"]]},
        {"order": [["no_such_field", "asc"]]},
        {"limit": "many"},
        {"type": "gift"},
        {"allocated_storage": "much"},
    ],
)
def test_a_malformed_search_is_refused_as_an_invalid_request(caller: Caller, body: dict[str, Any]) -> None:
    status, content = caller.send("POST", "/api/v0/bundles/", body)
    assert (status, content["success"], content["error"]) == (400, False, "invalid_request")


def test_the_newer_search_route_answers_the_same_and_cuts_columns(caller: Caller) -> None:
    body = {"select_cols": ["id", "dph_total"], "q": {"limit": 2, "order": [["dph_total", "asc"]]}}
    offers = caller.ok("PUT", "/api/v0/search/asks/", body)["offers"]
    assert [set(row) for row in offers] == [{"id", "dph_total"}] * 2


@pytest.mark.recorded
def test_a_recorded_row_is_served_as_it_was_recorded(recorded_row: tuple[dict[str, Any], dict[str, Any]]) -> None:
    served, original = recorded_row
    moved = ("score", "duration", "dph_total_adj")
    assert set(original) <= set(served)
    for name, value in original.items():
        if name in moved:
            continue
        if isinstance(value, float):
            assert served[name] == pytest.approx(value, rel=1e-9), name
        elif not isinstance(value, dict):
            assert served[name] == value, name
