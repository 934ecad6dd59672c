"""The billing pages: charges by instance, payments, and the prepayment of an instance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Answer, answer, invalid_request, refusal
from reconciler.simulator.charges import DAY, Parts
from reconciler.simulator.conditions import number, tests
from reconciler.simulator.paging import page
from reconciler.simulator.pricing import HOURS_A_MONTH

if TYPE_CHECKING:
    from reconciler.simulator.incoming import Request
    from reconciler.simulator.world import World

MOST_CHARGES, MOST_INVOICES = 500, 100

ITEMS = (("gpu", "GPU"), ("disk", "Storage"), ("bwd", "Bandwidth in"), ("bwu", "Bandwidth out"))
"""The parts of a charge, in the ledger's order."""

NEEDS_DAYS = "Must provide both 'day' gte and lte filters for instance charges"


def charges(world: World, request: Request) -> Answer:
    """What each instance cost in a range of days."""
    filters = request.structure("select_filters", {})
    day = filters.get("day")
    if not isinstance(day, dict) or not {"gte", "lte"} <= day.keys():
        raise refusal(400, "invalid_request", NEEDS_DAYS)
    rows = _charge_rows(world, filters) if _wants_instances(filters) else []
    rows.sort(key=lambda row: (row["start"], row["source"]), reverse=request.flag("latest_first", True))
    return _pages(rows, request, 100, MOST_CHARGES)


def invoices(world: World, request: Request) -> Answer:
    """What was paid in: the credit that every simulated account begins with."""
    filters = request.structure("select_filters", {})
    row = {"when": world.account.opened, "service": "stripe_payments", "id": 1}
    for name, condition in filters.items():
        if name not in row:
            raise invalid_request(f"{name} is not a valid search key")
        if not all(test(row[name]) for test in tests(condition)):
            return _pages([], request, 20, MOST_INVOICES)
    return _pages([_payment(world)], request, 20, MOST_INVOICES)


def prepay(world: World, request: Request) -> Answer:
    """The answer to a prepayment; no money moves."""
    contract = world.contracts.get(request.ids[0])
    amount = number(request.body.get("amount"))
    if contract is None:
        raise refusal(400, "invalid_args", "No such instance")
    if amount is None or amount <= 0:
        raise refusal(400, "invalid_args", "error 400/1782: Invalid args: amount")
    if amount > world.credit:
        raise refusal(411, "insufficient_credit", "Insufficient credit")
    months = amount / ((contract.gpu_per_hour + contract.disk_per_hour) * HOURS_A_MONTH)
    discount = float(contract.terms.get("credit_discount_max") or 0.0) * min(1.0, months / 3)
    return answer({"success": True, "timescale": months, "discount_rate": discount})


def _wants_instances(filters: dict[str, Any]) -> bool:
    return all(test("instance") for test in tests(filters.get("type", {})))


def _charge_rows(world: World, filters: dict[str, Any]) -> list[dict[str, Any]]:
    in_range = tests(filters["day"])
    found: dict[int, dict[str, Any]] = {}
    for instance_id, day, about, label, parts in world.account.charges.shown(world.now):
        start = day * DAY
        if sum(parts) and all(test(start) for test in in_range):
            row = found.setdefault(instance_id, _empty(instance_id, start, about))
            row["end"], row["metadata"] = start, {"label": label}
            row["parts"] = row["parts"].plus(parts)
    return [_charge(row) for row in found.values()]


def _empty(instance_id: int, start: float, about: str) -> dict[str, Any]:
    source = f"instance-{instance_id}"
    return {"start": start, "end": start, "type": "instance", "source": source, "description": about, "parts": Parts()}


def _charge(row: dict[str, Any]) -> dict[str, Any]:
    parts = row.pop("parts")
    items = [
        {"start": row["start"], "end": row["end"], "type": kind, "source": None, "description": name, "amount": amount,
         "metadata": {}, "items": []}
        for (kind, name), amount in zip(ITEMS, parts, strict=True)
    ]  # fmt: skip
    return {**row, "amount": sum(parts), "items": items}


def _payment(world: World) -> dict[str, Any]:
    opened = world.account.opened
    return {
        "start": opened,
        "end": opened,
        "type": "credit",
        "source": "stripe_payments",
        "description": "Simulated credit",
        "amount": -world.account.paid_in,
        "metadata": {"invoice_id": 1},
        "items": [],
    }


def _pages(rows: list[dict[str, Any]], request: Request, default: int, most: int) -> Answer:
    shown, following = page(rows, request.query.get("after_token"), request.limit(default, most))
    return answer({
        "success": True, "count": len(shown), "total": len(rows), "next_token": following, "results": shown,
    })  # fmt: skip
