"""Vast.ai templates as the house sees them, and the refusal of a fleet that may not rent from its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from reconciler.core.model import Connect
from reconciler.core.plan import Held, Plan
from reconciler.core.text import SafeText

GUARD = "template"
"""The name of the refusal in plans."""


@dataclass(frozen=True, slots=True)
class Template:
    """One template as one answer showed it. None means the answer did not say.

    The hash names one state of the template: a change of its content gives it another.
    """

    hash: SafeText
    name: SafeText
    image: SafeText | None = None
    """With its tag, where one is known."""
    creator: int | None = None
    """The account that made it."""
    connect: tuple[Connect, ...] | None = None
    """The ways in that it offers, in the words of a spec."""
    disk_gb: Decimal | None = None
    """The disk it recommends."""
    recommended: bool = False
    """It is on Vast.ai's own list."""
    rentals: int = 0
    """How many instances were made from it."""


def matching(templates: Mapping[str, Template], words: str) -> tuple[Template, ...]:
    """Those whose name or image holds every word, whatever its case: the very name first, then those with the words
    in their name, the recommended and the most used before others."""
    wanted = words.casefold().split()
    found = [one for one in templates.values() if _holds(f"{one.name} {one.image}", wanted)]

    def rank(one: Template) -> tuple[bool, bool, bool, int, str]:
        is_it = one.name.casefold().split() == wanted
        return not is_it, not _holds(one.name, wanted), not one.recommended, -one.rentals, one.hash

    return tuple(sorted(found, key=rank))


def _holds(text: str, words: Iterable[str]) -> bool:
    return all(word in text.casefold() for word in words)


def refuse(plan: Plan, refused: Mapping[str, Held]) -> Plan:
    """The plan with a named refusal at every fleet that may not rent from its template. `refused`: by fleet."""
    fleets = tuple(
        replace(part, held=(*part.held, refused[part.fleet.name])) if part.fleet.name in refused else part
        for part in plan.fleets
    )
    return replace(plan, fleets=fleets)


def no_such(fleet: str, template_hash: str) -> Held:
    """The refusal of a fleet whose template does not exist."""
    message = f"Vast.ai has no template {template_hash}, so fleet {fleet} rents nothing; a changed one has a new hash"
    return Held(GUARD, message, "container.vast_template (reconcile templates NAME finds hashes)", fleet)


def outside(fleet: str, template: Template) -> Held:
    """The refusal of a fleet whose template brings an image that the policy does not admit."""
    image = template.image or "an image that Vast.ai does not name"
    message = (
        f"template {template.hash} brings {image}, which the policy does not admit, so fleet {fleet} rents nothing"
    )
    return Held(GUARD, message, "images.allow", fleet)


def unseen(fleet: str, template_hash: str, why: str) -> Held:
    """The refusal of a fleet whose template could not be looked up, where the policy names the images it admits."""
    message = f"the image of template {template_hash} could not be looked up, so fleet {fleet} rents nothing: {why}"
    return Held(GUARD, message, "images.allow, or a key with the scope user_read", fleet)
