"""Moving in and out, as a person reads it: what is kept, what is put back, what is left, and no control character."""

from __future__ import annotations

import builders as b
import pytest

from reconciler.core.importing import Left
from reconciler.core.model import Source
from reconciler.core.moves import Move, Moves, Refusal, Step
from reconciler.views.importing import import_lines
from reconciler.views.moves import ending_lines, moves_markdown, moves_text, question, step_text

from . import samples

SOURCES = {"june": Source("specs/june.yaml", 3)}


def test_an_adoption_is_shown_with_every_difference():
    assert moves_text("adopt", samples.moves(), SOURCES).splitlines() == [
        "june  specs/june.yaml:3",
        "  0  instance 7  1x RTX 3060  California, US  $0.250/h   container.image b:1 -> a:1",
        "  1  instance 8  1x RTX 3060  California, US  $0.250/h   no difference is told",
        "  !  instance 9 is left alone: it is managed already, as june/2",
        "  !  instance 10 is left alone: full  (raise replicas)",
    ]


def test_a_release_says_which_label_comes_back():
    ours = b.label("june/0")
    back = Move(b.seat("june/0"), b.instance("june/0", id=7), ours, "pool-a/1")
    none = Move(b.seat("june/1"), b.instance("june/1", id=8), ours, None)
    lost = Move(b.seat("june/2"), b.instance("june/2", id=9), ours, None, remembered=False)
    said = [
        line.rpartition("/h   ")[2] for line in moves_text("release", Moves((back, none, lost)), {}).splitlines()[1:]
    ]
    assert said == [
        f'label "{ours}" -> "pool-a/1"',
        "no label",
        "no label: what it had before, if anything, is not known",
    ]


def test_the_question_names_number_and_rate():
    found = samples.moves()
    assert question("adopt", found) == "Adopt 2 instances, $0.500/h, as they are? Only their labels change."
    assert question("release", found) == "Release 2 instances, $0.500/h? They go on to run and to bill."


ENDINGS = {
    "all done": ("adopt", 2, [], ["2 instances adopted; nothing was rented, stopped or destroyed."]),
    "one not": (
        "release",
        1,
        ["june"],
        [
            "1 instance released; nothing was rented, stopped or destroyed.",
            "1 not: reconcile release goes on from what the account shows.",
            "Paused, so that nothing is rented in their place: june. "
            "To have it looked after again: reconcile resume FLEET",
        ],
    ),
}


@pytest.mark.parametrize(("kind", "done", "paused", "lines"), ENDINGS.values(), ids=ENDINGS)
def test_the_last_words_count_what_shows(kind, done, paused, lines):
    steps = [Step("done", b.seat(), number, "adopted") for number in range(done)]
    assert list(ending_lines(kind, samples.moves(), steps, paused)) == lines


def test_without_anything_to_do_that_is_said():
    assert moves_text("release", Moves(()), {}) == "There is nothing to release."
    assert list(ending_lines("release", Moves(()), [], [])) == ["Nothing was changed."]


def test_a_page_shows_each_instance_and_what_became_of_it():
    steps = [Step("done", b.seat("june/0"), 7, "adopted")]
    assert moves_markdown("adopt", samples.moves(), steps, []).splitlines() == [
        "| Seat | Instance | Price | As it is | Result |",
        "| --- | --- | --- | --- | --- |",
        "| june/0 | 7 | $0.250/h | `container.image b:1 -> a:1` | done: adopted |",
        "| june/1 | 8 | $0.250/h | no difference is told | open |",
        "",
        "**Left alone**",
        "",
        "- instance 9: it is managed already, as june/2",
        "- instance 10: full",
        "",
        "1 instance adopted; nothing was rented, stopped or destroyed. "
        "1 not: reconcile adopt goes on from what the account shows.",
    ]


@pytest.mark.parametrize("payload", ["\x1b[31m", "a\nb", "\u202e", "::set-output\r", "\x9b2J"])
def test_no_text_of_a_stranger_reaches_the_terminal_raw(payload):
    row = b.instance(None, id=7, label=payload)
    found = Moves((Move(b.seat(), row, payload, payload),), (Refusal(8, "full"),))
    said = "\n".join(
        [
            *moves_text("release", found, {}).split("\n")[1:2],
            step_text(Step("failed", b.seat(), 7, payload)),
            *import_lines([], [Left(7, payload)]),
        ]
    )
    assert all(char.isprintable() or char == "\n" for char in said)
    assert said.count("\n") == 2
