"""Exactly these requests leave, field by field."""

from __future__ import annotations

from decimal import Decimal

import pytest

from reconciler import __version__
from reconciler.core.fields import spec_hash
from reconciler.core.label import Mark, Seat, read_label
from reconciler.spec.load import load

from .stub import KEY, offer_row, says
from .world import ended, fleet

RICH = """\
kind: Fleet
name: june-voice
gpu: {models: [RTX 3060, RTX 4060 Ti], min_vram_gb: 12}
regions:
  tiers: [{name: us, in: [US-CA, US]}]
  blocked: [RU]
price: {max_per_hour: 0.50}
host: {min_reliability: 0.9, min_download_mbps: 150}
container:
  image: ghcr.io/acme/june:2026-11-20
  registry_login: {server: ghcr.io, username: bot, password: {from_env: GHCR_READ_TOKEN}}
  disk_gb: 50
  ports: [8000, 8001/udp]
  env: {STT_PORT: "8001", HF_TOKEN: {from_env: HF_TOKEN}}
  onstart: "echo hello"
"""

TEMPLATE = """\
kind: Fleet
name: june
gpu: {{models: [RTX 3060]}}
price: {{max_per_hour: 1.00}}
container: {{vast_template: 4e17788f74f075dd9aab7d0d4427968f, disk_gb: 50{more}}}
"""

RENT = {"client_id": "me", "target_state": "running", "cancel_unavail": True}


@pytest.fixture
def applied(stub, shell):
    """A rich spec, applied once; the stub has seen it all."""
    shell.spec.write_text(RICH, encoding="utf-8")
    ran = ended(shell.start(*shell.line("--no-wait"), GHCR_READ_TOKEN="t0ken-of-ghcr", HF_TOKEN="hf-s3cret"))
    assert ran.code == 0, ran.said
    return ran


def test_one_apply_sends_seven_requests_with_the_key_in_one_header(stub, applied):
    assert [(r.method, r.path) for r in stub.seen] == [
        ("GET", "/api/v0/users/current"),
        ("GET", "/api/v1/instances/"),
        ("GET", "/api/v0/users/current"),  # an empty ledger is relied upon from here on: whose is it?
        ("POST", "/api/v0/bundles/"),
        ("POST", "/api/v0/bundles/"),  # the known machine left out: nothing cheaper is hidden behind it
        ("PUT", "/api/v0/asks/501/"),
        ("GET", "/api/v0/instances/9001/"),  # its price and kind, as they are
    ]
    for request in stub.seen:
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        assert request.headers["User-Agent"] == f"vast-reconciler/{__version__}"
        assert request.headers["Accept"] == "application/json"
        assert request.headers["Accept-Encoding"] == "identity"
        assert "Cookie" not in request.headers
        rest = f"{request.path} {request.query} {request.body} {[v for k, v in request.headers.items() if k[0] != 'A']}"
        assert KEY not in rest
    (listing,) = stub.of("list")
    assert listing.query == {"limit": "25", "order_by": '[{"col":"id","dir":"asc"}]'}
    assert [r.body for r in stub.of("account", "list")] == [None] * 3
    assert {r.headers["Content-Type"] for r in stub.of("search", "rent")} == {"application/json"}


def test_every_field_of_the_search(stub, applied):
    search, again = stub.of("search")
    assert again.body["machine_id"]["notin"]
    assert search.query == {}
    assert search.body == {
        "rentable": {"eq": True},
        "external": {"eq": False},
        "verified": {"eq": True},
        "gpu_name": {"in": ["RTX 3060", "RTX 4060 Ti"]},
        "num_gpus": {"eq": 1},
        "gpu_ram": {"gte": Decimal("11427.84")},
        "disk_space": {"gte": 50},
        "dph_total": {"lte": Decimal("0.500000001")},
        "geolocation": {"in": ["US"], "notin": ["RU"]},
        "reliability": {"gte": Decimal("0.9")},
        "inet_down": {"gte": 150},
        "inet_down_cost": {"lte": Decimal("0.019531251")},
        "inet_up_cost": {"lte": Decimal("0.019531251")},
        "direct_port_count": {"gte": 3},
        "duration": {"gte": 259200},
        "allocated_storage": 50,
        "order": [["dph_total", "asc"]],
        "type": "on-demand",
        "limit": 64,
    }


def test_every_field_of_a_rent_by_image(stub, shell, applied):
    (rent,) = stub.of("rent")
    label = rent.body.pop("label")
    assert rent.query == {}
    assert rent.body == {
        **RENT,
        "image": "ghcr.io/acme/june:2026-11-20",
        "disk": 50,
        "env": {"STT_PORT": "8001", "HF_TOKEN": "hf-s3cret", "-p 8000:8000": "1", "-p 8001:8001/udp": "1"},
        "onstart": "echo hello",
        "image_login": "-u bot -p t0ken-of-ghcr ghcr.io",
        "runtype": "ssh_direc ssh_proxy",
    }
    mark = read_label(label, "default")
    assert isinstance(mark, Mark)
    assert (mark.owner, mark.seat, mark.adopted) == ("default", Seat("june-voice", 0), False)
    (declared,) = load([str(shell.spec)]).fleets
    assert mark.spec_hash == spec_hash(declared)


