"""The host keys of instances as they were first seen, in OpenSSH's own format, so that `ssh` can use the same file.

An instance is known by its id, `instance-41250007`: addresses and ports go from one instance to another, and the
server behind the direct way and the proxy is the same. The first key of an instance is kept, by us or by `ssh`, and
another one is an alarm. The file only ever grows, line by line, so that two programs at once lose nothing.
"""

from __future__ import annotations

import os
import re
import threading
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

MOST_BYTES = 2 * 1024 * 1024
"""So much of a file is read, its end; an instance takes about a hundred bytes."""
MOST_KEPT = 20_000
"""So many keys are held in memory: of the instances that were looked at last."""
_LINE = r"instance-([1-9][0-9]{0,18}) ([a-z0-9@.-]{1,64}) ([A-Za-z0-9+/]{1,4096}={0,2})(?: .*)?"


class HostKey(NamedTuple):
    """A server's public key."""

    kind: str
    """`ssh-ed25519`."""
    body: str
    """Base64, as in a known-hosts file."""


def alias(instance_id: int) -> str:
    """The name under which an instance stands in the file: `ssh -o HostKeyAlias=`."""
    return f"instance-{instance_id}"


def hosts_beside(ledger: Path) -> Path:
    """The known-hosts file of a ledger: `7-default.known_hosts` beside `7-default.db`."""
    name = ledger.stem if ledger.suffix == ".db" else ledger.name
    return ledger.with_name(f"{name}.known_hosts")


class KnownHosts:
    """The first key of each instance; any thread may ask. Without a file it lasts as long as this object.

    Keeping is best effort: where the file cannot be written, the next run sees the key for the first time again.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._keys: dict[int, HostKey] | None = None

    def use(self, path: Path) -> None:
        """From now on, this file."""
        with self._lock:
            if path != self.path:
                self.path, self._keys = path, None

    def first(self, instance_id: int) -> HostKey | None:
        """The key that was first seen."""
        with self._lock:
            return self._met(instance_id)

    def is_the_first(self, instance_id: int, key: HostKey) -> bool:
        """Whether `key` is the key that was first seen; where none was, it is now, and is kept."""
        with self._lock:
            known = self._met(instance_id)
            if known is not None:
                return known == key
            self._keep(instance_id, key)
            if self.path is not None:
                with suppress(OSError):
                    _append(self.path, f"{alias(instance_id)} {key.kind} {key.body}\n")
            return True

    def _met(self, instance_id: int) -> HostKey | None:
        """The key of an instance, which is the last one looked at from now on."""
        known = self._loaded().pop(instance_id, None)
        if known is not None:
            self._keep(instance_id, known)
        return known

    def _keep(self, instance_id: int, key: HostKey) -> None:
        keys = self._loaded()
        keys[instance_id] = key
        if len(keys) > MOST_KEPT:
            del keys[next(iter(keys))]

    def _loaded(self) -> dict[int, HostKey]:
        if self._keys is None:
            self._keys = {}
            for line in _lines(self.path):
                if found := re.fullmatch(_LINE, line):
                    self._keys.setdefault(int(found[1]), HostKey(found[2], found[3]))
            for old in list(self._keys)[:-MOST_KEPT]:
                del self._keys[old]
        return self._keys


def _lines(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - MOST_BYTES))
            return file.read(MOST_BYTES).decode("ascii", "replace").splitlines()
    except OSError:
        return []


def _append(path: Path, line: str) -> None:
    """Add a line in one write, after a whole one also where somebody was killed in the middle of his."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(handle).st_size
        whole = size == 0 or os.pread(handle, 1, size - 1) == b"\n"
        os.write(handle, (line if whole else f"\n{line}").encode("ascii"))
    finally:
        os.close(handle)
