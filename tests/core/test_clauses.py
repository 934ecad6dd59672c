"""The rules of `host.query` against what an offer tells."""

from __future__ import annotations

from decimal import Decimal

import pytest
from builders import offer

from reconciler.core.clauses import holds, refuses, version
from reconciler.core.model import Clause
from reconciler.core.offer import NO_TRAITS
from reconciler.core.query_language import understand

D = Decimal


class Told:
    """An offer that tells one thing of everything."""

    def __init__(self, value: str | Decimal | bool | None) -> None:
        self.value = value

    def of(self, field: str) -> str | Decimal | bool | None:
        return self.value


def clause(text: str) -> Clause:
    (found,) = understand(text).clauses
    return found


# sentence: (clause, what the offer tells, what is said against it)
JUDGED = {
    "enough": ("pcie_bw>=10", D(10), None),
    "too little": ("pcie_bw>=10", D("8.20"), "pcie_bw 8.2"),
    "just not more": ("pcie_bw>10", D(10), "pcie_bw 10"),
    "less": ("pcie_bw<10", D("9.999"), None),
    "not less": ("pcie_bw<10", D(10), "pcie_bw 10"),
    "at most": ("pcie_bw<=10", D(10), None),
    "equal numbers of other form": ("pci_gen=4", D("4.0"), None),
    "unequal numbers": ("pci_gen=4", D("3.0"), "pci_gen 3"),
    "not that number": ("pci_gen!=4", D("4.0"), "pci_gen 4"),
    "one of them": ("pci_gen in [3,4]", D(4), None),
    "none of them": ("pci_gen in [3,4]", D(5), "pci_gen 5"),
    "not one of them": ("pci_gen notin [3,4]", D(5), None),
    "one of the unwanted": ("pci_gen notin [3,4]", D(3), "pci_gen 3"),
    "true": ("fast=true", True, None),
    "not true": ("fast=true", False, "fast false"),
    "a text": ("maker=A_B", "A B", None),
    "another text": ("maker=A_B", "A C", "maker A C"),
    "letters count": ("maker=amd", "AMD", "maker AMD"),
    "a version by number, not by text": ('driver>="99.5"', "580.1", None),
    "an older version": ('driver>="580.95.05"', "550.127.05", "driver 550.127.05"),
    "a version with fewer parts": ('driver="580"', "580.0.0", None),
    "what is no version is not newer": ('driver>="580"', "beta", "driver beta"),
    "a tiny number": ("cost<0.0001", D("0.00048828125"), "cost 0.000488"),
    "unknown": ("pcie_bw>=10", None, "unknown"),
    "unknown is not unequal": ("pcie_bw!=10", None, "unknown"),
    "unknown is not outside a list": ("maker notin [a,b]", None, "unknown"),
    "another kind is not equal": ("pcie_bw=10", "10", "pcie_bw 10"),
    "another kind is not unequal": ("pcie_bw!=10", "x", "pcie_bw x"),
    "another kind is not more": ("pcie_bw>10", "11", "pcie_bw 11"),
    "true is no number": ("pcie_bw>0", True, "pcie_bw true"),
}


@pytest.mark.parametrize(("text", "told", "expected"), JUDGED.values(), ids=JUDGED.keys())
def test_an_offer_is_judged(text, told, expected):
    assert refuses(clause(text), offer(traits=Told(told))) == expected


def test_an_offer_that_tells_nothing_is_refused():
    assert refuses(clause("pcie_bw>=0"), offer(traits=NO_TRAITS)) == "unknown"


def test_what_is_told_is_made_safe():
    assert refuses(clause("maker=a"), offer(traits=Told("\x1b[31m"))) == "maker \\u001b[31m"


OPPOSITES = [("=", "!="), ("<", ">="), (">", "<=")]


@pytest.mark.parametrize(("one", "other"), OPPOSITES)
@pytest.mark.parametrize("value", [D(9), D(10), D(11)])
def test_of_two_opposites_exactly_one_holds(one, other, value):
    assert holds(clause(f"x{one}10"), value) is not holds(clause(f"x{other}10"), value)


@pytest.mark.parametrize("text", ["", "x", "1.", ".1", "1..2", "1.2.3.4", "-1", "1.2b", "\u0661", "1" * 10])
def test_what_is_no_version(text):
    assert version(text) is None
