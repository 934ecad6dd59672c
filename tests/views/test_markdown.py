"""The markdown pages: what a reviewer reads, word for word, and what a stranger's text cannot do to it."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

import builders as b
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.model import Source
from reconciler.core.plan import Cost, Stray
from reconciler.core.report import Outcome
from reconciler.core.shortage import shortage
from reconciler.diagnostics import Diagnostic
from reconciler.views.markdown import (
    MOST_ROWS,
    diagnostics_markdown,
    offers_markdown,
    outcomes_markdown,
    plan_markdown,
    status_markdown,
)
from reconciler.views.markup import code, shown
from reconciler.views.wording import amount, duration, mark_of, moment, money, plural

from . import samples

ALARMS = """\
**Notes**

- `!` render is below min_ready: 35 of at least 40 running
- render/8: instance 1730008 was stopped by someone; left alone ($0.010/h)
- render/36: instance 1730036 is kept, without an offer to replace it: exited ($0.250/h)

**Price rises**

- render/1: the host of instance 1730001 asks $0.500/h instead of $0.250/h (+100 %) from 2026-11-22 18:00 UTC on; \
not accepted, the contract ends then
- render/2: the host of instance 1730002 asks $0.125/h instead of $0.250/h (-50 %) from 2026-11-22 19:00 UTC on; \
not accepted, the contract ends then

**Left alone**

- 2 orphans ($0.410/h) of fleet lost, declared nowhere; `--prune lost` destroys them
- 1 instance ($0.300/h) of owner alice
- 2 unmanaged instances ($0.610/h)

**Problems**

- fleet tts: the market could not be searched: 503 Service Unavailable
- instance 1700006 was rented by us, but its label is not as written; left alone

**Leaks**

- instance 1720099 (render/9) was told to go 4m10s ago and is not proven gone; it bills $0.250/h"""

BUSY = """\
**$7.845/h -> $7.795/h** (about $5,612 a month)

1 to create, 2 to replace, 2 to destroy; 36 unchanged, 4 unfilled; held back by 2 guards. \
At most $8.339/h on the way; budget $9.000/h; the credit lasts 11 days.

|  | Seat | What | Price | Why |
| --- | --- | --- | --- | --- |
| `+` | june-voice/2 | 1x RTX 3060, California, US, machine 27924 | $0.243/h \
| instance 1719822 was destroyed outside, last seen 02:50 |
| `+/-` | june-voice/0 | 1x RTX 3060, Texas, US, machine 9881 for instance 1720001 | $0.243 -> $0.251/h \
| `container.image a:1 -> a:2` |
| `-` | june-voice/3 | instance 1720031 | -$0.301/h | `replicas 4 -> 3` |
| `-/+` | render/5 | 1x RTX 3060, Texas, US, machine 9881 for instance 1730005 | $0.250 -> $0.251/h \
| instance 1730005 is exited; waits: its grace, 1m10s |
| `!` | 4 seats of render | no offer |  | of 40 offers seen, spread.per_host refuses 15, price.max_per_hour refuses 1; \
nearest miss $0.525/h: price.max_per_hour, $0.525/h, 5 % off; \
host.min_reliability 0.94 would admit 7 machines; without host.require verified 12 more machines would fit |
| `-` | old/0 | instance 1690000 | -$0.250/h | pruned |

`+/-` starts the new one first, `-/+` ends the old one first.

Cold start: rents wait 2m10s for a second list that agrees.

**Held back**

- render, unasked destroys: 3 of 36 instances are to be replaced unasked, at most 1 in one run. \
Lifted by `--max-destroys 3`
  - `-/+` render/6, `-/+` render/7
- policy budget: the policy's budget is $9.000/h, $9.100/h are committed. Lifted by `limits.budget_per_hour`

