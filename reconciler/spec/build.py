"""A tree without mistakes to the words of the house."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from reconciler.core.gpus import normalise
from reconciler.core.model import (
    Banned,
    Blacklist,
    Container,
    Fleet,
    FromEnv,
    Gpu,
    HostRules,
    ImageRules,
    Latency,
    Limit,
    Limits,
    Modifiers,
    Policy,
    Port,
    Price,
    Regions,
    RegistryLogin,
    Rollout,
    RunwayHours,
    Scoring,
    SecretRules,
    Source,
    Spread,
    Tier,
    Weights,
)
from reconciler.core.notify import Notify, Webhook
from reconciler.core.rental import Outbid, Rental
from reconciler.core.settle import Settle
from reconciler.spec.container_rules import port_of
from reconciler.spec.durations import seconds
from reconciler.spec.queries import Spoken, clauses_of
from reconciler.spec.readiness import health_of, readiness_of, strikes_of
from reconciler.spec.renewal import build_replace
from reconciler.spec.timing import build_schedule, most_replicas

Fields = Mapping[str, Any]
Readers = Mapping[str, Callable[[Any], Any]]


def _read(fields: Fields, readers: Readers) -> dict[str, Any]:
    """The fields that are written, each as its reader makes it; the rest keep the defaults of the model."""
    return {name: readers[name](value) if name in readers else value for name, value in fields.items()}


def _numbers(fields: Fields, whole: tuple[str, ...] = ()) -> Fields:
    """Every number as Decimal, but for those that count things."""
    exact = {name for name, value in fields.items() if isinstance(value, int) and name not in whole}
    return {name: Decimal(value) if name in exact else value for name, value in fields.items()}


def _tier(fields: Fields) -> Tier:
    return Tier(fields["name"], tuple(fields["in"]), Decimal(fields.get("bonus", 0)))


def _regions(fields: Fields) -> Regions:
    tiers = tuple(map(_tier, fields.get("tiers", ())))
    said = fields.get("elsewhere", "refuse" if tiers else {"penalty": 0})
    return Regions(
        tiers,
        tuple(fields.get("blocked", ())),
        elsewhere="refuse" if said == "refuse" else "allow",
        penalty=Decimal(0 if said == "refuse" else said["penalty"]),
        strict_order=fields.get("strict_order", False),
    )


def _rollout(fields: Fields) -> Rollout:
    read = _read(fields, {"at_once": _limit, "canary": lambda text: float(seconds(text))})
    return Rollout(**{"canary_s" if name == "canary" else name: value for name, value in read.items()})


def _latency(fields: Fields) -> Latency:
    readers: Readers = {"users_at": lambda at: tuple(map(Decimal, at)), "max_ms": Decimal, "timeout": seconds}
    read = _read(fields, readers)
    return Latency(**{"timeout_s" if name == "timeout" else name: value for name, value in read.items()})


def _scoring(fields: Fields, has_latency: bool) -> Scoring:
    """The ranking as written; without a word about it, the distance to the users counts first where it is known."""
    weights = Weights(**_numbers(fields["weights"])) if "weights" in fields else None
    unwritten = "latency-first" if has_latency else "cheapest"
    strategy = None if weights else fields.get("strategy", unwritten)
    return Scoring(strategy, weights, Modifiers(**_numbers(fields.get("modifiers", {}))))


def _limit(value: int | str) -> Limit:
    if isinstance(value, str):
        return Limit(Decimal(value.removesuffix("%")), percent=True)
    return Limit(Decimal(value))


def _banned(entry: int | Fields) -> Banned:
    return Banned(entry) if isinstance(entry, int) else Banned(**_read(entry, {"until": date.fromisoformat}))


def _blacklist(fields: Fields) -> Blacklist:
    return Blacklist(**{kind: tuple(map(_banned, entries)) for kind, entries in fields.items()})


def _from_env(fields: Fields) -> FromEnv:
    return FromEnv(fields["from_env"], fields.get("version", 1))


def _login(fields: Fields) -> RegistryLogin:
    return RegistryLogin(fields["server"], fields["username"], _from_env(fields["password"]))


def _port(value: int | str) -> Port:
    number, protocol = port_of(value) or (0, "tcp")
    return Port(number, "udp" if protocol == "udp" else "tcp")


def _env(fields: Fields) -> tuple[tuple[str, str | FromEnv], ...]:
    return tuple(sorted((name, v if isinstance(v, str) else _from_env(v)) for name, v in fields.items()))


def _container(fields: Fields) -> Container:
    readers: Readers = {
        "registry_login": _login,
        "ports": lambda ports: tuple(map(_port, ports)),
        "env": _env,
        "args": tuple,
    }
    connect = fields.get("connect") or ("ssh-direct" if "image" in fields else None)
    return Container(**{**_read(fields, readers), "connect": connect})


def _gpu(fields: Fields) -> Gpu:
    return Gpu(**_read(_numbers(fields, whole=("count",)), {"models": lambda names: tuple(map(normalise, names))}))


def _host(language: Spoken, fields: Fields) -> HostRules:
    readers: Readers = {"require": tuple, "query": lambda text: clauses_of(text, language)}
    return HostRules(**_read(_numbers(fields, whole=("min_direct_ports",)), readers))


def _outbid(fields: Fields) -> Outbid:
    read = _read(fields, {"wait": lambda text: float(seconds(text))})
    return Outbid(**{"wait_s" if name == "wait" else name: value for name, value in read.items()})


def _rental(fields: Fields) -> Rental:
    readers: Readers = {
        "max_bid": Decimal,
        "bid_over_floor": lambda text: Decimal(text.removesuffix("%")),
        "outbid": _outbid,
    }
    return Rental(**_read(fields, readers))


_FLEET: Readers = {
    "gpu": _gpu,
    "regions": _regions,
    "price": lambda fields: Price(**_numbers(fields)),
    "spread": lambda fields: Spread(**{name: _limit(value) for name, value in fields.items()}),
    "blacklist": _blacklist,
    "latency": _latency,
    "rollout": _rollout,
    "container": _container,
    "readiness": readiness_of,
    "rental": _rental,
}


def build_fleet(fields: Fields, source: Source, language: Spoken = None) -> Fleet:
    """The fleet of a merged document; `language` is the marketplace's own for `host.query`."""
    rest = {name: value for name, value in fields.items() if name not in ("kind", "health")}
    replicas = rest.get("replicas", 1)
    rest["schedule"] = build_schedule(rest["schedule"], replicas) if "schedule" in rest else None
    rest.setdefault("min_ready", most_replicas(replicas, rest["schedule"]))
    stop = fields.get("health", {}).get("on_manual_stop", "hold")
    scoring = _scoring(rest.pop("scoring", {}), "latency" in rest)
    readers: Readers = {**_FLEET, "host": partial(_host, language)}
    replacing = rest.pop("replace", {})
    read = _read(rest, readers)
    read["health"] = health_of(fields.get("health", {}))
    read["replace"] = build_replace(replacing, read.get("host", HostRules()))
    return Fleet(**read, scoring=scoring, on_manual_stop=stop, source=source)


