"""Every fault, at both doors, through our own client: each ends in a typed outcome and does what its name says."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.errors import DoubtfulReading, KeyProblem, ReconcileError, SearchQuotaUsedUp, Unreachable, WrongUsage
from reconciler.provider import (
    DestroyDoubtful,
    DestroySent,
    Gone,
    OfferGone,
    RefusedButCreated,
    RentDoubtful,
    Rented,
    RentRefused,
)
from reconciler.simulator.door import Asked
from reconciler.simulator.fault_table import TABLE
from reconciler.simulator.faults import parse
from reconciler.simulator.faulty import FaultyDoor
from reconciler.simulator.scene import CALLS

from .doors import KEY
from .served import DOORS, IN_PROCESS, LABEL, QUERY, Client, client, order, village

DOCS = Path(__file__).resolve().parents[2] / "docs" / "simulator.md"
PAIRS = [(call, name) for name, fault in TABLE.items() for call in fault.calls]
both_doors = pytest.mark.parametrize("kind", DOORS)


def outcome(at: Client, call: str, entry: dict[str, Any]) -> object:
    """What the provider makes of one call while the fault is in force: its value, or the name of its error."""
    ours = at.rented()
    at.fail(entry)
    act: dict[str, Callable[[], object]] = {
        "rent": at.rent,
        "list": at.provider.instances,
        "show": lambda: at.provider.instance(ours),
        "destroy": lambda: at.provider.destroy(ours),
        "search": lambda: at.provider.search(QUERY),
        "account": at.provider.account,
    }
    try:
        return act[call]()
    except ReconcileError as error:
        found = error
    return checked(found)


def checked(error: ReconcileError) -> type:
    """The class of an error that says something, and not the key."""
    assert str(error)
    assert "a-key-of-tests" not in str(error)
    return type(error)


@pytest.mark.parametrize(("call", "name"), PAIRS, ids=[f"{call}-{name}" for call, name in PAIRS])
def test_every_fault_strikes_and_ends_in_the_same_typed_outcome_at_both_doors(call: str, name: str) -> None:
    kinds = []
    for kind in DOORS:
        with client(kind) as at:
            found = outcome(at, call, {"call": call, "fault": name})
            assert at.door.fired[0] >= 1
            assert expected(call, name, found), (kind, found)
            kinds.append(found if isinstance(found, type) else type(found))
    assert kinds[0] is kinds[1]


READING = {
    "slow": None, "unknown_status": None, "other_account": None, "other_user": None, "stale": None, "older": None,
    "alive_though_gone": None, "gone_though_alive": None, "no_offers": None, "non_matching": None, "no_machine": None,
    "over_cap": None, "price_negative": None, "price_nan": DoubtfulReading,
    "auth": KeyProblem, "quota": SearchQuotaUsedUp,
    **dict.fromkeys(("before", "timeout", "reset", "server_error", "forbidden"), Unreachable),
    **dict.fromkeys(("too_frequent_text", "too_frequent_detail", "too_frequent_json"), Unreachable),
}  # fmt: skip
"""The error a reading ends in; None where it reads well, DoubtfulReading where nothing is said."""

RENTING = {
    "slow": Rented, "twice": Rented, "other_price": Rented, "other_kind": Rented, "label_cut": Rented,
    "label_dropped": Rented,
    "dies": Rented, "no_such_ask": OfferGone, "bad_args": RentRefused, "api_gone": RentRefused,
    "refused_but_created": RefusedButCreated,
}  # fmt: skip
"""What a rent ends in; a doubt where nothing is said."""

DESTROYING = {
    "slow": DestroySent, "not_found": Gone, "comes_back": DestroySent, "still_listed": DestroySent, "auth": KeyProblem,
    **dict.fromkeys(("after", "reset", "html", "empty", "server_error_after"), (DestroyDoubtful, Gone)),
    **dict.fromkeys([name for name in TABLE if name.startswith("too_frequent")], (DestroyDoubtful, Gone)),
}  # fmt: skip


def expected(call: str, name: str, found: object) -> bool:
    if call == "rent":
        return isinstance(found, RENTING.get(name, RentDoubtful))
    if call == "destroy":
        wanted = DESTROYING.get(name, DestroyDoubtful)
        return found is wanted or isinstance(found, wanted)
    error = READING.get(name, DoubtfulReading)
    return not isinstance(found, type) if error is None else found is error


# --- what was done, beside what was said ------------------------------------------------------------


@both_doors
@pytest.mark.parametrize("name", [name for name, fault in TABLE.items() if "rent" in fault.calls])
def test_a_rent_has_its_effect_exactly_where_the_table_says(kind: str, name: str) -> None:
    with client(kind) as at:
        at.fail({"call": "rent", "fault": name})
        at.rent()
        made = len(at.world.contracts)
        spoken = TABLE[name].meaning
        assert made == (2 if name == "twice" else 1 if spoken.startswith(("it is done", "rented")) else 0), spoken


@pytest.mark.parametrize("name", [name for name, fault in TABLE.items() if "destroy" in fault.calls])
def test_a_destroy_has_its_effect_exactly_where_the_table_says(name: str) -> None:
    with client(IN_PROCESS) as at:
        ours = at.rented()
        at.fail({"call": "destroy", "fault": name, "times": 1})
        at.door.handle(Asked("DELETE", f"/api/v0/instances/{ours}/", "", KEY, b"{}"))
        assert at.door.fired == [1]
        done = ours not in at.world.contracts
        assert done is TABLE[name].meaning.startswith(("it is done", "destroyed"))


@both_doors
def test_a_late_rent_is_made_when_nobody_waits_any_more(kind: str) -> None:
    with client(kind) as at:
        at.fail({"call": "rent", "fault": "late", "seconds": 60, "times": 1})
        assert isinstance(at.rent(), RentDoubtful)
        assert at.provider.instances().instances == ()
        at.world.advance(100)
        (made,) = at.provider.instances().instances
        assert made.label == LABEL
        assert next(iter(at.world.contracts.values())).created <= at.world.now


def test_a_late_effect_happens_at_its_own_moment() -> None:
    with client(IN_PROCESS) as at:
        at.fail({"call": "rent", "fault": "late", "seconds": 60})
        at.rent()
        (due,) = (moment for moment, _ in at.world.later)
        at.world.advance(5000)
        assert [contract.created for contract in at.world.contracts.values()] == [due]


@both_doors
def test_a_doubled_rent_makes_two_contracts_of_one_label(kind: str) -> None:
    with client(kind) as at:
        at.fail({"call": "rent", "fault": "twice"})
        answer = at.rent()
        rows = at.provider.instances().instances
        assert isinstance(answer, Rented)
        assert [row.label for row in rows] == [LABEL, LABEL]
        assert len({row.machine_id for row in rows} | {row.id for row in rows}) >= 3


@both_doors
@pytest.mark.parametrize(
    ("name", "label"), [("label_cut", LABEL[: len(LABEL) // 2]), ("label_dropped", None), ("other_price", LABEL)]
)
def test_what_was_rented_is_not_what_was_asked_for(kind: str, name: str, label: str | None) -> None:
    with client(kind) as at:
        offer = at.provider.search(QUERY).offers[0]
        at.fail({"call": "rent", "fault": name})
        at.rent()
        (row,) = at.provider.instances().instances
        assert row.label == label
        assert row.price_per_hour is not None
        paid = float(row.price_per_hour - (row.storage_per_hour or 0))
        factor = 1.5 if name == "other_price" else 1.0
        assert paid == pytest.approx(factor * float(offer.base_price_per_hour), rel=1e-4)


@both_doors
@pytest.mark.parametrize("bid", [None, Decimal("2")])
def test_what_was_rented_is_of_the_other_kind(kind: str, bid: Decimal | None) -> None:
    with client(kind) as at:
        offer = at.provider.search(QUERY).offers[0]
        at.fail({"call": "rent", "fault": "other_kind"})
        ordered = replace(order(offer.id), kind="interruptible" if bid else "on-demand", bid=bid)
        assert isinstance(at.provider.rent(ordered), Rented)
        (row,) = at.provider.instances().instances
        assert row.interruptible is (bid is None)


@both_doors
def test_what_was_destroyed_comes_back_once(kind: str) -> None:
    with client(kind) as at:
        ours = at.rented()
        at.fail({"call": "destroy", "fault": "comes_back", "seconds": 60})
        assert isinstance(at.provider.destroy(ours), DestroySent)
        assert at.provider.instances().instances == ()
        at.world.advance(60)
        assert [row.id for row in at.provider.instances().instances] == [ours]
        at.provider.destroy(ours)
        at.world.advance(600)
        assert at.provider.instances().instances == ()


@both_doors
def test_what_was_destroyed_is_listed_for_a_while(kind: str) -> None:
    with client(kind) as at:
        ours = at.rented()
        at.fail({"call": "destroy", "fault": "still_listed", "seconds": 30})
        at.provider.destroy(ours)
        assert [row.id for row in at.provider.instances().instances] == [ours]
        assert at.provider.instance(ours) == Gone(ours)
        at.world.advance(30)
        assert at.provider.instances().instances == ()


@both_doors
def test_a_stale_list_lags_and_catches_up(kind: str) -> None:
    with client(kind) as at:
        at.fail({"call": "list", "fault": "stale", "seconds": 30})
        at.rent()
        assert at.provider.instances().instances == ()
        at.world.advance(31)
        assert len(at.provider.instances().instances) == 1


@both_doors
def test_an_older_list_knows_less_than_the_one_before_it(kind: str) -> None:
    with client(kind) as at:
        at.fail({"call": "list", "fault": "older", "seconds": 20, "at": [2]})
        at.rent()
        assert len(at.provider.instances().instances) == 1
        assert at.provider.instances().instances == ()
        assert len(at.provider.instances().instances) == 1


@both_doors
def test_an_instance_that_is_gone_is_shown_alive_for_a_while(kind: str) -> None:
    with client(kind) as at:
        ours = at.rented()
        at.fail({"call": "show", "fault": "alive_though_gone", "seconds": 30})
        at.provider.destroy(ours)
        assert not isinstance(at.provider.instance(ours), Gone)
        at.world.advance(31)
        assert at.provider.instance(ours) == Gone(ours)


def test_a_list_of_many_pages_that_loops_is_not_believed() -> None:
    with client(IN_PROCESS) as at:
        for _ in range(30):
            at.rent()
        at.fail({"call": "list", "fault": "token_loop"})
        with pytest.raises(DoubtfulReading, match="do not come to an end"):
            at.provider.instances()
        at.fail({"call": "list", "fault": "count_changed", "at": [2]})
        assert len(at.provider.instances().instances) == 30


def test_over_the_cap_means_more_than_64_rows() -> None:
    with client(IN_PROCESS) as at:
        at.fail({"call": "search", "fault": "over_cap"})
        assert len(at.provider.search(QUERY).offers) > 64


# --- when -------------------------------------------------------------------------------------------


def struck(rules: object, calls: int = 40, seed: int = 5) -> list[bool]:
    """Which of the calls failed."""
    world = village(seed)
    door = FaultyDoor(world, parse(rules))
    found = []
    for _ in range(calls):
        world.advance(10)
        asked = Asked("GET", "/api/v0/users/current", "", KEY, b"")
        found.append(door.handle(asked).fault is not None)
    return found


def test_a_fault_strikes_at_the_calls_that_are_named() -> None:
    found = struck([{"call": "account", "fault": "timeout", "at": [3, 7]}])
    assert [number for number, failed in enumerate(found, 1) if failed] == [3, 7]
    assert struck({"faults": [{"call": "account", "fault": "empty", "at": 2}]}).index(True) == 1


def test_chance_is_the_seeds_and_can_be_repeated() -> None:
    rules = [{"call": "account", "fault": "timeout", "probability": 0.3}]
    first = struck(rules, 400)
    assert first == struck(rules, 400)
    assert first != struck(rules, 400, seed=6)
    assert 80 < sum(first) < 160


def test_a_fault_may_be_limited_and_the_first_rule_wins() -> None:
    assert struck([{"call": "account", "fault": "timeout", "times": 2}], 5) == [True, True, False, False, False]
    assert struck([{"call": "list", "fault": "timeout"}], 3) == [False] * 3


def test_faults_do_not_change_what_the_engine_draws() -> None:
    def rows(*entries: object) -> object:
        with client(IN_PROCESS, village(9)) as at:
            at.fail(*entries)
            at.provider.search(QUERY)
            return at.provider.search(QUERY)

    assert rows() == rows({"call": "list", "fault": "timeout", "probability": 0.5})


def test_a_refusal_of_the_engine_stands() -> None:
    """A fault that needs a contract made has nothing to say where the offer is gone."""
    with client(IN_PROCESS) as at:
        offer = at.provider.search(QUERY).offers[0]
        at.provider.rent(order(offer.id))
        for name in ("refused_but_created", "twice", "dies", "no_id", "html"):
            at.fail({"call": "rent", "fault": name})
            assert isinstance(at.provider.rent(order(offer.id)), OfferGone)
        assert len(at.world.contracts) == 1


@pytest.mark.parametrize(
    ("plain", "said"),
    [
        (None, "faults are a list"),
        ({"fault": []}, "faults are a list"),
        ("rent", "faults are a list"),
        (["rent"], "fault 1: an entry"),
        ([{1: 2}], "fault 1: an entry"),
        ([{"call": "buy", "fault": "after"}], "fault 1: there is no call 'buy'"),
        ([{"call": ["rent"], "fault": "after"}], "fault 1: there is no call"),
        ([{"call": "rent", "fault": "stale"}], "fault 1: rent cannot fail as 'stale'"),
        ([{"call": "rent", "fault": ["after"]}], "fault 1: rent cannot fail as"),
        ([{"call": "rent", "fault": "after", "seconds": 3}], "fault 1: there is no setting 'seconds'"),
        ([{"call": "rent", "fault": "late", "seconds": -1}], "seconds must be a number"),
        ([{"call": "rent", "fault": "late", "seconds": float("nan")}], "seconds must be a number"),
        ([{"call": "rent", "fault": "server_error", "status": 200}], "status must be"),
        ([{"call": "rent", "fault": "after", "at": []}], "at must be"),
        ([{"call": "rent", "fault": "after", "at": [0]}], "at must be"),
        ([{"call": "rent", "fault": "after", "at": [True]}], "at must be"),
        ([{"call": "rent", "fault": "after", "probability": 2}], "probability must be"),
        ([{"call": "rent", "fault": "after", "probability": 0.5, "at": 1}], "not both"),
        ([{"call": "rent", "fault": "after", "times": 0}], "times must be"),
        ([{"call": "rent", "fault": "after"}] * 1001, "too many"),
    ],
)
def test_wrong_faults_are_refused_with_their_place(plain: object, said: str) -> None:
    with pytest.raises(WrongUsage, match=re.escape(said)):
        parse(plain)


# --- the documentation ------------------------------------------------------------------------------


def documented() -> dict[str, tuple[str, str, str]]:
    """Name -> calls, meaning, example, from the table of the page."""
    rows = re.findall(r"^\| `(\w+)` \| ([\w, ]+) \| (.*?) \| `(\{.*?\})` \|$", DOCS.read_text(), re.M)
    return {name: (calls, meaning, example) for name, calls, meaning, example in rows}


def test_the_page_lists_every_fault_as_the_table_has_it() -> None:
    wanted = {
        name: ("all" if fault.calls == CALLS else ", ".join(fault.calls), fault.meaning)
        for name, fault in TABLE.items()
    }
    assert {name: row[:2] for name, row in documented().items()} == wanted


@pytest.mark.parametrize("name", TABLE)
def test_every_example_of_the_page_strikes(name: str) -> None:
    example = yaml.safe_load(documented()[name][2])
    assert example["fault"] == name
    assert TABLE[name].settings.keys() <= example.keys(), "an example shows what can be set"
    with client(IN_PROCESS) as at:
        ours = at.rented()
        at.fail(example)
        for _ in range(max(parse([example])[0].at, default=1)):
            for act in (at.rent, at.provider.instances, lambda: at.provider.instance(ours), at.provider.account):
                ignoring(act)
            ignoring(lambda: at.provider.search(QUERY))
        ignoring(lambda: at.provider.destroy(ours))
        assert at.door.fired[0] >= 1 or example.get("probability", 1) < 1


def ignoring(act: Callable[[], object]) -> None:
    with suppress(ReconcileError):
        act()


@pytest.mark.parametrize("shape", ["text", "detail", "json"])
def test_a_429_names_the_seconds_to_wait_only_where_the_fault_says_so(shape: str) -> None:
    with client(IN_PROCESS) as at:
        for setting, header in (({}, None), ({"seconds": 20}, "20")):
            at.fail({"call": "search", "fault": f"too_frequent_{shape}", **setting})
            answer = at.door.handle(Asked("POST", "/api/v0/bundles/", "", KEY, b"{}")).answer
            assert (answer.status, answer.headers.get("Retry-After")) == (429, header)
