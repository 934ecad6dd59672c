"""Which checks an instance must pass, how long it may take, and when a look proves nothing."""

from __future__ import annotations

import pytest
from builders import fleet, instance

from reconciler.core.causes import NO_BANNER, NO_KEY, NO_ROUTE, NOT_RESOLVED, REFUSED, TIMED_OUT
from reconciler.core.instance import Setup
from reconciler.core.model import Port
from reconciler.core.readiness import (
    Check,
    Finding,
    Readiness,
    blinded,
    boot_timeout_s,
    checks_of,
    checks_of_another,
    is_blind,
    suspected,
    tries_a_key,
)

SSH, HTTP = Check("ssh"), Check("http", 8000, "/healthz")
UDP = Port(53, "udp")

CHECKS = {
    "an image is reached by ssh": (fleet(), instance(), ["ssh"]),
    "through the proxy too": (fleet(connect="ssh-proxy"), instance(), ["ssh"]),
    "with Jupyter too": (fleet(connect="jupyter-direct"), instance(), ["ssh"]),
    "args: the first tcp port": (fleet(connect="args", ports=(UDP, 8001, 8000)), instance(), ["tcp 8001"]),
    "args without a tcp port: nothing can be asked": (fleet(connect="args", ports=(UDP,)), instance(), []),
    "what is written counts": (fleet(readiness=Readiness(None, (HTTP, SSH))), instance(), ["http 8000/healthz", "ssh"]),
    "the account knows better how it is reached": (
        fleet(ports=(8000,)),
        instance(setup=Setup(connect="args", ports=(Port(9000),))),
        ["tcp 9000"],
    ),
    "a template of which nothing is told": (fleet(vast_template="a" * 32), instance(), ["ssh"]),
    "a template that is reached by ssh": (
        fleet(vast_template="a" * 32),
        instance(setup=Setup(connect="ssh-direct")),
        ["ssh"],
    ),
    "a template with an entry point of its own": (
        fleet(vast_template="a" * 32, ports=(8000,)),
        instance(setup=Setup(connect="args")),
        ["tcp 8000"],
    ),
}


@pytest.mark.parametrize(("spec", "row", "expected"), CHECKS.values(), ids=CHECKS.keys())
def test_what_an_instance_must_pass(spec, row, expected):
    assert [str(check) for check in checks_of(spec, row)] == expected


KEYS = {
    "the usual check, by ssh": (fleet(), True),
    "args: a port": (fleet(connect="args", ports=(8000,)), False),
    "ssh, as written": (fleet(readiness=Readiness(None, (HTTP, SSH))), True),
    "a command": (fleet(readiness=Readiness(None, (Check("command", run="true"),))), True),
    "http alone": (fleet(readiness=Readiness(None, (HTTP,))), False),
}


@pytest.mark.parametrize(("spec", "expected"), KEYS.values(), ids=KEYS.keys())
def test_which_fleets_are_looked_at_with_a_key(spec, expected):
    assert tries_a_key(spec) is expected


OTHERS = {
    # what it publishes: what it must pass
    "the port of the check": ((Port(8000),), ["http 8000/healthz", "ssh"]),
    "another port": ((Port(9),), ["ssh"]),
    "the port for udp": ((Port(8000, "udp"),), ["ssh"]),
    "nobody knows which": (None, ["http 8000/healthz", "ssh"]),
}


@pytest.mark.parametrize(("ports", "expected"), OTHERS.values(), ids=OTHERS.keys())
def test_one_of_another_spec_is_not_asked_on_ports_that_it_never_had(ports, expected):
    row = instance(setup=Setup(connect="ssh-direct", ports=ports))
    spec = fleet(readiness=Readiness(None, (HTTP, SSH)))
    assert [str(check) for check in checks_of_another(spec, row)] == expected
    assert [str(check) for check in checks_of(spec, row)] == ["http 8000/healthz", "ssh"]


def test_without_any_check_left_the_usual_one_is_made():
    row = instance(setup=Setup(connect="ssh-direct", ports=()))
    assert checks_of_another(fleet(readiness=Readiness(None, (HTTP,))), row) == (SSH,)


TIMEOUTS = {
    "usually": (fleet(), 1200),
    "three GPUs and 199 GB": (fleet(count=3, disk_gb=199), 1200),
    "four GPUs": (fleet(count=4), 2700),
    "200 GB": (fleet(disk_gb=200), 2700),
    "as written, however large": (fleet(count=8, readiness=Readiness(60.0)), 60),
}


@pytest.mark.parametrize(("spec", "expected"), TIMEOUTS.values(), ids=TIMEOUTS.keys())
def test_how_long_a_boot_may_take(spec, expected):
    assert boot_timeout_s(spec) == expected


def said(*causes):
    """A look at instances 1, 2, ...: why each does not pass; empty: it does."""
    return {i: (Finding(SSH, "fail" if cause else "pass", cause),) for i, cause in enumerate(causes, 1)}


SUSPECT = {
    "all time out": (said(TIMED_OUT, TIMED_OUT), {TIMED_OUT}),
    "one alone times out": (said(TIMED_OUT), {TIMED_OUT}),
    "in ways that are the way's": (said(NO_ROUTE, TIMED_OUT), {NO_ROUTE, TIMED_OUT}),
    "all refuse, as a wall may": (said(REFUSED, REFUSED), {REFUSED}),
    "one alone refuses": (said(REFUSED), {REFUSED}),
    "another one was not asked": ({**said(TIMED_OUT), 9: ()}, {TIMED_OUT}),
    "one of them passes": (said(TIMED_OUT, "", TIMED_OUT), ()),
    "one of them answers, if only to refuse": (said(TIMED_OUT, REFUSED), ()),
    "one of them spoke": (said(TIMED_OUT, NO_BANNER), ()),
    "nobody is blamed in any case": (blinded(said(NO_ROUTE, NO_KEY)), ()),
    "nothing was asked": ({}, ()),
}


@pytest.mark.parametrize(("findings", "causes"), SUSPECT.values(), ids=SUSPECT.keys())
def test_where_all_fail_alike_on_the_way_it_may_be_the_runner(findings, causes):
    assert suspected(findings) == frozenset(causes)


CONTROLS = {
    "nothing else could be tried": (TIMED_OUT, (), True),
    "something else stands": (TIMED_OUT, ("",), False),
    "one of several stands": (REFUSED, (REFUSED, ""), False),
    "all else is swallowed, too": (TIMED_OUT, (TIMED_OUT,), True),
    "all else is refused, too": (REFUSED, (REFUSED,), True),
    "a wall that swallows does not refuse": (TIMED_OUT, (REFUSED,), False),
    "a wall that refuses does not swallow": (REFUSED, (TIMED_OUT,), False),
    "no name is found": (REFUSED, (NOT_RESOLVED,), True),
    "there is no route": (TIMED_OUT, (NO_ROUTE,), True),
}


@pytest.mark.parametrize(("cause", "controls", "blind"), CONTROLS.values(), ids=CONTROLS.keys())
def test_what_has_nothing_to_do_with_them_tells_whether_the_runner_sees(cause, controls, blind):
    assert is_blind(frozenset((cause,)), frozenset(controls)) is blind


def test_what_passed_before_the_failure_stays_as_it_is():
    findings = {i: (Finding(SSH, "pass"), Finding(HTTP, "fail", TIMED_OUT)) for i in (1, 2)} | {3: ()}
    found = blinded(findings)
    assert [[f.verdict for f in all_of] for all_of in found.values()] == [["pass", "cannot tell"]] * 2 + [[]]
    assert [f[-1].cause for f in found.values() if f] == [TIMED_OUT] * 2
