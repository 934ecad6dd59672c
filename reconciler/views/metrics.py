"""A snapshot in the text format of Prometheus, version 0.0.4: one table of metrics, which `docs/watch.md` repeats."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from reconciler import __version__
from reconciler.core.snapshot import BUCKETS_S, Account, FleetState, Snapshot
from reconciler.core.tally import Counted

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Value = int | float | Decimal
Sample = tuple[tuple[str, ...], Value]
"""The values of a metric's labels, in their order, and what it stands at."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One family: its name without the prefix `reconcile_`, its type, its labels, what it means."""

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    help: str
    labels: tuple[str, ...] = ()


_FLEET, _BY_REASON, _ROUTE = ("fleet",), ("fleet", "reason"), ("route",)
METRICS = (
    Metric("info", "gauge", "Always 1; the release and the owner.", ("version", "owner")),
    Metric("fleet_desired", "gauge", "Seats that the spec asks for.", _FLEET),
    Metric("fleet_ready", "gauge", "Seats with a ready instance, the old one of a replacement included.", _FLEET),
    Metric("fleet_pending", "gauge", "Seats whose instance boots, or whose rent is in doubt.", _FLEET),
    Metric("fleet_outbid", "gauge", "Seats whose bid was beaten: the instance is stopped.", _FLEET),
    Metric("fleet_held", "gauge", "Seats whose instance somebody stopped, or that waits for its GPU.", _FLEET),
    Metric("fleet_unhealthy", "gauge", "Seats whose instance is reported as broken.", _FLEET),
    Metric("fleet_unfilled", "gauge", "Seats without an instance.", _FLEET),
    Metric("fleet_dollars_per_hour", "gauge", "What the fleet's instances bill now.", _FLEET),
    Metric("fleet_resting", "gauge", "1 while nothing is rented for the fleet because that failed lately.", _FLEET),
    Metric("dollars_per_hour", "gauge", "What all declared fleets bill now."),
    Metric("spent_dollars", "gauge", "Billed in 24 hours (1d) and in 30 days (30d), as estimated.", ("window",)),
    Metric("budget_left_dollars_per_hour", "gauge", "What limits.budget_per_hour leaves; absent without one."),
    Metric("budget_left_30_days_dollars", "gauge", "What limits.budget_per_30_days leaves; absent without one."),
    Metric("credit_dollars", "gauge", "The account's credit; absent where the key may not read it."),
    Metric(
        "runway_seconds",
        "gauge",
        "How long the credit lasts at the planned rate of the whole account; absent while nothing bills.",
    ),
    Metric("leaks", "gauge", "Destroys that were sent and are not proven."),
    Metric("leaks_dollars_per_hour", "gauge", "What those instances may bill."),
    Metric("orphans", "gauge", "Instances of fleets that are declared nowhere; they are left alone."),
    Metric("orphans_dollars_per_hour", "gauge", "What those instances bill."),
    Metric("rents_in_doubt", "gauge", "Rents of which nobody knows whether they were made."),
    Metric("rents_total", "counter", "Instances rented: new, repair or rollout.", _BY_REASON),
    Metric(
        "rents_failed_total",
        "counter",
        "Rents refused or of doubtful end; one that was made after all counts as rented as well.",
        _BY_REASON,
    ),
    Metric(
        "destroys_total",
        "counter",
        "Destroys that were proven: surplus, superseded, unhealthy, outbid, ended, not_as_ordered or drift.",
        _BY_REASON,
    ),
    Metric("refusals_total", "counter", "Times that a guard began to hold something back, by guard.", _BY_REASON),
    Metric("leaks_opened_total", "counter", "Destroys not proven in their own pass, by their reason.", _BY_REASON),
    Metric("vanished_total", "counter", "Instances that went without a destroy of ours.", _FLEET),
    Metric("strikes_total", "counter", "Strikes given to machines: never_ready, unready or died.", _BY_REASON),
    Metric("passes_total", "counter", "Passes: good, failed, skipped (invalid specs) or busy.", ("result",)),
    Metric("pass_duration_seconds", "histogram", "How long passes took, calls and waits for their pace included."),
    Metric("last_pass_timestamp_seconds", "gauge", "When the last pass ended."),
    Metric("last_good_pass_timestamp_seconds", "gauge", "When the last good pass ended; absent before the first."),
    Metric("specs_valid", "gauge", "1 while the specs can be planned, 0 while passes are skipped for them."),
    Metric("notifications_waiting", "gauge", "Notifications that are not delivered yet."),
    Metric("api_calls_total", "counter", "Calls to Vast.ai, repeats included.", _ROUTE),
    Metric("api_too_many_total", "counter", "Calls answered with 429.", _ROUTE),
    Metric("api_unanswered_total", "counter", "Calls without a usable answer.", _ROUTE),
)
PREFIX = "reconcile_"


