"""A doubtful reading is no reading: nothing is sent on the strength of it, and nothing is concluded."""

from __future__ import annotations

import pytest

from .stub import Reply, Seen, Stub, instance_row, listed, offer_row, page_of_html, says, wrong_key
from .world import fleet


@pytest.fixture
def settled(stub, desk):
    """One instance runs and is known; the wish has grown, so that there is something to rent."""
    assert desk.apply().code == 0
    assert desk.apply().code == 0
    desk.declare(fleet(replicas=2))
    desk.clock.time += 60
    return desk


def rows(stub):
    return list(stub.instances.values())


DOUBTFUL = {
    "fewer rows than the total": lambda s, r: Reply(200, listed(rows(s), 2)),
    "more rows than the total": lambda s, r: Reply(200, listed(rows(s), 0)),
    "an id twice": lambda s, r: Reply(200, listed(rows(s) * 2)),
    "a row without an id": lambda s, r: Reply(200, listed([{"label": None}, *rows(s)])),
    "a row without a label": lambda s, r: Reply(200, listed([{"id": 5}, *rows(s)])),
    "the retired route, 410": says(410, {"success": False, "error": "deprecated_endpoint", "msg": "Use /api/v1/"}),
    "the retired route, 200": says(200, {"success": False, "error": "deprecated_endpoint", "msg": "Use /api/v1/"}),
    "empty, without counts": says(200, {"instances": []}),
    "empty, success false": says(200, {**listed([]), "success": False}),
    "an empty object": says(200, {}),
    "null": says(200, {**listed([]), "instances": None}),
    "HTML": page_of_html,
    "cut JSON": says(200, b'{"success": true, "instances": ['),
    "empty": says(200, b""),
    "a redirect": says(301, b"", Location="/api/v0/other/"),
    "always the same page": lambda s, r: Reply(200, listed(rows(s), 9, "more")),
    "502": says(502, b""),
    "429": says(429, b"API requests too frequent"),
    "a wrong key": wrong_key,
}


@pytest.mark.parametrize("answer", DOUBTFUL.values(), ids=DOUBTFUL.keys())
@pytest.mark.parametrize("wait", [False, True], ids=["one step", "waiting"])
def test_a_doubtful_list_ends_the_run_with_1_and_changes_nothing(stub, settled, answer, wait):
    before = settled.record
    stub.always("list", answer)
    ran = settled.apply(wait=wait)
    assert (ran.code, ran.mutations) == (1, [])
    assert "Traceback" not in ran.said
    assert ran.err.startswith("error: ")
    assert settled.record == before
    stub.honest("list")
    assert [r.method for r in settled.apply().mutations] == ["PUT"]


def test_a_total_that_moves_while_the_pages_are_read_is_read_again(stub, settled):
    stub.on("list", lambda s, r: Reply(200, listed(rows(s), 2)))
    ran = settled.apply()
    assert ran.code == 0
    assert len(ran.sent("list")) == 2


def test_a_doubtful_list_in_the_middle_of_a_run_is_waited_out(stub, desk):
    stub.boots_as = "loading"
    stub.on("list", says_nothing_special, says(200, {"instances": []}), runs_now)
    ran = desk.apply(wait=True)
    assert (ran.code, len(ran.mutations)) == (0, 1), ran.said
    assert "reading again" in ran.err


def says_nothing_special(stub: Stub, request: Seen) -> None:
    return None


def runs_now(stub: Stub, request: Seen) -> None:
    for row in stub.instances.values():
        row["actual_status"] = "running"


# --- known ids that a list lacks ------------------------------------------------------------------


def test_an_empty_list_with_known_ids_asks_the_account_and_lists_again(stub, settled):
    stub.instances.clear()
    began = settled.clock.now()
    ran = settled.apply()
    assert [r.route for r in ran.calls][:5] == ["account", "list", "account", "list", "show"]
    assert settled.clock.now() - began >= 30
    assert len(ran.mutations) == 2
    assert "instance 9001 was destroyed outside" in ran.out


def test_an_empty_list_that_the_second_contradicts_ends_the_run(stub, settled):
    stub.on("list", says(200, listed([])))
    ran = settled.apply()
    assert (ran.code, ran.mutations) == (1, [])


def test_an_empty_list_is_not_believed_while_the_account_does_not_read(stub, settled):
    stub.on("account", lambda s, r: None, *[says(502, b"")] * 4)
    stub.on("list", says(200, listed([])), says(200, listed([])))
    ran = settled.apply()
    assert (ran.code, ran.mutations) == (1, [])


