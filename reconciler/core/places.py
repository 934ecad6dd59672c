"""Places as a spec names them (`US-CA`, `SE`, `Europe`) and as the market does (`California, US`).

What a host tells of its place is often less than a rule asks for: `, US` names no state. `matches` then says
that it cannot be told, and the caller decides what that means: not eligible before renting, no drift after.
"""

from __future__ import annotations

import re
from functools import lru_cache

from reconciler.core.near import near
from reconciler.values import dataclass

_STATES = {
    "US": """Alabama=AL Alaska=AK Arizona=AZ Arkansas=AR California=CA Colorado=CO Connecticut=CT Delaware=DE
        District of Columbia=DC Florida=FL Georgia=GA Hawaii=HI Idaho=ID Illinois=IL Indiana=IN Iowa=IA Kansas=KS
        Kentucky=KY Louisiana=LA Maine=ME Maryland=MD Massachusetts=MA Michigan=MI Minnesota=MN Mississippi=MS
        Missouri=MO Montana=MT Nebraska=NE Nevada=NV New Hampshire=NH New Jersey=NJ New Mexico=NM New York=NY
        North Carolina=NC North Dakota=ND Ohio=OH Oklahoma=OK Oregon=OR Pennsylvania=PA Rhode Island=RI
        South Carolina=SC South Dakota=SD Tennessee=TN Texas=TX Utah=UT Vermont=VT Virginia=VA Washington=WA
        West Virginia=WV Wisconsin=WI Wyoming=WY""",
    "CA": """Alberta=AB British Columbia=BC Manitoba=MB New Brunswick=NB Newfoundland and Labrador=NL
        Northwest Territories=NT Nova Scotia=NS Nunavut=NU Ontario=ON Prince Edward Island=PE Quebec=QC Québec=QC
        Saskatchewan=SK Yukon=YT""",
}
_CODE_OF = {
    country: {" ".join(name.split()): code for name, code in re.findall(r"([^=]+)=([A-Z]{2})\s*", names)}
    for country, names in _STATES.items()
}
_STATE_CODES = {country: frozenset(names.values()) for country, names in _CODE_OF.items()}

_CONTINENTS = {
    "Africa": """AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW IO KE KM LR LS LY MA MG ML MR MU
        MW MZ NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TF TG TN TZ UG YT ZA ZM ZW""",
    "Antarctica": "AQ BV GS HM",
    "Asia": """AE AF AM AZ BD BH BN BT CC CN CX GE HK ID IL IN IQ IR JO JP KG KH KP KR KW KZ LA LB LK MM MN MO MV MY
        NP OM PH PK PS QA SA SG SY TH TJ TL TM TR TW UZ VN YE""",
    "Europe": """AD AL AT AX BA BE BG BY CH CY CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV MC
        MD ME MK MT NL NO PL PT RO RS RU SE SI SJ SK SM UA VA XK""",
    "North America": """AG AI AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF MQ MS MX NI PA PM
        PR SV SX TC TT US VC VG VI""",
    "Oceania": "AS AU CK FJ FM GU KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TO TV UM VU WF WS",
    "South America": "AR BO BR CL CO EC FK GF GY PE PY SR UY VE",
}
_COUNTRIES = {continent: tuple(codes.split()) for continent, codes in _CONTINENTS.items()}
_CONTINENT_OF = {country: continent for continent, countries in _COUNTRIES.items() for country in countries}
_CONTINENT_BY_LOWER = {continent.lower(): continent for continent in _COUNTRIES}

_SAID = """USA=US United States=US America=US UK=GB United Kingdom=GB England=GB Britain=GB Great Britain=GB EU=Europe
    Canada=CA Mexico=MX Brazil=BR Sweden=SE Norway=NO Finland=FI Denmark=DK Iceland=IS Ireland=IE Netherlands=NL
    The Netherlands=NL Holland=NL
    Belgium=BE Germany=DE France=FR Spain=ES Portugal=PT Italy=IT Switzerland=CH Austria=AT Poland=PL
    Czechia=CZ Czech Republic=CZ Slovakia=SK Hungary=HU Romania=RO Bulgaria=BG Greece=GR Ukraine=UA Russia=RU
    Estonia=EE Latvia=LV Lithuania=LT Turkey=TR Türkiye=TR Israel=IL India=IN China=CN Taiwan=TW Japan=JP
    South Korea=KR Korea=KR Hong Kong=HK Macao=MO Macau=MO Singapore=SG Vietnam=VN Thailand=TH Malaysia=MY Indonesia=ID
    Philippines=PH Puerto Rico=PR Guam=GU Virgin Islands=VI American Samoa=AS
    Australia=AU New Zealand=NZ South Africa=ZA"""
