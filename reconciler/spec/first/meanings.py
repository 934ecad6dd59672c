"""Which setting means which field of a spec: names of env files, and of the provider configs of virtual kubelets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.spec.first import readers
from reconciler.spec.first.latency import HEAD, latency
from reconciler.spec.first.setting import Read, Setting
from reconciler.spec.tree import Route


@dataclass(frozen=True, slots=True)
class Meaning:
    """The field a setting is about, and how its value is read."""

    route: Route
    read: Callable[[Setting, Route], Read]


_MODELS, _MEMORY = Meaning(("gpu", "models"), readers.cards), Meaning(("gpu", "min_vram_gb"), readers.memory)
_PRICE = Meaning(("price", "max_per_hour"), readers.price)
_TIERS = Meaning(("regions", "tiers"), readers.tiers)
_RELIABILITY = Meaning(("host", "min_reliability"), readers.share)
_DOWN, _UP = (Meaning(("host", f"min_{way}load_mbps"), readers.speed) for way in ("down", "up"))
_VERIFIED = Meaning(("host", "require"), readers.verified)

MEANINGS: dict[tuple[str, ...], Meaning] = {
    ("VAST_GPU_TYPE",): _MODELS,
    ("VAST_MIN_GPU_MEMORY",): _MEMORY,
    ("VAST_MAX_PRICE_PER_HOUR",): _PRICE,
    ("VAST_RELIABILITY_SCORE",): _RELIABILITY,
    ("VAST_MIN_DOWNLOAD_SPEED",): _DOWN,
    ("VAST_MIN_UPLOAD_SPEED",): _UP,
    ("VAST_PREFERRED_REGIONS",): _TIERS,
    ("VAST_DATACENTER_LOCATION",): _TIERS,
    ("VAST_VERIFIED_ONLY",): _VERIFIED,
    ("VAST_RENTABLE_ONLY",): Meaning((), readers.rentable),
    ("preferredGpuTypes",): _MODELS,
    ("minVramGb",): _MEMORY,
    ("maxHourlyUsd",): _PRICE,
    ("defaultDiskGb",): Meaning(("container", "disk_gb"), readers.disk),
    ("gpu", "primary_type"): _MODELS,
    ("gpu", "type"): _MODELS,
    ("gpu", "preferred_types"): _MODELS,
    ("gpu", "fallback_types"): _MODELS,
    ("gpu", "memory_gb"): _MEMORY,
    ("gpu", "count"): Meaning(("gpu", "count"), readers.count),
    ("performance", "max_price_per_hour"): _PRICE,
    ("performance", "reliability_score"): _RELIABILITY,
    ("performance", "min_download_mbps"): _DOWN,
    ("performance", "min_upload_mbps"): _UP,
    ("performance", "verified_only"): _VERIFIED,
    ("performance", "rentable_only"): Meaning((), readers.rentable),
    ("blacklist", "blocked_locations"): Meaning(("regions", "blocked"), readers.blocked),
    ("blocked_hosts",): Meaning(("blacklist", "hosts"), readers.hosts),
    ("latency_check",): Meaning((HEAD,), latency),
}
"""By the last one or two names of a setting. Their order is that of a list: a preference comes before a fallback."""


def meaning_of(setting: Setting) -> tuple[int, Meaning]:
    """The meaning of a known setting, and its rank among the others."""
    keys = next(keys for keys in (setting.keys[-2:], setting.keys[-1:]) if keys in MEANINGS)
    return list(MEANINGS).index(keys), MEANINGS[keys]
