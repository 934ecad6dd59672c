"""Instances one can reach: an SSH server and health checks on loopback ports for each instance that runs.

One thread with one asyncio loop serves all of them. It is told what it needs to know; it never looks at the world.
"""

from __future__ import annotations

import asyncio
import importlib.util
import threading
from typing import TYPE_CHECKING, TypeVar

from reconciler.errors import ReconcileError
from reconciler.simulator.boxes import Box
from reconciler.simulator.lies import Lies
from reconciler.simulator.reachable import facts

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable
    from typing import Any

    from reconciler.simulator.instances import Reached
    from reconciler.simulator.lies import Telling
    from reconciler.simulator.reachable import Facts
    from reconciler.simulator.world import World

T = TypeVar("T")

_WITHIN = 30.0
"""Seconds for the loop to follow the world; it needs milliseconds."""


class Shells:
    """The doors of all instances, from `start` to `stop`."""

    def __init__(self, told: Iterable[Telling] = ()) -> None:
        if importlib.util.find_spec("asyncssh") is None:
            raise ReconcileError(
                "instances that can be reached need asyncssh, which is not installed",
                hint="pip install 'vast-reconciler[ssh]'",
            )
        self.lies = Lies(told)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._known: dict[int, Facts] = {}
        self._boxes: dict[int, Box] = {}

    def start(self, world: World) -> None:
        """Begin to serve the instances of a world."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="shells", daemon=True)
        self._thread.start()
        self.sync(world)

    def sync(self, world: World) -> None:
        """Open and shut doors as the world and the lies are now, and tell the world where they are.

        Nobody else may move the world meanwhile.
        """
        if self._loop is None:
            return
        known = {number: facts(world, contract, self.lies.of(number)) for number, contract in world.contracts.items()}
        if known != self._known:
            world.reached = _done(self._loop, self._follow(known))
            self._known = known

    def stop(self, world: World) -> None:
        """End every connection and give all ports back."""
        if self._loop is None or self._thread is None:
            return
        world.reached = {}
        _done(self._loop, self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop, self._known = None, {}

    async def _follow(self, known: dict[int, Facts]) -> dict[int, Reached]:
        for number in set(self._boxes) - set(known):
            await self._boxes.pop(number).close()
        for number, found in known.items():
            if number not in self._boxes:
                self._boxes[number] = Box(found)
            if self._known.get(number) != found:
                await self._boxes[number].follow(found)
        return {number: box.reached() for number, box in self._boxes.items()}

    async def _end(self) -> None:
        while self._boxes:
            await self._boxes.popitem()[1].close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.get_running_loop().shutdown_default_executor()


def _done(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run_coroutine_threadsafe(work, loop).result(_WITHIN)
