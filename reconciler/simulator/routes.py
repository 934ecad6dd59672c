"""The one door of the simulator: a request in, an answer out. Both transports call `handle` and add nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from reconciler.simulator import results
from reconciler.simulator.answers import Answer, Refused, page, refusal
from reconciler.simulator.incoming import Request, loads
from reconciler.simulator.paths import ROUTES, Route

if TYPE_CHECKING:
    from reconciler.simulator.world import World

INVALID_KEY = "wrong"
"""The one key that is refused, so that a refusal can be seen."""

LARGEST_BODY = 1_000_000

Found = tuple[Route, tuple[int, ...]]
"""A route, and the numbers in the path."""


def handle(
    world: World, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body for one request at the world's present moment. Time passes elsewhere."""
    try:
        found = _answered(world, method, path, dict(parse_qsl(query, keep_blank_values=True)), headers, body)
    except Refused as refused:
        found = refused.reply
    return found.status, found.headers, found.body


def _answered(
    world: World, method: str, path: str, query: dict[str, str], headers: Mapping[str, str], body: bytes
) -> Answer:
    file = results.read(world, path) if method == "GET" else None
    if file is not None:
        return file
    found = _found(method, path)
    if found is None:
        return page()
    route, ids = found
    _check_key(route, query, headers)
    if world.limited:
        world.limits.admit(route.limit, world.now)
    return route.handler(world, Request(ids, query, _object(method, path, body), _base(headers)))


def _found(method: str, path: str) -> Found | None:
    """The route; None for an unknown path, which is no error on this server, but a known one's wrong method is."""
    others = []
    for route in ROUTES:
        if match := route.path.fullmatch(path):
            if route.method == method:
                return route, tuple(int(number) for number in match.groups())
            others.append(route.method)
    if others:
        raise refusal(405, "method_not_allowed", f"{method} is not allowed here, only {', '.join(sorted(others))}.")
    return None


def _header(headers: Mapping[str, str], wanted: str) -> str:
    return next((value for name, value in headers.items() if name.lower() == wanted), "")


def _base(headers: Mapping[str, str]) -> str:
    return f"http://{_header(headers, 'host') or '127.0.0.1'}"


def _check_key(route: Route, query: Mapping[str, str], headers: Mapping[str, str]) -> None:
    """A key in the header, or in the query as older clients sent it. A search works without one."""
    given = _header(headers, "authorization")
    key = given.removeprefix("Bearer").strip() or query.get("api_key", "").strip()
    if key == INVALID_KEY:
        raise refusal(404, "auth_error", "Invalid user key")
    if route.key and not key:
        raise refusal(403, "auth_error", "This action requires login.")


def _object(method: str, path: str, body: bytes) -> dict[str, Any]:
    if method == "GET" or not body:
        return {}
    if len(body) > LARGEST_BODY:
        raise refusal(413, "invalid_args", "error 413/1782: Invalid args: the request is too large")
    try:
        found = loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        odd = "/instances/command/" in path  # documented so, for this route alone
        raise refusal(483 if odd else 400, "invalid_args", "error 400/1782: Invalid args: invalid json")
    return found
