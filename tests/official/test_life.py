"""The life of an instance, from search to destruction, by the official command line."""

from __future__ import annotations

import json

from .desks import Desk


def test_a_full_life_by_the_official_command_line(desk: Desk) -> None:
    offer = desk.offers()[0]
    made = desk.raw(
        "create", "instance", offer["id"], "--image", "acme/app:1", "--disk", "32", "--ssh", "--direct",
        "--label", "pool-a", "--env", "-e A=1 -p 8000:8000 -h myhost", "--onstart-cmd", "echo hi", "--cancel-unavail",
    )  # fmt: skip
    number = made["new_contract"]
    assert made["success"] is True
    assert len(made["instance_api_key"]) == 64

    shown = desk.raw("show", "instance", number)
    assert (shown["label"], shown["disk_space"], shown["machine_id"]) == ("pool-a", 32.0, offer["machine_id"])
    assert shown["extra_env"] == {"A": "1", "-p 8000:8000": "1", "-h": "myhost"}
    assert (shown["onstart"], shown["image_runtype"]) == ("echo hi", "ssh_direc ssh_proxy")
    desk.until(lambda: desk.raw("show", "instances")[0]["actual_status"] == "running")

    running = desk.raw("show", "instances")[0]
    port = running["ports"]["22/tcp"][0]["HostPort"]
    assert running["public_ipaddr"] == running["public_ipaddr"].strip()
    assert "8000/tcp" in running["ports"]
    assert desk.said("ssh-url", number) == f"ssh://root@{running['public_ipaddr']}:{port}"
    assert desk.said("scp-url", number) == f"scp://root@{running['public_ipaddr']}:{port}"
    assert "Starting acme/app:1" in desk.said("logs", number)

    assert desk.said("label", "instance", number, "pool/ü b") == f"label for {number} set to pool/ü b."
    assert desk.raw("show", "instance", number)["label"] == "pool/ü b"
    assert desk.said("stop", "instance", number) == f"stopping instance {number}."
    desk.wait(30)
    stopped = desk.raw("show", "instance", number)
    assert (stopped["intended_status"], stopped["cur_state"], stopped["actual_status"]) == ("stopped",) * 2 + (
        "exited",
    )
    assert desk.said("start", "instance", number) == f"starting instance {number}."
    desk.until_status(number, "running")

    assert desk.said("reboot", "instance", number) == f"Rebooting instance {number}."
    desk.until_status(number, "running")
    assert desk.said("recycle", "instance", number) == f"Recycling instance {number}."
    desk.until_status(number, "running")
    assert desk.said("destroy", "instance", number, "-y") == f"destroying instance {number}."
    assert desk.raw("show", "instances") == []


def test_a_life_on_a_bid_by_the_official_command_line(desk: Desk) -> None:
    offer = desk.offers("num_gpus=1 verified=true", "-i", "--limit", "5")[0]
    assert offer["is_bid"] is True
    assert offer["dph_base"] == offer["min_bid"]
    bid = offer["min_bid"] * 1.5
    made = desk.raw("create", "instance", offer["id"], "--image", "acme/app:1", "--bid_price", bid)
    number = made["new_contract"]
    assert made["success"] is True
    assert desk.row(number)["is_bid"] is True
    assert desk.said("change", "bid", number, "--price", offer["min_bid"] * 1.8) == "Per gpu bid price changed"
    assert desk.said("change", "bid", number) == "Per gpu bid price changed"
    refused = desk.run("change", "bid", number, "--price", "0.0001")
    assert refused.err.strip() == "Failed with error 400: Please set a bid price >= 0.001."


