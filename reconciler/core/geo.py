"""Where places are on the globe, how far apart, and what that costs in milliseconds at least.

The positions are rough middles in degrees, one decimal (some 10 km), facts from public sources: for countries the
coordinates that the CIA World Factbook gives (public domain); for US states the mean centres of population of the
2020 census (US Census Bureau, public domain). Machines stand where people live, so Canadian provinces and countries
whose people live at one edge are given by the middle of their people, estimated from their largest cities.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.core.places import Place

Degrees: TypeAlias = tuple[float, float]
"""Latitude (north is positive) and longitude (east is positive)."""

EARTH_RADIUS_KM = 6371.0
"""The mean radius (IUGG)."""
FIBRE_KM_PER_MS = 100.0
"""Light in glass covers about 200,000 km/s; there and back that is 100 km of distance for each millisecond."""
PATH_FACTOR = 1.6
"""How much longer a path of cables and routers is than the great circle. Studies of path inflation find a factor of
1.5 to 2 for fibre between cities (InterTubes, SIGCOMM 2015; Why Is the Internet so Slow?!, PAM 2017); the lower end
fits the long lines that most of a distance is made of."""
LAST_MILE_MS = 5.0
"""What both ends add, however near they are: access lines and routers."""


@dataclass(frozen=True, slots=True)
class Position:
    """A point that stands for a place."""

    degrees: Degrees
    rough: bool
    """True where the place is a whole country of more than a million square kilometres: it may be far from there."""


def distance_km(one: Degrees, other: Degrees) -> float:
    """The great circle between two points, by the haversine formula."""
    (lat1, lon1), (lat2, lon2) = ((math.radians(lat), math.radians(lon)) for lat, lon in (one, other))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(half)))


def estimate_ms(km: float) -> float:
    """The round trip to expect over a great-circle distance, in milliseconds: light in glass, times the detours of
    its path, and the two ends."""
    return km / FIBRE_KM_PER_MS * PATH_FACTOR + LAST_MILE_MS


def where(place: Place) -> Position | None:
    """The point that stands for a place: its state's if that is known, else its country's; None where neither is."""
    if place.country is None:
        return None
    state = _STATES.get(f"{place.country}-{place.region}")
    if state is not None:
        return Position(state, rough=False)
    country = _COUNTRIES.get(place.country)
    return None if country is None else Position(country, rough=place.country in _WIDE)


def _table(text: str) -> Mapping[str, Degrees]:
    words = text.split()
    rows = zip(words[::3], words[1::3], words[2::3], strict=True)
    return {name: (float(latitude), float(longitude)) for name, latitude, longitude in rows}


_STATES = _table("""
    US-AL 33.0 -86.8  US-AK 61.4 -148.9  US-AZ 33.4 -111.9  US-AR 35.1 -92.7  US-CA 35.5 -119.4  US-CO 39.5 -105.2
    US-CT 41.5 -72.9  US-DE 39.4 -75.6  US-DC 38.9 -77.0  US-FL 27.8 -81.6  US-GA 33.4 -83.9  US-HI 21.1 -157.4
    US-ID 44.2 -115.1  US-IL 41.3 -88.4  US-IN 40.2 -86.3  US-IA 42.0 -93.0  US-KS 38.5 -96.5  US-KY 37.8 -85.2
    US-LA 30.7 -91.5  US-ME 44.3 -69.7  US-MD 39.1 -76.8  US-MA 42.3 -71.4  US-MI 42.9 -84.2  US-MN 45.2 -93.6
    US-MS 32.6 -89.6  US-MO 38.4 -92.2  US-MT 46.8 -111.2  US-NE 41.2 -97.4  US-NV 37.2 -116.2  US-NH 43.2 -71.5
    US-NJ 40.4 -74.4  US-NM 34.6 -106.4  US-NY 41.5 -74.6  US-NC 35.6 -79.7  US-ND 47.4 -99.3  US-OH 40.5 -82.7
    US-OK 35.6 -96.8  US-OR 44.7 -122.6  US-PA 40.5 -77.1  US-RI 41.8 -71.4  US-SC 34.0 -81.0  US-SD 44.0 -99.0
    US-TN 35.8 -86.4  US-TX 30.9 -97.4  US-UT 40.4 -111.9  US-VT 44.1 -72.8  US-VA 37.8 -77.8  US-WA 47.3 -121.6
    US-WV 38.8 -80.8  US-WI 43.7 -89.0  US-WY 42.7 -107.0  CA-AB 52.3 -113.8  CA-BC 49.6 -122.6  CA-MB 50.0 -97.3
    CA-NB 46.2 -66.0  CA-NL 48.2 -54.2  CA-NT 62.4 -115.0  CA-NS 45.0 -63.5  CA-NU 65.0 -80.0  CA-ON 44.1 -79.8
    CA-PE 46.3 -63.1  CA-QC 46.0 -72.8  CA-SK 51.4 -106.2  CA-YT 60.9 -135.1
