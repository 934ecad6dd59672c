"""Searching offers with the official client: both forms, all kinds of rental, its own query language."""

from __future__ import annotations

import pytest

from .desks import Desk


def test_the_default_search_prints_at_most_64_verified_rentable_offers(desk: Desk) -> None:
    lines = desk.said("search", "offers").splitlines()
    assert lines[0].split()[:4] == ["#", "ID", "CUDA", "N"]
    assert len(lines) == 65
    rows = desk.raw("search", "offers")
    assert {(row["verification"], row["rentable"]) for row in rows} == {("verified", True)}
    scores = [row["score"] for row in rows]
    assert scores == sorted(scores, reverse=True)


def test_numbers_are_sent_as_strings_and_still_compared_as_numbers(desk: Desk) -> None:
    rows = desk.raw("search", "offers", "-n", "num_gpus=1 verified=any rentable=any")
    assert {row["num_gpus"] for row in rows} == {1}
    assert all(row["reliability"] > 0.98 for row in desk.raw("search", "offers", "reliability>0.98 cpu_cores>=8"))


def test_the_long_query_of_the_manual_holds_in_every_row(desk: Desk) -> None:
    rows = desk.raw(
        "search", "offers", "-i", "--limit", "5", "--storage", "50", "-o", "dph_total,score-",
        'gpu_name in ["RTX 4090", "RTX 3090"] geolocation notin [CN,VN] gpu_ram>=24 cpu_ram>8 duration>3 '
        "reliability>0.9 inet_down>=200 dph<2 cuda_vers>=12.1 driver_version>=535.86.05 direct_port_count>=2 "
        "datacenter=any verified=any",
    )  # fmt: skip
    assert 0 < len(rows) <= 5
    for row in rows:
        assert row["gpu_name"] in ("RTX 4090", "RTX 3090")
        assert not row["geolocation"].endswith(("CN", "VN"))
        assert row["gpu_ram"] >= 24000
        assert row["duration"] > 3 * 86400
        assert row["driver_vers"] >= 535086005
        assert row["is_bid"] is True
        assert row["storage_total_cost"] == pytest.approx(row["storage_cost"] * 50 / 720)
    prices = [row["dph_total"] for row in rows]
    assert prices == sorted(prices)


def test_the_new_search_gives_the_same_kind_of_rows(desk: Desk) -> None:
    rows = desk.raw("search", "offers", "--new", "gpu_name=RTX_4090 num_gpus>=1", "--limit", "3")
    assert [row["gpu_name"] for row in rows] == ["RTX 4090"] * 3
    old = desk.raw("search", "offers", "gpu_name=RTX_4090 num_gpus>=1", "--limit", "3")
    assert rows[0].keys() == old[0].keys()


def test_reserved_offers_have_a_table_of_their_own(desk: Desk) -> None:
    lines = desk.said("search", "offers", "--type", "reserved", "--limit", "1").splitlines()
    assert len(lines) == 2


def test_an_unknown_field_is_refused_in_the_documented_words(desk: Desk) -> None:
    ran = desk.run("search", "offers", "georegion=true")
    assert ran.code == 0
    assert (
        ran.err.splitlines()[-1]
        == "Failed with error 400: Error in query parameters: georegion is not a valid search key"
    )


def test_the_library_searches_in_both_forms_and_expands_regions(desk: Desk) -> None:
    europe = desk.call("search_offers", query="georegion=true geolocation=EU num_gpus=1", limit=8)
    assert europe
    assert all("US" not in row["geolocation"] for row in europe)
    assert len(desk.call("search_offers", limit=3)) == 3
    assert len(desk.call("search_offers_new", query="num_gpus=2", limit=2)) == 2
    cheap = desk.call("search", of="SyncClient", query={"num_gpus": {"eq": 1}}, limit=4, order=[["dph_total", "asc"]])
    assert [row["num_gpus"] for row in cheap] == [1] * 4


def test_templates_are_found_by_the_query_language(desk: Desk) -> None:
    found = desk.raw("search", "templates", "count_created > 100 name=vLLM")
    assert [(one["name"], one["image"]) for one in found] == [("vLLM", "vllm/vllm-openai")]
    known = desk.call("search_templates", query="hash_id=4e17788f74f075dd9aab7d0d4427968f")
    assert [one["name"] for one in known] == ["PyTorch (Vast)"]
    assert desk.call("search_templates", query="name=nobody") == []
    assert desk.said("search", "templates", "count_created>9000000") == "[]"
