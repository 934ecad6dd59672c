"""A rent is never replayed: one attempt is one PUT, and doubt about it ends by evidence only."""

from __future__ import annotations

import pytest

from reconciler.core.label import read_label

from .stub import (
    KEY,
    Reply,
    Seen,
    Stub,
    hangs_up,
    instance_row,
    offer_row,
    offer_rows,
    page_of_html,
    says,
    with_effect,
    wrong_key,
)
from .world import HOUR_S, ended, fleet


def label_of(request):
    return read_label(request.body["label"], "default")


def redirected(stub: Stub, request: Seen) -> Reply:
    return Reply(302, b"", {"Location": f"{stub.url}/api/v0/other/"})


def moved(stub: Stub, request: Seen) -> Reply:
    return Reply(307, b"", {"Location": f"{stub.url}/api/v0/asks/502/"})


NO_CLEAR_ANSWER = {
    "the connection is closed": hangs_up,
    "502": says(502, b"<html>Bad Gateway</html>"),
    "500 in JSON": says(500, {"success": False, "error": "server_error"}),
    "503 with Retry-After": says(503, b"", **{"Retry-After": "1"}),
    "429": says(429, b"API requests too frequent: endpoint threshold=4.5"),
    "200 without an id": says(200, {"success": True}),
    "an empty body": says(200, b""),
    "HTML": page_of_html,
    "cut JSON": says(200, b'{"success": true, "new_contr'),
    "a redirect": redirected,
    "a redirect that keeps the method": moved,
    "the offer's own id": says(200, {"success": True, "new_contract": 501}),
    "a wrong key": wrong_key,
    "403 with HTML": says(403, b"<html>denied</html>"),
    "408": says(408, {"success": False, "error": "timeout"}),
}


@pytest.mark.parametrize("answer", NO_CLEAR_ANSWER.values(), ids=NO_CLEAR_ANSWER.keys())
@pytest.mark.parametrize("effect", [False, True], ids=["nothing was made", "it was made"])
def test_without_a_clear_answer_there_is_one_put_and_code_5(stub, desk, answer, effect):
    stub.on("rent", with_effect(answer) if effect else answer)
    ran = desk.apply()
    assert ran.code == 5
    assert len(stub.mutations) == 1
    assert "june/0" in ran.last_line
    assert "doubt" in ran.last_line
    assert "Traceback" not in ran.said
    assert KEY not in ran.said
    # The next run, at once: nothing is sent, unless the account already shows it.
    again = desk.apply()
    assert again.mutations == []
    assert again.code == (0 if effect else 5)
    assert ("doubt" in again.last_line) is not effect
    assert len(desk.record.intents) == (0 if effect else 1)


@pytest.mark.parametrize(
    "answer", [hangs_up, says(502, b""), says(200, {"success": True})], ids=["gone", "502", "no id"]
)
def test_the_command_itself_sends_one_put_and_ends_with_5(stub, shell, answer):
    stub.on("rent", answer)
    ran = ended(shell.start(*shell.line("--no-wait")))
    assert (ran.code, len(stub.mutations)) == (5, 1), ran.said
    assert "june/0: a rent is in doubt, up to $0.212/h" in ran.err
    again = shell.apply("--no-wait")
    assert (again.code, len(stub.mutations)) == (5, 1), again.said


def test_a_body_that_dribbles_beyond_its_time_is_a_doubt(stub, desk):
    def dribbles(stub: Stub, request: Seen) -> Reply:
        def a_minute_passes() -> None:
            desk.clock.sleep(61)

        made = stub.make(request.number or 0, request.body)
        return Reply(
            200, pieces=((a_minute_passes, b'{"success": true, '), (lambda: None, b'"new_contract": %d}' % made))
        )

    stub.on("rent", dribbles)
    assert desk.apply().code == 5
    assert desk.apply().code == 0
    assert len(stub.mutations) == 1


def test_a_doubtful_seat_is_rented_again_only_after_the_settle_time_and_two_lists(stub, desk):
    stub.on("rent", hangs_up)
    started = desk.clock.now()
    desk.apply()
    when_rented = []
    for _ in range(40):
        desk.clock.time += 10
        ran = desk.apply()
        if ran.mutations:
            when_rented.append(desk.clock.now() - started)
            break
        assert ran.code == 5
    assert 300 <= when_rented[0] < 320
    first, second = stub.of("rent")
    assert label_of(first).attempt != label_of(second).attempt
    assert label_of(first).seat == label_of(second).seat
    assert desk.record.intents.keys() == {label_of(second).attempt}
    assert desk.apply().code == 0
    assert desk.record.intents == {}


EVIDENCE = {
    "one list after the settle time is not enough": ([300.0], False),
    "two lists less than 30 s apart are not enough": ([300.0, 320.0], False),
    "lists that started too early are not enough": ([100.0, 140.0, 299.0, 310.0], False),
    "two lists 30 s apart, the second after the settle time": ([270.0, 305.0], True),
    "two lists after 150 s, and no verdict before 300 s": ([155.0, 190.0, 295.0, 304.0], True),
}


