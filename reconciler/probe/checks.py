"""Are machines ready, and how far are they: one probe for both, from where this program runs.

What a look at a machine needs is imported by the first look: most commands take none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from reconciler.core.readiness import Finding, Target
from reconciler.probe.key import LoginKey, flaw_of_key, public_half
from reconciler.probe.known_hosts import KnownHosts
from reconciler.probe.latency import Address, TcpProbe, is_public
from reconciler.values import dataclass

if TYPE_CHECKING:
    from reconciler.core.instance import Instance
    from reconciler.core.ssh_keys import SshKey
    from reconciler.probe.rounds import Manner

AccountKeys: TypeAlias = "Callable[[], Sequence[SshKey] | None]"
"""The account's public keys; None where they cannot be known."""


@dataclass(frozen=True, slots=True)
class MachineProbe:
    """Looks at machines. No thread and no socket outlives a call.

    `login` tells the private key's file; without one nobody logs in, and `ssh` is content with a banner. A refused
    login counts against a machine only where `account_keys` holds the key's public half; it is called in the calling
    thread, at most once a call. `allow` decides which addresses may be connected to. `tick` is called a few times a
    second and may raise to stop. `manner` is for tests.
    """

    login: LoginKey = field(default_factory=LoginKey)
    hosts: KnownHosts = field(default_factory=KnownHosts)
    account_keys: AccountKeys = field(default=lambda: None)
    allow: Callable[[Address], bool] = is_public
    tick: Callable[[], None] = field(default=lambda: None)
    latency: TcpProbe = field(default_factory=TcpProbe)
    manner: Manner | None = None

    @property
    def key(self) -> Path | None:
        """The private key's file."""
        return self.login.path

    def latency_ms(self, addresses: Sequence[str], timeout_s: float) -> Mapping[str, float]:
        """The round trip to each public address that answered within `timeout_s`, in milliseconds."""
        return self.latency.latency_ms(addresses, timeout_s)

    def check(self, targets: Sequence[Target]) -> Mapping[int, tuple[Finding, ...]]:
        """What the checks of each target say, by the instance's id."""
        from reconciler.probe.rounds import Manner, go_round
        from reconciler.probe.verdicts import findings

        wanted = [target for target in targets if target.checks]
        heard = go_round(wanted, self.key, self.hosts, self.allow, self.tick, self.manner or Manner())
        nothing: dict[int, tuple[Finding, ...]] = {target.instance.id: () for target in targets}
        return nothing | findings(wanted, heard, self.key, self.account_keys)

    def controls(self, instances: Sequence[Instance]) -> frozenset[str]:
        """How connections to the proxies of a few of these instances ended, by their causes; an empty one stood."""
        from reconciler.probe.rounds import Manner, controls

        return controls(instances, self.allow, self.tick, self.manner or Manner())

    def why_no_login(self) -> str | None:
        """There is no key that can be used, or the account is known not to hold its public half."""
        if self.key is None:
            return "no SSH key is given that can be used"
        public = self.public_key()
        if public is None:
            return f"the key {flaw_of_key(self.key)}"
        from reconciler.core.ssh_keys import held

        keys = self.account_keys()
        return None if keys is None or held(keys, public) else f"the account does not hold the key {self.key}"

    def key_to_let_in(self) -> str | None:
        """The public half of the key, where the account's keys cannot be known."""
        public = self.public_key()
        return public if public is not None and self.account_keys() is None else None

    def why_no_key(self) -> str | None:
        """A key is named, and nobody could log in with it."""
        return None if self.key is None else self.why_no_login()

    def public_key(self) -> str | None:
        """The public half of the private key on one line; None without a key that can be used."""
        return public_half(self.key)
