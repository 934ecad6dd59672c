"""Whose ledger is it, and of which version? What every store asks before it reads a record."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.errors import NotSaved
from reconciler.ledger.codec import VERSION

FORMAT = "vast-reconciler ledger"


def recognized(said: Sequence[object] | None, place: str, account: int | None, owner: str, way_on: str) -> int:
    """The version of the ledger at `place`, if it is the one of this account and owner and can be read.

    `said` is what it says of itself: format, version, account, owner. `account` None is whichever it says. Raises
    `NotSaved`, with `way_on` where it is damaged; what is something else is nobody's to remove.
    """
    if said is None or said[0] != FORMAT:
        raise NotSaved(f"{place} is not a ledger", hint="name a place of its own in RECONCILE_LEDGER")
    version = said[1]
    if not isinstance(version, int) or version < 1:
        raise NotSaved(f"the ledger {place} is damaged: it has no version", hint=way_on)
    if version > VERSION:
        message = f"{place} was written by a newer release (version {version}; this one reads up to {VERSION})"
        raise NotSaved(message, hint="upgrade vast-reconciler")
    if said[3] != owner or account not in (None, said[2]):
        whose = f"account {said[2]}, owner {said[3]}"
        raise NotSaved(
            f"{place} is the ledger of {whose}, not of account {'any' if account is None else account}, owner {owner}",
            hint="give the right key and policy, or another RECONCILE_LEDGER",
        )
    return version
