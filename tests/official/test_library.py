"""The life of an instance by the official library: `VastAI` and the older `SyncClient`."""

from __future__ import annotations

from .desks import Desk


def test_a_full_life_by_the_official_library(desk: Desk) -> None:
    offer = desk.call("search_offers", query="num_gpus=1 direct_port_count>=5 dph<1", order="dph_total", limit=3)[0]
    made = desk.call(
        "create_instance", offer["id"], image="acme/app:1", disk=32, label="pool-a", env={"A": "1"}, ssh=True,
        direct=True, onstart_cmd="echo hi", cancel_unavail=True,
    )  # fmt: skip
    number = made["new_contract"]
    shown = desk.call("show_instance", number)
    assert (shown["label"], shown["extra_env"], shown["image_runtype"]) == (
        "pool-a",
        {"A": "1"},
        "ssh_direc ssh_proxy",
    )
    desk.until(lambda: desk.call("show_instances")[0]["actual_status"] == "running")

    assert desk.call("ssh_url", number) == f"ssh://root@{shown['ssh_host']}:{shown['ssh_port']}"
    assert "Starting acme/app:1" in desk.call("logs", number, tail="50")
    assert desk.call("label_instance", number, "pool-b")["success"] is True
    assert desk.call("stop_instance", number) == {"success": True}
    assert desk.call("start_instance", number) == {"success": True}
    desk.until_status(number, "running")
    assert desk.call("reboot_instance", number) == {"success": True}
    desk.until_status(number, "running")
    assert desk.call("recycle_instance", number) == {"success": True}
    desk.until_status(number, "running")
    assert desk.call("prepay_instance", number, 5.0)["timescale"] > 0
    assert desk.row(number)["label"] == "pool-b"
    assert desk.call("destroy_instance", number)["success"] is True
    assert desk.call("show_instances") == []
    assert desk.call("show_instance", number) is None


def test_without_a_connection_the_library_names_no_runtype_and_gets_ssh(desk: Desk) -> None:
    made = desk.call("create_instance", desk.offers()[0]["id"], image="acme/app:1")
    assert desk.row(made["new_contract"])["image_runtype"] == "ssh"


def test_a_bid_by_the_official_library(desk: Desk) -> None:
    offer = desk.call("search_offers", query="num_gpus=1", type="bid", order="dph_total", limit=3)[0]
    made = desk.call("create_instance", offer["id"], image="acme/app:1", bid_price=offer["min_bid"] * 1.5)
    assert made["success"] is True
    assert desk.call("change_bid", made["new_contract"], price=offer["min_bid"] * 1.6) == {"success": True}


def test_an_instance_is_launched_by_the_official_library(desk: Desk) -> None:
    made = desk.call("launch_instance", "RTX_3090", "1", "acme/app:1", disk=20)
    assert desk.row(made["new_contract"])["gpu_name"] == "RTX 3090"


def test_the_older_client_creates_finds_and_destroys(desk: Desk) -> None:
    offer = desk.call("search", of="SyncClient", query={"num_gpus": {"eq": 1}}, limit=1)[0]
    made = desk.call("create_instance", offer["id"], of="SyncClient", image="acme/app:1", disk=10.0, label="x")
    assert (made["label"], made["disk_space"]) == ("x", 10.0)
    assert desk.call("destroy_instance", made["id"], of="SyncClient") is None
    assert desk.call("show_instances", of="SyncClient") == []
