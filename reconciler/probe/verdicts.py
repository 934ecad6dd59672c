"""From what was heard to findings: what counts against a machine, and what cannot be told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.core.causes import LOGIN_REFUSED, verdict_of
from reconciler.core.readiness import Finding, Target
from reconciler.core.ssh_keys import held
from reconciler.core.text import safe
from reconciler.probe.key import public_half

if TYPE_CHECKING:
    from reconciler.probe.checks import AccountKeys
    from reconciler.probe.look import Heard

MOST_DETAIL = 200


def findings(
    targets: Sequence[Target], heard: Sequence[Sequence[Heard]], key: Path | None, account_keys: AccountKeys
) -> dict[int, tuple[Finding, ...]]:
    """The findings of each target, by the instance's id."""
    is_held = _held(heard, key, account_keys)
    return {
        target.instance.id: tuple(_finding(one, is_held(target)) for one in each)
        for target, each in zip(targets, heard, strict=True)
    }


def _held(heard: Sequence[Sequence[Heard]], key: Path | None, account_keys: AccountKeys) -> Callable[[Target], bool]:
    """Whether the account gave our key to an instance; asked for only where a login was refused."""
    refused = any(one.missed and one.missed.cause == LOGIN_REFUSED for each in heard for one in each)
    keys = account_keys() if refused else None
    public = public_half(key) if keys else None
    if keys is None or public is None:
        return lambda _: False
    return lambda target: held(keys, public, target.instance.started_at)


def _finding(heard: Heard, key_held: bool) -> Finding:
    if heard.missed is None:
        return Finding(heard.check, "pass")
    cause, detail = heard.missed.cause, safe(heard.missed.detail, MOST_DETAIL)
    return Finding(heard.check, verdict_of(cause, key_held=key_held), cause, detail)
