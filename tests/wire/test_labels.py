"""Label calls over a real socket: each is sent once, whatever comes back, and counts when a reading shows it."""

from __future__ import annotations

import pytest

from reconciler.cli.holding import Turn
from reconciler.cli.moving import Task, move
from reconciler.cli.options import Shape
from reconciler.cli.screen import Screen
from reconciler.core.moves import Ask, adopt_named, release_named
from reconciler.spec.load import load

from .stub import KEY, Reply, hangs_up, instance_row, offer_row, page_of_html, says, with_effect, wrong_key

NUMBER = 77
OLD = "pool-a/7f3c"


@pytest.fixture
def there(stub):
    """An instance that somebody else's tool rented."""
    stub.instances[NUMBER] = instance_row(
        NUMBER, offer_row(), {"disk": 10, "label": OLD, "image": "ghcr.io/acme/june:1"}
    )
    return stub.instances[NUMBER]


def run(desk, kind):
    def chosen(ground):
        if kind == "adopt":
            return adopt_named(ground, [Ask("june", 0, NUMBER)])
        return release_named(ground.diff, ground.record, [NUMBER])

    def command(world):
        loaded = load([str(desk.specs)])
        return move(world, loaded, Screen(Shape("text", False)), Task(kind, chosen, True, Turn(kind)), yes=True)

    return desk._run(command)


def ours(row):
    return (row["label"] or "").startswith("rc1/default/june/a0/")


def test_an_adoption_is_one_call_between_two_readings(stub, desk, there):
    ran = run(desk, "adopt")
    assert ran.code == 0, ran.said
    assert [call.route for call in ran.calls] == ["account", "list", "show", "relabel", "list"]
    (call,) = ran.mutations
    assert (call.method, call.path, call.number) == ("PUT", f"/api/v0/instances/{NUMBER}/", NUMBER)
    assert set(call.body) == {"label"}
    assert ours(there)
    assert desk.record.relabels[NUMBER].before == OLD
    assert NUMBER in desk.record.known
    assert desk.plan().out.count("0 to create") + desk.plan().out.count("No changes") >= 1


def test_a_release_puts_the_old_label_back(stub, desk, there):
    run(desk, "adopt")
    ran = run(desk, "release")
    assert (ran.code, [call.body for call in ran.mutations]) == (0, [{"label": OLD}])
    assert there["label"] == OLD
    assert (desk.record.relabels, desk.record.known) == ({}, {})
    assert desk.apply(first_run=False).mutations == []


LOST = {
    "the connection ends": hangs_up,
    "a bad gateway": says(502, {"success": False}),
    "too many requests": says(429, {"detail": "API requests too frequent endpoint threshold=1.0"}),
    "a page of HTML": page_of_html,
    "a 404 that names nothing": says(404, {}),
}


@pytest.mark.parametrize("answer", LOST.values(), ids=LOST)
@pytest.mark.parametrize("kind", ["adopt", "release"])
def test_an_answer_that_is_lost_is_settled_by_reading_and_never_sent_again(stub, desk, there, kind, answer):
    if kind == "release":
        run(desk, "adopt")
    stub.on("relabel", with_effect(answer))
    ran = run(desk, kind)
    assert ran.code == 0, ran.said
    assert len(ran.mutations) == 1
    assert ours(there) == (kind == "adopt")


@pytest.mark.parametrize("answer", LOST.values(), ids=LOST)
@pytest.mark.parametrize("kind", ["adopt", "release"])
def test_a_call_without_effect_is_told_and_the_next_command_sends_its_own(stub, desk, there, kind, answer):
    if kind == "release":
        run(desk, "adopt")
    before = there["label"]
    stub.on("relabel", answer)
    ran = run(desk, kind)
    assert (ran.code, len(ran.mutations)) == (1, 1)
    assert "its label is as before" in ran.out
    assert there["label"] == before
    again = run(desk, kind)
    assert (again.code, len(again.mutations)) == (0, 1)
    assert there["label"] == (OLD if kind == "release" else there["label"])
    assert ours(there) == (kind == "adopt")


