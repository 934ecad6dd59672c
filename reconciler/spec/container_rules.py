"""Rules about what runs: image, ports, variables, script, and the secrets among them."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.shapes import looks_secret
from reconciler.spec import images
from reconciler.spec.page import shown
from reconciler.spec.secrets import is_off_limits
from reconciler.spec.text import forbidden, named
from reconciler.spec.tree import Finding, Node, Route
from reconciler.spec.tree_access import entries, items, text

MAX_SCRIPT_BYTES = 4096
MAX_ENV_CHARACTERS = 32_768
_HERE = "container"


def _image(root: Node) -> Iterator[Finding]:
    route, image = (_HERE, "image"), text(root, _HERE, "image")
    if not image:
        return
    if reason := images.why_not(image):
        yield Finding(route, "bad-image", f"{shown(image)} is not an image: {reason}")
        return
    tag, has_digest = images.parts(image)
    if has_digest:
        return
    if tag is None:
        said = f"{shown(image)} has no tag, which Vast.ai refuses"
        yield Finding(route, "image-without-tag", said, "add a fixed tag or a digest: name:1.4.2")
    elif images.is_moving(tag):
        said = f"the tag {shown(tag)} moves: replicas may run different images, and a new one is no change of the spec"
        yield Finding(route, "moving-tag", said, "use a fixed tag or a digest", warning=True)


def port_of(value: object) -> tuple[int, str] | None:
    """Number and protocol of a port as written; None where it is no port."""
    bare, _, protocol = str(value).partition("/")
    if not bare.isascii() or not bare.isdigit() or len(bare) > 5 or protocol not in ("", "tcp", "udp"):
        return None
    return int(bare), protocol or "tcp"


def _ports(root: Node) -> Iterator[Finding]:
    seen = set()
    for route, node in items(root, _HERE, "ports"):
        port = port_of(node.value)
        if port is None:
            continue
        if not 0 < port[0] < 65536:
            yield Finding(route, "out-of-range", f"a port must be from 1 to 65535, not {port[0]}")
        elif port in seen:
            yield Finding(route, "repeated-value", f"port {port[0]}/{port[1]} is named twice", "remove one of them")
        seen.add(port)


def sources(root: Node) -> Iterator[tuple[Route, str]]:
    """Every variable that the container wants filled in at apply."""
    places = [route for route, _ in entries(root, _HERE, "env")]
    for place in (*places, (_HERE, "registry_login", "password")):
        if (name := text(root, *place, "from_env")) is not None:
            yield (*place, "from_env"), name


def _off_limits(root: Node) -> Iterator[Finding]:
    for route, name in sources(root):
        if is_off_limits(name):
            said = f"{name} must never reach a rented host, whose owner can read it"
            yield Finding(route, "forbidden-secret", said, "use a token made for this one purpose")


def _literals(root: Node) -> Iterator[Finding]:
    nodes = [*entries(root, _HERE, "env"), *items(root, _HERE, "args"), *_sourced(root)]
    onstart = root.at((_HERE, "onstart"))
    for route, node in [*nodes, *([((_HERE, "onstart"), onstart)] if onstart else [])]:
        if isinstance(node.value, str) and looks_secret(node.value):
            said = "this looks like a secret; whoever reads the repository or the host can read it"
            hint = "give it by reference: {from_env: NAME}"
            yield Finding(route, "literal-secret", said, hint, warning=True)


def _sourced(root: Node) -> Iterator[tuple[Route, Node]]:
    for route, _ in sources(root):
        if node := root.at(route):
            yield route, node


def _env_size(root: Node) -> Iterator[Finding]:
    pairs = [(str(route[-1]), node.value) for route, node in entries(root, _HERE, "env")]
    total = sum(len(name) + (len(value) if isinstance(value, str) else 0) for name, value in pairs)
    if total > MAX_ENV_CHARACTERS:
        said = f"container.env has {total} characters together; at most {MAX_ENV_CHARACTERS} are possible"
        yield Finding((_HERE, "env"), "too-long", said, on_key=True)


def _script(root: Node) -> Iterator[Finding]:
    route, script = (_HERE, "onstart"), text(root, _HERE, "onstart") or ""
    if char := forbidden(script, allowed="\n\t"):
        hint = "save the script with plain line ends" if char == "\r" else "remove it"
        yield Finding(route, "forbidden-character", f"the script holds a {named(char)}", hint)
    arguments = [node.value for _, node in items(root, _HERE, "args") if isinstance(node.value, str)]
    size = sum(len(each.encode("utf-8", "surrogatepass")) for each in (script, *arguments))
    if size > MAX_SCRIPT_BYTES:
        said = f"onstart and args have {size} bytes together; at most {MAX_SCRIPT_BYTES} are possible"
        yield Finding(
            route if script else (_HERE, "args"), "too-long", said, "fetch the rest from the script", on_key=True
        )


def _args(root: Node) -> Iterator[Finding]:
    connect = text(root, _HERE, "connect") or ("ssh-direct" if text(root, _HERE, "image") else None)
    if items(root, _HERE, "args") and connect and connect.startswith(("ssh-", "jupyter-")):
        said = f"args are passed only with connect: args, and connect is {connect}"
        yield Finding((_HERE, "args"), "contradicting-values", said, "add connect: args", on_key=True)


CONTAINER_RULES = (_image, _ports, _off_limits, _literals, _env_size, _script, _args)
