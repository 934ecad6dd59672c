"""The blacklist as it stands for renting: the policy's, and the machines that strikes, or rents which came to nothing,
keep out for a while.

Only renting looks at the latter: a running instance is never condemned by a strike of its machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.core.aside import aside
from reconciler.core.model import Blacklist, Policy
from reconciler.core.record import Record
from reconciler.core.strikes import Struck, struck


@dataclass(frozen=True, slots=True)
class Bans(Blacklist):
    """A blacklist together with the struck machines, and with those set aside, by id."""

    struck: Mapping[int, Struck] = field(default_factory=dict)
    aside: Mapping[int, Struck] = field(default_factory=dict)


def bans_of(policy: Policy, record: Record, now: float) -> Blacklist:
    """What is out for every fleet under this policy."""
    shared = policy.blacklist
    return Bans(shared.hosts, shared.machines, struck(record.strikes, policy.strikes, now), aside(record, now))
