"""One call, what came back of it, and what it means for a reading."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from decimal import Decimal
from functools import cached_property
from typing import NoReturn

from reconciler.core.text import SafeText, safe
from reconciler.errors import DoubtfulReading, KeyProblem, SearchQuotaUsedUp, Unreachable
from reconciler.provider import Route
from reconciler.values import dataclass
from reconciler.vast.decode import Malformed, as_record, decode, number
from reconciler.vast.redact import hide

MAX_WAIT_SECONDS = 60.0
"""As far as a server's wish to be left alone is honoured (the official client does the same)."""

_TRANSIENT = frozenset([408, 425, 429])
_AUTH_TEXTS = ("auth_error", "invalid user key", "requires login", "log in again")
_GONE_WORDS = ("no_such_instance", "not_found")
_SHOWN = 160
_READ = 2048
"""So much of a server's text is looked at: what is hidden in it makes room for what comes behind."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as often as it may be sent. `path` is all that messages name: no query, no body, no header."""

    route: Route
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, object] | None = field(default=None, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Texts of the body that must not come back in a message."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class NoAnswer:
    """The call may have had its effect, and there is nothing to read. `why` is our own wording."""

    call: Call
    why: str
    is_transient: bool = True
    """False where the bytes themselves were the trouble, so that asking again would not help."""

    wait: float = 0.0

    @property
    def summary(self) -> SafeText:
        """What happened, in one line."""
        return SafeText(f"{self.call}: {self.why}")


@dataclass(frozen=True)
class Answer:
    """What the server said: a status and a body that is JSON or is not."""

    call: Call
    status: int
    raw: bytes = field(repr=False)
    retry_after: float = 0.0
    """Seconds the `Retry-After` header asks for."""

    @cached_property
    def _decoded(self) -> tuple[object, str]:
        try:
            return decode(self.raw), "it is not a JSON object"
        except Malformed as error:
            return None, str(error)

    @property
    def body(self) -> dict[str, object] | None:
        """The JSON object, where it is one."""
        return as_record(self._decoded[0])

    @property
    def flaw(self) -> str:
        """Why there is no `body`."""
        return self._decoded[1]

    @property
    def success(self) -> object:
        """The field `success` as it stands, None when absent."""
        return (self.body or {}).get("success")

    @property
    def word(self) -> str:
        """The error's code word, `""` when there is none. The command line tool's own `error: true` is none."""
        value = (self.body or {}).get("error")
        return value.lower() if isinstance(value, str) else ""

    @property
    def words(self) -> str:
        """Code word and message: a word is often inside the message only (seen in the wild)."""
        texts = [(self.body or {}).get(name) for name in ("msg", "message", "detail")]
        return " ".join([self.word, *(text.lower() for text in texts if isinstance(text, str))]).strip()

    @property
    def has_error(self) -> bool:
        """The body speaks of an error, whatever the status is."""
        return self.body is not None and (self.body.get("error") not in (None, "", False) or self.success is False)

    @property
    def is_auth(self) -> bool:
        """The key is wrong, missing or may not do this. A wrong key is a 404 on this API (seen in the wild), and a
        403 that is not JSON comes from the edge proxy and says nothing about the key (seen in the wild)."""
        speaks = self.status >= 400 or self.has_error
        return self.status == 401 or (speaks and any(text in self.words for text in _AUTH_TEXTS))

    @property
    def is_transient(self) -> bool:
        """Asking again later may help."""
        if self.is_auth or self.is_search_quota:
            return False
        return self.status >= 500 or self.status in _TRANSIENT or (self.status == 403 and self.body is None)

    @property
    def is_search_quota(self) -> bool:
        """The day's search rows are used up."""
        return self.status == 429 and "search_quota_exceeded" in self.words

    @property
    def says_gone(self) -> bool:
        """There is no such instance, said in so many words and without a word to the contrary."""
        return (
            self.status == 404
            and not self.is_auth
            and self.body is not None
            and self.success is not True
            and self.body.get("instances") is None
            and (self.word in _GONE_WORDS or "no_such_instance" in self.words)
        )

    @property
    def wait(self) -> float:
        """Seconds the server wishes to be left alone, by header, `retry_after` or the documented `threshold=`."""
        told = number(self.body or {}, "retry_after", Decimal(0), Decimal("1e9")) or 0
        match = re.search(rb"threshold=([0-9]{1,4}(?:\.[0-9]{1,6})?)", self.raw[:2000])
        threshold = float(match[1]) if match and self.status == 429 else 0.0
        return min(MAX_WAIT_SECONDS, max(self.retry_after, float(told), threshold))

    @property
    def summary(self) -> SafeText:
        """Call, status and the server's own words where it has any, in one line without secrets."""
        texts = [(self.body or {}).get(name) for name in ("error", "msg", "message", "detail")]
        said = " ".join(text[:_READ] for text in texts if isinstance(text, str) and text)
        said = hide(said, self.call.secrets)
        return safe(f"{self.call} answered {self.status}" + (f": {safe(said, _SHOWN)}" if said else ""), 400)


Outcome = Answer | NoAnswer


def trusted(outcome: Outcome) -> dict[str, object]:
    """The body of a reading that is beyond doubt: status 200, a JSON object, no word of an error; else an error."""
    if isinstance(outcome, NoAnswer) or outcome.is_transient:
        _unreachable(outcome)
    refuse_key(outcome)
    if outcome.is_search_quota:
        raise SearchQuotaUsedUp(
            "the day's quota of search rows is used up", hint="it resets at 00:00 UTC; nothing was changed"
        )
    if outcome.status != 200 or outcome.has_error:
        raise DoubtfulReading(outcome.summary)
    if outcome.body is None:
        raise doubtful(outcome, outcome.flaw)
    return outcome.body


def doubtful(answer: Answer, flaw: str) -> DoubtfulReading:
    """The error for an answer that must not be believed."""
    return DoubtfulReading(f"{answer.call} answered {answer.status}, but the answer is not sound: {flaw}")


def refuse_key(outcome: Outcome) -> None:
    """Raise where the answer is about the key: it is wrong, or lacks a scope (documented as 401 or 403)."""
    if isinstance(outcome, Answer) and (outcome.is_auth or (outcome.status == 403 and outcome.body is not None)):
        raise KeyProblem(
            f"the API key was refused: {outcome.summary}",
            hint="give another key; it needs misc, user_read, instance_read and instance_write",
        )


def _unreachable(outcome: Outcome) -> NoReturn:
    if isinstance(outcome, NoAnswer) and not outcome.is_transient:
        raise DoubtfulReading(outcome.summary)
    raise Unreachable(outcome.summary, hint="try again later")
