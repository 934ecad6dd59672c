"""Whom to look at in a pass, and what the record remembers of the look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from reconciler.core.debut import Key, with_proof
from reconciler.core.fields import spec_hash
from reconciler.core.gpus import normalise
from reconciler.core.health import Health, checked, never_passed, seen_as
from reconciler.core.instance import Instance
from reconciler.core.label import Mark, read_label
from reconciler.core.model import Fleet
from reconciler.core.readiness import Findings, Look, Target, checks_of, checks_of_another, key_of, untold
from reconciler.core.record import Record
from reconciler.core.states import RESTING, State, state_of
from reconciler.values import dataclass

NEW_CHECK = "a new check"
"""Why a failure says nothing: the instance was ready before anybody asked for this."""
LOOKED_EVERY_S = 60.0
"""An instance that is ready is looked at again after so long; a run that waits for others passes more often."""


@dataclass(frozen=True, slots=True)
class Watched:
    """An instance of a declared fleet whose readiness is followed."""

    instance: Instance
    fleet: Fleet
    mark: Mark

    def target(self, health: Health | None) -> Target:
        """What is to be looked at, and what the GPUs there must be: as rented."""
        instance, fleet = self.instance, self.fleet
        rented_so = self.mark.spec_hash == spec_hash(fleet) and not self.mark.adopted
        checks = checks_of(fleet, instance) if rented_so else checks_of_another(fleet, instance)
        models = fleet.gpu.models if instance.gpu_name is None else (normalise(instance.gpu_name),)
        count = instance.gpu_count if instance.gpu_count is not None else fleet.gpu.count
        return Target(instance, checks, models, count, instance.vram_mb, tuple(self._drivers(health)))

    def _drivers(self, health: Health | None) -> Iterator[str]:
        """What the driver must not be older than: what the account tells, and until the instance was ready for the
        first time what its fleet asks of a host. Later that rule binds no more: it chooses offers, and one that was
        written meanwhile replaces nothing."""
        if self.instance.driver is not None:
            yield self.instance.driver
        if self.fleet.host.min_driver is not None and health is not None and health.ready_at is None:
            yield self.fleet.host.min_driver


def watched(
    instances: Iterable[Instance], fleets: Mapping[str, Fleet], record: Record, owner: str
) -> Iterator[Watched]:
    """The instances of declared fleets, but for those on their way out."""
    for instance in instances:
        mark = read_label(instance.label, owner)
        if isinstance(mark, Mark) and mark.seat.fleet in fleets and instance.id not in record.leaving:
            yield Watched(instance, fleets[mark.seat.fleet], mark)


def targets_of(found: Iterable[Watched], record: Record, now: float) -> tuple[Target, ...]:
    """Those that run and are not known to be ready, or were looked at too long ago."""
    return tuple(
        each.target(health)
        for each in found
        for health in (record.health.get(each.instance.id),)
        if state_of(each.instance, now) is State.READY and not seen_ready(health, now)
    )


def seen_ready(health: Health | None, now: float) -> bool:
    """Whether an instance has passed its checks just now."""
    return (
        health is not None
        and health.verdict == "pass"
        and health.checked_at is not None
        and 0 <= now - health.checked_at < LOOKED_EVERY_S
    )


def with_look(record: Record, look: Look | None, instances: Iterable[Instance], marks: Mapping[int, Mark]) -> Record:
    """The record with what a look has found dated, and the spec hashes that are proved by it."""
    if look is None:
        return record
    health = {i: each for i, each in record.health.items() if i in record.known}
    look = replace(look, findings=_fair(look, health, marks))
    proved: list[Key] = []
    for instance in (i for i in instances if i.id in look.watched and i.id in marks):
        after = _after(health.get(instance.id), instance, look)
        if after is not None:
            health[instance.id] = after
            mark = marks[instance.id]
            proved += [(mark.seat.fleet, mark.spec_hash)] if after.ready_at is not None else []
    return replace(record, health=health, debuts=with_proof(record.debuts, proved))


def _fair(look: Look, health: Mapping[int, Health], marks: Mapping[int, Mark]) -> Findings:
    """The findings, where a check that an instance which was ready never had to pass says nothing of it: it may be
    wrong, or meant for another spec. It counts once another instance of its spec has passed it."""
    failing = {i: key for i, each in health.items() if (key := never_passed(each, look.findings.get(i, ())))}
    if not failing:
        return look.findings
    shown = {(_spec(marks[i]), key) for i, each in health.items() if i in marks for key in each.passed}
    passing = ((i, each.check) for i, all_of in look.findings.items() for each in all_of if each.verdict == "pass")
    shown |= {(_spec(marks[i]), key_of(check)) for i, check in passing if i in marks}
    new = {i for i, key in failing.items() if i in marks and (_spec(marks[i]), key) not in shown}
    return {i: untold(all_of, NEW_CHECK) if i in new else all_of for i, all_of in look.findings.items()}


def _spec(mark: Mark) -> tuple[str, str, bool]:
    return mark.seat.fleet, mark.spec_hash, mark.adopted


def _after(before: Health | None, instance: Instance, look: Look) -> Health | None:
    """The health of one instance after the look. One that was never seen to boot or run is none of its affairs."""
    state = state_of(instance, look.at)
    if before is None and state in RESTING:
        return None
    begun = before if before is not None else Health(look.at)
    if state is not State.READY:
        return seen_as(begun, state, look.at)
    findings = look.findings.get(instance.id)
    return begun if findings is None else checked(begun, findings, look.at)


def with_rented(record: Record, instance_id: int, at: float) -> Record:
    """The record with an instance whose boot begins."""
    return replace(record, health={**record.health, instance_id: Health(at)})
