"""Bytes to text that can be read safely, or the reason why not, with a guess at what the file is instead."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

from reconciler.core.text import safe
from reconciler.diagnostics import Diagnostic
from reconciler.spec.page import Mark, Page, diagnose

_MAGIC = {
    b"\x1f\x8b": "a gzip archive",
    b"PK\x03\x04": "a zip archive",
    b"\x7fELF": "a program",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}
_CONFLICT = re.compile(r"^(?:<{7}|={7}|>{7}|\|{7})(?: |$)", re.MULTILINE)
_ASCII_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_TOML = re.compile(
    r"\s*(?:#.*\n\s*)*(?:\[\[?[\w.-]+\]\]?[ \t]*\n[\s\S]*?^[\w.-]+[ \t]*=|[\w.-]+[ \t]*=[ \t]*\S)", re.MULTILINE
)


class Refused(Exception):
    """A file that cannot be read on; holds why."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


def _guess_binary(data: bytes) -> str | None:
    for magic, name in _MAGIC.items():
        if data.startswith(magic):
            return name
    return "a binary file" if b"\0" in data else None


def decode(file: str, path: Path, data: bytes) -> tuple[Page, str]:
    """The page and its text with plain line ends."""
    blank = Mark(Page(file, path))
    if guess := _guess_binary(data):
        hint = "save the file as UTF-8"
        raise Refused(diagnose(blank, "not-yaml", f"this is {guess}, not YAML", hint if "text" in guess else None))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        start = data.rfind(b"\n", 0, error.start) + 1
        mark = Mark(blank.page, data.count(b"\n", 0, error.start) + 1, len(data[start : error.start].decode()) + 1)
        said = f"byte 0x{data[error.start]:02x} is not UTF-8"
        raise Refused(diagnose(mark, "not-utf8", said, "save the file as UTF-8")) from None
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    page = Page(file, path, tuple(text.split("\n")))
    _check_characters(page, text)
    _check_conflicts(page, text)
    return page, text


def mark_at(page: Page, text: str, index: int) -> Mark:
    """The place of the character at `index`."""
    return Mark(page, text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index))


def forbidden(text: str, allowed: str = "") -> str | None:
    """The first control, bidi or invisible character of `text`, but for those allowed."""
    suspects = set(_ASCII_CONTROL.findall(text)) | ({"\n", "\t"} & set(text))
    if not text.isascii():
        suspects |= {char for char in set(text) if ord(char) > 126 and safe(f"x{char}x") != f"x{char}x"}
    suspects -= set(allowed)
    return min(suspects, key=text.index) if suspects else None


def named(char: str) -> str:
    """A character that must not be printed, by number and name."""
    name = {"\n": "line break", "\t": "tab", "\r": "carriage return", "\0": "NUL", "\x1b": "escape"}.get(char)
    return f"U+{ord(char):04X} ({name or unicodedata.name(char, 'no name').lower()})"


def _check_characters(page: Page, text: str) -> None:
    if char := forbidden(text, allowed="\n\t"):
        said = f"the invisible character {named(char)} may not stand in a spec"
        raise Refused(diagnose(mark_at(page, text, text.index(char)), "forbidden-character", said, "remove it"))


def _check_conflicts(page: Page, text: str) -> None:
    found = _CONFLICT.search(text)
    if found and re.search(r"^(<{7}|>{7})( |$)", text, re.MULTILINE):
        said = "this is a conflict marker of git, not YAML"
        mark = Mark(page, text.count("\n", 0, found.start()) + 1, 1, 7)
        raise Refused(diagnose(mark, "conflict-marker", said, "resolve the conflict first"))


def guess(text: str) -> str | None:
    """What text that is no spec probably is instead."""
    start = text.lstrip()[:200].lower()
    if start.startswith(("<!doctype", "<html", "<?xml", "<svg")):
        return "HTML or XML"
    if start.startswith(("{", "[")) and _is_json(text):
        return "JSON that YAML cannot read (indented with tabs?)"
    return "TOML" if _TOML.match(text) else None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
