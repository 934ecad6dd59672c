"""The smallest fleet, to be changed by a test in what matters to it."""

from __future__ import annotations

FLEET = """\
kind: Fleet
name: june
gpu: {models: [RTX 3060]}
price: {max_per_hour: 0.5}
container: {image: acme/june:1}
"""


def fleet(**changes: str) -> str:
    """The smallest fleet with some of its lines replaced or added; an empty text drops the line."""
    lines = {line.split(":")[0]: line for line in FLEET.splitlines()}
    lines.update({name: f"{name}: {value}" if value else "" for name, value in changes.items()})
    return "\n".join(line for line in lines.values() if line) + "\n"
