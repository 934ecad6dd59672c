"""Single reads, destroys, the account and the search: what is sent and what an answer means."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from unicodedata import category

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.instance import Account, Endpoint, Instance, Setup
from reconciler.core.model import Port
from reconciler.errors import DoubtfulReading, KeyProblem, ReconcileError, SearchQuotaUsedUp, Unreachable
from reconciler.provider import DestroyDoubtful, DestroySent, Found, Gone, Provider
from reconciler.vast.provider import VastProvider

from .world import HTML, Script, page, provider_for, query, raw, row, said

NOT_FOUND = "Instance 7 not found."


def _conforms(provider: VastProvider) -> Provider:
    return provider


# --- one instance -------------------------------------------------------------------------------------------------


def test_one_instance_is_read_with_every_field_we_know():
    record = {
        "id": 48125566, "machine_id": 31844, "host_id": 90211, "label": "pool-a/7f3c", "actual_status": "running",
        "intended_status": "running", "cur_state": "running", "next_state": "stopped",
        "status_msg": "success, running pytorch/pytorch_2.4/ssh\n", "start_date": 1795270000.12,
        "end_date": 1798000000.0, "num_gpus": 2, "gpu_name": "RTX 4090", "gpu_ram": 24564, "disk_space": 50.0,
        "driver_version": "570.133.07",
        "image_uuid": "pytorch/pytorch:2.4.0", "image_runtype": "ssh_direc ssh_proxy", "template_hash_id": None,
        "jupyter_token": "0" * 64, "extra_env": [["A", "1"]], "ssh_host": "ssh4.vast.ai", "ssh_port": 15566,
        "public_ipaddr": "203.0.113.42\n", "ports": {"22/tcp": [{"HostIp": "0.0.0.0", "HostPort": "40022"}]},
        "geolocation": "Sweden, SE", "is_bid": False, "dph_base": 0.71,
        "dph_total": 0.7225, "storage_total_cost": 0.0125,
    }  # fmt: skip
    script = Script(said(200, {"instances": record}))
    assert provider_for(script).instance(48125566) == Instance(
        id=48125566,
        label="pool-a/7f3c",
        machine_id=31844,
        host_id=90211,
        gpu_name="RTX 4090",
        gpu_count=2,
        vram_mb=Decimal(24564),
        driver="570.133.07",
        location="Sweden, SE",
        price_per_hour=Decimal("0.7225"),
        storage_per_hour=Decimal("0.0125"),
        disk_gb=Decimal("50.0"),
        image="pytorch/pytorch:2.4.0",
        vast_template=None,
        interruptible=False,
        reported="running",
        intended="running",
        current="running",
        heading="stopped",
        message="success, running pytorch/pytorch_2.4/ssh",
        started_at=1795270000.12,
        ends_at=1798000000.0,
        ssh_direct=Endpoint("203.0.113.42", 40022),
        ssh_proxy=Endpoint("ssh4.vast.ai", 15566),
        setup=Setup("ssh-direct", ports=(), env_names=("A",)),
        endpoints=((Port(22), Endpoint("203.0.113.42", 40022)),),
    )
    (request,) = script.requests
    assert (request.method, str(request.url)) == ("GET", "https://console.vast.ai/api/v0/instances/48125566/")


def test_jupyter_moves_the_proxy_port_by_one():
    record = row(7, ssh_host="ssh4.vast.ai", ssh_port=100, image_runtype="jupyter_proxy ssh_proxy")
    found = provider_for(Script(said(200, {"instances": record}))).instance(7)
    assert isinstance(found, Instance)
    assert found.ssh_proxy == Endpoint("ssh4.vast.ai", 101)


@pytest.mark.parametrize("port", ["0", "65536", "99999", "-1", "22a", "", 22, None, ["22"]])
def test_a_port_that_is_none_is_no_address(port):
    record = row(7, public_ipaddr="203.0.113.42", ports={"22/tcp": [{"HostPort": port}]})
    found = provider_for(Script(said(200, {"instances": record}))).instance(7)
    assert isinstance(found, Instance)
    assert found.ssh_direct is None


SHOWN = {
    "null is gone": (said(200, {"instances": None}), Gone(7)),
    "null with success is gone": (said(200, {"success": True, "instances": None}), Gone(7)),
    "404 no_such_instance is gone": (said(404, {"success": False, "error": "no_such_instance"}), Gone(7)),
    "404 not_found is gone": (said(404, {"success": False, "error": "not_found"}), Gone(7)),
    "404 with the word in its message is gone": (said(404, {"msg": "error 404/1: no_such_instance"}), Gone(7)),
    "404 auth_error is not": (said(404, {"error": "auth_error", "msg": "Invalid user key"}), KeyProblem),
    "404 not_found about the key is not": (said(404, {"error": "not_found", "msg": "Invalid user key"}), KeyProblem),
    "404 without a word is not": (said(404, {"success": False, "msg": NOT_FOUND}), DoubtfulReading),
    "404 with an instance is not": (said(404, {"error": "not_found", "instances": row(7)}), DoubtfulReading),
    "404 and success is not": (said(404, {"success": True, "error": "not_found"}), DoubtfulReading),
    "404 in HTML is not": (raw(404, "<html>no_such_instance</html>"), DoubtfulReading),
    "410 is not": (said(410, {"error": "no_such_instance"}), DoubtfulReading),
    "400 is not": (said(400, {"error": "no_such_instance"}), DoubtfulReading),
    "200 with the word is not": (said(200, {"success": False, "error": "no_such_instance"}), DoubtfulReading),
    "null without success is not": (said(200, {"success": False, "instances": None}), DoubtfulReading),
    "null with auth_error is not": (said(200, {"error": "auth_error", "instances": None}), KeyProblem),
    "an empty object is not": (said(200, {}), DoubtfulReading),
    "an empty record is not": (said(200, {"instances": {}}), DoubtfulReading),
    "an empty list is not": (said(200, {"instances": []}), DoubtfulReading),
    "false is not": (said(200, {"instances": False}), DoubtfulReading),
    "a list of it": (said(200, {"instances": [row(7)]}), DoubtfulReading),
    "another instance": (said(200, {"instances": row(8)}), DoubtfulReading),
    "a record without a label": (said(200, {"instances": {"id": 7}}), DoubtfulReading),
    "an empty body": (raw(200, ""), DoubtfulReading),
    "HTML": (HTML, DoubtfulReading),
    "a redirect": (raw(301, "", Location="/"), DoubtfulReading),
    "500": (raw(500, "<html>cloudflare</html>"), Unreachable),
    "a documented 400": (said(400, {"error": "invalid_args", "msg": "error 400/1782: Invalid args"}), DoubtfulReading),
}  # fmt: skip


@pytest.mark.parametrize(("step", "expected"), SHOWN.values(), ids=SHOWN.keys())
def test_only_a_typed_gone_is_believed(step, expected):
    provider = provider_for(Script(step))
    if isinstance(expected, Gone):
        assert provider.instance(7) == expected
    else:
        with pytest.raises(expected, match=r"GET /api/v0/instances/7/"):
            provider.instance(7)


# --- destroy ------------------------------------------------------------------------------------------------------

DESTROYED = {
    "accepted": (said(200, {"success": True, "msg": "x"}), DestroySent),
    "404 no_such_instance": (said(404, {"success": False, "error": "no_such_instance"}), Gone),
    "404 not_found": (said(404, {"success": False, "error": "not_found"}), Gone),
    "404 in HTML": (raw(404, "<html></html>"), DestroyDoubtful),
    "success false": (said(200, {"success": False}), DestroyDoubtful),
    "no word of success": (said(200, {}), DestroyDoubtful),
    "success as a number": (said(200, {"success": 1}), DestroyDoubtful),
    "HTML": (HTML, DestroyDoubtful),
    "400": (said(400, {"success": False, "error": "invalid_args"}), DestroyDoubtful),
    "204": (raw(204, ""), DestroyDoubtful),
    "a redirect": (raw(302, "", Location="/"), DestroyDoubtful),
    "502": (raw(502, ""), DestroyDoubtful),
    "429": (said(429, {"success": False, "error": "rate_limit_exceeded", "msg": "threshold=3.0"}), DestroyDoubtful),
    "a timeout": (httpx.ReadTimeout("x"), DestroyDoubtful),
    "a reset": (httpx.ReadError("x"), DestroyDoubtful),
    "edge 403": (raw(403, "<html></html>"), DestroyDoubtful),
    "a missing scope": (said(403, {"success": False, "error": "forbidden"}), KeyProblem),
}


@pytest.mark.parametrize(("step", "expected"), DESTROYED.values(), ids=DESTROYED.keys())
def test_a_destroy_is_sent_gone_or_doubtful(step, expected):
    script = Script(step)
    if expected is KeyProblem:
        with pytest.raises(KeyProblem):
            provider_for(script).destroy(7)
    else:
        assert type(provider_for(script).destroy(7)) is expected
    assert script.bodies[0] == {}
    assert {(each.method, each.url.path) for each in script.requests} == {("DELETE", "/api/v0/instances/7/")}


@pytest.mark.parametrize("step", [httpx.ReadTimeout("x"), raw(502, ""), raw(429, "too frequent")])
def test_a_destroy_is_one_request_for_what_it_ends_may_have_changed_since_it_was_read(step):
    script = Script(step, said(404, {"success": False, "error": "no_such_instance"}))
    assert isinstance(provider_for(script).destroy(7), DestroyDoubtful)
    assert len(script.requests) == 1


# --- account ------------------------------------------------------------------------------------------------------


def test_the_account_is_its_id_and_credit():
    script = Script(said(200, {"id": 5, "credit": 12.34, "balance": 0, "email": "a@example.com", "api_key": "x"}))
    assert provider_for(script).account() == Account(5, Decimal("12.34"))
    assert str(script.requests[0].url) == "https://console.vast.ai/api/v0/users/current"


ODD_ACCOUNTS = {
    "credit null": {"id": 5, "credit": None}, "no credit": {"id": 5}, "credit as text": {"id": 5, "credit": "1"},
    "credit true": {"id": 5, "credit": True}, "no id": {"credit": 1}, "id as text": {"id": "5", "credit": 1},
    "id zero": {"id": 0, "credit": 1}, "credit beyond reason": {"id": 5, "credit": 1e300},
    "an error": {"id": 5, "credit": 1, "error": "x"},
}  # fmt: skip


@pytest.mark.parametrize("body", ODD_ACCOUNTS.values(), ids=ODD_ACCOUNTS.keys())
def test_an_odd_account_is_doubtful(body):
    with pytest.raises(DoubtfulReading):
        provider_for(Script(said(200, body))).account()


def test_a_credit_that_is_not_a_number_is_doubtful():
    with pytest.raises(DoubtfulReading):
        provider_for(Script(raw(200, '{"id": 5, "credit": NaN}'))).account()


# --- search -------------------------------------------------------------------------------------------------------

PLAIN = {
    "rentable": {"eq": True}, "external": {"eq": False}, "verified": {"in": [True, False]},
    "gpu_name": {"in": ["RTX 3060"]}, "num_gpus": {"eq": 1}, "disk_space": {"gte": 50}, "allocated_storage": 50,
    "order": [["dph_total", "asc"]], "type": "on-demand", "limit": 64,
}  # fmt: skip

SEARCHES = {
    "nothing but the card": ({}, {}),
    "verified": ({"require": ("verified",)}, {"verified": {"eq": True}}),
    "datacenter": ({"require": ("datacenter",)}, {"datacenter": {"eq": True}}),
    "static ip": ({"require": ("static_ip",)}, {"static_ip": {"eq": True}}),
    "memory": ({"min_vram_mb": Decimal("11427.84")}, {"gpu_ram": {"gte": 11427.84}}),
    "reliability": ({"min_reliability": Decimal("0.98")}, {"reliability": {"gte": 0.98}}),
    "download": ({"min_download_mbps": Decimal(100)}, {"inet_down": {"gte": 100}}),
    "upload": ({"min_upload_mbps": Decimal(50)}, {"inet_up": {"gte": 50}}),
    "cores": ({"min_cpu_cores": Decimal(4)}, {"cpu_cores_effective": {"gte": 4}}),
    "ports": ({"min_direct_ports": 3}, {"direct_port_count": {"gte": 3}}),
    "no ports": ({"min_direct_ports": 0}, {"direct_port_count": {"gte": 0}}),
    "days are seconds": ({"min_days_left": Decimal(3)}, {"duration": {"gte": 259200}}),
    "countries": ({"countries": ("US", "CA")}, {"geolocation": {"in": ["US", "CA"]}}),
    "blocked countries": ({"blocked_countries": ("RU",)}, {"geolocation": {"notin": ["RU"]}}),
    "both": (
        {"countries": ("US",), "blocked_countries": ("RU",)},
        {"geolocation": {"in": ["US"], "notin": ["RU"]}},
    ),
}


@pytest.mark.parametrize(("changes", "expected"), SEARCHES.values(), ids=SEARCHES.keys())
def test_every_rule_is_said_in_the_servers_words(changes, expected):
    script = Script(said(200, {"offers": []}))
    assert provider_for(script).search(query(**changes)) == Found((), 0)
    assert script.bodies == [{**PLAIN, **expected}]
    assert [(each.method, each.url.path) for each in script.requests] == [("POST", "/api/v0/bundles/")]


@given(cents=st.integers(1, 10**7), base=st.integers(1, 10**7), disk=st.integers(8, 2000), rate=st.integers(0, 1000))
def test_an_offer_at_exactly_the_cap_is_not_filtered_away(cents, base, disk, rate):
    """The server's float sum of an offer at the cap passes the float cap, from below and from above."""
    exact = Decimal(base) / 10**5 + Decimal(rate) / 1000 * disk / 720
    seen = base / 10**5 + rate / 1000 * disk / 720
    script = Script(said(200, {"offers": []}))
    provider_for(script).search(query(max_price_per_hour=exact, min_price_per_hour=exact))
    condition = script.bodies[0]["dph_total"]
    assert condition["gte"] <= seen <= condition["lte"]
    assert condition["lte"] - condition["gte"] < 1e-8


