"""What is bid: over the floor, never above what is allowed, and higher once it was beaten."""

from __future__ import annotations

from decimal import Decimal

import pytest
from builders import fleet, instance, label, offer, seat
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.bids import kind_ordered, on_demand, priced, raised
from reconciler.core.fields import spec_hash
from reconciler.core.label import Mark, read_label
from reconciler.core.rental import LEAST_BID, STEP, Outbid, Rental, bid_on, floor_of, most_bid, raised_bid

D = Decimal
TENTH = Rental("interruptible")


def bids(**options) -> Rental:
    return Rental("interruptible", **{name: D(str(value)) for name, value in options.items()})


FIRST = {
    # rental, floor, room -> bid
    "a tenth over the floor": (TENTH, "0.1", "1", "0.11"),
    "a quarter over the floor": (bids(bid_over_floor=25), "0.1", "1", "0.125"),
    "the floor itself": (bids(bid_over_floor=0), "0.1", "1", "0.1"),
    "rounded up to a hundredth of a cent": (TENTH, "0.0333333", "1", "0.0368"),
    "never above max_bid": (bids(max_bid="0.105"), "0.1", "1", "0.105"),
    "a max_bid between two steps is rounded down": (bids(max_bid="0.10456"), "0.1", "1", "0.1045"),
    "never above the room under the cap": (TENTH, "0.1", "0.1038", "0.1038"),
    "the room is rounded down": (TENTH, "0.1", "0.10389999", "0.1038"),
    "exactly the floor is left": (TENTH, "0.1", "0.1", "0.1"),
    "a floor above max_bid": (bids(max_bid="0.0999"), "0.1", "1", None),
    "a floor above the room": (TENTH, "0.1", "0.0999", None),
    "a floor a hair above a step": (TENTH, "0.10000001", "0.10009", None),
    "no floor at all is the least bid there is": (TENTH, "0", "1", "0.0011"),
    "less room than the least bid": (TENTH, "0", "0.0009", None),
    "no room": (TENTH, "0.1", "-0.2", None),
    "the most that the marketplace takes": (TENTH, "127", "1000", "128"),
    "a floor beyond that": (TENTH, "129", "1000", None),
}


@pytest.mark.parametrize(("rental", "floor", "room", "expected"), FIRST.values(), ids=FIRST.keys())
def test_a_first_bid(rental, floor, room, expected):
    assert bid_on(rental, D(floor), D(room)) == (None if expected is None else D(expected))


RAISED = {
    # rental, floor, standing, room -> bid
    "as much over the one that lost": (TENTH, "0.1", "0.11", "1", "0.121"),
    "over the floor where that has risen more": (TENTH, "0.2", "0.11", "1", "0.22"),
    "without a floor over the one that lost": (TENTH, None, "0.11", "1", "0.121"),
    "at least a step": (bids(bid_over_floor="0.01"), "0.001", "0.001", "1", "0.0011"),
    "up to max_bid": (bids(max_bid="0.115"), "0.1", "0.11", "1", "0.115"),
    "up to the room": (TENTH, "0.1", "0.11", "0.1155", "0.1155"),
    "no higher than max_bid": (bids(max_bid="0.11"), "0.1", "0.11", "1", None),
    "no higher than the room": (TENTH, "0.1", "0.11", "0.11", None),
    "a max_bid lowered below the bid that stands": (bids(max_bid="0.05"), "0.1", "0.11", "1", None),
    "a floor that rose above max_bid": (bids(max_bid="0.15"), "0.2", "0.11", "1", None),
}


@pytest.mark.parametrize(("rental", "floor", "standing", "room", "expected"), RAISED.values(), ids=RAISED.keys())
def test_a_raised_bid(rental, floor, standing, room, expected):
    found = raised_bid(rental, None if floor is None else D(floor), D(standing), D(room))
    assert found == (None if expected is None else D(expected))


