"""Which repository a place means, how git gets there, and what of it must never be said."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from reconciler.core.secret import Hidden
from reconciler.core.text import SafeText, safe
from reconciler.errors import NotSaved
from reconciler.ledger.git.place import WAY_ON, GitPlace, is_url
from reconciler.ledger.git.program import Git, configured

NAME = "ledger"
"""What the remote is called in the working area."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_OVER_SSH = re.compile(r"[^/]+:")
_TAKEN_OVER = ("http.", "url.", "credential.", "core.sshcommand", "core.askpass", "core.gitproxy", "ssh.variant")
"""Settings of the spec repository that say how to reach others."""
_ASK = '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" "$LEDGER_GIT_USER" "$LEDGER_GIT_PASSWORD"; }; f'
"""A credential helper that reads the environment: no list of processes shows what it answers."""
_BATCH = "ssh -oBatchMode=yes"


@dataclass(frozen=True, slots=True)
class Remote:
    """A repository that can be fetched from and pushed to."""

    shown: str
    """Its name in messages, without user name and password."""
    environ: Mapping[str, str] = field(repr=False)
    """What git runs with to get there."""
    secrets: tuple[Hidden, ...] = ()

    def cleaned(self, text: str) -> SafeText:
        """What git or the other side said, on one line, without secrets."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return safe(" ".join(text.split()), 240)


def remote_of(place: GitPlace, git: Git, *, write: bool) -> Remote:
    """The repository that `place` means, seen from the folder of `git`. Raises `NotSaved` where there is none."""
    url, shown = _url(place.remote, git, write=write)
    bare, user, password = _without_user(url)
    near = dict(_settings(git))
    entries: list[tuple[str, str]] = [(name, value) for name, values in near.items() for value in values]
    environ = {**git.environ}
    if user or password:
        entries += [(f"credential.{bare}.helper", ""), (f"credential.{bare}.helper", _ASK)]
        environ |= {"LEDGER_GIT_USER": user, "LEDGER_GIT_PASSWORD": password}
    if not {"GIT_SSH", "GIT_SSH_COMMAND"} & environ.keys() and "core.sshcommand" not in near:
        environ["GIT_SSH_COMMAND"] = _BATCH
    secrets = tuple(_secrets(url, user, password, near))
    return Remote(shown, configured(environ, [*entries, (f"remote.{NAME}.url", bare)]), secrets)


def _url(said: Hidden, git: Git, *, write: bool) -> tuple[Hidden, str]:
    if is_url(said):
        return said, _shown(said)
    if _NAME.fullmatch(said):
        found = git.run("remote", "get-url", *(["--push"] if write else []), "--", said)
        if found.good:
            return _from(Hidden(found.out.decode("utf-8", "replace").splitlines()[0]), git), safe(said)
        if not (git.folder / said).exists():
            message = f"there is no git remote {safe(said)} in the repository here, and no folder of that name"
            raise NotSaved(message, hint=WAY_ON)
    if _OVER_SSH.match(said):
        return said, safe(said)
    return Hidden((git.folder / said).absolute()), safe(said)


def _from(url: Hidden, git: Git) -> Hidden:
    """The URL of a remote; a path in it begins where its repository does."""
    if is_url(url) or _OVER_SSH.match(url) or Path(url).is_absolute():
        return url
    top = git.run("rev-parse", "--show-toplevel").out.decode("utf-8", "replace").rstrip("\n")
    return Hidden(Path(top or git.folder) / url)


def _shown(url: str) -> SafeText:
    parts = urlsplit(url)
    return safe(urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "")))


def _without_user(url: Hidden) -> tuple[Hidden, Hidden, Hidden]:
    """The URL without its user, and that user and password. Over ssh the user is part of the way and no secret."""
    parts = urlsplit(url) if is_url(url) else None
    if parts is None or parts.scheme not in ("http", "https") or "@" not in parts.netloc:
        return url, Hidden(), Hidden()
    user, _, password = map(Hidden, parts.netloc.rpartition("@")[0].partition(":"))
    bare = Hidden(urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])))
    return bare, Hidden(unquote(user)), Hidden(unquote(password))


def _settings(git: Git) -> Iterator[tuple[str, list[Hidden]]]:
    """What the spec repository itself says about reaching others; the user's own settings count anyway."""
    found: dict[str, list[Hidden]] = {}
    listed = git.run("config", "--list", "--show-scope", "-z").out.decode("utf-8", "surrogateescape")
    words = listed.split("\0")
    for scope, entry in zip(words[::2], words[1::2], strict=False):
        name, _, value = entry.partition("\n")
        if scope in ("local", "worktree") and name.lower().startswith(_TAKEN_OVER):
            found.setdefault(name, []).append(Hidden(value))
    yield from found.items()


def _secrets(url: str, user: Hidden, password: Hidden, near: Mapping[str, Iterable[Hidden]]) -> Iterator[Hidden]:
    """What must not be said, the longest first."""
    said = [password or user, *([Hidden(urlsplit(url).netloc.rpartition("@")[0])] if user or password else [])]
    said += [Hidden(urlsplit(url).query)] if is_url(url) else []
    headers = [value for name, values in near.items() if name.lower().endswith("header") for value in values]
    said += [part for header in headers for part in _parts(header)]
    yield from sorted({each for each in said if len(each) > 3}, key=lambda each: (-len(each), each))


def _parts(header: Hidden) -> Iterator[Hidden]:
    """What a header of a request holds: its last word, and the password in it where that is base64."""
    word = Hidden((header.split() or [""])[-1])
    yield word
    with suppress(ValueError):
        yield Hidden(b64decode(word, validate=True).decode().partition(":")[2])
