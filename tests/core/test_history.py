"""What a pass has found out becomes events, each once, together with the record it follows from."""

from __future__ import annotations

from dataclasses import replace

from builders import (
    NOW,
    diff,
    fleet,
    instance,
    intent,
    known,
    leaving,
    merged,
    money,
    observation,
    record,
    seat,
)

from reconciler.core.health import Health
from reconciler.core.history import closing, cost_since, learned, rented
from reconciler.core.plan import FleetPlan, Held, Plan, SeatNote
from reconciler.core.record import without_instance, without_leaving

BUDGET = Held("policy budget", "the policy's budget is $1", "limits.budget_per_hour", "june")


def plan(*held: Held, fleets: tuple[str, ...] = ("june",), at: float = NOW) -> Plan:
    return Plan("default", 1, at, tuple(FleetPlan(fleet(name), 0, 0, 0) for name in fleets), held=held)


def found(before, seen, *held, **options):
    """The next record, and events as `kind where instance`."""
    outcome = merged(before, seen)
    after, events = learned(before, outcome.record, outcome, plan(*held, **options), diff(fleet(), seen.instances))
    return after, events


def told(events):
    return [f"{event.kind} {event.where} {event.instance_id or ''}".rstrip() for event in events]


def twice(before, seen, *held, **options):
    """A pass saved, then saved once more: the second time nothing is new."""
    after, events = found(before, seen, *held, **options)
    _, again = learned(after, after, merged(before, seen), plan(*held, **options), diff(fleet(), seen.instances))
    assert again == ()
    return told(events)


def test_an_instance_that_somebody_destroyed_has_vanished():
    assert twice(record(known(age_s=600)), observation(gone=[100])) == ["vanished june/0 100"]


def test_a_destroy_of_ours_that_is_proven_is_destroyed():
    before = record(known(), leaving(), told={"leak/100": NOW - 60})
    _, events = found(before, observation(gone=[100]))
    assert told(events) == ["destroyed june/0 100"]
    assert events[0].rate_per_hour == money("0.25")


def test_a_doubtful_rent_is_settled_when_its_label_is_seen():
    seen = observation(instance(status="loading"))
    assert twice(record(intent(number=100)), seen) == ["settled june/0 100"]
    after, _ = found(record(intent(number=100)), seen)
    assert told(found(after, observation(instance()))[1]) == ["ready june/0 100"]


def test_an_instance_is_ready_once_in_whichever_run_sees_it():
    before = rented(record(known()), 100, NOW - 90)
    booting, events = found(before, observation(instance(status="loading")))
    assert (events, booting.told) == ((), before.told)
    ready, (event,) = found(booting, observation(instance()))
    assert (event.kind, event.text, ready.told) == ("ready", "ready in 1m30s", {})
    assert twice(before, observation(instance())) == ["ready june/0 100"]


def test_an_instance_that_goes_before_it_was_ready_is_not_waited_for():
    before = rented(record(known(age_s=600)), 100, NOW - 90)
    after, events = found(before, observation(gone=[100]))
    assert (told(events), after.told) == (["vanished june/0 100"], {})


def test_a_doubtful_rent_is_settled_when_two_lists_lack_it():
    before = record(intent(age_s=400, votes=(NOW - 100,)))
    _, events = found(before, observation())
    assert told(events) == ["settled june/0"]
    assert "never made" in events[0].text


def test_a_rent_that_was_answered_is_nothing_to_settle():
    assert twice(record(intent(number=100, instance_id=100)), observation(instance())) == []


def test_a_rent_still_in_doubt_is_not_settled():
    assert twice(record(intent()), observation()) == []


# --- conditions that stand ------------------------------------------------------------------------


def test_a_leak_is_told_once():
    before = record(known(), leaving())
    assert twice(before, observation(instance())) == ["leak opened june/0 100"]


ALARM = Health(NOW - 900, NOW - 600, NOW, NOW, "fail", "ssh: host key changed")
SILENT = replace(ALARM, cause="ssh: timed out")
WELL = Health(NOW - 900, NOW, None, NOW, "pass")


def looked_at(before, health):
    """The next record and events after a look that found this."""
    return found(replace(before, health={100: health}), observation(instance()))


def test_another_host_key_is_told_once_until_the_instance_passes_again():
    before = record(known())
    assert twice(replace(before, health={100: ALARM}), observation(instance())) == ["host key changed june/0 100"]
    after, (event,) = looked_at(before, ALARM)
    assert event.text == "it has another SSH host key than the first time"
    for health in (
        ALARM,
        SILENT,
        replace(SILENT, verdict="cannot tell"),
        replace(ALARM, verdict=None, cause=""),
        ALARM,
    ):
        after, events = looked_at(after, health)
        assert events == ()
    after, events = looked_at(after, WELL)
    assert (events, after.told) == ((), {})
    assert told(looked_at(after, ALARM)[1]) == ["host key changed june/0 100"]


