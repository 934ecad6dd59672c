"""What `nvidia-smi` answers, and what is wrong with it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from reconciler.core.instance import Instance
from reconciler.core.readiness import Target
from reconciler.probe.gpus import ENOUGH, judge, read_cards
from reconciler.probe.visit import Missed

LINE = "NVIDIA GeForce RTX 3060, 12288 MiB, 570.133.07\n"
WANTED = Target(Instance(7, None), (), ("RTX 3060",), 1, Decimal(12288))


def cause(said: str, code: int = 0, count: int = 1, memory: int | None = 12288, drivers: tuple[str, ...] = ()) -> str:
    vram_mb = None if memory is None else Decimal(memory)
    wanted = Target(WANTED.instance, (), WANTED.gpu_models, count, vram_mb, drivers)
    try:
        judge(code, said, wanted)
    except Missed as missed:
        return missed.cause
    return ""


ANSWERS = {
    "as rented": ((LINE,), ""),
    "more than rented": ((LINE * 2,), ""),
    "two of two": ((LINE * 2, 0, 2), ""),
    "one of two": ((LINE, 0, 2), "gpu missing"),
    "a greeting before it": ((f"Welcome to vast.ai!\nHave fun, {LINE}\n{LINE}",), ""),
    "line ends of Windows": ((LINE.replace("\n", "\r\n"),), ""),
    "another card": ((LINE.replace("3060", "3070"),), "wrong gpu"),
    "one of two is another card": ((LINE + LINE.replace("3060", "3070"), 0, 2), "wrong gpu"),
    "half the memory": ((LINE.replace("12288", "6144"),), "wrong memory"),
    "memory that nobody rented": ((LINE.replace("12288", "1"), 0, 1, None), ""),
    "memory that the card does not tell": ((LINE.replace("12288 MiB", "[N/A]"),), ""),
    "a driver that does not tell its version": ((LINE.replace("570.133.07", "[N/A]"),), "no driver"),
    "nothing": (("",), "no gpu seen"),
    "words": (("No devices were found\n",), "no gpu seen"),
    "no device": (("No devices were found\n", 6), "no gpu seen"),
    "no driver": (("NVIDIA-SMI has failed\n", 9), "no driver"),
    "no library": (("NVML: Driver/library version mismatch\n", 12), "no driver"),
    "no program": (("bash: nvidia-smi: command not found\n", 127), "no driver"),
    "another end": ((LINE, 255), "exit 255"),
    "a signal": ((LINE, -1), "exit by a signal"),
    "a hostile name": (("\x1b[31m" + "x" * 200 + ", 12288 MiB, 570\n",), "no gpu seen"),
    "memory beyond reason": ((LINE.replace("12288", "9" * 30),), "no gpu seen"),
}


@pytest.mark.parametrize(("given", "told"), ANSWERS.values(), ids=ANSWERS)
def test_answers(given, told):
    assert cause(*given) == told


@pytest.mark.parametrize(("memory", "told"), [(11428, ""), (11427, "wrong memory")])
def test_a_card_may_report_seven_percent_less(memory, told):
    assert Decimal("11427.84") == ENOUGH * 12288
    assert cause(LINE.replace("12288", str(memory))) == told


DRIVERS = {
    "the one that was rented": ("570.133.07", ("570.133.07",), ""),
    "a newer one": ("580.95.05", ("570.133.07",), ""),
    "an older one": ("570.124.06", ("570.133.07",), "wrong driver"),
    "an older one of two parts": ("550.78", ("550.127.05",), "wrong driver"),
    "a newer one of two parts": ("550.142", ("550.127.05",), ""),
    "the same with a zero more": ("550.78", ("550.78.00",), ""),
    "a number, not a text": ("1000.1", ("570.133.07",), ""),
    "as old as one of two rules": ("570.133.07", ("570.133.07", "580"), "wrong driver"),
    "newer than both rules": ("580.95.05", ("580", "570.133.07"), ""),
    "nobody told one": ("300.1", (), ""),
    "what was told is no version": ("300.1", ("beta",), ""),
    "one of two rules is no version": ("300.1", ("beta", "570.133.07"), "wrong driver"),
    "four parts, which cannot be compared": ("31.0.15.3699", ("570.133.07",), ""),
}


@pytest.mark.parametrize(("there", "rented", "told"), DRIVERS.values(), ids=DRIVERS)
def test_a_driver_must_not_be_older_than_it_was_rented_with(there, rented, told):
    assert cause(LINE.replace("570.133.07", there), drivers=rented) == told


def test_of_several_cards_each_has_its_driver_judged():
    assert cause(LINE + LINE.replace("570", "560"), count=2, drivers=("570.133.07",)) == "wrong driver"


def test_no_more_lines_are_read_than_any_machine_has_cards():
    assert len(read_cards(LINE * 100_000)) == 1024
