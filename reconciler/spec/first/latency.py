"""A latency check of another tool as the block `latency` of a spec."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_CEILING

from reconciler.spec.first.lines import Line, commented
from reconciler.spec.first.readers import number, truth
from reconciler.spec.first.setting import Part, Read, Setting
from reconciler.spec.tree import Node, Route

HEAD = "latency"
_MOST = ("max_acceptable_ms", "max_latency_ms", "max_ms")
_TIMEOUTS = ("timeout_seconds", "timeout")
_SWITCH = "enabled"


def latency(setting: Setting, route: Route) -> Read:
    """How far an instance may be, and how long is waited for it. A check that is off there gives no rule here."""
    block = setting.node.value if isinstance(setting.node.value, dict) else {_SWITCH: setting.node}
    inside = {name: Setting((*setting.keys, name), node) for name, node in block.items() if node.value is not None}
    if _SWITCH in inside and not truth(inside[_SWITCH]):
        return Read(remark=f"{setting.origin}: not enabled there, so no rule here")
    parts = [Part((*route, "probe"), Node(True, setting.node.mark), setting.origin)]
    parts += [_milliseconds(inside[name], route) for name in _MOST if name in inside][:1]
    parts += [_timeout(inside[name], route) for name in _TIMEOUTS if name in inside][:1]
    known = {*_MOST, *_TIMEOUTS, _SWITCH}
    return Read(tuple(parts), unknown=tuple(inside[name].name for name in inside if name not in known))


def _milliseconds(setting: Setting, route: Route) -> Part:
    value = int(number(setting, ("ms",), "60")[0].to_integral_value(ROUND_CEILING))
    return Part((*route, "max_ms"), Node(value, setting.node.mark), setting.origin)


def _timeout(setting: Setting, route: Route) -> Part:
    seconds = int(number(setting, ("s",), "3")[0].to_integral_value(ROUND_CEILING))
    return Part((*route, "timeout"), Node(f"{seconds}s", setting.node.mark), setting.origin)


def latency_lines(parts: Sequence[Part]) -> list[str]:
    """The block's lines. They are comments: such a check does not say where the users are, which `latency` asks for."""
    if not parts:
        return []
    values = {part.route[-1]: part for part in parts}
    lines = [
        Line(HEAD, "users_at", "[37.77, -122.42]", "latitude and longitude of your users", live=False),
        *(_line(name, values[name]) for name in ("max_ms", "probe", "timeout") if name in values),
    ]
    block = [f"{HEAD}:", *(line.written() for line in lines)]
    return commented(block)


def _line(name: str, part: Part) -> Line:
    value = str(part.node.value).lower()
    return replace(Line(HEAD, name, value, _SAID[name]), source=f"from {part.origin}")


_SAID = {
    "max_ms": "how far an instance may be at most, as measured",
    "probe": "measure the best candidates",
    "timeout": "how long each of them is given",
}
