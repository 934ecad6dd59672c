"""The market's statistics as data: which GPUs, places, prices and hosts Vast.ai has, and how often.

Counted from public recordings of the market (the whole market of 2024-11-05 for the older cards, 257 snapshots of
2026-05 to 2026-08 for the newer ones). Prices are $/h for one GPU at the 10th, 50th and 90th percentile.
"""

from __future__ import annotations

from itertools import accumulate
from typing import NamedTuple


class GpuModel(NamedTuple):
    """One GPU name of the market with what a row says about it."""

    name: str
    weight: float
    """Machines with this GPU, per thousand."""
    vram: int
    """Usable memory of one GPU, MB."""
    compute_cap: int
    bandwidth: float
    """Memory bandwidth of one GPU, GB/s."""
    tflops: float
    dlperf: float
    """Vast's score of deep learning speed, one GPU."""
    watts: float
    low: float
    middle: float
    high: float
    """Prices at the 10th, 50th and 90th percentile, $/h for one GPU."""
    sizes: str = "any"
    """Which table of GPUs per machine applies: any, big or small."""
    datacenter: float = 0.03
    """Share of its machines that stand in datacentres."""


GPUS = (
    GpuModel("RTX 4090", 130, 24564, 890, 921.4, 81.4, 105.9, 450, 0.26, 0.38, 0.62, "many", 0.18),
    GpuModel("RTX 5090", 148, 32607, 1200, 1514.0, 104.8, 170.2, 575, 0.30, 0.44, 0.65, "many", 0.15),
    GpuModel("RTX 3090", 90, 24576, 860, 767.7, 35.27, 43.8, 350, 0.10, 0.15, 0.24),
    GpuModel("RTX 3060", 74, 12288, 860, 313.3, 12.13, 12.3, 170, 0.051, 0.080, 0.147),
    GpuModel("RTX A4000", 49, 16376, 860, 363.5, 20.64, 19.99, 140, 0.067, 0.093, 0.160),
    GpuModel("RTX 3070", 36, 8192, 860, 378.2, 19.78, 16.11, 220, 0.051, 0.081, 0.120),
    GpuModel("A100 SXM4", 42, 81920, 800, 1374.8, 15.59, 128.67, 400, 0.60, 0.86, 1.30, "big", 0.4),
    GpuModel("RTX A5000", 37, 24564, 860, 628.8, 27.53, 21.88, 230, 0.215, 0.231, 0.307, "any", 0.6),
    GpuModel("H100 SXM", 26, 81559, 900, 2158.8, 53.53, 308.47, 700, 1.47, 2.00, 3.80, "big", 0.7),
    GpuModel("RTX 3080", 29, 10240, 860, 631.0, 29.25, 24.96, 320, 0.080, 0.131, 0.30),
    GpuModel("A100 PCIE", 25, 81920, 800, 1361.0, 15.59, 111.49, 300, 0.43, 0.71, 1.15, "any", 0.5),
    GpuModel("RTX A6000", 18, 49140, 860, 623.7, 36.13, 50.22, 300, 0.34, 0.395, 0.46, "any", 0.36),
    GpuModel("RTX A2000", 24, 6138, 860, 243.3, 11.18, 4.9, 70, 0.032, 0.033, 0.133),
    GpuModel("RTX 3060 Ti", 18, 8192, 860, 388.0, 15.74, 13.33, 200, 0.049, 0.080, 0.147),
    GpuModel("L40S", 18, 46068, 890, 690.5, 73.29, 108.22, 350, 0.45, 0.59, 0.90, "any", 0.55),
    GpuModel("RTX 6000Ada", 14, 49140, 890, 785.4, 81.4, 130.82, 300, 0.49, 0.63, 0.70, "any", 0.31),
    GpuModel("RTX 4070", 15, 12282, 890, 453.4, 29.39, 33.32, 200, 0.10, 0.149, 0.167),
    GpuModel("RTX 4070S Ti", 14, 16376, 890, 655.4, 41.97, 41.32, 285, 0.16, 0.200, 0.267),
    GpuModel("RTX 3080 Ti", 15, 12288, 860, 750.1, 34.41, 19.14, 350, 0.093, 0.133, 0.173),
    GpuModel("RTX 4060 Ti", 12, 16380, 890, 246.2, 21.62, 21.95, 165, 0.087, 0.093, 0.133),
    GpuModel("A40", 15, 46068, 860, 527.3, 29.93, 33.48, 300, 0.253, 0.36, 0.50, "any", 0.78),
    GpuModel("B200", 14, 183359, 1000, 6578.0, 72.0, 880.0, 1000, 4.0, 5.2, 8.6, "big", 0.8),
    GpuModel("H200", 13, 143771, 900, 4043.3, 53.53, 464.4, 700, 2.45, 3.7, 4.4, "big", 0.8),
    GpuModel("RTX PRO 6000 WS", 12, 97887, 1200, 1560.0, 117.3, 235.0, 600, 0.72, 0.95, 1.35, "any", 0.2),
    GpuModel("RTX 4080S", 10, 16376, 890, 648.0, 50.87, 72.37, 320, 0.16, 0.24, 0.267),
    GpuModel("RTX 4080", 8, 16376, 890, 648.0, 48.33, 68.44, 320, 0.16, 0.24, 0.320),
    GpuModel("RTX PRO 6000 S", 8, 97887, 1200, 1420.0, 117.3, 220.0, 600, 0.80, 1.05, 1.45, "big", 0.6),
    GpuModel("Tesla V100", 8, 16384, 700, 708.3, 11.3, 16.26, 250, 0.030, 0.127, 0.241),
    GpuModel("RTX 2080 Ti", 9, 11264, 750, 508.6, 14.62, 8.64, 180, 0.060, 0.080, 0.107),
    GpuModel("RTX 3070 Ti", 8, 8192, 860, 509.9, 20.79, 17.38, 310, 0.067, 0.087, 0.187),
    GpuModel("H100 NVL", 7, 95830, 900, 2303.3, 48.25, 311.38, 400, 1.90, 2.50, 3.20, "big", 0.57),
    GpuModel("RTX 3060 laptop", 8, 12288, 860, 293.9, 12.9, 12.72, 80, 0.100, 0.131, 0.30, "small"),
    GpuModel("GTX 1070", 7, 8192, 610, 186.8, 5.87, 2.5, 151, 0.021, 0.060, 0.133, "small"),
    GpuModel("H100 PCIE", 5, 81559, 900, 1484.8, 40.97, 203.8, 350, 1.90, 2.20, 2.60, "any", 0.35),
    GpuModel("RTX 5070 Ti", 6, 16303, 1200, 780.0, 43.9, 70.0, 300, 0.12, 0.17, 0.24),
    GpuModel("RTX 5080", 6, 16303, 1200, 840.0, 56.3, 92.0, 360, 0.17, 0.24, 0.33),
    GpuModel("RTX 3090 Ti", 6, 24564, 860, 819.4, 36.38, 43.08, 430, 0.147, 0.200, 0.320),
    GpuModel("RTX 2070S", 5, 8192, 750, 364.3, 8.87, 3.21, 215, 0.020, 0.073, 0.160, "small"),
    GpuModel("H200 NVL", 5, 143771, 900, 3882.9, 48.25, 445.77, 600, 1.90, 2.40, 3.10, "big", 0.6),
    GpuModel("GTX 1660 S", 5, 6144, 750, 272.8, 3.65, 0.9, 140, 0.019, 0.020, 0.040),
    GpuModel("RTX 4090D", 4, 24564, 890, 921.4, 66.0, 88.0, 425, 0.22, 0.32, 0.45),
    GpuModel("RTX 4070 Ti", 4, 12282, 890, 468.0, 38.15, 34.0, 235, 0.150, 0.173, 0.200),
    GpuModel("RTX 4070S", 4, 12282, 890, 464.2, 35.61, 37.15, 220, 0.100, 0.180, 0.267),
    GpuModel("L40", 4, 46068, 890, 672.0, 72.41, 113.81, 300, 0.45, 0.62, 0.83, "any", 0.5),
    GpuModel("Q RTX 6000", 3, 23040, 750, 456.9, 11.94, 9.09, 250, 0.173, 0.240, 0.267),
    GpuModel("Tesla T4", 3, 15360, 750, 168.9, 6.51, 3.91, 70, 0.093, 0.144, 0.148, "any", 0.3),
    GpuModel("L4", 3, 23034, 890, 254.0, 24.23, 27.48, 72, 0.25, 0.32, 0.45, "any", 0.5),
    GpuModel("Q RTX 8000", 3, 46080, 750, 507.0, 12.4, 11.0, 260, 0.20, 0.27, 0.33),
    GpuModel("RTX 2060", 3, 6144, 750, 266.4, 6.5, 2.46, 184, 0.040, 0.067, 0.120, "small"),
    GpuModel("RTX 2060S", 3, 8192, 750, 367.0, 7.31, 3.88, 175, 0.067, 0.100, 0.149, "small"),
    GpuModel("RTX 5000Ada", 3, 32760, 890, 500.0, 63.59, 106.21, 250, 0.38, 0.46, 0.547),
    GpuModel("GTX 1660 Ti", 3, 6144, 750, 270.7, 5.31, 1.95, 130, 0.020, 0.020, 0.047, "small"),
    GpuModel("GTX 1080 Ti", 3, 11264, 610, 338.6, 11.03, 5.25, 250, 0.040, 0.070, 0.11, "small"),
    GpuModel("RTX 4060", 2, 8188, 890, 244.1, 15.26, 15.23, 115, 0.060, 0.073, 0.10, "small"),
    GpuModel("RTX 4000Ada", 2, 20475, 890, 319.9, 30.52, 25.29, 130, 0.20, 0.28, 0.40),
    GpuModel("A10", 2, 23028, 860, 455.9, 24.99, 28.79, 150, 0.18, 0.25, 0.32, "any", 0.5),
    GpuModel("A30", 2, 24576, 800, 663.0, 8.26, 34.31, 165, 0.25, 0.33, 0.40, "any", 0.5),
    GpuModel("Q RTX 5000", 2, 16384, 750, 354.0, 10.32, 6.89, 230, 0.060, 0.070, 0.12),
    GpuModel("Titan V", 2, 12288, 700, 536.8, 15.66, 21.64, 250, 0.080, 0.107, 0.13, "small"),
    GpuModel("RTX 2080S", 2, 8192, 750, 406.8, 10.32, 5.42, 250, 0.10, 0.133, 0.147, "small"),
    GpuModel("RTX 2070", 2, 8192, 750, 368.6, 7.74, 4.1, 175, 0.06, 0.093, 0.12, "small"),
    GpuModel("GTX 1080", 2, 8192, 610, 221.0, 7.83, 3.23, 180, 0.025, 0.040, 0.08, "small"),
    GpuModel("GTX 1070 Ti", 2, 8192, 610, 189.7, 7.44, 3.16, 180, 0.023, 0.060, 0.10, "small"),
    GpuModel("GTX 1660", 2, 6144, 750, 157.3, 4.87, 2.33, 130, 0.017, 0.020, 0.08, "small"),
    GpuModel("GB200", 1, 189471, 1000, 7000.0, 80.0, 950.0, 1200, 6.5, 8.0, 10.5, "big", 0.9),
    GpuModel("A100X", 1, 81920, 800, 503.8, 15.93, 89.18, 300, 0.70, 0.90, 1.08),
    GpuModel("Tesla P100", 1, 16384, 600, 486.1, 8.49, 6.44, 300, 0.05, 0.08, 0.10),
    GpuModel("GTX 1060", 1, 3072, 610, 137.6, 3.64, 1.1, 120, 0.03, 0.050, 0.067, "small"),
    GpuModel("GTX 1050 Ti", 1, 4096, 610, 93.4, 2.35, 0.78, 75, 0.017, 0.030, 0.04, "small"),
    GpuModel("Titan Xp", 1, 12288, 610, 410.1, 11.74, 5.76, 250, 0.036, 0.05, 0.08, "small"),
)
"""All GPU names of the generated market; spelling as the API's, with blanks."""

