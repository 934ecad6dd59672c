"""`reconcile offers FLEET`: the market as this fleet sees it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import click

from reconciler.cli.compose import World, open_world
from reconciler.cli.declared import one, read
from reconciler.cli.options import DEFAULT_PATHS, Scope, policy_option, shape, shape_options, where, world_options
from reconciler.cli.plan import remember, remembered, warn
from reconciler.cli.screen import Screen
from reconciler.core.bans import bans_of
from reconciler.core.candidates import Appraiser, Candidate
from reconciler.core.model import Fleet, Policy
from reconciler.core.place import Ground, with_news
from reconciler.core.shortage import relaxations, shortage
from reconciler.errors import WrongUsage
from reconciler.reconcile import read_account
from reconciler.survey import Market, look_around


@dataclass(frozen=True, slots=True)
class Window:
    """The market through one fleet's eyes."""

    appraiser: Appraiser
    judged: list[Candidate]
    market: Market
    now: float

    @property
    def fleet(self) -> Fleet:
        """Whose window it is."""
        return self.appraiser.fleet


@click.command()
@click.argument("fleet")
@click.argument("paths", nargs=-1, type=click.Path(), metavar="[PATH]...")
@policy_option
@click.option(
    "--explain", type=int, metavar="MACHINE", help="The whole story of one machine, or of one offer; as text."
)
@click.option("--relax", is_flag=True, help="Which single rule, loosened how far, would admit how many more.")
@world_options
@shape_options
def offers(**values: Any) -> int:
    """Rank the offers for FLEET, the best first, and say which rules refuse the others.

    \b
    Examples:
      reconcile offers flux-training --simulate
      reconcile offers flux-training specs/ --format json
      reconcile offers flux-training --explain 27924
      reconcile offers flux-training --relax
    """
    world_at, screen = where(values), Screen(shape(values))
    _check(screen.format, values["explain"], values["relax"])
    loaded = read(Scope(tuple(values["paths"] or DEFAULT_PATHS), (), values["policy"]), screen)
    fleet = one(loaded, values["fleet"])
    with open_world(world_at) as world:
        warn(world, screen)
        screen.busy("searching the market")
        ground = Ground(loaded.policy.blacklist, world.clock.now())
        window = look(world, fleet, ground, loaded.policy.owner, values["explain"], loaded.policy)
    for problem in window.market.problems:
        screen.alarm(f"warning: {problem}")
    screen.data(_rendered(screen, window, values["explain"], values["relax"]))
    return 1 if window.market.problems and not window.judged else 0


def _check(form: str, machine: int | None, relax: bool) -> None:
    """Refuse what a format does not tell, before anything is read."""
    if machine is not None and form != "text":
        hint = "leave --format away; json tells every offer's score and refusals without --explain"
        raise WrongUsage(f"--explain is told as text, not as {form}", hint=hint)
    if relax and form == "markdown":
        raise WrongUsage("--relax is told as text or json, not as markdown", hint="--format json, or none")


def look(
    world: World, fleet: Fleet, ground: Ground, owner: str, machine: int | None, policy: Policy | None = None
) -> Window:
    """Everything the market shows of the fleet's GPUs, judged and ranked; of one machine in any case."""
    account = read_account(world.provider)
    record, sights = remembered(world, account, owner)
    shared = ground.shared if policy is None else bans_of(policy, record, ground.now)
    ground = replace(ground, sights=sights, shared=shared)
    market = look_around(world.eyes, fleet, ground, machine)
    remember(world, account, owner, news=market.news)
    appraiser = Appraiser(fleet, ground.shared, ground.now, with_news(ground, market.news).sights)
    machines = {(offer.machine_id, offer.gpu_count): offer for offer in market.offers}
    return Window(appraiser, appraiser.judged(machines.values()), market, ground.now)


def _rendered(screen: Screen, window: Window, machine: int | None, relax: bool) -> str:
    fleet, judged, appraiser = window.fleet, window.judged, window.appraiser
    refused = shortage(judged, Counter(), fleet.replicas)
    relaxed = relaxations(judged, fleet.replicas)
    if screen.format == "json":
        from reconciler.views.document import dump, offers_document

        return dump(offers_document(appraiser, judged, refused, relaxed, window.market.seen))
    if screen.format == "markdown":
        from reconciler.views.markdown import offers_markdown

        return offers_markdown(fleet, judged, refused)
    from reconciler.views.offers import explain_text, offers_text, relax_text

    if machine is not None:
        return explain_text(appraiser, judged, machine, window.now)
    return relax_text(fleet, relaxed) if relax else offers_text(fleet, judged, refused, appraiser.scorer.weights)
