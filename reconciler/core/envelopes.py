"""What a webhook is sent: the body of a letter, as generic JSON or in Slack's shape."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from reconciler.core.incidents import Letter
from reconciler.core.notify import NoticeFormat
from reconciler.core.text import safe

TEXT_LIMIT = 1000


def body_of(letter: Letter, form: NoticeFormat, owner: str) -> Mapping[str, object]:
    """The JSON body of one letter."""
    text = safe(letter.text, TEXT_LIMIT)
    return _slack(letter, text, owner) if form == "slack" else _generic(letter, text, owner)


def _generic(letter: Letter, text: str, owner: str) -> Mapping[str, object]:
    return {
        "format": "vast-reconciler",
        "version": 1,
        "kind": letter.kind,
        "state": "ends" if letter.ends else "begins",
        "owner": owner,
        "fleet": letter.fleet or None,
        "seat": None if letter.index is None else f"{letter.fleet}/{letter.index}",
        "instance": letter.instance_id,
        "since": _moment(letter.since),
        "at": _moment(letter.at),
        "change_per_hour": None if letter.change_per_hour is None else str(letter.change_per_hour),
        "text": text,
    }


def _slack(letter: Letter, text: str, owner: str) -> Mapping[str, object]:
    """Slack reads `&`, `<` and `>` as its own signs: with `<!channel>` a hostile name would wake everybody. Markup,
    links and names are off as well."""
    mark = ":white_check_mark:" if letter.ends else ":warning:"
    said = escaped(text if owner == "default" else f"[{owner}] {text}")
    quiet = {"mrkdwn": False, "link_names": False, "parse": "none", "unfurl_links": False, "unfurl_media": False}
    return {"text": f"{mark} {said}", **quiet}


def escaped(text: str) -> str:
    """The three characters that Slack asks to be escaped."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
