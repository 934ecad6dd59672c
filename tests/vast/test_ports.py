"""Where the ports of a container are reached, as rows tell it."""

from __future__ import annotations

import pytest

from reconciler.core.instance import Endpoint
from reconciler.vast.ports import SSH, published
from reconciler.vast.rows import instance

HOST = "203.0.113.42"


def where(port: object, address: object = "0.0.0.0") -> list[dict[str, object]]:
    return [{"HostIp": address, "HostPort": port}, {"HostIp": "::", "HostPort": port}]


def read(ports: object, address: object = HOST) -> list[str]:
    return [
        f"{inside} {outside.host}:{outside.port}"
        for inside, outside in published({"ports": ports, "public_ipaddr": address})
    ]


def test_ports_stand_by_number_whatever_the_row_s_order():
    ports = {"8000/tcp": where("40080"), "22/tcp": where("40022"), "53/udp": where("40053"), "53/tcp": where("40054")}
    assert read(ports, f"{HOST}\n") == [
        f"22/tcp {HOST}:40022",
        f"53/tcp {HOST}:40054",
        f"53/udp {HOST}:40053",
        f"8000/tcp {HOST}:40080",
    ]


def test_an_instance_has_them_and_its_direct_way_in_is_one_of_them():
    found = instance({"id": 7, "label": None, "public_ipaddr": HOST, "ports": {"22/tcp": where("40022")}})
    assert found.endpoints == ((SSH, Endpoint(HOST, 40022)),)
    assert found.ssh_direct == Endpoint(HOST, 40022)
    assert instance({"id": 7, "label": None}).endpoints == ()


ODD = {
    "a number": where(40080),
    "a fraction": where("40080.0"),
    "a sign": where("+40080"),
    "no number": where("http"),
    "a number in another alphabet": where("\uff14\uff10\uff10\uff18\uff10"),
    "beyond the ports": where("65536"),
    "zero": where("0"),
    "nothing": where(None),
    "an empty list": [],
    "no list": {"HostPort": "40080"},
    "a list of texts": ["40080"],
    "no record": None,
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_an_odd_port_is_left_out_and_fails_no_row(odd):
    row = {"id": 7, "label": None, "public_ipaddr": HOST, "ports": {"9000/tcp": odd, "8000/tcp": where("40080")}}
    assert [str(port) for port, _ in instance(row).endpoints] == ["8000/tcp"]


NAMES = [
    "",
    "tcp",
    "8000",
    "8000/sctp",
    "0/tcp",
    "65536/tcp",
    "-1/tcp",
    "8000/tcp ",
    "\uff18\uff10/tcp",
    "99999999999999999999/tcp",
]


@pytest.mark.parametrize("name", NAMES)
def test_an_odd_name_is_left_out(name):
    assert read({name: where("40080"), "1/tcp": where("40001")}) == [f"1/tcp {HOST}:40001"]


NOTHING = {
    "no address": ({"1/tcp": where("1")}, None),
    "a name for an address": ({"1/tcp": where("1")}, "example.com"),
    "an empty address": ({"1/tcp": where("1")}, ""),
    "a number for an address": ({"1/tcp": where("1")}, 7),
    "no ports": (None, HOST),
    "ports as a list": ([where("1")], HOST),
    "more ports than any host has": ({f"{n}/tcp": where("1") for n in range(1, 600)}, HOST),
}


@pytest.mark.parametrize(("ports", "address"), NOTHING.values(), ids=NOTHING)
def test_where_nothing_is_said_nothing_is_known(ports, address):
    assert read(ports, address) == []


def test_a_longer_address_is_understood():
    assert read({"1/tcp": where("40001")}, "2001:db8::7") == ["1/tcp 2001:db8::7:40001"]
