"""The endpoints that move the world by hand, under their own prefix. No fault strikes here, and no key is needed."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from reconciler.errors import WrongUsage
from reconciler.simulator import lies
from reconciler.simulator.answers import Answer, Refused, answer, no_such_instance, refusal
from reconciler.simulator.failing import fail
from reconciler.simulator.faults import Rule, parse

if TYPE_CHECKING:
    from reconciler.simulator.door import Asked
    from reconciler.simulator.service import Service

PREFIX = "/simulator/"

FARTHEST = 366 * 86400.0
"""Seconds by which one request may move the clock."""


def handle(service: Service, asked: Asked) -> Answer:
    """Answer a request to a control endpoint."""
    methods = _ENDPOINTS.get(asked.path.rstrip("/"))
    try:
        if methods is None:
            raise refusal(404, "not_found", f"there is no {asked.path}; there are {', '.join(_ENDPOINTS)}")
        if asked.method not in methods:
            raise refusal(405, "method_not_allowed", f"{asked.path} takes {' and '.join(methods)}")
        return answer(methods[asked.method](service, _content(asked)))
    except Refused as refused:
        return refused.reply
    except WrongUsage as error:
        return _wrong(f"{error}; {error.hint}" if error.hint else str(error)).reply


def _wrong(msg: str) -> Refused:
    return refusal(400, "invalid_args", msg)


def _content(asked: Asked) -> Any:
    if asked.method in ("GET", "DELETE"):
        return None
    try:
        return json.loads(asked.body)
    except (ValueError, RecursionError):
        raise _wrong("the body is not JSON") from None


def _field(content: Any, name: str) -> Any:
    if not isinstance(content, dict) or name not in content:
        raise _wrong(f"the body must be an object with {name!r}")
    return content[name]


def _advance(service: Service, content: Any) -> Any:
    seconds = _field(content, "seconds")
    good = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not good or not math.isfinite(seconds) or not 0 <= seconds <= FARTHEST:
        raise _wrong(f"seconds must be a number from 0 to {FARTHEST:.0f}")
    service.advance(seconds)
    return {"success": True, "now": service.world.now}


def _fail(service: Service, content: Any) -> Any:
    instance, how = _field(content, "instance"), _field(content, "as")
    if not isinstance(instance, int) or not isinstance(how, str):
        raise _wrong("instance must be an id, and as a text")
    fail(service.world, instance, how)
    return {"success": True}


def _world(service: Service, _content: Any) -> Any:
    world = service.world
    return {
        "now": world.now,
        "speed": service.speed,
        "description": world.origin.description,
        "credit": world.credit,
        "instances": len(world.contracts),
        "states": dict(Counter(contract.current for contract in world.contracts.values())),
        "requests": service.served,
    }


def _install(service: Service, content: Any) -> Any:
    service.door.install(parse(content))
    return {"success": True, "installed": len(service.door.rules)}


def _clear(service: Service, _content: Any) -> Any:
    service.door.install(())
    return {"success": True, "installed": 0}


def _faults(service: Service, _content: Any) -> Any:
    door = service.door
    return {"faults": [_shown(rule, fired) for rule, fired in zip(door.rules, door.fired, strict=True)]}


def _shown(rule: Rule, fired: int) -> dict[str, Any]:
    when: dict[str, Any] = {"at": list(rule.at)} if rule.at else {"probability": rule.probability}
    limit = {} if rule.times is None else {"times": rule.times}
    return {"call": rule.call, "fault": rule.fault, **when, **limit, **rule.settings, "struck": fired}


def _lies(service: Service, _content: Any) -> Any:
    return {"lies": _told(service).shown()}


def _lie(service: Service, content: Any) -> Any:
    telling = lies.parse(content)
    if telling.instance is not None and telling.instance not in service.world.contracts:
        raise no_such_instance(telling.instance)
    _told(service).tell(telling)
    return {"success": True}


def _honest(service: Service, _content: Any) -> Any:
    _told(service).tell(lies.Telling(None, None))
    return {"success": True}


def _told(service: Service) -> lies.Lies:
    if service.shells is None:
        raise _wrong("instances can be reached, and lie, only where they are served with --ssh")
    return service.shells.lies


def _requests(service: Service, _content: Any) -> Any:
    return {"requests": list(service.log)}


_Handler = Callable[["Service", Any], Any]

_ENDPOINTS: dict[str, dict[str, _Handler]] = {
    "/simulator/advance": {"POST": _advance},
    "/simulator/fail": {"POST": _fail},
    "/simulator/world": {"GET": _world},
    "/simulator/faults": {"GET": _faults, "POST": _install, "DELETE": _clear},
    "/simulator/lies": {"GET": _lies, "POST": _lie, "DELETE": _honest},
    "/simulator/requests": {"GET": _requests},
}
"""Every control endpoint and what it does."""
