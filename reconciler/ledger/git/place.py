"""What `RECONCILE_LEDGER` says: a file, or a ref of a git repository as `git:REMOTE#REF`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.core.secret import Hidden
from reconciler.errors import NotSaved

DEFAULT_REF = "refs/reconcile/ledger"
WAY_ON = f"RECONCILE_LEDGER=git:REMOTE#{DEFAULT_REF}, REMOTE being a git URL, a path or a remote of this repository"
_FILE_OR_GIT = f"a file whose name has a colon is written ./NAME; a repository is {WAY_ON}"
_PREFIX = "git:"
_PART = r"(?!.*\.\.)(?!.*\.(?:lock)?$)[A-Za-z0-9_-][A-Za-z0-9._-]*"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]*::")
_SCHEMES = frozenset(["https", "ssh", "git+ssh", "ssh+git", "file"])
_PLAIN = frozenset(["http", "git"])
"""Nobody vouches for what comes over these: for this machine alone."""


@dataclass(frozen=True, slots=True)
class GitPlace:
    """A ref of a repository, as it was said. The remote may hold a password, so it does not show itself."""

    remote: Hidden
    ref: str = DEFAULT_REF


def place_of(said: Hidden) -> Path | GitPlace:
    """Where the ledger is; `NotSaved` where that cannot be meant. What was said is not repeated: it may be secret."""
    if said.startswith(_PREFIX):
        return _git_place(Hidden(said.removeprefix(_PREFIX)))
    if "://" in said or "#refs/" in said:
        raise NotSaved("RECONCILE_LEDGER names a repository without `git:` before it", hint=WAY_ON)
    if _SCHEME.match(said):
        raise NotSaved("RECONCILE_LEDGER begins with a word and a colon that mean nothing here", hint=_FILE_OR_GIT)
    return Path(said)


def _git_place(said: Hidden) -> GitPlace:
    remote, mark, ref = map(Hidden, said.partition("#"))
    if not remote or remote.startswith("-") or not remote.isprintable():
        raise NotSaved("RECONCILE_LEDGER names no repository after `git:`", hint=WAY_ON)
    if mark and not is_ref(ref):
        raise NotSaved("RECONCILE_LEDGER: what follows the # is not the full name of a ref, refs/...", hint=WAY_ON)
    if _HELPER.match(remote):
        raise NotSaved("RECONCILE_LEDGER: a remote helper is not a repository", hint=WAY_ON)
    if is_url(remote):
        _check_url(remote)
    return GitPlace(remote, str(ref) if mark else DEFAULT_REF)


def is_ref(text: str) -> bool:
    """Whether a text is the full name of a ref, of letters that need no care anywhere."""
    parts = text.split("/")
    return len(parts) > 2 and parts[0] == "refs" and all(re.fullmatch(_PART, part) for part in parts)


def is_url(remote: str) -> bool:
    """Whether a remote is a URL with a scheme."""
    return "://" in remote


def _check_url(remote: Hidden) -> None:
    try:
        parts = urlsplit(remote)
        scheme, host = parts.scheme.lower(), parts.hostname or ""
    except ValueError:
        scheme, host = "", ""
    if scheme in _PLAIN and not _is_here(host):
        raise NotSaved(f"RECONCILE_LEDGER: plain {scheme} is for this machine alone", hint="use https or ssh")
    if scheme not in _SCHEMES | _PLAIN or not (host or scheme == "file"):
        raise NotSaved("RECONCILE_LEDGER: this is not a URL that git pushes to", hint=WAY_ON)


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
