# ruff: noqa: T201
"""Vast.ai's own client, loaded once and forked for every call: a run of its command line costs 30 ms, not 600.

It is a program of its own, started by `client.py`. Each line it reads is a call, each line it writes its result.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
from typing import Any

COMMANDS = ("instances", "offers", "machines", "teams", "keys", "endpoints", "billing", "storage", "auth", "misc",
            "deployments", "metrics", "benchmarks", "price_increase", "repl", "update", "uninstall")  # fmt: skip


def plain(value: Any) -> Any:
    """The values in the client's result objects."""
    return getattr(value, "_data", value).__dict__


def command_line(call: dict[str, Any]) -> None:
    """What the installed program `vastai` does."""
    from vastai.cli.main import main

    sys.argv = ["vastai", *call["argv"]]
    main()


def library(call: dict[str, Any]) -> None:
    """One method of one of the client's classes; prints what it returns as JSON."""
    if call["of"] == "VastAI":
        from vastai import VastAI

        client = VastAI(api_key=call["key"], server_url=call["url"])
        found = getattr(client, call["method"])(*call["args"], **call["kwargs"])
    else:
        found = with_sync_client(call)
    print(json.dumps(found, default=plain))


def with_sync_client(call: dict[str, Any]) -> Any:
    """The older synchronous client, whose arguments are objects."""
    from vastai.data.instance import InstanceConfig
    from vastai.data.query import Query
    from vastai.sync.client import SyncClient

    client = SyncClient(api_key=call["key"], vast_server=call["url"])
    if call["method"] == "search":
        return client.search(Query(call["kwargs"].pop("query")), **call["kwargs"])
    if call["method"] == "create_instance":
        return client.create_instance(call["args"][0], InstanceConfig(**call["kwargs"]))
    return getattr(client, call["method"])(*call["args"])


def in_child(call: dict[str, Any], out: int, err: int) -> None:
    """Do the call with its own standard streams; never returns."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    code = 0
    try:
        library(call) if "method" in call else command_line(call)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def done(call: dict[str, Any]) -> dict[str, Any]:
    """Exit code and both outputs of one call."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if not child:
            in_child(call, out.fileno(), err.fileno())
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        out.seek(0)
        err.seek(0)
        return {"code": code, "out": out.read().decode(), "err": err.read().decode()}


def serve() -> None:
    """Load the client, then answer until the input ends."""
    for name in (
        "vastai",
        "vastai.cli.main",
        "vastai.sync.client",
        *(f"vastai.cli.commands.{one}" for one in COMMANDS),
    ):
        importlib.import_module(name)
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(done(json.loads(line))), flush=True)


if __name__ == "__main__":
    serve()
