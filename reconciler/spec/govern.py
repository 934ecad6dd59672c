"""Which policy governs a run: exactly one, the same for a file alone as for its whole directory."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.diagnostics import Diagnostic
from reconciler.errors import WrongUsage
from reconciler.spec.documents import Desk, Written
from reconciler.spec.files import Found, Search, found_at, is_spec_name, read_bytes
from reconciler.spec.page import Mark, Page, diagnose
from reconciler.spec.text import Refused

_MENTIONS_POLICY = re.compile(rb"kind[\"']?\s*:\s*[\"']?Policy")


@dataclass(slots=True)
class Governed:
    """The policy document of a run, if there is one, and what is wrong with the choice."""

    policy: Written | None = None
    problems: list[Diagnostic] = field(default_factory=list)


def chosen(name: str, cwd: Path, desk: Desk) -> Governed:
    """The policy in the file that the user names."""
    found = found_at(name, cwd)
    if not os.path.lexists(found.path):
        raise WrongUsage(f"{found.shown}: no such file")
    opened = desk.open(found)
    policies = [each for each in opened.documents if each.kind == "policy"]
    if not policies and not opened.problems:
        return Governed(None, [found.refuse("no-policy", "holds no document of kind Policy").diagnostic])
    return Governed(policies[0] if policies else None, [*opened.problems, *_too_many(policies)])


def above(search: Search, cwd: Path, desk: Desk) -> Governed:
    """The policy over the folders of the files, without them over those that were given. Of a file that does not speak
    of a policy nothing is judged."""
    finder = _Finder(cwd, desk, Search(folders=search.folders))
    folders = {found.path.parent for found in search.files} or set(search.folders)
    policies = _distinct([each for folder in sorted(folders) for each in finder.above(folder)])
    return Governed(policies[0] if policies else None, [*finder.problems, *_too_many(policies)])


def nearest(search: Search, cwd: Path, desk: Desk) -> Governed:
    """The policy that governs every file: of its folder, else of the nearest folder above that has one."""
    finder = _Finder(cwd, desk, search)
    by_file = {found: finder.above(found.path.parent) for found in search.files}
    written = [each for found in search.files for each in desk.open(found).documents if each.kind == "policy"]
    policies = _distinct([*written, *(each for found in by_file.values() for each in found)])
    problems = [*finder.problems, *_too_many(policies)]
    if len(policies) == 1:
        problems += [_outside(found, policies[0]) for found, governing in by_file.items() if not governing]
    return Governed(policies[0] if policies else None, problems)


def _distinct(policies: Sequence[Written]) -> list[Written]:
    by_place = {(each.page.file, each.root.mark.line): each for each in policies}
    return [by_place[place] for place in sorted(by_place)]


def _too_many(policies: Sequence[Written]) -> list[Diagnostic]:
    """Each of several policies, told of the first."""
    said = "exactly one policy governs a run, and there is another one at {}"
    hint = "merge them, or name one with --policy"
    return [diagnose(each.root.mark, "two-policies", said.format(policies[0].root.mark), hint) for each in policies[1:]]


def _outside(found: Found, policy: Written) -> Diagnostic:
    said = f"the policy at {policy.root.mark} does not govern this file, which is not below its folder"
    hint = "move the policy to the folder above both, or name it with --policy"
    return diagnose(Mark(Page(found.shown, found.path)), "policy-elsewhere", said, hint)


class _Finder:
    """Looks for policies in folders, each folder once."""

    def __init__(self, cwd: Path, desk: Desk, search: Search) -> None:
        self._cwd = Path(os.path.abspath(cwd))
        self._desk = desk
        self._tops = (self._cwd, *search.folders)
        self._given = {found.path: found for found in search.files}
        self._here: dict[Path, list[Written]] = {}
        self.problems: list[Diagnostic] = []

    def above(self, folder: Path) -> list[Written]:
        """The policies of the nearest folder that has any, from `folder` upwards."""
        return next((found for each in self._chain(folder) if (found := self._in(each))), [])

    def _chain(self, folder: Path) -> list[Path]:
        """The folders that may hold the policy: up to the repository's root; without one, up to where the user is."""
        chain = [folder, *folder.parents]
        ends = [at for at, each in enumerate(chain) if (each / ".git").exists()][:1]
        ends = ends or [at for at, each in enumerate(chain) if each in self._tops]
        return chain[: max(ends, default=0) + 1]

    def _in(self, folder: Path) -> list[Written]:
        if folder not in self._here:
            self._here[folder] = [policy for found in self._candidates(folder) for policy in self._policies(found)]
        return self._here[folder]

    def _candidates(self, folder: Path) -> list[Found]:
        try:
            paths = sorted(folder / name for name in os.listdir(folder) if is_spec_name(name))
        except OSError:
            paths = []
        # A file given by name counts whatever it is called.
        paths = sorted({*paths, *(path for path in self._given if path.parent == folder)})
        return [self._given.get(path) or self._named(path) for path in paths if path.is_file()]

    def _named(self, path: Path) -> Found:
        below = path.is_relative_to(self._cwd)
        return found_at(str(path.relative_to(self._cwd) if below else path), self._cwd)

    def _policies(self, found: Found) -> list[Written]:
        try:
            if found.path not in self._given and not _MENTIONS_POLICY.search(read_bytes(found)):
                return []
        except Refused as refused:
            if found.path in self._given:
                self.problems.append(refused.diagnostic)
            return []
        opened = self._desk.open(found)
        policies = [each for each in opened.documents if each.kind == "policy"]
        if found.path not in self._given:
            broken = not policies or any(not each.sound for each in policies)
            self.problems += opened.problems if broken else []
        return policies
