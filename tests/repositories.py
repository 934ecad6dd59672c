"""Bare repositories for ledgers: by path, by file://, or by http with git's own server behind a small bridge."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from base64 import b64encode
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

REF = "refs/reconcile/ledger"
PASSWORD = "canary-of-the-repository-0123456789"
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
NOBODY_ELSE = {**CLEAN, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def git(folder: Path, *words: str, stdin: str | None = None, check: bool = True) -> str:
    """What git says in a folder, as somebody with no settings of his own."""
    identity = ("-c", "user.name=me", "-c", "user.email=me@localhost", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", *identity, *words], cwd=folder, env=NOBODY_ELSE, input=stdin, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0 or not check, done.stderr
    return done.stdout.strip()


def made_bare(folder: Path) -> Path:
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--bare", "--template=", ".")
    git(folder, "config", "http.receivepack", "true")
    return folder


def tip_of(bare: Path, ref: str = REF) -> str | None:
    """The commit that a ref points to."""
    return git(bare, "rev-parse", "--verify", "--quiet", ref, check=False) or None


def file_in(bare: Path, path: str, ref: str = REF) -> str:
    return git(bare, "show", f"{ref}:{path}")


def put(bare: Path, changes: dict[str, str | None], ref: str = REF) -> str:
    """Somebody with the right to push changes files on the ref by hand; the new commit."""
    tip = tip_of(bare, ref)
    lines = [f"commit {ref}", "committer me <me@localhost> now", "data 0"]
    lines += [f"from {tip}"] if tip else []
    for path, text in changes.items():
        lines += [f"D {path}"] if text is None else [f"M 100644 inline {path}", f"data {len(text.encode())}", text]
    git(bare, "fast-import", "--quiet", "--force", "--date-format=now", stdin="\n".join([*lines, ""]))
    tip = tip_of(bare, ref)
    assert tip is not None
    return tip


Trouble = Callable[["Bridge", "_Handler"], bool]
"""What a request meets before it is served; True: it has been dealt with."""


class Bridge:
    """Git's own http server on a loopback socket. `dropped`: so many answers to pushes are lost after their effect;
    `before`: called with each request; `password`: asked for from whoever pushes and fetches."""

    def __init__(self, root: Path, *, password: str | None = None, read_only: bool = False) -> None:
        self.root = root
        self.password = password
        self.read_only = read_only
        self.dropped = 0
        self.before: Trouble = lambda bridge, request: False
        self.seen: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.bridge = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="bridge")

    def __enter__(self) -> Bridge:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def url(self, name: str, user: str = "") -> str:
        return f"http://{user}127.0.0.1:{self._server.server_address[1]}/{name}"

    @property
    def pushes(self) -> int:
        """How many pushes have arrived."""
        return sum(each == "POST git-receive-pack" for each in self.seen)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, *said: Any) -> None:
        pass

    def _serve(self) -> None:
        bridge: Bridge = self.server.bridge  # type: ignore[attr-defined]
        body = self._body()
        path, _, query = self.path.partition("?")
        bridge.seen.append(f"{self.command} {path.rpartition('/')[2]}")
        if bridge.before(bridge, self) or self._is_refused(bridge, query):
            return
        answer = self._answer(bridge, path, query, body)
        if self.command == "POST" and path.endswith("git-receive-pack") and bridge.dropped > 0:
            bridge.dropped -= 1
            self.close_connection = True
            return
        head, _, content = answer.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _is_refused(self, bridge: Bridge, query: str) -> bool:
        if bridge.password is not None:
            expected = b64encode(f"x-access-token:{bridge.password}".encode()).decode()
            if self.headers.get("Authorization") != f"Basic {expected}":
                return self.refuse(401, ("WWW-Authenticate", 'Basic realm="git"'))
        if bridge.read_only and "receive-pack" in self.path:
            return self.refuse(403)
        return False

    def refuse(self, status: int, *headers: tuple[str, str]) -> bool:
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", "0")):
            self.send_header(name, value)
        self.end_headers()
        return True

    def _answer(self, bridge: Bridge, path: str, query: str, body: bytes) -> bytes:
        environ = {
            **NOBODY_ELSE,
            "GIT_PROJECT_ROOT": str(bridge.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "HTTP_GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_ADDR": "127.0.0.1",
        }
        served = subprocess.run(["git", "http-backend"], input=body, env=environ, capture_output=True, timeout=60)
        return served.stdout


def wrapper(folder: Path, script: str) -> str:
    """A program in git's place: the lines of `script`, which has the real one as `$GIT`; its path."""
    folder.mkdir(exist_ok=True)
    path = folder / "git"
    path.write_text(f"#!/bin/sh\nGIT={shutil.which('git')}\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)