def test_an_empty_list_is_not_believed_when_the_single_read_shows_the_instance(stub, settled):
    stub.on("list", says(200, listed([])), says(200, listed([])))
    ran = settled.apply()
    assert ran.code == 0
    assert len(ran.mutations) == 1
    assert len(stub.instances) == 2


@pytest.fixture
def unlisted(stub, settled):
    """The list lacks the known id; another instance is in it."""
    stub.instances[77] = instance_row(77, offer_row(), {"disk": 10, "label": "somebody's"})
    stub.on("list", lambda s, r: Reply(200, listed([s.instances[77]])))
    settled.declare(fleet())
    return settled


def test_a_known_instance_that_the_list_lacks_but_that_lives_stays(stub, unlisted):
    ran = unlisted.apply()
    assert (ran.code, ran.mutations) == (0, [])
    assert [r.number for r in ran.sent("show")] == [9001]
    assert unlisted.record.known.keys() == {9001}


def test_a_known_instance_that_is_called_gone_is_rented_again(stub, unlisted):
    del stub.instances[9001]
    ran = unlisted.apply()
    assert ran.code == 0
    assert [r.method for r in ran.mutations] == ["PUT"]
    assert "instance 9001 was destroyed outside" in ran.out


def test_no_such_instance_is_gone_as_well(stub, unlisted):
    stub.always("show", says(404, {"success": False, "error": "no_such_instance", "msg": "Instance 9001 not found."}))
    assert [r.method for r in unlisted.apply().mutations] == ["PUT"]


NOT_GONE = {
    "a 404 that is an auth_error": (wrong_key, 1),
    "a 404 without a word": (says(404, {"success": False}), 1),
    "a 404 with HTML": (says(404, b"<html>not found</html>"), 1),
    "an empty object": (says(200, {}), 1),
    "a record without its label": (says(200, {"instances": {"id": 9001}}), 1),
    "another one's record": (lambda s, r: Reply(200, {"instances": s.instances[77]}), 1),
    "502": (says(502, b""), 1),
    "410 deprecated": (says(410, {"success": False, "error": "deprecated_endpoint"}), 1),
}


@pytest.mark.parametrize(("answer", "code"), NOT_GONE.values(), ids=NOT_GONE.keys())
def test_what_is_not_called_gone_in_so_many_words_is_not_rented_again(stub, unlisted, answer, code):
    stub.always("show", answer)
    ran = unlisted.apply()
    assert (ran.code, ran.mutations) == (code, [])
    assert unlisted.record.known.keys() == {9001}


def test_an_account_without_credit_in_its_answer_is_not_read(stub, settled):
    stub.always("account", says(200, {"id": 4711}))
    assert (settled.apply().code, len(stub.mutations)) == (1, 1)


# --- searches -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [says(502, b""), page_of_html, says(200, {}), says(200, {"offers": None})],
    ids=["502", "HTML", "an empty object", "null"],
)
def test_a_search_that_fails_stops_its_fleet_and_no_other(stub, desk, answer):
    desk.declare(fleet("april"), fleet("june", cap="0.40"))

    def fails_for_april(stub: Stub, request: Seen) -> Reply | None:
        return answer(stub, request) if float(request.body["dph_total"]["lte"]) > 0.45 else None

    stub.always("search", fails_for_april)
    ran = desk.apply()
    assert ran.code == 1
    rented = [r.body["label"].split("/")[2] for r in ran.mutations]
    assert rented == ["april", "june"]  # what the search for june showed serves april too
    assert "fleet april: the market could not be searched" in ran.said


def test_the_quota_of_searches_used_up_is_one_clear_line(stub, desk):
    stub.always("search", says(429, {"success": False, "error": "search_quota_exceeded", "retry_after": 9999}))
    desk.declare(fleet("april"), fleet("june"))
    ran = desk.apply()
    assert (ran.code, ran.mutations) == (1, [])
    assert len(ran.sent("search")) == 1
    assert sum("day's quota" in line for line in ran.said.splitlines()) == 1


def test_without_searches_left_what_is_not_wished_for_goes_all_the_same(stub, settled):
    settled.declare(fleet("april"), fleet("june", replicas=0))
    stub.always("search", says(429, {"success": False, "error": "search_quota_exceeded", "retry_after": 9999}))
    ran = settled.apply()
    assert (ran.code, [r.method for r in ran.mutations]) == (1, ["DELETE"])
