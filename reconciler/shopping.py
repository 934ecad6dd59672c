"""What the market has for the seats that need something, and what would be cheaper for what runs, where that is asked
for. A pass that wants nothing of the market does without all of this."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.core.assemble import Readings, Wish, room, sitting
from reconciler.core.bans import bans_of
from reconciler.core.broke import no_credit
from reconciler.core.budget import rooms
from reconciler.core.cheaper import Asking, looks, with_looks
from reconciler.core.envelope import Done, Envelope
from reconciler.core.label import Seat
from reconciler.core.place import Ground, place, with_news
from reconciler.core.placement import Choice, Need, Placement
from reconciler.core.sights import NewSights, Sights, utc_day, with_new
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