GPU_WEIGHTS = {
    True: tuple(accumulate(model.weight * model.datacenter for model in GPUS)),
    False: tuple(accumulate(model.weight * (1 - model.datacenter) for model in GPUS)),
}
"""Cumulative weights of the GPU names, in datacentres and elsewhere."""

DATACENTERS = GPU_WEIGHTS[True][-1] / (GPU_WEIGHTS[True][-1] + GPU_WEIGHTS[False][-1])
"""Share of the hosts that are datacentres: with it each GPU has its own share of machines in them."""

SIZES: dict[str, tuple[tuple[int, ...], tuple[float, ...]]] = {
    "any": (
        (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16),
        tuple(accumulate((165, 140, 32, 100, 34, 48, 10, 126, 6, 20, 4, 14, 3, 1))),
    ),
    "many": (
        (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16),
        tuple(accumulate((45, 24, 3, 30, 17, 13, 8, 56, 6, 6, 1, 12, 2, 1))),
    ),
    "big": ((1, 2, 4, 8), tuple(accumulate((6, 8, 26, 60)))),
    "small": ((1, 2, 3, 4, 6, 8, 12), tuple(accumulate((60, 20, 3, 9, 4, 3, 1)))),
}
"""GPUs of a machine and their cumulative weights, by kind of GPU."""

