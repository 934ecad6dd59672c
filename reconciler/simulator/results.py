"""Logs and commands: a request names a file, and some seconds later the file can be read without a key."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.simulator.answers import Answer, answer, refusal, text
from reconciler.simulator.boots import MESSAGES
from reconciler.simulator.conditions import number
from reconciler.simulator.incoming import contract_of
from reconciler.simulator.rng import token

if TYPE_CHECKING:
    from reconciler.simulator.contracts import Contract
    from reconciler.simulator.incoming import Request
    from reconciler.simulator.world import World

FOLDER = "/simulator/logs/"
"""Where the files stand on the simulator's own server; the real ones are in an object store."""

APPEARS = 2.0
"""Seconds from the request to the file."""

TAIL = 1000
LONGEST_COMMAND = 512
COMMANDS = ("ls", "rm", "du")

NO_FILE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code>'
    "<Message>The specified key does not exist.</Message></Error>"
)


def request_logs(world: World, request: Request) -> Answer:
    """Ask for an instance's log, or for what its host's daemon says of it."""
    contract = contract_of(world, request)
    daemon = str(request.body.get("daemon_logs", "")).lower() == "true"
    lines = _daemon_lines(contract, world.now) if daemon else _container_lines(contract, world.now)
    url = _file(world, request, _picked(lines, request.body.get("filter"), request.body.get("tail")))
    return answer({"success": True, "result_url": url, "msg": "Logs will be available at result_url"})


def command(world: World, request: Request) -> Answer:
    """Run one of the three allowed commands; nothing but its answer exists."""
    contract = contract_of(world, request)
    line = request.body.get("command")
    if not isinstance(line, str) or not line.strip() or len(line) > LONGEST_COMMAND:
        raise refusal(400, "invalid_args", "error 400/1782: Invalid args: command")
    folder = f"/var/lib/docker/containers/C.{contract.id}"
    url = _file(world, request, _output(line, folder))
    return answer({"success": True, "result_url": url, "writeable_path": folder})


def read(world: World, path: str) -> Answer | None:
    """The answer for a path in the folder of files, None for any other path."""
    if not path.startswith(FOLDER):
        return None
    for name, ready, content in world.account.files:
        if path == f"{FOLDER}{name}.log" and ready <= world.now:
            return text(content, 200)
    return Answer(404, {"content-type": "application/xml"}, NO_FILE.encode())


def _file(world: World, request: Request, content: str) -> str:
    world.account.written += 1
    name = token(world.seed, "file", request.ids[0], world.account.written)
    world.account.keep_file(name, world.now + APPEARS, content)
    return f"{request.base}{FOLDER}{name}.log"


def _output(line: str, folder: str) -> str:
    try:
        words = shlex.split(line)
    except ValueError:
        words = []
    if not words or words[0] not in COMMANDS or any(sign in line for sign in ";|&<>`$\n"):
        raise refusal(400, "invalid_args", f"error 400/1782: Invalid args: allowed are {', '.join(COMMANDS)}")
    if words[0] == "ls":
        return "bin\nboot\ndev\netc\nhome\nlib\nopt\nroot\ntmp\nusr\nvar\nworkspace\n"
    return "" if words[0] == "rm" else f"4.0K\t{folder}/workspace\n"


def _picked(lines: list[str], pattern: object, tail: object) -> str:
    if isinstance(pattern, str) and pattern:
        lines = [line for line in lines if _found(pattern, line)]
    count = number(tail) if tail is not None else TAIL
    wanted = max(0, int(TAIL if count is None else count))
    return "".join(f"{line}\n" for line in lines[-wanted:] if wanted)


def _found(pattern: str, line: str) -> bool:
    """As grep would: the pattern is taken literally where it has no more than plain signs."""
    return pattern in line if re.escape(pattern) == pattern or len(pattern) > 64 else _matches(pattern, line)


def _matches(pattern: str, line: str) -> bool:
    """Only `.`, `.*`, `^` and `$` mean something, so that no pattern can take long."""
    start, end = pattern.startswith("^"), pattern.endswith("$")
    pieces = re.sub(r"(\.\*)+", ".*", pattern.removeprefix("^").removesuffix("$")).split(".*")
    body = ".*".join(re.escape(piece).replace(r"\.", ".") for piece in pieces[:4])
    return re.search(("^" if start else "") + body + ("$" if end else ""), line) is not None


def _container_lines(contract: Contract, now: float) -> list[str]:
    if contract.failure:
        return []
    lines = [(contract.runs, f"Starting {contract.image or 'the template image'}")]
    if "ssh" in contract.runtype or "jupyter" in contract.runtype:
        lines.append((contract.runs, "Server listening on 0.0.0.0 port 22."))
    if contract.onstart:
        lines.append((contract.runs + 1, f"running onstart.sh ({len(contract.onstart)} characters)"))
    steps = int(min(50.0, max(0.0, now - contract.runs) // 60))
    lines += [(contract.runs + 60 * step, f"minute {step}: all well") for step in range(1, steps + 1)]
    return [f"[{_moment(when)}] {said}" for when, said in lines if when <= now and contract.runs > 0]


def _daemon_lines(contract: Contract, now: float) -> list[str]:
    lines = [
        (contract.created, f"create C.{contract.id} on machine {contract.machine_id}"),
        (contract.reports, f"docker pull {contract.image or 'the template image'}"),
        (contract.runs, MESSAGES[contract.failure].strip() if contract.failure else f"C.{contract.id} started"),
    ]
    return [f"[{_moment(when)}] {said}" for when, said in lines if when <= now]


def _moment(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M:%S")
