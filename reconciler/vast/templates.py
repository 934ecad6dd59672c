"""Templates: what is asked for, and a row of an answer -> `Template`, by allow-list."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal

from reconciler.core.model import Connect
from reconciler.core.template import Template
from reconciler.core.text import SafeText, safe
from reconciler.vast.answers import Answer, Call, Outcome, doubtful, trusted
from reconciler.vast.client import Wire
from reconciler.vast.decode import MAX_ID, Record, as_record, flag, number, text, whole

PATH = "/api/v0/template/"

USED = 100
"""Templates with so many rentals are looked through for words: the server compares a name as a whole (documented)."""

_COLUMNS = (
    "hash_id", "name", "image", "tag", "creator_id", "count_created", "recommended", "recommended_disk_space",
    "use_ssh", "ssh_direct", "jup_direct",
)  # fmt: skip
"""All that is asked for: a whole row carries a readme, and many of them would be megabytes."""

_HASH = re.compile(r"[0-9A-Za-z]{8,64}")

Filters = Mapping[str, Mapping[str, object]]


def named(name: str) -> Filters:
    """The templates of exactly this name, seldom used ones and one's own too."""
    return {"name": {"eq": name}}


def in_use() -> Filters:
    """The templates that many instances were made from."""
    return {"count_created": {"gte": USED}}


def of_hash(template_hash: str) -> Filters:
    """The one template of a hash."""
    return {"hash_id": {"eq": template_hash}}


def read_templates(wire: Wire, filters: Filters) -> dict[str, Template]:
    """The templates that match, by hash."""
    rows = _rows(_asked(wire, filters))
    return {found.hash: found for found in map(template, rows) if found is not None}


def read_template(wire: Wire, template_hash: str) -> Template | None:
    """The template of a hash; None where the server says that none matches. An answer about others is doubtful."""
    outcome = _asked(wire, of_hash(template_hash))
    rows = _rows(outcome)
    found = next((one for one in map(template, rows) if one is not None and one.hash == template_hash), None)
    if rows and found is None:
        assert isinstance(outcome, Answer)
        raise doubtful(outcome, "it is about other templates")
    return found


def _asked(wire: Wire, filters: Filters) -> Outcome:
    query = {"select_cols": json.dumps(_COLUMNS), "select_filters": json.dumps(filters)}
    return wire.patiently(Call("template", "GET", PATH, query=query))


def _says_none(outcome: Outcome) -> bool:
    """The server's own words for an empty result, which comes as a failure."""
    if not isinstance(outcome, Answer) or outcome.status != 200 or outcome.is_auth or outcome.success is not False:
        return False
    return "no templates found" in outcome.words and not (outcome.body or {}).get("templates")


def _rows(outcome: Outcome) -> list[object]:
    if _says_none(outcome):
        return []
    body = trusted(outcome)
    assert isinstance(outcome, Answer)
    rows, count = body.get("templates"), body.get("templates_found")
    if not isinstance(rows, list):
        raise doubtful(outcome, "it has no list of templates")
    if count is not None and (isinstance(count, bool) or count != len(rows)):
        raise doubtful(outcome, "it contradicts itself about the number of its rows")
    return rows


def template(value: object) -> Template | None:
    """One row, where it has a hash that a spec may name, and a name."""
    row = as_record(value)
    spelt, name = (text(row, "hash_id", 65), text(row, "name", 120)) if row is not None else (None, None)
    if row is None or spelt is None or name is None or not _HASH.fullmatch(spelt):
        return None
    return Template(
        hash=spelt,
        name=name,
        image=_image(row),
        creator=whole(row, "creator_id", 1, MAX_ID),
        connect=_connect(row),
        disk_gb=number(row, "recommended_disk_space", Decimal(0), _MAX_DISK_GB),
        recommended=flag(row, "recommended") is True,
        rentals=whole(row, "count_created", 0, MAX_ID) or 0,
    )


_MAX_DISK_GB = Decimal(10**6)


def _image(row: Record) -> SafeText | None:
    image, tag = text(row, "image", 200), text(row, "tag", 100)
    return safe(f"{image}:{tag}", 302) if image and tag else image


def _connect(row: Record) -> tuple[Connect, ...] | None:
    """The ways in; a template with none of them runs its image's own entry point."""
    ssh, direct, jupyter = flag(row, "use_ssh"), flag(row, "ssh_direct"), flag(row, "jup_direct")
    if ssh is None and jupyter is None:
        return None
    ways: list[Connect] = []
    if ssh:
        ways.append("ssh-direct" if direct else "ssh-proxy")
    if jupyter:
        ways.append("jupyter-direct")
    return tuple(ways) or ("args",)
