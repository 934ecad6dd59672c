"""The doors of one instance on loopback ports: one to its SSH server, one to each published port."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from reconciler.simulator.gates import Gate
from reconciler.simulator.health import check
from reconciler.simulator.instances import SSH, Reached
from reconciler.simulator.lies import REFUSES
from reconciler.simulator.logins import login

if TYPE_CHECKING:
    import socket

    from reconciler.simulator.reachable import Facts


class Box:
    """Used in the loop only. The ports stay the same for as long as the instance is there."""

    def __init__(self, known: Facts) -> None:
        self._facts = known
        self._gates = {SSH: Gate()}
        self._since: tuple[object, ...] | None = None
        self._later: asyncio.TimerHandle | None = None

    async def follow(self, known: Facts) -> None:
        """Be as the facts are now: open while the container runs, unless the lie is to refuse."""
        self._facts = known
        await self._keep_gates()
        refuses = known.lie if known.lie and known.lie.name == REFUSES else None
        since = (known.run, refuses)
        if since != self._since:
            self._since = since
            await self._shut()
            if refuses and known.run is not None:
                self._later = asyncio.get_running_loop().call_later(refuses.seconds, self._open)
        if known.run is not None and self._later is None:
            self._open()

    def reached(self) -> Reached:
        """Where the doors are."""
        return Reached({name: gate.port for name, gate in self._gates.items()}, self._gates[SSH].port)

    async def close(self) -> None:
        """Give all ports back."""
        self._forget()
        await asyncio.gather(*(gate.close() for gate in self._gates.values()))

    def _open(self) -> None:
        self._forget()
        for name, gate in self._gates.items():
            gate.open(self._login if name == SSH else self._check)

    async def _shut(self) -> None:
        self._forget()
        await asyncio.gather(*(gate.shut() for gate in self._gates.values()))

    def _forget(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None

    async def _keep_gates(self) -> None:
        wanted = {SSH, *self._facts.ports}
        for name in set(self._gates) - wanted:
            await self._gates.pop(name).close()
        for name in wanted - set(self._gates):
            self._gates[name] = Gate()

    async def _login(self, connection: socket.socket) -> None:
        await login(connection, lambda: self._facts)

    async def _check(self, connection: socket.socket) -> None:
        await check(connection, lambda: self._facts.lie)
