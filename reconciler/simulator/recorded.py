"""A market as somebody recorded it: every offer stays as it was, only prices, times and ids that must move do.

Two forms are read: a JSON array of offers, as the official command line tool prints it, and an object whose
`offers_by_model` maps GPU names to the offers of one search each.
"""

from __future__ import annotations

import hashlib
import json
from itertools import chain
from typing import TYPE_CHECKING, Any

from reconciler.errors import NotSaved, WrongUsage
from reconciler.simulator.asks import Occupancy
from reconciler.simulator.machines import Machine, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_NEEDED = (
    "id", "machine_id", "host_id", "gpu_ids", "num_gpus", "dph_base", "storage_cost", "end_date", "duration", "min_bid",
    "inet_down_cost", "inet_up_cost", "dlperf", "total_flops", "gpu_name",
)  # fmt: skip


class RecordedMachine(Machine):
    """A machine of a recording: one position for each recorded offer."""

    def __init__(self, rows: list[Row]) -> None:
        gpus = sorted(set(chain.from_iterable(row["gpu_ids"] for row in rows)))
        bits = {gpu: 1 << place for place, gpu in enumerate(gpus)}
        masks = tuple(sum(bits[gpu] for gpu in set(row["gpu_ids"])) for row in rows)
        taken = 0
        for row, mask in zip(rows, masks, strict=True):
            if row.get("rentable") is False:
                taken |= mask
        super().__init__(rows[0]["machine_id"], Occupancy(masks, [row["id"] for row in rows], taken))
        self.rows = rows

    def brief(self) -> Mapping[str, Any]:
        """Nothing: the rows of a recorded machine may differ (a few have two GPU models)."""
        return {}

    def row(self, position: int, now: float) -> Row:  # noqa: ARG002 - it stays as recorded
        """The recorded offer."""
        return dict(self.rows[position])

    def parts(self, position: int, now: float) -> tuple[Row, Row, float]:  # noqa: ARG002 - it stays as recorded
        """The recorded offer, and its end date."""
        row = self.rows[position]
        return row, {}, row["end_date"]

    def saved(self) -> list[Any]:
        """Others' GPUs and the present ids."""
        return [self.occupancy.taken, self.occupancy.ids]

    def restore(self, saved: list[Any]) -> None:
        """Take over what `saved` gave."""
        self.occupancy.taken, self.occupancy.ids = int(saved[0]), [int(i) for i in saved[1]]
        self.changed = True


class Recording:
    """The content of one file."""

    def __init__(self, path: Path) -> None:
        content = _content(path)
        self.name = path.name
        self.sha256 = hashlib.sha256(content).hexdigest()
        rows = _offers(content, path)
        self.start = round(rows[0]["end_date"] - rows[0]["duration"], 3)
        """When it was recorded, epoch seconds: the end of an offer's contract less what was left of it."""
        self.machines: list[Machine] = [RecordedMachine(group) for group in _by_machine(rows)]
        self.next_id = max(row["id"] for row in rows) + 1000


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WrongUsage(
            f"the recorded market {path} cannot be read: {error.strerror or error}",
            hint="name a file of recorded offers with --market",
        ) from error


def _offers(content: bytes, path: Path) -> list[Row]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise NotSaved(f"the recorded market {path} is not JSON") from error
    if isinstance(found, dict) and isinstance(found.get("offers_by_model"), dict):
        found = list(chain.from_iterable(_lists(found["offers_by_model"].values())))
    if not isinstance(found, list) or not found:
        raise NotSaved(
            f"the recorded market {path} holds no offers",
            hint="it must be a JSON array of offers, or an object with `offers_by_model`",
        )
    for number, row in enumerate(found):
        if not isinstance(row, dict) or not _usable(row):
            raise NotSaved(f"the recorded market {path}: offer {number} lacks what an offer needs")
    return list({row["id"]: row for row in reversed(found)}.values())[::-1]


def _lists(values: Iterable[Any]) -> Iterable[list[Any]]:
    return (value for value in values if isinstance(value, list))


def _usable(row: Row) -> bool:
    numbers = ("dph_base", "storage_cost", "end_date", "duration", "min_bid", "inet_down_cost", "inet_up_cost")
    return (
        all(name in row for name in _NEEDED)
        and all(isinstance(row[name], int | float) for name in numbers)
        and isinstance(row["id"], int)
        and isinstance(row["machine_id"], int)
        and isinstance(row["gpu_ids"], list)
        and bool(row["gpu_ids"])
    )


def _by_machine(rows: list[Row]) -> list[list[Row]]:
    groups: dict[int, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["machine_id"], []).append(row)
    return list(groups.values())
