"""From the command line's scope to the wish of a run: specs loaded, narrowed, and checked against the flags."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.cli.options import Scope
from reconciler.cli.screen import Screen
from reconciler.cli.seats import approved_by, replaced_by
from reconciler.core.assemble import Wish
from reconciler.core.guards import Allowed
from reconciler.core.model import Fleet
from reconciler.core.settle import Settle
from reconciler.errors import RefusedByGuard, WrongUsage
from reconciler.spec.load import Loaded, load

if TYPE_CHECKING:
    from reconciler.core.query_language import Language


def read(scope: Scope, screen: Screen) -> Loaded:
    """The declared fleets in scope. Warnings are shown; `--fleet` narrows, and an unknown name is wrong usage."""
    loaded = load(scope.paths, policy=scope.policy, language=language)
    screen.diagnostics(loaded.warnings)
    if not scope.fleets:
        return loaded
    known = {fleet.name for fleet in loaded.fleets}
    unknown = sorted(set(scope.fleets) - known)
    if unknown:
        raise WrongUsage(f"no fleet is named {', '.join(unknown)}", hint=_known(known))
    chosen = tuple(fleet for fleet in loaded.fleets if fleet.name in scope.fleets)
    return replace(loaded, fleets=chosen, complete=False)


def language() -> Language:
    """The marketplace's own language for `host.query`."""
    from reconciler.vast.query_fields import LANGUAGE

    return LANGUAGE


def one(loaded: Loaded, name: str) -> Fleet:
    """The fleet of this name, or wrong usage."""
    found = next((fleet for fleet in loaded.fleets if fleet.name == name), None)
    if found is None:
        raise WrongUsage(f"no fleet is named {name}", hint=_known(f.name for f in loaded.fleets))
    return found


def _known(names: Iterable[str]) -> str:
    listed = ", ".join(sorted(names))
    return f"one of {listed}" if listed else "declare a fleet first"


def allowed_by(values: dict[str, Any]) -> Allowed:
    """What the options of a command lift."""
    return Allowed(
        values["max_destroys"],
        frozenset(values["beside"]),
        accept_gone=values["accept_gone"],
        max_added=values["max_added_per_hour"],
    )


def wish_of(values: dict[str, Any], loaded: Loaded) -> Wish:
    """What the options of `plan` and `apply` want; how long doubt lasts is said later."""
    return wish(
        loaded,
        Settle(),
        prune=values["prune"],
        allowed=allowed_by(values),
        first_run=values["first_run"],
        replacing=values["replacing"],
        approve=values["approve"],
    )


def wish(
    loaded: Loaded,
    settle: Settle,
    *,
    prune: Iterable[str] = (),
    allowed: Allowed | None = None,
    first_run: bool = False,
    replacing: Iterable[str] = (),
    approve: Iterable[str] = (),
) -> Wish:
    """What the run wants. An input without any fleet is refused, unless `--prune` names what shall go."""
    pruned = frozenset(prune)
    if pruned and not loaded.complete:
        raise WrongUsage("--prune needs a whole directory: only then is it known what is declared nowhere")
    declared = sorted(pruned & {fleet.name for fleet in loaded.fleets})
    if declared:
        raise WrongUsage(
            f"--prune names declared fleets: {', '.join(declared)}", hint="set `replicas: 0`, or delete the spec first"
        )
    if not loaded.fleets and not pruned:
        raise RefusedByGuard(
            "the input declares no fleet, so nothing is planned and nothing is destroyed",
            hint="name a directory with specs; to destroy what is left of a fleet: --prune FLEET",
        )
    return Wish(
        loaded.fleets,
        loaded.policy,
        loaded.complete,
        pruned,
        allowed or Allowed(),
        first_run,
        settle,
        replacing=replaced_by(replacing, loaded.fleets),
        approve=approved_by(approve, loaded.fleets),
    )
