"""How a container was set up, as a row tells it: way in, ports, names of variables, script, arguments.

Values of variables are never looked at. A row has variables and published ports in one list of pairs (seen); other
docker flags stand among them under their own name.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from reconciler.core.instance import Setup
from reconciler.core.model import Connect, Port
from reconciler.core.text import SafeText, safe
from reconciler.vast.decode import Record

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,255}")
_PUBLISHED = re.compile(r"-p\s+(?:[0-9]{1,5}:)?([0-9]{1,5})(?:/(tcp|udp))?")
_FIELDS = ("image_runtype", "extra_env", "onstart", "image_args")
_MAX_SCRIPT = 16_384
_MOST = 512
"""More pairs or arguments than this are nonsense."""


def setup(row: Record) -> Setup | None:
    """The setup of one row; None where it does not speak of any."""
    if all(row.get(name) is None for name in _FIELDS):
        return None
    pairs = _pairs(row.get("extra_env"))
    return Setup(
        connect=connect_of(row.get("image_runtype")),
        ports=pairs.ports if pairs else None,
        env_names=pairs.names if pairs else None,
        onstart=_script(row.get("onstart")),
        args=_args(row.get("image_args")),
        unread=pairs.unread if pairs else (),
    )


def connect_of(runtype: object) -> Connect | None:
    """The way in, in a spec's words. The official client's older spelling and the documented one are understood."""
    if not isinstance(runtype, str) or not runtype:
        return None
    if runtype == "args":
        return "args"
    if "jupyter" in runtype:
        return "jupyter-direct" if "direc" in runtype else "jupyter-proxy"
    if "ssh" in runtype:
        return "ssh-direct" if "direc" in runtype else "ssh-proxy"
    return None


class _Pairs(NamedTuple):
    ports: tuple[Port, ...]
    names: tuple[str, ...]
    unread: tuple[SafeText, ...]


def _pairs(value: object) -> _Pairs | None:
    if not isinstance(value, list) or len(value) > _MOST:
        return None
    ports: set[Port] = set()
    names: set[str] = set()
    unread: set[SafeText] = set()
    for name in (pair[0] for pair in value if isinstance(pair, list) and pair and isinstance(pair[0], str)):
        port = _port(name)
        if port is not None:
            ports.add(port)
        elif _NAME.fullmatch(name):
            names.add(name)
        else:
            # A flag holds values behind its name, and they are nobody's business.
            unread.add(safe(re.split(r"[\s=]", name.strip(), maxsplit=1)[0], 64))
    return _Pairs(
        tuple(sorted(ports, key=lambda p: (p.number, p.protocol))), tuple(sorted(names)), tuple(sorted(unread))
    )


def _port(name: str) -> Port | None:
    found = _PUBLISHED.fullmatch(name.strip())
    if found is None or not 0 < int(found[1]) < 65536:
        return None
    return Port(int(found[1]), "udp" if found[2] == "udp" else "tcp")


def _script(value: object) -> str | None:
    if not isinstance(value, str) or not value.strip() or len(value) > _MAX_SCRIPT:
        return None
    text = value.replace("\r\n", "\n").rstrip()
    printable = all(safe(f"x{part}x", len(part) + 2) == f"x{part}x" for part in re.split(r"[\n\t]", text))
    return text if printable else None


def _args(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list) or len(value) > _MOST or not all(isinstance(each, str) for each in value):
        return None
    printable = all(safe(f"x{each}x", len(each) + 2) == f"x{each}x" for each in value)
    return tuple(value) if printable else None
