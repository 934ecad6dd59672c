"""SSH on one accepted connection, by asyncssh: who may log in, and what the container answers."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

from reconciler.simulator.commands import run
from reconciler.simulator.lies import DENIED, KEY_CHANGED, NO_BANNER, SLOW
from reconciler.simulator.rng import digest

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Collection

    import asyncssh

    from reconciler.simulator.reachable import Facts

USER = "root"
_PLAIN_KEY = bytes.fromhex("302e020100300506032b657004220420")
"""What stands before the 32 bytes of an Ed25519 key in its plainest file."""


async def login(connection: socket.socket, facts: Callable[[], Facts]) -> None:
    """Serve a connection until it ends; the facts are asked for whenever they matter."""
    import asyncssh

    known = facts()
    lie = known.lie.name if known.lie else None
    if not known.shell:
        return
    if lie == NO_BANNER:
        await _ignored(connection)
        return
    try:
        server = await asyncssh.run_server(
            connection,
            config=[],
            server_factory=lambda: _doorkeeper(() if lie == DENIED else known.keys),
            server_host_keys=[host_key(*known.identity, int(lie == KEY_CHANGED))],
            process_factory=lambda process: _session(process, facts),
            agent_forwarding=False,
            errors="replace",
        )
    except asyncssh.Error:
        return  # a client that is refused, or goes away
    try:
        await server.wait_closed()
    finally:
        server.abort()
        await server.wait_closed()


def host_key(*identity: object) -> asyncssh.SSHKey:
    """The same key for the same instance, whenever and wherever its server is started."""
    import asyncssh

    text = base64.encodebytes(_PLAIN_KEY + digest(*identity)).decode()
    return asyncssh.import_private_key(f"-----BEGIN PRIVATE KEY-----\n{text}-----END PRIVATE KEY-----\n")


def _doorkeeper(keys: Collection[str]) -> asyncssh.SSHServer:
    import asyncssh

    allowed = _understood(keys)

    class Doorkeeper(asyncssh.SSHServer):
        """Lets root in with one of the keys, and nobody else."""

        def public_key_auth_supported(self) -> bool:
            return True

        def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
            return username == USER and key.public_data in allowed

    return Doorkeeper()


def _understood(keys: Collection[str]) -> set[bytes]:
    """Accounts hold all kinds of texts as keys; those that are none open nothing."""
    import asyncssh

    found = set()
    for text in keys:
        for line in text.splitlines():
            try:
                found.add(asyncssh.import_public_key(line).public_data)
            except (asyncssh.KeyImportError, ValueError):
                continue
    return found


async def _ignored(connection: socket.socket) -> None:
    while await asyncio.get_running_loop().sock_recv(connection, 4096):
        pass


async def _session(process: asyncssh.SSHServerProcess[str], facts: Callable[[], Facts]) -> None:
    """A command, or a shell that reads line by line."""
    import asyncssh

    try:
        if process.command is not None:
            code = await _answered(process, process.command, facts)
        else:
            code = await _shell(process, facts)
        process.exit(code)
    except (asyncssh.Error, asyncssh.BreakReceived, asyncssh.SignalReceived, OSError):
        process.close()


async def _shell(process: asyncssh.SSHServerProcess[str], facts: Callable[[], Facts]) -> int:
    import asyncssh

    code = 0
    while True:
        try:
            line = await process.stdin.readline()
        except asyncssh.TerminalSizeChanged:
            continue
        if not line or line.strip() in ("exit", "logout"):
            return code
        code = await _answered(process, line, facts)


async def _answered(process: asyncssh.SSHServerProcess[str], line: str, facts: Callable[[], Facts]) -> int:
    known = facts()
    if known.lie and known.lie.name == SLOW:
        await asyncio.sleep(known.lie.seconds)
    reply = run(line, known.gpus, known.files, known.lie.name if known.lie else None)
    process.stdout.write(reply.out)
    process.stderr.write(reply.error)
    return reply.code
