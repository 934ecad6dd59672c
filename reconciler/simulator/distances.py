"""How long machines take to answer somebody in San Francisco, in the world's own time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.rng import fraction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.simulator.world import World

SILENT = 0.12
"""Share of the addresses that swallow whatever knocks."""

_FAR_MS = 190.0
_US_MS = 58.0
_STATES_MS = {
    "California": 8, "Nevada": 17, "Oregon": 19, "Washington": 24, "Utah": 24, "Arizona": 25, "Idaho": 28,
    "Colorado": 34, "Montana": 36, "Wyoming": 36, "New Mexico": 36, "Texas": 43, "Oklahoma": 44, "Kansas": 45,
    "Nebraska": 45, "Minnesota": 50, "Iowa": 50, "Missouri": 49, "Illinois": 52, "Hawaii": 56, "Alaska": 52,
    "New York": 68, "New Jersey": 67, "Massachusetts": 73, "Florida": 66, "Vermont": 74, "Connecticut": 71,
}  # fmt: skip
_COUNTRIES_MS = {
    "CA": 64, "MX": 62, "PR": 92, "BR": 178, "AR": 190, "JP": 107, "KR": 132, "TW": 134, "HK": 148, "MO": 150,
    "CN": 165, "SG": 172, "VN": 184, "TH": 196, "MY": 180, "ID": 192, "IN": 232, "AU": 148, "NZ": 138, "IS": 128,
    "GB": 138, "FR": 144, "NL": 145, "BE": 145, "DE": 150, "CH": 152, "ES": 156, "PT": 158, "DK": 155, "NO": 158,
    "SE": 162, "IT": 160, "AT": 158, "CZ": 158, "PL": 164, "HU": 166, "FI": 170, "EE": 172, "ZA": 285, "AE": 238,
}  # fmt: skip
"""Round trips as one sees them from San Francisco, in milliseconds."""


class Distances:
    """Answers as a probe would that stands in San Francisco: the same for the same world, and in its time."""

    def __init__(self, world: World) -> None:
        self._world = world

    def latency_ms(self, addresses: Sequence[str], timeout_s: float) -> Mapping[str, float]:
        """The round trip to each of the world's addresses that answers in time, in milliseconds. Time passes."""
        places = self._places(frozenset(addresses))
        found = {address: self._round_trip(address, place) for address, place in places.items()}
        answered = {address: ms for address, ms in found.items() if ms is not None and ms <= timeout_s * 1000}
        everybody = len(answered) == len(frozenset(addresses))
        self._world.advance(max(answered.values(), default=0.0) / 1000 if everybody else timeout_s)
        return answered

    def _places(self, addresses: frozenset[str]) -> Mapping[str, str]:
        """What hosts tell of their place, by the addresses asked for."""
        found: dict[str, str] = {}
        # Drawing the facts of every machine takes a while; those that a search has looked at have theirs already.
        for machine in sorted(self._world.market().machines, key=lambda machine: not machine.is_drawn):
            if len(found) == len(addresses):
                break
            row = machine.row(0, self._world.now)
            address = str(row.get("public_ipaddr") or "").strip()
            if address in addresses:
                found.setdefault(address, row.get("geolocation") or "")
        return found

    def _round_trip(self, address: str, place: str) -> float | None:
        seed = self._world.seed
        if fraction("silent", seed, address) < SILENT:
            return None
        return round(usual_ms(place) * (0.9 + 0.4 * fraction("way", seed, address)) + 1.0, 1)


def usual_ms(place: str) -> float:
    """The usual round trip to a place such as `California, US`, `Japan, JP` or `, US`."""
    state, _, country = place.rpartition(", ")
    return _STATES_MS.get(state, _US_MS) if country == "US" else _COUNTRIES_MS.get(country, _FAR_MS)
