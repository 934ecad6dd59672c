"""What the tests of this room share: a clock that never waits, a server that answers from a script, small bodies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

import httpx

from reconciler.core.model import Container
from reconciler.core.offer import OfferQuery, RentOrder
from reconciler.vast.client import Wire
from reconciler.vast.key import ApiKey
from reconciler.vast.pacing import Pacing
from reconciler.vast.provider import VastProvider

CANARY = "0f00ba5e" * 8
START = 1_795_000_000.0
ORIGIN = "https://console.vast.ai"

Step = httpx.Response | Exception
Handler = Callable[[httpx.Request], httpx.Response]


class FakeClock:
    """Time passes only when slept."""

    def __init__(self, now: float = START) -> None:
        self.time = now
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            self.slept.append(seconds)
            self.time += seconds


class Script(httpx.BaseTransport):
    """Answers step by step, the last step for ever, and keeps what was asked and when."""

    def __init__(self, *steps: Step, clock: FakeClock | None = None) -> None:
        self.steps = list(steps)
        self.requests: list[httpx.Request] = []
        self.clock = clock or FakeClock()
        self.times: list[float] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        self.times.append(self.clock.now())
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, Exception):
            raise step
        return httpx.Response(step.status_code, headers=step.headers, content=step.content)

    @property
    def bodies(self) -> list[object]:
        return [json.loads(request.content) for request in self.requests]


def wire_for(transport: httpx.BaseTransport | None, clock: FakeClock, origin: str = ORIGIN) -> Wire:
    return Wire(
        key=ApiKey(CANARY),
        origin=origin,
        clock=clock,
        pacing=Pacing(clock),
        transport=transport,
        jitter=lambda: 1.0,
    )


def provider_for(script: Script) -> VastProvider:
    return VastProvider(wire_for(script, script.clock), script.clock)


def said(status: int, body: object, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=body, headers=headers)


def raw(status: int, body: bytes | str, **headers: str) -> httpx.Response:
    return httpx.Response(status, content=body, headers=headers)


HTML = raw(200, '<!DOCTYPE html>\n<html lang="en"></html>', **{"Content-Type": "text/html"})


def row(number: int = 7, label: object = None, **fields: object) -> dict[str, object]:
    return {"id": number, "label": label, **fields}


def page(rows: Iterable[object], total: int | None = None, token: object = None, **more: object) -> httpx.Response:
    rows = list(rows)
    return said(
        200,
        {
            "success": True,
            "instances_found": len(rows),
            "total_instances": len(rows) if total is None else total,
            "next_token": token,
            "instances": rows,
            **more,
        },
    )


def order(offer_id: int = 41, **changes: object) -> RentOrder:
    given: dict[str, object] = {
        "label": "rc1/o/f/0/aaaaaaaa/bbbbbbbb/cccc",
        "container": Container(image="ghcr.io/acme/june:1", disk_gb=50, connect="ssh-direct"),
        "env": {},
        **changes,
    }
    return RentOrder(offer_id=offer_id, **given)  # type: ignore[arg-type]


def query(**changes: object) -> OfferQuery:
    given: dict[str, object] = {"models": ("RTX 3060",), "gpu_count": 1, "disk_gb": 50, **changes}
    return OfferQuery(**given)  # type: ignore[arg-type]
