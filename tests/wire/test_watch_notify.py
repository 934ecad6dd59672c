"""What a watch says of those whom it cannot tell."""

from __future__ import annotations

import contextlib

from reconciler.cli.listening import Board
from reconciler.cli.options import Scope, Shape
from reconciler.cli.rereading import Specs
from reconciler.cli.screen import Screen
from reconciler.cli.watch import Bench, code_of
from reconciler.core.guards import Allowed
from reconciler.core.watching import Note
from reconciler.watch import Rhythm, Watch

from .webhook import POLICY
from .world import fleet


def test_a_webhook_without_an_address_that_the_policy_comes_to_name_is_told(desk):
    notes: list[Note] = []
    desk.declare(fleet(), POLICY % "")
    with desk.world() as world, contextlib.chdir(desk.folder):
        specs = Specs(Scope(("specs",), (), None), Screen(Shape("text", True)), Allowed(), first_run=True)
        bench = Bench(world, specs, lambda _: None, notes.append, Board(world.clock.now))
        Watch(bench, Rhythm(60.0, 2, lambda: 0.5), code_of).run()
    told = [note.fields["text"] for note in notes if note.event == "notification_failed"]
    assert told == ["a webhook cannot be used: OPS_WEBHOOK: the variable is not set"]
