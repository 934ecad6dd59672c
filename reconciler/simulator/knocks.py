"""The doors of instances without sockets: what one would hear who knocked at this moment, in the world's own time.

For programs in the same process. The same facts and the same lies as behind the real ports; only what is in an image
is not known here, so whatever a user asks of his own program is answered well.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, NamedTuple

from reconciler.simulator.commands import run
from reconciler.simulator.lies import (
    DENIED,
    HTTP_FAILS,
    HTTP_SLOW,
    KEY_CHANGED,
    NO_BANNER,
    REFUSES,
    SLOW,
    Lies,
)
from reconciler.simulator.reachable import Facts, facts
from reconciler.simulator.rng import digest

if TYPE_CHECKING:
    from reconciler.simulator.contracts import Contract
    from reconciler.simulator.world import World

SILENT, REFUSED, CLOSED, MUTE, DENIES = "silent", "refused", "closed", "mute", "denies"
"""Nobody answers; a door that is shut; one that is shut again; one that opens and says nothing; a login refused."""

KIND = "ssh-ed25519"
_CONNECT_S, _LOGIN_S, _ANSWER_S = 0.1, 0.4, 0.1
_OWN = ("true", "false", "nvidia-smi")
"""Commands that do not depend on what is in the image."""


class Heard(NamedTuple):
    """What came back of one knock."""

    trouble: str = ""
    """One of the words above; empty: there was an answer."""
    code: int = 0
    """The exit code of a command, the status of a request."""
    said: str = ""
    seconds: float = 0.0
    """How long it took. Of a silence nothing: it lasts as long as one listens."""


class Knocks:
    """Knocking at the doors of one world's instances. It takes no time until somebody calls `wait`."""

    def __init__(self, world: World, lies: Lies) -> None:
        self._world = world
        self._lies = lies
        self._refusing: dict[int, tuple[object, float]] = {}
        """Whose refusal was first met in which run, and when."""

    def wait(self, seconds: float) -> None:
        """Let the world's time pass."""
        self._world.advance(seconds)

    def host_key(self, instance: int) -> str:
        """The body of its SSH server's key: its own, and another one under that lie."""
        found = self._facts(instance)
        identity = (*found.identity, found.lie is not None and found.lie.name == KEY_CHANGED) if found else (instance,)
        name, key = KIND.encode(), digest(*identity)
        return base64.b64encode(b"".join(len(part).to_bytes(4, "big") + part for part in (name, key))).decode()

    def banner(self, instance: int) -> Heard:
        """The SSH server's first words."""
        found = self._facts(instance)
        shut = self._shut(instance, found)
        if found is None or shut:
            return Heard(shut)
        if not found.shell:
            return Heard(CLOSED, seconds=_CONNECT_S)
        return Heard(MUTE) if _lie(found) == NO_BANNER else Heard(said="SSH-2.0-x", seconds=_CONNECT_S)

    def login(self, instance: int) -> Heard:
        """A login with the key of the one who rented it."""
        heard = self.banner(instance)
        found = self._facts(instance)
        if heard.trouble or found is None:
            return heard
        return Heard(DENIES if _lie(found) == DENIED else "", seconds=_LOGIN_S)

    def command(self, instance: int, line: str) -> Heard:
        """A command, once logged in."""
        found = self._facts(instance)
        if found is None:
            return Heard(CLOSED)
        slow = found.lie.seconds if found.lie and found.lie.name == SLOW else 0.0
        known = line.split(maxsplit=1)[:1] in ([word] for word in _OWN)
        reply = run(line, found.gpus, found.files, _lie(found)) if known else run("true", found.gpus, ())
        return Heard(code=reply.code, said=reply.out, seconds=_ANSWER_S + slow)

    def door(self, instance: int, port: int) -> Heard | None:
        """A published TCP port that is connected to; None where it is not published."""
        found = self._facts(instance)
        if found is not None and f"{port}/tcp" not in found.ports:
            return None
        return Heard(self._shut(instance, found), seconds=_CONNECT_S)

    def status(self, instance: int) -> Heard:
        """An HTTP request to a port that is connected to."""
        found = self._facts(instance)
        slow = found.lie.seconds if found and found.lie and found.lie.name == HTTP_SLOW else 0.0
        return Heard(code=500 if found and _lie(found) == HTTP_FAILS else 200, seconds=_ANSWER_S + slow)

    def _contract(self, instance: int) -> Contract | None:
        return self._world.contracts.get(instance)

    def _facts(self, instance: int) -> Facts | None:
        contract = self._contract(instance)
        return None if contract is None else facts(self._world, contract, self._lies.of(instance))

    def _shut(self, instance: int, found: Facts | None) -> str:
        """Why one cannot connect; empty when one can."""
        contract = self._contract(instance)
        if found is None or contract is None or contract.fault == "offline":
            return SILENT
        return REFUSED if found.run is None or self._refuses(instance, found) else ""

    def _refuses(self, instance: int, found: Facts) -> bool:
        """Whether it refuses still: for so long from the first knock at this run of the container."""
        if found.lie is None or found.lie.name != REFUSES:
            return False
        of, since = self._refusing.get(instance, (None, 0.0))
        if of != (found.run, found.lie):
            since = self._world.now
            self._refusing[instance] = (found.run, found.lie), since
        return self._world.now < since + found.lie.seconds


def _lie(found: Facts) -> str | None:
    return found.lie.name if found.lie else None
