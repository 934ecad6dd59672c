"""Does one question to the market include another? Then what was learnt by the one holds for the other too."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal

from reconciler.core.offer import OfferQuery

Bound = Decimal | int | str | None


def covers(wide: OfferQuery, narrow: OfferQuery) -> bool:
    """Whether every offer that fits `narrow` fits `wide` as well. Prices and known machines are left to the caller.

    A larger disk makes every offer dearer, never cheaper, so a question for a smaller disk covers one for a larger.
    """
    return (
        wide.gpu_count == narrow.gpu_count
        and wide.interruptible == narrow.interruptible
        and set(wide.models) >= set(narrow.models)
        and wide.disk_gb <= narrow.disk_gb
        and (narrow.fits_disk or not wide.fits_disk)
        and set(wide.require) <= set(narrow.require)
        and set(wide.clauses) <= set(narrow.clauses)
        and _places(wide, narrow)
        and all(_looser(getattr(wide, name), getattr(narrow, name), least=True) for name in _FLOORS)
        and all(_looser(getattr(wide, name), getattr(narrow, name), least=False) for name in _CAPS)
    )


_LIMITS = tuple(field.name for field in fields(OfferQuery) if "price" not in field.name)
_FLOORS = tuple(name for name in _LIMITS if name.startswith("min_"))
_CAPS = tuple(name for name in _LIMITS if name.startswith("max_"))


def _places(wide: OfferQuery, narrow: OfferQuery) -> bool:
    if wide.countries and not (narrow.countries and set(narrow.countries) <= set(wide.countries)):
        return False
    barred = set(wide.blocked_countries) - set(narrow.blocked_countries)
    return not barred or bool(narrow.countries and barred.isdisjoint(narrow.countries))


def _looser(wide: Bound, narrow: Bound, *, least: bool) -> bool:
    if wide is None or wide == narrow:
        return True
    if narrow is None or isinstance(wide, str) or isinstance(narrow, str):
        return False
    return wide <= narrow if least else wide >= narrow
