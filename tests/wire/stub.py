"""A tiny Vast.ai on a real loopback socket: it keeps every request, holds an account, and answers as it is told.

By itself it is honest. `on("rent", answer, ...)` scripts the answers to the next calls of a route; each is a function
of the stub and the request that returns a `Reply`, or None for the honest one.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "0f00ba5e" * 8
ACCOUNT = 4711
TEMPLATE = "4e17788f74f075dd9aab7d0d4427968f"
PATIENCE_S = 20.0
"""How long the stub waits for a test that holds an answer back."""

MUTATIONS = ("rent", "destroy", "relabel", "other")

Row = dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    route: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    number: int | None = None
    """The ask or instance its path names."""


@dataclass(frozen=True)
class Reply:
    """What goes back: JSON, or bytes as they are. `pieces` are sent one by one, each after its function was called."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    hang_up: bool = False
    """No answer at all: the connection ends."""
    pieces: tuple[tuple[Callable[[], None], bytes], ...] = ()

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Answer = Callable[["Stub", Seen], "Reply | None"]


class Stub:
    """The account and its server. A context manager; leaving it closes every socket and thread."""

    def __init__(self, offers: Iterable[Row] = ()) -> None:
        self.offers = {row["id"]: row for row in offers}
        self.instances: dict[int, Row] = {}
        self.user: Row = {"id": ACCOUNT, "username": "me", "credit": 100.0, "balance": 0}
        self.seen: list[Seen] = []
        self.key = KEY
        self.templates = {TEMPLATE: {"hash_id": TEMPLATE, "name": "PyTorch", "image": "vastai/pytorch"}}
        self.boots_as = "running"
        """What a new instance reports."""
        self.next_id = 9001
        self.scripts: dict[str, deque[Answer]] = {}
        self._changed = threading.Condition()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="stub")

    def __enter__(self) -> Stub:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    # --- what a test asks of it -------------------------------------------------------------------

    def on(self, route: str, *answers: Answer) -> None:
        """The next calls of `route` are answered by these, in turn; then it is honest again."""
        self.scripts.setdefault(route, deque()).extend(answers)

    def always(self, route: str, answer: Answer) -> None:
        """Every further call of `route` is answered so."""

        def again(stub: Stub, request: Seen) -> Reply | None:
            stub.scripts[route].appendleft(again)
            return answer(stub, request)

        self.scripts[route] = deque([again])

    def honest(self, *routes: str) -> None:
        """From now on these routes are answered honestly."""
        for route in routes:
            self.scripts.pop(route, None)

    def of(self, *routes: str) -> list[Seen]:
        """The requests of these routes, in order."""
        return [request for request in self.seen if request.route in routes]

    @property
    def mutations(self) -> list[Seen]:
        """Everything that was asked to change the account."""
        return self.of(*MUTATIONS)

    def await_request(self, route: str, count: int = 1) -> None:
        """Wait until so many requests of `route` have arrived."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: len(self.of(route)) >= count, PATIENCE_S)
        assert arrived, f"no {route} arrived: {[(r.method, r.path) for r in self.seen]}"

    def make(self, offer_id: int, body: Row, **fields: Any) -> int:
        """The instance that a rent makes."""
        offer = self.offers.pop(offer_id)
        instance_id, self.next_id = self.next_id, self.next_id + 1
        self.instances[instance_id] = {**instance_row(instance_id, offer, body, self.boots_as), **fields}
        return instance_id

    # --- what the server asks of it ---------------------------------------------------------------

    def take(self, request: Seen) -> Reply:
        with self._changed:
            self.seen.append(request)
            script = self.scripts.get(request.route)
            answer = script.popleft() if script else None
            self._changed.notify_all()
        told = answer(self, request) if answer else None
        if told is not None:
            return told
        with self._changed:
            return self.honestly(request)

    def honestly(self, request: Seen) -> Reply:
        if request.headers.get("Authorization") != f"Bearer {self.key}":
            return wrong_key(self, request)
        honest: Callable[[Seen], Reply] = getattr(self, f"_{request.route}", self._other)
        return honest(request)

    def _other(self, request: Seen) -> Reply:
        return Reply(404, {"success": False, "error": "no_such_route", "msg": request.path})

    def _account(self, request: Seen) -> Reply:
        return Reply(200, self.user)

    def _search(self, request: Seen) -> Reply:
        low, high = (request.body.get("dph_total", {}).get(word) for word in ("gte", "lte"))
        disk = request.body["allocated_storage"]
        priced = {n: price_of(row, disk) for n, row in self.offers.items()}
        fits = [n for n, price in priced.items() if (low is None or price >= low) and (high is None or price <= high)]
        return Reply(200, {"offers": [self.offers[n] for n in sorted(fits, key=lambda n: (priced[n], n))][:64]})

    def _list(self, request: Seen) -> Reply:
        after = int(request.query.get("after_token", "0"))
        rows = [row for n, row in sorted(self.instances.items()) if n > after]
        page = rows[:25]
        token = str(page[-1]["id"]) if len(rows) > len(page) else None
        return Reply(200, listed(page, len(self.instances), token))

    def _show(self, request: Seen) -> Reply:
        assert request.number is not None
        return Reply(200, {"instances": self.instances.get(request.number)})

    def _attach(self, request: Seen) -> Reply:
        return Reply(200, {"success": True, "msg": "SSH key attached successfully"})

    def _rises(self, request: Seen) -> Reply:
        return Reply(200, {"success": True, "count": 0, "truncated": False, "pending_price_increases": []})

    def _template(self, request: Seen) -> Reply:
        wanted = json.loads(request.query["select_filters"])["hash_id"]["eq"]
        found = [row for name, row in self.templates.items() if name == wanted]
        if not found:
            return Reply(200, {"success": False, "msg": "No templates found"})
        return Reply(200, {"success": True, "templates_found": len(found), "templates": found})

    def _rent(self, request: Seen) -> Reply:
        if request.number not in self.offers:
            return no_such_ask(self, request)
        return Reply(200, {"success": True, "new_contract": self.make(request.number, request.body)})

    def _destroy(self, request: Seen) -> Reply:
        assert request.number is not None
        if self.instances.pop(request.number, None) is None:
            return Reply(404, {"success": False, "error": "no_such_instance", "msg": "Instance not found."})
        return Reply(200, {"success": True, "msg": f"deleting instance {request.number}"})

    def _relabel(self, request: Seen) -> Reply:
        row = self.instances.get(request.number or 0)
        if row is None:
            return Reply(404, {"success": False, "error": "no_such_instance", "msg": "Instance not found."})
        row["label"] = request.body["label"] or None
        return Reply(200, {"success": True, "msg": f"label for {request.number} set to '{row['label']}'"})


# --- rows -----------------------------------------------------------------------------------------


def price_of(row: Row, disk_gb: float) -> float:
    """All-in $/h, added in floats as the server does."""
    return float(row["dph_base"] + row["storage_cost"] * disk_gb / 720)


def offer_row(number: int = 501, base: float = 0.2, **fields: Any) -> Row:
    """An offer on a machine of its own that every fleet of these tests may rent."""
    return {
        "id": number,
        "ask_contract_id": number,
        "machine_id": number + 20000,
        "host_id": number + 40000,
        "hosting_type": 0,
        "gpu_name": "RTX 3060",
        "num_gpus": 1,
        "gpu_ram": 12288,
        "dph_base": base,
        "dph_total": base + 0.002,
        "storage_cost": 0.144,
        "geolocation": "California, US",
        "reliability2": 0.99,
        "reliability": 0.99,
        "verification": "verified",
        "static_ip": True,
        "inet_up": 500.0,
        "inet_down": 800.0,
        "internet_up_cost_per_tb": 2.0,
        "internet_down_cost_per_tb": 2.0,
        "cpu_cores_effective": 8.0,
        "cpu_ram": 32768,
        "disk_space": 400.0,
        "disk_bw": 2000.0,
        "cuda_max_good": 12.8,
        "driver_version": "580.95.05",
        "direct_port_count": 100,
        "duration": 2_592_000.0,
        "rentable": True,
        "rented": False,
        "is_bid": False,
        "external": None,
        **fields,
    }


def offer_rows(count: int) -> list[Row]:
    """Offers 501, 502, ..., each a little dearer than the one before."""
    return [offer_row(501 + n, base=round(0.2 + n / 1000, 3)) for n in range(count)]


def instance_row(number: int, offer: Row, body: Row, reported: str = "running") -> Row:
    """The row of an instance as the list shows it."""
    disk = body["disk"]
    return {
        "id": number,
        "machine_id": offer["machine_id"],
        "host_id": offer["host_id"],
        "label": body.get("label"),
        "actual_status": reported,
        "intended_status": "running",
        "cur_state": "running",
        "next_state": "running",
        "status_msg": None,
        "start_date": 1795270000.12,
        "end_date": 1798000000.0,
        "num_gpus": offer["num_gpus"],
        "gpu_name": offer["gpu_name"],
        "gpu_ram": offer["gpu_ram"],
        "geolocation": offer["geolocation"],
        "dph_total": price_of(offer, disk),
        "storage_total_cost": offer["storage_cost"] * disk / 720,
        "disk_space": float(disk),
        "image_uuid": body.get("image"),
        "template_hash_id": body.get("template_hash_id"),
        "is_bid": body.get("price") is not None,
        "extra_env": [[name, value] for name, value in body.get("env", {}).items()],
        "ssh_host": "ssh4.vast.ai",
        "ssh_port": 15566,
        "public_ipaddr": "203.0.113.42\n",
        "ports": {"22/tcp": [{"HostIp": "0.0.0.0", "HostPort": "40022"}]},
    }


def listed(rows: Iterable[Row], total: int | None = None, token: str | None = None) -> Row:
    """One page of the list."""
    page = list(rows)
    return {
        "success": True,
        "instances_found": len(page),
        "total_instances": len(page) if total is None else total,
        "next_token": token,
        "instances": page,
    }


# --- scripted answers -----------------------------------------------------------------------------


def says(status: int, body: Any, **headers: str) -> Answer:
    """This answer; nothing happens in the account."""
    return lambda stub, request: Reply(status, body, headers)


def hangs_up(stub: Stub, request: Seen) -> Reply:
    """The connection ends without an answer; nothing happens in the account."""
    return Reply(hang_up=True)


def page_of_html(stub: Stub, request: Seen) -> Reply:
    return Reply(200, b"<!DOCTYPE html><html><body>Welcome</body></html>", {"Content-Type": "text/html"})


def with_effect(answer: Answer) -> Answer:
    """The account does as asked; the answer is another one."""

    def act(stub: Stub, request: Seen) -> Reply | None:
        stub.honestly(request)
        return answer(stub, request)

    return act


def wrong_key(stub: Stub, request: Seen) -> Reply:
    return Reply(404, {"success": False, "error": "auth_error", "msg": "Invalid user key"})


def no_such_ask(stub: Stub, request: Seen) -> Reply:
    text = f"error 404/3603: no_such_ask  Instance type by id {request.number} is not available."
    return Reply(400, {"success": False, "error": "invalid_args", "msg": text, "ask_id": request.number})


def no_longer_available(stub: Stub, request: Seen) -> Reply:
    text = f"error 410/3907: no_such_ask Instance type {request.number} is no longer available."
    return Reply(410, {"success": False, "error": "no_such_ask", "msg": text})


def no_credit(stub: Stub, request: Seen) -> Reply:
    text = "Your account lacks credit; see the billing page."
    return Reply(400, {"success": False, "error": "insufficient_credit", "msg": text})


def refused_but_created(stub: Stub, request: Seen) -> Reply:
    made = stub.make(request.number or 0, request.body, actual_status=None, intended_status="stopped")
    return Reply(200, {"success": False, "error": "bid_too_low", "new_contract": made})


class Gate:
    """An answer that waits until the test opens it."""

    def __init__(self, then: Answer | None = None) -> None:
        self._then = then
        self._open = threading.Event()

    def open(self) -> None:
        self._open.set()

    def __call__(self, stub: Stub, request: Seen) -> Reply | None:
        self._open.wait(PATIENCE_S)
        return self._then(stub, request) if self._then else None


# --- the server -----------------------------------------------------------------------------------


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # So that closing joins them: none outlives its test.
    block_on_close = True

    def __init__(self, stub: Stub) -> None:
        self.stub = stub
        self.open_sockets: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def hang_up(self) -> None:
        for each in list(self.open_sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.open_sockets.add(self.connection)

    def finish(self) -> None:
        self.server.open_sockets.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def answer(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        reply = self.server.stub.take(seen(self.command, self.path, dict(self.headers.items()), raw))
        if reply.hang_up:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        content = b"".join(piece for _, piece in reply.pieces) if reply.pieces else reply.content()
        self.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        for before, piece in reply.pieces or ((lambda: None, content),):
            before()
            self.wfile.write(piece)
            self.wfile.flush()

    do_GET = do_PUT = do_POST = do_DELETE = answer

    def log_message(self, format: str, *args: Any) -> None:
        pass


def seen(method: str, target: str, headers: Mapping[str, str], raw: bytes) -> Seen:
    """The request, named by its route."""
    parts = urlsplit(target)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    body = json.loads(raw, parse_float=Decimal) if raw else None
    words = parts.path.strip("/").split("/")
    tail = words[2:]
    number = int(tail[1]) if len(tail) == 2 and tail[1].isdigit() else None
    routes = {
        ("GET", "v0", "users"): "account",
        ("POST", "v0", "bundles"): "search",
        ("GET", "v1", "instances"): "list",
        ("GET", "v0", "instances"): "show",
        ("PUT", "v0", "asks"): "rent",
        ("DELETE", "v0", "instances"): "destroy",
        ("PUT", "v0", "instances"): "relabel",
        ("GET", "v0", "template"): "template",
    }
    route = routes.get((method, words[1] if len(words) > 1 else "", tail[0] if tail else ""), "other")
    route = "rises" if tail[1:] == ["pending-price-increases"] else route
    if tail[2:] == ["ssh"]:
        route, number = "attach", int(tail[1])
    return Seen(route, method, parts.path, query, headers, body, number)
