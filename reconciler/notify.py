"""Letters to webhooks: one POST each, in bounded time.

What fails is said and stays for a later pass. The address is a secret, so no message holds it.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reconciler import __version__
from reconciler.core.envelopes import body_of
from reconciler.core.incidents import Letter
from reconciler.core.notify import Notify, Webhook
from reconciler.core.secret import Hidden

if TYPE_CHECKING:
    import httpx

PATIENCE_S = 5.0
"""How long one webhook may take for each step of an answer."""
TOTAL_S = 15.0
"""After so long no further letter is begun in a pass."""
REST_S = 60.0
"""A webhook that failed is not tried again before."""
AGAIN = "a later pass tries again, after a minute at the earliest"


class Webhooks:
    """Carries letters to the webhooks of a policy. `look_up` gives the value of a variable; `told` hears of failures,
    of each webhook in the same words only once until it works again."""

    def __init__(
        self,
        notify: Notify,
        owner: str,
        look_up: Callable[[str], str | None],
        told: Callable[[str], None],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hooks = {hook.variable: hook for hook in notify.webhooks}
        self._owner, self._look_up, self._told, self._monotonic = owner, look_up, told, monotonic
        self._resting: dict[str, float] = {}
        self._said: dict[str, str] = {}

    def deliver(self, letters: Sequence[Letter]) -> frozenset[int]:
        """Which of `letters`, by their position, were taken. Of one webhook the order is kept; never raises."""
        begun, done = self._monotonic(), set()
        self._resting = {name: until for name, until in self._resting.items() if begun < until}
        ready = {name: hook for name, hook in self._hooks.items() if name not in self._resting}
        addressed = [(at, ready[letter.to]) for at, letter in enumerate(letters) if letter.to in ready]
        if not addressed:
            return frozenset()
        with _client() as client:
            for at, hook in addressed:
                if self._monotonic() - begun > TOTAL_S:
                    break
                if hook.variable not in self._resting and self._sent(client, hook, letters[at]):
                    done.add(at)
        return frozenset(done)

    def _sent(self, client: httpx.Client, hook: Webhook, letter: Letter) -> bool:
        why = self._post(client, hook, letter)
        if why is None:
            self._said.pop(hook.variable, None)
            return True
        self._resting[hook.variable] = self._monotonic() + REST_S
        if self._said.get(hook.variable) != why:
            self._said[hook.variable] = why
            self._told(f"webhook {hook.variable}: not delivered, {why}; {AGAIN}")
        return False

    def _post(self, client: httpx.Client, hook: Webhook, letter: Letter) -> str | None:
        """Why it did not arrive. Only our own words: those of the libraries below quote the address."""
        url = Hidden(self._look_up(hook.variable) or "")
        if (flaw := flaw_of(url)) is not None:
            return flaw
        try:
            with client.stream("POST", str(url), json=body_of(letter, hook.format, self._owner)) as answer:
                return None if answer.is_success else f"it answered {answer.status_code}"
        except Exception as error:
            return f"no answer ({type(error).__name__})"


def flaw_of(url: str) -> str | None:
    """What is wrong with an address, in words that do not quote it."""
    if not url:
        return "the variable is not set"
    try:
        parts = urlsplit(str(url))
        host = parts.hostname or ""
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("https", "http"):
        return "the variable does not hold an https address"
    if parts.scheme == "http" and not _is_loopback(host):
        return "the address is not https"
    return None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _client() -> httpx.Client:
    import httpx

    return httpx.Client(
        headers={"User-Agent": f"vast-reconciler/{__version__}"},
        timeout=httpx.Timeout(PATIENCE_S),
        follow_redirects=False,
        trust_env=False,
    )
