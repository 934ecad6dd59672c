"""What of an instance is not as its fleet declares, as far as the account tells: every static field, for a person.

Values of variables and the text of scripts are compared or left alone, never shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from reconciler.core.drift import Drift
from reconciler.core.instance import Instance, Setup
from reconciler.core.model import Container, Fleet

_Pair = tuple[str, str, str]
"""A field, what is desired, what is there."""


def differences(fleet: Fleet, instance: Instance) -> tuple[Drift, ...]:
    """The static fields that differ. What the account does not tell differs from nothing."""
    pairs = [*_rented(fleet, instance), *_inside(fleet.container, instance.setup or Setup())]
    return tuple(Drift(field, desired, actual) for field, desired, actual in pairs if desired != actual)


def _rented(fleet: Fleet, instance: Instance) -> Iterator[_Pair]:
    container = fleet.container
    if container.image is not None and instance.image is not None:
        yield "container.image", container.image, instance.image
    if container.vast_template is not None and instance.vast_template is not None:
        yield "container.vast_template", container.vast_template, instance.vast_template
    elif container.vast_template is not None and instance.image is not None:
        yield "container.vast_template", container.vast_template, f"none, image {instance.image}"
    if instance.disk_gb is not None:
        yield "container.disk_gb", str(container.disk_gb), _number(instance.disk_gb)
    if instance.gpu_count is not None:
        yield "gpu.count", str(fleet.gpu.count), str(instance.gpu_count)
    if instance.interruptible is not None:
        yield "rental.kind", fleet.rental.kind, "interruptible" if instance.interruptible else "on-demand"


def _inside(container: Container, setup: Setup) -> Iterator[_Pair]:
    # A template brings ports, variables and a script of its own: of these only what is declared and lacks is told.
    brings = container.image is None
    if container.connect is not None and setup.connect is not None:
        yield "container.connect", container.connect, setup.connect
    if setup.ports is not None:
        yield _names("container.ports", list(map(str, container.ports)), list(map(str, setup.ports)), brings)
    if setup.env_names is not None:
        yield _names("container.env", [name for name, _ in container.env], list(setup.env_names), brings)
    if setup.onstart is not None and (container.onstart is not None or not brings):
        yield _script(container.onstart or "", setup.onstart)
    if setup.args is not None and (container.args or not brings):
        yield _args(container.args, setup.args)


def _names(field: str, desired: list[str], actual: list[str], brings: bool) -> _Pair:
    there = [name for name in actual if name in desired] if brings else actual
    return field, ", ".join(sorted(desired)) or "none", ", ".join(sorted(there)) or "none"


def _script(desired: str, actual: str) -> _Pair:
    same = desired.strip() == actual.strip()
    told = _size(actual, "line", actual.strip().count("\n") + 1)
    return "container.onstart", told if same else _other(desired, desired.strip().count("\n") + 1, "line"), told


def _args(desired: tuple[str, ...], actual: tuple[str, ...]) -> _Pair:
    told = _size(actual, "argument", len(actual))
    return "container.args", told if desired == actual else _other(desired, len(desired), "argument"), told


def _other(what: object, count: int, noun: str) -> str:
    return f"another {_size(what, noun, count)}" if what else "none"


def _size(what: object, noun: str, count: int) -> str:
    if not what:
        return "none"
    thing = "script" if noun == "line" else "list"
    return f"{thing} of {count} {noun}{'s' if count != 1 else ''}"


def _number(value: Decimal) -> str:
    return f"{value.normalize():f}"
