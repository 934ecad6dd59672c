"""Faults that any call may meet: lost, late and torn answers, refusals at the edge, bodies that are no answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import HTML_PAGE, Answer, answer, page, refusal, text
from reconciler.simulator.door import PATIENCE, Ending, Outcome
from reconciler.simulator.past import unlimited

if TYPE_CHECKING:
    from reconciler.simulator.scene import Scene

Action = Callable[["Scene"], Outcome]
"""What a fault does."""

_HTML = {"content-type": "text/html; charset=utf-8"}
_FREQUENT = "API requests too frequent endpoint threshold=4.5"


def before(_scene: Scene) -> Outcome:
    """The request never arrives."""
    return Outcome(page(), Ending.REFUSED)


def after(scene: Scene) -> Outcome:
    """The request is carried out; its answer is lost."""
    return Outcome(scene.real(), Ending.CLOSED)


def timeout(_scene: Scene) -> Outcome:
    """Nothing happens, and nobody says so."""
    return Outcome(page(), Ending.SILENT)


def late(scene: Scene) -> Outcome:
    """No answer; the request is carried out when the client has long given up."""
    world, asked = scene.world, scene.asked

    def arrive() -> None:
        with unlimited(world):
            asked.to(world)

    world.later.append((world.now + PATIENCE + scene.rule.seconds, arrive))
    return Outcome(page(), Ending.SILENT)


def slow(scene: Scene) -> Outcome:
    """The answer takes its time."""
    return Outcome(scene.real(), delay=scene.rule.seconds)


def reset(scene: Scene) -> Outcome:
    """The request is carried out; the connection ends in the middle of the answer."""
    return Outcome(scene.real(), Ending.TORN)


def saying(make: Callable[[Scene], Answer], *, effect: bool = False) -> Action:
    """Another answer in place of the engine's, which does its work before (`effect`) or never sees the request."""

    def act(scene: Scene) -> Outcome:
        reply = scene.real() if effect else None
        return Outcome(make(scene) if reply is None or reply.status < 400 else reply)

    return act


def server_error(scene: Scene) -> Answer:
    """A failure inside: JSON with status 500, the edge's page with any other."""
    if scene.rule.status == 500:
        return said(500, "server_error", "Something went wrong on the server")
    return Answer(scene.rule.status, _HTML, HTML_PAGE)


def frequent_text(scene: Scene) -> Answer:
    """429 as plain text."""
    return _later(scene, text(_FREQUENT.replace("frequent ", "frequent: "), 429))


def frequent_detail(scene: Scene) -> Answer:
    """429 as the framework says it."""
    return _later(scene, answer({"detail": _FREQUENT}, 429))


def frequent_json(scene: Scene) -> Answer:
    """429 in the usual shape."""
    return _later(scene, said(429, "rate_limit_exceeded", _FREQUENT))


def _later(scene: Scene, reply: Answer) -> Answer:
    """With a `Retry-After` where the rule sets its seconds; the documented answers have none."""
    seconds = scene.rule.seconds
    return reply._replace(headers={**reply.headers, "Retry-After": f"{seconds:g}"}) if seconds else reply


def forbidden(_scene: Scene) -> Answer:
    """The edge's 403, which says nothing about the key."""
    return Answer(403, _HTML, HTML_PAGE)


def redirect(scene: Scene) -> Answer:
    """Elsewhere, with a body that reads like an empty account."""
    return answer({"instances": []}, scene.rule.status, location="/")


def html(_scene: Scene) -> Answer:
    """The web page with status 200."""
    return page()


def body(content: bytes) -> Callable[[Scene], Answer]:
    """Status 200 and JSON's type around these bytes."""
    return lambda _scene: Answer(200, {"content-type": "application/json"}, content)


def auth(_scene: Scene) -> Answer:
    """The answer to a wrong key."""
    return said(404, "auth_error", "Invalid user key")


def api_gone(scene: Scene) -> Answer:
    """The answer of a retired route."""
    return said(410, "deprecated_endpoint", f"{scene.asked.path} is deprecated.")


def quota(scene: Scene) -> Answer:
    """The day's search rows are used up."""
    reset_at = (int(scene.world.now) // 86400 + 1) * 86400
    content = {"success": False, "error": "search_quota_exceeded", "msg": "Daily search quota exceeded."}
    more = {"limit": 20000, "remaining": 0, "retry_after": int(reset_at - scene.world.now) + 1}
    return answer({**content, **more}, 429, **{"X-RateLimit-Reset": str(reset_at)})


def said(status: int, word: str, msg: str, **more: Any) -> Answer:
    """A refusal in the usual shape."""
    return refusal(status, word, msg, **more).reply


def rewritten(content: Any) -> Outcome:
    """An answer whose content was changed; NaN is written as Python writes it."""
    return Outcome(
        Answer(200, {"content-type": "application/json"}, json.dumps(content, separators=(",", ":")).encode())
    )
