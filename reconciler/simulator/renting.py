"""Rent an ask: `PUT /api/v0/asks/{id}/`. Never idempotent: every success is another instance."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Answer, Refused, answer, refusal
from reconciler.simulator.bidding import contest, wins
from reconciler.simulator.conditions import number
from reconciler.simulator.contracts import Contract
from reconciler.simulator.fields import FROZEN_FIELDS
from reconciler.simulator.pricing import DEFAULT_STORAGE
from reconciler.simulator.rng import fraction, token
from reconciler.simulator.templates import completed

if TYPE_CHECKING:
    from reconciler.simulator.machines import Row
    from reconciler.simulator.world import World

LEAST_DISK = 8.0
LISTED_WITHIN = 1.8
"""Seconds after which the list shows a new instance, at most."""

LONGEST_LABEL = 256
LONGEST_IMAGE = 1024
LONGEST_SCRIPT = 4096
LONGEST_ENV = 256
LARGEST_ENV = 32768
PRICES = (0.001, 128.0)
"""Bids outside are refused, $/h."""

_HASH = re.compile(r"[0-9a-f]{32}")


def rent(world: World, ask_id: int, body: dict[str, Any]) -> Answer:
    """Answer a rent, in the order of the real checks: the arguments, the money, the ask."""
    body = completed(body)
    contract = _asked_for(world, ask_id, body)
    if world.credit <= 0:
        raise refusal(400, "insufficient_credit", "Your account lacks credit; see the billing page.")
    market = world.market()
    ask = market.find(ask_id)
    row = market.row(ask, world.now, contract.disk) if ask else None
    if ask is None or row is None or not row["rentable"]:
        raise _no_such_ask(ask_id)
    if contract.disk > row["disk_space"]:
        raise _invalid(ask_id, f"disk {contract.disk:g} GB is more than the {row['disk_space']:g} GB available")
    contract.terms, contract.mask = _terms(row), ask.mask
    won = wins(world, contract)
    if not won and body.get("cancel_unavail") is True:
        raise Refused(answer({"success": False, "error": "bid_too_low", "msg": "bid too low", "ask_id": ask_id}))
    contract.id = world.ids.take()
    if world.laws.late_list:
        contract.listed = world.now + LISTED_WITHIN * fraction(world.seed, "listed", contract.id)
    market.hold(ask.machine, ask.mask, soft=contract.bid is not None)
    contract.begin(world.seed, world.now, world.laws)
    world.contracts[contract.id] = contract
    if body.get("target_state") == "stopped":
        world.stop(contract)
    contest(world, contract)
    world.settle()
    key = token(world.seed, "key", contract.id)
    return answer({"success": won, "new_contract": contract.id, "instance_api_key": key})


def _asked_for(world: World, ask_id: int, body: dict[str, Any]) -> Contract:
    template = body.get("template_hash_id")
    if template is not None and not (isinstance(template, str) and _HASH.fullmatch(template)):
        raise _invalid(ask_id, "template_hash_id")
    return Contract(
        id=0,
        mask=0,
        terms={},
        image=_image(ask_id, body.get("image"), template),
        disk=_disk(ask_id, body.get("disk")),
        runtype=str(body.get("runtype") or ("args" if body.get("args") or body.get("args_str") else "ssh")),
        created=world.now,
        label=_label(ask_id, body.get("label")),
        env=_env(ask_id, body.get("env")),
        onstart=_script(ask_id, body),
        args=[str(one) for one in body.get("args") or []],
        template=template,
        bid=_bid(ask_id, body.get("price")),
    )


def _image(ask_id: int, image: object, template: str | None) -> str | None:
    if image is None and template is not None:
        return None
    if not isinstance(image, str) or not image or len(image) > LONGEST_IMAGE:
        raise _invalid(ask_id, "image")
    if ":" not in image.rpartition("/")[2] and "@" not in image:
        raise refusal(500, "server_error", "Something went wrong on the server", ask_id=ask_id)
    return image


def _disk(ask_id: int, disk: object) -> float:
    found = DEFAULT_STORAGE if disk is None else number(disk)
    if found is None or found < LEAST_DISK:
        raise _invalid(ask_id, f"disk must be at least {LEAST_DISK:g}")
    return found


def _label(ask_id: int, label: object) -> str | None:
    if label is not None and (not isinstance(label, str) or len(label) > LONGEST_LABEL):
        raise _invalid(ask_id, f"label is limited to {LONGEST_LABEL} characters")
    return label or None


def _env(ask_id: int, env: object) -> list[list[str]]:
    if env is None or isinstance(env, str):  # a text of docker flags is said to be ignored
        return []
    if not isinstance(env, dict):
        raise _invalid(ask_id, "env")
    pairs = [[str(name), str(value)] for name, value in env.items()]
    if any(max(len(name), len(value)) > LONGEST_ENV for name, value in pairs):
        raise _invalid(ask_id, f"env names and values are limited to {LONGEST_ENV} characters")
    if sum(len(name) + len(value) for name, value in pairs) > LARGEST_ENV:
        raise _invalid(ask_id, f"env is limited to {LARGEST_ENV} characters")
    return pairs


def _script(ask_id: int, body: dict[str, Any]) -> str | None:
    onstart, args = body.get("onstart"), body.get("args")
    if onstart is not None and not isinstance(onstart, str):
        raise _invalid(ask_id, "onstart")
    if args is not None and not isinstance(args, list):
        raise _invalid(ask_id, "args")
    length = len(onstart or "") + sum(len(str(one)) for one in args or []) + len(str(body.get("args_str") or ""))
    if length > LONGEST_SCRIPT:
        raise _invalid(ask_id, f"args, args_str and onstart are limited to {LONGEST_SCRIPT} characters together")
    return onstart


def _bid(ask_id: int, price: object) -> float | None:
    if price is None:
        return None
    found = number(price)
    if found is None or not PRICES[0] <= found <= PRICES[1]:
        raise refusal(400, "invalid_price", f"error 400/3467: Invalid args: price {price}", ask_id=ask_id)
    return found


def _terms(row: Row) -> Row:
    terms = {name: row.get(name) for name in FROZEN_FIELDS}
    worth = (row["dlperf_per_dphtotal"] or 0) * (row.get("reliability_mult") or 1)
    return {**terms, "score": worth, "public_ipaddr": row.get("public_ipaddr")}


def _invalid(ask_id: int, what: str) -> Refused:
    return refusal(400, "invalid_args", f"error 400/3467: Invalid args: {what}", ask_id=ask_id)


def _no_such_ask(ask_id: int) -> Refused:
    """Status 400 around a text that says 404: so several projects have met it, although the reference says 404."""
    text = f"error 404/3603: no_such_ask  Instance type by id {ask_id} is not available."
    return refusal(400, "invalid_args", text, ask_id=ask_id)