@pytest.mark.parametrize(("looks", "settled"), EVIDENCE.values(), ids=EVIDENCE.keys())
def test_what_settles_a_doubt(stub, desk, looks, settled):
    stub.on("rent", hangs_up)
    desk.apply()
    (intent,) = desk.record.intents.values()
    for at in looks[:-1]:
        desk.clock.time = intent.at + at
        assert desk.apply().mutations == []
    desk.clock.time = intent.at + looks[-1]
    assert bool(desk.apply().mutations) is settled


def test_a_doubtful_list_settles_nothing(stub, desk):
    stub.on("rent", hangs_up)
    desk.apply()
    (intent,) = desk.record.intents.values()
    stub.always("list", says(200, {"instances": []}))
    for at in (160.0, 200.0, 310.0, 350.0):
        desk.clock.time = intent.at + at
        assert (desk.apply().code, len(stub.mutations)) == (1, 1)
    stub.honest("list")
    assert desk.apply().mutations == []


def test_a_waiting_run_settles_its_own_doubt_and_rents_again(stub, desk):
    stub.on("rent", says(502, b""))
    began = desk.clock.now()
    ran = desk.apply(wait=True)
    assert ran.code == 0, ran.said
    first, second = ran.sent("rent")
    assert label_of(first).attempt != label_of(second).attempt
    assert desk.clock.now() - began >= 300
    assert len(stub.instances) == 1


def test_a_lost_answer_is_adopted_when_the_label_appears(stub, desk):
    stub.on("rent", with_effect(hangs_up))
    ran = desk.apply(wait=True)
    assert ran.code == 0, ran.said
    assert len(stub.mutations) == 1
    assert desk.record.known.keys() == {9001}
    assert desk.record.intents == {}


def test_an_instance_that_is_listed_late_is_adopted_in_doubt(stub, desk):
    hidden = {}

    def queued(stub: Stub, request: Seen) -> Reply:
        made = stub.make(request.number or 0, request.body)
        hidden[made] = stub.instances.pop(made)
        return Reply(504, b"")

    stub.on("rent", queued)
    desk.apply()
    desk.clock.time += 200
    assert desk.apply().code == 5
    stub.instances |= hidden
    desk.clock.time += 200
    ran = desk.apply()
    assert (ran.code, len(stub.mutations)) == (0, 1)


def test_an_instance_that_appears_after_all_is_one_too_many_and_goes(stub, desk):
    hidden = {}

    def queued(stub: Stub, request: Seen) -> Reply:
        made = stub.make(request.number or 0, request.body)
        hidden[made] = stub.instances.pop(made)
        return Reply(504, b"")

    stub.on("rent", queued)
    assert desk.apply(wait=True).code == 0
    assert sorted(stub.instances) == [9002]
    stub.instances |= hidden
    ran = desk.apply(wait=True)
    assert ran.code == 0, ran.said
    assert [r.number for r in ran.mutations] == [9002]
    assert sorted(stub.instances) == [9001]


def test_an_id_that_the_account_does_not_show_yet_keeps_its_seat(stub, desk):
    hidden = {}

    def unseen(stub: Stub, request: Seen) -> Reply:
        made = stub.make(request.number or 0, request.body)
        hidden[made] = stub.instances.pop(made)
        return Reply(200, {"success": True, "new_contract": made})

    stub.instances[77] = instance_row(77, offer_row(), {"disk": 10, "label": "somebody's"})
    stub.on("rent", unseen)
    assert desk.apply().code == 0
    desk.clock.time += 5
    assert desk.apply().mutations == []
    stub.instances |= hidden
    ran = desk.apply()
    assert (ran.code, len(stub.mutations)) == (0, 1)


def test_after_two_doubts_a_run_rents_no_more_and_the_seats_stay_taken(stub, desk):
    desk.declare(fleet("june", replicas=2), fleet("july", replicas=2), fleet("may", replicas=2))
    stub.always("rent", hangs_up)
    ran = desk.apply()
    assert (ran.code, len(ran.mutations)) == (5, 2)
    again = desk.apply()
    assert len(again.mutations) == 2
    assert len({label_of(r).seat for r in stub.of("rent")}) == 4


@pytest.mark.parametrize(("clear", "sent"), [(0, 1), (1, 3), (2, 3), (3, 6)])
def test_rents_go_in_batches_of_1_2_4_and_a_doubt_ends_them_with_its_batch(stub, desk, clear, sent):
    stub.offers = {row["id"]: row for row in offer_rows(9)}
    desk.declare(fleet(replicas=6))
    stub.on("rent", *[None] * clear, hangs_up)
    ran = desk.apply()
    assert (ran.code, len(ran.sent("rent"))) == (5, sent)


def test_one_step_without_a_doubt_rents_for_every_seat(stub, desk):
    stub.offers = {row["id"]: row for row in offer_rows(9)}
    desk.declare(fleet(replicas=6))
    assert len(desk.apply().sent("rent")) == 6