def test_an_accepted_call_without_effect_is_not_believed(stub, desk, there):
    stub.on("relabel", says(200, {"success": True}))
    ran = run(desk, "adopt")
    assert ran.code == 1
    assert "its label is as before, although the account accepted it" in ran.out
    assert NUMBER not in desk.record.known


@pytest.mark.parametrize("length", [1, 10, 41])
def test_a_label_that_the_server_cuts_is_told_and_can_be_put_back(stub, desk, there, length):
    def cut(stub, request):
        stub.instances[NUMBER]["label"] = request.body["label"][:length]
        return Reply(200, {"success": True})

    stub.on("relabel", cut)
    ran = run(desk, "adopt")
    assert ran.code == 1
    assert "reads back neither as before nor as sent" in ran.out
    assert desk.apply(first_run=False).sent("destroy", "relabel") == []
    back = run(desk, "release")
    assert back.code == 0, back.said
    assert there["label"] == OLD


def test_a_label_that_was_cut_twice_still_goes_back_to_the_first(stub, desk, there):
    def cut(stub, request):
        stub.instances[NUMBER]["label"] = request.body["label"][:30]
        return Reply(200, {"success": True})

    stub.on("relabel", cut, cut)
    run(desk, "adopt")
    run(desk, "adopt")
    assert desk.record.relabels[NUMBER].before == OLD


def test_an_instance_that_is_gone_meanwhile_is_told(stub, desk, there):
    stub.on("show", lambda s, r: s.instances.pop(NUMBER) and None)
    ran = run(desk, "adopt")
    assert (ran.code, ran.mutations) == (1, [])
    assert "there is no such instance any more" in ran.out
    assert desk.record.relabels == {}


def test_a_call_to_an_instance_that_just_went_is_told(stub, desk, there):
    def gone(stub, request):
        stub.instances.pop(NUMBER)
        return Reply(404, {"success": False, "error": "no_such_instance", "msg": "Instance 77 not found."})

    stub.on("relabel", gone)
    ran = run(desk, "adopt")
    assert (ran.code, len(ran.mutations)) == (1, 1)
    assert "there is no such instance any more" in ran.out
    assert desk.record.relabels == {}


def test_a_label_that_changed_since_the_list_saves_the_instance(stub, desk, there):
    def renamed(stub, request):
        stub.instances[NUMBER]["label"] = "mine"

    stub.on("show", renamed)
    ran = run(desk, "adopt")
    assert (ran.code, ran.mutations) == (1, [])
    assert "its label has changed meanwhile" in ran.out


def test_what_cannot_be_read_afresh_is_not_changed(stub, desk, there):
    stub.always("show", says(502, {}))
    ran = run(desk, "adopt")
    assert (ran.code, ran.mutations) == (1, [])
    assert "could not be read afresh" in ran.out


def test_a_change_that_cannot_be_confirmed_is_settled_by_the_next_command(stub, desk, there):
    stub.on("list", lambda s, r: None, *[says(502, {})] * 4)
    ran = run(desk, "adopt")
    assert ran.code == 1
    assert "sent, and not confirmed" in ran.out
    again = run(desk, "adopt")
    assert (again.code, again.mutations) == (0, [])
    assert desk.record.relabels[NUMBER].before == OLD


def test_a_refused_key_ends_it_without_a_word_of_the_key(stub, desk, there):
    stub.on("relabel", wrong_key)
    ran = run(desk, "adopt")
    assert (ran.code, len(ran.mutations)) == (1, 1)
    assert "the API key was refused" in ran.said
    assert KEY not in ran.said
    assert run(desk, "adopt").code == 0


def test_it_is_written_down_before_it_is_sent(stub, desk, there):
    seen = []

    def look(stub, request):
        seen.append(desk.record.relabels[NUMBER].before)

    stub.on("relabel", look)
    run(desk, "adopt")
    assert seen == [OLD]


def test_a_list_that_is_doubtful_changes_nothing(stub, desk, there):
    stub.always("list", says(200, {"success": True, "instances": []}))
    ran = run(desk, "adopt")
    assert (ran.code, ran.mutations) == (1, [])
