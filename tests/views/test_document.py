"""The JSON documents: every one matches the schema, keeps money exact and seats by name, and says no secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

import builders as b
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError

from reconciler.core.candidates import Appraiser
from reconciler.core.importing import Left
from reconciler.core.model import FromEnv, RegistryLogin, RolloutOrder
from reconciler.core.plan import Cost, MarketSeen, SeatNote, Wait
from reconciler.core.report import Outcome, OutcomeKind
from reconciler.core.shortage import relaxations, shortage
from reconciler.core.states import State
from reconciler.core.template import Template
from reconciler.diagnostics import Diagnostic
from reconciler.views.document import (
    apply_document,
    dump,
    offers_document,
    plan_document,
    status_document,
    validate_document,
)
from reconciler.views.importing import import_document
from reconciler.views.moves import moves_document
from reconciler.views.parts import value
from reconciler.views.templates import templates_document

from . import samples

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "schemas" / "output.schema.json").read_text("utf-8"))

OUTCOMES = [
    Outcome("rented", b.seat("june-voice/2"), "1x RTX 3060, California, US, machine 27924", 1731207, Decimal("0.243")),
    Outcome("destroyed", b.seat("june-voice/3"), "replicas 4 -> 3", 1720031, Decimal("0.301")),
    Outcome("offer gone", b.seat("june-voice/0"), "offer 32 is gone: no longer for rent"),
]
TEMPLATES = [
    Template("4e17788f74f075dd", "CUDA", "vastai/base:12.8", 62897, ("ssh-direct", "jupyter-direct"), Decimal("16.0")),
    Template("9b7d2a1c5e8f4d03", "CUDA, of which little is known"),
]


@cache
def validator() -> Draft202012Validator:
    Draft202012Validator.check_schema(SCHEMA)
    return Draft202012Validator(SCHEMA)


def read_back(document: dict[str, Any]) -> dict[str, Any]:
    """The document as a reader gets it, once it matches the schema of its own command."""
    told: dict[str, Any] = json.loads(dump(document))
    validator().validate(told)
    assert told == document
    return told


def market() -> list[Any]:
    fleet = samples.june(regions=b.regions("US-CA", "US"))
    rows = [*b.offers("0.31", "0.243", "0.6"), b.offer(9, location="Ontario, CA", host_id=None, reliability=None)]
    return [fleet, b.judged(fleet, rows)]


def offers() -> dict[str, Any]:
    return offers_of(*market())


def offers_of(fleet: Any, judged: Any) -> dict[str, Any]:
    seen = MarketSeen(len(judged), 2, 64, 0.91)
    appraiser = Appraiser(fleet, b.NO_BANS, b.NOW)
    return offers_document(appraiser, judged, shortage(judged, {}), relaxations(judged), seen)


def findings() -> list[Diagnostic]:
    wrong = Diagnostic(
        "error", "unknown-field", "no field is called replica", "a.yaml", 3, 1, "replica: 2", 7, "replicas"
    )
    return [wrong, Diagnostic("warning", "moving-tag", "the image's tag moves", "b.yaml")]


DOCUMENTS = {
    "a plan with everything in it": lambda: plan_document(samples.busy()),
    "a plan without changes": lambda: plan_document(samples.quiet()),
    "a plan of an empty account whose key reads no account": lambda: plan_document(samples.plan(account_id=None)),
    "a plan full of strangers' texts": lambda: plan_document(samples.hostile(samples.PAYLOADS[-1])),
    "a run that ended well": lambda: apply_document(samples.quiet(), OUTCOMES, "done", [], None),
    "a run that ended badly": lambda: apply_document(samples.busy(), OUTCOMES, "late", ["a/0: booting"], "no answer"),
    "a destroy": lambda: apply_document(samples.quiet(), OUTCOMES[1:2], "done", [], None, command="destroy"),
    "a status": lambda: status_document(samples.busy()),
    "offers": offers,
    "no offers": lambda: offers_of(samples.june(), []),
    "templates": lambda: templates_document("cuda", TEMPLATES),
    "no templates": lambda: templates_document("nobody's", []),
    "an import": lambda: import_document(
        [("specs/june.yaml", samples.group())], [Left(7, "the account does not tell")]
    ),
    "an import of nothing": lambda: import_document([], []),
    "an adoption": lambda: moves_document("adopt", samples.moves(), samples.STEPS, ["june"]),
    "a release that an error ended": lambda: moves_document("release", samples.moves(), [], [], "no answer"),
    "valid files": lambda: validate_document([samples.june()], b.policy(), [], ["specs/june-voice.yaml"]),
    "invalid files": lambda: validate_document([], None, findings(), ["a.yaml", "b.yaml"]),
}


@pytest.mark.parametrize("made", DOCUMENTS.values(), ids=DOCUMENTS)
def test_the_schema_describes(made):
    told = read_back(made())
    assert (told["format"], told["version"]) == ("vast-reconciler", 1)


@pytest.mark.parametrize("made", DOCUMENTS.values(), ids=DOCUMENTS)
def test_equal_inputs_give_equal_bytes(made):
    assert dump(made()) == dump(made())


@pytest.mark.parametrize("made", DOCUMENTS.values(), ids=DOCUMENTS)
def test_the_schema_refuses_a_field_it_does_not_know(made):
    with pytest.raises(ValidationError):
        validator().validate(made() | {"surprise": 1})


@pytest.mark.parametrize("made", DOCUMENTS.values(), ids=DOCUMENTS)
def test_the_schema_misses_every_field_that_is_not_there(made):
    document = made()
    for name in document:
        assert not validator().is_valid({key: kept for key, kept in document.items() if key != name}), name


def fields(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field that the schema declares, with the way to it."""
    for name, field in schema.get("properties", {}).items():
        yield f"{path}.{name}", field
        yield from fields(field, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from fields(schema[key], path)
    for option in schema.get("anyOf", []):
        yield from fields(option, path)


def test_every_field_of_the_schema_is_described_in_a_sentence():
    found = [field for name, part in SCHEMA["$defs"].items() for field in [(name, part), *fields(part, name)]]
    assert len(found) > 150
    assert [path for path, field in found if not field.get("description", "").endswith(".")] == []


WORDS = {
    "kinds of notes": (get_type_hints(SeatNote)["kind"], ("note", "kind", "enum")),
    "orders of a rollout": (RolloutOrder, ("action", "order", "enum")),
    "kinds of outcomes": (OutcomeKind, ("apply", "outcomes", "items", "properties", "kind", "examples")),
}


@pytest.mark.parametrize(("literal", "way"), WORDS.values(), ids=WORDS)
def test_the_schema_knows_all(literal, way):
    part = SCHEMA["$defs"][way[0]]["properties"]
    for step in way[1:]:
        part = part[step]
    assert set(part) == set(get_args(literal))


def test_the_schema_knows_all_states_of_an_instance():
    states = SCHEMA["$defs"]["action"]["properties"]["instance"]["properties"]["state"]["enum"]
    assert set(states) == {state.value for state in State}


# --- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "text"),
    [("0.243", "0.243"), ("0.2430", "0.243"), ("9", "9"), ("9E+3", "9000"), ("1E-7", "0.0000001"), ("-0.0", "0")],
)
def test_money_is_exact_and_plain(number, text):
    assert value(Decimal(number)) == text


