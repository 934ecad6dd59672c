"""The health of one instance as it is remembered: since when it boots, when it was ready, since when it fails.

Only what was seen counts. A look that cannot tell changes nothing but the last word, and what the account says of an
instance that does not run needs no look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reconciler.core.readiness import Finding, Verdict, key_of
from reconciler.core.states import RESTING, State
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of one instance. Times are epoch seconds."""

    since: float
    """When it was rented, else when it was seen first, or when it booted again: its boot is counted from here."""
    ready_at: float | None = None
    """Since when its checks pass without a break; while they do not, when they began to the last time."""
    failing_since: float | None = None
    """Since when they fail without a pass between, later by the time that nobody could tell; also since when it boots
    again."""
    checked_at: float | None = None
    verdict: Verdict | None = None
    """Of the last look; None: it does not run, or nobody has looked yet."""
    cause: str = ""
    """Why the last look did not pass, with the check: `http 8000/healthz: http 503`."""
    detail: str = ""
    """The same for people."""
    by_machine: bool = True
    """The check that fails is one of the machine, not of what runs in the container."""
    passed: tuple[str, ...] = ()
    """Which checks it passed the last time that it passed all, by their `key_of`; empty: not known."""

    @property
    def boots_again(self) -> bool:
        """Whether it was ready, booted again, and has not passed its checks since."""
        return self.ready_at is not None and self.failing_since is not None and self.since > self.ready_at


NO_CHECK = "-"
"""In the place of a check's key, where an instance had to do nothing but run."""
_OF_THE_MACHINE = ("ssh", "gpu", "tcp")


def checked(health: Health, findings: Sequence[Finding], at: float) -> Health:
    """The health after a look at an instance that runs; without any check that it runs must do."""
    last = findings[-1] if findings else None
    if last is None or last.verdict == "pass":
        unbroken = health.ready_at is not None and health.failing_since is None and health.verdict is not None
        ready_at = health.ready_at if unbroken else at
        good = replace(health, ready_at=ready_at, failing_since=None, cause="", detail="")
        return replace(good, checked_at=at, verdict="pass", passed=_keys(findings))
    failing = None if health.failing_since is None else health.failing_since + _blind_s(health, last.verdict, at)
    said = replace(
        health,
        failing_since=failing,
        checked_at=at,
        verdict=last.verdict,
        cause=f"{last.check}: {last.cause}",
        detail=str(last.detail),
        by_machine=last.check.kind in _OF_THE_MACHINE,
    )
    return replace(said, failing_since=at) if last.verdict == "fail" and failing is None else said


def _keys(passing: Sequence[Finding]) -> tuple[str, ...]:
    return tuple(key_of(each.check) for each in passing) or (NO_CHECK,)


def never_passed(health: Health, findings: Sequence[Finding]) -> str | None:
    """The check, by its `key_of`, that an instance which was ready fails and never had to pass."""
    last = findings[-1] if findings else None
    if last is None or last.verdict != "fail" or health.ready_at is None or not health.passed:
        return None
    key = key_of(last.check)
    return None if key in health.passed else key


def _blind_s(health: Health, verdict: Verdict, at: float) -> float:
    """How much of the time since the last look says nothing, in seconds: all of it, where either look cannot tell."""
    blind = "cannot tell" in (health.verdict, verdict)
    return at - health.checked_at if blind and health.verdict and health.checked_at is not None else 0.0


def seen_as(health: Health, state: State, at: float) -> Health:
    """The health after a reading in which the account itself says that the instance does not run.

    The time of a rest counts for nothing, but for one that was stopped before it ran: no host that gives up says so.
    One that was ready and boots again is given a boot's time, which a report that comes and goes does not begin anew.
    """
    if state in RESTING:
        counts_on = health.ready_at is not None or (state is State.HELD and never_ran(health))
        since = health.since if counts_on else at
        return replace(health, since=since, failing_since=None, verdict=None, cause="", detail="")
    if state is State.PENDING and health.ready_at is not None and not health.boots_again:
        return replace(health, since=at, failing_since=at, verdict=None, cause="", detail="")
    return replace(health, verdict=None)


def never_ran(health: Health) -> bool:
    """Whether no look has ever found it running."""
    return health.ready_at is None and health.checked_at is None


def with_health(state: State, health: Health | None) -> State:
    """The state of an instance once its checks have their say; without a word from them running is ready."""
    if state is not State.READY or health is None:
        return state
    if health.ready_at is None:
        return State.PENDING
    return State.READY if health.failing_since is None else State.UNREADY