_MEANT = {" ".join(name.split()).lower(): token for name, token in re.findall(r"([^=]+)=(\w+)\s*", _SAID)}
_MEANT.update(
    {name.lower(): f"{country}-{code}" for country, names in _CODE_OF.items() for name, code in names.items()}
)
_MEANT |= {"georgia": "US-GA", "dc": "US-DC", "washington dc": "US-DC", "washington, dc": "US-DC"}
_MEANT.update(_CONTINENT_BY_LOWER)

_TERRITORIES = {"US-PR": "PR", "US-GU": "GU", "US-VI": "VI", "US-AS": "AS", "US-MP": "MP", "CN-HK": "HK", "CN-MO": "MO"}
"""What the market has as countries of their own."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a machine says it stands. None is unknown; `region` is known for US states and Canadian provinces only."""

    country: str | None
    region: str | None


@lru_cache(maxsize=4096)
def parse_location(text: str | None) -> Place:
    """The place in `California, US`, `Sweden, SE`, `, US` or `US`; the code alone decides the country."""
    left, _, right = (text or "").rpartition(",")
    country = right.strip()
    if not re.fullmatch("[A-Z]{2}", country):
        return Place(None, None)
    return Place(country, _CODE_OF.get(country, {}).get(left.strip()))


def _parts(token: str) -> tuple[str, str | None] | None:
    """Country and state of a token, or None where it is a continent or nothing known."""
    country, dash, state = token.partition("-")
    if dash:
        return (country, state) if state in _STATE_CODES.get(country, ()) else None
    return (country, None) if country in _CONTINENT_OF else None


def countries_of(token: str) -> tuple[str, ...]:
    """The country codes a token lies in; none for a token that is not known."""
    parts = _parts(token)
    return (parts[0],) if parts else _COUNTRIES.get(_CONTINENT_BY_LOWER.get(token.lower(), ""), ())


def is_known(token: str) -> bool:
    """True for `US-CA`, `CA-ON`, an ISO country code such as `SE`, and a continent's name in any case."""
    return bool(countries_of(token))


def spelt(token: str) -> str | None:
    """The token that `token` is in other words: `US-CA` for `us_ca` or `California`, `Europe` for `EU`. Nothing is
    guessed."""
    said = _MEANT.get(re.sub(r"[\s_-]+", " ", token.strip().lower()))
    upper = re.sub(r"[\s_]", "-", token.strip().upper())
    return said or (upper if is_known(upper) else None)


def suggest(token: str) -> str | None:
    """The token that was probably meant: that of `spelt`, `PR` for `US-PR`, `Europe` for `Eurpoe`."""
    upper = re.sub(r"[\s_]", "-", token.strip().upper())
    if upper in _TERRITORIES:
        return _TERRITORIES[upper]
    if state := _CODE_OF.get(upper[:2], {}).get(token[3:].strip().title()):
        return f"{upper[:2]}-{state}"
    wanted = near(token.lower(), _MEANT) if len(token) > 3 else None
    return spelt(token) or (_MEANT[wanted] if wanted else None)


def state_of_same_code(token: str) -> str | None:
    """The US state whose code is also that of a country: `California` for `CA`, which is Canada."""
    return next((name for name, code in _CODE_OF["US"].items() if code == token), None) if _parts(token) else None


@lru_cache(maxsize=4096)
def covers(token: str, other: str) -> bool:
    """True where everything in `other` lies in `token`: `US` covers `US-CA`, `Europe` covers `SE`."""
    parts = _parts(token)
    if parts and parts[1]:
        return token == other
    inner = countries_of(other)
    return bool(inner) and set(inner) <= set(countries_of(token))


def matches(token: str, place: Place) -> bool | None:
    """Whether `place` lies in `token`; None where it cannot be told."""
    if place.country is None or not is_known(token):
        return None
    if place.country not in countries_of(token):
        return False if place.country in _CONTINENT_OF or _parts(token) else None
    state = (_parts(token) or ("", None))[1]
    if state is None:
        return True
    return None if place.region is None else place.region == state
