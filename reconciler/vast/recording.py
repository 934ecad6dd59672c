"""A market as somebody recorded it -> offers: an array of rows, one search's answer, or answers by GPU name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reconciler.core.offer import Offer
from reconciler.errors import WrongUsage
from reconciler.vast.decode import Malformed, decode
from reconciler.vast.offers import offers

MAX_BYTES = 512 * 1024 * 1024


def read_recording(path: Path) -> tuple[Offer, ...]:
    """The usable offers of the file, each once. Raises `WrongUsage` for a file that is none."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise WrongUsage(f"--market {path}: larger than {MAX_BYTES // 2**20} MB")
        body = decode(path.read_bytes())
    except OSError as error:
        raise WrongUsage(f"--market {path}: {error.strerror}") from error
    except Malformed as error:
        raise WrongUsage(f"--market {path}: {error}") from error
    rows = list(_rows(body))
    if not rows:
        raise WrongUsage(f"--market {path}: no recorded market", hint="a JSON array of offers, as a search prints it")
    return offers(rows)


def _rows(body: object) -> Iterator[object]:
    if isinstance(body, list):
        yield from body
    elif isinstance(body, dict):
        yield from _rows(body.get("offers"))
        by_model = body.get("offers_by_model")
        if isinstance(by_model, dict):
            for answer in by_model.values():
                yield from _rows(answer)
