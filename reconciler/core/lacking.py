"""The secrets that fleets send to their hosts, by name, and the fleets that wait for one that is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from reconciler.core.model import Fleet, FromEnv
from reconciler.core.plan import Held

LookUp = Callable[[str], str | None]
"""The value of a variable; None or empty where it is not set."""
GUARD = "secret not set"


def secret_names(fleet: Fleet) -> list[str]:
    """The variables whose values a fleet sends to its hosts, in order."""
    login = fleet.container.registry_login
    references = [value for _, value in fleet.container.env if isinstance(value, FromEnv)]
    return sorted({reference.name for reference in [*references, *([login.password] if login else [])]})


def lacking(fleets: Iterable[Fleet], look_up: LookUp) -> dict[str, str]:
    """The fleets whose secrets are not all there, each with the names of the missing ones."""
    missing = {fleet.name: [name for name in secret_names(fleet) if not look_up(name)] for fleet in fleets}
    return {fleet: ", ".join(names) for fleet, names in missing.items() if names}


def unset(fleet: str, names: str) -> Held:
    """The refusal of a fleet that lacks secrets."""
    message = f"{names} not set in the environment, so fleet {fleet} rents nothing"
    return Held(GUARD, message, f"export {names.replace(',', '')}", fleet)