""")
_COUNTRIES = _table("""
    AD 42.5 1.5  AE 24.9 55.0  AF 34.0 67.0  AG 17.1 -61.8  AI 18.2 -63.1  AL 41.0 20.0  AM 40.0 45.0  AO -11.0 15.0
    AQ -75.0 0.0  AR -34.0 -61.5  AS -14.3 -170.7  AT 47.6 14.5  AU -33.5 146.5  AW 12.5 -70.0  AX 60.2 20.0
    AZ 40.5 47.5  BA 44.0 18.0  BB 13.2 -59.5  BD 24.0 90.0  BE 50.8 4.0  BF 13.0 -2.0  BG 43.0 25.0  BH 26.0 50.6
    BI -3.5 30.0  BJ 8.0 2.3  BL 17.9 -62.8  BM 32.3 -64.8  BN 4.5 114.7  BO -17.0 -65.5  BQ 12.2 -68.3
    BR -18.5 -45.5  BS 25.0 -77.4  BT 27.5 90.5  BV -54.4 3.4  BW -23.5 26.0  BY 53.0 28.0  BZ 17.3 -88.8
    CA 46.5 -84.0  CC -12.1 96.8  CD -3.0 22.0  CF 7.0 21.0  CG -2.5 15.0  CH 47.0 8.0  CI 7.0 -5.5  CK -21.2 -159.8
    CL -34.0 -71.0  CM 5.0 11.5  CN 32.8 113.2  CO 5.0 -74.5  CR 10.0 -84.0  CU 22.0 -80.0  CV 15.1 -23.6
    CW 12.2 -69.0  CX -10.5 105.7  CY 35.0 33.0  CZ 49.8 15.5  DE 51.0 9.5  DJ 11.5 43.0  DK 55.7 10.8  DM 15.4 -61.4
    DO 18.8 -70.2  DZ 35.8 3.5  EC -1.5 -79.0  EE 59.0 26.0  EG 30.0 31.2  EH 24.5 -13.5  ER 15.0 39.0  ES 40.0 -3.5
    ET 8.8 39.0  FI 61.5 25.0  FJ -18.0 178.0  FK -51.8 -59.5  FM 6.9 158.2  FO 62.0 -7.0  FR 46.8 2.5  GA -1.0 11.8
    GB 52.8 -1.6  GD 12.1 -61.7  GE 42.0 43.5  GF 4.5 -52.8  GG 49.5 -2.6  GH 7.0 -1.3  GI 36.1 -5.4  GL 65.0 -51.0
    GM 13.5 -15.5  GN 10.5 -11.0  GP 16.2 -61.6  GQ 2.0 10.0  GR 38.8 23.2  GS -54.5 -37.0  GT 15.0 -90.5
    GU 13.5 144.8  GW 12.0 -15.0  GY 6.5 -58.3  HK 22.3 114.2  HM -53.1 73.5  HN 14.8 -87.2  HR 45.3 16.0
    HT 18.8 -72.5  HU 47.2 19.3  ID -6.5 109.0  IE 53.2 -7.2  IL 31.9 34.9  IM 54.2 -4.5  IN 22.0 79.0  IO -7.3 72.4
    IQ 33.0 44.0  IR 34.0 51.5  IS 64.3 -21.5  IT 43.0 12.0  JE 49.2 -2.1  JM 18.0 -76.9  JO 31.7 36.0  JP 35.7 137.9
    KE -0.8 37.0  KG 42.0 74.5  KH 12.0 105.0  KI 1.4 173.0  KM -12.0 44.0  KN 17.3 -62.7  KP 39.3 126.2
    KR 36.8 127.6  KW 29.3 47.8  KY 19.3 -81.3  KZ 47.5 71.5  LA 18.0 103.5  LB 33.9 35.6  LC 13.9 -61.0  LI 47.2 9.5
    LK 7.0 80.5  LR 6.5 -10.2  LS -29.5 28.3  LT 55.3 24.0  LU 49.7 6.2  LV 56.9 24.6  LY 32.0 15.5  MA 33.3 -6.5
    MC 43.7 7.4  MD 47.0 29.0  ME 42.5 19.3  MF 18.1 -63.1  MG -19.5 47.2  MH 7.1 171.2  MK 41.8 21.6  ML 13.5 -6.5
    MM 20.5 96.0  MN 47.7 106.0  MO 22.2 113.5  MP 15.2 145.7  MQ 14.6 -61.0  MR 18.0 -14.5  MS 16.7 -62.2
    MT 35.9 14.4  MU -20.3 57.5  MV 4.2 73.5  MW -14.0 34.3  MX 20.5 -100.5  MY 3.5 102.0  MZ -18.0 36.0
    NA -20.5 17.0  NC -22.2 166.4  NE 13.8 5.5  NF -29.0 168.0  NG 9.0 7.5  NI 12.3 -86.2  NL 52.2 5.2  NO 60.4 9.6
    NP 27.8 85.0  NR -0.5 166.9  NU -19.0 -169.9  NZ -39.5 175.3  OM 23.3 58.0  PA 8.9 -79.8  PE -10.5 -76.5
    PF -17.6 -149.5  PG -6.5 146.0  PH 13.5 121.8  PK 31.0 72.0  PL 52.0 19.5  PM 46.8 -56.3  PN -25.1 -130.1
    PR 18.3 -66.3  PS 31.9 35.0  PT 39.8 -8.6  PW 7.5 134.6  PY -25.3 -57.0  QA 25.3 51.5  RE -21.1 55.5  RO 45.8 25.3
    RS 44.3 20.7  RU 55.8 45.0  RW -2.0 30.0  SA 24.0 44.5  SB -9.0 160.0  SC -4.6 55.5  SD 14.5 32.0  SE 59.0 15.6
    SG 1.4 103.8  SH -16.0 -5.7  SI 46.1 14.8  SJ 78.2 15.6  SK 48.7 19.3  SL 8.5 -12.0  SM 43.9 12.5  SN 14.5 -15.8
    SO 4.0 45.0  SR 5.6 -55.3  SS 7.0 30.5  ST 0.3 6.7  SV 13.8 -88.9  SX 18.0 -63.1  SY 35.0 37.3  SZ -26.5 31.5
    TC 21.8 -72.0  TD 11.0 16.5  TF -49.3 69.5  TG 8.0 1.2  TH 14.8 100.9  TJ 38.7 69.3  TK -9.0 -172.0  TL -8.8 125.8
    TM 38.5 59.5  TN 35.8 10.0  TO -21.1 -175.2  TR 39.3 32.8  TT 10.5 -61.3  TV -8.5 179.2  TW 24.2 120.8
    TZ -5.5 35.5  UA 49.0 32.0  UG 1.0 32.0  UM 19.3 166.6  US 37.4 -92.5  UY -34.3 -56.0  UZ 40.5 67.0  VA 41.9 12.5
    VC 13.2 -61.2  VE 9.8 -67.5  VG 18.4 -64.6  VI 18.3 -64.9  VN 16.0 107.0  VU -16.5 167.5  WF -13.3 -176.2
    WS -13.8 -172.0  XK 42.6 21.0  YE 14.8 45.0  YT -12.8 45.2  ZA -27.8 28.2  ZM -14.0 28.3  ZW -18.8 30.3
""")
_WIDE_TEXT = "AO AQ AR AU BO BR CA CD CN CO DZ EG ET GL ID IN IR KZ LY ML MN MR MX NE PE RU SA SD TD US ZA"
_WIDE = frozenset(_WIDE_TEXT.split())
