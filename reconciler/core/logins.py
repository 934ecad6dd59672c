"""The refusal of fleets whose checks log in where nobody can."""

from __future__ import annotations

from reconciler.core.plan import Held

GUARD = "no login"


def no_login(fleet: str, why: str) -> Held:
    """The refusal of a fleet that would rent what can never be seen to be ready."""
    message = f"the checks of fleet {fleet} log in, and {why}: what is rented could never be seen to be ready"
    return Held(GUARD, message, "VASTAI_SSH_KEY_PATH=FILE or ssh_key in the policy, then reconcile ssh-key add", fleet)