HALVED = 0.75
"""Share of the machines with two GPUs that rent them one by one, too."""

SPLITS = ((0.58, 0), (0.69, 1), (0.88, 2), (1.0, 3))
"""Machines with more GPUs as (share up to here, smaller sizes that they offer beside the whole)."""

COUNTRIES: tuple[tuple[str, float, int, tuple[str, ...]], ...] = (
    ("US", 340, 433199645, ()),
    ("CA", 75, 513588759, ("Quebec, CA", "Ontario, CA", "British Columbia, CA", "Alberta, CA", ", CA")),
    ("CZ", 55, 1924176688, ("Czechia, CZ", "Blansko District, CZ")),
    ("JP", 50, 57088895, ("Japan, JP",)),
    ("CN", 50, 921675020, (", CN", "Guangxi, CN", "Sichuan, CN", "Guangdong, CN")),
    ("TW", 40, 2068045917, ("Taiwan, TW", "Taichung City, TW")),
    ("GB", 40, 231987552, ("United Kingdom, GB", "England, GB")),
    ("SE", 30, 189478972, ("Sweden, SE",)),
    ("NO", 30, 1365332043, ("Norway, NO", "Viken, NO")),
    ("KR", 28, 296503878, ("South Korea, KR",)),
    ("FR", 25, 1109525496, ("France, FR",)),
    ("ES", 25, 1626687101, ("Spain, ES",)),
    ("PL", 25, 334059079, ("Poland, PL",)),
    ("HU", 20, 1290874311, ("Hungary, HU", "Bács-Kiskun, HU")),
    ("RO", 20, 1196447765, ("Romania, RO",)),
    ("DE", 20, 584345388, ("Germany, DE",)),
    ("IS", 15, 838430027, ("Iceland, IS", "Hafnarfjarðarkaupstaður, IS")),
    ("NL", 15, 1668726180, ("Netherlands, NL", "The Netherlands, NL")),
    ("FI", 12, 835923585, ("Finland, FI",)),
    ("IN", 12, 770864666, ("India, IN", "Maharashtra, IN")),
    ("BG", 12, 701245512, ("Bulgaria, BG", "Sofia-Capital, BG")),
    ("RU", 12, 1796381238, (", RU", "Moscow, RU", "Moscow Oblast, RU", "Krasnodar Krai, RU")),
    ("HK", 8, 779321654, ("Hong Kong, HK",)),
    ("TR", 8, 640118325, ("Türkiye, TR",)),
    ("VN", 8, 1513222104, ("Vietnam, VN",)),
    ("UA", 7, 1190046651, ("Ukraine, UA",)),
    ("IT", 7, 932117820, ("Italy, IT",)),
    ("AU", 7, 1421906077, ("Australia, AU", "Victoria, AU")),
    ("PT", 5, 288317406, ("Portugal, PT",)),
    ("ZA", 5, 1719305548, ("South Africa, ZA",)),
    ("BR", 4, 468203397, ("Brazil, BR",)),
    ("SG", 4, 1100274993, ("Singapore, SG",)),
    ("TH", 4, 1333987602, ("Thailand, TH",)),
    ("AR", 3, 877431250, ("Argentina, AR",)),
    ("AE", 3, 1260083711, ("United Arab Emirates, AE",)),
    ("PR", 2, 344729868, ("Puerto Rico, PR",)),
    ("KZ", 2, 1048277193, ("Kazakhstan, KZ",)),
    ("GE", 2, 559012374, ("Georgia, GE",)),
    ("CH", 2, 1385520471, ("Switzerland, CH",)),
    ("AT", 2, 402918337, ("Austria, AT",)),
    ("BE", 2, 915337042, ("Belgium, BE",)),
    ("DK", 2, 1220456189, ("Denmark, DK",)),
    ("EE", 2, 688014529, ("Estonia, EE",)),
    ("LT", 2, 1077930254, ("Lithuania, LT",)),
    ("SK", 2, 530262918, ("Slovakia, SK",)),
    ("GR", 2, 1460087733, ("Greece, GR",)),
    ("MY", 2, 379905146, ("Malaysia, MY",)),
    ("IL", 1, 1538846201, ("Israel, IL",)),
    ("MX", 1, 824417065, ("Mexico, MX",)),
    ("NZ", 1, 1199350672, ("New Zealand, NZ",)),
    ("ID", 1, 647720918, ("Indonesia, ID",)),
    ("MO", 1, 290164837, ("Macao, MO",)),
)
"""Country code, machines per thousand, geolocode, and the spellings of `geolocation` seen (US: see STATES)."""

