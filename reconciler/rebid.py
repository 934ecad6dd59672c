"""A higher bid for an instance that lost its own: read afresh, written down, sent once, read back."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from reconciler.clock import Clock
from reconciler.core.bids import paid_bid
from reconciler.core.instance import Instance
from reconciler.core.label import Mark, read_label
from reconciler.core.plan import Update
from reconciler.core.report import Outcome, OutcomeKind
from reconciler.core.states import State, rate_per_hour, state_of
from reconciler.errors import DoubtfulReading, Unreachable
from reconciler.provider import BidAnswer, BidDoubtful, BidSent, Gone, Provider


def give_bid(provider: Provider, clock: Clock, action: Update, write_down: Callable[[], None]) -> Outcome:
    """Send the new bid of `action`; `write_down` is called just before. Raises what it raises, and `KeyProblem`."""
    clock.sleep(provider.free_at("bid") - clock.now())
    before = _read(provider, clock, action)
    why = before if isinstance(before, str) else _why_not(action, before)
    if why is not None or isinstance(before, str):
        return _outcome(action, "skipped", f"gets no new bid: {why}")
    write_down()
    answer = provider.bid(action.old.id, action.bid)
    after = _read(provider, clock, action)
    return _told(action, before, after, answer)


def _read(provider: Provider, clock: Clock, action: Update) -> Instance | str:
    """The instance as it is now, or why nobody can tell."""
    clock.sleep(provider.free_at("show") - clock.now())
    try:
        reading = provider.instance(action.old.id)
    except (DoubtfulReading, Unreachable) as error:
        return f"it could not be read: {error}"
    return "it is gone" if isinstance(reading, Gone) else reading


def _why_not(action: Update, now: Instance) -> str | None:
    """Why the bid is not sent after all."""
    mark = read_label(now.label, action.old.mark.owner)
    if not isinstance(mark, Mark) or mark.seat != action.seat:
        return "its label is not ours any more"
    if state_of(now) is not State.OUTBID:
        return "its bid won again"
    paid = paid_bid(now)
    if paid is None:
        return "what it pays is not told"
    return "its bid is as high by now" if paid >= action.bid else None


def _told(action: Update, before: Instance, after: Instance | str, answer: BidAnswer) -> Outcome:
    """What became of it, as a reading shows; an answer alone proves nothing."""
    bid = f"${action.bid:.4f}/h"
    if isinstance(after, str):
        return _outcome(action, "refused", f"was sent a bid of {bid}, and {after}")
    if not _stands(action, paid_bid(before), paid_bid(after), answer):
        why = answer.why if isinstance(answer, BidDoubtful) else "it does not show"
        return _outcome(action, "refused", f"was sent a bid of {bid}, which does not stand: {why}", after)
    runs = "it waits" if state_of(after) is State.OUTBID else "it won"
    return _outcome(action, "bid", f"bids {bid} instead of ${action.standing:.4f}/h; {runs}", after)


def _stands(action: Update, old: Decimal | None, new: Decimal | None, answer: BidAnswer) -> bool:
    """Whether the new bid shows in what is paid. Where the price on demand bounded that before, the bid itself never
    shows, and an accepted one is believed."""
    if old is None or new is None or new > action.bid:
        return False
    return new > old or (new == old < action.standing and isinstance(answer, BidSent))


def _outcome(action: Update, kind: OutcomeKind, text: str, now: Instance | None = None) -> Outcome:
    rate = Decimal(0) if now is None else rate_per_hour(now)
    return Outcome(kind, action.seat, text, action.old.id, rate)
