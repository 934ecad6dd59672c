"""Whatever the bytes: a value or diagnostics, never another exception, with either YAML parser."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reconciler.diagnostics import render
from reconciler.errors import InvalidInput
from reconciler.spec.documents import Desk
from reconciler.spec.files import Found
from reconciler.spec.load import load
from reconciler.spec.text import forbidden

from .builders import FLEET
from .test_load import WHOLE
from .test_malformed import CASES

PIECES = [
    *"[]{}:,-#&*!|>'\"%@`\n\t ?",
    "---\n",
    "<<: ",
    "kind: Fleet\n",
    "kind: Policy\n",
    "name: ",
    "gpu:",
    "null",
    "- ",
    "  ",
]
TOKENS = st.lists(st.one_of(st.sampled_from(PIECES), st.sampled_from(WHOLE.split()), st.text(max_size=5)), max_size=40)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A right document with one piece of it replaced."""
    start = draw(st.integers(0, len(WHOLE)))
    end = draw(st.integers(start, min(len(WHOLE), start + 30)))
    return WHOLE[:start] + draw(st.one_of(st.sampled_from(PIECES), st.text(max_size=8))) + WHOLE[end:]


def outcome(data: bytes) -> str:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "f.yaml").write_bytes(data)
        try:
            loaded = load(["f.yaml"], cwd=Path(folder))
        except InvalidInput as error:
            found = error.diagnostics
        else:
            found = loaded.warnings
    printed = [render(each) for each in found]
    assert forbidden("\n".join(printed), allowed="\n") is None, "what is printed must not hold what hides or moves text"
    return "\n".join(printed)


ANY = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@ANY
@given(st.binary(max_size=300))
@example(b"\xff\xfe")
@example(b"")
def test_any_bytes(data):
    outcome(data)


@ANY
@given(st.text(max_size=200))
def test_any_text(text):
    outcome(text.encode("utf-8", "surrogatepass"))


@ANY
@given(TOKENS)
@example(['a: "\\U00110000"'])
@example(["? ", "- "])
def test_any_tokens(tokens):
    outcome("".join(tokens).encode("utf-8", "surrogatepass"))


@ANY
@given(damaged())
def test_any_damage(text):
    outcome(text.encode("utf-8", "surrogatepass"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "in", "name", "from_env", "file", "A"]), inner)
    ),
    max_leaves=6,
)
TOP = [
    "replicas",
    "gpu",
    "regions",
    "price",
    "host",
    "spread",
    "blacklist",
    "container",
    "limits",
    "defaults",
    "protect",
]
INNER = [
    "models",
    "tiers",
    "blocked",
    "env",
    "ports",
    "args",
    "onstart",
    "image",
    "hosts",
    "per_host",
    "min_runway_hours",
]


@ANY
@given(
    st.sampled_from(["Fleet", "Policy"]),
    st.dictionaries(st.sampled_from(TOP), JSON | st.dictionaries(st.sampled_from(INNER), JSON), max_size=5),
)
def test_any_values_in_any_field(kind, fields):
    outcome(yaml.dump({"kind": kind, "name": "june", **fields}, allow_unicode=True).encode("utf-8", "surrogatepass"))


def opened(folder: Path, text: str | bytes, loader: object) -> tuple[object, list[str]]:
    path = folder / "f.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    found = Desk(loader).open(Found("f.yaml", path))
    return found.documents, [f"{each.place} {each.code}" for each in found.problems]


# libyaml and PyYAML word and place plain syntax errors differently; what is refused must not differ.
# Texts of hundreds of kilobytes are left out: the pure parser takes too long over them.
TEXTS = {"the smallest": FLEET, "the whole": WHOLE}
TEXTS |= {name: text for name, (text, _, _) in CASES.items() if len(text) <= 50_000}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_both_parsers_read_the_same(tmp_path, text):
    fast, pure = (opened(tmp_path, text, loader) for loader in (yaml.CSafeLoader, yaml.SafeLoader))
    assert fast == pure
