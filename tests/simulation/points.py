"""The points of a run at which it may be killed, paused, or stand still while another runner goes on."""

from __future__ import annotations

from collections.abc import Mapping

SAVES = ("intent", "clear", "rented", "leaving", "gone", "observed")
"""What a save is about, by what it changes: an attempt is written down, is settled; a rent is committed; a destroy is
written down, is proven; all the rest."""

CALLS = ("account", "list", "page", "show", "search", "rent", "destroy")
"""`page` is a further page of a list."""

CALL_PHASES = ("before", "sent", "done", "after")
"""Of a call: before it is sent, under way, carried out but not answered, answered."""

SAVE_PHASES = ("before", "written", "after")
"""Of a save: before it, durable but not acknowledged, acknowledged."""

POINTS = (
    "start",
    "loaded",
    *(f"{call}:{phase}" for call in CALLS for phase in CALL_PHASES),
    *(f"save {kind}:{phase}" for kind in SAVES for phase in SAVE_PHASES),
    "close",
)
"""Every port call, before, within and after."""

CRASH_POINTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "CP0": ("ledger opened", ("loaded",)),
    "CP1": ("specs read, nothing asked yet", ("start",)),
    "CP2": ("in the middle of a list", ("page:before", "page:sent", "page:done")),
    "CP3": ("after the list", ("list:after", "page:after")),
    "CP4": ("after the plan, before what was observed is saved", ("save observed:before",)),
    "CP5": ("before the intent is saved", ("save intent:before",)),
    "CP6": ("the intent is saved, and nobody has said so", ("save intent:written",)),
    "CP7": ("the intent is saved, nothing is sent", ("save intent:after",)),
    "CP8": ("connected, nothing is sent", ("rent:before",)),
    "CP9": ("the rent is under way", ("rent:sent",)),
    "CP10": ("the rent is done, its answer is waited for", ("rent:done",)),
    "CP11": ("the rent is answered, the answer is not saved", ("rent:after",)),
    "CP12": ("the rent is saved", ("save rented:after",)),
    "CP13": ("before a destroy is written down", ("save leaving:before",)),
    "CP14": ("read afresh and written down, the destroy is not sent", ("save leaving:after",)),
    "CP15": ("the destroy is answered, its end is not saved", ("destroy:after",)),
    "CP16": ("before the ledger is closed", ("close",)),
}
"""The crash points of the protocol, each with its points here."""

LAST_WAYS = ("save intent:written", "save intent:after")
"""Where a pause makes a rent late, and the product can still see it."""
