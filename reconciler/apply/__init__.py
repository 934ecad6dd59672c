"""A plan, action by action -> outcomes. The only caller of rent and destroy.

One thread, one schedule: the kind of call that is free first goes first. Nothing is sent that was not written down
before; nothing is destroyed that was not read afresh; nothing counts as destroyed before it was seen gone.
"""

from __future__ import annotations

from collections import deque

from reconciler.apply.destroys import confirm, send_destroy, skipped
from reconciler.apply.rents import rent
from reconciler.apply.run import Run
from reconciler.core.budget import money
from reconciler.core.outbid import waits_anew
from reconciler.core.plan import Create, Destroy, Plan, Rent, Replace, Update, due
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
    actions = [action for action in plan.actions() if due(action)]
    rents: deque[Rent] = deque(a for a in actions if isinstance(a, Rent) and not _old_first(a))
    destroys: deque[Destroy | Replace] = deque(
        a for a in actions if not isinstance(a, Create | Update) and _old_first(a)
    )
    sent: list[Destroy | Replace] = []
    while destroys or rents:
        if destroys and (not rents or _destroy_is_free_first(run)):
            action = destroys.popleft()
            if _nothing_follows(run, action):
                run.note(skipped(action, "nothing is rented for its fleet any more in this run"))
            elif send_destroy(run, action):
                sent.append(action)
        else:
            rent(run, rents.popleft())
    for update in (a for a in actions if isinstance(a, Update)):
        _bid(run, update)
    confirmed = confirm(run, [a.old.id for a in sent]) if sent else set()
    for action in sent:
        if isinstance(action, Replace) and action.old.id in confirmed:
            rent(run, action)


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
