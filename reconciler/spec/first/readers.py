"""What a setting's value means. Only numbers, known names and ids pass: no text of a file is ever copied as it is."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal

from reconciler.core import gpus, places
from reconciler.core.near import near
from reconciler.diagnostics import Diagnostic
from reconciler.spec.first.setting import Read, Setting, Wrong, entries, one, several
from reconciler.spec.page import diagnose, shown
from reconciler.spec.tree import Node, Route

MEGABYTES_FROM = 1000
"""A card's memory above this is meant in MB: no card has a terabyte."""

_NUMBER = re.compile(r"\$?\s*([0-9]{1,12}(?:\.[0-9]{1,9})?|\.[0-9]{1,9})\s*(%|[a-z/]*)", re.IGNORECASE)
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def number(setting: Setting, units: tuple[str, ...] = (), example: str = "0.50") -> tuple[Decimal, str]:
    """The number of a setting and the unit written behind it."""
    value = setting.node.value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value), ""
    match = _NUMBER.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or match[2].lower() not in ("", *units):
        what = shown(value) if not isinstance(value, dict | tuple) else "several values"
        raise setting.wrong("wrong-type", f"{setting.name} must be a number, not {what}", _number_hint(value, example))
    return Decimal(match[1]), match[2].lower()


def _number_hint(value: object, example: str) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if "$" in text.removeprefix("$") or text.startswith("${"):
        return "nothing is expanded here: write the number itself"
    bare = re.sub(r"^[$€]\s*|\s*[$€]$", "", text)
    if re.fullmatch(r"[0-9]{1,9},[0-9]{1,9}", bare):
        return f"write {bare.replace(',', '.')}"
    return f"write {bare}" if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", bare) else f"for example {example}"


def neat(value: Decimal) -> int | Decimal:
    """The number as a person writes it: 24 for 24.0."""
    return int(value) if value == value.to_integral_value() else value


def price(setting: Setting, route: Route) -> Read:
    """Dollars an hour."""
    value, _ = number(setting, ("/h", "/hr", "/hour", "usd"))
    return one(setting, route, value)


def speed(setting: Setting, route: Route) -> Read:
    """Mbps."""
    return one(setting, route, neat(number(setting, ("mbps", "mbit/s"), "100")[0]))


def count(setting: Setting, route: Route) -> Read:
    """A whole number."""
    value, _ = number(setting, (), "1")
    if value != value.to_integral_value():
        raise setting.wrong("wrong-type", f"{setting.name} must be a whole number, not {value}")
    return one(setting, route, int(value))


def memory(setting: Setting, route: Route) -> Read:
    """GB of one GPU, written in GB or in MB."""
    value, unit = number(setting, ("gb", "gib", "g", "mb", "mib", "m"), "12")
    if not (unit.startswith("m") or (not unit and value > MEGABYTES_FROM)):
        return one(setting, route, neat(value))
    gigabytes = neat((value / 1024).quantize(Decimal("0.1")))
    return one(setting, route, gigabytes, f"{neat(value)} there, which is MB")


def disk(setting: Setting, route: Route) -> Read:
    """Whole GB of disk."""
    value, _ = number(setting, ("gb", "gib", "g"), "50")
    whole = int(value.to_integral_value(ROUND_CEILING))
    return one(setting, route, whole, f"{value} there" if whole != value else "")


def share(setting: Setting, route: Route) -> Read:
    """A share from 0 to 1, or in percent."""
    value, unit = number(setting, ("%",), "0.95")
    if value > 100:
        said = f"{setting.name} must be from 0 to 1, or to 100 in percent, not {neat(value)}"
        raise setting.wrong("out-of-range", said, "for example 0.95")
    if unit != "%" and value <= 1:
        return one(setting, route, value)
    return one(setting, route, value / 100, f"{neat(value)} there, which is percent")


