"""One plain HTTP request, whose status is all that is looked at."""

from __future__ import annotations

import http.client
import socket
from urllib.parse import quote

from reconciler import __version__
from reconciler.core.causes import CLOSED, NO_ANSWER, NOT_HTTP, http_status
from reconciler.core.instance import Endpoint
from reconciler.probe.visit import Missed, Visit

_KEPT = "/?&=%:@!$'()*+,;~-._"
"""What stands in a path and its query as it is."""


def ask(connection: socket.socket, endpoint: Endpoint, path: str, visit: Visit) -> None:
    """Nothing where the answer is a 2xx or a 3xx, whose target is not followed. Raises `Missed`.

    The body is left unread. The standard library bounds the header: a hundred lines of 64 KiB.
    """
    connection.settimeout(visit.left(visit.patience.answer_s))
    exchange = http.client.HTTPConnection(str(endpoint.host), endpoint.port)
    exchange.sock = connection
    headers = {"User-Agent": f"vast-reconciler/{__version__}", "Accept": "*/*", "Connection": "close"}
    try:
        exchange.request("GET", quote(path, safe=_KEPT), headers=headers)
        with exchange.getresponse() as answer:
            status, reason = answer.status, answer.reason
        visit.left()  # An end of ours looks like the end of the header.
    except (http.client.HTTPException, ValueError, OSError) as error:
        raise Missed(NO_ANSWER if visit.is_over else _cause(error), f"GET {path}: {error}") from None
    if not 200 <= status < 400:
        raise Missed(http_status(status), f"GET {path}: {reason}")


def _cause(error: Exception) -> str:
    match error:
        case TimeoutError():
            return NO_ANSWER
        case OSError() | http.client.IncompleteRead():  # `RemoteDisconnected` is the former.
            return CLOSED
        case _:
            return NOT_HTTP