def metrics_text(shown: Snapshot) -> str:
    """The whole page."""
    samples = _samples(shown)
    lines: list[str] = []
    for metric in METRICS:
        name = f"{PREFIX}{metric.name}"
        lines += [f"# HELP {name} {_escaped(metric.help)}", f"# TYPE {name} {metric.kind}"]
        if metric.kind == "histogram":
            lines += _histogram(name, shown)
        else:
            lines += [_line(name, metric.labels, *sample) for sample in samples.get(metric.name, ())]
    return "\n".join(lines) + "\n"


def _samples(shown: Snapshot) -> Mapping[str, Sequence[Sample]]:
    """Every sample, by the name of its metric."""
    return {
        "info": [((__version__, shown.owner), 1)],
        **_of_fleets(shown.fleets, shown),
        **(_of_money(shown.account) if shown.account else {}),
        **_of_counts(shown),
        "passes_total": [((result,), number) for result, number in sorted(shown.passes.items())],
        "last_pass_timestamp_seconds": [((), shown.at)],
        "last_good_pass_timestamp_seconds": _maybe(shown.good_at),
        "specs_valid": [((), int(shown.specs_valid))],
        "notifications_waiting": [((), shown.letters)],
        "api_calls_total": _by_route(shown.calls.sent),
        "api_too_many_total": [((route,), shown.calls.too_many.get(route, 0)) for route in sorted(shown.calls.sent)],
        "api_unanswered_total": [
            ((route,), shown.calls.unanswered.get(route, 0)) for route in sorted(shown.calls.sent)
        ],
    }


def _of_fleets(fleets: Iterable[FleetState], shown: Snapshot) -> dict[str, Sequence[Sample]]:
    states = list(fleets)
    return {
        "fleet_desired": [((f.fleet,), f.desired) for f in states],
        "fleet_ready": [((f.fleet,), f.ready) for f in states],
        "fleet_pending": [((f.fleet,), f.pending) for f in states],
        "fleet_outbid": [((f.fleet,), f.outbid) for f in states],
        "fleet_held": [((f.fleet,), f.held) for f in states],
        "fleet_unhealthy": [((f.fleet,), f.unhealthy) for f in states],
        "fleet_unfilled": [((f.fleet,), f.unfilled) for f in states],
        "fleet_dollars_per_hour": [((f.fleet,), f.rate_per_hour) for f in states],
        "fleet_resting": [((f.fleet,), int(f.fleet in shown.resting)) for f in states],
    }


def _of_money(account: Account) -> dict[str, Sequence[Sample]]:
    cost = account.cost
    hours = cost.credit_lasts_h
    return {
        "dollars_per_hour": [((), cost.now)],
        "spent_dollars": [(("1d",), cost.spent.day), (("30d",), cost.spent.month)],
        "budget_left_dollars_per_hour": _maybe(account.budget_left_per_hour),
        "budget_left_30_days_dollars": _maybe(account.budget_left_30_days),
        "credit_dollars": _maybe(cost.credit),
        "runway_seconds": _maybe(None if hours is None else round(hours * 3600, 3)),
        "leaks": [((), account.leaks)],
        "leaks_dollars_per_hour": [((), account.leaks_per_hour)],
        "orphans": [((), account.orphans)],
        "orphans_dollars_per_hour": [((), account.orphans_per_hour)],
        "rents_in_doubt": [((), account.doubts)],
    }


def _of_counts(shown: Snapshot) -> dict[str, Sequence[Sample]]:
    names: dict[Counted, tuple[str, bool]] = {
        "rents": ("rents_total", True),
        "rents_failed": ("rents_failed_total", True),
        "destroys": ("destroys_total", True),
        "refusals": ("refusals_total", True),
        "leaks": ("leaks_opened_total", True),
        "vanished": ("vanished_total", False),
        "strikes": ("strikes_total", True),
    }
    found: dict[str, list[Sample]] = {name: [] for name, _ in names.values()}
    for (what, fleet, reason), number in sorted(shown.counts.items()):
        name, by_reason = names[what]
        found[name].append(((fleet, reason) if by_reason else (fleet,), number))
    return {**found}


def _by_route(counts: Mapping[str, int]) -> list[Sample]:
    return [((route,), number) for route, number in sorted(counts.items())]


def _maybe(value: Value | None) -> list[Sample]:
    return [] if value is None else [((), value)]


def _histogram(name: str, shown: Snapshot) -> Iterator[str]:
    took = shown.durations
    for bound, within in zip(BUCKETS_S, took.within, strict=True):
        yield _line(f"{name}_bucket", ("le",), (f"{bound:g}",), within)
    yield _line(f"{name}_bucket", ("le",), ("+Inf",), took.count)
    yield _line(f"{name}_sum", (), (), took.total_s)
    yield _line(f"{name}_count", (), (), took.count)


def _line(name: str, labels: Sequence[str], values: Sequence[str], value: Value) -> str:
    pairs = ",".join(f'{label}="{_quoted(text)}"' for label, text in zip(labels, values, strict=True))
    return f"{name}{{{pairs}}} {_number(value)}" if pairs else f"{name} {_number(value)}"


def _number(value: Value) -> str:
    """A number that every reader of the format takes: no exponent of Decimal's own kind, no thousands."""
    return format(value, "f") if isinstance(value, Decimal) else repr(value)


def _quoted(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")
