"""Why seats stay empty: refusals by rule, the nearest miss, and what one rule loosened would admit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from reconciler.core.candidates import Candidate


@dataclass(frozen=True, slots=True)
class Miss:
    """The refused offer that comes nearest, and what refuses it."""

    rule: str
    detail: str
    percent: Decimal | None
    price: Decimal


@dataclass(frozen=True, slots=True)
class Relaxation:
    """One rule that alone keeps machines out: how far it would have to be loosened, and how many it would admit."""

    rule: str
    to: str | None
    """What the rule would have to say; None: it would have to be dropped."""
    machines: int


@dataclass(frozen=True, slots=True)
class Shortage:
    """Why seats of a fleet stay unfilled: offers seen, refusals by first rule, the nearest miss, ways out."""

    seen: int
    refused: tuple[tuple[str, int], ...] = ()
    nearest: Miss | None = None
    relaxations: tuple[Relaxation, ...] = ()


def shortage(judged: Sequence[Candidate], crowded: Mapping[str, int], wanted: int = 1) -> Shortage:
    """Refusals counted, the offer that one rule alone keeps out by the least, and how far each single rule would have
    to be loosened to admit as many machines as are wanted."""
    counts: Counter[str] = Counter(crowded)
    counts.update(candidate.refusals[0].rule for candidate in judged if candidate.refusals)
    nearly = [candidate for candidate in judged if len(candidate.refusals) == 1]
    nearest = min(nearly, key=_distance, default=None)
    ordered = tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    relaxed = tuple(steps[-1] for steps in relaxations(judged, wanted).values())
    return Shortage(len(judged), ordered, _miss(nearest) if nearest else None, relaxed)


def relaxations(judged: Iterable[Candidate], wanted: int = 1) -> dict[str, list[Relaxation]]:
    """For each rule that alone refuses machines: loosened to admit the nearest one, and as many as are wanted, or all
    where they are fewer."""
    by_rule: dict[str, list[Candidate]] = {}
    for candidate in judged:
        if len(candidate.refusals) == 1:
            by_rule.setdefault(candidate.refusals[0].rule, []).append(candidate)
    found = {rule: list(_steps(rule, sorted(near, key=_distance), wanted)) for rule, near in by_rule.items()}
    return dict(sorted(found.items(), key=lambda item: (-item[1][-1].machines, item[0])))


def _steps(rule: str, near: Sequence[Candidate], wanted: int) -> Iterable[Relaxation]:
    if near[0].refusals[0].admits is None:
        yield Relaxation(rule, None, len({c.offer.machine_id for c in near}))
        return
    machines: set[int] = set()
    told = 0
    for place, candidate in enumerate(near):
        machines.add(candidate.offer.machine_id)
        after = near[place + 1].refusals[0] if place + 1 < len(near) else None
        refusal = candidate.refusals[0]
        if after is not None and after.admits == refusal.admits:
            continue
        enough = len(machines) >= wanted or after is None
        if refusal.admits is not None and (told == 0 or (enough and len(machines) > told)):
            told = len(machines)
            yield Relaxation(rule, refusal.admits, told)
        if told >= wanted:
            return


def _distance(candidate: Candidate) -> tuple[bool, Decimal, Decimal, int]:
    miss = candidate.refusals[0].miss
    return (miss is None, miss or Decimal(0), candidate.price, candidate.offer.id)


def _miss(candidate: Candidate) -> Miss:
    refusal = candidate.refusals[0]
    percent = None if refusal.miss is None else refusal.miss * 100
    return Miss(refusal.rule, refusal.detail, percent, candidate.price)
