"""Whose account it is: one answer opens the ledger, and is asked for again before much rests upon it."""

from __future__ import annotations

from .stub import ACCOUNT, Seen, Stub, says

ANOTHERS = says(200, {"id": ACCOUNT + 1, "username": "you", "credit": 50.0, "balance": 0})


def test_a_cold_start_rests_on_two_answers_about_the_account(stub, desk):
    stub.on("account", ANOTHERS)
    ran = desk.apply(first_run=False, wait=True)
    assert (ran.code, ran.mutations) == (1, [])
    assert f"account {ACCOUNT + 1}, now of account {ACCOUNT}" in ran.said


def test_so_does_a_first_run_that_waits_for_nothing(stub, desk):
    stub.on("account", ANOTHERS)
    ran = desk.apply(first_run=True)
    assert (ran.code, ran.mutations) == (1, [])


def honest(stub: Stub, request: Seen) -> None:
    """The account answers for itself."""


def test_an_account_that_changes_during_a_run_ends_it_before_anything_more_is_sent(stub, desk):
    stub.boots_as = "loading"
    assert desk.apply().code == 0
    stub.on("account", honest, *[ANOTHERS] * 3)
    ran = desk.apply(wait=True)
    assert (ran.code, ran.mutations) == (1, [])
    assert [call.route for call in ran.calls][-3:] == ["account"] * 3


def test_one_wrong_answer_in_between_is_only_waited_out(stub, desk):
    stub.boots_as = "loading"
    assert desk.apply().code == 0
    stub.on("account", honest, ANOTHERS)
    ran = desk.apply(wait=True, timeout_s=1500)
    assert "neither answer is believed; reading again" in ran.err
    assert len(ran.sent("account")) == 4  # At the start, wrongly and rightly after ten minutes, after another ten.
