"""The key scopes that docs/security.md prints are enough for what it says, and none of them can be left out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .stub import TEMPLATE, Reply, Seen, Stub, offer_rows, says
from .world import Desk, fleet

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")
CATEGORIES = frozenset(
    ["instance_read", "instance_write", "user_read", "user_write", "billing_read", "billing_write", "machine_read",
     "machine_write", "misc", "team_read", "team_write"]
)  # fmt: skip
"""All that a key may have (documented)."""

SCOPE_OF = {
    ("POST", "/api/v0/bundles/"): "misc",
    ("PUT", "/api/v0/asks/"): "instance_write",
    ("GET", "/api/v1/instances/"): "instance_read",
    ("GET", "/api/v0/instances/"): "instance_read",
    ("DELETE", "/api/v0/instances/"): "instance_write",
    ("GET", "/api/v0/users/current"): "user_read",
    ("GET", "/api/v0/template/"): "user_read",
}
"""Which scope a route needs (documented); a route that is not here is one that the page has forgotten."""

FROM_TEMPLATE = fleet().replace('image: "ghcr.io/acme/june:1"', f"vast_template: {TEMPLATE}")


def printed(name: str) -> dict[str, Any]:
    """The JSON below a heading of the page."""
    found: dict[str, Any] = json.loads(re.findall(rf"### {name}\n.*?```json\n(.*?)```", PAGE, re.DOTALL)[0])
    return found


PLAN, APPLY = (frozenset(printed(name)["api"]) for name in ("A key that plans", "A key that applies"))


def scope_of(request: Seen) -> str:
    return next(scope for (m, path), scope in SCOPE_OF.items() if m == request.method and request.path.startswith(path))


class Scoped(Stub):
    """An account whose key may do so much and no more."""

    scopes: frozenset[str] = CATEGORIES

    def honestly(self, request: Seen) -> Reply:
        needed = scope_of(request)
        if needed in self.scopes:
            return super().honestly(request)
        return Reply(403, {"success": False, "error": "forbidden", "msg": f"missing scope {needed}"})


@pytest.fixture
def scoped() -> Iterator[Scoped]:
    with Scoped(offer_rows(6)) as running:
        yield running


def lives(scoped: Scoped, folder: Path, document: str) -> list[int]:
    """The exit codes of a whole life: rent, look, replace a lost one, scale to zero."""
    desk = Desk(scoped, folder)
    desk.declare(document)
    codes = [desk.apply(wait=True).code, desk.plan().code]
    scoped.instances.clear()
    scoped.instances[7] = {**scoped.instances.get(7, {}), "id": 7, "label": None}
    desk.clock.time += 1000
    codes.append(desk.apply(wait=True).code)
    desk.declare(document.replace("replicas: 1", "replicas: 0"))
    codes.append(desk.apply(wait=True).code)
    return codes


def test_the_scopes_are_scopes():
    assert PLAN < APPLY < CATEGORIES
    for name in ("A key that plans", "A key that applies"):
        assert set(printed(name)) == {"api"}
        assert all(constraint == {} for constraint in printed(name)["api"].values())


@pytest.mark.parametrize("document", [fleet(), FROM_TEMPLATE], ids=["an image", "a template"])
def test_the_key_that_applies_may_do_all_that_apply_does(scoped, tmp_path, document):
    scoped.scopes = APPLY
    assert lives(scoped, tmp_path, document) == [0, 0, 0, 0]
    assert {scope_of(request) for request in scoped.seen} == APPLY


@pytest.mark.parametrize("left_out", sorted(APPLY))
def test_without_any_one_of_its_scopes_apply_rents_nothing(scoped, tmp_path, left_out):
    scoped.scopes = APPLY - {left_out}
    ran = Desk(scoped, tmp_path).apply()
    assert ran.code != 0
    assert scoped.instances == {}


def test_the_key_that_plans_may_plan_and_change_nothing(scoped, tmp_path):
    scoped.scopes = PLAN
    desk = Desk(scoped, tmp_path)
    planned = desk.plan()
    assert planned.code == 0
    assert "1 to create" in planned.out
    assert "ccount not pinned" in planned.out
    assert desk.apply().code == 1
    assert scoped.mutations == []


@pytest.mark.parametrize("left_out", sorted(PLAN))
def test_without_any_one_of_its_scopes_there_is_no_plan(scoped, tmp_path, left_out):
    scoped.scopes = PLAN - {left_out}
    assert Desk(scoped, tmp_path).plan().code == 1


# --- templates, where the policy names the images that it admits ------------------------------------

POLICY = "kind: Policy\nimages: {allow: [%s]}\n"


def test_a_template_that_cannot_be_looked_up_is_not_rented_from_where_images_are_named(stub, desk):
    desk.declare(FROM_TEMPLATE, POLICY % "vastai/*")
    stub.always("template", says(403, {"success": False, "error": "forbidden", "msg": "missing scope user_read"}))
    ran = desk.apply()
    assert (ran.code, stub.mutations) == (4, [])
    assert "could not be looked up" in ran.said
    stub.honest("template")
    assert desk.apply().code == 0
    assert len(stub.mutations) == 1


def test_a_template_that_cannot_be_looked_up_is_rented_from_where_no_images_are_named(stub, desk):
    desk.declare(FROM_TEMPLATE)
    stub.always("template", says(403, {"success": False, "error": "forbidden", "msg": "missing scope user_read"}))
    assert desk.apply().code == 0


@pytest.mark.parametrize("image", [None, "docker.io/miner/xmr", "x" * 5000, "vastai/pytorch\u202e", "*"])
def test_a_template_with_another_image_is_not_rented_from(stub, desk, image):
    stub.templates[TEMPLATE] = {"hash_id": TEMPLATE, "name": "PyTorch", "image": image}
    desk.declare(FROM_TEMPLATE, POLICY % "vastai/*")
    ran = desk.apply()
    assert (ran.code, stub.mutations) == (4, [])
    assert "images.allow" in ran.said
