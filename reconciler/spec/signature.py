"""Whether files may have changed since they were loaded: a look at their names, times and sizes, nothing is opened.

It errs on the safe side. A file that was written lately has no certain signature, for another write within the tick
of the file system's clock would not show; then the specs are simply read again, and what they say is compared.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from reconciler.spec.files import find, is_spec_name

TICK_S = 2.0
"""The coarsest clock of a file system in use."""

Signature = frozenset[tuple[str, int, int, int]]


def signature(
    paths: Sequence[str], read: Iterable[Path], now: float, policy: str | None = None, cwd: Path | None = None
) -> Signature | None:
    """The signature of everything that `paths` would load, `read` being what was opened the last time; None where no
    equal signature would prove anything. `now`: the time of the file system's clock, epoch seconds.

    Raises WrongUsage for a path that does not exist.
    """
    here = cwd or Path.cwd()
    search = find(paths, here)
    files = {found.path for found in search.files} | set(read) | ({here / policy} if policy else set())
    folders = {folder for file in files for folder in (file.parent, *file.parent.parents)} | set(search.folders)
    files |= {path for folder in folders for path in _specs_in(folder)}
    states = frozenset(_state(path) for path in files)
    newest = max((changed for _, changed, _, _ in states), default=0)
    return None if newest / 1e9 > now - TICK_S else states


def _specs_in(folder: Path) -> list[Path]:
    """Where a policy might lie."""
    try:
        return [folder / name for name in os.listdir(folder) if is_spec_name(name)]
    except OSError:
        return []


def _state(path: Path) -> tuple[str, int, int, int]:
    """A file's name, when it was last changed (its content or its name), its size and its number."""
    try:
        found = path.stat()
    except OSError:
        return str(path), 0, -1, 0
    return str(path), max(found.st_mtime_ns, found.st_ctime_ns), found.st_size, found.st_ino