COUNTRY_WEIGHTS = tuple(accumulate(weight for _, weight, _, _ in COUNTRIES))

STATES: tuple[tuple[str, float], ...] = (
    ("", 195), ("California", 175), ("Texas", 110), ("Virginia", 75), ("Washington", 70), ("Maryland", 50),
    ("Oregon", 45), ("Minnesota", 40), ("Utah", 35), ("Massachusetts", 30), ("Alabama", 28), ("Georgia", 26),
    ("Pennsylvania", 24), ("Ohio", 22), ("Florida", 22), ("New York", 21), ("Nevada", 20), ("North Carolina", 18),
    ("Delaware", 16), ("Oklahoma", 14), ("Montana", 13), ("Nebraska", 12), ("Michigan", 12), ("Iowa", 11),
    ("Illinois", 10), ("Idaho", 10), ("New Jersey", 10), ("Arizona", 10), ("Indiana", 9), ("Kansas", 8),
    ("South Carolina", 8), ("Tennessee", 7), ("Wisconsin", 7), ("Colorado", 7), ("Hawaii", 5),
    ("District of Columbia", 5), ("Kentucky", 4), ("Missouri", 4), ("Wyoming", 4), ("Vermont", 3), ("Mississippi", 3),
    ("Louisiana", 3), ("Arkansas", 3), ("West Virginia", 2), ("South Dakota", 2), ("Connecticut", 2), ("Alaska", 1),
    ("North Dakota", 1),
)  # fmt: skip
"""US states by frequency; the empty one stands for `, US`, a place known by country only."""

