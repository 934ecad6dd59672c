"""`reconcile validate`: the specs alone; no key, no account, no network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import scope, scope_options, shape, shape_options
from reconciler.cli.screen import Screen

if TYPE_CHECKING:
    from reconciler.core.placement import Placement
    from reconciler.spec.load import Loaded


@click.command()
@scope_options
@click.option(
    "--market",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A recorded market: how many seats of each fleet would fill on it.",
)
@shape_options
def validate(**values: Any) -> int:
    """Check the specs and say everything that is wrong with them, each with its place.

    \b
    Examples:
      reconcile validate
      reconcile validate specs/flux-training.yaml
      reconcile validate specs/ --format json
      reconcile validate specs/ --market offers.json
    """
    from reconciler.errors import InvalidInput

    where, screen = scope(values), Screen(shape(values))
    try:
        return _say_good(where, screen, values["market"])
    except InvalidInput as invalid:
        if screen.is_text:
            raise
        screen.data(_document(screen, (), None, invalid.diagnostics, (), None))
        return invalid.exit_code


def _say_good(where: Any, screen: Screen, market: Path | None) -> int:
    from reconciler.cli.declared import read
    from reconciler.errors import RefusedByGuard

    loaded = read(where, screen)
    if not loaded.files:
        raise RefusedByGuard(
            "there is no spec and no policy here, so nothing was checked", hint="name a directory with specs"
        )
    placed = None if market is None else _placed(loaded, market)
    if screen.is_text:
        fleets, files = len(loaded.fleets), len(loaded.files)
        policy = f", policy {loaded.policy.file}" if loaded.policy.file else ""
        screen.note(
            f"{fleets} fleet{'s' if fleets != 1 else ''} in {files} file{'s' if files != 1 else ''}{policy}: valid"
        )
        if placed is not None:
            from reconciler.views.offers import filled_text

            screen.data(filled_text(loaded.fleets, placed))
    else:
        screen.data(_document(screen, loaded.fleets, loaded.policy, loaded.warnings, loaded.files, placed))
    return 0


def _placed(loaded: Loaded, market: Path) -> Placement:
    """All fleets placed at once on a recorded market, everything of it seen."""
    from reconciler.clock import SystemClock
    from reconciler.core.label import Seat
    from reconciler.core.place import Ground, place
    from reconciler.core.placement import Need
    from reconciler.vast.recording import read_recording

    needs = [
        Need(Seat(fleet.name, index), fleet, fleet.price.max_per_hour)
        for fleet in loaded.fleets
        for index in range(fleet.replicas)
    ]
    return place(needs, read_recording(market), Ground(loaded.policy.blacklist, SystemClock().now()))


def _document(screen: Screen, fleets: Any, policy: Any, diagnostics: Any, files: Any, placed: Placement | None) -> str:
    if screen.format == "markdown":
        from reconciler.views.markdown import diagnostics_markdown

        return diagnostics_markdown(diagnostics)
    from reconciler.views.document import dump, validate_document

    return dump(validate_document(fleets, policy, diagnostics, files, placed))
