"""The doors to the market: four forms of the search, and the calls that rent several or whatever fits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Answer, Refused, answer, invalid_request, refusal
from reconciler.simulator.queries import understood
from reconciler.simulator.renting import rent
from reconciler.simulator.search import search

if TYPE_CHECKING:
    from reconciler.simulator.incoming import Request
    from reconciler.simulator.machines import Row
    from reconciler.simulator.world import World

MOST_AT_ONCE = 64


def by_body(world: World, request: Request) -> Answer:
    """`POST /bundles/`: filters and options on one level."""
    return answer({"offers": _rows(world, request.body)})


def by_asks(world: World, request: Request) -> Answer:
    """`PUT /search/asks/`: the same under `q`, with columns."""
    return answer({"offers": _columns(_rows(world, _query(request.body)), request.body.get("select_cols"))})


def by_query(world: World, request: Request) -> Answer:
    """The two GET forms: the same as JSON text in `q`."""
    return answer({"offers": _rows(world, request.structure("q", {}))})


def launch(world: World, request: Request) -> Answer:
    """Search and rent the first offer that is still there."""
    wanted = _query(request.body)
    body = {name: value for name, value in request.body.items() if name != "q"}
    refused: Refused | None = None
    for row in _rows(world, wanted):
        try:
            return rent(world, row["id"], body)
        except Refused as error:
            refused = error
    raise refused or refusal(404, "no_such_ask", "error 404/3603: no_such_ask  No offer matches the query.")


def rent_many(world: World, request: Request) -> Answer:
    """One instance of each ask named, with an answer for each: the real shape is not documented."""
    asks = request.body.get("ids")
    if not isinstance(asks, list) or not all(isinstance(one, int) for one in asks) or len(asks) > MOST_AT_ONCE:
        raise refusal(400, "invalid_args", "error 400/3467: Invalid args: ids")
    body = {name: value for name, value in request.body.items() if name != "ids"}
    results = [{"ask_id": ask, **_rented(world, ask, body)} for ask in asks]
    return answer({"success": all(one.get("success") is True for one in results), "results": results})


def _rented(world: World, ask: int, body: dict[str, Any]) -> dict[str, Any]:
    try:
        reply = rent(world, ask, body)
    except Refused as error:
        reply = error.reply
    found: dict[str, Any] = json.loads(reply.body)
    return found


def _query(body: Mapping[str, Any]) -> dict[str, Any]:
    wanted = body.get("q", {})
    if not isinstance(wanted, dict):
        raise invalid_request("q must be an object")
    return wanted


def _rows(world: World, wanted: Mapping[str, Any]) -> list[Row]:
    query = understood(wanted)
    rows = search(world.market(), query, world.now, world.draw())
    world.limits.count_rows(len(rows), world.now)
    return rows


def _columns(rows: list[Row], columns: object) -> list[Row]:
    if not isinstance(columns, list) or "*" in columns:
        return rows
    return [{str(name): row.get(str(name)) for name in columns} for row in rows]
