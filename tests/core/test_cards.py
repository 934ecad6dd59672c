"""What a driver calls a card, and what the market calls it."""

from __future__ import annotations

import pytest

from reconciler.core.cards import same_card
from reconciler.core.gpus import KNOWN
from reconciler.simulator.drivers import full_name

SAME = {
    "NVIDIA GeForce RTX 3060": "RTX 3060",
    "NVIDIA GeForce RTX 3060 Ti": "RTX 3060 Ti",
    "NVIDIA GeForce RTX 3060 Laptop GPU": "RTX 3060 laptop",
    "NVIDIA GeForce RTX 4070 Ti SUPER": "RTX 4070S Ti",
    "NVIDIA GeForce RTX 4080 SUPER": "RTX 4080S",
    "NVIDIA GeForce RTX 4090 D": "RTX 4090D",
    "NVIDIA GeForce GTX 1660 SUPER": "GTX 1660 S",
    "NVIDIA GeForce GTX 1060 6GB": "GTX 1060",
    "NVIDIA TITAN Xp": "Titan Xp",
    "NVIDIA TITAN V": "Titan V",
    "Quadro RTX 8000": "Q RTX 8000",
    "Quadro K2200": "Quadro K2200",
    "NVIDIA RTX A6000": "RTX A6000",
    "NVIDIA RTX 6000 Ada Generation": "RTX 6000Ada",
    "NVIDIA RTX 4000 SFF Ada Generation": "RTX 4000Ada",
    "NVIDIA RTX PRO 6000 Blackwell Server Edition": "RTX PRO 6000 S",
    "NVIDIA RTX PRO 6000 Blackwell Workstation Edition": "RTX PRO 6000 WS",
    "NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition": "RTX PRO 6000 WS",
    "Tesla V100-SXM2-16GB": "Tesla V100",
    "Tesla P100-PCIE-16GB": "Tesla P100",
    "Tesla T4": "Tesla T4",
    "NVIDIA A10": "A10",
    "NVIDIA A100-SXM4-40GB": "A100 SXM4",
    "NVIDIA A100 80GB PCIe": "A100 PCIE",
    "NVIDIA A100X": "A100X",
    "NVIDIA H100 80GB HBM3": "H100 SXM",
    "NVIDIA H100 NVL": "H100 NVL",
    "NVIDIA H200": "H200",
    "NVIDIA L40S": "L40S",
    "NVIDIA GB200": "GB200",
}


@pytest.mark.parametrize(("driver", "market"), SAME.items(), ids=SAME.values())
def test_one_card_by_both_names(driver, market):
    assert same_card(driver, market)


OTHERS = {
    "a smaller number": ("NVIDIA GeForce RTX 3060", "RTX 3070"),
    "without its Ti": ("NVIDIA GeForce RTX 3080", "RTX 3080 Ti"),
    "without its SUPER": ("NVIDIA GeForce RTX 4080", "RTX 4080S"),
    "Ti, and not SUPER": ("NVIDIA GeForce RTX 4070 Ti", "RTX 4070S Ti"),
    "a laptop's": ("NVIDIA GeForce RTX 3060 Laptop GPU", "RTX 3060"),
    "the export model": ("NVIDIA GeForce RTX 4090 D", "RTX 4090"),
    "Turing for Ada": ("Quadro RTX 6000", "RTX 6000Ada"),
    "Ampere for Ada": ("NVIDIA RTX A6000", "RTX 6000Ada"),
    "Ada for Blackwell": ("NVIDIA RTX 6000 Ada Generation", "RTX PRO 6000 WS"),
    "L40 for L40S": ("NVIDIA L40", "L40S"),
    "A10 for A100": ("NVIDIA A10", "A100 PCIE"),
    "another maker's": ("AMD Instinct MI300X", "H100 SXM"),
    "nothing": ("", "RTX 3060"),
}


@pytest.mark.parametrize(("driver", "market"), OTHERS.values(), ids=OTHERS)
def test_another_card(driver, market):
    assert not same_card(driver, market)


@pytest.mark.parametrize("market", KNOWN)
def test_every_known_card_is_itself_and_no_other_but_its_forms(market):
    """Those that only differ in form or edition are one card to a driver."""
    alike = {each for each in KNOWN if same_card(full_name(market), each)}
    assert market in alike
    assert (
        len({each.split()[0] + each.split()[-2] if len(each.split()) > 2 else each.split()[0] for each in alike}) == 1
    )
