"""Files of the user's that did not exist before: all of them are written, or none is left behind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reconciler.core.text import safe
from reconciler.errors import NotSaved, WrongUsage


def write_new(files: Sequence[tuple[Path, str]]) -> None:
    """Write each text into a new file. What is there is never touched; where one cannot be written whole, none stays.

    Raises `WrongUsage` where a file is there already, `NotSaved` where one cannot be written.
    """
    made: list[Path] = []
    try:
        for file, text in files:
            _write(file, text, made)
    except BaseException:
        for file in made:  # Half a spec, or one without its policy, would only be in the way of the next try.
            file.unlink(missing_ok=True)
        raise


def _write(file: Path, text: str, made: list[Path]) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as stream:
            made.append(file)
            stream.write(text)
    except FileExistsError:
        raise WrongUsage(f"{_said(file)} exists already; it was not overwritten") from None
    except OSError as error:
        raise NotSaved(f"{_said(file)} cannot be written: {error.strerror}") from error


def _said(path: Path) -> str:
    return safe(str(path), 4096)