def _offer(**changes: object) -> dict[str, object]:
    given = {
        "id": 48120771, "ask_contract_id": 48120771, "machine_id": 31844, "host_id": 90211, "hosting_type": 1,
        "external": None, "num_gpus": 2, "gpu_name": "RTX 4090", "gpu_ram": 24564, "cuda_max_good": 12.8,
        "driver_version": "570.133.07", "cpu_cores": 128, "cpu_cores_effective": 32.0, "cpu_ram": 65536,
        "disk_space": 412.0, "disk_bw": 3120.5, "storage_cost": 0.18, "dph_base": 0.71, "dph_total": 0.71125,
        "is_bid": False, "inet_up": 812.3, "inet_down": 890.1, "inet_up_cost": 0.002, "inet_down_cost": 0.002,
        "internet_up_cost_per_tb": 3.0, "direct_port_count": 120, "static_ip": True, "geolocation": "Sweden, SE",
        "reliability": 0.9971, "reliability2": 0.5, "verification": "verified", "rentable": True,
        "duration": 2890311.4,
    }  # fmt: skip
    return {name: value for name, value in {**given, **changes}.items() if value is not ...}


def _offers(*rows: object) -> tuple:
    return provider_for(Script(said(200, {"offers": list(rows)}))).search(query()).offers


