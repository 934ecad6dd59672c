"""Rules about rentals by a bid: what counts for them alone, and bids that could never be made or raised."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.spec.durations import seconds
from reconciler.spec.tree import Finding, Node
from reconciler.spec.tree_access import number, text

LONGEST_WAIT_S = 14 * 86_400
_OF_BIDS = ("max_bid", "bid_over_floor", "outbid")


def _on_demand(root: Node) -> Iterator[Finding]:
    """Who writes of bids and not of the kind would rent at the full price."""
    if text(root, "rental", "kind") == "interruptible":
        return
    for name in _OF_BIDS:
        if root.at(("rental", name)):
            said = f"rental.{name} changes nothing: the fleet rents on demand, at the full price"
            yield Finding(("rental", name), "no-effect", said, "add kind: interruptible", on_key=True, warning=True)


def _above_the_cap(root: Node) -> Iterator[Finding]:
    cap, bid = number(root, "price", "max_per_hour"), number(root, "rental", "max_bid")
    if cap is not None and bid is not None and bid > cap:
        said = f"rental.max_bid {bid} is above price.max_per_hour {cap}, which holds for the bid and the disk together"
        yield Finding(("rental", "max_bid"), "no-effect", said, warning=True)


def _wait(root: Node) -> Iterator[Finding]:
    said = text(root, "rental", "outbid", "wait") or ""
    try:
        length = seconds(said)
    except ValueError:
        return
    if length > LONGEST_WAIT_S:
        route = ("rental", "outbid", "wait")
        yield Finding(route, "out-of-range", f"rental.outbid.wait must be from 0s to 14d, not {said}")


def _never_raised(root: Node) -> Iterator[Finding]:
    over = text(root, "rental", "bid_over_floor") or ""
    if text(root, "rental", "outbid", "then") == "rebid" and over.rstrip("%").strip("0.") == "" and over:
        said = f"rental.outbid.then is rebid, and a bid that lost is raised by bid_over_floor, which is {over}"
        yield Finding(("rental", "bid_over_floor"), "contradicting-values", said, "write 10%")


RENTAL_RULES = (_on_demand, _above_the_cap, _wait, _never_raised)