def _limits(fields: Fields) -> Limits:
    numbers = _numbers(fields, whole=("max_instances", "rents_per_run", "replacements_per_seat_per_day"))
    return Limits(**_read(numbers, {"min_runway_hours": lambda hours: RunwayHours(**_numbers(hours))}))


def _settle(fields: Fields) -> Settle:
    spans = {"total": "total_s", "evidence_after": "evidence_after_s", "apart": "apart_s"}
    read = {spans[name]: float(seconds(value)) for name, value in fields.items() if name in spans}
    return Settle(**read, lost_per_day=fields.get("lost_per_day", Settle().lost_per_day))


def _webhook(fields: Fields) -> Webhook:
    rest = {name: value for name, value in fields.items() if name != "url"}
    return Webhook(fields["url"]["from_env"], **_read(rest, {"on": tuple}))


def build_policy(fields: Fields, file: str) -> Policy:
    """The policy of a document; its defaults have gone into the fleets already."""
    rest = {name: value for name, value in fields.items() if name not in ("kind", "defaults")}
    readers: Readers = {
        "limits": _limits,
        "protect": tuple,
        "images": lambda fields: ImageRules(**_read(fields, {"allow": tuple})),
        "secrets": lambda fields: SecretRules(**_read(fields, {"allow": tuple})),
        "blacklist": _blacklist,
        "settle": _settle,
        "strikes": strikes_of,
        "notify": lambda hooks: Notify(tuple(map(_webhook, hooks))),
    }
    return Policy(**_read(rest, readers), file=file)
