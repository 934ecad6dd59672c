"""`RentOrder` -> the body of a rent."""

from __future__ import annotations

from reconciler.core.model import Connect, Container, Port
from reconciler.core.offer import RentOrder
from reconciler.core.rental import LEAST_BID, MOST_BID
from reconciler.core.secret import Hidden

_RUNTYPES: dict[Connect, str] = {
    "ssh-direct": "ssh_direc ssh_proxy",
    "ssh-proxy": "ssh_proxy",
    "jupyter-direct": "jupyter_direc ssh_direc ssh_proxy",
    "jupyter-proxy": "jupyter_proxy ssh_proxy",
    "args": "args",
}
"""The official client's spelling (seen on the wire)."""


def rent_body(order: RentOrder) -> dict[str, object]:
    """What is rented. Keys that do not apply are left out.

    A `price` makes the rental interruptible, and without one it is on demand, whatever was searched for.

    `cancel_unavail` is always written: without it the server may hand out a stopped instance, which bills its disk
    (documented). For a bid it is false, which is documented as usual: then the answer to one that loses names the
    contract it made, to be destroyed, where otherwise nobody could tell whether there is one.
    """
    container = order.container
    optional = {
        "image": container.image,
        "template_hash_id": container.vast_template,
        "env": {**order.env, **{_published(port): "1" for port in container.ports}},
        "onstart": container.onstart,
        "args": list(container.args),
        "image_login": _login(order),
        "runtype": _runtype(container),
    }
    return {
        "client_id": "me",
        "disk": container.disk_gb,
        "label": order.label,
        **{name: value for name, value in optional.items() if value},
        **({} if order.bid is None else {"price": float(order.bid)}),
        "target_state": "running",
        "cancel_unavail": order.bid is None,
    }


def flaw_of(order: RentOrder) -> str:
    """Why `order` must not be sent, `""` where it may. The login travels as one line of flags, split at blanks."""
    if (order.kind == "interruptible") != (order.bid is not None):
        return "an interruptible instance needs a bid, and one on demand has none"
    if order.bid is not None and not LEAST_BID <= order.bid <= MOST_BID:
        return f"a bid is from ${LEAST_BID} to ${MOST_BID}"
    login = order.container.registry_login
    if login is None:
        return ""
    if not order.registry_password:
        return "the registry's password is missing"
    parts = (login.username, order.registry_password, login.server)
    return "" if all(len(part.split()) == 1 and part.isprintable() for part in parts) else "the login has blanks in it"


def secrets_of(order: RentOrder) -> tuple[str, ...]:
    """The texts of the body that the specs only refer to."""
    written = {name: value for name, value in order.container.env if isinstance(value, str)}
    hidden = [value for name, value in order.env.items() if written.get(name) != value]
    return (*hidden, *([order.registry_password] if order.registry_password else []))


def _published(port: Port) -> str:
    suffix = "/udp" if port.protocol == "udp" else ""
    return f"-p {port.number}:{port.number}{suffix}"


def _login(order: RentOrder) -> str | None:
    login = order.container.registry_login
    if login is None or order.registry_password is None:
        return None
    return Hidden(f"-u {login.username} -p {order.registry_password} {login.server}")


def _runtype(container: Container) -> str | None:
    if container.connect is None:
        # A template brings its own; an image without a word is reached directly.
        return None if container.vast_template else _RUNTYPES["ssh-direct"]
    return _RUNTYPES[container.connect]
