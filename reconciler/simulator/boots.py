"""How a container comes up, or does not: pulls that are slow, pulls that are stuck, hosts that cannot start it."""

from __future__ import annotations

from typing import NamedTuple

from reconciler.simulator.rng import fraction

FIRST_REPORT = (5.0, 20.0)
"""Seconds from the rent to the host's first report."""

PULL = (30.0, 240.0)
"""Seconds from the first report until the container runs: mostly the pull of the image."""

RELAUNCH = (8.0, 25.0)
"""Seconds a stopped container needs to run again; its image is there."""

NEVER = 0.2
"""Share of the machines that never get a container to run."""

SLOW = 0.08
"""Share of the first boots that take up to twenty minutes."""

STUCK, NO_START, DEAD_END, GIVES_UP = "stuck", "no start", "dead end", "gives up"
NO_IMAGE = "no image"

MISSING = ":missing"
"""An image whose tag begins so is at no registry: it fails on every machine, whatever the laws."""

MESSAGES = {
    STUCK: "Retrying in 2 seconds\n",
    NO_START: "Error response from daemon: failed to create task for container: failed to create shim task: OCI "
    "runtime create failed: runc create failed: unable to start container process: error during container init\n",
    DEAD_END: "success, created\n",
    GIVES_UP: 'Error response from daemon: could not select device driver "nvidia" with capabilities: [[gpu]]\n',
    NO_IMAGE: "Error response from daemon: manifest for the image not found: manifest unknown: manifest unknown\n",
}


class Boot(NamedTuple):
    """When the host first reports, when the container is up or known to fail, and how it fails (empty: it does not)."""

    reports: float
    runs: float
    failure: str
    gives_up: float
    """When the host stops trying; zero: never."""


def machines_failure(seed: object, machine_id: int) -> str:
    """How this machine fails at every boot; empty for the four in five that do not."""
    u = fraction(seed, "never ready", machine_id)
    return (STUCK, NO_START, DEAD_END, GIVES_UP)[int(u / NEVER * 4)] if u < NEVER else ""


def boot(seed: object, machine_id: int, instance_id: int, now: float, first: bool, failures: bool) -> Boot:
    """Drawn by host and contract; without `failures` every boot succeeds in minutes."""
    slowness = 0.7 * fraction(seed, "slow", machine_id) + 0.3 * fraction(seed, "pull", instance_id, now)
    least, most = PULL if first else RELAUNCH
    if failures and first and fraction(seed, "slow pull", instance_id, now) < SLOW:
        least, most = PULL[1], 5 * PULL[1]
    report = FIRST_REPORT[0] + (FIRST_REPORT[1] - FIRST_REPORT[0]) * fraction(seed, "report", instance_id, now)
    reports = round(now + report, 3)
    runs = round(reports + least + (most - least) * slowness, 3)
    failure = machines_failure(seed, machine_id) if failures else ""
    patience = 120 + 600 * fraction(seed, "gives up", instance_id, now)
    return Boot(reports, runs, failure, round(runs + patience, 3) if failure == GIVES_UP else 0.0)


IMAGE = (0.4, 12.0)
"""The size of an image, GB."""


def images_failure(image: str | None) -> str:
    """How this image fails wherever it is pulled; empty for all that exist."""
    return NO_IMAGE if image is not None and MISSING in image.rpartition("/")[2] else ""


def image_size(image: str | None) -> float:
    """GB to pull for this image: the same for everybody."""
    return IMAGE[0] + (IMAGE[1] - IMAGE[0]) * fraction("image size", image) ** 2
