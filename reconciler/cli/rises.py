"""What hosts ask for, asked where a person looks at the account: one call, and none where nothing of ours is there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.errors import DoubtfulReading, KeyProblem, Unreachable

if TYPE_CHECKING:
    from reconciler.core.plan import Plan
    from reconciler.provider import Provider
    from reconciler.reconcile import Pass


def with_rises(provider: Provider, found: Pass) -> Pass:
    """The pass whose plan tells pending price increases, or why they are not known; nothing depends on them."""
    ours = [member for part in found.diff.fleets for member in part.members()]
    if not ours and not found.diff.undeclared:
        return found
    return replace(found, plan=_told(provider, found))


def _told(provider: Provider, found: Pass) -> Plan:
    try:
        asked = provider.price_rises()
    except (DoubtfulReading, KeyProblem, Unreachable) as error:
        said = f"pending price increases are not known: {error}"
        return replace(found.plan, warnings=(*found.plan.warnings, said))
    if not asked:
        return found.plan
    from reconciler.core.rises import rises_of

    return replace(found.plan, rises=rises_of(asked, found.diff))
