"""Who is told of what: the webhooks of a policy, by the names of the variables that hold their addresses."""

from __future__ import annotations

from typing import Literal, get_args

from reconciler.values import dataclass

NoticeKind = Literal["down", "below_min_ready", "held_back", "leak", "doubt", "credit", "failing"]
NOTICE_KINDS: tuple[NoticeKind, ...] = get_args(NoticeKind)
NoticeFormat = Literal["json", "slack"]


@dataclass(frozen=True, slots=True)
class Webhook:
    """One address that is told when something begins and when it ends."""

    variable: str
    """The environment variable that holds the address, which is a secret."""
    format: NoticeFormat = "json"
    on: tuple[NoticeKind, ...] = NOTICE_KINDS


@dataclass(frozen=True, slots=True)
class Notify:
    """All webhooks of a policy."""

    webhooks: tuple[Webhook, ...] = ()
