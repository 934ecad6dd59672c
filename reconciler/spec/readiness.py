"""Readiness, health and strikes of a document without mistakes, as the words of the house."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from reconciler.core.readiness import Check, CheckKind, HealthRules, Readiness
from reconciler.core.strikes import StrikeRules
from reconciler.spec.durations import seconds

Fields = Mapping[str, Any]


def readiness_of(fields: Fields) -> Readiness:
    """`readiness`."""
    timeout, checks = fields.get("boot_timeout"), fields.get("checks")
    return Readiness(
        None if timeout is None else float(seconds(timeout)),
        None if checks is None else tuple(map(_check, checks)),
    )


def _check(entry: Fields) -> Check:
    [(written, settings)] = entry.items()
    kind: CheckKind = next(kind for kind in get_args(CheckKind) if kind == written)
    return Check(kind, **settings)


def health_of(fields: Fields) -> HealthRules:
    """`health`, but for what becomes of a manual stop."""
    written = fields.get("unhealthy_after")
    return HealthRules() if written is None else HealthRules(float(seconds(written)))


def strikes_of(fields: Fields) -> StrikeRules:
    """`strikes` of a policy."""
    ours = StrikeRules()
    return StrikeRules(
        fields.get("after", ours.after),
        float(seconds(fields["for"])) if "for" in fields else ours.for_s,
        fields.get("doubling", ours.doubling),
        float(seconds(fields["at_most"])) if "at_most" in fields else ours.at_most_s,
    )
