"""Where the ports of an instance's container are reached from outside, as its row tells it."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from reconciler.core.instance import Endpoint
from reconciler.core.model import Port
from reconciler.core.text import SafeText, safe
from reconciler.vast.decode import Record, as_record

SSH = Port(22)

_MOST = 512
"""A host publishes at most 64 ports (documented); far more of them are nonsense."""
_NAME = re.compile(r"([0-9]{1,5})/(tcp|udp)", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,5}", re.ASCII)


def published(row: Record) -> tuple[tuple[Port, Endpoint], ...]:
    """Each published port with its address outside, in their order by number; what is odd among them is left out.

    `ports` is docker's: `{"8000/tcp": [{"HostIp": "0.0.0.0", "HostPort": "40080"}]}`. It is empty until the container
    runs, and the same port stands there once for each family of addresses.
    """
    address, ports = row.get("public_ipaddr"), as_record(row.get("ports"))
    host = _address(address) if isinstance(address, str) else None
    if host is None or ports is None or len(ports) > _MOST:
        return ()
    found = ((_port(name), _outside(where)) for name, where in ports.items())
    known = {inside: Endpoint(host, outside) for inside, outside in found if inside and outside}
    return tuple(sorted(known.items(), key=lambda each: (each[0].number, each[0].protocol)))


@lru_cache(maxsize=4096)
def _address(text: str) -> SafeText | None:
    """An IP address as it is usually written; all instances of a machine have the same."""
    try:
        return safe(str(ipaddress.ip_address(text.strip())))  # It may end in a newline (seen in the wild).
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _port(name: str) -> Port | None:
    found = _NAME.fullmatch(name)
    if found is None or not 0 < int(found[1]) < 65536:
        return None
    return Port(int(found[1]), "udp" if found[2] == "udp" else "tcp")


def _outside(where: object) -> int | None:
    # The number is a text (seen in the wild).
    first = as_record(where[0]) if isinstance(where, list) and where else None
    number = first.get("HostPort") if first else None
    if not isinstance(number, str) or not _NUMBER.fullmatch(number):
        return None
    return int(number) if 0 < int(number) < 65536 else None
