"""The account's SSH keys on the wire: reading them, adding one to the account, letting one into an instance."""

from __future__ import annotations

from datetime import UTC, datetime

from reconciler.core.ssh_keys import SshKey
from reconciler.vast.answers import Answer, Call, Outcome, doubtful, refuse_key, trusted
from reconciler.vast.client import Wire
from reconciler.vast.decode import Malformed, Record, as_record, decode, identifier, moment

_PATH = "/api/v0/ssh/"
_MOST = 16_384
_NONE = "no ssh keys found"
"""What the server says, with a 404, where the account has none (documented)."""


def read_keys(wire: Wire) -> tuple[SshKey, ...]:
    """All keys of the account, a bare list on the wire (documented). Raises as every reading does."""
    outcome = wire.patiently(Call("keys", "GET", _PATH))
    if isinstance(outcome, Answer) and outcome.status == 200 and outcome.body is None:
        rows = _rows(outcome)
        if rows is None:
            raise doubtful(outcome, "it is no list of keys")
        return tuple(key for key in map(_key, rows) if key is not None)
    if isinstance(outcome, Answer) and outcome.status == 404 and not outcome.is_auth and _NONE in outcome.words:
        return ()
    trusted(outcome)
    assert isinstance(outcome, Answer)
    raise doubtful(outcome, "it is no list of keys")


def add_key(wire: Wire, text: str) -> SshKey:
    """The account's new key. Raises where the answer does not say that it is there."""
    outcome = wire.once(Call("keys", "POST", _PATH, body={"ssh_key": text}))
    body = trusted(outcome)
    assert isinstance(outcome, Answer)
    key = _key(body.get("key"))
    if key is None:
        raise doubtful(outcome, "it shows no key")
    return key


def attach_key(wire: Wire, instance_id: int, text: str) -> bool:
    """Let a key into one instance; whether the server said that it is done."""
    path = f"/api/v0/instances/{int(instance_id)}/ssh/"
    outcome: Outcome = wire.patiently(Call("keys", "POST", path, body={"ssh_key": text}))
    refuse_key(outcome)
    return isinstance(outcome, Answer) and outcome.status == 200 and outcome.success is True


def _rows(outcome: Answer) -> list[object] | None:
    try:
        found = decode(outcome.raw)
    except Malformed:
        return None
    return found if isinstance(found, list) else None


def _key(value: object) -> SshKey | None:
    """One key; None for one that was deleted, and for a row that is none."""
    row = as_record(value)
    number = identifier(row.get("id")) if row else None
    if row is None or number is None or row.get("deleted_at") is not None:
        return None
    text = row.get("public_key", row.get("key"))  # Either name is documented.
    if not isinstance(text, str) or len(text) > _MOST:
        return None
    return SshKey(number, text.strip(), _created(row))


def _created(row: Record) -> float | None:
    value = row.get("created_at")
    if not isinstance(value, str):
        return moment(row, "created_at")
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
