"""Looking at one instance: its checks in their order, over one SSH connection, until one does not pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from reconciler.core.causes import (
    HOST_KEY_CHANGED,
    LOGIN_REFUSED,
    NEVER_COUNTS,
    NO_ADDRESS,
    NO_KEY,
    NO_TIME,
    NOT_PUBLISHED,
    exited,
)
from reconciler.core.instance import Endpoint
from reconciler.core.model import Port
from reconciler.core.readiness import Check, Target
from reconciler.probe.banner import read_banner
from reconciler.probe.dialling import Dialler
from reconciler.probe.gpus import QUERY, judge
from reconciler.probe.known_hosts import KnownHosts
from reconciler.probe.login import Session, logged_in
from reconciler.probe.visit import Missed, Visit
from reconciler.probe.web import ask

if TYPE_CHECKING:
    import paramiko

T = TypeVar("T")

_SPOKEN = (HOST_KEY_CHANGED, LOGIN_REFUSED)
"""What the instance's own server said: it is the same server behind every way."""


class Heard(NamedTuple):
    """A check, and what was missed; None: it passed."""

    check: Check
    missed: Missed | None


@dataclass(frozen=True, slots=True)
class Means:
    """What all looks of a call share."""

    dialler: Dialler
    hosts: KnownHosts
    key: paramiko.PKey | None = None
    """None: only the banner is looked at, unless `no_key` says what is wrong with the key that was named."""
    no_key: Missed | None = None


@dataclass(slots=True)
class Look:
    """One target and its visit. `heard` can be called once, in any thread."""

    means: Means
    target: Target
    visit: Visit
    _open: ExitStack = field(default_factory=ExitStack)
    _session: Session | None = None

    def heard(self, at_the_latest: float) -> list[Heard]:
        """What each check heard, up to the first that did not pass."""
        self.visit.begin(at_the_latest)
        with self._open:
            return list(self._in_order())

    def _in_order(self) -> Iterator[Heard]:
        for check in self.target.checks:
            try:
                self._act(check)
            except Missed as missed:
                unfair = self.visit.was_cut_short
                yield Heard(check, Missed(NO_TIME, "so many others took too long") if unfair else missed)
                return
            yield Heard(check, None)

    def _act(self, check: Check) -> None:
        match check.kind:
            case "ssh":
                self._ssh()
            case "gpu":
                judge(*self._logged_in().run(QUERY), self.target)
            case "command":
                # What it says is not shown: a script of the user's may print anything.
                code = self._logged_in().run(check.run).code
                if code:
                    raise Missed(exited(code), check.run)
            case "tcp":
                with self.means.dialler.dialled(self._published(check), self.visit):
                    pass
            case "http":
                endpoint = self._published(check)
                with self.means.dialler.dialled(endpoint, self.visit) as connection:
                    ask(connection, endpoint, check.path, self.visit)

    def _published(self, check: Check) -> Endpoint:
        known = dict(self.target.instance.endpoints)
        endpoint = known.get(Port(check.port or 0))
        if endpoint is None:
            raise Missed(NOT_PUBLISHED, f"port {check.port} of the container has no address outside")
        return endpoint

    def _ssh(self) -> None:
        if self.means.key is not None or self.means.no_key is not None:
            self._logged_in()
            return

        def banner(way: Endpoint) -> str:
            with self.means.dialler.dialled(way, self.visit) as connection:
                return read_banner(connection, self.visit)

        self._by_any_way(banner)

    def _logged_in(self) -> Session:
        if self._session is None:
            if self.means.key is None:
                raise self.means.no_key or Missed(NO_KEY, "no private key is named to log in with")
            key = self.means.key
            self._session = self._by_any_way(lambda way: self._stay(self._login(way, key)))
        return self._session

    def _stay(self, entered: AbstractContextManager[T]) -> T:
        """Keep something open until the look is over."""
        return self._open.enter_context(entered)

    @contextmanager
    def _login(self, way: Endpoint, key: paramiko.PKey) -> Iterator[Session]:
        number = self.target.instance.id
        with (
            self.means.dialler.dialled(way, self.visit) as connection,
            logged_in(connection, key, number, self.means.hosts, self.visit) as session,
        ):
            yield session

    def _by_any_way(self, act: Callable[[Endpoint], T]) -> T:
        """The direct way first, then the proxy. Where one of them cannot be judged from here, nothing is."""
        instance = self.target.instance
        ways = [way for way in dict.fromkeys((instance.ssh_direct, instance.ssh_proxy)) if way is not None]
        failed: list[tuple[Endpoint, Missed]] = []
        for way in ways:
            try:
                return act(way)
            except Missed as missed:
                if missed.cause in _SPOKEN:
                    raise
                failed.append((way, missed))
        raise _summed_up(failed)


def _summed_up(failed: list[tuple[Endpoint, Missed]]) -> Missed:
    if not failed:
        return Missed(NO_ADDRESS, "the account tells no way in")
    causes = [missed.cause for _, missed in failed]
    cause = next((each for each in causes if each in NEVER_COUNTS), causes[0])
    return Missed(cause, "; ".join(f"{way.host}:{way.port}: {missed.cause}" for way, missed in failed))
