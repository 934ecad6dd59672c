"""Pending price increases, decoded by allow-list. A host asks to go on at a higher price; without consent the old price
and the old end stand (seen)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.vast.answers import Answer, Call, doubtful, trusted
from reconciler.vast.client import Wire
from reconciler.vast.decode import as_record, identifier, moment, number

if TYPE_CHECKING:
    from reconciler.core.rises import Asked

_A_SECOND = (Decimal(0), Decimal(1))
"""Dollars a second that make sense."""


def read_rises(wire: Wire) -> tuple[Asked, ...]:
    """What hosts ask for now. A server that has no such page knows of none; a row that is no wish is passed over."""
    outcome = wire.patiently(Call("account", "GET", "/api/v0/instances/pending-price-increases/"))
    if isinstance(outcome, Answer) and outcome.status == 404 and not outcome.is_auth:
        return ()
    body = trusted(outcome)
    rows = body.get("pending_price_increases")
    if not isinstance(rows, list):
        assert isinstance(outcome, Answer)
        raise doubtful(outcome, "it has no list of price increases")
    return tuple(asked for row in rows if (asked := _asked(row)) is not None)


def _asked(value: object) -> Asked | None:
    from reconciler.core.rises import Asked

    row = as_record(value)
    if row is None:
        return None
    contract, at = identifier(row.get("contract_id")), moment(row, "contract_end_date")
    new, old = (number(row, f"{when}_gpu_costpersec", *_A_SECOND) for when in ("new", "old"))
    if contract is None or at is None or new is None or old is None:
        return None
    return Asked(contract, (new - old) * 3600, at, moment(row, "ask_end_date"))
