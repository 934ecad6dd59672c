"""What a host says when it cannot start a container, and whose trouble that is: the image's or the machine's.

The texts are those of Docker, containerd, runc and NVIDIA's container tools, as Vast.ai passes them on (seen). What is
none of them says nothing: a pull that is retried, a layer that is done, a word nobody has seen.
"""

from __future__ import annotations

import re
from typing import Literal

from reconciler.values import dataclass

Whose = Literal["image", "machine"]


@dataclass(frozen=True, slots=True)
class BootError:
    """Why a container cannot start. Equal causes mean equal trouble."""

    cause: str
    whose: Whose
    """Another machine helps against a machine's trouble, and never against an image's."""


_TEXTS: tuple[tuple[Whose, str, str], ...] = (
    # The first that fits counts: what is wrong with an image is told inside of what a daemon or runtime says.
    ("image", "image not found", r"manifest (unknown|for \S+ not found)|no such image"),
    ("image", "pull denied", r"pull access denied|unauthorized: |authentication required|denied: requested access"),
    ("image", "no image for this platform", r"no matching manifest|exec format error"),
    ("image", "not an image", r"invalid reference format|unsupported manifest media type"),
    ("image", "command not found", r"executable file not found|exec: \S+: (stat \S+: )?no such file or directory"),
    ("image", "command not permitted", r"exec: \S+ permission denied"),
    ("machine", "too many pulls", r"toomanyrequests|pull rate limit"),
    ("machine", "disk full", r"no space left on device"),
    ("machine", "port taken", r"port is already allocated|address already in use"),
    ("machine", "no gpu", r"could not select device driver|nvidia-container-cli|cdi device|unresolvable cdi"),
    ("machine", "registry not reached", r"dial tcp|tls handshake timeout|net/http: request canceled|i/o timeout"),
    ("machine", "runtime failed", r"oci runtime (create|start) failed|failed to create (shim|task)"),
    ("machine", "daemon error", r"error response from daemon|error during container init"),
)
_NOT_FINAL = r"retrying in \d+ seconds?\W*$"
"""Docker tries again by itself, several times."""


def boot_error(message: str | None) -> BootError | None:
    """The error that a host's message tells; None where it tells none, or is not the last word yet."""
    if not message or re.search(_NOT_FINAL, message, re.IGNORECASE):
        return None
    fits = ((cause, whose) for whose, cause, pattern in _TEXTS if re.search(pattern, message, re.IGNORECASE))
    return next((BootError(cause, whose) for cause, whose in fits), None)