def test_no_secret_is_printed_or_kept(shell, applied):
    kept = b"".join(path.read_bytes() for path in (shell.folder / "state").rglob("*") if path.is_file())
    for secret in (KEY, "t0ken-of-ghcr", "hf-s3cret"):
        assert secret not in applied.said
        assert secret.encode() not in kept


CONTAINERS = {
    "arguments of the image's own entry point": (
        fleet().replace("disk_gb: 10", "disk_gb: 10, connect: args, args: [--port, '1']"),
        {"image": "ghcr.io/acme/june:1", "disk": 10, "runtype": "args", "args": ["--port", "1"]},
    ),
    "a template decides how it is reached": (
        TEMPLATE.format(more=""),
        {"template_hash_id": "4e17788f74f075dd9aab7d0d4427968f", "disk": 50},
    ),
    "a template with a written connect": (
        TEMPLATE.format(more=", connect: ssh-direct"),
        {"template_hash_id": "4e17788f74f075dd9aab7d0d4427968f", "disk": 50, "runtype": "ssh_direc ssh_proxy"},
    ),
}


@pytest.mark.parametrize(("document", "expected"), CONTAINERS.values(), ids=CONTAINERS.keys())
def test_a_rent_carries_what_applies_and_no_more(stub, desk, document, expected):
    desk.declare(document)
    assert desk.apply().code == 0
    (rent,) = stub.of("rent")
    assert isinstance(read_label(rent.body.pop("label"), "default"), Mark)
    assert rent.body == {**RENT, **expected}


def test_a_template_is_looked_up_once_before_the_first_search(stub, desk):
    desk.declare(TEMPLATE.format(more=""))
    assert desk.apply(wait=True).code == 0
    (lookup,) = stub.of("template")
    assert stub.seen.index(lookup) < stub.seen.index(stub.of("search")[0])
    assert lookup.query["select_filters"] == '{"hash_id": {"eq": "4e17788f74f075dd9aab7d0d4427968f"}}'


def test_a_template_that_is_gone_is_refused_and_nothing_is_searched_or_rented(stub, desk):
    stub.templates.clear()
    desk.declare(TEMPLATE.format(more=""))
    ran = desk.apply()
    assert ran.code == 4
    assert "4e17788f74f075dd9aab7d0d4427968f" in ran.said
    assert stub.of("search", "rent") == []


BLIND = {
    "the key may not read templates": says(403, {"success": False, "error": "forbidden", "msg": "missing scope"}),
    "the route fails": says(500, b"<html>"),
    "the answer is a page": says(200, b"<html>"),
    "the answer is about another template": says(200, {"success": True, "templates": [{"hash_id": "a" * 32}]}),
}


@pytest.mark.parametrize("answer", BLIND.values(), ids=BLIND.keys())
def test_a_lookup_that_cannot_tell_refuses_nothing(stub, desk, answer):
    stub.always("template", answer)
    desk.declare(TEMPLATE.format(more=""))
    assert desk.apply().code == 0
    assert len(stub.of("rent")) == 1


def test_an_image_needs_no_lookup(stub, desk):
    assert desk.apply().code == 0
    assert stub.of("template") == []


def test_a_search_says_verified_rentable_and_external_even_where_either_will_do(stub, desk):
    desk.declare(fleet(more="host: {require: []}\n"))
    desk.apply()
    body = stub.of("search")[0].body
    assert body["verified"] == {"in": [True, False]}
    assert (body["rentable"], body["external"]) == ({"eq": True}, {"eq": False})


def test_the_price_counts_the_disk_of_the_fleet(stub, desk):
    stub.offers = {1: offer_row(1, base=0.20, storage_cost=1.44), 2: offer_row(2, base=0.25, storage_cost=0.072)}
    desk.declare(fleet(cap="0.30").replace("disk_gb: 10", "disk_gb: 100"))
    desk.apply()
    assert {r.body["allocated_storage"] for r in stub.of("search")} == {100}
    assert [r.number for r in stub.of("rent")] == [2]


def test_a_second_plan_with_exit_code_finds_nothing_to_do(stub, shell):
    assert shell.apply("--no-wait").code == 0
    before = len(stub.seen)
    again = shell.run("plan", str(shell.spec), "--exit-code")
    assert again.code == 0
    assert "No changes" in again.out
    assert {r.route for r in stub.seen[before:]} == {"account", "list", "rises"}


def test_a_list_of_many_pages_is_read_whole(stub, desk):
    stub.offers = {row["id"]: row for row in (offer_row(1000 + n) for n in range(60))}
    desk.declare(fleet(replicas=30, cap="0.30"))
    assert desk.apply().code == 0
    assert len(stub.instances) == 30
    again = desk.apply()
    assert again.mutations == []
    assert [r.query.get("after_token") for r in again.sent("list")] == [None, "9025"]
