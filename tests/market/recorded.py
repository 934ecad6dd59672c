"""The recorded markets as our own client reads them, and the ranking that a reviewer can read.

    RECONCILE_MARKET_DATA=... python -m tests.market.recorded > tests/market/golden/voice.txt

writes the ranking anew, after a change of the scoring that is meant.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from reconciler.core.candidates import Appraiser
from reconciler.core.model import Blacklist, Fleet
from reconciler.core.offer import Offer
from reconciler.core.shortage import shortage
from reconciler.spec.load import load
from reconciler.vast.decode import decode
from reconciler.vast.offers import offers
from reconciler.views.offers import offers_text

GOLDEN = Path(__file__).parent / "golden"
FIRST = "offers-2026-02-28T220808Z-nine-models.json"
SECOND = "offers-2026-02-28T220832Z-nine-models.json"
"""24 seconds later."""
RECORDED_AT = datetime(2026, 2, 28, 22, 8, 8, tzinfo=UTC).timestamp()


def recorded(folder: Path, name: str) -> tuple[Offer, ...]:
    """Every offer of a recording, model after model."""
    content = decode((folder / name).read_bytes())
    assert isinstance(content, dict)
    return tuple(row for answer in content["offers_by_model"].values() for row in offers(answer))


def voice() -> Fleet:
    """The fleet of the golden file."""
    (fleet,) = load(["voice.yaml"], cwd=GOLDEN).fleets
    return fleet


def ranking(folder: Path) -> str:
    """All that `reconcile offers voice` says of the first recording, without a limit on its rows."""
    fleet = voice()
    appraiser = Appraiser(fleet, Blacklist(), RECORDED_AT)
    wanted = [
        row for row in recorded(folder, FIRST) if row.gpu_name in fleet.gpu.models and row.gpu_count == fleet.gpu.count
    ]
    judged = appraiser.judged(wanted)
    return offers_text(fleet, judged, shortage(judged, Counter()), appraiser.scorer.weights, len(judged)) + "\n"


if __name__ == "__main__":
    sys.stdout.write(ranking(Path(os.environ["RECONCILE_MARKET_DATA"])))
