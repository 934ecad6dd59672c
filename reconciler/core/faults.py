"""What is wrong with an instance, since when, and how much patience is left: by its status, its boot, its checks."""

from __future__ import annotations

from reconciler.core.boot_errors import BootError, boot_error
from reconciler.core.health import Health, never_ran
from reconciler.core.instance import Instance
from reconciler.core.model import Fleet
from reconciler.core.readiness import boot_timeout_s
from reconciler.core.renewal import EXPIRED, contract_is_over
from reconciler.core.spans import span
from reconciler.core.states import GRACE_S, State, state_of
from reconciler.values import dataclass

STOPPED = "stopped"
"""The fault of an instance that someone stopped, where its fleet wants such ones replaced."""
OUTBID = "outbid"
"""The fault of an interruptible instance whose bid was beaten; its grace is the time it may win it back."""
RESTART_S = 600.0
"""An instance that won its bid back reads `exited` until its host has started it again, for minutes (seen)."""
SLACK, SLACK_S = 0.05, 30.0
"""The last twentieth of a grace, at most so many seconds, counts as over."""
OF_THE_HOST = frozenset({"offline", "unknown"})
"""Faults of a host, which say nothing of the spec, however early they come."""
UNABLE = "unable to start: "
"""What a fault begins with whose cause is the host's own message."""
GAVE_UP = "stopped before it ran"
"""A host that gives up looks as if somebody had stopped the instance; there is nothing on it yet to be kept."""
STILL = "still"
_SILENT = frozenset({"offline", "unknown", EXPIRED, OUTBID, STOPPED})
"""Of these there is no container that could be asked for its log, and none of them tells of the spec."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A bad report of the host or of a check, since when it lasts and what is left of its grace, in seconds."""

    kind: str
    since: float
    grace_left_s: float
    booting: bool = False
    """The instance was never ready."""
    blames_machine: bool = True
    """Another machine may do better."""

    @property
    def has_log(self) -> bool:
        """Whether the container's log may tell more."""
        return self.kind not in _SILENT

    @property
    def of_the_host(self) -> bool:
        """Whether the host itself is not heard of."""
        return self.kind in OF_THE_HOST

    @property
    def cause(self) -> str:
        """What two instances that fail alike have in common: the fault without its times."""
        return self.kind.partition(": ")[2] or self.kind

    @property
    def over_status(self) -> bool:
        """Whether the account's own words condemn it, and not a check."""
        return self.kind in GRACE_S or self.kind in _SILENT or self.kind.startswith(UNABLE)


def _grace_s(kind: str, fleet: Fleet | None) -> float:
    """How long it must last before it counts: a bid may be won back, and what won it back starts again."""
    if kind == OUTBID and fleet is not None:
        return fleet.rental.outbid.wait_s
    if kind == "exited" and fleet is not None and fleet.rental.interruptible:
        return RESTART_S
    return GRACE_S.get(kind, 0.0)


def _left_s(since: float, grace_s: float, now: float) -> float:
    """What is left of a grace. Runs of cron begin some seconds early or late: a grace of ten minutes must be over in
    the run ten minutes later."""
    left = since + grace_s - now
    return left if left > min(SLACK_S, SLACK * grace_s) else 0.0


def status_fault(instance: Instance, fleet: Fleet | None, now: float | None = None) -> str | None:
    """What is wrong by the account's own words, by a name under which the record dates it."""
    state = state_of(instance, now)
    if (error := cannot_start(instance, state)) is not None:
        return f"{UNABLE}{error.cause}"
    is_over = now is not None and contract_is_over(instance, now)
    if state is State.EXPIRED or (state is State.FAILED and is_over):
        return EXPIRED
    if state is State.FAILED:
        return instance.reported
    if state is State.OUTBID:
        return OUTBID if fleet is not None else None
    return STOPPED if state is State.HELD and fleet is not None and fleet.on_manual_stop == "replace" else None


def cannot_start(instance: Instance, state: State) -> BootError | None:
    """The host's message, where it says that the container cannot start. Of one that runs, or that somebody stopped,
    it is an old message."""
    fresh = state is State.PENDING or (state is State.FAILED and instance.reported == "exited")
    return boot_error(instance.message) if fresh else None


def dated(kind: str, since: float, instance: Instance, fleet: Fleet | None, health: Health | None, now: float) -> Fault:
    """A fault of the status as it counts: an error message at once, everything else after its grace."""
    error = boot_error(instance.message) if kind.startswith(UNABLE) else None
    booting = error is not None if health is None else health.ready_at is None
    left = _left_s(since, _grace_s(kind, fleet), now)
    return Fault(kind, since, left, booting, error is None or error.whose == "machine")


def check_fault(instance: Instance, fleet: Fleet, health: Health | None, now: float) -> Fault | None:
    """What is wrong by the checks, or by a boot that takes too long."""
    state = state_of(instance, now)
    gave_up = state is State.HELD and health is not None and never_ran(health)
    if health is None or not (state in (State.READY, State.PENDING) or gave_up):
        return None
    if health.ready_at is None:
        return _never_ready(instance, fleet, health, state, now)
    if health.failing_since is None:
        return None
    if state is State.PENDING:
        limit = boot_timeout_s(fleet)
        if now - health.failing_since < limit:
            return None
        return Fault(f"not ready again in {span(limit)}: {_still(instance)}", health.failing_since, 0.0)
    if health.verdict != "fail":
        return None
    patience = boot_timeout_s(fleet) if health.boots_again else fleet.health.unhealthy_after_s
    left = _left_s(health.failing_since, patience, now)
    return Fault(f"unready: {health.cause}", health.failing_since, left, False, health.by_machine)


def _never_ready(instance: Instance, fleet: Fleet, health: Health, state: State, now: float) -> Fault | None:
    """Too late, and the last look says so: of one that nobody can tell anything of nothing follows."""
    limit = boot_timeout_s(fleet)
    if now - health.since < limit or (state is State.READY and health.verdict != "fail"):
        return None
    told = {State.READY: health.cause, State.PENDING: _still(instance), State.HELD: GAVE_UP}
    cause = told[state]
    by_machine = state is not State.READY or health.by_machine
    return Fault(f"not ready in {span(limit)}: {cause}", health.since, 0.0, booting=True, blames_machine=by_machine)


def _still(instance: Instance) -> str:
    return f"{STILL} {instance.reported or 'without a report'}"


def is_over(fault: Fault, reading: Instance) -> bool:
    """Whether a fresh reading shows that what an instance was to be replaced for is over. What a check has found only
    a check can take back; a boot that was too slow ends when the container runs."""
    state = state_of(reading)
    if fault.kind == EXPIRED:
        return state in (State.READY, State.PENDING)
    if fault.kind in (STOPPED, OUTBID):
        return state is not (State.HELD if fault.kind == STOPPED else State.OUTBID)
    if fault.kind.startswith(UNABLE):
        return cannot_start(reading, state) is None
    if fault.over_status:
        return state is not State.FAILED
    if fault.cause == GAVE_UP:
        return state is not State.HELD
    return state is State.READY and fault.cause.startswith(STILL)
