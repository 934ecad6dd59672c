"""An instance's log: asked for by name, then fetched from where the server put it, without the key."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from reconciler.clock import Clock
from reconciler.vast.answers import Answer, Call
from reconciler.vast.client import Wire

TRIES, GAP_S = 20, 0.5
"""The file appears some seconds after it was asked for (seen); the official client looks for about ten."""


def read_logs(wire: Wire, clock: Clock, instance_id: int, tail: int) -> str | None:
    """The last lines of what the container said, or of what its host says of it; None where neither can be had."""
    said = _fetched(wire, clock, instance_id, {"tail": str(tail)})
    if said and said.strip():
        return said
    return _fetched(wire, clock, instance_id, {"tail": str(tail), "daemon_logs": "true"}) or None


def _fetched(wire: Wire, clock: Clock, instance_id: int, body: dict[str, object]) -> str | None:
    path = f"/api/v0/instances/request_logs/{int(instance_id)}/"
    outcome = wire.patiently(Call("logs", "PUT", path, body=body))
    named = (outcome.body or {}).get("result_url") if isinstance(outcome, Answer) and outcome.status == 200 else None
    if not isinstance(named, str) or not may_be_fetched(named, wire.origin):
        return None
    for _ in range(TRIES):
        clock.sleep(GAP_S)
        text = wire.fetch(named)
        if text is not None:
            return text
    return None


def may_be_fetched(url: str, origin: str) -> bool:
    """Whether an address that the server named is one to read from: its own, or a named host's over TLS. A literal
    address could be one of the user's own network."""
    try:
        found, own = urlsplit(url), urlsplit(origin)
        host, port = found.hostname or "", found.port
    except ValueError:
        return False
    if (found.scheme, host, port) == (own.scheme, own.hostname, own.port):
        return True
    return found.scheme == "https" and port in (None, 443) and "." in host and not _is_literal(host)


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host.rstrip(".").rpartition(".")[2].isdigit()
    return True
