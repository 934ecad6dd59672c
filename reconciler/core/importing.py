"""Alike instances as one fleet: what a spec would say of them. Pure; writing it down is done elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from reconciler.core.gpus import normalise
from reconciler.core.instance import Instance, Setup
from reconciler.core.places import is_known, parse_location

MARGIN = Decimal("1.10")
"""The cap is what the dearest instance costs, and a tenth more."""
_CENT = Decimal("0.001")
LEAST_DISK_GB = 8
LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Likeness:
    """What instances of one fleet have in common. `image` has a tag; one of `image` and `vast_template` is set."""

    image: str | None
    vast_template: str | None
    disk_gb: int
    gpu_model: str
    gpu_count: int
    setup: Setup


@dataclass(frozen=True, slots=True)
class Group:
    """Alike instances, by id, and what a fleet of them is called."""

    name: str
    likeness: Likeness
    instances: tuple[Instance, ...]
    max_per_hour: Decimal
    countries: tuple[str, ...]
    """Where they stand; empty where one of them does not tell."""


@dataclass(frozen=True, slots=True)
class Left:
    """An instance that no spec is written for, and why."""

    instance_id: int
    why: str


def groups_of(instances: Iterable[Instance], taken: frozenset[str]) -> tuple[tuple[Group, ...], tuple[Left, ...]]:
    """The groups, in the order of their lowest ids, and what cannot be described. `taken` are names of fleets that
    are used already."""
    alike: dict[Likeness, list[Instance]] = {}
    left: list[Left] = []
    for instance in sorted(instances, key=lambda one: one.id):
        found = likeness_of(instance)
        if isinstance(found, Left):
            left.append(found)
        else:
            alike.setdefault(found, []).append(instance)
    used, groups = set(taken), []
    for likeness, members in alike.items():
        name = _free(_stem(likeness, members), used)
        used.add(name)
        groups.append(Group(name, likeness, tuple(members), _cap(members), _countries(members)))
    return tuple(groups), tuple(left)


def likeness_of(instance: Instance) -> Likeness | Left:
    """What a spec says of one instance, or why none can."""
    missing = {
        "its image": instance.image or instance.vast_template,
        "its GPU": instance.gpu_name,
        "how many GPUs it has": instance.gpu_count,
        "its disk": instance.disk_gb,
        "its price": instance.price_per_hour,
    }
    unknown = [what for what, value in missing.items() if value is None]
    if unknown:
        return Left(instance.id, f"the account does not tell {', '.join(unknown)}")
    if instance.interruptible:
        return Left(instance.id, "it is interruptible, and how to bid for it is yours to say; adopt takes it by name")
    assert instance.gpu_name is not None
    assert instance.gpu_count is not None
    assert instance.disk_gb is not None
    return Likeness(
        image=tagged(instance.image) if instance.image else None,
        vast_template=None if instance.image else instance.vast_template,
        disk_gb=max(LEAST_DISK_GB, int(instance.disk_gb.to_integral_value(ROUND_CEILING))),
        gpu_model=normalise(instance.gpu_name),
        gpu_count=instance.gpu_count,
        setup=instance.setup or Setup(),
    )


def tagged(image: str) -> str:
    """The image with the tag that no tag means."""
    return image if ":" in image.rpartition("/")[2] or "@" in image else f"{image}:latest"


def _cap(members: Sequence[Instance]) -> Decimal:
    dearest = max(member.price_per_hour or Decimal(0) for member in members)
    return (dearest * MARGIN).quantize(_CENT, ROUND_CEILING)


def _countries(members: Sequence[Instance]) -> tuple[str, ...]:
    found = {parse_location(member.location).country for member in members}
    known = [country for country in found if country is not None and is_known(country)]
    return tuple(sorted(known)) if len(known) == len(found) else ()


def _stem(likeness: Likeness, members: Sequence[Instance]) -> str:
    """What the labels have in common without their numbers, else the image's last word."""
    labels = {_slug(re.sub(r"[-_/.#: ]*[0-9]*$", "", member.label or "")) for member in members}
    label = labels.pop() if len(labels) == 1 else ""
    image = re.split(r"[:@]", (likeness.image or "").rpartition("/")[2])[0]
    return label or _slug(image) or _slug(f"template-{likeness.vast_template or ''}"[:17]) or "fleet"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[: LONGEST_NAME - 4].strip("-")


def _free(stem: str, used: set[str]) -> str:
    names = (stem if number == 1 else f"{stem}-{number}" for number in range(1, len(used) + 2))
    return next(name for name in names if name not in used)
