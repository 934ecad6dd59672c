"""Kept logs: a folder of small files beside the ledger, one for each instance that failed.

Everything in them was made safe and short before; a file that is not as it was written is passed over.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from pathlib import Path

from reconciler.core.label import Seat
from reconciler.core.text import safe
from reconciler.provider import KeptLog

PER_SEAT, IN_ALL = 5, 200
"""So many are kept, the newest."""
LARGEST = 512 * 1024
_LINE, _LINES = 500, 1000
_NAME = re.compile(r"[a-z0-9-]{1,40}\.[0-9]{1,4}\.[0-9]{1,12}\.[0-9]{1,20}\.json", re.ASCII)


class FileLogs:
    """The logs kept below `folder`, which is made (0700) with the first of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, log: KeptLog) -> None:
        """Write a log, and remove the oldest ones; a folder that cannot be written keeps none."""
        body = {"instance": log.instance_id, "at": log.at, "reason": log.reason, "lines": list(log.lines)}
        name = f"{log.seat.fleet}.{log.seat.index}.{int(log.at)}.{log.instance_id}.json"
        with suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            half = self.folder / f".{name}.half"
            with os.fdopen(os.open(half, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                json.dump(body, file)
            half.replace(self.folder / name)
            self._forget(log.seat)

    def of(self, seat: Seat) -> tuple[KeptLog, ...]:
        """What is kept of a seat, the oldest first."""
        found = (self._read(path, seat) for path in self._files(seat))
        return tuple(log for log in found if log is not None)

    def _files(self, seat: Seat | None = None) -> list[Path]:
        """Files of logs, the oldest first."""
        begins = "" if seat is None else f"{seat.fleet}.{seat.index}."
        try:
            names = [path for path in self.folder.iterdir() if _NAME.fullmatch(path.name)]
        except OSError:
            return []
        return sorted((path for path in names if path.name.startswith(begins)), key=_age)

    def _read(self, path: Path, seat: Seat) -> KeptLog | None:
        try:
            if path.is_symlink() or path.stat().st_size > LARGEST:
                return None
            body = json.loads(path.read_text(encoding="utf-8"))
            lines = tuple(safe(str(line), _LINE) for line in body["lines"][:_LINES])
            return KeptLog(seat, int(body["instance"]), float(body["at"]), safe(str(body["reason"])), lines)
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def _forget(self, seat: Seat) -> None:
        for path in [*self._files(seat)[:-PER_SEAT], *self._files()[:-IN_ALL]]:
            path.unlink(missing_ok=True)


def _age(path: Path) -> tuple[int, int]:
    _, _, at, instance, _ = path.name.rsplit(".", 4)
    return int(at), int(instance)
