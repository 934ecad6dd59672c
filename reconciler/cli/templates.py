"""`reconcile templates NAME`: Vast.ai's templates by name, with the hash that a spec takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from reconciler.cli.compose import open_world
from reconciler.cli.options import Shape, where, world_options
from reconciler.cli.plan import warn
from reconciler.cli.screen import Screen
from reconciler.core.template import Template


@click.command()
@click.argument("name", nargs=-1, required=True)
@world_options
@click.option(
    "--format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For people or machines.",
)
def templates(**values: Any) -> int:
    """Find Vast.ai templates by NAME: hash, image, creator, ways in and recommended disk.

    Every word of NAME has to be in a template's name or image. Templates in common use are looked through; a seldom
    used one is found by its whole name.

    \b
    Examples:
      reconcile templates pytorch --simulate
      reconcile templates "NVIDIA CUDA" --format json
    """
    world_at, words = where(values), " ".join(" ".join(values["name"]).split())
    if not words:
        raise click.UsageError("NAME is empty")
    screen = Screen(Shape(values["format"], False))
    with open_world(world_at) as world:
        warn(world, screen)
        screen.busy("searching the templates")
        found = world.provider.templates(words)
    screen.data(_rendered(screen, words, found))
    return 0


def _rendered(screen: Screen, words: str, found: Sequence[Template]) -> str:
    if screen.is_text:
        from reconciler.views.templates import templates_text

        return templates_text(words, found)
    from reconciler.views.document import dump
    from reconciler.views.templates import templates_document

    return dump(templates_document(words, found))
