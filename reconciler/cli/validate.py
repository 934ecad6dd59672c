"""`reconcile validate`: the specs alone; no key, no account, no network."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli.options import scope, scope_options, shape, shape_options
from reconciler.cli.screen import Screen


@click.command()
@scope_options
@shape_options
def validate(**values: Any) -> int:
    """Check the specs and say everything that is wrong with them, each with its place.

    \b
    Examples:
      reconcile validate
      reconcile validate specs/flux-training.yaml
      reconcile validate specs/ --format json
    """
    from reconciler.errors import InvalidInput

    where, screen = scope(values), Screen(shape(values))
    try:
        return _say_good(where, screen)
    except InvalidInput as invalid:
        if screen.is_text:
            raise
        screen.data(_document(screen, (), None, invalid.diagnostics, ()))
        return invalid.exit_code


def _say_good(where: Any, screen: Screen) -> int:
    from reconciler.cli.declared import read

    loaded = read(where, screen)
    if screen.is_text:
        fleets, files = len(loaded.fleets), len(loaded.files)
        policy = f", policy {loaded.policy.file}" if loaded.policy.file else ""
        screen.note(
            f"{fleets} fleet{'s' if fleets != 1 else ''} in {files} file{'s' if files != 1 else ''}{policy}: valid"
        )
    else:
        screen.data(_document(screen, loaded.fleets, loaded.policy, loaded.warnings, loaded.files))
    return 0


def _document(screen: Screen, fleets: Any, policy: Any, diagnostics: Any, files: Any) -> str:
    if screen.format == "markdown":
        from reconciler.views.markdown import diagnostics_markdown

        return diagnostics_markdown(diagnostics)
    from reconciler.views.document import dump, validate_document

    return dump(validate_document(fleets, policy, diagnostics, files))