MONEY = st.decimals("0", "200", places=7)
RENTALS = st.builds(
    Rental,
    st.just("interruptible"),
    st.none() | st.decimals("0.001", "128", places=6),
    st.decimals("0", "999", places=2),
)


@given(RENTALS, MONEY, MONEY, MONEY)
def test_no_bid_is_above_what_is_allowed_or_below_what_the_host_takes(rental, floor, standing, room):
    for bid in (bid_on(rental, floor, room), raised_bid(rental, floor, standing, room)):
        if bid is not None:
            assert max(floor, LEAST_BID) <= bid <= min(room, rental.max_bid or room, D(128))
            assert bid % STEP == 0
            assert D(repr(float(bid))) == bid  # It travels as JSON without a change.
    again = raised_bid(rental, floor, standing, room)
    assert again is None or again > standing


@given(RENTALS, MONEY, MONEY)
def test_there_is_a_bid_wherever_the_least_one_is_allowed(rental, floor, room):
    assert (bid_on(rental, floor, room) is not None) == (floor_of(floor) <= most_bid(rental, room))


# --- with the disk --------------------------------------------------------------------------------

BIDS = fleet(rental=TENTH, disk_gb=100)


def test_the_price_of_an_offer_is_the_bid_and_the_storage():
    row = offer(least_bid="0.1", storage_price_per_gb_month=D("0.072"))
    cost = priced(BIDS, row)
    assert (cost.bid, cost.price) == (D("0.11"), D("0.12"))


def test_the_bid_and_the_storage_stay_under_the_cap():
    row = offer(least_bid="0.48", storage_price_per_gb_month=D("0.072"))
    cost = priced(BIDS, row)
    assert (cost.bid, cost.price) == (D("0.49"), D("0.5"))


def test_an_offer_that_no_bid_gets_is_priced_at_the_least_one():
    row = offer(least_bid="0.495", storage_price_per_gb_month=D("0.072"))
    cost = priced(BIDS, row)
    assert (cost.bid, cost.price) == (None, D("0.505"))


def test_on_demand_nothing_is_bid():
    cost = priced(fleet(), offer(price="0.2"))
    assert (cost.bid, cost.price) == (None, D("0.2"))


def test_a_bid_is_raised_over_what_the_instance_pays_without_its_storage():
    row = instance(spec=BIDS, status="outbid", price_per_hour="0.12", least_bid=D("0.1"))
    cost = raised(BIDS, row)
    assert cost is not None
    assert (cost.bid, cost.price) == (D("0.121"), D("0.131"))


@pytest.mark.parametrize("field", ["price_per_hour", "storage_per_hour"])
def test_what_is_not_told_cannot_be_raised(field):
    assert raised(BIDS, instance(spec=BIDS, status="outbid", **{field: None})) is None


# --- which kind was ordered -----------------------------------------------------------------------

FALLS_BACK = fleet(rental=Rental("interruptible", outbid=Outbid(0.0, "on-demand")))
ORDERED = {
    "on demand": (fleet(), fleet(), "on-demand"),
    "by a bid": (BIDS, BIDS, "interruptible"),
    "by another spec": (BIDS, fleet(image="a:2"), None),
    "on demand after a lost bid": (FALLS_BACK, on_demand(FALLS_BACK), "on-demand"),
    "on demand, where a lost bid is not followed by that": (BIDS, on_demand(BIDS), None),
    "a bid, for a fleet on demand": (on_demand(BIDS), BIDS, None),
}


@pytest.mark.parametrize(("spec", "rented_as", "expected"), ORDERED.values(), ids=ORDERED.keys())
def test_the_label_tells_how_an_instance_was_ordered(spec, rented_as, expected):
    mark = read_label(label("june/0", rented_as), "default")
    assert isinstance(mark, Mark)
    assert mark.seat == seat("june/0")
    assert mark.spec_hash == spec_hash(rented_as)
    assert kind_ordered(spec, mark) == expected
