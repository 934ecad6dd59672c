"""A Vast.ai of our own: market and contracts as a deterministic state machine with its own clock.

It imports nothing else of this package but the errors, so that it can disagree with the client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.simulator.simulation import Simulation, open_simulation, reset

__all__ = ["Simulation", "open_simulation", "reset"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from reconciler.simulator import simulation

        return getattr(simulation, name)
    raise AttributeError(name)
