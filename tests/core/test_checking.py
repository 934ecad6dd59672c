"""Whom a pass looks at, and with what in mind."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import NOW, OWNER, adopted, fleet, instance, leaving, record

from reconciler.core.checking import targets_of, watched
from reconciler.core.health import Health
from reconciler.core.instance import Setup
from reconciler.core.model import HostRules, Port
from reconciler.core.readiness import Check, Readiness

JUNE = fleet(ports=(8000,), readiness=Readiness(None, (Check("ssh"), Check("tcp", 8000))))
FLEETS = {"june": JUNE}


def targets(*rows, before=None):
    before = before or record()
    return targets_of(watched(rows, FLEETS, before, OWNER), before, NOW)


def mine(**options):
    return instance(spec=JUNE, **options)


PASSED = Health(NOW - 999, NOW - 900, None, NOW - 59, "pass")
LOOKED_AT = {
    "one that runs": (mine(), None, True),
    "one that boots": (mine(status="loading"), None, False),
    "one that somebody stopped": (mine(status="stopped"), None, False),
    "one whose host is offline": (mine(status="offline"), None, False),
    "one of no declared fleet": (instance("july/0"), None, False),
    "one of another owner": (mine(owner="other"), None, False),
    "one that is nobody's": (instance(None), None, False),
    "one that passed a minute ago": (mine(), Health(NOW - 999, NOW - 900, None, NOW - 60, "pass"), True),
    "one that passed just now": (mine(), PASSED, False),
    "one that failed just now": (mine(), Health(NOW - 999, NOW - 900, NOW - 9, NOW - 9, "fail"), True),
    "one of which nobody could tell just now": (
        mine(),
        Health(NOW - 9, checked_at=NOW - 9, verdict="cannot tell"),
        True,
    ),
}


@pytest.mark.parametrize(("row", "health", "asked"), LOOKED_AT.values(), ids=LOOKED_AT.keys())
def test_whom_a_pass_looks_at(row, health, asked):
    before = record(health={row.id: health} if health else {})
    assert [target.instance for target in targets(row, before=before)] == ([row] if asked else [])


def test_one_on_its_way_out_is_not_looked_at():
    assert targets(mine(), before=record(leaving(100))) == ()


def test_a_target_is_what_was_rented():
    (target,) = targets(mine(gpu_name="RTX_3090", gpu_count=2))
    assert (target.gpu_models, target.gpu_count, target.vram_mb) == (("RTX 3090",), 2, mine().vram_mb)
    (target,) = targets(mine(gpu_name=None, gpu_count=None, vram_mb=None))
    assert (target.gpu_models, target.gpu_count, target.vram_mb) == (("RTX 3060",), 1, None)


NEVER_READY = Health(NOW - 60, checked_at=NOW - 30, verdict="fail")
READY_ONCE = Health(NOW - 999, NOW - 900, NOW - 300, NOW - 61, "fail")
DRIVERS = {
    "what the account tells": ("570.1", None, NEVER_READY, ("570.1",)),
    "what the fleet asks of hosts": (None, "580", NEVER_READY, ("580",)),
    "both": ("570.1", "580", NEVER_READY, ("570.1", "580")),
    "nothing that is told": (None, None, NEVER_READY, ()),
    "a rule of the fleet binds no more once it was ready": ("570.1", "580", READY_ONCE, ("570.1",)),
    "nor where nobody knows whether it ever was": ("570.1", "580", None, ("570.1",)),
}


@pytest.mark.parametrize(("told", "rule", "health", "expected"), DRIVERS.values(), ids=DRIVERS.keys())
def test_a_driver_must_not_be_older_than(told, rule, health, expected):
    spec = replace(JUNE, host=HostRules(min_driver=rule))
    before = record(health={100: health} if health else {})
    found = watched([mine(driver=told)], {"june": spec}, before, OWNER)
    (target,) = targets_of(found, before, NOW)
    assert target.drivers == expected


SETUP = Setup(connect="ssh-direct", ports=(Port(9),))
OTHER = fleet(ports=(9,))
ASKED = {
    "of this spec: all of it": (mine(setup=SETUP), ["ssh", "tcp 8000"]),
    "of an older spec: nothing on ports it never had": (instance(spec=OTHER, setup=SETUP), ["ssh"]),
    "adopted: nothing on ports it never had": (adopted(JUNE, mine(setup=SETUP)), ["ssh"]),
}


@pytest.mark.parametrize(("row", "expected"), ASKED.values(), ids=ASKED.keys())
def test_what_is_asked_of_it(row, expected):
    (target,) = targets(row)
    assert [str(check) for check in target.checks] == expected
