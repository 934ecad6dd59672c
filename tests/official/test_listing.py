"""`show instances` in all its forms, over more than one page."""

from __future__ import annotations

import re

import pytest

from .desks import Desk

MANY = 27


@pytest.fixture
def full(desk: Desk) -> Desk:
    """An account with more instances than one page holds, three of them labelled."""
    asks: dict[int, int] = {}
    for price in ("<0.15", "<0.3", ">0.3"):
        for row in desk.offers(f"num_gpus=1 dph{price}", "--storage", "8"):
            asks.setdefault(row["machine_id"], row["id"])
    assert len(asks) >= MANY
    chosen = list(asks.values())[:MANY]
    desk.said("create", "instances", *chosen[:3], "--image", "acme/app:1", "--label", "pool-a")
    desk.said("create", "instances", *chosen[3:], "--image", "acme/app:1")
    assert len(desk.simulation.instances()) == MANY
    return desk


def test_every_form_of_the_list_shows_what_it_should(full: Desk) -> None:
    numbers = [row["id"] for row in full.simulation.instances()]
    assert [row["id"] for row in full.raw("show", "instances")] == numbers
    assert [int(line) for line in full.said("show", "instances", "-q").split()] == numbers

    first = full.raw("show", "instances", "--limit", "20")
    assert (first["instances_found"], first["total_instances"]) == (20, MANY)
    assert first["label_counts"] == {"pool-a": 3, "": MANY - 3}
    rest = full.raw("show", "instances", "--next-token", first["next_token"])
    assert [row["id"] for row in first["instances"] + rest["instances"]] == numbers
    assert rest["next_token"] is None

    labelled = full.raw("show", "instances", "--label", "pool-a")
    assert [row["id"] for row in labelled] == numbers[:3]
    assert len(full.raw("show", "instances", "--label", "")) == MANY - 3
    backwards = full.raw("show", "instances", "--order-by", "id desc")
    assert [row["id"] for row in backwards] == numbers[::-1]
    assert full.raw("show", "instances", "--gpu-name", "no such") == []

    wrong = full.run("show", "instances", "--next-token", "????", "--raw")
    assert '"status_code": 400' in wrong.err


def test_the_tables_name_every_instance_and_what_can_be_filtered_by(full: Desk) -> None:
    full.wait(300)
    ran = full.run("show", "instances")
    assert ran.code == 0
    assert "Filterable Values" in ran.out
    assert "Results Summary" in ran.out
    for row in full.simulation.instances():
        assert re.search(rf"\b{row['id']}\b", ran.out)
    verbose = full.run("show", "instances", "-v", "--status", "running")
    assert verbose.code == 0
    assert "running" in verbose.out


def test_the_library_lists_counts_and_shows(full: Desk) -> None:
    numbers = [row["id"] for row in full.simulation.instances()]
    assert [row["id"] for row in full.call("show_instances")] == numbers
    assert full.call("show_instance", numbers[0])["id"] == numbers[0]
