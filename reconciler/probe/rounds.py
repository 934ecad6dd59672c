"""One round over many instances, side by side in a bounded number of threads, within a bounded time."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.core.causes import NO_TIME
from reconciler.core.instance import Endpoint, Instance
from reconciler.core.readiness import Target
from reconciler.probe.dialling import Connect, Dialler
from reconciler.probe.key import load_key
from reconciler.probe.known_hosts import KnownHosts
from reconciler.probe.latency import Address
from reconciler.probe.look import Heard, Look, Means
from reconciler.probe.names import Names, Resolve, resolve
from reconciler.probe.visit import Missed, Patience, Visit

AT_ONCE = 64
"""Instances side by side."""
SLICE_S = 0.2
CONTROLS = 3
"""So many proxies are tried, one after the other, to know whether anything can be reached."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a round is gone: for how long, how many at once, and by which means."""

    patience: Patience = field(default_factory=Patience)
    at_once: int = AT_ONCE
    connect: Connect = socket.socket.connect
    resolve: Resolve = resolve


def go_round(
    targets: Sequence[Target],
    key: Path | None,
    hosts: KnownHosts,
    allow: Callable[[Address], bool],
    tick: Callable[[], None],
    manner: Manner,
) -> list[list[Heard]]:
    """What each target's checks heard. Whatever `tick` raises ends the round and is raised, with all of it closed."""
    if not targets:
        return []
    with closing(Names(manner.resolve)) as names:
        means = _means(Dialler(names, allow, manner.connect), hosts, key)
        looks = [Look(means, target, Visit(manner.patience)) for target in targets]
        return _all_heard(looks, tick, manner)


def controls(
    instances: Sequence[Instance], allow: Callable[[Address], bool], tick: Callable[[], None], manner: Manner
) -> frozenset[str]:
    """How connections to the proxies of a few instances ended, by their causes; an empty one stood, and is the last."""
    proxies = dict.fromkeys(each.ssh_proxy for each in instances if each.ssh_proxy is not None)
    found: set[str] = set()
    with closing(Names(manner.resolve)) as names:
        dialler = Dialler(names, allow, manner.connect)
        for proxy in list(proxies)[:CONTROLS]:
            tick()
            found.add(_control(dialler, proxy, manner.patience))
            if "" in found:
                break
    return frozenset(found)


def _control(dialler: Dialler, proxy: Endpoint, patience: Patience) -> str:
    visit = Visit(patience)
    visit.begin(time.monotonic() + patience.target_s)
    try:
        with dialler.dialled(proxy, visit):
            return ""
    except Missed as missed:
        return missed.cause


def _means(dialler: Dialler, hosts: KnownHosts, key: Path | None) -> Means:
    if key is None:
        return Means(dialler, hosts)
    try:
        return Means(dialler, hosts, load_key(key))
    except Missed as missed:
        return Means(dialler, hosts, no_key=missed)


def _all_heard(looks: Sequence[Look], tick: Callable[[], None], manner: Manner) -> list[list[Heard]]:
    until = time.monotonic() + manner.patience.call_s
    with ThreadPoolExecutor(min(manner.at_once, len(looks)), "probe") as pool:
        futures = [pool.submit(look.heard, until) for look in looks]
        try:
            _see_through(looks, futures, tick, until)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for look in looks:
                look.visit.end()
            raise
    return [_result(look, future) for look, future in zip(looks, futures, strict=True)]


def _see_through(
    looks: Sequence[Look], futures: Sequence[Future[list[Heard]]], tick: Callable[[], None], until: float
) -> None:
    """Wait for all of them; end each whose time is over."""
    while wait(futures, SLICE_S).not_done:
        tick()
        for look in looks:
            if look.visit.is_over:
                look.visit.end()
        if time.monotonic() >= until:
            for future in futures:
                future.cancel()


def _result(look: Look, future: Future[list[Heard]]) -> list[Heard]:
    if future.cancelled():
        return [Heard(look.target.checks[0], Missed(NO_TIME, "so many others took too long"))]
    return future.result()