@given(st.decimals("-1000000", "1000000", allow_nan=False, places=9))
def test_no_money_is_lost(number):
    assert Decimal(value(number)) == number
    assert "E" not in value(number)


def test_a_plan_tells_its_numbers():
    told = read_back(plan_document(samples.busy()))
    assert told["owner"] == "default"
    assert told["account"] == 77
    assert told["made_at"] == "2026-11-21T18:00:00Z"
    assert told["summary"] == {
        "create": 1,
        "replace": 2,
        "destroy": 2,
        "unchanged": 36,
        "unfilled": 4,
        "held": 2,
        "bids": 0,
    }
    assert told["cost"] == {
        "now": "7.845",
        "after": "7.795",
        "peak": "8.339",
        "month": "5612.4",
        "budget": "9",
        "credit": "2100",
        "credit_lasts_hours": "269.4",
        "spent_24_hours": "0",
        "spent_30_days": "0",
        "budget_30_days": None,
    }
    assert told["market"] == {"machines": 412, "searches": 7, "rows": 448, "share": 0.91}
    assert told["leaks"] == [
        {"id": 1720099, "seat": "render/9", "since": "2026-11-21T17:55:50Z", "rate_per_hour": "0.25"}
    ]


def test_a_create_tells_what_it_rents():
    action = read_back(plan_document(samples.busy()))["fleets"][0]["actions"][0]
    assert action == {
        "action": "create",
        "seat": "june-voice/2",
        "reason": "instance 1719822 was destroyed outside, last seen 02:50",
        "offer": {
            "id": 31,
            "machine": 27924,
            "host": 1044,
            "gpus": 1,
            "gpu": "RTX 3060",
            "location": "California, US",
            "price_per_hour": "0.243",
            "bid": None,
            "least_bid": None,
            "tier": "us-west",
            "score": {
                "total": 0.932,
                "parts": {"latency": 0.7, "price": 0.5, "gpu": 1.0, "reliability": 0.9, "availability": 0.25},
                "bonus": 0.2,
                "modifiers": 0.1,
            },
            "latency": None,
            "ceiling": "0.25515",
            "promised": False,
        },
    }


