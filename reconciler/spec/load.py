"""The conductor: paths in, fleets and policy out, or every diagnostic of every file at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

from reconciler.core.model import Fleet, Policy, Source
from reconciler.diagnostics import Diagnostic, in_order
from reconciler.errors import InvalidInput, WrongUsage
from reconciler.spec.allowed_rules import allowed_rule
from reconciler.spec.build import build_fleet, build_policy
from reconciler.spec.documents import Desk, Written
from reconciler.spec.files import Search, find, found_at
from reconciler.spec.govern import Governed, above, chosen, nearest
from reconciler.spec.page import Mark, diagnose, shown
from reconciler.spec.queries import Spoken, query_rule, within
from reconciler.spec.rules import check_fleet, check_policy
from reconciler.spec.schema import check
from reconciler.spec.scripts import script_path, with_script
from reconciler.spec.tree import Finding, Node, laid_over, plain
from reconciler.values import dataclass


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the documents declare."""

    fleets: tuple[Fleet, ...]
    """Sorted by name."""
    policy: Policy
    files: tuple[str, ...]
    """The files read, as the user would name them."""
    warnings: tuple[Diagnostic, ...]
    complete: bool
    """True where a directory was given: then fleets declared nowhere are orphans."""
    read: frozenset[Path] = frozenset()
    """Everything the result depends on that was opened: documents, policy, scripts."""


@dataclass(slots=True)
class _Result:
    """What became of one document."""

    diagnostics: list[Diagnostic] = field(default_factory=list)
    fields: Any = None

    @property
    def is_good(self) -> bool:
        return all(each.severity == "warning" for each in self.diagnostics)


def load(
    paths: Sequence[str], *, policy: str | None = None, cwd: Path | None = None, language: Spoken = None
) -> Loaded:
    """The fleets that `paths` declare and the policy that governs them.

    `language` gives the marketplace's own for `host.query`; without it only the form of a query is checked.
    Raises InvalidInput with everything that is wrong anywhere, WrongUsage for a path that does not exist.
    """
    if not paths:
        raise WrongUsage("no file or directory is named")
    here, desk = cwd or Path.cwd(), Desk()
    search = find(paths, here)
    opened = [desk.open(found) for found in search.files]
    governed = chosen(policy, here, desk) if policy else nearest(search, here, desk)
    rules = _judge_policy(governed)
    fleets = [each for one in opened for each in one.documents if each.kind == "fleet"]
    results = [_judge_fleet(each, governed, rules, language) for each in fleets]
    findings = [*search.problems, *(each for one in opened for each in one.problems), *governed.problems]
    findings += [*rules.diagnostics, *_repeated_names(fleets), *(each for one in results for each in one.diagnostics)]
    diagnostics = in_order(findings)
    if any(each.severity == "error" for each in diagnostics):
        raise InvalidInput(diagnostics)
    return Loaded(
        fleets=_fleets(fleets, results, language),
        policy=build_policy(rules.fields, governed.policy.page.file) if governed.policy else Policy(),
        files=_files((found.shown for found in search.files), governed),
        warnings=tuple(diagnostics),
        complete=bool(search.folders),
        read=_read(search, governed, fleets),
    )


def load_policy(named: str | None, folder: str, *, cwd: Path | None = None) -> Policy:
    """The policy in the file `named`, else the one that governs what is in `folder`, or would be; without any, the
    default. Fleets are not read, so one that is wrong is in nobody's way.

    Raises InvalidInput with what is wrong with the policy, or where there are several.
    """
    here, desk = cwd or Path.cwd(), Desk()
    place = found_at(folder, here).path
    search = find([folder], here) if place.is_dir() else Search(folders=[place])
    governed = chosen(named, here, desk) if named else above(search, here, desk)
    rules = _judge_policy(governed)
    diagnostics = in_order([*governed.problems, *rules.diagnostics])
    if any(each.severity == "error" for each in diagnostics):
        raise InvalidInput(diagnostics)
    return build_policy(rules.fields, governed.policy.page.file) if governed.policy else Policy()


def _read(search: Search, governed: Governed, fleets: Iterable[Written]) -> frozenset[Path]:
    pages = [governed.policy.page.path] if governed.policy else []
    scripts = (script_path(_merged(each.root, governed)) for each in fleets)
    return frozenset([*(found.path for found in search.files), *pages, *(path for path in scripts if path)])


