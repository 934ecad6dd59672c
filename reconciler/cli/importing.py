"""`reconcile import`: specs that describe what is in the account. It reads the account and writes new files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import click

from reconciler.cli.compose import open_world
from reconciler.cli.fleets import with_simulate
from reconciler.cli.new_files import write_new
from reconciler.cli.options import Shape, Where, policy_option, where, world_options
from reconciler.cli.plan import warn
from reconciler.cli.screen import Screen
from reconciler.core.importing import Group, Left, groups_of
from reconciler.core.instance import Instance
from reconciler.core.label import ForeignMark, Mark, read_label
from reconciler.core.model import Policy
from reconciler.core.text import safe
from reconciler.errors import InvalidInput, RefusedByGuard, WrongUsage


@click.command("import")
@click.option("--match", "globs", multiple=True, metavar="GLOB", help="Only instances whose label fits. Repeatable.")
@click.option("--id", "ids", type=click.IntRange(min=1), multiple=True, metavar="N", help="Only this one. Repeatable.")
@click.option("--out", default="specs/", show_default=True, type=click.Path(), metavar="DIR", help="Where to write.")
@policy_option
@world_options
@click.option(
    "--format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For people or machines.",
)
def import_(**values: Any) -> int:
    """Write specs that describe the unmanaged instances of the account, alike ones as one fleet.

    The account is only read, and no file is ever overwritten. A spec says image, disk, ports, script, GPU, country, and
    the price paid plus a tenth; variables by name, as from_env: their values are never read. Then
    `reconcile adopt --all` takes the instances in, and nothing is left to do.

    \b
    Examples:
      reconcile import
      reconcile import --match 'pool-a*' --out specs/
      reconcile import --id 41250007 --id 41250008
    """
    world_at, screen = where(values), Screen(Shape(values["format"], False))
    place = _place(values["out"], values["policy"])
    with open_world(world_at) as world:
        warn(world, screen)
        screen.busy("reading the account")
        listing = world.provider.instances()
    found = _chosen(listing.instances, place, values["globs"], values["ids"])
    groups, left = groups_of(found, _names(listing.instances, place))
    return _write(groups, left, place, screen, world_at)


# --- before anything is read ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """Where the specs go, whose they will be, and which fleets are declared there already."""

    folder: Path
    owner: str
    fleets: frozenset[str]


def _place(out: str, policy: str | None) -> Place:
    from reconciler.cli.init import folder_named
    from reconciler.spec.load import load
    from reconciler.vast.query_fields import LANGUAGE

    folder = folder_named(out)
    declared = load([str(folder)], policy=policy, language=lambda: LANGUAGE).fleets if folder.is_dir() else ()
    return Place(folder, _owner(folder, policy), frozenset(fleet.name for fleet in declared))


def _owner(folder: Path, policy: str | None) -> str:
    """The owner that the policy names which will govern the new files."""
    from reconciler.spec.documents import Desk
    from reconciler.spec.files import Search, found_at
    from reconciler.spec.govern import chosen, nearest
    from reconciler.spec.tree_access import text

    here = Path.cwd()
    new = found_at(str(folder / "fleet.yaml"), here)
    governed = chosen(policy, here, Desk()) if policy else nearest(Search(files=[new]), here, Desk())
    if governed.problems:
        raise InvalidInput(governed.problems)
    return (text(governed.policy.root, "owner") if governed.policy else None) or Policy().owner


# --- choosing ---------------------------------------------------------------------------------------


def _chosen(
    instances: Sequence[Instance], place: Place, globs: Sequence[str], ids: Sequence[int]
) -> tuple[Instance, ...]:
    """The unmanaged instances that are meant; one that is named and is not unmanaged is refused."""
    by_id = {instance.id: instance for instance in instances}
    for number in ids:
        why = _not_unmanaged(by_id.get(number), place.owner)
        if why is not None:
            raise RefusedByGuard(f"instance {number}: {why}; nothing was written")
    free = (instance for instance in instances if _not_unmanaged(instance, place.owner) is None)
    return tuple(instance for instance in free if _meant(instance, globs, ids))


def _meant(instance: Instance, globs: Sequence[str], ids: Sequence[int]) -> bool:
    named = instance.id in ids or any(fnmatchcase(instance.label or "", glob) for glob in globs)
    return named or not (globs or ids)


def _not_unmanaged(instance: Instance | None, owner: str) -> str | None:
    if instance is None:
        return "there is no such instance in this account"
    mark = read_label(instance.label, owner)
    if isinstance(mark, Mark):
        return f"it is managed already, as {mark.seat}"
    return f"it is owner {mark.owner}'s, of fleet {mark.fleet}" if isinstance(mark, ForeignMark) else None


def _names(instances: Sequence[Instance], place: Place) -> frozenset[str]:
    """Names that fleets of the account have, ours and others': a new fleet must not be taken for one of them."""
    marks = (read_label(instance.label, place.owner) for instance in instances)
    there = {mark.seat.fleet if isinstance(mark, Mark) else mark.fleet for mark in marks if mark is not None}
    return frozenset(there)


# --- writing ----------------------------------------------------------------------------------------


def _write(groups: Sequence[Group], left: Sequence[Left], place: Place, screen: Screen, world_at: Where) -> int:
    from reconciler.cli.init import schema_for
    from reconciler.spec.describing import described_text, wrong_with

    refused = list(left)
    written: list[tuple[Path, Group, str]] = []
    for group in groups:
        file = place.folder / f"{group.name}.yaml"
        text = described_text(group, schema_for(place.folder, "fleet"), with_simulate(world_at))
        wrong = wrong_with(text, str(file))
        if wrong:
            refused += [Left(instance.id, wrong[0].message) for instance in group.instances]
        else:
            written.append((file, group, text))
    _all_new(written, place)
    write_new([(file, text) for file, _, text in written])
    _tell(screen, written, refused, with_simulate(world_at))
    return 0


def _all_new(written: Sequence[tuple[Path, Group, str]], place: Place) -> None:
    """A file that is there, or a fleet of that name, stops everything: the instances may be described already."""
    there = [_said(file) for file, _, _ in written if os.path.lexists(file)]
    if there:
        exist = "exist" if len(there) > 1 else "exists"
        raise WrongUsage(f"{' and '.join(there)} {exist} already; nothing was written", hint="--out another directory")
    declared = sorted(place.fleets & {group.name for _, group, _ in written})
    if declared:
        raise WrongUsage(
            f"a fleet named {declared[0]} is declared in {_said(place.folder)} already; nothing was written",
            hint="--out another directory",
        )


def _tell(screen: Screen, written: Sequence[tuple[Path, Group, str]], left: Sequence[Left], also: str) -> None:
    from reconciler.views.importing import import_document, import_lines

    rows = [(_said(file), group) for file, group, _ in written]
    if not screen.is_text:
        from reconciler.views.document import dump

        screen.data(dump(import_document(rows, left)))
        return
    screen.data("\n".join(import_lines(rows, left)))
    if written:
        screen.note(f"\nNext, before any apply: reconcile adopt --all{also} {_said(written[0][0].parent)}")


def _said(path: Path) -> str:
    return safe(str(path), 4096)