KEYS = {
    "a create due now": (samples.create(), {"offer"}),
    "a create that waits": (samples.create(wait=Wait("cold start", 60.0)), {"offer", "wait"}),
    "a step of a rollout": (samples.exchange(), {"order", "asked", "offer", "instance"}),
    "a repair in its grace": (samples.repair(1), {"order", "asked", "offer", "instance", "wait"}),
    "a destroy": (samples.destroy(), {"instance"}),
    "a destroy until another runs": (samples.destroy(wait=Wait("until instance 5 runs")), {"instance", "wait"}),
}


@pytest.mark.parametrize(("action", "keys"), KEYS.values(), ids=KEYS)
def test_an_action_has_the_keys_of_its_kind(action, keys):
    plan = samples.plan(samples.fleet_plan(samples.june(), actions=(action,)))
    (told,) = read_back(plan_document(plan))["fleets"][0]["actions"]
    assert set(told) == {"action", "seat", "reason"} | keys


def test_what_is_held_back_is_listed_with_what_lifts_it():
    (held,) = read_back(plan_document(samples.busy()))["fleets"][1]["held"]
    assert held["lift"] == "--max-destroys 3"
    assert [action["seat"] for action in held["actions"]] == ["render/6", "render/7"]


def test_a_status_says_nothing_of_what_would_be_done():
    told = read_back(status_document(samples.busy()))
    assert {"summary", "market", "held", "pruned", "resent", "rents_wait_s"}.isdisjoint(told)
    assert {"actions", "unfilled", "held"}.isdisjoint(told["fleets"][1])
    assert told["fleets"][1]["notes"][0]["text"] == "instance 1730008 was stopped by someone; left alone"
    assert told["cost"]["after"] == told["cost"]["now"] == "7.845"
    assert told["cost"]["credit_lasts_hours"] == "267.7"


def test_credit_lasts_for_no_known_time_when_nothing_is_billed():
    cost = Cost(Decimal(0), Decimal(0), Decimal(0), credit=Decimal(5))
    assert read_back(plan_document(samples.plan(cost=cost)))["cost"]["credit_lasts_hours"] is None


def test_offers_are_ranked_and_every_refusal_is_named():
    told = read_back(offers())
    assert [(o["price_per_hour"], o["tier"]) for o in told["eligible"]] == [("0.243", "US-CA"), ("0.31", "US-CA")]
    refused = {o["id"]: [r["rule"] for r in o["refusals"]] for o in told["refused_offers"]}
    assert refused == {3: ["price.max_per_hour"], 9: ["regions.tiers", "host.min_reliability"]}
    assert told["refused"] == {"price.max_per_hour": 1, "regions.tiers": 1}
    assert told["nearest"] == {"rule": "price.max_per_hour", "detail": "$0.600/h", "percent": "20.0", "price": "0.6"}


def test_validate_tells_errors_from_warnings():
    told = read_back(validate_document([], None, findings(), ["a.yaml"]))
    assert told["valid"] is False
    assert [(d["severity"], d["line"]) for d in told["diagnostics"]] == [("error", 3), ("warning", 0)]
    assert read_back(validate_document([], b.policy(), findings()[1:], []))["valid"] is True


def test_a_run_tells_its_outcomes_in_order():
    told = read_back(apply_document(samples.quiet(), OUTCOMES, "done", [], None))
    assert [(o["kind"], o["instance"], o["rate_per_hour"]) for o in told["outcomes"]] == [
        ("rented", 1731207, "0.243"),
        ("destroyed", 1720031, "0.301"),
        ("offer gone", None, "0"),
    ]


# --- what must not get out ------------------------------------------------------------------------


@pytest.mark.parametrize("payload", samples.PAYLOADS)
def test_texts_of_strangers_stay_inside_their_string(payload):
    text = dump(plan_document(samples.hostile(payload)))
    assert text.isascii()
    assert "\x7f" not in text
    assert all(char == "\n" or char.isprintable() for char in text)
    assert not any(line.lstrip().startswith("::") or "##" in line for line in text.splitlines())
    assert json.loads(text)["problems"] == [payload]


@pytest.mark.parametrize("text", ["##", "###", "####", "\\##", "\x7f", "\\\x7f", '"##"'])
def test_what_is_escaped_for_a_log_reads_back_the_same(text):
    assert json.loads(dump({"text": text})) == {"text": text}


def test_nothing_of_a_container_gets_out():
    login = RegistryLogin("ghcr.io", "CANARY-user", FromEnv("CANARY_PASSWORD"))
    told = {"env": {"TOKEN": "CANARY-env"}, "onstart": "CANARY-script", "args": ("CANARY-arg",)}
    fleet = samples.june(registry_login=login, **told)
    actions = (samples.create(fleet=fleet), replace(samples.exchange(), fleet=fleet))
    plan = samples.plan(samples.fleet_plan(fleet, actions=actions))
    made = [plan_document(plan), status_document(plan), apply_document(plan, OUTCOMES, "done", [], None)]
    made += [offers_of(fleet, []), validate_document([fleet], b.policy(), [], [])]
    assert "CANARY" not in "".join(map(dump, made))
