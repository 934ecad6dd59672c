"""The few commands that a simulated container knows."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from reconciler.simulator.nvidia import Reply
from reconciler.simulator.nvidia import answer as nvidia_smi

if TYPE_CHECKING:
    from collections.abc import Collection

    from reconciler.simulator.nvidia import Gpus

_JOINTS = {";": (True, True), "&&": (True, False), "||": (False, True)}
"""What may stand between two commands: whether the second runs after success, and whether after failure."""


def run(line: str, gpus: Gpus, files: Collection[str], lie: str | None = None) -> Reply:
    """What a line prints: one command, or several joined by `&&`, `||` and `;`."""
    try:
        steps = _steps(line)
    except ValueError:
        return Reply(code=2, error="bash: -c: line 1: syntax error\n")
    out, error, code = "", "", 0
    for joint, words in steps:
        if not _JOINTS[joint][code != 0]:
            continue
        reply = _run(words, gpus, files, lie)
        out, error, code = out + reply.out, error + reply.error, reply.code
    return Reply(out, code, error)


def _steps(line: str) -> list[tuple[str, list[str]]]:
    """The commands of a line, each with what stands before it. Raises ValueError for what cannot be read."""
    reader = shlex.shlex(line, posix=True, punctuation_chars=";&|")
    reader.commenters = ""
    reader.whitespace_split = True
    steps: list[tuple[str, list[str]]] = [(";", [])]
    for word in reader:
        if word in _JOINTS:
            steps.append((word, []))
        elif set(word) <= set(";&|"):
            raise ValueError(word)
        else:
            steps[-1][1].append(word)
    if len(steps) > 1 and steps[-1] == (";", []):
        steps.pop()
    if len(steps) > 1 and not all(words for _, words in steps):
        raise ValueError(line)
    return steps


def _run(words: list[str], gpus: Gpus, files: Collection[str], lie: str | None) -> Reply:
    if not words:
        return Reply()
    name, arguments = words[0].removeprefix("/usr").removeprefix("/bin/"), words[1:]
    match name, arguments:
        case "true", _:
            return Reply()
        case "false", _:
            return Reply(code=1)
        case "echo", _:
            return Reply(" ".join(arguments) + "\n")
        case "test", ["-f" | "-e", path]:
            return Reply(code=0 if path in files else 1)
        case "nvidia-smi", _:
            return nvidia_smi(arguments, gpus, lie)
    return Reply(code=127, error=f"bash: line 1: {words[0]}: command not found\n")
