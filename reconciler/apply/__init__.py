"""A plan, action by action -> outcomes. The only caller of rent and destroy.

One thread, one schedule: the kind of call that is free first goes first, and of its kind a repair. Nothing is sent that
was not written down before; nothing is destroyed that was not read afresh; nothing counts as destroyed before it was
seen gone.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator

from reconciler.apply.destroys import confirm, send_destroy
from reconciler.apply.fresh import skipped
from reconciler.apply.rents import rent
from reconciler.apply.run import Run
from reconciler.core.budget import money
from reconciler.core.outbid import waits_anew
from reconciler.core.plan import Action, Create, Destroy, Plan, Rent, Replace, Update, due, is_unasked
from reconciler.core.record import with_bid
from reconciler.rebid import give_bid


def apply(run: Run, plan: Plan) -> None:
    """Do everything in `plan` that is due; outcomes go into `run`.

    Raises `Interrupted` between calls when a stop was asked for, `Busy` or `NotSaved` when the record cannot be
    written (then nothing more is sent), `KeyProblem` when the key is refused.
    """
    run.unread.clear()
    run.market = plan.market
    for batch in run.batches.values():
        batch.begin_pass()
    actions = sorted(filter(due, plan.actions()), key=_urgency)
    rents: deque[Rent] = deque(a for a in actions if isinstance(a, Rent) and not _old_first(a))
    destroys: deque[Destroy | Replace] = deque(
        a for a in actions if not isinstance(a, Create | Update) and _old_first(a)
    )
    sent: list[Destroy | Replace] = []
    while destroys or rents:
        if destroys and (not rents or _destroy_is_free_first(run)):
            sent += _sent(run, destroys.popleft())
            if rents and not any(isinstance(action, Replace) for action in destroys):
                rents = deque(sorted([*_successors(run, sent), *rents], key=_urgency))
        else:
            rent(run, rents.popleft())
    for update in (a for a in actions if isinstance(a, Update)):
        _bid(run, update)
    for successor in _successors(run, sent):
        rent(run, successor)


def _urgency(action: Action) -> tuple[bool, int]:
    """What puts something in the place of what was lost goes first, then fleets by priority; what ends an instance and
    puts nothing in its place goes last."""
    if isinstance(action, Destroy):
        return (True, sys.maxsize)
    repairs = isinstance(action, Create | Replace) and is_unasked(action)
    return (not repairs, -action.fleet.priority)


def _sent(run: Run, action: Destroy | Replace) -> Iterator[Destroy | Replace]:
    """The action, if its destroy is under way."""
    if _nothing_follows(run, action):
        run.note(skipped(action, "nothing is rented for its fleet any more in this run"))
    elif send_destroy(run, action):
        yield action


def _successors(run: Run, sent: list[Destroy | Replace]) -> list[Replace]:
    """What follows those of `sent` that are seen gone now; these are taken out of it."""
    gone = confirm(run, [action.old.id for action in sent]) if sent else set()
    proven = [action for action in sent if action.old.id in gone]
    sent[:] = [action for action in sent if action.old.id not in gone]
    return [action for action in proven if isinstance(action, Replace)]


def _old_first(action: Rent | Destroy) -> bool:
    """Whether the action begins with a destroy."""
    return isinstance(action, Destroy) or (isinstance(action, Replace) and action.order == "destroy-first")


def _nothing_follows(run: Run, action: Destroy | Replace) -> bool:
    """Whether the action is to put something in the place of what it destroys, and this run rents it no more."""
    return isinstance(action, Replace) and (run.rents_stopped or action.seat.fleet in run.stopped_fleets)


def _destroy_is_free_first(run: Run) -> bool:
    return run.provider.free_at("destroy") <= run.provider.free_at("rent")


def _bid(run: Run, action: Update) -> None:
    """A new bid, once in a run; from then on the instance has as long to win as it had from its loss on."""
    run.bid.add(action.old.id)

    def write_down() -> None:
        run.added += money(action).lasting
        run.save(waits_anew(run.record, action.old.id, run.clock.now()))

    outcome = give_bid(run.provider, run.clock, action, write_down)
    run.note(outcome)
    if outcome.kind == "bid":
        run.save(with_bid(run.record, action.old.id, action.bid))
