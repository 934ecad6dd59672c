"""`reconcile init`: a first spec and policy, from nothing or from settings that are there already."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.new_files import write_new
from reconciler.core.text import safe
from reconciler.errors import InvalidInput, WrongUsage

if TYPE_CHECKING:
    from reconciler.spec.first.settings import Settings

MOST_NAMES = 40
"""So many names of settings are listed; of more, their number."""


@click.command()
@click.argument("folder", metavar="[DIR]", default="specs/", type=click.Path())
@click.option(
    "--from-env",
    "source",
    type=click.Path(),
    metavar="FILE",
    help="Take over settings: lines of NAME=value, or the YAML or JSON of a provider.",
)
def init(folder: str, source: str | None) -> int:
    """Write a first spec and a policy into DIR (specs/), every field explained. No file is ever overwritten.

    The policy's owner is the repository's name. With --from-env, known settings become fields, each with a comment on
    where it came from. A key, token, secret or password is never copied; what is not understood is listed by its name.

    \b
    Examples:
      reconcile init
      reconcile init fleets/
      reconcile init --from-env config.env
    """
    from reconciler.spec.first.lines import FLEET

    target = folder_named(folder)
    spec, policy = target / f"{FLEET}.yaml", target / "policy.yaml"
    governing = _governing(spec)
    _all_new([spec] if governing else [spec, policy])
    settings = _settings(source) if source is not None else None
    text = _checked(_spec(target, settings), settings)
    write_new([(spec, text)] if governing else [(spec, text), (policy, _policy(target))])
    click.echo(f"wrote {_said(spec)}")
    if governing is None:
        click.echo(f"wrote {_said(policy)}, owner {_owner(target)}")
    else:
        click.echo(f"the policy {governing} governs it; none was written")
    _tell(settings)
    _next(folder)
    return 0


# --- before anything is written ---------------------------------------------------------------------


def folder_named(name: str) -> Path:
    """The folder as it was named, or wrong usage where it cannot be one."""
    if not name:
        raise WrongUsage("DIR is empty", hint="name a directory for the specs")
    path = Path(name)
    above = next((each for each in (path, *path.parents) if os.path.lexists(each)), path)
    if os.path.lexists(above) and not above.is_dir():
        raise WrongUsage(f"{_said(above)} is a file, not a directory", hint="name a directory for the specs")
    return path


def _governing(spec: Path) -> str | None:
    """The policy that would govern the new spec, where one is there already."""
    from reconciler.spec.documents import Desk
    from reconciler.spec.files import Search, found_at
    from reconciler.spec.govern import nearest

    here = Path.cwd()
    governed = nearest(Search(files=[found_at(str(spec), here)]), here, Desk())
    return governed.policy.page.file if governed.policy else None


def _all_new(files: Sequence[Path]) -> None:
    there = [_said(file) for file in files if os.path.lexists(file)]
    if there:
        exist = "exist" if len(there) > 1 else "exists"
        raise WrongUsage(f"{' and '.join(there)} {exist} already; nothing was written", hint="name another directory")


def _settings(source: str) -> Settings:
    from reconciler.spec.files import found_at
    from reconciler.spec.first.settings import read_settings

    found = found_at(source, Path.cwd())
    if not os.path.lexists(found.path):
        raise WrongUsage(f"--from-env {found.shown}: no such file")
    return read_settings(found)


def _spec(target: Path, settings: Settings | None) -> str:
    from reconciler.spec.first.writing import spec_text

    return spec_text(schema_for(target, "fleet"), settings)


def _policy(target: Path) -> str:
    from reconciler.spec.first.writing import policy_text

    return policy_text(schema_for(target, "policy"), _owner(target))


def _checked(text: str, settings: Settings | None) -> str:
    """The text, once nothing is wrong with the settings it was made from; all findings at once."""
    from reconciler.diagnostics import in_order, render
    from reconciler.spec.first.judging import judge

    if settings is None:
        return text
    found = in_order([*settings.diagnostics, *judge(text, settings)])
    if any(each.severity == "error" for each in found):
        raise InvalidInput(found)
    for warning in found:
        click.echo(render(warning), err=True)
    return text


def schema_for(target: Path, name: str) -> str:
    """Where an editor finds the schema: relative within the repository, so that it holds for others too."""
    from reconciler.spec.first.owning import repository_of
    from reconciler.spec.schema import schema_path

    path, folder = schema_path(name), Path(os.path.abspath(target))
    root = repository_of(folder)
    return os.path.relpath(path, folder) if root is not None and path.is_relative_to(root) else str(path)


def _owner(target: Path) -> str:
    from reconciler.spec.first.owning import home_of, owner_name

    here = Path.cwd()
    return owner_name(home_of(Path(os.path.abspath(here / target)), here).name)


# --- what is said -----------------------------------------------------------------------------------


def _tell(settings: Settings | None) -> None:
    if settings is None:
        return
    if not settings.parts:
        click.echo(f"no setting of {settings.file} is known: the spec is as without it")
    if settings.secrets:
        click.echo(f"not copied, for they look like secrets: {_names(settings.secrets)}")
        click.echo("  commands read VAST_API_KEY from the environment; other secrets a spec names with from_env")
    if settings.unknown:
        click.echo(f"not understood, so left out: {_names(settings.unknown)}")


def _names(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _next(folder: str) -> None:
    where = shlex.quote(safe(folder, 4096))
    click.echo("\nNext:")
    for line in (f"validate {where}", f"plan {where} --simulate", f"apply {where} --simulate"):
        click.echo(f"  reconcile {line}")


def _said(path: Path) -> str:
    return safe(str(path), 4096)
