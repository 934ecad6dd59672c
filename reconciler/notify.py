"""Letters to webhooks: one POST each, in bounded time.

What fails is said and stays for a later pass. The address is a secret, so no message holds it.
"""

from __future__ import annotations

import asyncio
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

PATIENCE_S = 15.0
"""How long one letter may take, from looking up the name to the last line of the answer's header."""
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
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._hooks = {hook.variable: hook for hook in notify.webhooks}
        self._owner, self._look_up, self._told = owner, look_up, told
        self._monotonic, self._patience_s = monotonic, patience_s
        self._resting: dict[str, float] = {}
        self._said: dict[str, str] = {}

    def deliver(self, letters: Sequence[Letter]) -> frozenset[int]:
        """Which of `letters`, by their position, were taken. Of one webhook the order is kept; never raises."""
        begun = self._monotonic()
        self._resting = {name: until for name, until in self._resting.items() if begun < until}
        ready = {name: hook for name, hook in self._hooks.items() if name not in self._resting}
        addressed = [(at, ready[letter.to]) for at, letter in enumerate(letters) if letter.to in ready]
        return asyncio.run(self._carried(letters, addressed, begun)) if addressed else frozenset()

    async def _carried(
        self, letters: Sequence[Letter], addressed: Sequence[tuple[int, Webhook]], begun: float
    ) -> frozenset[int]:
        done = set()
        async with _client(self._patience_s) as client:
            for at, hook in addressed:
                if self._monotonic() - begun > TOTAL_S:
                    break
                if hook.variable not in self._resting and await self._sent(client, hook, letters[at]):
                    done.add(at)
        return frozenset(done)

    async def _sent(self, client: httpx.AsyncClient, hook: Webhook, letter: Letter) -> bool:
        why = await self._post(client, hook, letter)
        if why is None:
            self._said.pop(hook.variable, None)
            return True
        self._resting[hook.variable] = self._monotonic() + REST_S
        if self._said.get(hook.variable) != why:
            self._said[hook.variable] = why
            self._told(f"webhook {hook.variable}: not delivered, {why}; {AGAIN}")
        return False

    async def _post(self, client: httpx.AsyncClient, hook: Webhook, letter: Letter) -> str | None:
        """Why it did not arrive. Only our own words: those of the libraries below quote the address."""
        url = Hidden(self._look_up(hook.variable) or "")
        if (flaw := flaw_of(url)) is not None:
            return flaw
        body = body_of(letter, hook.format, self._owner)
        try:
            async with asyncio.timeout(self._patience_s), client.stream("POST", str(url), json=body) as answer:
                return None if answer.is_success else f"it answered {answer.status_code}"
        except TimeoutError:
            return f"no answer within {self._patience_s:g} s"
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


def _client(patience_s: float) -> httpx.AsyncClient:
    """A client that waits as long as it is let: a patience of its own would begin anew with every line that drips in.
    Connecting and its handshake have a third each, for one that is cut off from outside may leave its socket open."""
    import httpx

    return httpx.AsyncClient(
        headers={"User-Agent": f"vast-reconciler/{__version__}"},
        timeout=httpx.Timeout(None, connect=patience_s / 3),
        follow_redirects=False,
        trust_env=False,
    )
