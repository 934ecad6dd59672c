"""Somebody who looks at the stub's instances: as the test says, or really, from a place with troubles of its own."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.core.instance import Instance
from reconciler.core.readiness import Finding, Target
from reconciler.core.text import safe
from reconciler.probe.checks import MachineProbe
from reconciler.probe.key import LoginKey
from reconciler.probe.rounds import Manner


@dataclass
class Told:
    """A look that finds what `why` says of an instance's id; empty: it passes."""

    why: Callable[[int], str] = field(default=lambda _: "")
    key: str | None = None
    """What each new instance must be given."""

    def latency_ms(self, addresses: Sequence[str], timeout_s: float) -> Mapping[str, float]:
        return {}

    def why_no_login(self) -> None:
        """It has every key."""

    def controls(self, instances: Sequence[Instance]) -> frozenset[str]:
        """All else can be reached."""
        return frozenset(("",))

    def key_to_let_in(self) -> str | None:
        return self.key

    def why_no_key(self) -> None:
        """It has every key."""

    def check(self, targets: Sequence[Target]) -> Mapping[int, tuple[Finding, ...]]:
        return {target.instance.id: tuple(self._of(target)) for target in targets}

    def _of(self, target: Target) -> list[Finding]:
        why = self.why(target.instance.id)
        if not why:
            return [Finding(check, "pass") for check in target.checks]
        return [Finding(target.checks[0], "fail", why, safe("as the test says"))]


def from_here(
    connecting: Exception | None = None, resolving: Exception | None = None, key: Path | None = None
) -> MachineProbe:
    """The probe of real machines where every connection, and every look-up of a name, ends so."""

    def connect(connection: socket.socket, address: Any) -> None:
        assert connecting is not None, f"{address} is called, and nobody should be"
        raise connecting

    def resolve(name: str) -> list[str]:
        if resolving is not None:
            raise resolving
        return ["198.51.100.7"]

    return MachineProbe(LoginKey(key), allow=lambda _: True, manner=Manner(connect=connect, resolve=resolve))
