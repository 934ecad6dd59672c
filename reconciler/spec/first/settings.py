"""The conductor: a file of settings in, fields of a spec out, with everything that is wrong, secret or unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.diagnostics import Diagnostic, in_order
from reconciler.errors import InvalidInput
from reconciler.spec.events import parse
from reconciler.spec.files import Found, read_bytes
from reconciler.spec.first.envfile import is_env, read_env
from reconciler.spec.first.meanings import MEANINGS, meaning_of
from reconciler.spec.first.nested import Sorted, shown_names, sort_out
from reconciler.spec.first.setting import Part, Setting, Wrong
from reconciler.spec.page import Page, diagnose
from reconciler.spec.text import Refused, decode
from reconciler.spec.tree import Node, Route, dotted, plain

Parts = Mapping[Route, tuple[Part, ...]]
_NAMES_OF_OTHERS = ("non-ascii-key", "key-not-text")
"""Names that no spec has; what stands under them is passed over."""
_LISTS = (("gpu", "models"), ("regions", "tiers"), ("regions", "blocked"), ("blacklist", "hosts"))


@dataclass(slots=True)
class Settings:
    """What a file of settings says about a fleet."""

    file: str
    parts: dict[Route, tuple[Part, ...]] = field(default_factory=dict)
    """Several parts of one field are lists that follow each other."""
    remarks: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    """Names that look like those of secrets; their values were not looked at."""
    unknown: list[str] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)


def read_settings(found: Found) -> Settings:
    """The settings of an env file, or of a YAML or JSON file. Wrong values are in the diagnostics.

    Raises InvalidInput for a file that cannot be read at all.
    """
    try:
        page, text = decode(found.shown, found.path, read_bytes(found))
    except Refused as refused:
        raise InvalidInput([refused.diagnostic]) from None
    settings = Settings(page.file)
    found_in = _of_env(page, settings) if is_env(text) else _of_tree(page, text)
    settings.secrets = shown_names(found_in.secrets)
    for setting in sorted(found_in.known, key=lambda each: meaning_of(each)[0]):
        if setting.node.value is not None:
            _take(setting, settings)
    _keep_the_order(settings)
    settings.unknown = shown_names([*found_in.unknown, *settings.unknown])
    settings.diagnostics = in_order(settings.diagnostics)
    return settings


def _keep_the_order(settings: Settings) -> None:
    """Several preferred places are wanted in their order, which tiers have only when the spec says so."""
    parts = settings.parts.get(("regions", "tiers"), ())
    if sum(len(part.node.value) for part in parts if isinstance(part.node.value, tuple)) > 1:
        route = ("regions", "strict_order")
        settings.parts[route] = (Part(route, Node(True, parts[0].node.mark), parts[0].origin),)


def _of_env(page: Page, settings: Settings) -> Sorted:
    env = read_env(page)
    settings.diagnostics += env.warnings
    found = Sorted()
    for setting in env.settings:
        found.add(sort_out(Node({setting.keys[0]: setting.node}, setting.node.mark), MEANINGS))
    found.unknown += [f"line {number}" for number in env.odd_lines]
    return found


def _of_tree(page: Page, text: str) -> Sorted:
    documents, problems = parse(page, text)
    if problems and not (documents and all(each.code in _NAMES_OF_OTHERS for each in problems)):
        raise InvalidInput(in_order(problems))
    found = Sorted()
    for document in documents:
        found.add(sort_out(document.root, MEANINGS))
    found.unknown += [f"line {each.line}" for each in in_order(problems)]
    return found


def _take(setting: Setting, settings: Settings) -> None:
    meaning = meaning_of(setting)[1]
    try:
        read = meaning.read(setting, meaning.route)
    except Wrong as wrong:
        settings.diagnostics += wrong.diagnostics
        return
    settings.remarks += [read.remark] if read.remark else []
    settings.unknown += read.unknown
    for part in read.parts:
        _put(part, settings)


def _put(part: Part, settings: Settings) -> None:
    if part.route in _LISTS:
        _extend(part, settings)
        return
    earlier = settings.parts.get(part.route, ())
    if earlier and plain(earlier[0].node) != plain(part.node):
        said = f"{dotted(part.route)} is said by {earlier[0].origin} too; this one counts"
        settings.diagnostics.append(diagnose(part.node.mark, "repeated-value", said, severity="warning"))
    settings.parts[part.route] = (part,)


def _extend(part: Part, settings: Settings) -> None:
    """Add what a list does not hold yet."""
    earlier = settings.parts.get(part.route, ())
    known = [plain(each) for one in earlier for each in _nodes(one.node)]
    fresh = _each_once(each for each in _nodes(part.node) if plain(each) not in known)
    if fresh or not earlier:
        settings.parts[part.route] = (*earlier, replace(part, node=Node(fresh, part.node.mark)))
    else:
        settings.remarks.append(f"{part.origin}: is in {dotted(part.route)} already")


def _nodes(node: Node) -> tuple[Node, ...]:
    return node.value if isinstance(node.value, tuple) else ()


def _each_once(nodes: Iterable[Node]) -> tuple[Node, ...]:
    found: list[Node] = []
    for node in nodes:
        if all(plain(node) != plain(other) for other in found):
            found.append(node)
    return tuple(found)
