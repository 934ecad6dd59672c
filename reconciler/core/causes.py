"""Why a check did not pass, in words that stay the same, and which of them can never count against a machine.

Equal causes mean equal trouble. Answers with a number of their own have it in the word: `http 503`, `exit 1`.
"""

from __future__ import annotations

from reconciler.core.readiness import Verdict

NO_KEY = "no key"
"""There is no private key to log in with here, or it cannot be used."""
NO_ROUTE = "no route"
"""The network said that there is no way from here."""
NOT_RESOLVED = "name not resolved"
NO_SOCKETS = "no sockets left"
"""This machine has no more connections to give."""
NOT_CONNECTED = "no connection"
"""Connecting failed in a way that does not say on whose side."""
NO_ADDRESS = "no address"
"""The account does not say where the instance can be reached."""
NO_TIME = "no time left"
"""The call's time was over before this instance's turn."""

TIMED_OUT = "timed out"
"""Nobody answered the opening of a connection."""
REFUSED = "connection refused"
CLOSED = "connection closed"
NO_ANSWER = "no answer in time"
"""A connection stood, and what was asked over it was not answered."""
NO_BANNER = "no banner"
"""The port takes connections, and no SSH server says a word."""
NOT_SSH = "not ssh"
SSH_FAILED = "ssh failed"
"""An SSH server with which no session came about."""
LOGIN_REFUSED = "login refused"
HOST_KEY_CHANGED = "host key changed"
NOT_PUBLISHED = "port not published"
NOT_PUBLIC = "address not public"
NO_DRIVER = "no driver"
NO_GPU = "no gpu seen"
GPU_MISSING = "gpu missing"
WRONG_GPU = "wrong gpu"
WRONG_MEMORY = "wrong memory"
WRONG_DRIVER = "wrong driver"
"""It is older than it was rented with."""
NOT_HTTP = "not http"

NEVER_COUNTS = frozenset((NO_KEY, NO_ROUTE, NOT_RESOLVED, NO_SOCKETS, NOT_CONNECTED, NO_ADDRESS, NO_TIME))
"""Trouble of the one who looks, or of what he was told: no machine is ever blamed for it."""

ON_THE_WAY = NEVER_COUNTS | {TIMED_OUT}
"""Where all instances of a call show one of these, it is rather the way to them that is broken."""


def http_status(status: int) -> str:
    """The cause of an HTTP answer that is neither a 2xx nor a 3xx."""
    return f"http {status}"


def exited(code: int) -> str:
    """The cause of a command that ended with `code`; below zero: without one, by a signal."""
    return f"exit {code}" if code >= 0 else "exit by a signal"


def verdict_of(cause: str, *, key_held: bool = False) -> Verdict:
    """What `cause` says of the machine; none is a pass.

    A refused login counts only where the account is known to hold the key (`key_held`): else the machine may never
    have been given it.
    """
    if not cause:
        return "pass"
    if cause in NEVER_COUNTS or (cause == LOGIN_REFUSED and not key_held):
        return "cannot tell"
    return "fail"
