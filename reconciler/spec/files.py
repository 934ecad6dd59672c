"""Finding the files a user means, and opening them without surprises."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import field
from pathlib import Path

from reconciler.core.text import safe
from reconciler.diagnostics import Diagnostic
from reconciler.errors import WrongUsage
from reconciler.spec.page import Mark, Page, diagnose
from reconciler.spec.text import Refused
from reconciler.values import dataclass

MAX_FILE_BYTES = 256 * 1024
_MAX_NAME = 4096


@dataclass(frozen=True, slots=True)
class Found:
    """A file as the user would name it, and where it is."""

    shown: str
    path: Path

    def refuse(self, code: str, message: str, suggestion: str | None = None) -> Refused:
        """The exception that says why the file as a whole cannot be used."""
        return Refused(diagnose(Mark(Page(self.shown, self.path)), code, message, suggestion))


@dataclass(slots=True)
class Search:
    """What the given paths hold."""

    files: list[Found] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    """The directories that were given."""
    problems: list[Diagnostic] = field(default_factory=list)


def found_at(name: str, cwd: Path) -> Found:
    """The file that `name` means, seen from `cwd`; symbolic links are kept as they are."""
    return Found(safe(os.path.normpath(name), _MAX_NAME), Path(os.path.abspath(cwd / name)))


def find(paths: Sequence[str], cwd: Path) -> Search:
    """Every file that the paths name, each once, directories read recursively."""
    search = Search()
    for name in paths:
        found = found_at(name, cwd)
        if "\0" in name or not os.path.lexists(found.path):
            raise WrongUsage(f"{found.shown}: no such file or directory")
        if found.path.is_dir():
            search.folders.append(found.path)
            _walk(found, search, ())
        else:
            search.files.append(found)
    search.files = _each_once(search.files)
    return search


def is_spec_name(name: str) -> bool:
    """True for names that a directory is searched for."""
    return name.endswith((".yaml", ".yml")) and not name.startswith(".")


def _each_once(files: list[Found]) -> list[Found]:
    by_place: dict[str, Found] = {}
    for found in files:
        by_place.setdefault(os.path.realpath(found.path), found)
    return sorted(by_place.values(), key=lambda found: found.shown)


def _walk(folder: Found, search: Search, above: tuple[str, ...]) -> None:
    here = os.path.realpath(folder.path)
    if here in above:
        search.problems.append(folder.refuse("unreadable-file", "a symbolic link leads round in a circle").diagnostic)
        return
    try:
        names = sorted(os.listdir(folder.path))
    except OSError as error:
        search.problems.append(folder.refuse("unreadable-file", f"cannot be listed: {error.strerror}").diagnostic)
        return
    for each in _visible(folder, names):
        if each.path.is_dir():
            _walk(each, search, (*above, here))
        elif is_spec_name(each.path.name):
            search.files.append(each)


def _visible(folder: Found, names: list[str]) -> Iterator[Found]:
    for name in names:
        if not name.startswith("."):
            yield Found(safe(os.path.normpath(os.path.join(folder.shown, name)), _MAX_NAME), folder.path / name)


def read_bytes(found: Found, limit: int = MAX_FILE_BYTES, *, follow: bool = True) -> bytes:
    """The bytes of a regular file of at most `limit` bytes. Never waits on a pipe or a device."""
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(found.path, flags)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is no file name"
        raise found.refuse("unreadable-file", f"cannot be read: {reason}") from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise found.refuse("unreadable-file", "is not a regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        raise found.refuse("unreadable-file", f"cannot be read: {error.strerror}") from None
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise found.refuse("too-large", f"has more than {limit} bytes")
    return data
