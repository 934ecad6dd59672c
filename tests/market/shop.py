"""A market without HTTP: it answers questions as the server is seen to do, from offers that a test writes down."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter

from builders import NO_BANS, NOW, offer, seat

from reconciler.core.clauses import refuses
from reconciler.core.gpus import normalise
from reconciler.core.model import Fleet
from reconciler.core.offer import Offer, OfferQuery
from reconciler.core.place import Ground
from reconciler.core.placement import Need
from reconciler.core.places import parse_location
from reconciler.provider import Found
from reconciler.survey import Eyes, Market, survey

ROWS = 64
FLOORS = {
    "min_vram_mb": "vram_mb",
    "min_reliability": "reliability",
    "min_download_mbps": "download_mbps",
    "min_upload_mbps": "upload_mbps",
    "min_cpu_cores": "cpu_cores",
    "min_ram_gb": "ram_gb",
    "min_disk_mbps": "disk_mbps",
    "min_cuda": "cuda",
    "min_direct_ports": "direct_ports",
    "min_days_left": "days_left",
}
CAPS = {"max_download_per_tb": "download_price_per_tb", "max_upload_per_tb": "upload_price_per_tb"}


def fits(query: OfferQuery, row: Offer) -> bool:
    """Whether a row passes every filter of a question, those on prices and known machines included."""
    price, country = row.price_per_hour(query.disk_gb), parse_location(row.location).country
    return (
        normalise(row.gpu_name) in query.models
        and row.gpu_count == query.gpu_count
        and (not query.fits_disk or _least(row.disk_gb, query.disk_gb))
        and all(attrgetter(name)(row) is True for name in query.require)
        and all(_least(attrgetter(name)(row), getattr(query, floor)) for floor, name in FLOORS.items())
        and all(_most(attrgetter(name)(row), getattr(query, cap)) for cap, name in CAPS.items())
        and all(refuses(clause, row) is None for clause in query.clauses)
        and (not query.countries or country in query.countries)
        and country not in query.blocked_countries
        and _most(price, query.max_price_per_hour)
        and _least(price, query.min_price_per_hour)
        and row.machine_id not in query.not_machines
        and row.id not in query.not_offers
        and (not query.only_machines or row.machine_id in query.only_machines)
    )


def _least(value, floor) -> bool:
    return floor is None or (value is not None and value >= floor)


def _most(value, cap) -> bool:
    return cap is None or (value is not None and value <= cap)


@dataclass
class Shop:
    """Offers for sale, and every question that was asked. Of offers in one `bundle` an answer holds one, another each
    time; `deaf` are the fields of a question that the server does not look at."""

    rows: Sequence[Offer]
    bundle: Callable[[Offer], object] = attrgetter("id")
    deaf: Mapping[str, object] = field(default_factory=dict)
    fails: Callable[[int, OfferQuery], Exception | None] = lambda _number, _query: None
    asked: list[OfferQuery] = field(default_factory=list)
    answered: list[tuple[Offer, ...]] = field(default_factory=list)

    def search(self, query: OfferQuery) -> Found:
        """The cheapest 64 that fit, one of each bundle."""
        self.asked.append(query)
        error = self.fails(len(self.asked), query)
        if error is not None:
            raise error
        heard = replace(query, **self.deaf)
        found: dict[object, list[Offer]] = {}
        for row in sorted(self.rows, key=lambda row: (row.price_per_hour(query.disk_gb), row.id)):
            if fits(heard, row):
                found.setdefault(self.bundle(row), []).append(row)
        drawn = [rows[len(self.asked) % len(rows)] for rows in found.values()]
        self.answered.append(tuple(sorted(drawn, key=lambda row: row.price_per_hour(query.disk_gb))[:ROWS]))
        return Found(self.answered[-1], len(self.answered[-1]))

    @property
    def rows_answered(self) -> int:
        """All rows of all answers."""
        return sum(map(len, self.answered))


DEAF_TO_EXCLUSIONS = {"not_machines": (), "not_offers": ()}


class Now:
    """A clock that stands."""

    def now(self) -> float:
        return NOW

    def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here waits")


def needs(*specs: Fleet, repair: bool = False) -> list[Need]:
    """Every seat of these fleets."""
    return [
        Need(seat(f"{spec.name}/{i}"), spec, spec.price.max_per_hour, repair=repair)
        for spec in specs
        for i in range(spec.replicas)
    ]


def ground(**options) -> Ground:
    """Nothing banned, nothing sitting, noon."""
    return Ground(NO_BANS, NOW, **options)


def seen(shop: Shop, *specs: Fleet, repair: bool = False, probe=None, **options) -> Market:
    """What one pass sees of the shop for these fleets."""
    return survey(Eyes(shop, Now(), probe), needs(*specs, repair=repair), ground(**options))


def row_of(count: int, *, first: int = 1, cents: float = 5.0, step: float = 0.1, **options) -> list[Offer]:
    """Offers on machines of their own, each `step` cents dearer than the one before."""
    prices = (f"{(cents + step * i) / 100:.5f}" for i in range(count))
    return [offer(first + i, price=price, **_called(options, i)) for i, price in enumerate(prices)]


def _called(options: Mapping[str, object], i: int) -> dict[str, object]:
    return {name: value(i) if callable(value) else value for name, value in options.items()}


def chosen(placement) -> dict[str, int]:
    """Machines by seat."""
    return {str(at): choice.candidate.offer.machine_id for at, choice in placement.choices.items()}


def machines(rows: Iterable[Offer]) -> set[int]:
    """The machines of some rows."""
    return {row.machine_id for row in rows}
