"""What NVIDIA's driver calls a GPU, which is not quite what the market calls it."""

from __future__ import annotations

import re

_NAMES = {
    "A100 PCIE": "NVIDIA A100 80GB PCIe",
    "A100 SXM4": "NVIDIA A100-SXM4-80GB",
    "H100 PCIE": "NVIDIA H100 PCIe",
    "H100 SXM": "NVIDIA H100 80GB HBM3",
    "RTX PRO 6000 S": "NVIDIA RTX PRO 6000 Blackwell Server Edition",
    "RTX PRO 6000 WS": "NVIDIA RTX PRO 6000 Blackwell Workstation Edition",
    "Tesla V100": "Tesla V100-SXM2-16GB",
}
_FOR_GAMES = re.compile(r"(RTX [2-5]0\d0|GTX \d{3,4})( ?S)?( Ti)?( laptop|D)?")
_KINDS = {" laptop": " Laptop GPU", "D": " D", None: ""}


def full_name(name: str) -> str:
    """The driver's name for a name of the market."""
    if games := _FOR_GAMES.fullmatch(name):
        model, strong, titanium, kind = games.groups()
        return f"NVIDIA GeForce {model}{titanium or ''}{' SUPER' if strong else ''}{_KINDS[kind]}"
    if name in _NAMES:
        return _NAMES[name]
    if name.startswith("Q RTX "):
        return f"Quadro {name.removeprefix('Q ')}"
    if name.startswith("Tesla "):
        return name
    return f"NVIDIA {name.replace('Titan', 'TITAN').replace('Ada', ' Ada Generation')}"
