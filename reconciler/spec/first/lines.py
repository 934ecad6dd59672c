"""The lines of a first spec: each field one would change, with a value that works and a word on what it does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

FLEET = "first-fleet"
IMAGE = "pytorch/pytorch:2.4.0-cuda12.4-cudnn9-runtime"


WIDE = 120
"""A comment that would go beyond this column is shortened."""
_DEFAULT = "the default; "


@dataclass(frozen=True, slots=True)
class Line:
    """One field: its block (empty at the top), its value as YAML, what it does, and where the value came from."""

    block: str
    name: str
    value: str
    said: str
    live: bool = True
    """False: an example in a comment."""
    below: tuple[str, ...] = ()
    """Lines of a list that stand under it, instead of a value."""
    source: str = ""
    must_be_chosen: bool = False
    """Where settings do not say it, the spec tells that it was chosen here."""

    @property
    def route(self) -> tuple[str, ...]:
        """The way to the field."""
        return (self.block, self.name) if self.block else (self.name,)

    def written(self) -> str:
        """The line, indented as deep as it stands."""
        indent = "  " if self.block else ""
        value = f" {self.value}" if self.value else ""
        field = f"{'' if self.live else '# '}{self.name}:{value} #"
        head = f"{field} {self._comment(WIDE - len(indent) - len(field) - 1)}"
        mark = "  " if self.live else "#   "
        return "\n".join(f"{indent}{each}" for each in (head, *(f"{mark}{row}" for row in self.below)))

    def _comment(self, room: int) -> str:
        """Where the value came from, in any case; what the field does, where there is room for it."""
        both = f"{self.source}; {self.said.removeprefix(_DEFAULT)}" if self.source else self.said
        return both if len(both) <= room or not self.source else self.source


def commented(lines: Iterable[str]) -> list[str]:
    """Live lines as an example: a blank block that one only has to uncomment."""
    rows = [row for line in lines for row in line.split("\n")]
    return [row if row.startswith("#") else f"# {row}" for row in rows]


def _example(block: str, name: str, value: str, said: str, below: tuple[str, ...] = ()) -> Line:
    """A field that is not needed, in a comment."""
    return Line(block, name, value, said, live=False, below=below)


LINES = (
    Line("", "name", FLEET, "yours to choose: small letters, digits and hyphens; its seats are first-fleet/0, /1, ..."),
    Line("", "replicas", "1", "how many instances should exist; 0 rents none"),
    Line(
        "gpu", "models", "[RTX 3060, RTX 3090, RTX 4090]", "any of these will do; `reconcile offers` shows the market",
        must_be_chosen=True,
    ),
    _example("gpu", "count", "1", "GPUs in one instance"),
    _example("gpu", "min_vram_gb", "12", "memory of one GPU; not written: the card implies it"),
    Line(
        "price", "max_per_hour", "0.50", "the most one instance may cost, in $/h: GPU and disk together",
        must_be_chosen=True,
    ),
    _example("price", "budget_per_hour", "1.00", "the most the whole fleet may cost, a step of a rollout included"),
    _example(
        "regions", "tiers", "", "places in order of preference; the first that matches counts, elsewhere is refused",
        ("- {name: west, in: [US-CA, US-WA, US-OR], bonus: 0.2}", "- {name: near, in: [US, CA]}"),
    ),
    _example("regions", "strict_order", "true", "a tier only when the ones before it cannot fill the fleet"),
    _example("regions", "blocked", "[RU, CN]", "out, whatever the tiers say: US-CA, CA-ON, SE or Europe"),
    _example("host", "require", "[verified]", _DEFAULT + "verified, datacenter, static_ip; [] takes every host"),
    _example("host", "min_reliability", "0.95", _DEFAULT + "from 0 to 1"),
    _example("host", "min_download_mbps", "100", _DEFAULT + "as Vast.ai measured it"),
    _example("host", "min_upload_mbps", "100", "the same for uploads; not written: no rule"),
    _example("spread", "per_machine", "1", _DEFAULT + "so many replicas may share a machine; a number or 25%"),
    _example("blacklist", "hosts", "[12345]", "never rented from these; `machines` likewise"),
    Line(
        "container", "image", IMAGE, "what runs, its tag fixed; or vast_template: HASH",
        must_be_chosen=True,
    ),
    Line("container", "disk_gb", "32", "fixed for the life of an instance", must_be_chosen=True),
    _example("container", "ports", "[8000]", "published on the host's address"),
    _example(
        "container", "env", '{MODE: "demo", HF_TOKEN: {from_env: HF_TOKEN}}',
        "text in quotes; a secret by the name of its variable",
    ),
    _example("container", "onstart", "python serve.py", "a script that runs at every start, or {file: start.sh}"),
)  # fmt: skip

BLOCKS = {
    "regions": "where instances may stand; not written: anywhere",
    "host": "hard rules about the machine, judged when renting",
}
"""A word on the blocks whose name does not say it all."""
