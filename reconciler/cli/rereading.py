"""The specs of a watch: read when it begins, and again whenever their files may have changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from reconciler.cli.compose import World
from reconciler.cli.declared import read, wish
from reconciler.cli.options import Scope
from reconciler.cli.screen import Screen
from reconciler.core.assemble import Wish
from reconciler.core.guards import Allowed
from reconciler.core.settle import Settle
from reconciler.core.text import safe
from reconciler.core.watching import Note, changed_fleets
from reconciler.diagnostics import Diagnostic
from reconciler.errors import InvalidInput, ReconcileError
from reconciler.spec.load import Loaded
from reconciler.spec.signature import Signature, signature

MOST_FINDINGS = 20
"""So many findings of invalid specs are logged."""


class Specs:
    """What is declared, as of the last look. While the files cannot be planned they are read anew at every look."""

    def __init__(self, scope: Scope, screen: Screen, allowed: Allowed, *, first_run: bool) -> None:
        self._scope, self._screen, self._allowed, self._first_run = scope, screen, allowed, first_run
        self._signature: Signature | None = None
        self._flaw: str | None = None
        self.loaded = self._load()
        self._wish = self._wanted(self.loaded)

    def _load(self) -> Loaded:
        return read(self._scope, self._screen)

    def _wanted(self, loaded: Loaded) -> Wish:
        return wish(loaded, Settle(), allowed=self._allowed, first_run=self._first_run)

    @property
    def first(self) -> Wish:
        """What was declared when the watch began."""
        return self._wish

    def look(self, world: World, say: Callable[[Note], None]) -> Wish:
        """What is declared now; a change is said. Raises what reading raises, which is said once for the same flaw."""
        now = world.clock.now()
        try:
            self._refresh(now, say)
        except ReconcileError as error:
            self._signature = None
            self._say_flaw(error, now, say)
            raise
        if self._flaw is not None:
            self._flaw = None
            say(Note(now, "info", "specs_valid", {"fleets": [fleet.name for fleet in self.loaded.fleets]}))
        return replace(self._wish, settle=world.govern(self.loaded.policy))

    def _refresh(self, now: float, say: Callable[[Note], None]) -> None:
        # Times of files are those of the clock on the wall, whatever time it is in a simulated world.
        found = signature(self._scope.paths, self.loaded.read, time.time(), self._scope.policy)
        if found is not None and found == self._signature:
            return
        loaded = self._load()
        wanted = self._wanted(loaded)
        if (loaded.fleets, loaded.policy) != (self.loaded.fleets, self.loaded.policy):
            changes = {k: v for k, v in changed_fleets(self.loaded.fleets, loaded.fleets).items() if v}
            policy = {"policy": "changed"} if loaded.policy != self.loaded.policy else {}
            say(Note(now, "info", "specs_changed", {**changes, **policy}))
        self.loaded, self._wish, self._signature = loaded, wanted, found

    def _say_flaw(self, error: ReconcileError, now: float, say: Callable[[Note], None]) -> None:
        flaws = [_line(each) for each in error.diagnostics] if isinstance(error, InvalidInput) else []
        said = "\n".join([str(error), *flaws])
        if said == self._flaw:
            return
        self._flaw = said
        say(Note(now, "error", "specs_invalid", {"error": str(error), "findings": flaws[:MOST_FINDINGS]}))


def _line(finding: Diagnostic) -> str:
    return safe(f"{finding.place}: {finding.message}", 400)