"""


def test_a_plan_with_everything_in_it():
    assert plan_markdown(samples.busy()) == BUSY + ALARMS


def test_a_plan_without_changes():
    assert plan_markdown(samples.quiet()) == (
        "**$0.750/h**, unchanged (about $540 a month)\n\nNo changes; 3 unchanged, 0 unfilled."
    )


def test_a_status():
    assert (
        status_markdown(samples.busy())
        == (
            "**$7.845/h** (about $5,648 a month); the credit lasts 11 days\n\n"
            "| Fleet | Wanted | Running | Live | Declared in |\n"
            "| --- | --- | --- | --- | --- |\n"
            "| june-voice | 3 | 3 | 3 | `specs/june-voice.yaml:2` |\n"
            "| render | 40 | 35 | 36 | `specs/render.yaml:1` |\n\n"
        )
        + ALARMS
    )


OUTCOMES = [
    Outcome("rented", b.seat("june-voice/2"), "1x RTX 3060, Texas, US, machine 27924", 1731207, Decimal("0.243")),
    Outcome("destroyed", b.seat("june-voice/3"), "replicas 4 -> 3", 1720031, Decimal("0.301")),
    Outcome("offer gone", b.seat("june-voice/0"), "offer 32 is gone: no longer for rent"),
    Outcome("doubtful", b.seat("june-voice/1"), "offer 33: no answer", None, Decimal("0.26")),
    Outcome("rented", b.seat("june-voice/0"), "1x RTX 3060, Texas, US, machine 9881", 1731208, Decimal("0.251")),
]


def test_what_a_run_did():
    assert outcomes_markdown(samples.quiet(), OUTCOMES, "done") == (
        "**$0.750/h** (about $540 a month). The run ended done: 2 rented, 1 destroyed, 1 offer gone, 1 doubtful.\n\n"
        "|  | Seat | Result | Price | What |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| `+` | june-voice/2 | rented | $0.243/h | instance 1731207: 1x RTX 3060, Texas, US, machine 27924 |\n"
        "| `-` | june-voice/3 | destroyed | -$0.301/h | instance 1720031: `replicas 4 -> 3` |\n"
        "|  | june-voice/0 | offer gone |  | offer 32 is gone: no longer for rent |\n"
        "| `!` | june-voice/1 | doubtful | $0.260/h | offer 33: no answer |\n"
        "| `+` | june-voice/0 | rented | $0.251/h | instance 1731208: 1x RTX 3060, Texas, US, machine 9881 |"
    )


def test_a_run_without_anything_to_do_that_could_not_fill_a_seat():
    plan = samples.plan(
        samples.fleet_plan(samples.render(), running=40, unfilled=(samples.unfilled(1, nearest=None, relaxations=()),))
    )
    assert outcomes_markdown(plan, [], "done") == (
        "**$0.000/h** (about $0 a month). The run ended done: nothing was done.\n\n"
        "**Unfilled**\n\n"
        "- render/36: of 40 offers seen, spread.per_host refuses 15, price.max_per_hour refuses 1"
    )


def test_offers():
    fleet = samples.june(regions=b.regions("US-CA", "US"))
    rows = [*b.offers("0.31", "0.243", "0.6"), b.offer(9, location="Ontario, CA")]
    judged = b.judged(fleet, rows)
    assert offers_markdown(fleet, judged, shortage(judged, {})) == (
        "**june-voice**: 2 eligible offers of 4 seen\n\n"
        "|  | Price | Score | What | Tier | Reliability | Download | Host |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
        "| 1 | $0.243/h | 0.514 | 1x RTX 3060, California, US, machine 5002 | US-CA | 0.990 | 500 Mbps | 6002 |\n"
        "| 2 | $0.310/h | 0.380 | 1x RTX 3060, California, US, machine 5001 | US-CA | 0.990 | 500 Mbps | 6001 |\n\n"
        "Refused: price.max_per_hour refuses 1, regions.tiers refuses 1.\n\n"
        "The nearest miss $0.600/h: price.max_per_hour, $0.600/h, 20 % off."
    )


def test_no_offers():
    assert offers_markdown(samples.june(), [], shortage([], {})) == "**june-voice**: 0 eligible offers of 0 seen"


def test_diagnostics():
    wrong = Diagnostic("error", "unknown-field", "no field `replica`", "a.yaml", 3, 1, "replica: 2", 7, "replicas")
    moving = Diagnostic("warning", "moving-tag", "the image's tag moves", "b.yaml")
    assert diagnostics_markdown([wrong, moving, replace(moving, file="c.yaml")]) == (
        "**1 error, 2 warnings**\n\n"
        "- error `unknown-field` at `a.yaml:3:1`: `` no field `replica` `` (replicas)\n"
        "- warning `moving-tag` at `b.yaml`: the image's tag moves\n"
        "- warning `moving-tag` at `c.yaml`: the image's tag moves"
    )


def test_no_diagnostics():
    assert diagnostics_markdown([]) == "**Nothing is wrong**"


# --- few and many ---------------------------------------------------------------------------------

ONE_OR_MORE = {
    "one unfilled seat is named": (samples.unfilled(1), "| render/36 | no offer |"),
    "several are counted": (samples.unfilled(2), "| 2 seats of render | no offer |"),
    "one offer was seen": (samples.unfilled(1, seen=1, nearest=None), "of 1 offer seen, "),
    "none was seen": (samples.unfilled(1, seen=0, refused=(), nearest=None), "no offer was seen"),
    "all rules but the first few are only counted": (
        samples.unfilled(1, refused=tuple((f"r.a{n}", 9 - n) for n in range(6)), nearest=None),
        "r.a0 refuses 9, r.a1 refuses 8, r.a2 refuses 7, r.a3 refuses 6, ... and 2 more",
    ),
}


@pytest.mark.parametrize(("unfilled", "expected"), ONE_OR_MORE.values(), ids=ONE_OR_MORE)
def test_unfilled_seats(unfilled, expected):
    plan = samples.plan(samples.fleet_plan(samples.render(), running=40, unfilled=(unfilled,)))
    assert expected in plan_markdown(plan)


def test_one_orphan_is_one():
    plan = samples.plan(
        orphans=(Stray(1, "default", "lost", Decimal("0.2")),), unmanaged=(Stray(2, None, None, Decimal(1)),)
    )
    text = plan_markdown(plan)
    assert "- 1 orphan ($0.200/h) of fleet lost, declared nowhere; `--prune lost` destroys it" in text
    assert "- 1 unmanaged instance ($1.000/h)" in text


def test_a_paused_fleet_says_so_and_is_not_below_min_ready():
    text = plan_markdown(samples.plan(samples.fleet_plan(samples.june(), running=0, paused=True)))
    assert "- june-voice is paused: nothing of it is changed" in text
    assert "min_ready" not in text


def test_credit_of_less_than_two_days_is_told_in_hours():
    cost = Cost(Decimal(1), Decimal(1), Decimal(1), credit=Decimal("1.5"))
    assert "The credit lasts 1 hour." in plan_markdown(samples.plan(cost=cost))


def test_of_too_many_rows_no_destroy_is_hidden_and_the_reader_is_told():
    rents = tuple(samples.create(seat=b.seat(f"june-voice/{n}")) for n in range(MOST_ROWS))
    text = plan_markdown(samples.plan(samples.fleet_plan(samples.june(), actions=(*rents, samples.destroy()))))
    assert text.count("| `+` |") == MOST_ROWS - 1
    assert text.count("| `-` |") == 1
    assert "100 of 101 rows are shown; `--format json` has all." in text


def test_a_page_of_long_texts_fits_into_a_comment_of_github():
    endless = "<" * 5000
    actions = tuple(samples.exchange(seat=b.seat(f"june-voice/{n}"), reason=endless) for n in range(500))
    fleets = [samples.fleet_plan(samples.june(), actions=actions)]
    assert len(plan_markdown(samples.plan(*fleets))) < 65_000


# --- texts of strangers ---------------------------------------------------------------------------

SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
INTERPRETED = re.compile(r"[<\[\]@~&#\\`]|!(?=\[)|https?:|www\.|gh-\d|\w:\w(?<!\d:\d)|\$(?!\d)|(?<! -)>", re.IGNORECASE)
HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")


def check(text: str, payload: str) -> None:
    """Outside code spans no character is left that markdown interprets; tables and lines keep their shape."""
    assert not HIDDEN.search(text), payload
    width = 0
    for line in text.splitlines():
        assert not line.lstrip().startswith("::"), payload
        assert "##" not in line, payload
        cells = len(re.split(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        assert not (cells and width) or cells == width, line
        width = cells
        left = SPAN.sub("", line)
        assert not INTERPRETED.search(left), (payload, line)


def pages(payload: str) -> dict[str, str]:
    fleet = samples.june(source=Source(payload, 1))
    judged = b.judged(fleet, [b.offer(1, location=payload, gpu_name="RTX 3060")])
    refused = b.judged(fleet, [b.offer(1, gpu_name=payload, location=payload)])
    outcome = Outcome("refused", b.seat("june-voice/0"), payload, 5)
    finding = Diagnostic("error", "unknown-field", payload, payload, 3, 1, payload, 1, payload)
    return {
        "plan": plan_markdown(samples.hostile(payload)),
        "status": status_markdown(samples.hostile(payload)),
        "outcomes": outcomes_markdown(samples.hostile(payload), [outcome], payload),
        "offers": offers_markdown(fleet, judged, shortage(judged, {})),
        "refused offers": offers_markdown(fleet, refused, shortage(refused, {})),
        "diagnostics": diagnostics_markdown([finding]),
    }


PAGES = tuple(pages("x"))


@pytest.mark.parametrize("payload", samples.PAYLOADS)
@pytest.mark.parametrize("page", PAGES)
def test_a_strangers_text_is_shown_and_not_interpreted(page, payload):
    check(pages(payload)[page], payload)


@given(st.text(alphabet=st.sampled_from("`|\\<>@#:$!-_*~[]()&\n\t /a1.\u202e\u200b"), max_size=30))
def test_no_mixture_of_marks_is_interpreted(payload):
    check(plan_markdown(samples.hostile(payload)), payload)


SHOWN = {
    "a place is plain": ("California, US", "California, US"),
    "an amount is plain": ("$0.525/h", "$0.525/h"),
    "a field is plain": ("host.min_reliability", "host.min_reliability"),
    "a time is plain": ("last seen 02:50", "last seen 02:50"),
    "an image is code": ("ghcr.io/acme/june:1", "`ghcr.io/acme/june:1`"),
    "a mention is code": ("@acme/admins", "`@acme/admins`"),
    "a reference is code": ("GH-1", "`GH-1`"),
    "an address is code": ("www.evil.example", "`www.evil.example`"),
    "emphasis is code": ("_it_", "`_it_`"),
    "a formula is code": ("$x$", "`$x$`"),
    "letters outside ASCII are code": ("Zürich, CH", "`Zürich, CH`"),
    "a leading mark is code": ("- item", "`- item`"),
    "nothing is said to be nothing": ("", "`(empty)`"),
}


@pytest.mark.parametrize(("text", "expected"), SHOWN.values(), ids=SHOWN)
def test_outside_text(text, expected):
    assert shown(text) == expected


FENCES = {
    "without backticks, one is enough": ("a", "`a`"),
    "one inside needs two": ("a`b", "``a`b``"),
    "at the end they are kept apart": ("`a`", "`` `a` ``"),
    "three inside need four": ("a```b`", "```` a```b` ````"),
    "a command of a CI log is broken up": ("###[x]", "`# #\\u0023[x]`"),
    "a long text is cut": ("a" * 300, "`" + "a" * 159 + "…`"),
}


@pytest.mark.parametrize(("text", "expected"), FENCES.values(), ids=FENCES)
def test_a_code_span(text, expected):
    assert code(text) == expected


# --- wording --------------------------------------------------------------------------------------

MARKS = {
    "+": samples.create(),
    "+/-": samples.exchange(),
    "-/+": samples.repair(1),
    "-": samples.destroy(),
}


@pytest.mark.parametrize(("mark", "action"), MARKS.items(), ids=MARKS)
def test_the_mark_of_an_action(mark, action):
    assert mark_of(action) == mark


PLURALS = [
    (0, "seat", "0 seats"),
    (1, "seat", "1 seat"),
    (2, "seat", "2 seats"),
    (7, "search", "7 searches"),
    (1200, "unmanaged instance", "1,200 unmanaged instances"),
]


@pytest.mark.parametrize(("count", "noun", "expected"), PLURALS)
def test_plurals(count, noun, expected):
    assert plural(count, noun) == expected


def test_an_irregular_plural():
    assert plural(2, "reply", "replies") == "2 replies"


DURATIONS = [(0, "0s"), (8.2, "9s"), (59, "59s"), (60, "1m00s"), (250, "4m10s"), (7500, "2h05m"), (93600, "1d02h")]


@pytest.mark.parametrize(("seconds", "expected"), [(-5, "0s"), *DURATIONS])
def test_durations(seconds, expected):
    assert duration(seconds) == expected


def test_a_moment_is_iso_8601_in_utc():
    assert moment(samples.NOW + 0.9) == "2026-11-21T18:00:00Z"


@pytest.mark.parametrize(
    ("number", "expected"), [("0.2434", "$0.243/h"), ("-0.301", "-$0.301/h"), ("-0.0001", "$0.000/h")]
)
def test_prices_have_three_decimals(number, expected):
    assert money(Decimal(number)) == expected


def test_a_month_has_no_cents():
    assert amount(Decimal("5612.4"), 0) == "$5,612"
