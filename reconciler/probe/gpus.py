"""The GPUs of an instance as its driver tells them, against what was rented. Pure."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

from reconciler.core.cards import same_card
from reconciler.core.causes import GPU_MISSING, NO_DRIVER, NO_GPU, WRONG_DRIVER, WRONG_GPU, WRONG_MEMORY, exited
from reconciler.core.readiness import Target
from reconciler.probe.visit import Missed

QUERY = "nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader"
ENOUGH = Decimal("0.93")
"""Cards report a little less memory than they are sold with."""

_MOST_LINES = 1024
_LINE = re.compile(r"(?P<name>[^,]{1,128}), *(?P<memory>[0-9]{1,9} MiB|\[[^\],]{1,40}\]), *(?P<driver>[^,]{1,40})")
_VERSION = re.compile(r"[0-9]+(\.[0-9]+)*", re.ASCII)
_EXITS = {6: NO_GPU, 9: NO_DRIVER, 12: NO_DRIVER, 127: NO_DRIVER}
"""What the program's exit codes mean (documented by it: 6 no device, 9 no driver, 12 its library is missing)."""


class Card(NamedTuple):
    """One line of the answer."""

    name: str
    memory_mb: Decimal | None
    """None where the card tells none, as those that share the computer's."""
    driver: str


def judge(code: int, said: str, target: Target) -> None:
    """Nothing where the cards are as rented. Raises `Missed`."""
    if code:
        raise Missed(_EXITS.get(code, exited(code)), said.strip())
    cards = read_cards(said)
    if not cards:
        raise Missed(NO_GPU, said.strip())
    _judge_answer(cards)
    if len(cards) < target.gpu_count:
        raise Missed(GPU_MISSING, f"{len(cards)} of {target.gpu_count} are there")
    _judge_names(cards, target.gpu_models)
    _judge_memory(cards, target.vram_mb)
    _judge_driver(cards, target.drivers)


def read_cards(said: str) -> list[Card]:
    """The cards that an answer lists; what a login prints besides is passed over."""
    lines = (_LINE.fullmatch(line.strip()) for line in said.splitlines()[:_MOST_LINES])
    return [Card(found["name"], _memory(found["memory"]), found["driver"]) for found in lines if found]


def _memory(text: str) -> Decimal | None:
    return Decimal(text.split()[0]) if text[0].isdigit() else None


def _judge_answer(cards: list[Card]) -> None:
    odd = next((card for card in cards if not _VERSION.fullmatch(card.driver)), None)
    if odd is not None:
        raise Missed(NO_DRIVER, f"its version is {odd.driver}")


def _judge_names(cards: list[Card], models: tuple[str, ...]) -> None:
    for card in cards:
        if models and not any(same_card(card.name, model) for model in models):
            raise Missed(WRONG_GPU, f"{card.name} instead of {' or '.join(models)}")


def _judge_memory(cards: list[Card], wanted_mb: Decimal | None) -> None:
    for card in cards:
        if wanted_mb is not None and card.memory_mb is not None and card.memory_mb < ENOUGH * wanted_mb:
            raise Missed(WRONG_MEMORY, f"{card.memory_mb} MiB instead of {wanted_mb}")


def _judge_driver(cards: list[Card], least: tuple[str, ...]) -> None:
    """A newer one does what an older one does. What is no version says nothing."""
    if not least:
        return
    from reconciler.core.clauses import version

    def age(text: str) -> tuple[int, ...]:
        return version(text) or ()

    rented = max(least, key=age)
    for card in cards:
        if age(card.driver) and age(card.driver) < age(rented):
            raise Missed(WRONG_DRIVER, f"{card.driver} is older than {rented}")
