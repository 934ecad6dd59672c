"""Credit, charges, payments, prepayment, price increases and volumes with the official client."""

from __future__ import annotations

import pytest

from .desks import Desk

RANGE = ("-s", "2026-11-01", "-e", "2026-12-31")


def test_the_user_has_credit_that_burns(desk: Desk) -> None:
    assert desk.raw("show", "user")["credit"] == 250.0
    assert "simulated@example.com" in desk.said("show", "user")
    desk.running()
    desk.wait(7200)
    assert desk.call("show_user")["credit"] < 250.0


def test_charges_name_every_instance_with_its_parts_and_lag(desk: Desk) -> None:
    first, second = desk.running("--label", "pool-a"), desk.running()
    desk.wait(3600)
    desk.said("destroy", "instance", second, "-y")
    desk.wait(900)
    desk.said("destroy", "instance", first, "-y")
    early = desk.raw("show", "invoices-v1", "--charges", *RANGE)
    desk.wait(600)
    late = desk.raw("show", "invoices-v1", "--charges", *RANGE)
    assert (late["count"], late["total"], late["next_token"]) == (2, 2, None)
    rows = {row["source"]: row for row in late["results"]}
    assert rows.keys() == {f"instance-{first}", f"instance-{second}"}
    assert rows[f"instance-{first}"]["metadata"] == {"label": "pool-a"}
    for row in rows.values():
        assert {item["type"] for item in row["items"]} == {"gpu", "disk", "bwd", "bwu"}
        assert row["amount"] == pytest.approx(sum(item["amount"] for item in row["items"]))
    total = sum(row["amount"] for row in late["results"])
    assert total == pytest.approx(250 - desk.raw("show", "user")["credit"])
    assert sum(row["amount"] for row in early["results"]) < total

    page = desk.raw("show", "invoices-v1", "--charges", *RANGE, "--limit", "1")
    following = desk.raw("show", "invoices-v1", "--charges", *RANGE, "-l", "1", "--next-token", page["next_token"])
    assert {page["results"][0]["source"], following["results"][0]["source"]} == rows.keys()
    table = desk.said("show", "invoices-v1", "--charges", *RANGE, "--full")
    assert str(first) in table
    tree = desk.said("show", "invoices-v1", "--charges", *RANGE, "-f", "tree", "-v", "--full")
    assert "gpu" in tree
    assert desk.raw("show", "invoices-v1", "--charges", *RANGE, "-ct", "v")["results"] == []


def test_the_one_payment_is_the_credit_that_the_account_began_with(desk: Desk) -> None:
    found = desk.raw("show", "invoices-v1", "--invoices", *RANGE)
    assert [(row["type"], row["amount"]) for row in found["results"]] == [("credit", -250.0)]
    assert "$250.00" in desk.said("show", "invoices-v1", "--invoices", *RANGE, "--full")
    assert desk.raw("show", "invoices-v1", "--invoices", "-s", "2025-01-01", "-e", "2025-02-01")["results"] == []


def test_a_prepayment_has_a_discount_and_needs_credit(desk: Desk) -> None:
    number = desk.running()
    assert desk.said("prepay", "instance", number, 5).startswith("prepaid for ")
    assert desk.run("prepay", "instance", number, 9999).err.strip() == "Failed with error 411: Insufficient credit"


def test_a_host_asks_for_more_near_the_end_and_gets_an_answer(desk: Desk) -> None:
    assert desk.said("show", "pending-price-increases") == "No pending price increases."
    offers = desk.offers("num_gpus=1 dph<1", "-o", "duration")
    asks = list({row["machine_id"]: row["id"] for row in offers}.values())[:8]
    desk.said("create", "instances", *asks, "--image", "acme/app:1")
    first = min(desk.simulation.instances(), key=lambda row: row["end_date"])
    desk.wait(max(0.0, first["end_date"] - desk.simulation.clock.now() - 86400))
    rows = desk.raw("show", "pending-price-increases")["pending_price_increases"]
    assert rows
    row = rows[0]
    assert row["new_gpu_costpersec"] > row["old_gpu_costpersec"]
    assert row["ask_end_date"] > row["contract_end_date"]
    assert str(row["pending_price_increase_id"]) in desk.said("show", "pending-price-increases", "-q").split()
    said = desk.said("accept", "price-increase", row["contract_id"], "--yes")
    assert f"contract_id={row['contract_id']}" in said
    again = desk.run("accept", "price-increase", row["contract_id"], "--yes")
    assert again.code == 2
    for other in rows[1:2]:
        assert desk.call("reject_price_increase", other["contract_id"])["success"] is True
    price = desk.row(row["contract_id"])["dph_base"]
    desk.wait(row["contract_end_date"] - desk.simulation.clock.now() + 60)
    after = desk.row(row["contract_id"])
    assert after["intended_status"] == "running"
    assert after["end_date"] == row["ask_end_date"]
    assert after["dph_base"] == pytest.approx(price * row["new_gpu_costpersec"] / row["old_gpu_costpersec"])


def test_volumes_can_be_made_listed_and_deleted(desk: Desk) -> None:
    assert desk.raw("show", "volumes") == []
    made = desk.raw("create", "volume", 123, "-s", 15, "-n", "data_1")
    assert made["volume_name"] == f"V.{made['volume_id']}"
    assert [row["label"] for row in desk.raw("show", "volumes")] == ["data_1"]
    assert "data_1" in desk.said("show", "volumes")
    assert desk.run("create", "volume", 123, "-s", 15, "-n", "no name").err.startswith("Failed with error 422")
    desk.said("delete", "volume", made["volume_id"])
    assert desk.raw("show", "volumes") == []