def test_several_instances_are_created_started_stopped_and_destroyed_at_once(desk: Desk) -> None:
    offers = desk.offers("num_gpus=1 dph<1", "--limit", "6")
    machines = {row["machine_id"]: row["id"] for row in offers}
    asks = list(machines.values())[:3]
    desk.said("create", "instances", *asks, "--image", "acme/app:1")
    numbers = [row["id"] for row in desk.raw("show", "instances")]
    assert len(numbers) == len(asks)
    assert desk.said("stop", "instances", *numbers) == f"stopping instance {numbers}."
    assert {row["intended_status"] for row in desk.raw("show", "instances")} == {"stopped"}
    assert desk.said("start", "instances", *numbers) == f"starting instance {numbers}."
    assert {row["intended_status"] for row in desk.raw("show", "instances")} == {"running"}
    assert desk.said("destroy", "instances", *numbers, "-y") == f"destroying instance {numbers}."
    assert desk.raw("show", "instances") == []


def test_an_instance_is_launched_in_one_call(desk: Desk) -> None:
    model = desk.offers()[0]["gpu_name"]
    made = desk.raw("launch", "instance", "-g", model.replace(" ", "_"), "-n", "1", "-i", "acme/app:1", "-d", "16")
    row = desk.row(made["new_contract"])
    assert (row["gpu_name"], row["disk_space"], row["image_uuid"]) == (model, 16.0, "acme/app:1")


def test_destroying_asks_first_and_without_an_answer_nothing_happens(desk: Desk) -> None:
    number = desk.created()
    ran = desk.run("destroy", "instance", number)
    assert (ran.code, "Aborted." in ran.out) == (0, True)
    assert desk.row(number)["id"] == number


def test_a_template_gives_the_image_and_the_request_wins(desk: Desk) -> None:
    wanted = "4e17788f74f075dd9aab7d0d4427968f"
    offer = desk.offers()[0]
    made = desk.raw(
        "create", "instance", offer["id"], "--template_hash", wanted, "--env", "-e DATA_DIRECTORY=/data -e B=2"
    )
    row = desk.raw("show", "instance", made["new_contract"])
    assert row["image_uuid"] == "vastai/pytorch:2.8.0-cuda-12.8.1"
    assert (row["template_hash_id"], row["template_name"]) == (wanted, "PyTorch (Vast)")
    assert row["extra_env"]["DATA_DIRECTORY"] == "/data"
    assert row["extra_env"]["B"] == "2"
    assert row["extra_env"]["-p 8080:8080"] == "1"


def test_update_instance_changes_what_runs(desk: Desk) -> None:
    number = desk.created("--env", "-e A=1")
    said = desk.said("update", "instance", number, "--image", "acme/app:2", "--env", json.dumps({"B": "2"}))
    assert said.startswith(f"Instance {number} updated successfully.")
    row = desk.row(number)
    assert (row["image_uuid"], row["extra_env"]) == ("acme/app:2", [["B", "2"]])


def test_every_kind_of_connection_is_taken_as_the_client_sends_it(desk: Desk) -> None:
    asks = list({row["machine_id"]: row["id"] for row in desk.offers()}.values())
    kinds = {
        "jupyter_direc ssh_direc ssh_proxy": ("--jupyter", "--direct"),
        "jupyter_proxy ssh_proxy": ("--jupyter",),
        "ssh_proxy": ("--ssh",),
        "ssh": (),
        "args": ("--args", "serve", "--port", "80"),
    }
    for (runtype, words), ask in zip(kinds.items(), asks, strict=False):
        desk.said("create", "instance", ask, "--image", "acme/app:1", *words)
        assert desk.simulation.instances()[-1]["image_runtype"] == runtype
    last = desk.simulation.instances()[-1]
    assert last["image_args"] == ["serve", "--port", "80"]
    first = desk.simulation.instances()[0]
    desk.until_status(first["id"], "running")
    assert {"22/tcp", "8080/tcp"} <= desk.row(first["id"])["ports"].keys()
    port = desk.simulation.instances()[1]["ssh_port"]
    assert desk.said("ssh-url", desk.simulation.instances()[1]["id"]).endswith(f".vast.ai:{port + 1}")
