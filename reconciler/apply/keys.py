"""The key that looks at instances, let into each new one where the account may not hold it."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.apply.run import Run
from reconciler.core.instance import Instance
from reconciler.core.label import Mark, read_label
from reconciler.core.model import Fleet
from reconciler.core.readiness import may_log_in
from reconciler.core.report import Outcome
from reconciler.errors import KeyProblem


def let_key_in(run: Run, instances: Iterable[Instance], fleets: Iterable[Fleet]) -> None:
    """Give what this run rented the key its checks log in with, where an API key cannot tell what the account holds.
    Where it does not arrive, that is told once, and the next pass tries again."""
    declared = {fleet.name: fleet for fleet in fleets}
    waiting = [(i, mark) for i in instances if (mark := _wants(run, i, declared)) is not None]
    key = run.checks.key_to_let_in() if run.checks is not None and waiting else None
    if key is None:
        return
    for instance, mark in waiting:
        told = instance.id in run.let_in
        run.let_in[instance.id] = _arrives(run, instance.id, key)
        if not (run.let_in[instance.id] or told):
            text = f"instance {instance.id} could not be given the SSH key: whether it is ready may never be told"
            run.note(Outcome("skipped", mark.seat, text, instance.id))


def _wants(run: Run, instance: Instance, declared: dict[str, Fleet]) -> Mark | None:
    mark = read_label(instance.label, run.owner)
    if instance.id not in run.rented or run.let_in.get(instance.id) or not isinstance(mark, Mark):
        return None
    fleet = declared.get(mark.seat.fleet)
    return mark if fleet is not None and may_log_in(fleet, instance) else None


def _arrives(run: Run, instance_id: int, key: str) -> bool:
    try:
        return run.provider.attach_ssh_key(instance_id, key)
    except KeyProblem:  # This route alone may be beyond the key's scope; the others speak for themselves.
        return False
