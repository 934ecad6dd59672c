"""The YAML library's complaints in our words."""

from __future__ import annotations

from typing import Any

import yaml

from reconciler.core.text import safe
from reconciler.diagnostics import Diagnostic
from reconciler.spec.page import Mark, Page, diagnose
from reconciler.spec.text import guess

_SAID = {
    "mapping values are not allowed": ("a second colon on this line makes no sense here", "quote the text, or indent"),
    "could not find expected ':'": ("this line is neither a key with a colon nor part of a list", None),
    "did not find expected key": ("a key was expected here", "check the indentation and the quotes above"),
    "expected <block end>": ("a key was expected here", "check the indentation and the quotes above"),
    "did not find expected '-' indicator": ("a list item was expected here", "check the indentation"),
    "unexpected end of stream": ("the text ends within quotes", "close the quotes"),
    "did not find expected ',' or ']'": ("the list in brackets is not closed", "add a comma or a closing bracket"),
    "expected ',' or ']'": ("the list in brackets is not closed", "add a comma or a closing bracket"),
    "did not find expected ',' or '}'": ("the mapping in braces is not closed", "add a comma or a closing brace"),
    "expected ',' or '}'": ("the mapping in braces is not closed", "add a comma or a closing brace"),
    "cannot start any token": ("this character cannot begin a value", "put the value in quotes"),
    "unknown escape character": ("there is no such escape in double quotes", "use single quotes"),
    "undefined alias": ("aliases are not part of a spec", "write the value out"),
}


def explain_syntax(page: Page, text: str, error: yaml.YAMLError) -> Diagnostic:
    """The diagnostic for text that is not YAML, naming what the file seems to be instead."""
    mark = _place(page, getattr(error, "problem_mark", None))
    if kind := guess(text):
        return diagnose(Mark(page, 1, 1), "not-yaml", f"this looks like {kind}, not YAML")
    line = page.lines[mark.line - 1] if mark.line else ""
    tab = next((at for at, char in enumerate(line) if char == "\t" or not char.isspace()), None)
    if tab is not None and line[tab] == "\t":
        said = "a tab indents this line; YAML allows only blanks there"
        return diagnose(Mark(page, mark.line, tab + 1), "tab-indentation", said, "replace the tab by two blanks")
    if "{{" in line or "{%" in line:
        said = "this is a template's placeholder; templates are not expanded in specs"
        return diagnose(mark, "template-braces", said, "render the template first")
    problem = str(getattr(error, "problem", None) or "unreadable text")
    said, hint = next((value for words, value in _SAID.items() if words in problem), (safe(problem, 80), None))
    return diagnose(mark, "yaml-syntax", f"not valid YAML: {said}", hint)


def _place(page: Page, mark: Any) -> Mark:
    if mark is None:
        return Mark(page)
    if mark.line >= len(page.lines):
        return Mark(page, len(page.lines), len(page.lines[-1]) + 1)
    return Mark(page, mark.line + 1, mark.column + 1)
