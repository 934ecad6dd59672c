"""Where a world's market comes from: a seed, or a recording."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.errors import NotSaved
from reconciler.simulator.details import WORLD_START
from reconciler.simulator.generate import DEFAULT_SEED, FIRST_ID, FOLLOWING_ID, MACHINES, generated
from reconciler.simulator.recorded import Recording

if TYPE_CHECKING:
    from reconciler.simulator.machines import Machine


class Generated:
    """The market of a seed; it moves with the hours."""

    moving = True
    edition = 2
    """Counts the ways in which markets were drawn from their seeds: a saved world fits one of them only."""

    def __init__(self, seed: int = DEFAULT_SEED, size: int = MACHINES) -> None:
        self.seed = seed
        self.size = size
        """Machines of the first day; another number makes another market."""
        self.description = f"generated market, seed {seed}"

    def machines(self) -> list[Machine]:
        """Drawn from the seed."""
        return generated(self.seed, self.size)

    def saved(self) -> dict[str, Any]:
        """As the state file keeps it."""
        size = {} if self.size == MACHINES else {"machines": self.size}
        return {"seed": self.seed, "edition": self.edition, **size}


class Recorded:
    """The market of a file; it stays still."""

    moving = False
    seed = 0

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.recording = Recording(self.path)
        self.description = f"recorded market {path.name}"

    def machines(self) -> list[Machine]:
        """As recorded."""
        return self.recording.machines

    def saved(self) -> dict[str, Any]:
        """The file and its digest; the offers stay in it."""
        return {"recorded": str(self.path), "sha256": self.recording.sha256}


def beginning(origin: Generated | Recorded) -> tuple[float, int]:
    """When a new world begins, and the first id of its instances."""
    if isinstance(origin, Recorded):
        return origin.recording.start, origin.recording.next_id
    return WORLD_START, max(FOLLOWING_ID, FIRST_ID + 60 * origin.size)


def reopened(saved: dict[str, Any]) -> Generated | Recorded:
    """The origin that a state file names."""
    if "seed" in saved:
        if saved.get("edition") != Generated.edition:
            raise NotSaved(
                "the market of this simulated world was drawn by another version of this program",
                hint="run `reconcile simulate reset` to begin anew",
            )
        return Generated(int(saved["seed"]), int(saved.get("machines", MACHINES)))
    found = Recorded(Path(saved["recorded"]))
    if found.recording.sha256 != saved["sha256"]:
        raise NotSaved(
            f"the recorded market {found.path} has changed since this simulated world began",
            hint="put the file back, or run `reconcile simulate reset` to begin anew",
        )
    return found
