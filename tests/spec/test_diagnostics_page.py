"""Every code has its section in the documentation, and every section its code."""

from __future__ import annotations

import ast
import re

from .test_load import ROOT
from .test_malformed import CASES

PAGE = (ROOT / "docs" / "diagnostics.md").read_text(encoding="utf-8")
SECTIONS = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
NO_CODES = {"utf-8", "ssh-direct", "create-first", "latency-first", "low-latency"}
"""Words of the same shape that mean something else."""


def codes() -> set[str]:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "reconciler" / "spec").glob("*.py")]
    texts = {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    words = {text for text in texts if isinstance(text, str) and re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", text)}
    return words - NO_CODES


def test_every_code_has_a_section_and_every_section_a_code():
    assert sorted(codes()) == SECTIONS


def test_every_section_shows_a_document_before_and_after():
    for section in PAGE.split("\n## ")[1:]:
        assert re.search(r"\n\nBefore:\n\n```yaml\n.+?\n```\n\nAfter:\n\n```yaml\n.+?\n```\n", section, re.DOTALL), (
            section
        )


def test_the_table_of_malformed_specs_knows_its_codes():
    assert {each.split()[-1] for _, expected, _ in CASES.values() for each in expected} <= set(SECTIONS)
