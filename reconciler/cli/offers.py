"""`reconcile offers FLEET`: the market as this fleet sees it."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli.compose import open_world
from reconciler.cli.declared import one, read
from reconciler.cli.options import DEFAULT_PATHS, Scope, shape, shape_options, where, world_options
from reconciler.cli.plan import warn
from reconciler.cli.screen import Screen
from reconciler.core.eligibility import Judgement
from reconciler.core.model import Fleet
from reconciler.core.place import Shortage, judge_market, shortage
from reconciler.core.query import query_of, wide_query_of


@click.command()
@click.argument("fleet")
@click.argument("paths", nargs=-1, type=click.Path(), metavar="[PATH]...")
@click.option("--policy", type=click.Path(), metavar="FILE", help="The policy, instead of the one found by place.")
@world_options
@shape_options
def offers(**values: Any) -> int:
    """Rank the offers for FLEET, the best first, and say which rules refuse the others.

    \b
    Examples:
      reconcile offers flux-training --simulate
      reconcile offers flux-training specs/ --format json
    """
    world_at, screen = where(values), Screen(shape(values))
    loaded = read(Scope(tuple(values["paths"] or DEFAULT_PATHS), (), values["policy"]), screen)
    fleet = one(loaded, values["fleet"])
    with open_world(world_at) as world:
        warn(world, screen)
        screen.busy("searching the market")
        rows = (*world.provider.search(query_of(fleet)), *world.provider.search(wide_query_of(fleet)))
        seen = {offer.id: offer for offer in rows}
        judged = judge_market(fleet, seen.values(), loaded.policy.blacklist, world.clock.now())
    screen.data(_rendered(screen, fleet, judged, shortage(judged, {})))
    return 0


def _rendered(screen: Screen, fleet: Fleet, judged: list[Judgement], refused: Shortage) -> str:
    if screen.format == "json":
        from reconciler.views.document import dump, offers_document

        return dump(offers_document(fleet, judged, refused))
    if screen.format == "markdown":
        from reconciler.views.markdown import offers_markdown

        return offers_markdown(fleet, judged, refused)
    from reconciler.views.text import offers_text

    return offers_text(fleet, judged, refused)
