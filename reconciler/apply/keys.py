"""The key that looks at instances, let into each new one where the account may not hold it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reconciler.apply.run import Run
from reconciler.core.instance import Instance
from reconciler.core.label import Mark, read_label
from reconciler.core.model import Fleet
from reconciler.core.readiness import may_log_in
from reconciler.core.report import Outcome
from reconciler.errors import KeyProblem


def let_key_in(run: Run, instances: Iterable[Instance], fleets: Iterable[Fleet]) -> None:
    """Give what was never ready yet the key its checks log in with, where an API key cannot tell what the account
    holds. Where it does not arrive, that is told once, and the next pass tries again, in whichever run."""
    declared = {fleet.name: fleet for fleet in fleets}
    waiting = [(i, mark) for i in instances if (mark := _wants(run, i, declared)) is not None]
    key = run.checks.key_to_let_in() if run.checks is not None and waiting else None
    if key is None:
        return
    before = run.record.let_in
    let_in = {instance.id: _arrives(run, instance.id, key) for instance, _ in waiting}
    for instance_id, mark in ((i.id, mark) for i, mark in waiting if not let_in[i.id] and i.id not in before):
        text = f"instance {instance_id} could not be given the SSH key: whether it is ready may never be told"
        run.note(Outcome("skipped", mark.seat, text, instance_id))
    if not let_in.items() <= before.items():
        run.save(replace(run.record, let_in={**before, **let_in}))


def _wants(run: Run, instance: Instance, declared: dict[str, Fleet]) -> Mark | None:
    """Its mark, if it may be in want of the key: one that was ready before this run lets us in, and on one that was
    adopted nothing is changed."""
    mark, record = read_label(instance.label, run.owner), run.record
    if not isinstance(mark, Mark) or mark.adopted or record.let_in.get(instance.id) or instance.id in record.leaving:
        return None
    health = record.health.get(instance.id)
    if health is not None and health.ready_at is not None and instance.id not in run.rented:
        return None
    fleet = declared.get(mark.seat.fleet)
    return mark if fleet is not None and may_log_in(fleet, instance) else None


def _arrives(run: Run, instance_id: int, key: str) -> bool:
    try:
        return run.provider.attach_ssh_key(instance_id, key)
    except KeyProblem:  # This route alone may be beyond the key's scope; the others speak for themselves.
        return False
