"""Which laws hold in a simulated world. The gentle world is for newcomers, the lively one for proofs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Laws:
    """Each law can be switched by itself; what is kept with the world is what differs from the gentle one."""

    grain: float = 3600.0
    """The market moves at multiples of so many seconds; zero: at any moment."""
    buyers: bool = True
    """Others take offers and give them back."""
    prices: bool = True
    """Hosts change their prices, and list some machines anew."""
    machines: bool = False
    """Machines come to the market and leave it."""
    verification: bool = False
    """Verification is lost and won."""
    places: bool = False
    """The text of a machine's place loses its region for a while."""
    rivals: bool = False
    """Others bid, too; whoever pays the full price displaces a bid."""
    outages: bool = False
    """Hosts drop off and come back."""
    boots: bool = False
    """Some machines never get a container to run, some need long."""
    late_list: bool = False
    """A new instance is missing in the list for a second or so."""
    traffic: bool = False
    """The pull of an image costs its bytes."""
    loading_billed: bool = False
    """GPUs are billed from the host's first report on, not only while the container runs."""

    def saved(self) -> dict[str, Any]:
        """As the state file keeps it: what differs from the gentle world."""
        gentle = asdict(GENTLE)
        return {name: value for name, value in asdict(self).items() if value != gentle[name]}


GENTLE = Laws()
"""An account at rest on a market that moves with the hours: an apply of minutes is not disturbed."""

LIVELY = Laws(
    grain=0.0, machines=True, verification=True, places=True, rivals=True, outages=True, boots=True, late_list=True,
    traffic=True,
)  # fmt: skip
"""Everything that happens on the real market, at the measured rates."""


def named(laws: Laws) -> str:
    """The laws in words, to stand behind the description of a market."""
    return {GENTLE: "", LIVELY: ", lively"}.get(laws, ", laws of its own")