def test_a_waiting_run_begins_with_one_again_after_a_doubt(stub, desk):
    stub.offers = {row["id"]: row for row in offer_rows(12)}
    desk.declare(fleet(replicas=6))
    stub.on("rent", hangs_up)
    ran = desk.apply(wait=True)
    assert ran.code == 0, ran.said
    assert len(stub.instances) == 6


def test_a_second_lost_attempt_of_a_seat_freezes_it_until_a_day_is_over(stub, desk):
    stub.on("rent", hangs_up, hangs_up)
    ran = desk.apply(wait=True, timeout_s=2 * HOUR_S)
    assert (ran.code, len(ran.sent("rent"))) == (4, 2)
    assert "2 attempts for june/0 within a day were never made" in ran.said
    assert "lifted by: reconcile free june/0" in ran.said
    assert (desk.plan().code, desk.apply().mutations) == (4, [])
    desk.clock.time += 24 * HOUR_S
    assert desk.apply(wait=True).code == 0
    assert len(stub.instances) == 1


def test_an_attempt_that_appears_after_its_seat_was_frozen_is_the_instance_of_the_seat(stub, desk):
    hidden = {}

    def queued(stub: Stub, request: Seen) -> Reply:
        made = stub.make(request.number or 0, request.body)
        hidden[made] = stub.instances.pop(made)
        return Reply(504, b"")

    stub.on("rent", hangs_up, queued)
    assert desk.apply(wait=True, timeout_s=2 * HOUR_S).code == 4
    stub.instances |= hidden
    ran = desk.apply(wait=True)
    assert (ran.code, ran.mutations) == (0, []), ran.said
    assert desk.record.known.keys() == hidden.keys()


def test_a_label_that_took_long_makes_doubt_last_longer_for_a_day(stub, desk):
    hidden = {}

    def queued(stub: Stub, request: Seen) -> Reply:
        made = stub.make(request.number or 0, request.body)
        hidden[made] = stub.instances.pop(made)
        return Reply(504, b"")

    stub.on("rent", queued)
    desk.apply()
    for _ in range(20):
        desk.clock.time += 10
        desk.apply()
    stub.instances |= hidden
    assert desk.apply().code == 0
    (slow,) = desk.record.appeared
    assert 200 <= slow.took_s <= 215
    desk.declare(fleet(replicas=2))
    stub.on("rent", hangs_up)
    began = desk.clock.now()
    assert desk.apply(wait=True).code == 0
    assert desk.clock.now() - began >= 2 * slow.took_s


def test_an_offer_that_was_seen_long_ago_is_priced_again_before_it_is_rented(stub, desk):
    """Before the fifteenth rent more than a minute has passed since the search."""
    stub.offers = {row["id"]: row for row in offer_rows(16)}
    desk.declare(fleet(replicas=15))
    dear = {}

    def dearer(stub: Stub, request: Seen) -> None:
        left = [row for number, row in stub.offers.items() if number != request.number]
        for row in left if len(stub.of("rent")) == 14 else ():
            row["dph_base"] = dear[row["id"]] = 0.7
            row["dph_total"] = 0.75

    stub.always("rent", dearer)
    ran = desk.apply()
    assert "costs $0.70" in ran.said
    assert len(ran.sent("rent")) == 14
    assert len(dear) == 2


def test_a_doubt_spends_its_price(stub, desk):
    desk.declare(
        fleet(replicas=2, cap="0.30").replace("max_per_hour: 0.30", "max_per_hour: 0.30, budget_per_hour: 0.30")
    )
    stub.on("rent", hangs_up)
    ran = desk.apply()
    assert len(ran.mutations) <= 1
    assert desk.apply().mutations == []


def test_a_redirect_is_never_followed_to_another_server(stub, desk):
    with Stub() as other:
        to = says(307, b"", Location=f"{other.url}/api/v0/asks/501/")
        for route in ("rent", "list"):
            stub.on(route, to)
            desk.apply()
        assert other.seen == []
    assert len(stub.mutations) == 1


def test_a_waiting_run_that_begins_in_doubt_rents_nothing_before_it_is_settled(stub, desk):
    stub.on("rent", hangs_up)
    desk.apply()
    (intent,) = desk.record.intents.values()
    sent_at = []
    stub.always("rent", lambda s, r: sent_at.append(desk.clock.now()))
    desk.apply(wait=True)
    desk.apply(wait=True)
    assert len(sent_at) == 1
    assert sent_at[0] >= intent.at + 300
    assert len(stub.instances) == 1


def test_of_an_offer_that_was_seen_long_ago_the_freshest_ask_of_its_machine_is_rented(stub, desk):
    stub.offers = {row["id"]: row for row in offer_rows(15)}
    desk.declare(fleet(replicas=15))

    def renumbered(stub: Stub, request: Seen) -> None:
        for number in [n for n in stub.offers if n != request.number] if len(stub.of("rent")) == 14 else ():
            stub.offers[9515] = {**stub.offers.pop(number), "id": 9515, "ask_contract_id": 9515}

    stub.always("rent", renumbered)
    ran = desk.apply()
    assert ran.code == 0, ran.said
    assert [call.number for call in ran.sent("rent")][-1] == 9515
    assert len(stub.instances) == 15
