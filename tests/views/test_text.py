"""The sentences of a plan and of its end, for a person: they are true of what is there."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from builders import seat

from reconciler.core.plan import Cost, MarketSeen, SeatNote
from reconciler.core.report import Ending, Report
from reconciler.views.ending import ending_lines
from reconciler.views.markdown import plan_markdown
from reconciler.views.text import headline, plan_text

from . import samples

D = Decimal
BOOTS = SeatNote(seat("june-voice/1"), "pending", "instance 7 is booting")
UNCHANGED = {
    "all run": ({}, "No changes. 3 instances as declared."),
    "one is stopped": ({"running": 2, "amiss": 1}, "No changes. 2 instances as declared, 1 not as declared."),
    "two of them": ({"running": 1, "amiss": 2}, "No changes. 1 instance as declared, 2 not as declared."),
    "one boots": (
        {"running": 2, "amiss": 1, "notes": (BOOTS,)},
        "No changes. 2 instances as declared, 1 not ready yet.",
    ),
    "one boots and one is stopped": (
        {"running": 1, "amiss": 2, "notes": (BOOTS,)},
        "No changes. 1 instance as declared, 1 not ready yet, 1 not as declared.",
    ),
    "nothing is there": ({"running": 0, "live": 0}, "No changes. 0 instances as declared."),
}


@pytest.mark.parametrize(("fleet", "said"), UNCHANGED.values(), ids=UNCHANGED.keys())
def test_only_what_runs_as_declared_is_called_so(fleet, said):
    assert headline(samples.plan(samples.fleet_plan(samples.june(), **fleet))) == said


def test_a_seat_that_gets_what_an_earlier_one_frees_is_told_no_machine_and_the_most_it_may_cost():
    action = samples.exchange(choice=replace(samples.choice("0.251", id=32, machine_id=9881), promised=True))
    plan = samples.plan(samples.fleet_plan(samples.june(), actions=(action,)))
    for shown in (plan_text(plan, None), plan_markdown(plan)):
        assert "a machine that an earlier seat frees" in shown
        assert "0.243 -> at most $0.264/h" in shown
        assert "9881" not in shown


def test_the_time_of_a_rollout_is_the_same_in_its_line_and_in_that_of_apply():
    seats = [seat(f"june-voice/{n}") for n in range(3)]
    fleet = samples.fleet_plan(samples.june(), actions=tuple(samples.exchange(seat=at) for at in seats), drifted=3)
    text = plan_text(samples.plan(fleet, market=MarketSeen(3, 1)), None)
    assert "in 3 steps of 1, about 12m00s" in text
    assert "Apply: about 12 minutes." in text


CREDIT = {
    "the fleets alone": (Cost(D(1), D(1), D(1), credit=D(240)), " Credit lasts 10 days."),
    "hours": (Cost(D(1), D(1), D(1), credit=D(40)), " Credit lasts 40 hours."),
    "others on the account": (
        Cost(D(1), D(1), D(1), credit=D(240), besides=D(1)),
        " Credit lasts 5 days at the $2.000/h of the whole account.",
    ),
    "nobody may read it": (Cost(D(1), D(1), D(1), besides=D(1)), ""),
}


@pytest.mark.parametrize(("cost", "said"), CREDIT.values(), ids=CREDIT.keys())
def test_how_long_the_credit_lasts_at_which_rate(cost, said):
    text = plan_text(samples.plan(samples.fleet_plan(samples.june()), cost=cost), None)
    assert f"Cost: $1.000/h -> $1.000/h, about $720 a month.{said}\n" in text


def test_the_last_line_tells_what_is_billed_and_not_what_was_planned():
    """All rents were refused: nothing runs, and nothing bills."""
    plan = samples.plan(
        samples.fleet_plan(samples.june(), running=0, live=0, actions=(samples.create(),)),
        cost=Cost(D(0), D("0.2"), D("0.2")),
    )
    report = Report(plan, Ending.DONE, samples.NOW)
    assert list(ending_lines(report)) == ["Done: 0 of 3 running, $0.000/h. Nothing was changed."]
    half = replace(plan, cost=Cost(D("0.1"), D("0.3"), D("0.3")))
    assert next(ending_lines(replace(report, plan=half))).startswith("Done: 0 of 3 running, $0.100/h.")
