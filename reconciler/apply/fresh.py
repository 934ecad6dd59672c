"""The reading behind a destroy: taken just before it is sent, and what is spared by it."""

from __future__ import annotations

from reconciler.apply.run import Run
from reconciler.core.faults import Fault, is_over
from reconciler.core.instance import Instance
from reconciler.core.label import Mark, read_label
from reconciler.core.plan import Destroy, Replace
from reconciler.core.record import Leaving, without_leaving
from reconciler.core.report import Outcome
from reconciler.core.settle import grown
from reconciler.core.states import State, state_of, state_of_absent
from reconciler.core.unsent import never_sent, unblamed
from reconciler.errors import DoubtfulReading, Unreachable
from reconciler.provider import Gone

FRESH_READ_S = 5.0
"""How old the reading behind a destroy may be when it is sent, from its request on."""


def fresh_reading(run: Run, action: Destroy | Replace) -> tuple[Instance | Gone | Outcome, float]:
    """The victim as it is now, if it may still go; else why it is left alone. And since when that is known."""
    run.clock.sleep(run.provider.free_at("show") - run.clock.now())
    read_at = run.clock.now()
    return _judged(run, action), read_at


def _judged(run: Run, action: Destroy | Replace) -> Instance | Gone | Outcome:
    try:
        keeper = action.keeper_id if isinstance(action, Destroy) else None
        stays = None if keeper is None else _state_of_keeper(run, action, keeper)
        if keeper is not None and stays is None:
            if action.old.id in run.record.leaving:  # Sent before, in vain: what is left of the seat stays.
                run.save(without_leaving(run.record, action.old.id))
            return skipped(action, f"instance {keeper}, which was to stay, is not seen alive in this seat")
        reading = run.provider.instance(action.old.id)
    except (DoubtfulReading, Unreachable) as error:
        run.unread.add(action.old.id)
        return skipped(action, f"could not be read afresh: {error}")
    if isinstance(reading, Gone):
        return reading
    mark = read_label(reading.label, action.old.mark.owner)
    if not isinstance(mark, Mark) or mark.seat != action.seat:
        return skipped(action, "its label is not ours any more")
    if for_its_fault(action) and action.old.fault is not None and is_over(action.old.fault, reading):
        return skipped(action, f"it recovered: {reading.reported}")
    item = run.record.leaving.get(action.old.id)
    if item is not None and (spared := _spared(run, action, item, reading)) is not None:
        return spared
    if stays is State.PENDING and state_of(reading) is State.READY:
        return skipped(action, f"it runs, and instance {keeper}, which is to stay, still boots")
    return reading


def _spared(run: Run, action: Destroy | Replace, item: Leaving, reading: Instance) -> Outcome | None:
    """Why the victim is left alone of a destroy that may never have left: its run was killed before it could note that.

    An instance that has recovered since is not told to go, and as long as that request may yet take effect, or the
    reading be older than its effect, nothing is concluded. Later it is clear that there was none: the seat is judged
    anew, also by checks, for nobody looks at what is leaving.
    """
    if item.in_doubt_at is None or not item.fault:
        return None
    now, fault = run.clock.now(), Fault(item.fault, item.since, 0.0)
    recovered = is_over(fault, reading)
    told = f"it recovered: {reading.reported}" if recovered else "it runs, and its checks have to tell anew"
    if now - item.in_doubt_at >= grown(run.settle, run.record.appeared, now).total_s:
        if recovered or (not fault.over_status and state_of(reading) is State.READY):
            take_back(run, item, reading.machine_id)
            return skipped(action, told)
    elif recovered:
        return skipped(action, f"{told}; whether it was told to go is not known yet")
    return None


def _state_of_keeper(run: Run, action: Destroy | Replace, keeper: int) -> State | None:
    """How the instance is that stays in a seat; None unless it lives, and its label is still ours and of this seat."""
    reading = run.provider.instance(keeper)
    state = state_of_absent(called_gone=True) if isinstance(reading, Gone) else state_of(reading)
    if isinstance(reading, Gone) or state not in (State.READY, State.PENDING):
        return None
    mark = read_label(reading.label, action.old.mark.owner)
    return state if isinstance(mark, Mark) and mark.seat == action.seat else None


def skipped(action: Destroy | Replace, why: str) -> Outcome:
    """A destroy that is not sent."""
    return Outcome("skipped", action.seat, f"instance {action.old.id} is left alone: {why}", action.old.id)


def take_back(run: Run, item: Leaving, machine_id: int | None) -> None:
    """A destroy that had no effect and will have none: the seat is judged anew."""
    forgiven = unblamed(run.record, item, run.clock.now())
    run.save(never_sent(run.record, item, machine_id), *forgiven)


def for_its_fault(action: Destroy | Replace) -> bool:
    """Whether the victim goes for what is wrong with it and for nothing else."""
    return isinstance(action, Replace) or action.unasked
