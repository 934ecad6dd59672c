"""What is remembered of an instance's checks, and what counts against it when."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import NOW, diff, fleet, instance, known, merged, observation, record, told
from builders import offers as market
from builders import plans as planned

from reconciler.core.health import NO_CHECK, Health, checked, seen_as, with_health
from reconciler.core.readiness import Check, Finding, HealthRules, Look, Readiness, key_of
from reconciler.core.states import State

SSH, HTTP = Check("ssh"), Check("http", 8000, "/healthz")
MIN = 60.0


def passed():
    return (Finding(SSH, "pass"),)


def failed(cause="connection refused", check=SSH):
    return (Finding(check, "fail", cause),)


def blind(cause="no key"):
    return (Finding(SSH, "cannot tell", cause),)


def after(*looks, since=0.0):
    """The health after looks at minutes 1, 2, ..."""
    health = Health(since)
    for minute, findings in enumerate(looks, 1):
        health = checked(health, findings, minute * MIN)
    return health


# --- transitions ----------------------------------------------------------------------------------


def test_the_first_pass_makes_it_ready():
    assert (after(failed(), passed(), passed()).ready_at, after(failed()).ready_at) == (2 * MIN, None)


def test_without_a_check_that_it_runs_must_do():
    assert after(()).ready_at == MIN


def test_failing_is_dated_from_the_first_failure_after_a_pass():
    assert after(failed(), passed(), failed(), failed()).failing_since == 3 * MIN
    assert after(failed(), passed()).failing_since is None


def test_a_look_that_cannot_tell_keeps_what_is_known_and_says_so():
    health = after(passed(), failed(), blind())
    assert (health.ready_at, health.failing_since, health.verdict, health.cause) == (
        *(MIN, 3 * MIN, "cannot tell"),
        "ssh: no key",
    )
    assert after(passed(), blind()).failing_since is None


FAILING = {
    # looks at minutes 1, 2, ...: how many minutes it has failed by the last one
    "without a break": ([passed(), failed(), failed(), failed()], 2),
    "blind between two failures": ([passed(), failed(), blind(), blind(), failed()], 0),
    "before the blindness and after it": ([passed(), failed(), failed(), blind(), failed(), failed()], 2),
}


@pytest.mark.parametrize(("looks", "minutes"), FAILING.values(), ids=FAILING.keys())
def test_the_time_that_nobody_could_tell_does_not_count(looks, minutes):
    health = after(*looks)
    assert (health.checked_at - health.failing_since) / MIN == minutes


def test_what_was_read_of_an_instance_that_does_not_run_is_no_blindness():
    ready = Health(0.0, 60.0, None, 60.0, "pass")
    booting = seen_as(ready, State.PENDING, 120.0)
    assert checked(booting, blind(), 900.0).failing_since == 120.0
    assert checked(checked(booting, blind(), 900.0), failed(), 960.0).failing_since == 180.0


UNBROKEN = {
    "two passes": (lambda h: h, MIN),
    "a look that could not tell": (lambda h: checked(h, blind(), 2 * MIN), MIN),
    "a failure between": (lambda h: checked(h, failed(), 2 * MIN), 9 * MIN),
    "a boot between": (lambda h: seen_as(h, State.PENDING, 2 * MIN), 9 * MIN),
    "a dead host between": (lambda h: seen_as(h, State.FAILED, 2 * MIN), 9 * MIN),
    "a rest between": (lambda h: seen_as(h, State.OUTBID, 2 * MIN), 9 * MIN),
}


@pytest.mark.parametrize(("between", "ready_at"), UNBROKEN.values(), ids=UNBROKEN.keys())
def test_it_is_ready_since_it_passes_without_a_break(between, ready_at):
    assert checked(between(after(passed())), passed(), 9 * MIN).ready_at == ready_at


def test_the_cause_names_the_check_that_stopped_the_look():
    found = after((Finding(SSH, "pass"), Finding(HTTP, "fail", "http 503")))
    assert (found.cause, found.by_machine) == ("http 8000/healthz: http 503", False)
    assert after(failed()).by_machine


def test_the_time_of_a_rest_counts_for_nothing():
    booting, ready = Health(0.0, checked_at=5.0), Health(0.0, 9.0, 20.0, 30.0, "fail", "ssh: closed")
    for state in (State.OUTBID, State.QUEUED, State.HELD, State.EXPIRED):
        assert seen_as(booting, state, 600.0).since == 600.0
        rested = seen_as(ready, state, 600.0)
        assert (rested.ready_at, rested.failing_since, rested.verdict) == (9.0, None, None)


def test_one_that_was_stopped_before_it_ran_gains_no_time():
    assert seen_as(Health(0.0), State.HELD, 600.0).since == 0.0
    assert seen_as(Health(0.0), State.QUEUED, 600.0).since == 600.0


def test_a_report_that_comes_and_goes_does_not_begin_a_boot_anew():
    ready = Health(0.0, 60.0, None, 60.0, "pass")
    again = seen_as(ready, State.PENDING, 100.0)
    flapped = seen_as(checked(again, failed(), 200.0), State.PENDING, 300.0)
    assert (again.failing_since, flapped.failing_since) == (100.0, 100.0)
    assert (again.boots_again, flapped.boots_again) == (True, True)


def test_a_boot_after_failures_and_one_after_a_pass_begin_anew():
    failing = Health(0.0, 60.0, 100.0, 600.0, "fail", "ssh: closed")
    again = seen_as(failing, State.PENDING, 660.0)
    ready = checked(again, passed(), 900.0)
    assert (again.failing_since, ready.boots_again) == (660.0, False)
    assert seen_as(ready, State.PENDING, 960.0).failing_since == 960.0
    assert not checked(ready, failed(), 960.0).boots_again


def test_the_first_failed_look_after_another_boot_leaves_the_rest_of_its_time():
    loading = seen_as(Health(NOW - 9999, **READY, verdict="pass"), State.PENDING, NOW - 660)
    failing = checked(loading, failed(), NOW)
    assert judged("running", failing).keeper.fault.grace_left_s == 1200 - 660
    passed_between = checked(checked(loading, passed(), NOW - 120), failed(), NOW - 60)
    assert judged("running", passed_between).keeper.fault.grace_left_s == 600 - 60


STATES = {
    "nobody looked: running is ready": (State.READY, None, State.READY),
    "not ready yet": (State.READY, Health(0.0), State.PENDING),
    "ready": (State.READY, Health(0.0, 9.0), State.READY),
    "ready once, and failing": (State.READY, Health(0.0, 9.0, 20.0), State.UNREADY),
    "the account's word is stronger": (State.FAILED, Health(0.0, 9.0), State.FAILED),
    "boots again": (State.PENDING, Health(0.0, 9.0, 20.0), State.PENDING),
}


@pytest.mark.parametrize(("state", "health", "expected"), STATES.values(), ids=STATES.keys())
def test_the_state_with_the_word_of_its_checks(state, health, expected):
    assert with_health(state, health) is expected


# --- what counts ----------------------------------------------------------------------------------

READY = {"ready_at": NOW - 9000, "checked_at": NOW}
JUDGED = {
    # status, health: bucket, fault, grace left
    "boots, in time": ("loading", Health(NOW - 1199), "pending", None, None),
    "boots for too long": ("loading", Health(NOW - 1200), "unhealthy", "not ready in 20m: still loading", 0),
    "runs and fails, in time": (
        *("running", Health(NOW - 1199, failing_since=NOW - 900, verdict="fail", cause="ssh: closed")),
        *("pending", None, None),
    ),
    "runs and fails for too long": (
        *("running", Health(NOW - 1200, failing_since=NOW - 900, verdict="fail", cause="ssh: closed")),
        *("unhealthy", "not ready in 20m: ssh: closed", 0),
    ),
    "nobody can tell for too long": (
        *("running", Health(NOW - 9999, failing_since=NOW - 9000, verdict="cannot tell", cause="ssh: no key")),
        *("pending", None, None),
    ),
    "nobody has looked for too long": ("running", Health(NOW - 9999), "pending", None, None),
    "was ready, is": ("running", Health(NOW - 9999, **READY, verdict="pass"), "ready", None, None),
    "was ready, fails a little": (
        *("running", Health(NOW - 9999, **READY, failing_since=NOW - 240, verdict="fail", cause="ssh: closed")),
        *("unhealthy", "unready: ssh: closed", 360),
    ),
    "was ready, fails too long": (
        *("running", Health(NOW - 9999, **READY, failing_since=NOW - 600, verdict="fail", cause="ssh: closed")),
        *("unhealthy", "unready: ssh: closed", 0),
    ),
    "was ready, failed, and nobody can tell now": (
        *("running", Health(NOW - 9999, **READY, failing_since=NOW - 6000, verdict="cannot tell", cause="x")),
        *("pending", None, None),
    ),
    "was ready, nobody can tell now": (
        *("running", Health(NOW - 9999, **READY, verdict="cannot tell", cause="x")),
        *("ready", None, None),
    ),
    "was ready, boots again": ("loading", Health(NOW - 9999, **READY, failing_since=NOW - 1199), "pending", None, None),
    "was ready, boots again for too long": (
        *("loading", Health(NOW - 9999, **READY, failing_since=NOW - 1200)),
        *("unhealthy", "not ready again in 20m: still loading", 0),
    ),
    "a host that gave up": ("stopped", Health(NOW - 1200), "unhealthy", "not ready in 20m: stopped before it ran", 0),
    "stopped by someone after it ran": ("stopped", Health(NOW - 1200, checked_at=NOW - 900), "held", None, None),
    "stopped by someone after it was ready": ("stopped", Health(NOW - 9999, **READY), "held", None, None),
    "offline counts as ever": ("offline", Health(NOW - 9999, **READY), "unhealthy", "offline", 600),
}


def judged(status, health, spec=None, **options):
    (part,) = diff(spec or fleet(), [instance(status=status, **options)], record(health={100: health})).fleets
    return part.seats[0]


@pytest.mark.parametrize(("status", "health", "bucket", "kind", "grace_s"), JUDGED.values(), ids=JUDGED.keys())
def test_what_counts_against_an_instance(status, health, bucket, kind, grace_s):
    view = judged(status, health)
    fault = view.keeper.fault
    assert (view.bucket, fault and fault.kind, fault and fault.grace_left_s) == (bucket, kind, grace_s)


BLAMED = {
    # status, what the last look says
    "its ssh": ("running", SSH, True),
    "a program in it": ("running", HTTP, False),
    "a program in it, and now its container does not run": ("loading", HTTP, True),
}


@pytest.mark.parametrize(("status", "check", "blamed"), BLAMED.values(), ids=BLAMED.keys())
def test_whose_fault_it_is_that_one_was_never_ready(status, check, blamed):
    health = checked(Health(NOW - 1200), failed(check=check), NOW)
    fault = judged(status, health).keeper.fault
    assert (fault.booting, fault.blames_machine) == (True, blamed)


def test_the_times_are_those_of_the_spec():
    spec = fleet(readiness=Readiness(60.0), health=HealthRules(120.0))
    assert judged("loading", Health(NOW - 60), spec).keeper.fault.kind == "not ready in 1m: still loading"
    failing = Health(NOW - 9999, **READY, failing_since=NOW - 100, verdict="fail", cause="ssh: closed")
    assert judged("running", failing, spec).keeper.fault.grace_left_s == 20


PULL = "Error response from daemon: manifest unknown"
ERRORS = {
    "while it boots": ("loading", PULL, None, "unable to start: image not found"),
    "as its container has exited, without the grace of two minutes": (
        *("exited", PULL, None),
        "unable to start: image not found",
    ),
    "of one that runs it is an old message": ("running", PULL, None, None),
    "of one that somebody stopped as well": ("stopped", PULL, None, None),
    "and is no error": ("loading", "2c5df4aed288: Pull complete", None, None),
}


@pytest.mark.parametrize(("status", "message", "health", "kind"), ERRORS.values(), ids=ERRORS.keys())
def test_an_error_of_the_host_counts_at_once(status, message, health, kind):
    (part,) = diff(fleet(), [instance(status=status, message=message)], record()).fleets
    fault = part.seats[0].keeper.fault
    assert (fault and fault.kind) == kind
    if kind:
        assert (fault.grace_left_s, fault.booting, fault.blames_machine) == (0, True, False)


def test_a_contract_that_ended_is_replaced_at_once():
    spec, row = fleet(), instance(status="stopped", ends_at=NOW - 1)
    (plan,) = planned(diff(spec, [row]), market("0.2"))
    assert told(plan.actions) == ["-/+ june/0 100 -> offer 1"]
    assert plan.actions[0].reason == "instance 100 is at the end of its contract"


# --- a whole reading ------------------------------------------------------------------------------


def seen(before, *rows, findings=None, watched=None):
    """The record after a reading that looked at its rows."""
    ids = frozenset(row.id for row in rows) if watched is None else frozenset(watched)
    look = Look(NOW, ids, findings or {})
    reading = observation(*rows)
    return merged(before, type(reading)(reading.instances, reading.list_started_at, look=look)).record


def test_a_reading_without_a_look_remembers_nothing():
    before = record(known(100), health={100: Health(NOW - 60)})
    assert merged(before, observation(instance(status="loading"))).record.health == before.health
    assert merged(record(), observation(instance())).record.health == {}


def test_a_look_dates_what_it_finds():
    row = instance()
    first = seen(record(), row, findings={100: failed()})
    assert (first.health[100].since, first.health[100].failing_since) == (NOW, NOW)
    assert seen(first, row, findings={100: passed()}).health[100].ready_at == NOW


def test_one_that_was_not_asked_this_time_stays_as_it_is():
    before = record(known(100), health={100: Health(NOW - 60, NOW - 30, None, NOW - 30, "pass")})
    assert seen(before, instance()).health == before.health


def test_one_that_somebody_stopped_before_anybody_looked_is_not_followed():
    assert seen(record(), instance(status="stopped")).health == {}


def test_one_of_no_declared_fleet_is_not_followed():
    assert seen(record(), instance(), watched=()).health == {}


def test_what_is_gone_is_forgotten():
    before = record(known(100, age_s=600), health={100: Health(NOW - 60)})
    reading = observation(gone=[100])
    look = Look(NOW, frozenset())
    after_it = merged(before, type(reading)((), NOW, reading.gone, look=look)).record
    assert (after_it.known, after_it.health) == ({}, {})


def test_a_pass_proves_the_spec_of_its_instance():
    (key,) = seen(record(), instance(), findings={100: passed()}).debuts
    assert key[0] == "june"
    assert seen(record(), instance(), findings={100: failed()}).debuts == {}


# --- checks that are younger than the instance ----------------------------------------------------

READYZ = Check("http", 8000, "/readyz")
OLD, NEW = fleet(replicas=2, image="a:1"), fleet(replicas=2, image="a:2")
WAS_READY = Health(NOW - 900, NOW - 800, None, NOW - 60, "pass", passed=(key_of(SSH),))
YOUNGER = {
    # what is remembered of the one, what the other is, what a look finds of it; whether the one is blamed
    "nobody ever passed it": (WAS_READY, OLD, failed("http 404", READYZ), False),
    "another of its spec passes it": (WAS_READY, OLD, (*passed(), Finding(READYZ, "pass")), True),
    "one of another spec passes it": (WAS_READY, NEW, (*passed(), Finding(READYZ, "pass")), False),
    "it had no check before": (replace(WAS_READY, passed=(NO_CHECK,)), OLD, failed("http 404", READYZ), False),
    "it passed it once": (replace(WAS_READY, passed=(key_of(SSH), key_of(READYZ))), OLD, failed("x", READYZ), True),
    "it was never ready": (Health(NOW - 900, passed=(key_of(SSH),)), OLD, failed("http 404", READYZ), True),
    "nobody knows what it passed": (replace(WAS_READY, passed=()), OLD, failed("http 404", READYZ), True),
}


@pytest.mark.parametrize(("health", "spec", "found", "blamed"), YOUNGER.values(), ids=YOUNGER.keys())
def test_a_check_that_an_instance_never_had_to_pass_says_nothing_of_it(health, spec, found, blamed):
    rows = [instance("june/0", OLD, id=100), instance("june/1", spec, id=101)]
    before = record(known(100), known(101, "june/1"), health={100: health, 101: WAS_READY})
    after = seen(before, *rows, findings={100: failed("http 404", READYZ), 101: found}).health[100]
    assert (after.verdict, after.failing_since) == (("fail", NOW) if blamed else ("cannot tell", None))
    assert after.cause == "http 8000/readyz: http 404" + ("" if blamed else " (a new check)")


def test_one_that_another_passed_earlier_counts_as_well():
    rows = [instance("june/0", OLD, id=100), instance("june/1", OLD, id=101)]
    proven = replace(WAS_READY, passed=(key_of(SSH), key_of(READYZ)))
    before = record(known(100), known(101, "june/1"), health={100: WAS_READY, 101: proven})
    assert seen(before, *rows, findings={100: failed("http 404", READYZ)}).health[100].verdict == "fail"


def test_what_was_passed_is_what_was_asked():
    row = instance()
    once = seen(record(), row, findings={100: (*passed(), Finding(READYZ, "pass"))})
    assert once.health[100].passed == (key_of(SSH), key_of(READYZ))
    assert seen(once, row, findings={100: failed()}).health[100].passed == (key_of(SSH), key_of(READYZ))
    assert seen(record(), row, findings={100: ()}).health[100].passed == (NO_CHECK,)