STATE_WEIGHTS = tuple(accumulate(weight for _, weight in STATES))

HOST_SIZES = ((0.56, 1, 1), (0.68, 2, 2), (0.77, 3, 3), (0.84, 4, 4), (0.90, 5, 5), (0.95, 6, 8), (0.99, 9, 20))
"""Machines of a host as (share up to here, least, most): 56 % have one; beyond the last point up to 46."""

VERIFICATIONS = ("verified", "unverified", "deverified")

VERIFICATION_WEIGHTS = tuple(accumulate((60, 20, 20)))

ALIKE = 0.85
"""How often a machine is as its host's others are: in verification; with the same GPU in price and size, too."""

DEMANDED = 0.7
"""How often a machine is as free as its host's others are when the market begins."""

FAVOURITES = 0.7
"""Share of a host's machines that have the GPU it likes best."""

DEVERIFIED_CODES = (2, 4, 8, 10, 12, 32)
"""The hidden verification code: 1 verified, 0 unverified, a mask of reasons when deverified."""

OPEN_SHARES = {
    "verified": ((0.12, 0.0), (0.06, 0.14)),
    "unverified": ((0.51, 0.0), (0.22, 0.56)),
    "deverified": ((0.52, 0.0), (0.22, 0.55)),
}
"""By verification: the shares of machines wholly and partly free, of those rented as a whole only and of the others.

With them 13, 51 and 53 % of the slots are rentable, and six in ten machines with a free ask show the whole.
"""

TURNOVER = {"verified": (0.062, 0.0086), "unverified": (0.030, 0.037), "deverified": (0.029, 0.043)}
"""By verification, an hour: the share of free slots that others take, and of taken ones that come free.

Between snapshots 6 to 10 hours apart 25 % of free slots were taken and 10 % of taken ones came free; the split by
verification keeps each class at its share of free slots.
"""

WHOLE_TAKEN, WHOLE_FREED = 0.45, 0.5
"""How often somebody takes all that is free of a machine, and how often all that is held comes free."""

