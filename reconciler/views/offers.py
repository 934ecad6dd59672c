"""The market as one fleet sees it, for a person at a terminal: the ranking, one machine's story, ways out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from reconciler.core.candidates import Appraiser, Candidate
from reconciler.core.model import Fleet, Modifiers
from reconciler.core.placement import Placement
from reconciler.core.score import PARTS, modifiers_of
from reconciler.core.shortage import Relaxation, Shortage
from reconciler.views.text import aligned, shortage_text
from reconciler.views.wording import bid_text, money, plural, reading_text, relaxation_text


def offers_text(
    fleet: Fleet, judged: Sequence[Candidate], shortage: Shortage, weights: Sequence[float], limit: int = 20
) -> str:
    """Eligible offers ranked, the best first, every part of their score beside them; then what is refused and why."""
    good = [candidate for candidate in judged if candidate.eligible]
    counted = [i for i, weight in enumerate(weights) if weight]
    rows = [_row(rank, candidate, counted, fleet) for rank, candidate in enumerate(good[:limit], 1)]
    names = _header(counted, fleet)
    more = [f"... and {len(good) - limit} more"] if len(good) > limit else []
    ranked_by = _formula(weights, fleet)
    head = f"{fleet.name}  {plural(len(good), 'eligible offer')} of {len(judged)} seen, ranked by {ranked_by}"
    refused = [f"  {rule} refuses {count}" for rule, count in shortage.refused]
    tail = ["Refused:", *refused] if refused else []
    nearest = [] if good else [f"Nothing fits: {shortage_text(shortage)}"]
    return "\n".join([head, *(aligned([names, *rows]) if rows else []), *more, *tail, *nearest])


def _formula(weights: Sequence[float], fleet: Fleet) -> str:
    """`0.35 latency + 0.25 price + bonus`: what the score is made of."""
    parts = [(weight, name) for name, weight in zip(PARTS, weights, strict=True) if weight]
    said = [name if len(parts) == 1 else f"{weight:.2f} {name}" for weight, name in parts]
    adds = fleet.regions.tiers or fleet.scoring.modifiers != Modifiers()
    return " + ".join([*said, "bonus"] if adds else said)


def _header(counted: Iterable[int], fleet: Fleet) -> tuple[str, ...]:
    latency = ("latency",) if fleet.latency else ()
    parts = (PARTS[i] if not (PARTS[i] == "latency" and latency) else "near" for i in counted)
    bids = ("bid",) if fleet.rental.interruptible else ()
    return ("  #", "price", *bids, "score", *parts, "bonus", "what", "where", "tier", *latency, "machine")


def _row(rank: int, candidate: Candidate, counted: Iterable[int], fleet: Fleet) -> tuple[str, ...]:
    offer, score = candidate.offer, candidate.score
    host = f" (host {offer.host_id})" if offer.host_id is not None else ""
    return (
        f"{rank:>3}",
        money(candidate.price),
        *((bid_text(candidate).removeprefix("bid "),) if fleet.rental.interruptible else ()),
        f"{score.total:.3f}",
        *(f"{score.parts[i]:.2f}" for i in counted),
        f"{score.bonus + score.modifiers:+.2f}",
        f"{offer.gpu_count}x {offer.gpu_name}",
        offer.location or "place unknown",
        candidate.tier or "-",
        *((reading_text(candidate.reading),) if fleet.latency else ()),
        f"{offer.machine_id}{host}",
    )


def explain_text(appraiser: Appraiser, judged: Sequence[Candidate], number: int, now: float) -> str:
    """One machine's, or one offer's, whole story: each part of its score, its rank, or every rule that refuses it."""
    good = [candidate for candidate in judged if candidate.eligible]
    stories = [
        "\n".join(_story(appraiser, candidate, good, now))
        for candidate in judged
        if number in (candidate.offer.id, candidate.offer.machine_id)
    ]
    if not stories:
        fleet = appraiser.fleet
        wanted = f"{fleet.gpu.count}x {' or '.join(fleet.gpu.models)}"
        return f"{number} is neither a machine nor an offer of {wanted} that the market shows now"
    return "\n\n".join(stories)


def _story(appraiser: Appraiser, candidate: Candidate, good: Sequence[Candidate], now: float) -> Iterator[str]:
    offer = candidate.offer
    host = f", host {offer.host_id}" if offer.host_id is not None else ""
    what = f"{offer.gpu_count}x {offer.gpu_name}  {offer.location or 'place unknown'}  {money(candidate.price)}"
    what += f"  {bid}" if (bid := bid_text(candidate)) else ""
    yield f"machine {offer.machine_id}{host}, offer {offer.id}  {what}"
    if candidate.eligible:
        yield f"eligible, ranked {good.index(candidate) + 1} of {len(good)}"
        yield from aligned(list(_sum(appraiser, candidate, now)))
    else:
        yield f"refused by {plural(len(candidate.refusals), 'rule')}"
        for refusal in candidate.refusals:
            off = f", {refusal.miss * 100:.0f} % off" if refusal.miss is not None else ""
            yield f"  {refusal.rule}: {refusal.detail}{off}"


def _sum(appraiser: Appraiser, candidate: Candidate, now: float) -> Iterator[tuple[str, str, str]]:
    fleet, offer, score = appraiser.fleet, candidate.offer, candidate.score
    reliability = f"{offer.reliability:.4f}, at least {fleet.host.min_reliability}" if offer.reliability else "unknown"
    days = f"{offer.days_left:.0f} days left" if offer.days_left is not None else "time left unknown"
    facts = {
        "latency": reading_text(candidate.reading),
        "price": f"{money(candidate.price)} of {money(fleet.price.max_per_hour)}",
        "gpu": f"{offer.gpu_name} of {', '.join(fleet.gpu.models)}",
        "reliability": reliability,
        "availability": days,
    }
    for name, weight, part in zip(PARTS, appraiser.scorer.weights, score.parts, strict=True):
        if weight:
            yield f"  {name}", f"{weight:.2f} x {part:.2f} = {weight * part:.3f}", facts[name]
    if score.bonus:
        yield "  tier", f"{score.bonus:+.3f}", candidate.tier or "elsewhere"
    for name, value in modifiers_of(fleet.scoring.modifiers, offer, now).items():
        yield f"  {name}", f"{value:+.3f}", ""
    yield "  score", f"{score.total:.3f}", ""


def filled_text(fleets: Iterable[Fleet], placed: Placement) -> str:
    """How many seats of each fleet a market would fill, and what keeps the others empty."""
    return "\n".join(_filled(fleet, placed) for fleet in fleets)


def _filled(fleet: Fleet, placed: Placement) -> str:
    prices = [choice.candidate.price for seat, choice in placed.choices.items() if seat.fleet == fleet.name]
    rate = f" for {money(sum(prices, Decimal(0)))}" if prices else ""
    short = placed.shortages.get(fleet.name)
    why = f"; {shortage_text(short)}" if short else ""
    return f"{fleet.name}  {len(prices)} of {plural(fleet.replicas, 'seat')} would fill{rate}{why}"


def relax_text(fleet: Fleet, relaxed: Mapping[str, Sequence[Relaxation]]) -> str:
    """Which single rule, loosened how far, admits how many more machines."""
    if not relaxed:
        return f"{fleet.name}  no single rule keeps a machine out"
    lines = [f"  {relaxation_text(step)}" for steps in relaxed.values() for step in steps]
    return "\n".join([f"{fleet.name}  one rule loosened, the others kept:", *lines])
