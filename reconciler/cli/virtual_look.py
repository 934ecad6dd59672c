"""Looking at one simulated instance: its checks in their order, as `probe.look` does it over real connections."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.core.causes import (
    CLOSED,
    HOST_KEY_CHANGED,
    LOGIN_REFUSED,
    NO_ANSWER,
    NO_BANNER,
    NOT_PUBLISHED,
    REFUSED,
    TIMED_OUT,
    exited,
    http_status,
    verdict_of,
)
from reconciler.core.readiness import Check, Finding, Target
from reconciler.core.text import safe
from reconciler.probe.gpus import QUERY, judge
from reconciler.probe.known_hosts import HostKey, KnownHosts
from reconciler.probe.visit import Missed, Patience

if TYPE_CHECKING:
    from reconciler.simulator.knocks import Heard, Knocks

_CAUSES = {
    "silent": TIMED_OUT,
    "refused": REFUSED,
    "closed": CLOSED,
    "mute": NO_BANNER,
    "denies": LOGIN_REFUSED,
}
_KIND = "ssh-ed25519"


@dataclass(slots=True)
class Look:
    """One target, and the time that was spent on it."""

    knocks: Knocks
    hosts: KnownHosts
    patience: Patience
    target: Target
    spent: float = 0.0
    _logged_in: bool = False

    def findings(self) -> Iterator[Finding]:
        """What each check says, up to the first that does not pass."""
        for check in self.target.checks:
            try:
                self._act(check)
            except Missed as missed:
                verdict = verdict_of(missed.cause, key_held=True)
                yield Finding(check, verdict, missed.cause, safe(missed.detail, 200))
                return
            yield Finding(check, "pass")

    def _act(self, check: Check) -> None:
        match check.kind:
            case "ssh":
                self._login()
            case "gpu":
                ran = self._run(QUERY)
                judge(ran.code, ran.said, self.target)
            case "command":
                if code := self._run(check.run).code:
                    raise Missed(exited(code), check.run)
            case "tcp":
                self._door(check)
            case "http":
                self._door(check)
                heard = self._spend(self.knocks.status(self._id), self.patience.answer_s)
                if not 200 <= heard.code < 400:
                    raise Missed(http_status(heard.code), f"GET {check.path}")

    @property
    def _id(self) -> int:
        return self.target.instance.id

    def _login(self) -> None:
        if self._logged_in:
            return
        heard = self._spend(self.knocks.login(self._id), self.patience.answer_s)
        if heard.trouble != "denies":
            self._judge(heard)
        if not self.hosts.is_the_first(self._id, HostKey(_KIND, self.knocks.host_key(self._id))):
            raise Missed(HOST_KEY_CHANGED, "the server has another key than the first time")
        self._judge(heard)
        self._logged_in = True

    def _run(self, line: str) -> Heard:
        self._login()
        heard = self._spend(self.knocks.command(self._id, line), self.patience.target_s)
        self._judge(heard)
        return heard

    def _door(self, check: Check) -> None:
        heard = self.knocks.door(self._id, check.port or 0)
        if heard is None:
            raise Missed(NOT_PUBLISHED, f"port {check.port} of the container has no address outside")
        self._judge(self._spend(heard, self.patience.connect_s))

    def _judge(self, heard: Heard) -> None:
        if heard.trouble:
            raise Missed(_CAUSES[heard.trouble])

    def _spend(self, heard: Heard, most: float) -> Heard:
        """Let as much of the target's time pass as it took. Raises `Missed` where that was too much."""
        most = min(most, self.patience.target_s - self.spent)
        lasted = most if heard.trouble in ("silent", "mute") else heard.seconds
        self.spent += min(most, lasted)
        if lasted > most:
            raise Missed(NO_ANSWER)
        return heard