PACES = ((0.0, 0.05), (0.35, 0.25), (0.6, 0.8), (0.85, 2.0), (1.0, 4.5))
"""How much busier than others a machine is, as (share, factor) points: some ask what nobody pays."""

PRICE_CHANGES = 0.0095
"""Price changes of a machine in an hour (6 % are seen in 6 to 10 hours; small ones get lost in whole cents)."""

PRICE_RETURNS = 0.4
"""Share of the changes of a changed price that go back to the first one."""

RELISTS = 0.2
"""Share of the price changes that list the machine anew, under new ids."""

PRICE_RATIOS = (
    (0.0, 0.4),
    (0.05, 0.71),
    (0.10, 0.82),
    (0.25, 0.93),
    (0.5, 0.995),
    (0.75, 1.08),
    (0.9, 1.23),
    (0.95, 1.44),
    (1.0, 1.9),
)
"""New price over old price when it changes, as (share, ratio) points."""

VERIFYING = {
    "verified": (("deverified", 0.00245),),
    "unverified": (("deverified", 0.00216), ("verified", 0.00136)),
    "deverified": (("verified", 0.00666), ("unverified", 0.00118)),
}
"""What verification turns into, an hour: 3 % of the machines change within 8 hours, mostly to and fro."""

NEW_VERIFICATIONS = tuple(accumulate((54, 39, 7)))
"""Verification of machines that come to the market, cumulative; with the changes above the shares stay."""

ASTRAY = (0.0001, 0.02)
"""An hour: places that lose their region, and such that get it back (306 changes of 5216 machines in 8 weeks)."""

COMING = LEAVING = 0.04
"""Machines that come and go, a day, over all machines."""

RELIABILITY = {
    "verified": (
        (0.0, 0.93),
        (0.05, 0.972),
        (0.25, 0.991),
        (0.5, 0.9966),
        (0.75, 0.9985),
        (0.95, 0.9994),
        (1.0, 0.9997),
    ),
    "unverified": (
        (0.0, 0.60),
        (0.05, 0.942),
        (0.25, 0.970),
        (0.5, 0.990),
        (0.75, 0.997),
        (0.95, 0.999),
        (1.0, 0.9997),
    ),
    "deverified": (
        (0.0, 0.70),
        (0.05, 0.940),
        (0.25, 0.983),
        (0.5, 0.994),
        (0.75, 0.996),
        (0.95, 0.999),
        (1.0, 0.9997),
    ),
}

INET_DOWN = ((0.0, 40.0), (0.05, 180.0), (0.25, 560.0), (0.5, 930.0), (0.75, 2600.0), (0.95, 8600.0), (1.0, 31880.0))

INET_UP_OF_DOWN = ((0.0, 0.08), (0.25, 0.45), (0.5, 0.80), (0.8, 0.98), (1.0, 1.25))

TRAFFIC = ((0.0, 0.0), (0.10, 0.0), (0.25, 0.003), (0.5, 2.0), (0.75, 5.0), (0.93, 15.0), (0.97, 20.0), (1.0, 40.0))
"""Dollars per TB of traffic."""

DISK_PER_GPU = ((0.0, 30.0), (0.05, 75.0), (0.25, 180.0), (0.5, 340.0), (0.75, 620.0), (0.95, 1700.0), (1.0, 6000.0))

DISK_BANDWIDTH = (
    (0.0, 90.0),
    (0.05, 400.0),
    (0.25, 1600.0),
    (0.5, 2900.0),
    (0.75, 5000.0),
    (0.95, 12000.0),
    (1.0, 31610.0),
)

STORAGE_CENTS = ((0.0, 3.0), (0.09, 5.0), (0.45, 11.3), (0.55, 16.0), (0.8, 30.0), (0.91, 50.0), (1.0, 75.0))
"""Host's price of storage in cents per GB and month, beside the 44 % who ask exactly 15."""

DAYS_LEFT = ((0.0, 1.0), (0.05, 9.0), (0.25, 28.0), (0.5, 75.0), (0.75, 140.0), (0.97, 365.0), (1.0, 907.0))

PORTS_PER_GPU = ((0.0, 3.0), (0.05, 15.0), (0.25, 45.0), (0.5, 90.0), (0.75, 200.0), (0.95, 900.0), (1.0, 5000.0))

LARGE = 20_000
"""Memory of a GPU, MB, from which on its machine is a large one."""

