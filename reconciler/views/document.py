"""Results as JSON documents: one envelope for all commands, versioned, described by `schemas/output.schema.json`.

Money is a string with its full decimal value in $/h, so that no reader rounds it by accident; times are ISO 8601 in
UTC; seats are `fleet/index`. Equal inputs give equal bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from reconciler.core.candidates import Appraiser, Candidate
from reconciler.core.label import Seat
from reconciler.core.model import Fleet, Policy
from reconciler.core.placement import Placement
from reconciler.core.plan import MarketSeen, Plan
from reconciler.core.report import Outcome, Report
from reconciler.core.score import PARTS
from reconciler.core.shortage import Relaxation, Shortage
from reconciler.diagnostics import Diagnostic
from reconciler.views.parts import (
    Document,
    instance_parts,
    market_parts,
    maybe,
    nearest_parts,
    offer_parts,
    place_of,
    plan_parts,
    relaxation_parts,
    shortage_parts,
    tenths,
    value,
)
from reconciler.views.seats import SeatRow

FORMAT = "vast-reconciler"
VERSION = 1

_ONLY_IN_PLANS = frozenset(
    {"actions", "unfilled", "held", "summary", "market", "rents_wait_s", "pruned", "resent", "rollout"}
)


def plan_document(plan: Plan) -> Document:
    """Everything a plan says."""
    return envelope("plan") | plan_parts(plan)


def apply_document(
    plan: Plan,
    outcomes: Sequence[Outcome],
    ending: str,
    waits: Sequence[str],
    error: str | None,
    command: Literal["apply", "destroy"] = "apply",
) -> Document:
    """What a run did, how it ended, and the last plan it made: what is still to do."""
    result = {
        "ending": ending,
        "error": error,
        "waits": list(waits),
        "outcomes": [_outcome(outcome) for outcome in outcomes],
        "plan": plan_parts(plan),
        "failed": [],
        "doubts": [],
    }
    return envelope(command) | result


def report_document(report: Report, command: Literal["apply", "destroy"] = "apply") -> Document:
    """A whole run: the document of its plan and outcomes, with what is still open at its end."""
    plan = replace(report.plan, leaks=report.leaks)
    told = apply_document(plan, report.outcomes, report.ending.value, report.waits, report.error, command)
    doubts = [{"seat": str(i.seat), "attempt": i.attempt, "ceiling": value(i.ceiling)} for i in report.doubts]
    return told | {"failed": list(report.failed), "doubts": doubts}


def status_document(plan: Plan, rows: Iterable[SeatRow] = ()) -> Document:
    """What a plan says about the account as it is, without what would be done about it."""
    as_it_is = replace(plan, cost=replace(plan.cost, after=plan.cost.now, peak=plan.cost.now))
    body = plan_parts(as_it_is)
    fleets = [_without_actions(fleet) for fleet in body["fleets"]]
    return envelope("status") | _without_actions(body) | {"fleets": fleets, "seats": [_seat(row) for row in rows]}


def _seat(row: SeatRow) -> Document:
    told: Document = {"seat": row.seat, "state": row.state, "why": row.why or None}
    if row.instance is not None:
        told["instance"] = instance_parts(row.instance) | {"rate_per_hour": value(row.rate_per_hour), "ssh": row.ssh}
    return told


def _without_actions(part: Document) -> Document:
    return {name: value for name, value in part.items() if name not in _ONLY_IN_PLANS}


def offers_document(
    appraiser: Appraiser,
    judged: Sequence[Candidate],
    shortage: Shortage,
    relaxed: Mapping[str, Sequence[Relaxation]],
    seen: MarketSeen,
) -> Document:
    """The market as one fleet sees it: what is eligible, the best first, and why the rest is not."""
    result = {
        "fleet": place_of(appraiser.fleet),
        "market": market_parts(seen),
        "weights": dict(zip(PARTS, appraiser.scorer.weights, strict=True)),
        "seen": len(judged),
        "eligible": [_judged(candidate) for candidate in judged if candidate.eligible],
        "refused": dict(shortage.refused),
        "refused_offers": [_judged(c) | _refusals(c) for c in judged if not c.eligible],
        "nearest": nearest_parts(shortage.nearest),
        "relaxations": [relaxation_parts(step) for steps in relaxed.values() for step in steps],
    }
    return envelope("offers") | result


def validate_document(
    fleets: Iterable[Fleet],
    policy: Policy | None,
    diagnostics: Sequence[Diagnostic],
    files: Iterable[str],
    placed: Placement | None = None,
) -> Document:
    """What the files declare, everything that is wrong with them, and what of it a market would fill."""
    result = {
        "valid": all(found.severity != "error" for found in diagnostics),
        "files": list(files),
        "policy": None if policy is None else {"owner": policy.owner, "file": policy.file},
        "fleets": [_declared(fleet) | _would_fill(fleet, placed) for fleet in fleets],
        "diagnostics": [_diagnostic(found) for found in diagnostics],
    }
    return envelope("validate") | result


def error_document(message: str, hint: str | None, exit_code: int, diagnostics: Sequence[Diagnostic]) -> Document:
    """What a command says that could not do its work."""
    told = {"message": message, "hint": hint, "exit_code": exit_code}
    return envelope("error") | told | {"diagnostics": [_diagnostic(found) for found in diagnostics]}


def pause_document(fleet: str, paused: bool) -> Document:
    """What `pause` and `resume` leave behind."""
    return envelope("pause" if paused else "resume") | {"fleet": fleet, "paused": paused}


def free_document(seat: Seat, changed: bool) -> Document:
    """What `free` leaves behind: the seat is free, and whether it was not before."""
    return envelope("free") | {"seat": str(seat), "changed": changed}


def dump(document: Document) -> str:
    """A document as text in ASCII, without a newline at the end.

    DEL and `##` are escaped as well: the first is a control character, the second begins a command in a CI log.
    """
    text = json.dumps(document, indent=2, ensure_ascii=True)
    return text.replace("\x7f", "\\u007f").replace("##", "#\\u0023")


def envelope(command: str) -> Document:
    """What every document begins with."""
    return {"format": FORMAT, "version": VERSION, "command": command}


# --- the rows of these documents --------------------------------------------------------------------------


def _outcome(outcome: Outcome) -> Document:
    return {
        "kind": outcome.kind,
        "seat": str(outcome.seat),
        "text": outcome.text,
        "instance": outcome.instance_id,
        "rate_per_hour": value(outcome.rate_per_hour),
    }


def _judged(candidate: Candidate) -> Document:
    offer = candidate.offer
    quality = {"reliability": maybe(offer.reliability), "download_mbps": maybe(offer.download_mbps)}
    return offer_parts(candidate) | quality


def _refusals(candidate: Candidate) -> Document:
    refusals = [
        {"rule": r.rule, "detail": r.detail, "percent": tenths(None if r.miss is None else r.miss * 100)}
        for r in candidate.refusals
    ]
    return {"refusals": refusals}


def _declared(fleet: Fleet) -> Document:
    price = fleet.price
    rules = {
        "wanted": fleet.replicas,
        "paused": fleet.paused,
        "gpus": fleet.gpu.count,
        "models": list(fleet.gpu.models),
        "max_per_hour": value(price.max_per_hour),
        "budget_per_hour": maybe(price.budget_per_hour),
    }
    return place_of(fleet) | rules


def _would_fill(fleet: Fleet, placed: Placement | None) -> Document:
    if placed is None:
        return {}
    short = placed.shortages.get(fleet.name)
    filled = sum(seat.fleet == fleet.name for seat in placed.choices)
    return {"would_fill": filled, "shortage": None if short is None else shortage_parts(short)}


def _diagnostic(found: Diagnostic) -> Document:
    return {
        "severity": found.severity,
        "code": found.code,
        "message": found.message,
        "file": found.file,
        "line": found.line,
        "column": found.column,
        "suggestion": found.suggestion,
    }
