"""The private key that logs in to instances: where it is, and its public half."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import paramiko

VARIABLE = "VASTAI_SSH_KEY_PATH"


def key_path(environ: Mapping[str, str], by_policy: str | None = None) -> Path | None:
    """The private key's file: the one that the environment names, else the policy's; None: nobody logs in."""
    named = environ.get(VARIABLE, "").strip() or by_policy
    return Path(named).expanduser() if named else None


@dataclass(slots=True)
class LoginKey:
    """The private key's file of a run, shared by all that log in: a policy may name another one while it is watched."""

    path: Path | None = None


def load_key(path: Path) -> paramiko.PKey:
    """The key of a file, in any of OpenSSH's formats, without a passphrase. Raises `Missed`."""
    import paramiko

    from reconciler.core.causes import NO_KEY
    from reconciler.probe.visit import Missed

    try:
        if not path.is_file():
            raise Missed(NO_KEY, f"{path} is no file")
        return paramiko.PKey.from_path(path)
    except OSError as error:
        raise Missed(NO_KEY, f"{path} cannot be read: {(error.strerror or '').lower()}") from None
    except (paramiko.PasswordRequiredException, TypeError):  # The latter from the library below, of the same.
        raise Missed(NO_KEY, f"{path} needs a passphrase, which nobody is there to give") from None
    except Missed:
        raise
    except Exception:  # Several kinds, of two libraries; what they say may quote the file.
        raise Missed(NO_KEY, f"{path} is {_instead(path)}") from None


def _instead(path: Path) -> str:
    """What a file holds in the place of a private key."""
    from reconciler.core.ssh_keys import MAX_KEY, essence

    with suppress(OSError), path.open(encoding="utf-8", errors="replace") as file:
        if essence(file.read(MAX_KEY + 1)) is not None:
            return "a public key, not the private one"
    return "no private key that can be used"


def public_text(key: paramiko.PKey) -> str:
    """The public half on one line, as an account keeps it."""
    return f"{key.get_name()} {key.get_base64()}"


def flaw_of_key(path: Path) -> str | None:
    """Why a private key's file cannot be used, beginning with its path; None where it can."""
    from reconciler.probe.visit import Missed

    try:
        load_key(path)
    except Missed as missed:
        return missed.detail
    return None


def public_half(path: Path | None) -> str | None:
    """The public half of a private key's file; None where there is no key that can be used."""
    from reconciler.probe.visit import Missed

    try:
        return None if path is None else public_text(load_key(path))
    except Missed:
        return None
