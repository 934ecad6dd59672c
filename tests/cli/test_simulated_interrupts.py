"""Stopped or cut off anywhere: what was done is said, the next run goes on, and nothing is rented twice."""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Callable

import pytest

from reconciler.cli.compose import World
from reconciler.errors import Interrupted

from .driving import MUTATIONS, Watched, drive
from .project import Project

REPLICAS = 2
PARTS = 3


class Cut:
    """Counts the calls of a run, and does something before or after the n-th one."""

    def __init__(self, number: int = 0, act: Callable[[World], None] | None = None, *, after: bool = True) -> None:
        self.number, self.act, self.after = number, act, after
        self.calls: list[str] = []

    def wrap(self, world: World) -> Watched:
        def begin(name: str) -> None:
            self.calls.append(name)
            if self.act and not self.after and len(self.calls) == self.number:
                self.act(world)

        def end(_: str) -> None:
            if self.act and self.after and len(self.calls) == self.number:
                self.act(world)

        return Watched(world.provider, begin, end)

    @property
    def rents(self) -> int:
        return self.calls.count("rent")


def ask_for_a_stop(world: World) -> None:
    world.clock.stop_requested = True


def cut_off(_: World) -> None:
    raise KeyboardInterrupt


def run_until_stopped(project: Project, cut: Cut) -> int:
    try:
        return drive(project, cut.wrap)
    except Interrupted as stopped:
        return stopped.exit_code
    except KeyboardInterrupt:
        return 130


def fresh(project: Project) -> None:
    """Two instances are to be rented."""
    project.fleet(replicas=REPLICAS)


def rollout(project: Project) -> None:
    """Two instances are to be replaced, new first."""
    project.fleet(replicas=REPLICAS)
    project.start()
    project.fleet(replicas=REPLICAS, container__image="ghcr.io/acme/june:2")


def repair(project: Project) -> None:
    """One instance is to be replaced, old first."""
    project.fleet(replicas=REPLICAS)
    project.start()
    project.fail("june/1", how="exited")


def scale_down(project: Project) -> None:
    """One instance is to go."""
    project.fleet(replicas=REPLICAS + 1)
    project.start()
    project.fleet(replicas=REPLICAS)


_WHOLE: dict[str, list[str]] = {}


def calls_of(project: Project, begin: Callable[[Project], None]) -> list[str]:
    """The calls of an undisturbed run, in their order."""
    if begin.__name__ not in _WHOLE:
        begin(project)
        whole = Cut()
        assert drive(project, whole.wrap) == 0
        project.run("simulate", "reset").assert_success()
        _WHOLE[begin.__name__] = whole.calls
    return _WHOLE[begin.__name__]


def worth_stopping_at(calls: list[str], act: Callable[[World], None]) -> list[int]:
    """Every call that changes something, counted from 1. One that only looks is like any other of its kind: the first
    few, the one after each change, and the last."""
    changes = {at for at, name in enumerate(calls, 1) if name in MUTATIONS}
    looks = {1, 2, len(calls), *(at + 1 for at in changes)} if act is ask_for_a_stop else set()
    return sorted(changes | looks)


@pytest.mark.parametrize("begin", [fresh, rollout, repair, scale_down], ids=lambda begin: begin.__name__)
@pytest.mark.parametrize(
    ("act", "after"),
    [(ask_for_a_stop, True), (cut_off, False), (cut_off, True)],
    ids=["a stop", "cut off before the call", "cut off before the answer"],
)
@pytest.mark.parametrize("part", range(PARTS))
def test_a_run_that_is_stopped_anywhere_is_continued_by_the_next(
    project: Project, begin: Callable[[Project], None], act: Callable[[World], None], after: bool, part: int
) -> None:
    calls = calls_of(project, begin)
    for number in worth_stopping_at(calls, act)[part::PARTS]:
        begin(project)
        stopped = Cut(number, act, after=after)
        code = run_until_stopped(project, stopped)
        assert code in ((0, 130) if number == len(calls) else (5, 130)), number
        assert len(project.live()) <= REPLICAS + 1

        # What was written down and perhaps never sent keeps its seat through the run that settles it.
        in_doubt = act is cut_off and calls[number - 1] in MUTATIONS
        rents = stopped.rents
        for _ in range(2 if in_doubt else 1):
            going_on = Cut()
            assert drive(project, going_on.wrap) == 0, number
            rents += going_on.rents
        project.assert_all_run("june", REPLICAS)
        project.assert_settled()
        never_sent = in_doubt and not after and calls[number - 1] == "rent"
        assert rents == calls.count("rent") + never_sent, number
        project.run("simulate", "reset").assert_success()


class Terminal(io.StringIO):
    """An output at which somebody presses Ctrl-C, or sends another signal, as soon as a word appears."""

    def __init__(self, word: str, number: int = signal.SIGINT) -> None:
        super().__init__()
        self.word, self.number, self.presses = word, number, 1

    def write(self, text: str) -> int:
        written = super().write(text)
        if self.word in text and self.presses:
            self.presses -= 1
            signal.raise_signal(self.number)
        return written


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_stops_after_the_call_in_flight_and_says_what_was_done(
    project: Project, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    project.fleet(replicas=3)
    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as pressed:
        terminal = Terminal("rented:", number)
        pressed.setattr(sys, "stdout", terminal)
        outcome = project.apply()
    outcome.assert_code(130, "stopped, as asked", "1 instance rented", "next run")
    assert "june/0" in terminal.getvalue()
    assert signal.getsignal(signal.SIGINT) is before
    assert len(project.live()) == 1
    project.apply().assert_success("2 instances rented")
    project.assert_all_run("june", 3)


def test_ctrl_c_during_the_first_wait_leaves_nothing_behind(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.fleet()
    with monkeypatch.context() as pressed:
        pressed.setattr(sys, "stderr", Terminal("cold start"))
        project.apply().assert_code(130)
    assert project.live() == []
    project.apply().assert_success("1 instance rented")
