"""A request as the handlers see it, and the strict reading of the JSON in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.simulator.answers import Answer, invalid_request, no_such_instance
from reconciler.simulator.conditions import number

if TYPE_CHECKING:
    from reconciler.simulator.contracts import Contract
    from reconciler.simulator.world import World


class Request(NamedTuple):
    """What a request asks for, apart from its method and path."""

    ids: tuple[int, ...]
    """The numbers in the path."""
    query: Mapping[str, str]
    body: dict[str, Any]
    base: str
    """The address that the caller used, such as `http://127.0.0.1:8080`, for links in the answer."""

    def structure(self, name: str, default: Any) -> Any:
        """A parameter that is JSON text; it must have the default's form."""
        return structure(self.query, name, default)

    def flag(self, name: str, default: bool) -> bool:
        """A parameter that is true or false."""
        return self.query.get(name, str(default)).lower() in ("true", "1")

    def limit(self, default: int, most: int) -> int:
        """How many rows a page may have."""
        found = number(self.query.get("limit", default))
        if found is None or found < 1:
            raise invalid_request(f"{self.query.get('limit')!r} is not a valid limit")
        return min(most, int(found))


Handler = Callable[["World", Request], Answer]
"""What answers a route's requests."""


def contract_of(world: World, request: Request) -> Contract:
    """The contract whose id is the first number of the path; 404 when there is none."""
    contract = world.contracts.get(request.ids[0])
    if contract is None:
        raise no_such_instance(request.ids[0])
    return contract


def loads(text: bytes | str) -> Any:
    """The value of a JSON text. Raises ValueError also for what is nested too deep or holds half a character."""
    try:
        found = json.loads(text)
        json.dumps(found, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("nested too deep") from None
    return found


def structure(query: Mapping[str, str], name: str, default: Any) -> Any:
    """A parameter that is JSON text; it must have the default's form."""
    if name not in query:
        return default
    try:
        found = loads(query[name])
    except ValueError:
        raise invalid_request(f"{name} is not JSON") from None
    if not isinstance(found, type(default)):
        raise invalid_request(f"{name} has the wrong form")
    return found
