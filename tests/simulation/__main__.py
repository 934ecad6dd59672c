"""`python -m tests.simulation`: see `command`."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[1])]
    from simulation.command import main

    raise SystemExit(main())
