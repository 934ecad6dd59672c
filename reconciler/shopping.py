"""What the market has for the seats that need something, and what would be cheaper for what runs, where that is asked
for. A pass that wants nothing of the market does without all of this."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.core.assemble import Readings, Wish, assemble, room, sitting
from reconciler.core.bans import bans_of
from reconciler.core.broke import no_credit
from reconciler.core.budget import rooms
from reconciler.core.cheaper import Asking, looks, with_looks
from reconciler.core.envelope import Done, Envelope
from reconciler.core.label import Seat
from reconciler.core.place import Ground, place, with_news
from reconciler.core.placement import Choice, Need, Placement
from reconciler.core.plan import Held, MarketSeen, Plan
from reconciler.core.sights import NewSights, Sights, together, utc_day, with_new
from reconciler.core.sought import Offers, Sought, approved_part, moved_up, sought
from reconciler.core.trading import Trades, proposals_of
from reconciler.eyes import Eyes
from reconciler.survey import Market, both, survey


@dataclass(frozen=True, slots=True)
class Shop:
    """What a pass goes to the market with."""

    eyes: Eyes
    wish: Wish
    done: Done
    sights: Sights
    """What was seen of the market before."""
    envelope: Envelope | None = None
    offers: Offers = field(default_factory=dict)
    """What the last pass planned its seats with."""


Refuses = Callable[[Sequence[Need]], Mapping[str, Held]]
"""Fleets for which nothing may be rented, each with its refusal."""


@dataclass(frozen=True, slots=True)
class Stocked:
    """What a pass decides once it was at the market."""

    plan: Plan
    readings: Readings
    news: NewSights | None = None
    """What was seen there."""
    refused: Mapping[str, Held] = field(default_factory=dict)
    """Fleets that were not looked for."""


def stocked(by: Shop, readings: Readings, needs: Sequence[Need], refuses: Refuses) -> Stocked:
    """The plan with an offer for each of `needs` that can have one.

    Looked for is whoever would be rented for in this pass. Where one of those gets nothing, and so somebody who was to
    wait has the turn, that one is looked for as well: what was seen before is never rented.
    """

    def plan_of(offers: Offers) -> Plan:
        made = _plan(by, replace(readings, placement=Placement(offers)))
        return approved_part(made, by.envelope, by.done)

    asked = sought(needs, by.offers, plan_of)
    found = _stocked_once(by, readings, asked, refuses)
    while (more := moved_up(asked, needs, approved_part(found.plan, by.envelope, by.done))) is not None:
        before, asked = found, more
        by = by if before.news is None else replace(by, sights=with_new(by.sights, before.news))
        found = _with_before(_stocked_once(by, readings, asked, refuses), before)
    return found


def _plan(by: Shop, readings: Readings) -> Plan:
    return assemble(by.wish, readings, by.eyes.clock.now(), by.done)


def _with_before(last: Stocked, before: Stocked) -> Stocked:
    """The last of two looks, with what both took."""
    news = together(before.news, last.news) if before.news and last.news else last.news or before.news
    market = _in_all(before.plan.market, last.plan.market)
    return replace(last, plan=replace(last.plan, market=market), news=news)


def _in_all(first: MarketSeen, second: MarketSeen) -> MarketSeen:
    return replace(second, searches=first.searches + second.searches, rows=first.rows + second.rows)


def _stocked_once(by: Shop, readings: Readings, asked: Sought, refuses: Refuses) -> Stocked:
    refused = refuses(asked.needs)
    needs = [need for need in asked.needs if need.fleet.name not in refused]
    known = {seat: choice for seat, choice in asked.known.items() if seat.fleet not in refused}
    news = None
    if needs or any(fleet.replace.cheaper for fleet in by.wish.fleets):
        others = (*refused, *by.wish.lacking, *(seat.fleet for seat in known))
        readings, news = shop(by, readings, needs, frozenset(others))
    choices = {**known, **readings.placement.choices}
    readings = replace(readings, placement=replace(readings.placement, choices=choices))
    return Stocked(_plan(by, readings), readings, news, refused)


def shop(
    by: Shop, readings: Readings, needs: Sequence[Need], refused: Collection[str] = ()
) -> tuple[Readings, NewSights | None]:
    """The readings with offers for `needs` and proposals for what runs, and what was seen. Fleets of `refused` are not
    looked at."""
    ground = _ground(by, readings)
    market = survey(by.eyes, needs, ground)
    placement = place(needs, market.offers, with_news(ground, market.news))
    asking = _asking(by, ground, market)
    busy = {need.seat.fleet for need in needs} | set(refused)
    record = readings.merged.record
    wanted = [] if no_credit(readings.observation) else looks(readings.diff, record, asking, busy)
    market, choices = _compared_prices(by.eyes, wanted, ground, market, placement)
    found = proposals_of(readings.diff, wanted, choices, asking.now)
    merged = replace(readings.merged, record=with_looks(record, wanted, found, asking))
    trades = Trades(asking, choices)
    return (
        Readings(readings.observation, merged, readings.diff, placement, market.seen, market.problems, trades),
        market.news,
    )


def _ground(by: Shop, readings: Readings) -> Ground:
    wish, record, diff, now = by.wish, readings.merged.record, readings.diff, by.eyes.clock.now()
    in_doubt = (intent.offer_id for intent in record.intents.values())
    return Ground(
        bans_of(wish.policy, record, now),
        now,
        sitting(diff),
        by.done.offers_gone.union(in_doubt),
        by.sights,
        rooms(diff),
        room(wish.policy.limits, diff, record, now),
    )


def _asking(by: Shop, ground: Ground, market: Market) -> Asking:
    rows = ground.sights.rows_used(utc_day(ground.now)) + market.rows
    # A scope is no plan: its seats may all be looked for, and none of them is rented for yet.
    planned = frozenset(by.envelope.rents) if by.envelope and not by.envelope.is_scope else frozenset()
    return Asking(ground.now, by.wish.allowed.run_started_at, rows, by.wish.approve, planned)


def _compared_prices(
    eyes: Eyes, wanted: Sequence[Need], ground: Ground, market: Market, placement: Placement
) -> tuple[Market, Mapping[Seat, Choice]]:
    """A second look, at what would be cheaper for what runs; machines that seats were given are not for it."""
    if not wanted:
        return market, {}
    given = frozenset(choice.candidate.offer.machine_id for choice in placement.choices.values())
    wanted = [replace(need, not_on=need.not_on | given) for need in wanted]
    ground = ground if market.news is None else replace(ground, sights=with_new(ground.sights, market.news))
    more = survey(eyes, wanted, ground)
    return both(market, more), place(wanted, more.offers, with_news(ground, more.news)).choices
