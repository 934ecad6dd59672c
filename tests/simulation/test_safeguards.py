"""A simulation that finds nothing proves nothing: with each safeguard taken away, the harness sees what follows."""

from __future__ import annotations

import pytest

from simulation.safeguards import SAFEGUARDS, hunt

CAUGHT_BY = {
    "a rent is one request": 0,
    "a doubt is no refusal": 2,
    "a named contract exists": 10,
    "only a complete list counts": 1,
    "absent ids are asked for singly": 7,
    "only a typed answer says gone": 75,
    "a destroy follows a fresh reading": 0,
    "a destroy counts when it was seen": 93,
    "a label must check": 1,
    "the instance's own price counts": 42,
    "no offer over the cap is rented": 2,
    "intents are durable": 0,
    "intents outlive their run": 11,
    "destroys under way are written down": 2,
    "known ids are remembered": 7,
    "a resent destroy looks at its keeper": 51,
    "a save compares before it swaps": 1,
    "a cold start waits": 7,
    "doubt lasts long enough": 13,
    "two lists settle a doubt, late enough": 13,
    "a rent that is late is not sent": 1,
    "unasked destroys are limited": 21,
    "many that vanish at once are doubted": 85,
    "a seat is replaced so often a day": 16,
    "lost attempts freeze a seat": 1,
    "budgets hold": 29,
}
"""The seed, of the safeguard's theme, that shows what is missing, and nothing amiss with the safeguard in its place.
When the product changes, seeds tell other stories: then one of the first ones shows it."""
MORE = range(100)


@pytest.mark.parametrize("name", SAFEGUARDS)
def test_without_the_safeguard_a_seed_breaks_an_invariant_that_holds_with_it(name: str) -> None:
    assert hunt(SAFEGUARDS[name], [CAUGHT_BY[name], *MORE]) is not None, (
        f"no seed shows what is missing without: {name}"
    )