def test_an_offer_is_read_with_every_field_we_know():
    (offer,) = _offers(_offer())
    assert (offer.id, offer.machine_id, offer.host_id) == (48120771, 31844, 90211)
    assert (offer.gpu_name, offer.gpu_count, offer.vram_mb) == ("RTX 4090", 2, 24564)
    assert (offer.base_price_per_hour, offer.storage_price_per_gb_month) == (Decimal("0.71"), Decimal("0.18"))
    assert offer.price_per_hour(720) == Decimal("0.89")
    assert (offer.verified, offer.datacenter, offer.static_ip) == (True, True, True)
    assert (offer.download_mbps, offer.upload_mbps) == (Decimal("890.1"), Decimal("812.3"))
    assert (offer.download_price_per_tb, offer.upload_price_per_tb) == (Decimal("2.048"), Decimal("3.0"))
    assert (offer.cpu_cores, offer.ram_gb, offer.disk_gb, offer.disk_mbps) == (32, 64, 412, Decimal("3120.5"))
    assert (offer.cuda, offer.driver, offer.direct_ports) == (Decimal("12.8"), "570.133.07", 120)
    assert (offer.reliability, offer.location, offer.seconds_left) == (Decimal("0.9971"), "Sweden, SE", 2890311.4)


DROPPED = {
    "no id": {"id": ...}, "an id as text": {"id": "5"}, "no machine": {"machine_id": ...},
    "machine true": {"machine_id": True}, "no price": {"dph_base": ...}, "price zero": {"dph_base": 0},
    "a negative price": {"dph_base": -0.1}, "a price as text": {"dph_base": "0.1"},
    "no storage price": {"storage_cost": None},
    "a negative storage price": {"storage_cost": -1}, "no gpu": {"gpu_name": None}, "an empty gpu": {"gpu_name": " "},
    "no count": {"num_gpus": None}, "half a gpu": {"num_gpus": 0.5}, "not rentable": {"rentable": False},
    "a bid": {"is_bid": True}, "external": {"external": True},
}  # fmt: skip


