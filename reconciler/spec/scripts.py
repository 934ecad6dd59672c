"""`onstart: {file: start.sh}`: the script's text, read only from the folder of the file that names it.

A pull request chooses this name, so it must not reach a key file beside the repository: the name is resolved, links
and all, must lie in the folder, and the resolved file is opened without following another link.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from reconciler.spec.container_rules import MAX_SCRIPT_BYTES
from reconciler.spec.files import Found, read_bytes
from reconciler.spec.page import shown
from reconciler.spec.text import Refused
from reconciler.spec.tree import Finding, Node, put

_ONSTART = ("container", "onstart")
_FILE = (*_ONSTART, "file")


def with_script(root: Node) -> tuple[Node, list[Finding]]:
    """The tree with the script's text in place of its file's name, or why it cannot be had."""
    node = root.at(_FILE)
    if node is None or not isinstance(node.value, str) or not node.value:
        return root, []
    text, reason = _read(node.mark.page.path.parent, node.value)
    if reason:
        return root, [Finding(_FILE, "bad-script-file", f"{shown(node.value)} {reason}")]
    return put(root, _ONSTART, replace(node, value=text)), []


def script_path(root: Node) -> Path | None:
    """Where the script lies that a tree names, if it names one."""
    node = root.at(_FILE)
    return node.mark.page.path.parent / node.value if node is not None and isinstance(node.value, str) else None


def _read(folder: Path, name: str) -> tuple[str, str | None]:
    """The text, or the reason why there is none."""
    try:
        home = folder.resolve()
        path = (home / name).resolve()
        if Path(name).is_absolute() or not path.is_relative_to(home):
            return "", "is outside the spec's folder; only files in it or below it are read"
        data = read_bytes(Found(name, path), MAX_SCRIPT_BYTES, follow=False)
        return _text(data)
    except Refused as refused:
        return "", refused.diagnostic.message
    except (OSError, ValueError, RuntimeError):
        return "", "cannot be read"


def _text(data: bytes) -> tuple[str, str | None]:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return "", "is not UTF-8 text"
    return (text, None) if text.strip() else ("", "is empty")
