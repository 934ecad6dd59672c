"""How the doors of an instance may lie: what a container that says `running` can get wrong."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.errors import WrongUsage

if TYPE_CHECKING:
    from collections.abc import Iterable

GPU_MISSING, WRONG_MEMORY, WRONG_NAME = "one-gpu-missing", "wrong-memory", "wrong-name"
SLOW, REFUSES, NO_BANNER = "slow", "refuses", "no-banner"
KEY_CHANGED, DENIED, DRIVER_FAILS = "host-key-changed", "login-denied", "nvidia-smi-fails"
OLDER_DRIVER = "older-driver"
HTTP_FAILS, HTTP_SLOW = "http-500", "http-slow"

MOST = 1000
"""Lies that a file may hold."""

_LONGEST = 86400.0
_MEANINGS = {
    GPU_MISSING: "`nvidia-smi` shows one GPU less than rented",
    WRONG_MEMORY: "each GPU has half of its memory",
    WRONG_NAME: "the GPUs have another name",
    SLOW: "every command's answer takes `seconds`",
    REFUSES: "SSH and HTTP refuse connections for `seconds`, from the start of the container or of the lie",
    NO_BANNER: "the SSH port takes connections and says nothing",
    KEY_CHANGED: "the SSH server has another host key",
    DENIED: "no key may log in",
    DRIVER_FAILS: "`nvidia-smi` cannot reach the driver: exit code 9",
    OLDER_DRIVER: "the driver is a major version older than rented",
    HTTP_FAILS: "every health check gets 500",
    HTTP_SLOW: "health checks are answered after `seconds`",
}
LIES = tuple(_MEANINGS)
"""Every lie there is."""

_DELAYS = {SLOW: 20.0, REFUSES: 20.0, HTTP_SLOW: 20.0}
"""Lies that take time, and how much unless said otherwise."""


class Lie(NamedTuple):
    """What a door says instead of the truth."""

    name: str
    seconds: float = 0.0
    """Real ones: whoever knocks waits by a real clock."""


class Telling(NamedTuple):
    """An order: this instance, or every one, tells this lie from now on; None is the truth."""

    instance: int | None
    lie: Lie | None


class Lies:
    """Who tells which lie; what was said last holds."""

    def __init__(self, told: Iterable[Telling] = ()) -> None:
        self._everyone: Lie | None = None
        self._own: dict[int, Lie | None] = {}
        for one in told:
            self.tell(one)

    def tell(self, telling: Telling) -> None:
        """Follow an order; one for all also replaces those for single instances."""
        if telling.instance is None:
            self._everyone, self._own = telling.lie, {}
        else:
            self._own[telling.instance] = telling.lie

    def of(self, instance: int) -> Lie | None:
        """The lie of an instance."""
        return self._own.get(instance, self._everyone)

    def shown(self) -> list[dict[str, Any]]:
        """The orders in force, as a request or a file would give them."""
        general = [_shown(None, self._everyone)] if self._everyone else []
        return general + [_shown(instance, lie) for instance, lie in self._own.items()]


def _shown(instance: int | None, lie: Lie | None) -> dict[str, Any]:
    told: dict[str, Any] = {"instance": instance, "lie": lie.name if lie else None}
    return {**told, "seconds": lie.seconds} if lie and lie.name in _DELAYS else told


def parse(plain: object) -> Telling:
    """The order in `{instance: 41250000, lie: slow, seconds: 5}`."""
    if not isinstance(plain, dict) or "lie" not in plain:
        raise WrongUsage("a lie is told by an object such as {instance: null, lie: slow}")
    instance, name = plain.get("instance"), plain["lie"]
    if instance is not None and (not isinstance(instance, int) or isinstance(instance, bool)):
        raise WrongUsage("instance must be an id, or null for all")
    if name is not None and (not isinstance(name, str) or name not in LIES):
        raise WrongUsage(f"there is no lie {name!r}", hint=f"one of {', '.join(LIES)}")
    for given in plain:
        if given not in ("instance", "lie") and (given != "seconds" or name not in _DELAYS):
            raise WrongUsage(f"the lie {name} has no setting {given!r}")
    return Telling(instance, None if name is None else Lie(name, _seconds(plain, _DELAYS.get(name, 0.0))))


def parse_all(plain: object) -> tuple[Telling, ...]:
    """The orders of a file's list."""
    if not isinstance(plain, list) or len(plain) > MOST:
        raise WrongUsage(f"lies are a list of at most {MOST} entries such as {{lie: slow, seconds: 5}}")
    return tuple(map(parse, plain))


def _seconds(plain: dict[str, Any], default: float) -> float:
    value = plain.get("seconds", default)
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not good or not 0 <= value <= _LONGEST:
        raise WrongUsage(f"seconds must be a number from 0 to {_LONGEST:.0f}")
    return float(value)