@pytest.mark.parametrize("changes", DROPPED.values(), ids=DROPPED.keys())
def test_a_row_that_cannot_be_rented_or_priced_is_dropped_alone(changes):
    assert [offer.id for offer in _offers(_offer(**changes), _offer(id=6))] == [6]


UNKNOWN = {
    "a negative speed": ({"inet_up": -1.8e12}, "upload_mbps"),
    "an absurd speed": ({"inet_down": 1.8e12}, "download_mbps"),
    "a negative duration": ({"duration": -5}, "seconds_left"), "a null location": ({"geolocation": None}, "location"),
    "an empty location": ({"geolocation": ""}, "location"), "a list for a location": ({"geolocation": []}, "location"),
    "reliability beyond one": ({"reliability": 1.5, "reliability2": None}, "reliability"),
    "no verification": ({"verification": None}, "verified"), "no hosting type": ({"hosting_type": None}, "datacenter"),
    "static ip as text": ({"static_ip": "yes"}, "static_ip"), "negative costs": (
        {"inet_down_cost": -1, "internet_down_cost_per_tb": -1}, "download_price_per_tb"),
    "no cores": ({"cpu_cores_effective": None}, "cpu_cores"), "no cuda": ({"cuda_max_good": None}, "cuda"),
    "a driver number": ({"driver_version": 570}, "driver"), "no host": ({"host_id": None}, "host_id"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "name"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_an_odd_field_of_an_offer_is_unknown(changes, name):
    (offer,) = _offers(_offer(**changes))
    assert getattr(offer, name) is None


@pytest.mark.parametrize("word", ["unverified", "deverified", "VERIFIED!"])
def test_only_one_word_means_verified(word):
    assert _offers(_offer(verification=word))[0].verified is False


def test_seventy_five_years_stay():
    assert _offers(_offer(duration=2.4e9))[0].seconds_left == 2.4e9


def test_rows_keep_their_order_and_each_ask_is_taken_once():
    rows = [_offer(id=3), None, "x", _offer(id=1), _offer(id=3, dph_base=9), _offer(id=2)]
    assert [(offer.id, offer.base_price_per_hour < 1) for offer in _offers(*rows)] == [(3, True), (1, True), (2, True)]


@pytest.mark.parametrize(
    "body", [{}, {"offers": None}, {"offers": {}}, {"offers": "x"}, [], {"offers": [], "error": "x"}]
)
def test_an_answer_without_offers_is_doubtful_not_an_empty_market(body):
    with pytest.raises(DoubtfulReading):
        provider_for(Script(said(200, body))).search(query())


def test_the_days_quota_ends_the_search_at_once():
    body = {"success": False, "error": "search_quota_exceeded", "msg": "x", "limit": 20000, "retry_after": 30000}
    script = Script(said(429, body))
    with pytest.raises(SearchQuotaUsedUp):
        provider_for(script).search(query())
    assert len(script.requests) == 1


@pytest.mark.parametrize("name", ["offers-2024-11-05-full-market.json", "offers-2026-02-28T220808Z-nine-models.json"])
def test_recorded_markets_are_read_whole(market_data: Path, name: str):
    content = json.loads((market_data / name).read_text())
    lists = [content] if isinstance(content, list) else content["offers_by_model"].values()
    rows = [row for each in lists for row in each]
    found = _offers(*rows)
    assert len(found) == len({row["id"] for row in rows})
    assert all(offer.location is not None and offer.ram_gb is not None for offer in found)


def test_recorded_instances_are_read(market_data: Path):
    rows = json.loads((market_data / "instances-2024-11.json").read_text())
    running, loading = provider_for(Script(page(rows))).instances().instances
    assert (running.id, running.reported, running.ssh_direct) == (
        13445220,
        "running",
        Endpoint("198.51.100.188", 43486),
    )
    assert (loading.id, loading.reported, loading.ssh_direct) == (13518557, "loading", None)
    assert (running.driver, loading.driver) == ("560.35.03", "550.127.05")


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
KEYS = st.sampled_from(
    ["success", "instances", "offers", "id", "label", "total_instances", "next_token", "error", "credit"]
)
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=10)
CALLS = {
    "list": lambda provider: provider.instances(),
    "show": lambda provider: provider.instance(7),
    "search": lambda provider: provider.search(query()),
    "account": lambda provider: provider.account(),
    "destroy": lambda provider: provider.destroy(7),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
@given(body=JSON.map(json.dumps).map(str.encode) | st.binary(), status=st.integers(200, 599))
def test_whatever_comes_back_only_our_errors_leave_the_room(call, body, status):
    try:
        call(provider_for(Script(raw(status, body))))
    except ReconcileError as error:
        assert not any(category(char) in ("Cc", "Cs", "Zl", "Zp") for char in str(error))  # noqa: PT017
