"""One connection, one key, one server. No exception of the HTTP library leaves this module."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterable
from dataclasses import replace

import httpx

from reconciler import __version__
from reconciler.clock import Clock
from reconciler.core.calls import Calls
from reconciler.vast.answers import MAX_WAIT_SECONDS, Answer, Call, NoAnswer, Outcome
from reconciler.vast.key import ApiKey
from reconciler.vast.pacing import Pacing
from reconciler.vast.redact import hide, spellings

TRIES = 4
"""How often a call that may be repeated is sent at most."""

MAX_BODY = 16 * 1024 * 1024
CALL_SECONDS = 60.0
MAX_FETCHED = 256 * 1024
FETCH_SECONDS = 20.0
_SHORTEST_KEY = 8
"""What is shorter is no key, and is found by chance in any body."""
_TIMEOUT = httpx.Timeout(connect=10, read=30, write=10, pool=10)
_BACKOFF_SECONDS = 1.0
_MAX_BACKOFF_SECONDS = 16.0


class Wire:
    """Sends calls at the pace the server asks for.

    `once` is one request on the wire, whatever happens; `patiently` repeats and is for calls that may be repeated.
    Both answer with a value: what failed is described, not raised.
    """

    def __init__(
        self,
        *,
        key: ApiKey,
        origin: str,
        clock: Clock,
        pacing: Pacing,
        transport: httpx.BaseTransport | None = None,
        jitter: Callable[[], float] = random.random,
        calls: Calls | None = None,
    ) -> None:
        self._key = key
        self._origin = origin
        self._clock = clock
        self._pacing = pacing
        self._jitter = jitter
        self._calls = Calls() if calls is None else calls
        self._headers = _headers(key)
        self._transport = transport or _transport(origin)
        self._bare = transport
        self._sent: set[str] = {key.reveal()}

    def close(self) -> None:
        """Give the connections back."""
        self._transport.close()
        if self._bare is not None:
            self._bare.close()

    @property
    def origin(self) -> str:
        """Whose answers these are."""
        return self._origin

    def also_hide(self, secrets: Iterable[str]) -> None:
        """Blot these out of everything that is shown from now on, as if they had been sent."""
        self._sent.update(secret for secret in secrets if secret)

    def hidden(self, text: str) -> str:
        """A text of many lines without the secrets that are known here."""
        return "\n".join(hide(line, self._sent) for line in text.splitlines())

    def fetch(self, url: str) -> str | None:
        """The end of what stands at an address outside the API, read without the key; None where nothing does (yet)."""
        if self._bare is None:
            self._bare = httpx.HTTPTransport(trust_env=False)
        deadline, body, read = self._clock.now() + FETCH_SECONDS, bytearray(), 0
        try:
            extensions = {"timeout": _TIMEOUT.as_dict()}
            request = httpx.Request("GET", url, headers={"Accept-Encoding": "identity"}, extensions=extensions)
            response = self._bare.handle_request(request)
            try:
                for chunk in [response.content] if response.is_stream_consumed else response.iter_raw():
                    body, read = (body + chunk)[-MAX_FETCHED:], read + len(chunk)
                    if read > MAX_BODY or self._clock.now() > deadline:
                        break
            finally:
                response.close()
        except (httpx.HTTPError, httpx.InvalidURL, OSError):
            return None
        whole = response.status_code == 200
        return self.hidden(body.decode("utf-8", "replace")) if whole else None

    @property
    def pacing(self) -> Pacing:
        """The clocks of the routes."""
        return self._pacing

    def carries_key(self, call: Call) -> bool:
        """True where the body of `call` holds the account's own key, which no rented host may ever see, in whatever
        spelling."""
        key, body = self._key.reveal(), _encoded(call)
        return len(key) >= _SHORTEST_KEY and any(form.encode() in body for form in spellings(key))

    def patiently(self, call: Call) -> Outcome:
        """Send `call` until something other than a passing failure comes back, `TRIES` times at most."""
        outcome = self.once(call)
        for tried in range(1, TRIES):
            if not outcome.is_transient:
                break
            self._pacing.sleep(call.route, max(outcome.wait, self._backoff(tried)))
            outcome = self.once(call)
        return outcome

    def once(self, call: Call) -> Outcome:
        """Send `call` as exactly one request, when its route is free."""
        self._pacing.wait(call.route)
        outcome: Outcome
        too_fast: float | None = None
        status: int | None = None
        try:
            outcome = self._exchange(call)
            if isinstance(outcome, Answer):
                status = outcome.status
            if isinstance(outcome, Answer) and outcome.status == 429:
                too_fast = outcome.wait
        except Exception as error:
            # Everything, for a request that may have had its effect must end as a value. Only our own words are
            # kept: messages of the libraries below may quote a header, and with it the key.
            outcome = NoAnswer(call, _why(error, self._origin.partition("://")[2]))
        finally:
            # Also when interrupted: the next command must not come too early.
            self._pacing.answered(call.route, too_fast=too_fast)
            self._calls.note(call.route, status)
        return outcome

    def _backoff(self, tried: int) -> float:
        return self._jitter() * min(_MAX_BACKOFF_SECONDS, _BACKOFF_SECONDS * 2.0**tried)

    def _request(self, call: Call) -> httpx.Request:
        request = httpx.Request(
            call.method,
            f"{self._origin}{call.path}",
            params=dict(call.query) or None,
            headers=self._headers,
            content=None if call.body is None else _encoded(call),
            extensions={"timeout": _TIMEOUT.as_dict()},
        )
        if call.body is not None:
            request.headers["Content-Type"] = "application/json"
        return request

    def _exchange(self, call: Call) -> Outcome:
        self._sent.update(call.secrets)
        deadline = self._clock.now() + CALL_SECONDS
        response = self._transport.handle_request(self._request(call))
        try:
            # Raw bytes: we asked for no compression, and none is undone, so a small body cannot grow.
            # (A transport within this process may hand over an answer that is whole already.)
            chunks = [response.content] if response.is_stream_consumed else response.iter_raw()
            body = bytearray()
            for chunk in chunks:
                body += chunk
                if len(body) > MAX_BODY:
                    return NoAnswer(call, "the answer is too large", is_transient=False)
                if self._clock.now() > deadline:
                    return NoAnswer(call, "the answer did not end in time")
            # A later answer may quote an earlier request: what was sent once is hidden in all.
            known = replace(call, secrets=tuple(self._sent))
            return Answer(known, response.status_code, bytes(body), _seconds(response.headers.get("Retry-After")))
        finally:
            response.close()


def _headers(key: ApiKey) -> httpx.Headers:
    return httpx.Headers(
        {
            "Authorization": f"Bearer {key.reveal()}",
            "User-Agent": f"vast-reconciler/{__version__}",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Connection": "keep-alive",
        }
    )


def _transport(origin: str) -> httpx.BaseTransport:
    # A bare transport: it sends a request and knows no cookies, redirects or proxies, and takes no proxy, netrc or
    # certificate file from the environment. Certificates are always verified, and a context to do so (slow to build)
    # is only made where there is TLS at all.
    return httpx.HTTPTransport(verify=not origin.startswith("http://"), trust_env=False)


def _encoded(call: Call) -> bytes:
    return json.dumps(call.body, allow_nan=False, separators=(",", ":")).encode("ascii")


def _seconds(header: str | None) -> float:
    # The date form of Retry-After is not used by this server; anything but a plain number is passed over.
    text = (header or "").strip()
    return min(float(text), MAX_WAIT_SECONDS) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", text) else 0.0


def _why(error: Exception, host: str) -> str:
    match error:
        case httpx.ConnectTimeout() | httpx.PoolTimeout():
            return f"no connection to {host} in time"
        case httpx.TimeoutException():
            return "no answer in time"
        case httpx.ConnectError():
            return f"no connection to {host}"
        case httpx.NetworkError():
            return "the connection broke"
        case httpx.RemoteProtocolError():
            return "the connection ended before a whole answer"
        case _:
            return f"the exchange failed ({type(error).__name__})"
