"""What tells a runner that sees nothing from machines that do not answer: connections to the marketplace's proxies."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Any

import pytest
from builders import instance

from probe.served import HASTE, probe, served
from reconciler.core.causes import NOT_RESOLVED, REFUSED, TIMED_OUT
from reconciler.core.instance import Endpoint
from reconciler.core.text import safe
from reconciler.errors import Interrupted
from reconciler.probe.rounds import CONTROLS, Manner


def proxied(*hosts: str) -> list[Any]:
    return [instance(id=i, ssh_proxy=Endpoint(safe(host), 10_000 + i)) for i, host in enumerate(hosts)]


class Road:
    """Where connections end as `ends` says of an address; else they stand."""

    def __init__(self, **ends: OSError) -> None:
        self.ends = {f"198.51.100.{host[1:]}": error for host, error in ends.items()}
        self.tried: list[str] = []

    def connect(self, _connection: socket.socket, address: tuple[str, int]) -> None:
        self.tried.append(address[0])
        if address[0] in self.ends:
            raise self.ends[address[0]]


def controls(road: Road, *hosts: str, names: Any = None, **options: object) -> frozenset[str]:
    manner = Manner(HASTE, connect=road.connect, **({"resolve": names} if names else {}))
    return probe(None, manner=manner, allow=lambda _: True, **options).controls(proxied(*hosts))


def test_a_proxy_that_is_there_is_reached_over_a_real_socket() -> None:
    with served() as world:
        rented = world.rented()
        assert rented.ssh_proxy is not None
        assert probe(None).controls([rented]) == {""}
        nobody = replace(rented, ssh_proxy=Endpoint(safe("127.0.0.1"), 1))
        assert probe(None).controls([nobody]) == {REFUSED}


def test_without_a_proxy_nothing_is_tried() -> None:
    road = Road()
    assert probe(None, manner=Manner(HASTE, connect=road.connect)).controls([instance(ssh_proxy=None)]) == frozenset()
    assert road.tried == []


def test_the_first_that_stands_is_enough() -> None:
    road = Road(h1=ConnectionRefusedError())
    assert controls(road, "198.51.100.1", "198.51.100.2", "198.51.100.3") == {REFUSED, ""}
    assert road.tried == ["198.51.100.1", "198.51.100.2"]


def test_a_few_are_enough_too() -> None:
    road = Road(**{f"h{i}": TimeoutError() for i in range(1, 9)})
    assert controls(road, *(f"198.51.100.{i}" for i in range(1, 9))) == {TIMED_OUT}
    assert len(road.tried) == CONTROLS


def test_names_that_are_not_found_are_told() -> None:
    def nobody_knows(name: str) -> list[str]:
        raise OSError(name)

    road = Road()
    assert controls(road, "ssh4.vast.ai", names=nobody_knows) == {NOT_RESOLVED}
    assert road.tried == []


def test_it_ends_when_a_stop_is_asked_for() -> None:
    def stop() -> None:
        raise Interrupted("stopped, as asked")

    with pytest.raises(Interrupted):
        controls(Road(), "198.51.100.1", tick=stop)