RAM_PER_GPU = {
    True: ((0.0, 12e3), (0.05, 26e3), (0.5, 56e3), (0.95, 128e3), (1.0, 250e3)),
    False: ((0.0, 1e3), (0.05, 2.9e3), (0.25, 16e3), (0.5, 30e3), (0.75, 55e3), (0.95, 110e3), (1.0, 250e3)),
}
"""Main memory per GPU, MB, on large machines and on others."""

CORES_PER_GPU = {
    True: ((0.0, 3.0), (0.05, 6.0), (0.5, 16.0), (0.95, 37.0), (1.0, 128.0)),
    False: ((0.0, 0.5), (0.05, 1.5), (0.25, 5.0), (0.5, 10.0), (0.75, 15.0), (0.95, 30.0), (1.0, 64.0)),
}
"""Threads per GPU, on large machines and on others."""

MIN_BID = ((0.0, 0.25), (0.05, 0.33), (0.25, 0.70), (0.5, 0.87), (0.80, 1.0), (1.0, 1.0))
"""Least bid over the on-demand price, where it is not above it."""

CPUS: tuple[tuple[str, int, float], ...] = (
    ("Celeron® G3930 ", 2, 2.9), ("Core™ i3-9100F", 4, 3.6), ("Core™ i7-4790K", 8, 4.0), ("Core™ i5-10400F", 12, 2.9),
    ("AMD Ryzen 5 5600X 6-Core Processor", 12, 3.7), ("AMD EPYC 7252 8-Core Processor", 16, 3.1),
    ("AMD Ryzen 7 5700X 8-Core Processor", 16, 3.4), ("AMD Ryzen 9 5900X 12-Core Processor", 24, 3.7),
    ("AMD EPYC 7282 16-Core Processor", 32, 2.8), ("AMD Ryzen Threadripper PRO 3955WX 16-Cores", 32, 3.9),
    ("Core™ i9-14900K", 32, 3.2), ("AMD Ryzen 9 7950X 16-Core Processor", 32, 4.5), ("Xeon® E5-2650 v4 ", 48, 2.2),
    ("Xeon® E5-2680 v4 ", 56, 2.4), ("Xeon® E5-2690 v4 ", 56, 2.6), ("AMD EPYC 7542 32-Core Processor", 64, 2.9),
    ("Xeon® Gold 6248R", 96, 3.0), ("AMD EPYC 7702 64-Core Processor", 128, 2.0),
    ("AMD EPYC 7B13 64-Core Processor", 128, 2.2), ("AMD EPYC 7742 64-Core Processor", 128, 2.25),
    ("AMD EPYC 9654 96-Core Processor", 192, 2.4), ("Xeon® Platinum 8480+", 224, 2.0),
    ("AMD EPYC 7763 64-Core Processor", 256, 2.45), ("AMD EPYC 9654 96-Core Processor", 384, 2.4),
)  # fmt: skip
"""Name, threads of the machine (those with two sockets count twice) and GHz."""

BOARDS = ("ROME2D32GM", "X99", "H12SSL", "X10DRG", "Pro WS WRX80E", "ROMED8", "MZ32", "B250", "Z790", "H13SSL", None)

DISKS = ("nvme", "Corsair MP600 PRO XT", "QEMU HARDDISK", "", "Samsung SSD 980 1TB", "WD_BLACK SN850X 4000GB")

DRIVERS: tuple[tuple[str, float, int], ...] = (
    ("580.126.09", 13.0, 20), ("535.288.01", 12.2, 21), ("590.48.01", 13.1, 12), ("580.95.05", 13.0, 6),
    ("565.57.01", 12.7, 6), ("570.211.01", 12.8, 17), ("560.35.03", 12.6, 7), ("550.127.05", 12.4, 5),
    ("565.77", 12.7, 11),
)  # fmt: skip
"""Driver version, the newest CUDA it serves, and weight."""

DRIVER_WEIGHTS = tuple(accumulate(weight for _, _, weight in DRIVERS))

SYSTEMS = ("22.04", "24.04", "20.04", "12", None)

SYSTEM_WEIGHTS = tuple(accumulate((720, 190, 78, 5, 7)))

MONTH_ENDS = (30, 61, 92, 120, 151, 181, 212, 242, 273, 304, 334, 365)
"""Days from 2026-10-31 (00:00 UTC of the month's last day) to the month ends after it: contracts cluster there."""
