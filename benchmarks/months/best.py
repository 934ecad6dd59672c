"""The best that can be had: somebody who sees everything at once, and never rents what does not work.

He knows the present in full and nothing of the future: which machines get containers to run, which hosts are there
now, what others bid, and every event at its moment. When a host drops off he rents the cheapest offer that works, and
keeps whichever is ready first. What is lost is the first boot of each seat, and after each death a boot or the host's
absence, whichever is shorter. One who moves as well follows the price: every two hours the dearest instances go for
offers that work and cost less by `WORTH`, once these are ready.

By bids he goes by the fleet's own rules: the same bid over the least one, the same end of a lost bid, another one by a
bid or on demand, and no more replacements of a seat within a day than the limits say. But he rents nothing whose bid
loses now, and another one boots in the second in which a bid is lost; whichever runs first is kept.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator

from reconciler.core.bids import on_demand
from reconciler.core.model import Fleet
from reconciler.simulator.contracts import Contract
from reconciler.simulator.door import Asked
from reconciler.simulator.outages import next_change

from .market import IMAGE, Goods, working
from .truth import Watched, is_ready, rate

KEY = {"authorization": "Bearer benchmark"}
AT_MOST_S = 600.0
BEFORE_END_S = 3600.0
HAIR_S = 0.001
MOVES_EVERY_S = 7200.0
DAY_S = 86_400.0
WORTH = 0.02
"""A move pays for its boot in a day from here on: the share of the price that it must save."""


class Best:
    """Keeps the fleet with all that the simulator knows."""

    def __init__(self, world: Watched, fleet: Fleet, *, moves: bool = False, a_day: float = math.inf) -> None:
        """`a_day`: how often one seat's instance may be replaced within a day."""
        self._world, self._fleet, self._a_day = world, fleet, a_day
        self._moves_at = world.now if moves else math.inf
        self._bids = fleet.rental.interruptible
        self._replaced: defaultdict[str, list[float]] = defaultdict(list)
        """When each seat got another instance."""
        world.limited = False

    def run(self, until: float) -> None:
        """Act at every event."""
        while self._world.now < until:
            self._act()
            self._world.advance(min(self._next(), until) - self._world.now)

    def _act(self) -> None:
        sold_out = False
        for seat in range(self._fleet.replicas):
            label = f"seat/{seat}"
            mine = [c for c in self._world.contracts.values() if c.label == label]
            lasting = [c for c in mine if c.terms["end_date"] - self._world.now > BEFORE_END_S]
            if ready := [c for c in lasting if is_ready(c, self._world.now)]:
                kept = min(ready, key=lambda c: (rate(c), c.id))
                for other in (c for c in mine if c is not kept and not self._may_replace(c, kept)):
                    self._world.destroy(other)
            elif not sold_out and not any(_boots(c, self._world.now) for c in lasting):
                sold_out = not self._fill(label, mine)
        if self._world.now >= self._moves_at:
            self._moves_at += MOVES_EVERY_S
            self._move()
        self._world.settle()

    def _fill(self, label: str, lost: list[Contract]) -> bool:
        """The cheapest instance for a seat without one that runs or boots, if it may have another; False where nothing
        is for sale."""
        now, times = self._world.now, self._replaced[label]
        if sum(now - at < DAY_S for at in times) >= self._a_day:
            return True
        falls_back = self._bids and self._fleet.rental.outbid.then == "on-demand"
        want = on_demand(self._fleet) if falls_back and any(c.outbid for c in lost) else self._fleet
        rented = any(self._rent(goods, label) for goods in self._free(want))
        if rented and lost:
            times.append(now)
        return rented or want is not self._fleet

    def _move(self) -> None:
        """For the dearest instances, offers that cost less."""
        now = self._world.now
        held = sorted((c for c in self._world.contracts.values() if is_ready(c, now)), key=rate, reverse=True)
        alone = [c for c in held if sum(c.label == other.label for other in self._world.contracts.values()) == 1]
        for contract, goods in zip(alone, self._free(self._fleet), strict=False):
            if goods.price >= rate(contract) * (1 - WORTH):
                break
            self._rent(goods, contract.label or "")

    def _may_replace(self, coming: Contract, kept: Contract) -> bool:
        return _boots(coming, self._world.now) and rate(coming) < rate(kept)

    def _free(self, want: Fleet) -> Iterator[Goods]:
        used = {contract.machine_id for contract in self._world.contracts.values()}
        return (one for one in working(self._world, want) if one.machine not in used)

    def _rent(self, goods: Goods, label: str) -> bool:
        spec = {"image": IMAGE, "disk": self._fleet.container.disk_gb, "runtype": "ssh_direc", "label": label}
        bid = {} if goods.bid is None else {"price": goods.bid}
        asked = Asked("PUT", f"/api/v0/asks/{goods.ask}/", "", KEY, json.dumps({**spec, **bid}).encode())
        return asked.to(self._world).status == 200

    def _next(self) -> float:
        world = self._world
        moments = [world.now + AT_MOST_S, *([world.following()] if self._bids else [])]
        for contract in world.contracts.values():
            end = contract.terms["end_date"]
            moments += [contract.runs, end - BEFORE_END_S, end, next_change(world.seed, contract.machine_id, world.now)]
        return min(moment for moment in moments if moment > world.now) + HAIR_S


def _boots(contract: Contract, now: float) -> bool:
    return contract.current == "running" and contract.fault is None and now < contract.runs
