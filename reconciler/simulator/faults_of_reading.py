"""Faults of reading: lists, single instances and searches that are old, cut, doubled or wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from reconciler.simulator.answers import Answer
from reconciler.simulator.door import Outcome
from reconciler.simulator.faults_of_the_wire import Action, rewritten
from reconciler.simulator.past import showing, unlimited
from reconciler.simulator.scene import LOOP, accepted

if TYPE_CHECKING:
    from reconciler.simulator.scene import Scene

MANY = 80
"""Rows of a search that keeps no measure; 64 is the limit."""

_ELSEWHERE = 900_000_000
"""What is added to the ids of our own rows to make them somebody else's."""

Content = dict[str, Any]


def changed(change: Callable[[Content, list[Any]], None], rows: str = "instances") -> Action:
    """A fault in the rows of an answer: `change` gets the content and its rows, which it may alter."""

    def act(scene: Scene) -> Outcome:
        reply = scene.real()
        content = accepted(reply)
        if content is None or not isinstance(content.get(rows), list):
            return Outcome(reply)
        change(content, content[rows])
        return rewritten(content)

    return act


def stale(scene: Scene) -> Outcome:
    """The account as it was some seconds ago."""
    return _as_of(scene, scene.world.now - scene.rule.seconds)


def older(scene: Scene) -> Outcome:
    """The account as it was before the last list that was answered."""
    return _as_of(scene, scene.memory.listed - scene.rule.seconds)


def _as_of(scene: Scene, when: float) -> Outcome:
    reply = scene.real()
    if accepted(reply) is None:
        return Outcome(reply)
    moment, contracts = scene.memory.past.at(when)
    with showing(scene.world, contracts, moment):
        return Outcome(scene.asked.to(scene.world))


def truncated(content: Content, rows: list[Any]) -> None:
    """The second half is missing; the total still counts it."""
    del rows[len(rows) // 2 :]
    content["instances_found"], content["next_token"] = len(rows), None


def truncated_no_total(content: Content, rows: list[Any]) -> None:
    """The second half is missing, and so is the total."""
    truncated(content, rows)
    del content["total_instances"], content["label_counts"]


def other_account(content: Content, rows: list[Any]) -> None:
    """The rows of somebody else."""
    for row in rows:
        row.update(id=row.get("id", 0) + _ELSEWHERE, label="somebody-else")
    content["label_counts"] = {"somebody-else": len(rows)}


def other_user(scene: Scene) -> Outcome:
    """The account of somebody else."""
    reply = scene.real()
    content = accepted(reply)
    return Outcome(reply) if content is None else rewritten({**content, "id": content["id"] + _ELSEWHERE})


def duplicate_ids(content: Content, rows: list[Any]) -> None:
    """The first row comes twice."""
    rows += rows[:1]
    content["instances_found"], content["total_instances"] = len(rows), max(content["total_instances"], len(rows))


def token_loop(scene: Scene) -> Outcome:
    """The list never ends: each page names a cursor that leads back to the first one."""
    query = [(name, value) for name, value in parse_qsl(scene.asked.query) if (name, value) != ("after_token", LOOP)]
    scene.asked = scene.asked._replace(query=urlencode(query))
    reply = scene.real()
    content = accepted(reply)
    if content is None:
        return Outcome(reply)
    rows = content["instances"]
    return rewritten({**content, "total_instances": 1000 * len(rows), "next_token": LOOP})


def token_invalid(content: Content, _rows: list[Any]) -> None:
    """The cursor is none: the next page is refused with 400."""
    content["next_token"] = "expired"


def count_changed(content: Content, _rows: list[Any]) -> None:
    """As if something had been rented between two pages: this page counts one more than there are."""
    content["total_instances"] += 1


def row_without_id(_content: Content, rows: list[Any]) -> None:
    """The first row has no id."""
    for row in rows[:1]:
        del row["id"]


def unknown_status(_content: Content, rows: list[Any]) -> None:
    """A status nobody has heard of."""
    for row in rows[:1]:
        row["actual_status"] = "hibernating"


def gone_though_alive(content: Content) -> None:
    """There is no such instance, it says."""
    content["instances"] = None


def other_row(content: Content) -> None:
    """It is about another instance."""
    if content["instances"] is not None:
        content["instances"]["id"] += 1


def shown(change: Callable[[Content], None]) -> Action:
    """A fault in the answer of a single read."""

    def act(scene: Scene) -> Outcome:
        reply = scene.real()
        content = accepted(reply)
        if content is None:
            return Outcome(reply)
        change(content)
        return rewritten(content)

    return act


def no_offers(_content: Content, rows: list[Any]) -> None:
    """Nothing is offered."""
    rows.clear()


def priced(price: float) -> Callable[[Content, list[Any]], None]:
    """The first offers have this price."""

    def change(_content: Content, rows: list[Any]) -> None:
        for row in rows[: max(1, len(rows) // 2)]:
            row.update(dph_base=price, dph_total=price)

    return change


def no_machine(_content: Content, rows: list[Any]) -> None:
    """The first offers do not name their machine."""
    for row in rows[: max(1, len(rows) // 2)]:
        row.pop("machine_id", None)


def over_cap(_content: Content, rows: list[Any]) -> None:
    """More rows than any answer has: the same ones under other ids."""
    fill = range(max(0, MANY - len(rows))) if rows else range(0)
    rows += [{**rows[n % len(rows)], "id": _ELSEWHERE + n, "ask_contract_id": _ELSEWHERE + n} for n in fill]


def non_matching(scene: Scene) -> Outcome:
    """Offers that were not asked for."""
    reply = scene.real()
    if accepted(reply) is None:
        return Outcome(reply)
    with unlimited(scene.world):
        return Outcome(_anything(scene))


def _anything(scene: Scene) -> Answer:
    wanted = scene.asked._replace(method="POST", path="/api/v0/bundles/", query="", body=b'{"limit":20}')
    return wanted.to(scene.world)
