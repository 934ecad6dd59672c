"""Rules about readiness: checks that can be made at all, and times that mean something."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from reconciler.spec.container_rules import port_of
from reconciler.spec.durations import seconds
from reconciler.spec.tree import Finding, Node, Route, dotted
from reconciler.spec.tree_access import entries, items, number, text

TIMES = (("readiness", "boot_timeout"), ("health", "unhealthy_after"))
LEAST_S, MOST_S = 60, 86_400
_CHECKS = ("readiness", "checks")
_BY_SSH = ("ssh", "gpu", "command")
_BY_PORT = ("tcp", "http")


def _times(root: Node) -> Iterator[Finding]:
    for route in TIMES:
        yield from span_within(root, route, LEAST_S, MOST_S, "from 1m to 1d")


def span_within(root: Node, route: Route, least_s: int, most_s: int, said: str) -> Iterator[Finding]:
    """The finding where the span at `route` is out of its bounds; one that is no span is the schema's affair."""
    written = text(root, *route) or ""
    try:
        length = seconds(written)
    except ValueError:
        return
    if not least_s <= length <= most_s:
        yield Finding(route, "out-of-range", f"{dotted(route)} must be {said}, not {written}")


def _connect(root: Node) -> str | None:
    """How instances are reached; None where a template decides."""
    if text(root, "container", "connect"):
        return text(root, "container", "connect")
    return "ssh-direct" if text(root, "container", "image") else None


def _no_ssh(root: Node) -> Iterator[Finding]:
    """Where the image's own entry point runs, there is no SSH server. A template may bring one."""
    if _connect(root) != "args":
        return
    for route, _ in items(root, *_CHECKS):
        for here, _ in entries(root, *route):
            if here[-1] in _BY_SSH:
                said = f"the check {here[-1]} needs ssh, and with connect: args there is none"
                yield Finding(here, "contradicting-values", said, "check tcp or http on a port", on_key=True)


def _published(root: Node) -> set[tuple[int, str]]:
    ports = (port_of(node.value) for _, node in items(root, "container", "ports"))
    return {port for port in ports if port is not None}


def _ports(root: Node) -> Iterator[Finding]:
    """A port that is not published answers nobody. What a template publishes is not known here."""
    published = _published(root)
    if text(root, "container", "vast_template"):
        return
    for route, _ in items(root, *_CHECKS):
        for kind in _BY_PORT:
            wanted = int(number(root, *route, kind, "port") or 0)
            if 0 < wanted < 65536 and (wanted, "tcp") not in published:
                how = "is published for udp only" if (wanted, "udp") in published else "is not in container.ports"
                hint = f"add {wanted} to container.ports"
                yield Finding((*route, kind, "port"), "contradicting-values", f"port {wanted} {how}", hint)


def _nothing(root: Node) -> Iterator[Finding]:
    """No way in and no check: then it must do that an instance runs."""
    has_port = any(protocol == "tcp" for _, protocol in _published(root))
    way_in = _connect(root) != "args" or has_port or text(root, "container", "vast_template")
    if not way_in and not root.at(_CHECKS):
        said = "nothing of these instances can be checked: with connect: args and no tcp port, running counts as ready"
        yield Finding(("container", "connect"), "nothing-to-check", said, "publish a port", warning=True)


def _repeated(root: Node) -> Iterator[Finding]:
    seen: list[object] = []
    for route, node in items(root, *_CHECKS):
        plain = {str(at[-1]): _values(root, at) for at, _ in entries(root, *route)}
        if isinstance(node.value, dict) and plain in seen:
            yield Finding(route, "repeated-value", "this check is made twice", "remove one of them", warning=True)
        seen.append(plain)


def _values(root: Node, route: Route) -> dict[str, object]:
    return {str(at[-1]): node.value for at, node in entries(root, *route)}


def strike_times(root: Node) -> Iterator[Finding]:
    """For a policy: bounds, and no longest time below the first one."""
    for name in ("for", "at_most"):
        yield from span_within(root, ("strikes", name), LEAST_S, 365 * 86_400, "from 1m to 365d")
    first, longest = _span(root, "for", Decimal(86_400)), _span(root, "at_most", Decimal(14 * 86_400))
    if first is not None and longest is not None and longest < first:
        said = f"strikes.at_most is {longest / 3600:.0f}h, less than strikes.for, which is {first / 3600:.0f}h"
        yield Finding(("strikes",), "contradicting-values", said)


def _span(root: Node, name: str, default: Decimal) -> Decimal | None:
    written = text(root, "strikes", name)
    try:
        return default if written is None else seconds(written)
    except ValueError:
        return None


READINESS_RULES = (_times, _no_ssh, _ports, _nothing, _repeated)
