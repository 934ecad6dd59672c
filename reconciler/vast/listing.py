"""The account's whole list, page by page: complete and consistent, or an error."""

from __future__ import annotations

import json
from collections.abc import Mapping

from reconciler.clock import Clock
from reconciler.core.instance import Instance
from reconciler.errors import DoubtfulReading
from reconciler.provider import Listing
from reconciler.values import dataclass
from reconciler.vast.answers import Answer, Call, doubtful, trusted
from reconciler.vast.client import Wire
from reconciler.vast.decode import Malformed, as_record
from reconciler.vast.rows import COLUMNS, instances

PATH = "/api/v1/instances/"
"""The v0 list is retired and may answer an empty list (seen in the wild)."""

PAGE_ROWS = 25
"""The largest page the server gives (documented)."""

_COLUMNS = json.dumps(COLUMNS, separators=(",", ":"))
_NOTHING: tuple[object, ...] = (None, "", [], {})
_WHOLE: Mapping[str, str] = {}
ATTEMPTS = 3
_MAX_PAGES = 1000
_MAX_TOKEN = 4096


@dataclass(frozen=True, slots=True)
class _Page:
    rows: list[Instance]
    total: int
    token: str | None
    told: frozenset[str]
    """The columns of which at least one row says something."""


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
    total, told = page.total, page.told
    for _ in range(_MAX_PAGES):
        rows += page.rows
        if page.total != total or len(rows) > total:
            raise _Moved
        if page.token is None:
            return _whole(rows, total)
        if page.token in tokens or not page.rows:
            raise DoubtfulReading(f"GET {PATH}: its pages do not come to an end")
        tokens.add(page.token)
        page = _next(wire, page.token, told)
    raise DoubtfulReading(f"GET {PATH}: its pages do not come to an end")


def _whole(rows: list[Instance], total: int) -> tuple[Instance, ...]:
    if len({row.id for row in rows}) != len(rows):
        raise DoubtfulReading(f"GET {PATH}: an id occurs twice")
    if len(rows) != total:
        raise _Moved
    return tuple(rows)


def _next(wire: Wire, token: str, told: frozenset[str]) -> _Page:
    """A later page with the columns that are read. A column that the server does not know, or selects otherwise than it
    shows it, comes back as null: where no row tells what some row of page one, asked for whole, has told, the page is
    asked for again, whole as well."""
    page = _page(wire, token, query={"select_cols": _COLUMNS})
    return page if not page.rows or told <= page.told else _page(wire, token)


def _page(wire: Wire, token: str | None, query: Mapping[str, str] = _WHOLE) -> _Page:
    query = {"limit": str(PAGE_ROWS), "order_by": '[{"col":"id","dir":"asc"}]', **query}
    if token is not None:
        # The answer calls it next_token; sent under that name it is passed over and page one comes again (seen).
        query["after_token"] = token
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
    return _Page(instances(rows), total, token, _told(rows))


def _told(rows: list[object]) -> frozenset[str]:
    records = [record for row in rows if (record := as_record(row)) is not None]
    return frozenset(name for name in COLUMNS if any(record.get(name) not in _NOTHING for record in records))
