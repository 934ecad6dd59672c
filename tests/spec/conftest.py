from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import InvalidInput
from reconciler.spec.load import Loaded, load

from .builders import FLEET


class Folder:
    """A folder of specs as a user has it, seen from inside."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, text: str | bytes = FLEET) -> Folder:
        place = self.path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text if isinstance(text, bytes) else text.encode())
        return self

    def load(self, *paths: str, policy: str | None = None) -> Loaded:
        return load(paths or ["."], policy=policy, cwd=self.path)

    def refused(self, *paths: str, policy: str | None = None):
        with pytest.raises(InvalidInput) as caught:
            self.load(*paths, policy=policy)
        return caught.value.diagnostics

    def judged(self):
        """All that is said of it, warnings alone where it is accepted."""
        try:
            return self.load().warnings
        except InvalidInput as error:
            return error.diagnostics

    def codes(self, *paths: str, policy: str | None = None) -> list[str]:
        return [f"{each.place} {each.code}" for each in self.refused(*paths, policy=policy)]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    # The folder stands for a repository, so that nothing outside it can govern.
    (tmp_path / ".git").mkdir()
    return Folder(tmp_path)
