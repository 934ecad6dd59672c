"""Which fields of a fleet can drift, and the hash over those that must be equal.

*Static* fields replace an instance when they differ. *Dynamic* ones are right while the instance fits. *Choosing*
ones matter when an offer is chosen. *Behavioural* ones never drift.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import Literal

from reconciler.core.label import base32
from reconciler.core.model import Container, Fleet, FromEnv

FieldClass = Literal["static", "dynamic", "choosing", "behavioural"]

FIELD_CLASSES: dict[str, FieldClass] = {
    "name": "behavioural",
    "replicas": "behavioural",
    "min_ready": "behavioural",
    "priority": "behavioural",
    "paused": "behavioural",
    "gpu.models": "dynamic",
    "gpu.count": "static",
    "gpu.min_vram_gb": "dynamic",
    "regions": "dynamic",
    "regions.tiers.bonus": "choosing",
    "regions.elsewhere.penalty": "choosing",
    "regions.strict_order": "choosing",
    "price.max_per_hour": "dynamic",
    "price.budget_per_hour": "behavioural",
    "price.max_download_per_tb": "choosing",
    "price.max_upload_per_tb": "choosing",
    "host": "choosing",
    "spread": "choosing",
    "blacklist": "dynamic",
    "latency": "choosing",
    "scoring": "choosing",
    "container.image": "static",
    "container.vast_template": "static",
    "container.registry_login": "static",
    "container.registry_login.password": "behavioural",
    "container.disk_gb": "static",
    "container.connect": "static",
    "container.ports": "static",
    "container.env": "static",
    "container.onstart": "static",
    "container.args": "static",
    "readiness": "behavioural",
    "rental": "behavioural",
    "rental.kind": "static",
    "rental.max_bid": "choosing",
    "rental.bid_over_floor": "choosing",
    "rollout": "behavioural",
    "health": "behavioural",
    "schedule": "behavioural",
    "replace": "behavioural",
}
"""The class of every field; a path speaks for all below it that have no line of their own."""


def _secret(reference: FromEnv) -> dict[str, object]:
    """A secret counts by its name and version, never by its value."""
    return {"from_env": reference.name, "version": reference.version}


def _login(container: Container) -> dict[str, object] | None:
    """The login counts without its password."""
    login = container.registry_login
    return {"server": login.server, "username": login.username} if login else None


def static_fields(fleet: Fleet) -> dict[str, object]:
    """The static fields that differ from their default, by path, as JSON values in canonical form.

    Leaving defaults out keeps a hash stable when a later release adds a field.
    """
    container = fleet.container
    env = {name: _secret(value) if isinstance(value, FromEnv) else value for name, value in container.env}
    values: dict[str, tuple[object, object]] = {
        "container.args": (list(container.args), []),
        "container.connect": (container.connect, "ssh-direct" if container.image else None),
        "container.disk_gb": (container.disk_gb, 32),
        "container.env": (env, {}),
        "container.image": (container.image, None),
        "container.onstart": (container.onstart, None),
        "container.ports": (sorted(map(str, container.ports)), []),
        "container.registry_login": (_login(container), None),
        "container.vast_template": (container.vast_template, None),
        "gpu.count": (fleet.gpu.count, 1),
        "rental.kind": (fleet.rental.kind, "on-demand"),
    }
    return {path: value for path, (value, default) in values.items() if value != default}


@lru_cache(maxsize=1024)  # one fleet is asked for as often as it has instances
def spec_hash(fleet: Fleet) -> str:
    """Eight base32 characters over the static fields: version 1, the hash that labels of `rc1` carry.

    Never change what this computes: a label written today is compared with it by every later release.
    """
    canonical = json.dumps(static_fields(fleet), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return base32(hashlib.sha256(canonical.encode("ascii")).digest(), 8)
