"""What looks say that nobody must miss."""

from __future__ import annotations

import pytest
from builders import NOW, diff, fleet, instance, record

from reconciler.core.alarms import warnings_of
from reconciler.core.health import Health

JUNE = fleet(replicas=2)


def ready(verdict: str, cause: str = "", ready_at: float | None = NOW - 800) -> Health:
    return Health(NOW - 900, ready_at, None, NOW - 60, verdict, cause)  # type: ignore[arg-type]


KEYLESS = ready("cannot tell", "ssh: no key")
TOLD = {
    "both pass": ((ready("pass"), ready("pass")), []),
    "one fails, which has words of its own": ((ready("pass"), ready("fail", "ssh: timed out")), []),
    "of one nobody can tell": (
        (KEYLESS, ready("pass")),
        ["june: whether an instance that was ready still is cannot be told: ssh: no key; nothing is replaced for it"],
    ),
    "of both nobody can tell": (
        (KEYLESS, KEYLESS),
        ["june: whether 2 instances that were ready still are cannot be told: ssh: no key; nothing is replaced for it"],
    ),
    "one that was never ready is noted at its seat": ((ready("cannot tell", "ssh: no key", None), ready("pass")), []),
}


@pytest.mark.parametrize(("health", "said"), TOLD.values(), ids=TOLD.keys())
def test_instances_of_which_nobody_can_tell_any_more_are_warned_of(health, said):
    rows = [instance("june/0", JUNE, id=100), instance("june/1", JUNE, id=101)]
    before = record(health=dict(zip((100, 101), health, strict=True)))
    (part,) = diff(JUNE, rows, before).fleets
    assert list(warnings_of(part.members(), before)) == said
