"""Rules of `host.query` against the served market: the server lets through what our own judgement lets through."""

from __future__ import annotations

import json

import pytest

from reconciler.core.clauses import refuses
from reconciler.core.offer import OfferQuery
from reconciler.core.query_language import understand
from reconciler.vast.decode import decode
from reconciler.vast.offers import offer, offers
from reconciler.vast.query_fields import FIELDS, LANGUAGE
from reconciler.vast.search import search_body

from .doors import Caller

QUERIES = [
    "pcie_bw>=10 compute_cap>=860",
    "gpu_ram>=11 gpu_ram<25 cpu_ram>32",
    "geolocation in [US,CA,SE]",
    "geolocation notin [US,CN]",
    "driver_version>=535.104 cuda_vers>=12.2",
    "reliability>0.98 duration>10 inet_down>=200",
    "static_ip=true datacenter=false has_avx=1",
    "cpu_arch=amd64 gpu_arch!=amd dlperf_usd>10",
    "machine_id>100 storage_cost<0.5 direct_port_count>4",
]


def body(text: str, **changes: object) -> dict[str, object]:
    clauses = understand(text, LANGUAGE).clauses
    return search_body(OfferQuery(models=(), gpu_count=1, disk_gb=20, clauses=clauses, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("text", QUERIES)
def test_what_the_server_answers_passes_our_own_judgement(shop: Caller, text: str) -> None:
    clauses = understand(text, LANGUAGE).clauses
    rows = decode(json.dumps(shop.search(**body(text))).encode())
    assert isinstance(rows, list)
    found = offers(rows)
    assert found
    assert [refuses(clause, each) for each in found for clause in clauses] == [None] * len(found) * len(clauses)


@pytest.mark.parametrize("text", QUERIES)
def test_what_the_server_keeps_back_fails_our_own_judgement(shop: Caller, text: str) -> None:
    """Of an answer without the clauses, the rows that they refuse are not in one with them."""
    clauses = understand(text, LANGUAGE).clauses
    rows = decode(json.dumps(shop.search(**body(""))).encode())
    assert isinstance(rows, list)
    refused = {each.id for each in offers(rows) if any(refuses(clause, each) for clause in clauses)}
    answered = {row["id"] for row in shop.search(**body(text))}
    assert refused & answered == set()


@pytest.mark.parametrize("name", FIELDS)
def test_the_server_knows_every_field(shop: Caller, name: str) -> None:
    text = {"country": "US", "version": "1", "flag": "true"}.get(FIELDS[name].known.kind, "100")
    if FIELDS[name].known.high < 100:
        text = "1"
    assert isinstance(shop.search(**body(f"{name}={text}")), list)


def test_known_machines_are_not_answered_again(shop: Caller) -> None:
    first = [offer(row) for row in decode(json.dumps(shop.search(**body(""))).encode())]  # type: ignore[attr-defined]
    known = tuple(each.machine_id for each in first if each is not None)
    assert known
    again = shop.search(**body("", not_machines=known))
    assert {row["machine_id"] for row in again} & set(known) == set()
