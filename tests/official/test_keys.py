"""SSH keys with the official client, of the account and of one instance."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

from .desks import Desk

FIRST, SECOND = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFirst me@here", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAISecond me"


def keys_of(desk: Desk, instance_id: int) -> list[dict[str, Any]]:
    status, _, body = desk.simulation.handle(
        "GET", f"/api/v0/instances/{instance_id}/ssh/", "", {"authorization": "Bearer k"}, b""
    )
    assert status == 200
    found: list[dict[str, Any]] = json.loads(json.loads(body)["ssh_keys"])
    return found


def test_an_account_without_keys_answers_404(desk: Desk) -> None:
    ran = desk.run("show", "ssh-keys")
    assert (ran.code, ran.err.strip()) == (0, "Failed with error 404: No SSH keys found for the user.")


def test_the_keys_of_an_account_are_added_shown_changed_and_deleted(desk: Desk) -> None:
    said = desk.said("create", "ssh-key", FIRST)
    assert "'success': True" in said
    shown = desk.raw("show", "ssh-keys")
    assert [(key["id"], key["public_key"], key["deleted_at"]) for key in shown] == [(1, FIRST, None)]
    assert ast.literal_eval(desk.said("update", "ssh-key", 1, SECOND))["key"]["public_key"] == SECOND
    assert desk.raw("show", "ssh-keys")[0]["public_key"] == SECOND
    assert ast.literal_eval(desk.said("delete", "ssh-key", 1)) == {"success": True}
    assert desk.run("show", "ssh-keys").err.startswith("Failed with error 404")
    assert desk.run("delete", "ssh-key", 1).err.strip() == "Failed with error 400: SSH key not found"


def test_an_instance_keeps_the_keys_of_its_day_and_others_are_attached(desk: Desk, tmp_path: Path) -> None:
    desk.said("create", "ssh-key", FIRST)
    number = desk.created("--ssh")
    desk.said("create", "ssh-key", "ssh-rsa later")
    assert [key["public_key"] for key in keys_of(desk, number)] == [FIRST]
    file = tmp_path / "key.pub"
    file.write_text(SECOND + "\n")
    said = ast.literal_eval(desk.said("attach", "ssh", number, file))
    assert said == {"success": True, "msg": "SSH key attached successfully"}
    attached = keys_of(desk, number)
    assert [key["public_key"].strip() for key in attached] == [FIRST, SECOND]
    said = ast.literal_eval(desk.said("detach", "ssh", number, attached[0]["id"]))
    assert said == {"success": True, "msg": "SSH key removed from instance."}
    assert [key["public_key"].strip() for key in keys_of(desk, number)] == [SECOND]
    assert desk.run("detach", "ssh", number, 99).err.startswith("Failed with error 404")


def test_the_library_manages_keys_too(desk: Desk) -> None:
    made = desk.call("create_ssh_key", FIRST)
    assert made["key"]["public_key"] == FIRST
    assert [key["id"] for key in desk.call("show_ssh_keys")] == [made["key"]["id"]]
    number = desk.created("--ssh")
    assert desk.call("attach_ssh", number, SECOND)["success"] is True
    assert desk.call("detach_ssh", number, str(made["key"]["id"]))["success"] is True
    assert desk.call("delete_ssh_key", made["key"]["id"]) == {"success": True}
