"""Whose repository it is: the name that a first policy gives its owner."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

LONGEST = 20


def repository_of(folder: Path) -> Path | None:
    """The root of the git repository that `folder` (absolute) is in; None outside of any."""
    return next((each for each in (folder, *folder.parents) if (each / ".git").exists()), None)


def home_of(folder: Path, cwd: Path) -> Path:
    """The folder that names the owner: the repository's, else the one a person works in, else `folder` itself."""
    return repository_of(folder) or (cwd if folder.is_relative_to(cwd) else folder)


def owner_name(name: str) -> str:
    """`name` as an owner: small letters, digits and inner hyphens, 20 at most; `default` where none are left."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    fitted = re.sub(r"[^a-z0-9]+", "-", ascii_name.lower()).strip("-")
    return fitted[:LONGEST].strip("-") or "default"
