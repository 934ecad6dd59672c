"""What an adopted instance may differ in: the label says under which spec it was taken as it is.

The spec hash in the label of an adopted instance is that of its fleet at the adoption. As long as the fleet has this
hash, nothing static counts against the instance. Rules about GPUs, places, prices and blacklists are not in that hash:
an adopted instance was never rented, so the attempt in its label says which of them it broke when it was taken, and how
they read. A rule that reads the same still does not count; once one of these rules reads otherwise, all of them do.
So the label alone carries it, and a lost ledger condemns nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from reconciler.core.drift import Drift, dynamic_drift, static_drift
from reconciler.core.fields import spec_hash
from reconciler.core.instance import Instance
from reconciler.core.label import Mark, Seat, base32, write_label
from reconciler.core.model import Blacklist, Fleet

RULES = ("gpu.models", "gpu.min_vram_gb", "regions", "price.max_per_hour", "blacklist")
"""One bit each: together a character of base32. Their order is part of the labels that are out there."""
_DIGITS = "abcdefghijklmnopqrstuvwxyz234567"


def adopted_label(owner: str, seat: Seat, fleet: Fleet, instance: Instance, shared: Blacklist, now: float) -> str:
    """The label that takes `instance` as it is now. Equal inputs give equal labels, so a second run goes on."""
    broken = {_rule(drift) for drift in dynamic_drift(fleet, instance, shared, now)}
    bits = sum(1 << at for at, rule in enumerate(RULES) if rule in broken)
    return write_label(Mark(owner, seat, spec_hash(fleet), _attempt(bits, fleet, instance.id, shared), adopted=True))


def sorted_drifts(
    fleet: Fleet, instance: Instance, mark: Mark, broken: Iterable[Drift], shared: Blacklist
) -> tuple[tuple[Drift, ...], tuple[Drift, ...]]:
    """The drift that counts against an instance, and the differences it was adopted with. `broken` are the dynamic
    ones."""
    static, dynamic = static_drift(fleet, instance, mark), tuple(broken)
    if not mark.adopted or static:
        return (*static, *dynamic), ()
    from reconciler.core.differences import differences

    taken = _taken_with(mark, fleet, instance.id, shared)
    counts = tuple(drift for drift in dynamic if _rule(drift) not in taken)
    return counts, (*differences(fleet, instance), *(drift for drift in dynamic if _rule(drift) in taken))


def _taken_with(mark: Mark, fleet: Fleet, instance_id: int, shared: Blacklist) -> frozenset[str]:
    """The rules that the instance broke when it was adopted; none where one of them reads otherwise by now."""
    bits = _DIGITS.index(mark.attempt[0])
    if _attempt(bits, fleet, instance_id, shared) != mark.attempt:
        return frozenset()
    return frozenset(_flagged(bits))


def _flagged(bits: int) -> list[str]:
    return [rule for at, rule in enumerate(RULES) if bits >> at & 1]


def _attempt(bits: int, fleet: Fleet, instance_id: int, shared: Blacklist) -> str:
    """Five bits for the rules, thirty-five over how they read and the id."""
    read = {rule: _reads(rule, fleet, shared) for rule in _flagged(bits)}
    text = json.dumps([instance_id, bits, read], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return _DIGITS[bits] + base32(hashlib.sha256(text.encode("ascii")).digest(), 7)


def _reads(rule: str, fleet: Fleet, shared: Blacklist) -> object:
    """A rule as a JSON value: what decides it, and nothing that only ranks."""
    match rule:
        case "gpu.models":
            return sorted(fleet.gpu.models)
        case "gpu.min_vram_gb":
            return None if fleet.gpu.min_vram_gb is None else f"{fleet.gpu.min_vram_gb.normalize():f}"
        case "regions":
            places = sorted({place for tier in fleet.regions.tiers for place in tier.places})
            return [places, sorted(fleet.regions.blocked), fleet.regions.elsewhere]
        case "price.max_per_hour":
            return f"{fleet.price.max_per_hour.normalize():f}"
        case _:
            lists = (fleet.blacklist, shared)
            hosts = {banned.id for each in lists for banned in each.hosts}
            return [sorted(hosts), sorted({banned.id for each in lists for banned in each.machines})]


def _rule(drift: Drift) -> str:
    return "blacklist" if drift.field.startswith("blacklist.") else drift.field
