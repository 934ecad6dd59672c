"""Saves that are killed: forks a process that saves without a pause, kills it at a random moment, and looks.

    python killing.py LEDGER KILLS SEED

Prints one line of JSON: how many kills, how many left a save half done, how many saves were acknowledged. Ends with an
error when a save that was acknowledged is missing, when a record and its events disagree, or when a reader is refused.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from builders import NOW, known, record

from reconciler.core.history import Event
from reconciler.ledger.sqlite import SqliteStore

PADDING = 200
"""So many known ids make a record of several pages, so that a save takes several writes."""


def opened(path: Path, *, read_only: bool = False) -> SqliteStore:
    return SqliteStore(path, account=1, owner="default", read_only=read_only)


def save_without_a_pause(path: Path, first: int, told: int) -> None:
    """Save 1, 2, 3, ... and say so on the pipe `told` after each."""
    store = opened(path)
    store.load()
    number = first
    while True:
        number += 1
        padding = (known(1000 + n) for n in range(number % 2 * PADDING))
        store.save(record(known(number), *padding), [Event(NOW, "paused", "june", number)])
        os.write(told, number.to_bytes(8, "big"))


def killed_after(path: Path, first: int, seconds: float) -> int:
    """The last save that a process acknowledged before it was killed."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            save_without_a_pause(path, first, write)
        finally:
            os._exit(70)
    os.close(write)
    acknowledged = first
    if os.read(read, 8):  # It is under way.
        acknowledged = first + 1
        time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"the process ended by itself: {status}"
    with open(read, "rb") as pipe:
        while said := pipe.read(8):
            acknowledged = int.from_bytes(said, "big")
    return acknowledged


def number_in(store: SqliteStore) -> int:
    """The number of the last save, which record and history must agree on."""
    saved = min(store.load().known)
    events = store.events()
    assert events[-1].index == saved, (events[-1], saved)
    assert [event.index for event in events] == list(range(1, saved + 1))
    return saved


def main(path: Path, kills: int, seed: int) -> None:
    dice, saved, half_done = random.Random(seed), 0, 0
    for _ in range(kills):
        acknowledged = killed_after(path, saved, dice.uniform(0, 0.02))
        journal = path.with_name(f"{path.name}-journal")
        half_done += journal.exists() and journal.stat().st_size > 0
        reader = opened(path, read_only=dice.random() < 0.5)
        saved = number_in(reader)
        reader.close()
        assert acknowledged <= saved <= acknowledged + 1, (acknowledged, saved)
    sys.stdout.write(json.dumps({"kills": kills, "half_done": half_done, "saves": saved}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
