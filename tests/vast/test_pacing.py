"""When the next call of a route may leave."""

from __future__ import annotations

import json

import httpx
import pytest

from reconciler.errors import Unreachable
from reconciler.provider import Route
from reconciler.vast.pacing import Pacing
from reconciler.vast.provider import VastProvider

from .world import START, FakeClock, Script, order, page, provider_for, query, raw, row, said, wire_for

GAPS: dict[Route, float] = {"rent": 4.5, "destroy": 3.0, "list": 1.0, "show": 2.0, "account": 1.0, "template": 3.0}


@pytest.mark.parametrize(("route", "gap"), GAPS.items())
def test_a_gap_counts_from_the_answer(route, gap):
    clock = FakeClock()
    pacing = Pacing(clock)
    pacing.wait(route)
    assert clock.slept == []
    clock.time += 20  # The answer takes long.
    pacing.answered(route)
    assert pacing.free_at(route) == START + 20 + gap
    pacing.wait(route)
    assert clock.slept == [gap]
    pacing.wait(route)
    assert clock.slept == [gap]


def test_the_clocks_are_over_once_no_route_has_to_wait():
    clock = FakeClock()
    pacing = Pacing(clock)
    assert pacing.is_over
    pacing.answered("list")
    pacing.answered("rent")
    clock.time += 4
    assert not pacing.is_over
    clock.time += 0.5
    assert pacing.is_over


def test_routes_do_not_wait_for_each_other():
    pacing = Pacing(FakeClock())
    pacing.answered("rent")
    assert [pacing.free_at(route) for route in ("destroy", "list", "search")] == [0, 0, 0]


@pytest.mark.parametrize(
    ("route", "asked", "expected"),
    [("rent", 0.0, 12), ("rent", 30.0, 30), ("list", 0.0, 1), ("destroy", 7.5, 7.5), ("search", 60.0, 60)],
)
def test_after_a_429_the_longest_wish_counts(route, asked, expected):
    pacing = Pacing(FakeClock())
    pacing.answered(route, too_fast=asked)
    assert pacing.free_at(route) == START + expected


def test_ten_searches_may_leave_in_any_minute():
    clock = FakeClock()
    pacing = Pacing(clock)
    sent = []
    for _ in range(25):
        pacing.wait("search")
        sent.append(clock.time - START)
        clock.time += 1
        pacing.answered("search")
    assert sent[:10] == list(range(10))
    assert all(later - earlier >= 60 for earlier, later in zip(sent, sent[10:], strict=False))
    assert sent[10] == 61


def test_the_clocks_go_on_in_the_next_command():
    clock = FakeClock()
    first = Pacing(clock)
    for _ in range(10):
        first.answered("search")
    first.answered("rent")
    kept = json.loads(json.dumps(first.earliest))
    second = Pacing(clock, kept)
    assert second.earliest == first.earliest
    assert second.free_at("search") == START + 60
    assert second.free_at("rent") == START + 4.5


def test_kept_clocks_are_not_believed_beyond_reason():
    kept = {"rent": START + 1e9, "list": float("nan"), "show": float("inf"), "made-up": 1.0}
    pacing = Pacing(FakeClock(), kept)
    assert pacing.earliest == {"rent": START + 60}


def test_a_clock_that_is_set_back_costs_a_minute_at_most():
    clock = FakeClock()
    pacing = Pacing(clock)
    pacing.answered("rent")
    clock.time -= 3600
    pacing.wait("rent")
    assert clock.slept == [60]


def test_a_doubtful_rent_counts_from_its_timeout_and_a_429_pushes_the_next_one_away():
    clock = FakeClock()

    class Slow(Script):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            clock.time += 30
            return super().handle_request(request)

    provider = provider_for(Slow(httpx.ReadTimeout("x"), raw(429, "API requests too frequent"), clock=clock))
    provider.rent(order())
    assert provider.free_at("rent") == START + 30 + 4.5
    provider.rent(order())
    assert provider.free_at("rent") == START + 30 + 4.5 + 30 + 12


WISHES = {
    "Retry-After": (raw(429, "API requests too frequent", **{"Retry-After": "20"}), 20),
    "Retry-After with a fraction": (raw(429, "x", **{"Retry-After": "20.5"}), 20.5),
    "Retry-After beyond a minute": (raw(429, "x", **{"Retry-After": "86400"}), 60),
    "Retry-After as a date": (raw(429, "x", **{"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}), 2),
    "Retry-After that is nonsense": (raw(429, "x", **{"Retry-After": "-5"}), 2),
    "retry_after in the body": (said(429, {"detail": "x", "retry_after": 25}), 25),
    "retry_after in the body beyond a minute": (said(429, {"detail": "x", "retry_after": 30000}), 60),
    "a threshold in JSON": (said(429, {"detail": "API requests too frequent endpoint threshold=7.5"}), 7.5),
    "a threshold in text": (raw(429, "API requests too frequent: endpoint threshold=7.5"), 7.5),
    "no wish": (raw(429, "API requests too frequent"), 2),
    "a 503 with Retry-After": (raw(503, "", **{"Retry-After": "20"}), 20),
}


@pytest.mark.parametrize(("answer", "seconds"), WISHES.values(), ids=WISHES.keys())
def test_a_wish_to_be_left_alone_is_honoured(answer, seconds):
    script = Script(answer, page([row(7)]))
    provider_for(script).instances()
    assert script.times[1] - script.times[0] == seconds


def test_the_back_off_grows():
    script = Script(raw(500, ""))
    with pytest.raises(Unreachable):
        provider_for(script).instances()
    assert [later - earlier for earlier, later in zip(script.times, script.times[1:], strict=False)] == [2, 4, 8]


def test_searches_are_paced_by_the_provider():
    script = Script(said(200, {"offers": []}))
    provider = provider_for(script)
    for _ in range(11):
        provider.search(query())
    assert [time - START for time in script.times] == [0] * 10 + [60]


def test_who_waits_long_is_told_before_and_who_waits_a_moment_is_not():
    """By the pace, by a 429's own wish, and by the pause after a failure."""
    script = Script(said(429, {}, **{"Retry-After": "20"}), httpx.ReadError("dropped"), page([]))
    wire, told = wire_for(script, script.clock), []
    provider = VastProvider(wire, script.clock)
    wire.pacing.on_wait = lambda route, seconds: told.append((route, seconds, script.clock.now() - START))
    provider.instances()
    assert told == [("list", 20.0, 0.0)]
    wire.pacing.adopt({"list": script.clock.now() + 7200})
    provider.instances()
    assert [seconds for _, seconds, _ in told] == [20.0, 60.0], "a clock far ahead is not believed"
