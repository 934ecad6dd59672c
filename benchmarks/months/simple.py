"""Two ways without this tool, in a few lines against the API, with the same hard rules in their searches."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import httpx

from reconciler.core.model import Fleet
from reconciler.core.query import query_of
from reconciler.vast.search import search_body

from .truth import Counting, Watched

KEY = {"authorization": "Bearer benchmark"}
DEAD = ("offline", "exited")


class Script:
    """What both have in common: calls, the seats they remember, and the cheapest offers first."""

    replaces_the_dead = False

    def __init__(self, world: Watched, fleet: Fleet, lost: float = 0.0) -> None:
        self.transport = Counting(world, lost)
        self._fleet = fleet
        self._seats: dict[int, int | None] = dict.fromkeys(range(fleet.replicas))
        self._http = httpx.Client(transport=self.transport, base_url="http://127.0.0.1/api", headers=KEY)
        world.limited = False

    def step(self) -> None:
        """One run; without an answer it ends, and the next one tries again."""
        with suppress(httpx.TransportError):
            self._run()

    def _run(self) -> None:
        """List, end what counts as dead, rent for what is missing."""
        rows = {row["id"]: row for row in self._list()}
        for seat, number in self._seats.items():
            row = None if number is None else rows.get(number)
            if row is not None and self.replaces_the_dead and row["actual_status"] in DEAD:
                self._http.delete(f"/v0/instances/{number}/").raise_for_status()
                rows.pop(row["id"])
                row = None
            if row is None:
                self._seats[seat] = None
        self._fill({row["machine_id"] for row in rows.values()})

    def _fill(self, used: set[int]) -> None:
        empty = [seat for seat, number in self._seats.items() if number is None]
        if not empty:
            return
        offers = self._search()
        for seat in empty:
            while offers and self._seats[seat] is None:
                offer = offers.pop(0)
                if offer["machine_id"] not in used:
                    used.add(offer["machine_id"])
                    self._seats[seat] = self._rent(offer["id"], f"seat/{seat}")

    def _list(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        after: dict[str, str] = {}
        while True:
            page = self._http.get("/v1/instances/", params={"limit": "25", **after}).raise_for_status().json()
            rows += page["instances"]
            if not page.get("next_token"):
                return rows
            after = {"after_token": page["next_token"]}

    def _search(self) -> list[dict[str, Any]]:
        body = json.dumps(search_body(query_of(self._fleet)))
        rows: list[dict[str, Any]] = self._http.post("/v0/bundles/", content=body).raise_for_status().json()["offers"]
        return rows

    def _rent(self, ask: int, label: str) -> int | None:
        spec = self._fleet.container
        body = {"image": spec.image, "disk": spec.disk_gb, "runtype": "ssh_direc ssh_proxy", "label": label}
        answer = self._http.put(f"/v0/asks/{ask}/", json=body)
        found: int | None = answer.json().get("new_contract") if answer.is_success else None
        return found


class Forgets(Script):
    """Rent and forget: what is in the list is taken to be well."""


class Replaces(Script):
    """Cheapest first, no readiness: `running` is ready, and what the account calls offline or exited goes at once."""

    replaces_the_dead = True
