"""What fields the schemas have: read from them, so that no list of fields is kept twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.spec.schema import load_schema, resolved


def fields(schema: dict[str, Any], route: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field of a schema, however deep, with its own words beside those of the definition it refers to: blocks and
    what is in them, entries of lists and of mappings, and all alternatives."""
    for name, below in schema.get("properties", {}).items():
        whole = {**resolved(below), **below}
        yield f"{route}.{name}".removeprefix("."), whole
        yield from fields(whole, f"{route}.{name}")
    for below in (schema.get("items"), schema.get("additionalProperties"), *schema.get("anyOf", ())):
        if below:
            yield from fields(resolved(below), route)


def fields_of_a_fleet() -> list[str]:
    """Every field that a fleet may have, blocks before what is in them."""
    return list(dict.fromkeys(route for route, _ in fields(load_schema("fleet"))))


def leaves_of_a_fleet() -> list[str]:
    """Those that are no mapping of further fields; an alternative such as a secret's reference counts as one."""

    def below(schema: dict[str, Any], route: str) -> Iterator[str]:
        whole = {**resolved(schema), **schema}
        if "properties" not in whole or "from_env" in whole["properties"]:
            yield route
        else:
            for name, part in whole["properties"].items():
                yield from below(part, f"{route}.{name}".removeprefix("."))

    return list(below(load_schema("fleet"), ""))
