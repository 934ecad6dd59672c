"""Vast.ai's own client in a sandbox: its command line and its library, pointed at a server of ours."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_COLOUR = re.compile("\x1b\\[[0-9;]*m")

KEY = "a-key-of-the-tests"


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    """Without colours."""
    err: str

    @property
    def json(self) -> Any:
        """Its output, which must be JSON."""
        assert self.out, self
        return json.loads(self.out)


class OfficialClient:
    """Starts the client once, at a server that is up: it asks for GPU names as it starts."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        (folder / "config" / "vastai").mkdir(parents=True)
        (folder / "config" / "vastai" / "vast_role").write_text("client\n")
        self.environment = sandbox(folder, url)
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("forked.py"))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=self.environment, cwd=folder,
        )  # fmt: skip
        assert self._asked(None) == "ready"

    def command(self, url: str, *words: object, key: str | None = KEY) -> Ran:
        """Run `vastai` with these words."""
        given = ["--api-key", key] if key is not None else []
        return self._call({"argv": [*map(str, words[:2]), *given, "--url", url, *map(str, words[2:])]})

    def method(self, url: str, name: str, *args: object, of: str = "VastAI", **kwargs: object) -> Any:
        """Call a method of the library; what it raises is an AssertionError here."""
        call = {"of": of, "method": name, "args": args, "kwargs": kwargs, "url": url, "key": KEY}
        ran = self._call(call)
        assert ran.code == 0, ran
        return ran.json

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)

    def _call(self, call: dict[str, Any]) -> Ran:
        found = json.loads(self._asked(json.dumps(call)))
        return Ran(found["code"], _COLOUR.sub("", found["out"]), found["err"])

    def _asked(self, line: str | None) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if line is not None:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        return self._process.stdout.readline().strip()


def sandbox(folder: Path, url: str) -> dict[str, str]:
    """The environment in which the client finds no key, role or cache of anybody's, and no proxy."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(("VAST", "XDG"))}
    return {
        **kept,
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "XDG_STATE_HOME": str(folder / "state"),
        "XDG_DATA_HOME": str(folder / "data"),
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "VASTAI_NO_UPDATE_CHECK": "1",
        "VAST_URL": url,
        "COLUMNS": "250",
    }
