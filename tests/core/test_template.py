"""Which templates match a few words, and what becomes of a fleet whose template is gone."""

from __future__ import annotations

from dataclasses import replace

import builders as b
import pytest

from reconciler.core.plan import FleetPlan, Held, Plan
from reconciler.core.template import Template, matching, no_such, outside, refuse, unseen


def template(name: str, image: str | None = None, **more: object) -> Template:
    return Template(name.lower().replace(" ", "").ljust(8, "0"), name, image, **more)  # type: ignore[arg-type]


CASES = {
    "every word has to be there, in any case": (["NVIDIA CUDA", "NVIDIA", "CUDA"], "cuda nvidia", ["NVIDIA CUDA"]),
    "the very name comes first": (["CUDA 13", "cuda"], "CUDA", ["cuda", "CUDA 13"]),
    "nothing matches": (["vLLM"], "torch", []),
}


@pytest.mark.parametrize(("names", "words", "expected"), CASES.values(), ids=CASES.keys())
def test_matching(names, words, expected):
    assert [found.name for found in matching({n: template(n) for n in names}, words)] == expected


def test_a_name_matches_before_an_image_and_what_is_recommended_or_used_before_others():
    rows = [
        template("A", "x/torch:1", recommended=True, rentals=10**6),
        template("Torch one", rentals=5),
        template("Torch two", rentals=500),
        template("Torch three", recommended=True),
    ]
    assert [t.name for t in matching({t.hash: t for t in rows}, "torch")] == [
        "Torch three",
        "Torch two",
        "Torch one",
        "A",
    ]


def plan_of(*parts: FleetPlan) -> Plan:
    return Plan("default", 1, b.NOW, parts)


def test_a_fleet_whose_template_is_gone_is_refused_by_name_and_others_are_left_as_they_are():
    earlier = Held("protect", "it is protected", "--max-destroys 1", "june")
    june = FleetPlan(b.fleet("june", vast_template="4e17788f"), running=0, live=0, surplus=0, held=(earlier,))
    july = replace(june, fleet=b.fleet("july", vast_template="4e17788f"), held=())
    refused = refuse(plan_of(june, july), {"june": no_such("june", "4e17788f")})
    assert refused.fleets[1] == july
    first, second = refused.fleets[0].held
    assert first == earlier
    assert (second.guard, second.fleet, second.actions) == ("template", "june", ())
    assert "4e17788f" in second.message
    assert "reconcile templates NAME" in second.lift


def test_a_plan_whose_templates_exist_is_the_same():
    plan = plan_of(FleetPlan(b.fleet(), running=1, live=1, surplus=0))
    assert refuse(plan, {}) == plan


@pytest.mark.parametrize("image", ["docker.io/miner/xmr:1", None])
def test_the_refusal_of_an_image_names_it_and_what_lifts_it(image):
    held = outside("june", template("Miner", image))
    assert (held.guard, held.fleet, held.lift) == ("template", "june", "images.allow")
    assert (image or "does not name") in held.message


def test_the_refusal_of_a_template_nobody_could_look_up_says_why():
    held = unseen("june", "4e17788f", "GET /x answered 503")
    assert "4e17788f" in held.message
    assert "503" in held.message
