"""The schemas are the one contract: complete for editors, and exactly the words of the model."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator
from schema_fields import fields

from reconciler.core import model, readiness, rental, strikes
from reconciler.spec.durations import seconds
from reconciler.spec.schema import load_schema, schema_text

from .test_load import ROOT

FIELDS = {f"{kind}: {route}": field for kind in ("fleet", "policy") for route, field in fields(load_schema(kind))}


@pytest.mark.parametrize("kind", ["fleet", "policy"])
def test_the_schema_is_a_schema(kind):
    schema = json.loads(schema_text(kind))
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS.keys())
def test_every_field_says_what_it_is_and_shows_it(field):
    assert field["description"].endswith(".")
    assert field["examples"]
    assert "default" in field or "required" in field or "object" in str(field.get("type")) or is_optional(field)


def is_optional(field: dict[str, Any]) -> bool:
    """A field without a default of its own says what holds when it is not written, or must be written."""
    return "Not written" in field["description"] or any(field is each for each in MUST_BE_WRITTEN)


MUST_BE_WRITTEN = [
    field
    for name, field in FIELDS.items()
    if name.rpartition(".")[2].rpartition(" ")[2]
    in {*("kind", "name", "models", "max_per_hour", "in", "id", "from_env", "server", "username", "password", "file")}
    | {"image", "vast_template", "onstart", "reason", "until", "registry_login", "users_at", "penalty", "port", "run"}
    | {"timezone", "windows", "from", "to", "replicas"}
]


def test_no_mapping_takes_unknown_fields():
    open_ones = [name for name, field in FIELDS.items() if "properties" in field and field["additionalProperties"]]
    assert open_ones == []


RENAMED = {"timeout": "timeout_s", "wait": "wait_s", "canary": "canary_s"}
"""The model says the unit."""


def test_the_defaults_are_those_of_the_model():
    """Two places that say a default would drift apart in silence."""
    somewhere = model.Latency((model.Decimal(0), model.Decimal(0)))
    parts = {
        "latency": somewhere,
        "host": model.HostRules(),
        "price": model.Price(model.Decimal(1)),
        "gpu": model.Gpu(()),
        "regions": model.Regions(),
        "container": model.Container(),
    }
    for part, value in parts.items():
        for name, field in load_schema("fleet")["$defs"][part]["properties"].items():
            if name != "in" and "default" in field:
                default = seconds(field["default"]) if name == "timeout" else field["default"]
                ours = getattr(value, RENAMED.get(name, name))
                assert (list(ours) if isinstance(ours, tuple) else ours) == ([] if default == {} else default), name


def test_the_defaults_of_a_rental_are_those_of_the_model():
    fields, ours = load_schema("fleet")["$defs"]["rental"]["properties"], rental.Rental()
    assert fields["kind"]["default"] == ours.kind
    assert fields["bid_over_floor"]["default"] == f"{ours.bid_over_floor}%"
    outbid = fields["outbid"]["properties"]
    assert {RENAMED.get(name, name) for name in outbid} == names(rental.Outbid)
    assert (seconds(outbid["wait"]["default"]), outbid["then"]["default"]) == (ours.outbid.wait_s, ours.outbid.then)


def test_the_parts_of_a_score_have_the_defaults_of_the_model():
    for part, value in {"weights": model.Weights(), "modifiers": model.Modifiers()}.items():
        fields = load_schema("fleet")["$defs"]["scoring"]["properties"][part]["properties"]
        assert set(fields) == names(type(value))
        assert {name: getattr(value, name) for name in fields} == {name: f["default"] for name, f in fields.items()}


def names(part: type) -> set[str]:
    return {each.name for each in dataclasses.fields(part)}


def test_the_fields_are_those_of_the_model():
    definitions = load_schema("fleet")["$defs"]
    assert set(definitions["regions"]["properties"]) == names(model.Regions) - {"penalty"}
    assert {RENAMED.get(name, name) for name in definitions["latency"]["properties"]} == names(model.Latency)
    sections = {
        "gpu": model.Gpu,
        "price": model.Price,
        "host": model.HostRules,
        "spread": model.Spread,
        "blacklist": model.Blacklist,
        "scoring": model.Scoring,
        "container": model.Container,
        "rental": rental.Rental,
        "rollout": model.Rollout,
        "registry_login": model.RegistryLogin,
    }
    assert {
        f"{name}_s" if name == "boot_timeout" else name for name in definitions["readiness"]["properties"]
    } == names(readiness.Readiness)
    assert set(definitions["readiness"]["properties"]["checks"]["items"]["properties"]) == set(
        get_args(readiness.CheckKind)
    )
    for section, part in sections.items():
        assert {RENAMED.get(name, name) for name in definitions[section]["properties"]} == names(part), section
    fleet = set(load_schema("fleet")["properties"]) - {"kind"}
    assert fleet == names(model.Fleet) - {"on_manual_stop", "source"}
    policy = load_schema("policy")["properties"]
    assert set(policy) - {"kind", "defaults"} == names(model.Policy) - {"file"}
    assert set(policy["limits"]["properties"]) == names(model.Limits)
    spans = {"for": "for_s", "at_most": "at_most_s"}
    assert {spans.get(name, name) for name in policy["strikes"]["properties"]} == names(strikes.StrikeRules)
    assert set(policy["defaults"]["properties"]) == set(load_schema("fleet")["properties"]) - {"kind", "name"}


def test_the_defaults_of_strikes_and_health_are_those_of_the_model():
    said = load_schema("policy")["properties"]["strikes"]["properties"]
    ours = strikes.StrikeRules()
    assert (said["after"]["default"], said["doubling"]["default"]) == (ours.after, ours.doubling)
    assert (seconds(said["for"]["default"]), seconds(said["at_most"]["default"])) == (ours.for_s, ours.at_most_s)
    health = load_schema("fleet")["$defs"]["health"]["properties"]
    assert seconds(health["unhealthy_after"]["default"]) == readiness.HealthRules().unhealthy_after_s


def test_our_specs_tell_editors_where_the_schema_is():
    for spec in sorted((ROOT / "specs").glob("*.yaml")):
        first = spec.read_text(encoding="utf-8").splitlines()[0]
        assert first == "# yaml-language-server: $schema=../schemas/fleet.schema.json"
