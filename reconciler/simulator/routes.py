"""The one door of the simulator: a request in, an answer out. Both transports call `handle` and add nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl

from reconciler.simulator import managing
from reconciler.simulator.answers import Answer, Refused, answer, invalid_request, page, refusal, text
from reconciler.simulator.listing import all_rows, listing
from reconciler.simulator.renting import rent
from reconciler.simulator.search import search, understood
from reconciler.simulator.tables import GPUS

if TYPE_CHECKING:
    from reconciler.simulator.world import World

ACCOUNT = 704117
"""The id of the account that every simulated world has."""

INVALID_KEY = "wrong"
"""The one key that is refused, so that a refusal can be seen."""


class Request(NamedTuple):
    """A request as the handlers see it."""

    ids: tuple[int, ...]
    query: Mapping[str, str]
    body: dict[str, Any]


Handler = Callable[["World", Request], Answer]
"""What answers a route's requests."""


class Route(NamedTuple):
    """Method and path, the limiter's name for it, whether it needs a key, and who answers."""

    method: str
    path: re.Pattern[str]
    limit: str
    key: bool
    handler: Handler


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
    found = _route(method, path)
    if found is None:
        return page()
    route, ids = found
    _check_key(route, query, headers)
    world.limits.admit(route.limit, world.now)
    return route.handler(world, Request(ids, query, _object(method, body)))


def _route(method: str, path: str) -> tuple[Route, tuple[int, ...]] | None:
    for route in ROUTES:
        if route.method == method and (match := route.path.fullmatch(path)):
            return route, tuple(int(number) for number in match.groups())
    return None


def _check_key(route: Route, query: Mapping[str, str], headers: Mapping[str, str]) -> None:
    """A key in the header, or in the query as older clients sent it. A search works without one."""
    given = next((value for name, value in headers.items() if name.lower() == "authorization"), "")
    key = given.removeprefix("Bearer").strip() or query.get("api_key", "").strip()
    if key == INVALID_KEY:
        raise refusal(404, "auth_error", "Invalid user key")
    if route.key and not key:
        raise refusal(403, "auth_error", "This action requires login.")


def _object(method: str, body: bytes) -> dict[str, Any]:
    if method == "GET" or not body:
        return {}
    try:
        found = json.loads(body)
    except ValueError:
        raise refusal(400, "invalid_args", "error 400/1782: Invalid args: invalid json") from None
    if not isinstance(found, dict):
        raise refusal(400, "invalid_args", "error 400/1782: Invalid args: invalid json")
    return found


def _search(world: World, body: Mapping[str, Any], columns: object = None) -> Answer:
    query = understood(body)
    rows = search(world.market(), query, world.now, world.draw())
    world.limits.count_rows(len(rows), world.now)
    if isinstance(columns, list) and "*" not in columns:
        rows = [{str(name): row.get(str(name)) for name in columns} for row in rows]
    return answer({"offers": rows})


def _search_bundles(world: World, request: Request) -> Answer:
    return _search(world, request.body)


def _search_asks(world: World, request: Request) -> Answer:
    wanted = request.body.get("q", {})
    if not isinstance(wanted, dict):
        raise invalid_request("q must be an object")
    return _search(world, wanted, request.body.get("select_cols"))


def _search_by_query(world: World, request: Request) -> Answer:
    try:
        wanted = json.loads(request.query.get("q", "{}"))
    except ValueError:
        raise invalid_request("q is not JSON") from None
    if not isinstance(wanted, dict):
        raise invalid_request("q must be an object")
    return _search(world, wanted)


def _retired(_world: World, _request: Request) -> Answer:
    return answer(
        {
            "success": False,
            "error": "deprecated_endpoint",
            "msg": "/api/v0/instances/ is deprecated. Use /api/v1/instances/ instead.",
        },
        410,
    )


def _moved(_world: World, _request: Request) -> Answer:
    """The retired list without its last slash: a redirect whose body reads like an empty account."""
    return answer({"instances": []}, 301, location="/api/v0/instances/")


def _user(world: World, request: Request) -> Answer:
    if "owner" in request.query:
        raise invalid_request("owner is not a valid parameter")
    return answer({
        "id": ACCOUNT,
        "email": "simulated@example.com",
        "username": "simulated",
        "fullname": "Simulated User",
        "credit": world.credit,
        "balance": 0,
        "balance_threshold": 0,
        "billed_expected": 0,
        "can_pay": True,
        "has_billing": True,
        "host_agreement_accepted": False,
        "key_id": 1,
        "sid": str(ACCOUNT),
        "ssh_key": None,
    })  # fmt: skip


def _combinations(world: World, _request: Request) -> Answer:
    names = ("actual_status", "verification", "gpu_name")
    seen = dict.fromkeys(tuple(row[name] for name in names) for row in all_rows(world))
    return answer({"filters": [dict(zip(names, values, strict=True)) for values in seen]})


def _route_of(method: str, path: str, limit: str, handler: Handler, key: bool = True) -> Route:
    """`{id}` stands for a number; the last slash may be left out unless the path says otherwise with `!`."""
    pattern = path.removesuffix("!").replace("{id}", r"(\d+)")
    return Route(method, re.compile(pattern if path.endswith("!") else pattern.rstrip("/") + "/?"), limit, key, handler)


ROUTES = (
    _route_of("POST", "/api/v0/bundles/", "search", _search_bundles, key=False),
    _route_of("PUT", "/api/v0/search/asks/", "search", _search_asks, key=False),
    _route_of("GET", "/api/v0/bundles/", "search", _search_by_query, key=False),
    _route_of("GET", "/api/v0/search/asks/", "search", _search_by_query, key=False),
    _route_of("PUT", "/api/v0/asks/{id}/", "create", lambda w, r: rent(w, r.ids[0], r.body)),
    _route_of("GET", "/api/v1/instances/", "list", lambda w, r: listing(w, r.query)),
    _route_of("GET", "/api/v0/instances/!", "list", _retired),
    _route_of("GET", "/api/v0/instances!", "list", _moved),
    _route_of("GET", "/api/v0/instances/filters/", "", _combinations),
    _route_of("GET", "/api/v0/instances/{id}/", "show", lambda w, r: managing.show(w, r.ids[0])),
    _route_of("PUT", "/api/v0/instances/{id}/", "manage", lambda w, r: managing.manage(w, r.ids[0], r.body)),
    _route_of("PUT", "/api/v0/instances/", "manage", lambda w, r: managing.manage_many(w, r.body)),
    _route_of("DELETE", "/api/v0/instances/{id}/", "destroy", lambda w, r: managing.destroy(w, r.ids[0])),
    _route_of("DELETE", "/api/v0/instances/", "destroy", lambda w, r: managing.destroy_many(w, r.body)),
    _route_of("PUT", "/api/v0/instances/bid_price/{id}/", "bid", lambda w, r: managing.change_bid(w, r.ids[0], r.body)),
    _route_of("PUT", "/api/v0/instances/reboot/{id}/", "reboot", lambda w, r: managing.reboot(w, r.ids[0])),
    _route_of("GET", "/api/v0/users/current/", "", _user),
    _route_of("GET", "/api/v0/ssh/", "", lambda _w, _r: text("No SSH keys found for the user.", 404)),
    _route_of(
        "GET",
        "/api/v0/gpu_names/unique/",
        "",
        lambda _w, _r: answer({"gpu_names": sorted(gpu.name for gpu in GPUS)}),
        False,
    ),
)
"""What the simulator answers; every other path gets the web page."""
