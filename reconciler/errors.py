"""A failing world, as typed exceptions named by what the caller should do next.

ReconcileError                 exit 1   something failed; the message says what and the way on
├── DoubtfulReading            exit 1   stop: the account could not be read beyond doubt; try again later
├── Unreachable                exit 1   stop: no answer from the server; try again later
├── KeyProblem                 exit 1   give a key, or another one
├── SearchQuotaUsedUp          exit 1   stop searching until the day is over
├── NotSaved                   exit 1   stop: what must be remembered could not be written or read
├── InvalidInput               exit 1   correct the documents (located diagnostics inside)
├── WrongUsage                 exit 2   correct the command line
├── RefusedByGuard             exit 4   read the numbers; lift the guard knowingly or change the wish
└── Busy                       exit 6   wait: another run holds the lock
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.diagnostics import Diagnostic


class ReconcileError(Exception):
    """Something failed in a way that a person can act upon. `str()` is one clear line; `hint` the way on."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class DoubtfulReading(ReconcileError):
    """An answer that must not be believed: partial, malformed, contradictory. Ends the pass."""


class Unreachable(ReconcileError):
    """No usable answer arrived after the allowed tries; the world may be as before."""


class KeyProblem(ReconcileError):
    """There is no API key, it is refused, or it may not do what was asked."""


class SearchQuotaUsedUp(ReconcileError):
    """The day's quota of search rows is used up; it resets at 00:00 UTC."""


class NotSaved(ReconcileError):
    """A ledger or state file is missing its right form, is newer, or cannot be read or written; left in place."""


class InvalidInput(ReconcileError):
    """Documents of the user that cannot be accepted, with every diagnostic of every file."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        errors = sum(d.severity == "error" for d in diagnostics)
        super().__init__(f"{errors} error{'s' if errors != 1 else ''} in the input")
        self.diagnostics = tuple(diagnostics)


class WrongUsage(ReconcileError):
    """The command line names something that does not exist or contradicts itself."""

    exit_code = 2


class RefusedByGuard(ReconcileError):
    """A guard refuses; the message holds its numbers, the hint the one flag or command that lifts it."""

    exit_code = 4


class Busy(ReconcileError):
    """Another run holds the lock."""

    exit_code = 6


class Interrupted(ReconcileError):
    """The user asked to stop. Raised between calls, never in the middle of one."""

    exit_code = 130
