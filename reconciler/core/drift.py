"""Where an instance differs from what its fleet declares: the field, what is desired, what is there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from reconciler.core.bids import kind_ordered
from reconciler.core.gpus import normalise
from reconciler.core.instance import Instance
from reconciler.core.label import Mark
from reconciler.core.model import Banned, Blacklist, Fleet
from reconciler.core.places import matches, parse_location
from reconciler.core.renewal import running_out
from reconciler.core.rental import RentalKind
from reconciler.values import dataclass

TEXT_RULES = frozenset({"gpu.models", "gpu.min_vram_gb", "regions"})
"""Rules judged by text of the machine, which flaps: they condemn only after `TEXT_LASTS_S` of complete lists."""
TEXT_LASTS_S = 600.0
KIND = "rental.kind"
PRICE_TOLERANCE = Decimal("1.01")
VRAM_TOLERANCE = Decimal("0.93")
MB_OF_A_GB = VRAM_TOLERANCE * 1024
"""What a card must report for each GB declared."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One field that is not as declared."""

    field: str
    desired: str
    actual: str

    def __str__(self) -> str:
        return f"{self.field} {self.actual} -> {self.desired}" if self.actual or self.desired else self.field


UNWANTED = Drift("a replacement was asked for", "", "")
"""What is wrong with an instance that a person wants replaced: nothing else need be."""


def is_of_machine(drift: Drift) -> bool:
    """Whether another instance on the same machine would be as wrong, as far as that can be told."""
    return not (drift == UNWANTED or drift.field == KIND or drift.field.startswith("container"))


def min_vram_mb(fleet: Fleet) -> Decimal | None:
    """The memory a card must report, in MB: 0.93 of the declared GB, since cards report a little less than sold."""
    gb = fleet.gpu.min_vram_gb
    return None if gb is None else gb * MB_OF_A_GB


def banned(entries: tuple[Banned, ...], number: int | None, now: float) -> Banned | None:
    """The entry that bans `number` today (UTC), if any."""
    return in_force(entries, now).get(number) if entries and number is not None else None


def in_force(entries: tuple[Banned, ...], now: float) -> dict[int, Banned]:
    """The entries that hold today (UTC), by what they ban; the first of several."""
    today = datetime.fromtimestamp(now, UTC).date()
    return {b.id: b for b in reversed(entries) if b.until is None or today <= b.until}


def outside(fleet: Fleet, location: str | None) -> bool | None:
    """Whether a place breaks the fleet's rules about regions; None when that cannot be told."""
    place = parse_location(location)
    blocked = [matches(token, place) for token in fleet.regions.blocked]
    if True in blocked:
        return True
    if fleet.regions.elsewhere == "allow" or not fleet.regions.tiers:
        return None if None in blocked else False
    allowed = [matches(token, place) for tier in fleet.regions.tiers for token in tier.places]
    if True in allowed:
        return None if None in blocked else False
    return None if None in allowed else True


def static_drift(fleet: Fleet, instance: Instance, mark: Mark) -> tuple[Drift, ...]:
    """How the instance's spec hash differs, in words as far as the account tells."""
    ordered = kind_ordered(fleet, mark)
    if ordered is not None:
        return () if mark.adopted else tuple(_kind(ordered, instance))
    return explain(fleet, instance) or (
        Drift("container", "as declared now", "env, onstart, args, ports or connect changed"),
    )


def _kind(ordered: RentalKind, instance: Instance) -> Iterator[Drift]:
    """An instance that is of another kind than it was ordered as: it pays, or can be lost, as nobody asked for."""
    actual = kind_of(instance)
    if actual is not None and actual != ordered:
        yield Drift(KIND, ordered, actual)


def kind_of(instance: Instance) -> RentalKind | None:
    """How an instance is rented, as far as the account tells."""
    if instance.interruptible is None:
        return None
    return "interruptible" if instance.interruptible else "on-demand"


def explain(fleet: Fleet, instance: Instance) -> tuple[Drift, ...]:
    """The static fields whose difference the account shows: image, disk, GPU count, template, rental kind."""
    from deepdiff import DeepDiff

    desired: dict[str, object] = {"disk_gb": Decimal(fleet.container.disk_gb), "gpu.count": fleet.gpu.count}
    actual: dict[str, object] = {"disk_gb": instance.disk_gb, "gpu.count": instance.gpu_count}
    desired[KIND], actual[KIND] = fleet.rental.kind, kind_of(instance)
    if fleet.container.image:
        desired["image"], actual["image"] = fleet.container.image, instance.image
    else:
        desired["vast_template"], actual["vast_template"] = fleet.container.vast_template, instance.vast_template
    told = {key: value for key, value in actual.items() if value is not None}
    difference = DeepDiff({key: desired[key] for key in told}, told, ignore_numeric_type_changes=True)
    changed = sorted(set(difference.affected_root_keys))
    return tuple(
        Drift(key if "." in key else f"container.{key}", f"{desired[key]}", f"{actual[key]}") for key in changed
    )


def dynamic_drift(fleet: Fleet, instance: Instance, shared: Blacklist, now: float) -> tuple[Drift, ...]:
    """Rules the instance breaks on positive evidence: a known value outside the rule, never an unknown one; and a
    contract that is about to end."""
    rules = (_gpu(fleet, instance), _vram(fleet, instance), _region(fleet, instance), _price(fleet, instance))
    bans = [_ban(lists, instance, now) for lists in (fleet.blacklist, shared) if lists.hosts or lists.machines]
    return tuple([drift for drift in (*rules, *bans, _expiry(fleet, instance, now)) if drift is not None])


def _expiry(fleet: Fleet, instance: Instance, now: float) -> Drift | None:
    found = running_out(fleet, instance, now)
    return None if found is None else Drift("replace.before_expiry", *found)


def _gpu(fleet: Fleet, instance: Instance) -> Drift | None:
    if instance.gpu_name is None or normalise(instance.gpu_name) in fleet.gpu.models:
        return None
    return Drift("gpu.models", " or ".join(fleet.gpu.models), instance.gpu_name)


def _vram(fleet: Fleet, instance: Instance) -> Drift | None:
    least = min_vram_mb(fleet)
    if least is None or instance.vram_mb is None or instance.vram_mb >= least:
        return None
    return Drift("gpu.min_vram_gb", f"{fleet.gpu.min_vram_gb} GB", f"{instance.vram_mb:.0f} MB")


def _region(fleet: Fleet, instance: Instance) -> Drift | None:
    if outside(fleet, instance.location) is not True:
        return None
    return Drift("regions", "inside the declared regions", instance.location or "unknown")


def _price(fleet: Fleet, instance: Instance) -> Drift | None:
    cap = fleet.price.max_per_hour
    if instance.price_per_hour is None or instance.price_per_hour <= cap * PRICE_TOLERANCE:
        return None
    return Drift("price.max_per_hour", f"${cap:.3f}/h", f"${instance.price_per_hour:.3f}/h")


def _ban(lists: Blacklist, instance: Instance, now: float) -> Drift | None:
    for kind, entries, number in (
        ("hosts", lists.hosts, instance.host_id),
        ("machines", lists.machines, instance.machine_id),
    ):
        entry = banned(entries, number, now)
        if entry is not None:
            why = f" ({entry.reason})" if entry.reason else ""
            return Drift(f"blacklist.{kind}", "another one", f"{kind[:-1]} {number}{why}")
    return None