def test_any_check_that_logs_in_may_meet_another_host_key_and_no_other_cause_is_one():
    before = record(known())
    assert told(looked_at(before, replace(ALARM, cause="gpu: host key changed"))[1]) == ["host key changed june/0 100"]
    for health in (SILENT, WELL, Health(NOW)):
        assert looked_at(before, health)[1] == ()


def test_with_its_instance_the_alarm_is_gone():
    after, _ = looked_at(record(known()), ALARM)
    gone, events = found(replace(after, known={100: known(age_s=600)}), observation(gone=[100]))
    assert (told(events), gone.told) == (["vanished june/0 100"], {})


def test_a_run_that_does_not_look_at_its_fleet_tells_the_alarm_no_second_time():
    after, _ = looked_at(record(known()), ALARM)
    again, events = found(after, observation(instance()), fleets=("july",))
    assert (events, again.told) == ((), after.told)


def test_a_refusal_is_told_once_and_again_after_it_was_lifted():
    after, events = found(record(), observation(), BUDGET)
    assert told(events) == ["held back june"]
    assert events[0].text == "policy budget: the policy's budget is $1"
    after, events = found(after, observation(), BUDGET)
    assert events == ()
    lifted, _ = found(after, observation())
    assert lifted.told == {}
    assert told(found(lifted, observation(), BUDGET)[1]) == ["held back june"]


def test_a_refusal_of_a_seat_is_told_beside_one_of_another_seat():
    first, second = (Held("frozen seat", at, "reconcile free", "june", seat=seat(at)) for at in ("june/0", "june/1"))
    after, events = found(record(), observation(), first)
    assert told(events) == ["held back june/0"]
    after, events = found(after, observation(), first, second)
    assert told(events) == ["held back june/1"]
    after, _ = found(after, observation(), second)
    assert set(after.told) == {"held/frozen seat/1/june"}


def test_a_refusal_of_a_fleet_that_was_not_looked_at_still_stands():
    after, _ = found(record(), observation(), BUDGET)
    elsewhere, _ = found(after, observation(), fleets=("july",))
    assert found(elsewhere, observation(), BUDGET)[1] == ()


def test_a_plan_of_an_envelope_does_not_show_that_a_refusal_was_lifted():
    after, _ = found(record(), observation(), BUDGET)
    outcome = merged(after, observation())
    partly, _ = learned(after, outcome.record, outcome, plan(), diff(fleet()), whole=False)
    assert partly.told == after.told
    resting, _ = learned(after, outcome.record, outcome, plan(), diff(fleet()), unseen={"june"})
    assert resting.told == after.told


def test_a_leak_that_is_over_is_closed_with_the_record_that_ends_it():
    before = record(known(), leaving(age_s=720), told={"leak/100": NOW - 600, "held/x/june": NOW})
    after, (event,) = closing(before, without_instance(before, 100), NOW)
    assert after.told == {"held/x/june": NOW}
    assert (event.kind, event.where, event.instance_id) == ("leak closed", "june/0", 100)
    assert event.text == "gone after 12 minutes, which may have cost $0.050"


def test_a_destroy_that_is_taken_back_is_told_once_and_its_leak_is_over():
    before = record(known(), leaving(), told={"leak/100": NOW - 60})
    assert twice(before, observation(instance(None))) == ["skipped june/0 100"]
    after, _ = found(before, observation(instance(None)))
    assert closing(before, after, NOW) == (after, ())


def test_a_leak_whose_instance_stays_ours_is_closed_as_taken_back():
    before = record(known(), leaving(age_s=720), told={"leak/100": NOW - 600})
    _, (event,) = closing(before, without_leaving(before, 100), NOW)
    assert event.text.startswith("taken back after 12 minutes")


def test_a_destroy_that_was_seen_at_once_was_no_leak():
    before = record(known(), leaving())
    after = without_instance(before, 100)
    assert closing(before, after, NOW) == (after, ())


def test_what_a_leak_has_cost_is_its_rate_times_its_age():
    assert cost_since(leaving(age_s=7200, rate="0.25"), NOW) == money("0.5")
    assert cost_since(leaving(age_s=-60), NOW) == 0


def test_a_frozen_seat_is_told_once_until_it_is_free():
    note = SeatNote(seat("june/2"), "frozen", "frozen: 2 attempts within a day were never made")

    def noted(*notes):
        return replace(plan(), fleets=(FleetPlan(fleet(), 0, 0, 0, notes=notes),))

    quiet = merged(record(), observation())
    nothing = diff(fleet(), [])
    after, events = learned(record(), quiet.record, quiet, noted(note), nothing)
    assert told(events) == ["frozen june/2"]
    after, events = learned(after, after, quiet, noted(note), nothing)
    assert events == ()
    after, events = learned(after, after, quiet, noted(), nothing)
    assert (events, dict(after.told)) == ((), {})
