"""A group of instances to the text of a spec that describes them, checked as any other spec is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from unicodedata import is_normalized

from reconciler.core.importing import Group
from reconciler.core.instance import Setup
from reconciler.core.model import Port
from reconciler.core.shapes import looks_secret
from reconciler.core.text import safe
from reconciler.diagnostics import Diagnostic
from reconciler.spec.container_rules import MAX_SCRIPT_BYTES
from reconciler.spec.events import parse
from reconciler.spec.page import Mark, Page, diagnose
from reconciler.spec.rules import check_fleet
from reconciler.spec.schema import check
from reconciler.spec.secrets import is_off_limits

_MOST_IDS = 12
_NOT_NFC = "a spec holds text in Unicode's composed form (NFC), and this is another"


def described_text(group: Group, schema: str, simulate: str = "") -> str:
    """The spec. Values of variables are not known and not needed here: each is read from the environment of apply."""
    return "\n".join([*_head(group, schema, simulate), *_fleet(group), *_container(group), ""])


def wrong_with(text: str, file: str) -> list[Diagnostic]:
    """Every error in a spec that was written here; such a one is not kept."""
    page = Page(file, Path(file), tuple(text.split("\n")))
    documents, problems = parse(page, text)
    if problems:
        return [each for each in problems if each.severity == "error"]
    root = documents[0].root
    findings = [each for each in (*check("fleet", root), *check_fleet(root)) if not each.warning]
    return [diagnose(Mark(page), each.code, each.message, each.suggestion, "error") for each in findings]


def _head(group: Group, schema: str, simulate: str) -> Iterator[str]:
    ids = [str(instance.id) for instance in group.instances]
    more = f" and {len(ids) - _MOST_IDS} more" if len(ids) > _MOST_IDS else ""
    yield f"# yaml-language-server: $schema={safe(schema, 4096)}"
    yield f"# Describes what is there: instance{'s' if len(ids) > 1 else ''} {', '.join(ids[:_MOST_IDS])}{more}."
    yield f"# Take them in before the first apply: reconcile adopt --all{simulate}. Else apply rents as many anew."
    yield "kind: Fleet"
    yield f"name: {_text(group.name)}"
    yield f"replicas: {len(ids)}"


def _fleet(group: Group) -> Iterator[str]:
    yield "gpu:"
    yield f"  models: [{_text(group.likeness.gpu_model)}]"
    if group.likeness.gpu_count != 1:
        yield f"  count: {group.likeness.gpu_count}"
    if group.countries:
        places = ", ".join(map(_text, group.countries))
        yield "regions: # where they stand; a replacement is rented nowhere else"
        yield f"  tiers: [{{name: here, in: [{places}]}}]"
    yield "price:"
    dearest = max(instance.price_per_hour or 0 for instance in group.instances)
    yield f"  max_per_hour: {group.max_per_hour} # the dearest one costs ${dearest:.3f}/h; a tenth more"


def _container(group: Group) -> Iterator[str]:
    likeness, setup = group.likeness, group.likeness.setup
    yield "container:"
    yield f"  image: {_text(likeness.image)}" if likeness.image else f"  vast_template: {_text(likeness.vast_template)}"
    template = next((one.vast_template for one in group.instances if likeness.image and one.vast_template), None)
    if template is not None:
        yield f"  # rented from the template {template}; what it set is written out here"
    yield f"  disk_gb: {likeness.disk_gb}"
    if setup.connect is not None:
        yield f"  connect: {setup.connect}"
    if setup.ports:
        yield f"  ports: [{', '.join(map(_port, setup.ports))}]"
    yield from _env(setup)
    yield from _script(setup.onstart)
    if setup.args and setup.connect == "args":
        yield from _args(setup.args)
    yield from (f"  # not taken over, a spec has no field for it: {safe(name, 64)}" for name in setup.unread)


def _env(setup: Setup) -> Iterator[str]:
    names = setup.env_names or ()
    kept = [name for name in names if not is_off_limits(name)]
    if kept:
        yield "  env: # read from the environment when apply rents; write plain ones out"
        yield from (f"    {_text(name)}: {{from_env: {_text(name)}}}" for name in kept)
    yield from (f"  # not taken over, it must never reach a rented host: {n}" for n in names if n not in kept)


def _script(script: str | None) -> Iterator[str]:
    if script is None:
        return
    if looks_secret(script):
        yield "  # onstart is not taken over: it holds something that looks like a secret"
    elif len(script.encode()) > MAX_SCRIPT_BYTES:
        yield "  # onstart is not taken over: it is longer than a spec may have it"
    elif not is_normalized("NFC", script):
        yield f"  # onstart is not taken over: {_NOT_NFC}"
    elif re.search(r"\A\s|\t|[ ]$", script, re.MULTILINE):
        yield f"  onstart: {json.dumps(script, ensure_ascii=False)}"
    else:
        yield "  onstart: |-"
        yield from (f"    {line}" if line else "" for line in script.split("\n"))


def _args(args: Sequence[str]) -> Iterator[str]:
    if any(looks_secret(each) for each in args):
        yield "  # args are not taken over: one looks like a secret"
    elif not all(is_normalized("NFC", each) for each in args):
        yield f"  # args are not taken over: {_NOT_NFC}"
    else:
        yield f"  args: [{', '.join(json.dumps(each, ensure_ascii=False) for each in args)}]"


def _port(port: Port) -> str:
    return str(port.number) if port.protocol == "tcp" else f'"{port}"'


def _text(value: str | None) -> str:
    """Plain where every reader of YAML takes it for text, else in quotes."""
    plain = re.fullmatch(r"[A-Za-z_](?:[A-Za-z0-9 ._/-]*[A-Za-z0-9_])?", value or "")
    word = (value or "").lower() in ("no", "yes", "on", "off", "true", "false", "null", "none", "y", "n")
    return value if value and plain and not word else json.dumps(value or "", ensure_ascii=False)
