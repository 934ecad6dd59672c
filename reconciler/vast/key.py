"""Where the API key and the server's address come from. Nothing here opens a connection."""

from __future__ import annotations

import ipaddress
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.core.secret import Hidden
from reconciler.core.text import safe
from reconciler.errors import KeyProblem, WrongUsage
from reconciler.values import dataclass

DEFAULT_ORIGIN = "https://console.vast.ai"
"""Where the official client sends its calls."""

_VARIABLES = ("VAST_API_KEY", "VASTAI_API_KEY")
_WAYS = (
    "set VAST_API_KEY; or set VAST_API_KEY_FILE to a file that only you can read; "
    "or run `vastai set api-key` of the official client; or add --simulate, which needs none"
)
_MAX_KEY = 4096
_READABLE_BY_OTHERS = stat.S_IRGRP | stat.S_IROTH


class ApiKey:
    """The account's API key. Printing, formatting or comparing by `repr` never shows it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = Hidden(text)

    def reveal(self) -> str:
        """The key itself, for the one header it is sent in."""
        return self._text

    def __repr__(self) -> str:
        return "ApiKey(***)"

    def __str__(self) -> str:
        return "***"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("an API key is not saved")


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A key, and what its owner should know about the place it was found in."""

    key: ApiKey
    warnings: tuple[str, ...] = ()


def find_key(environ: Mapping[str, str], home: Path) -> FoundKey:
    """The key from the environment, else the named file, else the official client's file.

    The official client writes its file readable for everybody (seen in the wild), so that one is used with a
    warning; a file the user named himself is refused in that state.
    """
    given = {name: Hidden(environ[name].strip()) for name in _VARIABLES if environ.get(name, "").strip()}
    if len(set(given.values())) > 1:
        raise KeyProblem("VAST_API_KEY and VASTAI_API_KEY are both set and differ", hint="unset one of them")
    for name, text in given.items():
        return FoundKey(_checked(text, name))
    named = environ.get("VAST_API_KEY_FILE", "")
    if named:
        return FoundKey(_from_named_file(Path(named)))
    for path in _official_files(environ, home):
        if (found := _from_official_file(path)) is not None:
            return found
    raise KeyProblem("there is no Vast.ai API key", hint=_WAYS)


def _checked(text: str, where: str) -> ApiKey:
    # The key's shape is not documented; only what cannot travel in a header is refused. The message names the
    # place, never the text.
    text = Hidden(text.strip())
    if not text:
        raise KeyProblem(f"{where} holds no API key: it is empty", hint=_WAYS)
    if len(text) > _MAX_KEY or not all("!" <= char <= "~" for char in text):
        raise KeyProblem(f"{where} holds no API key: it has blanks, control or non-ASCII characters inside", hint=_WAYS)
    return ApiKey(text)


def _from_named_file(path: Path) -> ApiKey:
    where = f"VAST_API_KEY_FILE ({safe(str(path))})"
    text, mode = _read(path, where)
    if mode & _READABLE_BY_OTHERS:
        raise KeyProblem(f"{where} can be read by others", hint=f"chmod 600 {safe(str(path))}")
    return _checked(text, where)


def _official_files(environ: Mapping[str, str], home: Path) -> tuple[Path, Path]:
    # The official client ignores a relative XDG_CONFIG_HOME (seen in its code).
    configured = Path(environ.get("XDG_CONFIG_HOME", ""))
    config = configured if configured.is_absolute() else home / ".config"
    return config / "vastai" / "vast_api_key", home / ".vast_api_key"


def _from_official_file(path: Path) -> FoundKey | None:
    try:
        if not path.is_file():
            return None
    except OSError:
        return None
    where = str(safe(str(path)))
    text, mode = _read(path, where)
    loose = bool(mode & _READABLE_BY_OTHERS)
    warnings = (f"{where} holds your API key and can be read by others: chmod 600 {where}",) if loose else ()
    return FoundKey(_checked(text, where), warnings)


def _read(path: Path, where: str) -> tuple[str, int]:
    # Opened without blocking, so that a named pipe is an error and not a wait; the mode is asked of the open
    # file, so that what was checked is what was read.
    problem = ""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as file:
            state = os.fstat(file.fileno())
            if stat.S_ISREG(state.st_mode):
                return Hidden(file.read(_MAX_KEY + 1).decode("ascii", "replace")), state.st_mode
            problem = "it is not a regular file"
    except (OSError, ValueError) as error:
        problem = (getattr(error, "strerror", None) or "it cannot be opened").lower()
    raise KeyProblem(f"{where} cannot be read: {problem}", hint=_WAYS)


def find_origin(environ: Mapping[str, str]) -> str:
    """The server all calls go to: `VAST_URL`, else Vast.ai's own.

    The key travels there, so plain http is accepted for this very machine only.
    """
    given = Hidden(environ.get("VAST_URL", "").strip())  # It may hold a password, which is then refused.
    if not given:
        return DEFAULT_ORIGIN
    origin = _origin(Hidden(given.removesuffix("/")))
    if origin is None:
        raise WrongUsage("VAST_URL is not a server's address", hint="write https://HOST or https://HOST:PORT")
    if origin.startswith("http://") and not is_loopback(origin):
        raise WrongUsage("VAST_URL would send the API key unencrypted", hint="write https://")
    return origin


def _origin(text: str) -> str | None:
    if not re.fullmatch(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?", text, re.IGNORECASE | re.ASCII):
        return None
    try:
        parts = urlsplit(str(text))
        sound = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc.lower()}" if sound else None


def is_loopback(origin: str) -> bool:
    """True where the origin is this very machine."""
    host = urlsplit(origin).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