def truth(setting: Setting) -> bool:
    """True or false, in any of the usual words."""
    value = setting.node.value
    word = str(value).strip().lower() if isinstance(value, bool | int | str) else ""
    if word not in (*_TRUE, *_FALSE):
        said = f"{setting.name} must be true or false, not {shown(value) if isinstance(value, str) else 'this'}"
        raise setting.wrong("wrong-type", said, "write true or false")
    return word in _TRUE


def verified(setting: Setting, route: Route) -> Read:
    """Whether only verified hosts will do."""
    if truth(setting):
        return several(setting, route, [Node("verified", setting.node.mark)])
    return several(setting, route, [], "false there, so unverified hosts too")


def rentable(setting: Setting, _route: Route) -> Read:
    """Nothing to write: what cannot be rented is never looked at."""
    said = "" if truth(setting) else "; false there, but nothing else can be rented"
    return Read(remark=f"{setting.origin}: needs no field, only what can be rented now is looked at{said}")


# --- lists ------------------------------------------------------------------------------------------


def cards(setting: Setting, route: Route) -> Read:
    """GPU names in the market's spelling."""
    found: list[Node] = []
    wrong: list[Diagnostic] = []
    for text, mark in entries(setting):
        name = gpus.normalise(text)
        if name in gpus.KNOWN:
            found.append(Node(name, mark))
        else:
            wrong.append(diagnose(mark, "unknown-gpu", f"there is no GPU {shown(text)}", _meant_gpu(name)))
    return _unless(wrong, setting, route, found)


def _meant_gpu(name: str) -> str:
    """What was probably meant: people say `A4000`, `4090` or `H100`, and `RTX3909` where they mean `RTX 3090`."""
    short = re.sub(r"[\W_]+", "", name).lower()
    squeezed = {known.replace(" ", "").lower(): known for known in gpus.KNOWN}
    close = [known for each, known in squeezed.items() if len(short) > 1 and short in each]
    close += [known for each, known in squeezed.items() if sorted(each) == sorted(short)]
    if close:
        return f"did you mean {' or '.join(close[:3])}?"
    if meant := gpus.suggest(name) or squeezed.get(near(short, squeezed) or ""):
        return f"did you mean {meant}?"
    return "write a name of the market such as RTX 4090; one that is new can be put into the spec by hand"


def tiers(setting: Setting, route: Route) -> Read:
    """Places in order of preference, each a tier of its own."""
    found = [_tier(node) for node in _places(setting)]
    return several(setting, route, found) if found else Read()


def blocked(setting: Setting, route: Route) -> Read:
    """Places that are out."""
    found = _places(setting)
    return several(setting, route, found) if found else Read()


def _places(setting: Setting) -> list[Node]:
    found: list[Node] = []
    wrong: list[Diagnostic] = []
    for text, mark in entries(setting):
        if token := places.spelt(text):
            found.append(Node(token, mark))
        else:
            meant = places.suggest(text)
            hint = f"did you mean {meant}?" if meant else "write US-CA, CA-ON, SE or Europe"
            wrong.append(diagnose(mark, "unknown-place", f"there is no place {shown(text)}", hint))
    if wrong:
        raise Wrong(wrong)
    return found


def _tier(node: Node) -> Node:
    name = str(node.value).lower().replace(" ", "-")
    return Node({"name": Node(name, node.mark), "in": Node((node,), node.mark)}, node.mark)


def hosts(setting: Setting, route: Route) -> Read:
    """Ids of hosts."""
    found: list[Node] = []
    wrong: list[Diagnostic] = []
    for text, mark in entries(setting):
        if re.fullmatch(r"[1-9][0-9]{0,14}", text):
            found.append(Node(int(text), mark))
        else:
            wrong.append(diagnose(mark, "wrong-type", f"a host's id is a whole number, not {shown(text)}"))
    return _unless(wrong, setting, route, found)


def _unless(wrong: list[Diagnostic], setting: Setting, route: Route, found: list[Node]) -> Read:
    if wrong:
        raise Wrong(wrong)
    return several(setting, route, found) if found else Read()
