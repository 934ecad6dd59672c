"""What the JSON Schema says about a tree, as findings."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from reconciler.spec.tree import MAX_FINDINGS, Finding, Node, Route, plain

Kind = Literal["fleet", "policy"]

_PACKAGE = Path(__file__).resolve().parents[1]


def schema_path(name: str) -> Path:
    """Where `schemas/<name>.schema.json` is: within the installed package, or beside it in a checkout."""
    places = [folder / "schemas" / f"{name}.schema.json" for folder in (_PACKAGE, _PACKAGE.parent)]
    return next((place for place in places if place.is_file()), places[-1])


def schema_text(name: str) -> str:
    """The text of a schema."""
    return schema_path(name).read_text(encoding="utf-8")


@cache
def load_schema(name: str) -> dict[str, Any]:
    """A schema with exact numbers: 0.001 as a float would refuse the 0.001 of a spec."""
    found: dict[str, Any] = json.loads(schema_text(name), parse_float=Decimal)
    return found


@cache
def _validator(kind: Kind) -> Any:
    from jsonschema import Draft202012Validator, validators
    from referencing import Registry, Resource

    resources = [(f"{name}.schema.json", Resource.from_contents(load_schema(name))) for name in ("fleet", "policy")]
    types = Draft202012Validator.TYPE_CHECKER.redefine_many(
        {
            "integer": lambda _, value: isinstance(value, int) and not isinstance(value, bool),
            "number": lambda _, value: isinstance(value, int | Decimal) and not isinstance(value, bool),
        }
    )
    registry: Any = Registry().with_resources(resources)
    extend: Any = validators.extend
    return extend(Draft202012Validator, type_checker=types)(load_schema(kind), registry=registry)


def check(kind: Kind, root: Node, *, drop: Callable[[Finding], bool] = lambda _: False) -> list[Finding]:
    """Every mistake that the schema of `kind` finds, each once, but for those to drop.

    They are dropped before the findings are cut to a bearable number, lest they crowd out what must be refused.
    """
    errors = _validator(kind).iter_errors(plain(root))
    findings = (finding for error in errors for finding in _explained(error, kind) if not drop(finding))
    found = list(islice(findings, MAX_FINDINGS))
    meant = [finding.meant for finding in found if finding.meant]
    return [finding for finding in dict.fromkeys(found) if not _is_echo(finding, meant)]


def _explained(error: Any, kind: Kind) -> Iterator[Finding]:
    from reconciler.spec.explain import explain

    return explain(error, fields_of(kind))


def _is_echo(finding: Finding, meant: list[Route]) -> bool:
    """True where a field is missing because its name is misspelt, or stands at another level."""
    size = len(finding.route)
    return finding.code == "missing-field" and any(route[:size] == finding.route for route in meant)


@cache
def fields_of(kind: Kind) -> dict[str, tuple[str, ...]]:
    """Every field name of a schema with the places, as people write them, where it exists."""
    places: dict[str, tuple[str, ...]] = {}
    for name, place in _fields(load_schema(kind), ()):
        places[name] = (*places.get(name, ()), place)
    return places


def _fields(schema: dict[str, Any], route: Route) -> Iterator[tuple[str, str]]:
    for name, below in schema.get("properties", {}).items():
        here = (*route, name)
        yield name, ".".join(map(str, here))
        if here != ("defaults",):
            yield from _fields(resolved(below), here)


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema that a `$ref` of ours means."""
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return load_schema("fleet")["$defs"][name] if name else schema
