"""One error of the schema library as findings in our words: what was wanted, what stands there, what to write."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from reconciler.core.near import near
from reconciler.spec.page import shown
from reconciler.spec.scalars import quoted_hint
from reconciler.spec.tree import Finding, Route, dotted

Places = Mapping[str, tuple[str, ...]]


def explain(error: Any, places: Places) -> Iterator[Finding]:
    """The findings of `error`; `places` tells where else a field name exists."""
    if "propertyNames" in error.absolute_schema_path:
        yield _wrong_key(error)
    elif error.validator == "additionalProperties":
        yield from _unknown_fields(error, places)
    elif error.validator == "anyOf":
        yield from _no_alternative(error, places)
    elif error.validator == "oneOf":
        yield from _image_or_template(error)
    elif error.validator == "required":
        yield from _missing(error)
    else:
        yield _wrong_value(error)


def _route(error: Any) -> Route:
    return tuple(error.absolute_path)


def _wrong_key(error: Any) -> Finding:
    form = error.schema.get("patternErrorMessage", "a shorter name")
    said = f"{shown(error.instance)} is not a name for a variable: {form}"
    return Finding((*_route(error), error.instance), "bad-env-name", said, on_key=True)


def _unknown_fields(error: Any, places: Places) -> Iterator[Finding]:
    known = list(error.schema["properties"])
    for key in error.instance:
        if key not in known:
            route, meant = (*_route(error), key), near(key, known)
            elsewhere = [place for place in places.get(key, ()) if place != dotted(route)]
            hint = meant or (elsewhere[0] if elsewhere else None)
            owner = dotted(_route(error))
            said = f"unknown field {shown(key)}" + (f" in {owner}" if owner else "")
            suggestion = f"did you mean {hint}?" if hint else f"fields here: {', '.join(known)}"
            target = (*_route(error), meant) if meant else tuple(hint.split(".")) if hint else None
            yield Finding(route, "unknown-field", said, suggestion, on_key=True, meant=target)


def _missing(error: Any) -> Iterator[Finding]:
    for name in error.validator_value:
        if name not in error.instance:
            route = (*_route(error), name)
            examples = error.schema.get("properties", {}).get(name, {}).get("examples")
            hint = f"for example {name}: {_written(examples[0])}" if examples and _is_short(examples[0]) else None
            yield Finding(route, "missing-field", f"{dotted(route)} is required", hint)


def _is_short(value: Any) -> bool:
    return not isinstance(value, list | dict)


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _image_or_template(error: Any) -> Iterator[Finding]:
    if not isinstance(error.instance, dict):
        return
    route = _route(error)
    if "image" in error.instance:
        said = f"{dotted(route)} has an image and a vast_template; a template brings its own image"
        yield Finding((*route, "vast_template"), "image-and-template", said, "keep one of them", on_key=True)
    else:
        said = f"{dotted(route)} needs an image or a vast_template"
        yield Finding((*route, "image"), "missing-field", said)


def _no_alternative(error: Any, places: Places) -> Iterator[Finding]:
    """Where the value has the type of one alternative, what that one says; else all of them as what is wanted."""
    wrong_type = {each.schema_path[0] for each in error.context if each.validator == "type" and not each.path}
    fitting = [each for each in error.context if each.schema_path[0] not in wrong_type]
    if fitting:
        for each in fitting:
            yield from explain(each, places)
    else:
        yield _wrong_type(error)


def _wrong_value(error: Any) -> Finding:
    return _EXPLAINED.get(error.validator, _wrong_type)(error)


def _wrong_type(error: Any) -> Finding:
    route, value, wanted = _route(error), error.instance, wants(error.schema)
    said = f"{dotted(route) or 'a document'} must be {wanted}, not {_described(route, value)}"
    return Finding(route, "wrong-type", said, _type_hint(route, value, error.schema))


def _type_hint(route: Route, value: Any, schema: Mapping[str, Any]) -> str | None:
    wanted = wants(schema)
    if _is_private(route):
        return "put it in quotes" if isinstance(value, int | Decimal) else None
    if isinstance(value, int | Decimal) and (hint := _as_text(value, schema)):
        return hint
    if isinstance(value, str) and ("number" in wanted or "true or false" in wanted):
        return quoted_hint(value, "number" in wanted)
    if isinstance(value, str | int | Decimal) and wanted.startswith("a list"):
        return f"write [{_written(value)}]" if len(str(value)) < 60 else None
    return None


def _as_text(value: int | Decimal, schema: Mapping[str, Any]) -> str | None:
    """How to write a number, or true or false, as a text that is wanted; None where none of that kind is accepted.
    Nothing is said of a share such as 0.2 in the place of a percentage: it may mean 20%."""
    wanted = wants(schema)
    unit = "s" if "a duration" in wanted else "%" if "a percentage" in wanted else ""
    texts = [each for each in schema.get("anyOf", [schema]) if each.get("type") == "string" and "enum" not in each]
    written = f"{_written(value)}{unit}"
    if (unit == "%" and 0 < value < 1) or not any(re.search(each.get("pattern", ""), written) for each in texts):
        return None
    return f"write {written}" if unit else f'put it in quotes: "{written}"'


def _is_private(route: Route) -> bool:
    """Values here may be secrets and are not repeated."""
    return "env" in route or "password" in route


def _described(route: Route, value: Any) -> str:
    if isinstance(value, str):
        return "text" if _is_private(route) else f"the text {shown(value)}"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if value is None or isinstance(value, bool):
        return shown(value)
    return "a number" if _is_private(route) else f"the number {value}"


def wants(schema: Mapping[str, Any]) -> str:
    """What a schema accepts, as the end of a sentence."""
    if "anyOf" in schema:
        return " or ".join(wants(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ("one of " if len(schema["enum"]) > 1 else "") + ", ".join(map(str, schema["enum"]))
    match schema.get("type"):
        case "integer":
            return "a whole number" + _range(schema)
        case "number":
            return "a number" + _range(schema)
        case "boolean":
            return "true or false"
        case "array":
            return "a list"
        case "string":
            form = str(schema.get("patternErrorMessage", "")).removeprefix("a number or ")
            return form if form.startswith(("a duration", "a percentage")) else "text"
        case "object":
            return f"a mapping ({', '.join(schema.get('required') or list(schema.get('properties', {})) or ['NAME'])})"
    return "a mapping (from_env)"


def _range(schema: Mapping[str, Any]) -> str:
    return f" from {schema['minimum']} to {schema['maximum']}" if "minimum" in schema else ""


def _out_of_range(error: Any) -> Finding:
    route = _route(error)
    said = f"{dotted(route)} must be {wants(error.schema)}, not {error.instance}"
    return Finding(route, "out-of-range", said)


def _not_one_of(error: Any) -> Finding:
    route, allowed = _route(error), error.validator_value
    if not isinstance(error.instance, str):
        return _wrong_type(error)
    alternatives = error.parent.schema if error.parent else error.schema
    said = f"{dotted(route)} must be {wants(alternatives)}, not {shown(error.instance)}"
    meant = near(error.instance.replace("_", "-"), allowed) or near(error.instance, allowed)
    return Finding(route, "unknown-value", said, f"did you mean {meant}?" if meant else None)


def _wrong_form(error: Any) -> Finding:
    route = _route(error)
    form = error.schema.get("patternErrorMessage", error.validator_value)
    value = "this text" if _is_private(route[:-1]) and route[-1] != "from_env" else shown(error.instance)
    said = f"{value} cannot be {dotted(route)}: wanted is {form}"
    hint = "nothing is expanded in specs" if "{{" in error.instance or "${" in error.instance else None
    return Finding(route, "wrong-form", said, hint)


def _size(error: Any) -> Finding:
    route, bound = _route(error), error.validator_value
    if error.validator == "minItems" and error.instance:
        said = f"{dotted(route)} must have {bound} entries, not {len(error.instance)}"
        return Finding(route, "wrong-form", said)
    if error.validator in ("minItems", "minLength"):
        return Finding(route, "empty-value", f"{dotted(route)} must not be empty")
    unit = {"maxItems": "entries", "maxLength": "characters", "maxProperties": "entries"}[error.validator]
    return Finding(route, "too-long", f"{dotted(route)} has {len(error.instance)} {unit}; at most {bound} are possible")


def _repeated(error: Any) -> Finding:
    items = error.instance
    index = next(at for at, item in enumerate(items) if item in items[:at])
    route = (*_route(error), index)
    return Finding(route, "repeated-value", f"{shown(items[index])} is named twice", "remove one of them")


_EXPLAINED: dict[str, Callable[[Any], Finding]] = {
    "type": _wrong_type,
    "minimum": _out_of_range,
    "maximum": _out_of_range,
    "enum": _not_one_of,
    "pattern": _wrong_form,
    "minItems": _size,
    "minLength": _size,
    "maxItems": _size,
    "maxLength": _size,
    "maxProperties": _size,
    "uniqueItems": _repeated,
}