def _files(names: Iterable[str], governed: Governed) -> tuple[str, ...]:
    return tuple(sorted({*names, *([governed.policy.page.file] if governed.policy else [])}))


def _fleets(written: list[Written], results: list[_Result], language: Spoken) -> tuple[Fleet, ...]:
    pairs = zip(written, results, strict=True)
    fleets = [
        build_fleet(result.fields, Source(each.page.file, each.root.mark.line), language) for each, result in pairs
    ]
    return tuple(sorted(fleets, key=lambda fleet: fleet.name))


def _judge_policy(governed: Governed) -> _Result:
    written = governed.policy
    if written is None or not written.sound:
        return _Result()
    root = written.root
    findings = check("policy", root, drop=_may_come_from_fleet)
    findings += _fresh(check_policy(root), findings)
    return _Result(_located(findings, root, root), plain(root))


def _judge_fleet(written: Written, governed: Governed, rules: _Result, language: Spoken) -> _Result:
    if not written.sound:
        return _Result()
    root = _merged(written.root, governed)
    # What a broken policy would have given cannot be missed here.
    is_doubtful = not rules.is_good or bool(governed.problems) or (rules.fields is None and governed.policy is not None)
    findings = check("fleet", root, drop=_may_come_from_policy if is_doubtful else _nothing)
    root, problems = with_script(root)
    more = (query_rule(language), allowed_rule(rules.fields if rules.is_good else None))
    findings += _fresh([*problems, *check_fleet(root, *more)], findings)
    said = {_spot(each) for each in rules.diagnostics}
    located = [each for each in _located(findings, root, written.root) if _spot(each) not in said]
    return _Result(located, plain(root))


def _spot(diagnostic: Diagnostic) -> tuple[str, str]:
    """What makes a finding about the defaults the same, whether it was made there or in a fleet above them."""
    return diagnostic.place, diagnostic.code


def _merged(root: Node, governed: Governed) -> Node:
    defaults = governed.policy.root.child("defaults") if governed.policy and governed.policy.sound else None
    return laid_over(defaults, root) if defaults and isinstance(defaults.value, dict) else root


def _in_list(finding: Finding) -> bool:
    return any(isinstance(step, int) for step in finding.route)


def _may_come_from_fleet(finding: Finding) -> bool:
    """True for what is missing in the defaults and may stand in every fleet; a list does not merge."""
    return finding.code == "missing-field" and finding.route[0] == "defaults" and not _in_list(finding)


def _may_come_from_policy(finding: Finding) -> bool:
    return finding.code == "missing-field" and not _in_list(finding)


def _nothing(_: Finding) -> bool:
    return False


def _fresh(findings: Iterable[Finding], known: Iterable[Finding]) -> list[Finding]:
    """Those about values that were not refused already."""
    refused = {each.route for each in known if not each.on_key}
    return [each for each in findings if each.route not in refused]


def _located(findings: Iterable[Finding], root: Node, written: Node) -> list[Diagnostic]:
    return [
        diagnose(
            _mark(each, root, written), each.code, each.message, each.suggestion, "warning" if each.warning else "error"
        )
        for each in findings
    ]


def _mark(finding: Finding, root: Node, written: Node) -> Mark:
    """Where a route stands; what is missing is missing in the fleet, whatever the policy says of its parent."""
    route = finding.route
    if finding.code == "missing-field":
        return (root if _in_list(finding) and written.at(route[:-1]) is None else written).nearest(route)
    parent = root.at(route[:-1]) if route else None
    if finding.on_key and parent and isinstance(route[-1], str) and route[-1] in parent.keys:
        return parent.keys[route[-1]]
    node = root.at(route)
    if node and finding.span:
        return within(node, *finding.span)
    return node.mark if node else root.nearest(route)


def _repeated_names(fleets: list[Written]) -> list[Diagnostic]:
    first: dict[str, Node] = {}
    found = []
    for each in sorted(fleets, key=lambda one: (one.page.file, one.root.mark.line)):
        node = each.root.child("name")
        if node is None or not isinstance(node.value, str):
            continue
        if node.value in first:
            said = f"the fleet {shown(node.value)} is declared twice, first at {first[node.value].mark}"
            found.append(diagnose(node.mark, "same-fleet-name", said, "rename or remove one of them"))
        first.setdefault(node.value, node)
    return found
