"""The program `git`, run so that it asks nobody, runs no hook of the user's, and ends within a bounded time."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from reconciler.core.secret import Hidden, hidden
from reconciler.errors import NotSaved

OLDEST = (2, 31)
"""The release that takes configuration from the environment, where no list of processes shows it."""
LOCAL_S = 20.0
_INSTALL = "install git 2.31 or newer, or set RECONCILE_LEDGER to a file"
_DROPPED = ("VAST", "RECONCILE_", "GIT_TRACE", "GIT_CURL_VERBOSE", "GIT_AUTHOR_", "GIT_COMMITTER_")
"""Variables by their beginnings: keys that git has no use for, and what would make it talk or sign in another name."""
_REPOSITORY = re.compile(
    r"GIT_(ALTERNATE_OBJECT_DIRECTORIES|COMMON_DIR|CONFIG|DEFAULT_HASH|DIR|GRAFT_FILE|IMPLICIT_WORK_TREE|INDEX_FILE"
    r"|NAMESPACE|NO_REPLACE_OBJECTS|OBJECT_DIRECTORY|PREFIX|QUARANTINE_PATH|REPLACE_REF_BASE|SHALLOW_FILE"
    r"|TEMPLATE_DIR|WORK_TREE)"
)
"""Variables that would lead git to another repository, as they do inside a hook."""
_IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "reconcile"), ("EMAIL", "reconcile@localhost"))
}
_QUIET = {
    "LC_ALL": "C",
    "LANGUAGE": "",
    "GIT_TERMINAL_PROMPT": "0",
    "GCM_INTERACTIVE": "never",
    "GIT_OPTIONAL_LOCKS": "0",
}
HARMLESS = (
    ("core.hooksPath", os.devnull),
    ("core.fsmonitor", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("push.pushOption", ""),
)
"""Configuration over the user's own: none of it may run or send something besides."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a call ended. `code` None: not in time, so it was killed; nobody knows what it did."""

    code: int | None
    out: bytes
    err: str

    @property
    def good(self) -> bool:
        """Whether it did what it was asked."""
        return self.code == 0


@dataclass(frozen=True, slots=True)
class Git:
    """The program, in a folder, with an environment."""

    folder: Path
    environ: Mapping[str, str]
    program: str = "git"

    def run(self, *words: str, stdin: bytes = b"", within_s: float = LOCAL_S) -> Answer:
        """Run one command of git. Raises `NotSaved` where there is no such program, never for how it ended."""
        try:
            process = subprocess.Popen(
                [self.program, *words],
                cwd=self.folder,
                env=self.environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C at the terminal is for us: a push ends by itself.
            )
        except OSError as error:
            raise NotSaved(f"the program git cannot be run: {error.strerror}", hint=_INSTALL) from None
        with process:
            try:
                out, err = process.communicate(stdin, timeout=within_s)
            except subprocess.TimeoutExpired:
                _kill(process)
                return Answer(None, b"", f"no answer within {within_s:.0f} s")
            except BaseException:
                _kill(process)
                raise
        return Answer(process.returncode, out, err.decode("utf-8", "replace"))

    def check_version(self) -> None:
        """Raise `NotSaved` where git is too old."""
        said = self.run("version").out.decode("utf-8", "replace")
        found = re.search(r"(\d+)\.(\d+)", said)
        if found is None or (int(found[1]), int(found[2])) < OLDEST:
            version = found[0] if found else "unknown"
            raise NotSaved(f"git is too old for a ledger: version {version}", hint=_INSTALL)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End it and all it has started."""
    with suppress(ProcessLookupError, PermissionError, AttributeError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The user's environment without what is not for git, and without what would lead it elsewhere."""
    kept = {n: v for n, v in environ.items() if not _REPOSITORY.fullmatch(n) and not n.startswith(_DROPPED)}
    return hidden({**kept, **_QUIET, **_IDENTITY})


def configured(environ: Mapping[str, str], entries: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The environment with more configuration, after what it holds already."""
    said = environ.get("GIT_CONFIG_COUNT", "")
    number = int(said) if said.isdecimal() and said.isascii() else 0
    more = dict(environ)
    for name, value in entries:
        more[f"GIT_CONFIG_KEY_{number}"], more[f"GIT_CONFIG_VALUE_{number}"] = name, Hidden(value)
        number += 1
    return {**more, "GIT_CONFIG_COUNT": str(number)}
