"""The account's whole list, page by page: complete and consistent, or an error."""

from __future__ import annotations

import json
from dataclasses import dataclass

from reconciler.clock import Clock
from reconciler.core.model import Instance
from reconciler.errors import DoubtfulReading
from reconciler.provider import Listing
from reconciler.vast.answers import Answer, Call, doubtful, trusted
from reconciler.vast.client import Wire
from reconciler.vast.decode import Malformed
from reconciler.vast.rows import COLUMNS, instances

PATH = "/api/v1/instances/"
"""The v0 list is retired and may answer an empty list (seen in the wild)."""

PAGE_ROWS = 25
"""The largest page the server gives (documented)."""

_COLUMNS = json.dumps(COLUMNS, separators=(",", ":"))
ATTEMPTS = 3
_MAX_PAGES = 1000
_MAX_TOKEN = 4096


@dataclass(frozen=True, slots=True)
class _Page:
    rows: list[Instance]
    total: int
    token: str | None


class _Moved(Exception):
    """The list changed while it was read."""


def read_listing(wire: Wire, clock: Clock) -> Listing:
    """All instances. Where the list changes between two pages it is read again from its start, three times at most."""
    for _ in range(ATTEMPTS):
        started = clock.now()
        try:
            return Listing(_all_pages(wire), started)
        except _Moved:
            continue
    raise DoubtfulReading(
        f"GET {PATH}: the list kept changing while it was read, {ATTEMPTS} times", hint="try again later"
    )


def _all_pages(wire: Wire) -> tuple[Instance, ...]:
    rows: list[Instance] = []
    tokens: set[str] = set()
    page = _page(wire, None)
    total = page.total
    for _ in range(_MAX_PAGES):
        rows += page.rows
        if page.total != total or len(rows) > total:
            raise _Moved
        if page.token is None:
            return _whole(rows, total)
        if page.token in tokens or not page.rows:
            raise DoubtfulReading(f"GET {PATH}: its pages do not come to an end")
        tokens.add(page.token)
        page = _page(wire, page.token)
    raise DoubtfulReading(f"GET {PATH}: its pages do not come to an end")


def _whole(rows: list[Instance], total: int) -> tuple[Instance, ...]:
    if len({row.id for row in rows}) != len(rows):
        raise DoubtfulReading(f"GET {PATH}: an id occurs twice")
    if len(rows) != total:
        raise _Moved
    return tuple(rows)


def _page(wire: Wire, token: str | None) -> _Page:
    query = {"limit": str(PAGE_ROWS), "order_by": '[{"col":"id","dir":"asc"}]'}
    if token is not None:
        # The answer calls it next_token; sent under that name it is passed over and page one comes again (seen).
        query["after_token"] = token
        # A column that the server does not know comes back as null, not as missing. Page one is asked for whole, so
        # that a row which does not speak of its label is found out; the others need not bring what nobody reads.
        query["select_cols"] = _COLUMNS
    answer = wire.patiently(Call("list", "GET", PATH, query=query))
    body = trusted(answer)
    assert isinstance(answer, Answer)
    flaw = ""
    try:
        return _checked(body)
    except Malformed as error:
        flaw = str(error)
    raise doubtful(answer, flaw)


def _checked(body: dict[str, object]) -> _Page:
    rows, total, token = body.get("instances"), body.get("total_instances"), body.get("next_token")
    if body.get("success") is not True:
        raise Malformed("it does not speak of success")
    if not isinstance(rows, list):
        raise Malformed("it has no list of instances")
    if not isinstance(total, int) or isinstance(total, bool) or total < 0:
        raise Malformed("it does not say how many instances there are")
    if not (token is None or (isinstance(token, str) and 0 < len(token) <= _MAX_TOKEN)):
        raise Malformed("its next_token is no token")
    if "instances_found" in body and body["instances_found"] != len(rows):
        raise Malformed("it contradicts itself about the number of its rows")
    return _Page(instances(rows), total, token)
