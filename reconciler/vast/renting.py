"""What the answer to a rent means. Whatever is not certain is doubtful: a doubt costs minutes, an error money."""

from __future__ import annotations

from reconciler.provider import (
    OfferGone,
    RefusedButCreated,
    RentAnswer,
    RentDoubtful,
    Rented,
    RentRefused,
)
from reconciler.vast.answers import Answer, NoAnswer, Outcome
from reconciler.vast.decode import identifier

_UNSETTLED = frozenset([408, 409, 425, 429])
"""Statuses that may speak of a request still under way."""

_ARGUMENTS = frozenset(["invalid_args", "invalid_price", "invalid_request", "no_ssh_key_for_vm"])
"""What a 403 may mean besides a key that lacks a scope (documented)."""

_NO_MONEY = ("insufficient_credit", "insufficient credit", "lacks credit", "spend_rate_limit")


def rent_answer(outcome: Outcome, offer_id: int) -> RentAnswer:
    """The meaning of one attempt's outcome.

    A contract that is named exists, whatever the status is (seen: `success: false` with a live, billing contract).
    """
    if isinstance(outcome, NoAnswer):
        return RentDoubtful(outcome.summary)
    named = (outcome.body or {}).get("new_contract")
    contract = identifier(named)
    if contract is not None and contract != offer_id:
        return _created(outcome, contract)
    if named is not None or _speaks_of_a_contract(outcome):
        return RentDoubtful(outcome.summary)
    return _not_created(outcome)


def _created(answer: Answer, contract: int) -> RentAnswer:
    accepted = answer.status // 100 == 2 and (answer.success is True or answer.success is None)
    if accepted and (answer.success is True or not answer.has_error):
        return Rented(contract)
    return RefusedButCreated(contract, answer.summary)


def _speaks_of_a_contract(answer: Answer) -> bool:
    # Torn or in another place than documented: still a contract that may exist.
    return b"new_contract" in answer.raw and "new_contract" not in (answer.body or {})


def _not_created(answer: Answer) -> RentAnswer:
    why = answer.summary
    if answer.is_auth:
        return RentDoubtful(why, stops_run=True)
    if answer.status == 429:
        return RentDoubtful(why, stops_run=_is_about_money(answer))
    if answer.status // 100 != 4 or answer.body is None or answer.success is True:
        return RentDoubtful(why)
    if any(words in answer.words for words in ("no_such_ask", "not your own", "bid_too_low")):
        # The second (documented, 403/3586) is about this one offer: an account that hosts may rent its own only. By the
        # third somebody bids more for it.
        return OfferGone(why)
    return _refused(answer)


def _refused(answer: Answer) -> RentAnswer:
    why = answer.summary
    if _is_about_money(answer) or "deprecated_endpoint" in answer.words:
        return RentRefused(why, stops="run")
    if answer.status in _UNSETTLED or not answer.word:
        return RentDoubtful(why)
    if answer.status == 403 and answer.word not in _ARGUMENTS:
        return RentDoubtful(why, stops_run=True)  # Most likely a key that lacks the scope.
    return RentRefused(why, stops="fleet")


def _is_about_money(answer: Answer) -> bool:
    return any(text in answer.words for text in _NO_MONEY)
