"""Volumes, in shape only: they can be made, listed and deleted, and cost nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.simulator.answers import Answer, answer, refusal
from reconciler.simulator.conditions import number

if TYPE_CHECKING:
    from reconciler.simulator.incoming import Request
    from reconciler.simulator.world import World

_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")


def listed(world: World, _request: Request) -> Answer:
    """The account's volumes."""
    return answer({"success": True, "volumes": world.account.volumes})


def offers(_world: World, _request: Request) -> Answer:
    """Volume offers: there are none."""
    return answer({"offers": []})


def made(world: World, request: Request) -> Answer:
    """A new volume; which offer it is made of does not matter here."""
    offer, size, name = (request.body.get(word) for word in ("id", "size", "name"))
    gigabytes = number(size)
    if not isinstance(offer, int) or gigabytes is None or gigabytes <= 0:
        raise refusal(400, "invalid_args", "error 400/1782: Invalid args: id and size")
    if name is not None and not (isinstance(name, str) and _NAME.fullmatch(name)):
        raise refusal(422, "invalid_args", "Volume names have letters, digits and underscores only.")
    volume = world.ids.take()
    world.account.volumes.append({
        "id": volume, "label": name, "disk_space": gigabytes, "status": "created", "start_date": world.now,
        "machine_id": None, "instances": [],
    })  # fmt: skip
    return answer({"success": True, "volume_name": f"V.{volume}", "volume_id": volume})


def deleted(world: World, request: Request) -> Answer:
    """Remove a volume; its id stands in the query, or in the body as the official client sends it."""
    wanted = number(request.query.get("id", request.body.get("id")))
    kept = [volume for volume in world.account.volumes if volume["id"] != wanted]
    if len(kept) == len(world.account.volumes):
        raise refusal(404, "no_such_volume", "Volume not found.")
    world.account.volumes = kept
    return answer({"success": True})
