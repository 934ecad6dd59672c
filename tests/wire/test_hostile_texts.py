"""Texts of strangers in every field that is read: none acts upon a terminal, a CI log, a page or a reader of data.

The fields are not listed here. The decoder is asked which fields it reads, so that a new one is tested from its first
day.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any, cast

import builders as b
import pytest
from views import samples

from reconciler.core.fields import spec_hash
from reconciler.core.label import Mark, Seat, write_label
from reconciler.core.report import Ending, Outcome, Report
from reconciler.core.text import safe
from reconciler.spec.load import load
from reconciler.vast.answers import Answer, Call
from reconciler.vast.decode import Malformed, decode
from reconciler.vast.offers import offer
from reconciler.vast.query_fields import FIELDS
from reconciler.vast.rows import instance
from reconciler.vast.templates import template
from reconciler.views.document import dump, error_document, plan_document, status_document
from reconciler.views.ending import ending_lines, machine_report
from reconciler.views.markdown import error_markdown, plan_markdown, status_markdown
from reconciler.views.text import outcome_text, plan_text

from .payloads import FLAWS, PAYLOADS, flaws_of_text
from .stub import TEMPLATE, Seen, Stub, instance_row, offer_row, says
from .world import Shell, fleet

FORMATS = ("text", "json", "markdown")
FEW = [PAYLOADS[name] for name in (
    "CSI that moves up and rewrites", "OSC title of eight bits", "CRLF", "right to left", "half a character",
    "GitHub set-output", "GitHub of old in the middle", "image that tells", "table cells", "many backticks", "mention",
    "JSON specials", "a text of 100,000 escapes",
)]  # fmt: skip
"""One of each kind, for whole runs, which take long."""
BODY = {"disk": 10, "label": None, "image": "ghcr.io/acme/june:1", "template_hash_id": TEMPLATE}
TEMPLATE_ROW = {
    "hash_id": TEMPLATE, "name": "PyTorch", "image": "vastai/pytorch", "tag": "1", "creator_id": 1, "use_ssh": True,
    "ssh_direct": True, "jup_direct": True, "recommended_disk_space": 10, "recommended": True, "count_created": 500,
}  # fmt: skip


class Asked(dict):  # type: ignore[type-arg]
    """A row that remembers which of its fields were asked for."""

    def __init__(self, row: dict[str, Any]) -> None:
        super().__init__(cast("dict[str, Any]", decode(json.dumps(row).encode())))
        self.asked: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        return super().__getitem__(name)


def whole_offer(row: Any) -> Any:
    """An offer with all that `host.query` may ask about it."""
    found = offer(row)
    return found and (found, [found.traits.of(name) for name in FIELDS])


DECODERS: dict[str, tuple[Callable[[Any], Any], dict[str, Any]]] = {
    "instance": (instance, instance_row(9001, offer_row(), BODY)),
    "offer": (whole_offer, offer_row(public_ipaddr="203.0.113.9", gpu_ids=[1], start_date=1795270000.0)),
    "template": (template, TEMPLATE_ROW),
}


def fields_read(kind: str) -> set[str]:
    """Every field that the decoder of a row asks for, whether the row has it or not."""
    decoder, row = DECODERS[kind]
    asked = Asked(row)
    assert decoder(asked) is not None
    without = Asked({name: row[name] for name in row if name not in ("reliability", "inet_down_cost_per_tb")})
    decoder(without)
    return asked.asked | without.asked


EVERYWHERE = [(kind, field) for kind in DECODERS for field in sorted(fields_read(kind))]


def texts_in(value: object) -> Iterator[str]:
    """Every text of a decoded value, however deep."""
    if isinstance(value, str):
        yield value
    elif dataclasses.is_dataclass(value):
        # A label is compared with the grammar and never shown; the runs below prove that of every format. What an
        # instance runs is compared, and written into a spec as quoted YAML; no view knows it.
        names = [each.name for each in dataclasses.fields(value) if each.name not in ("label", "traits", "setup")]
        yield from (text for name in names for text in texts_in(getattr(value, name)))
    elif isinstance(value, Iterable):
        yield from (text for each in value for text in texts_in(each))


def test_there_are_enough_payloads_and_each_of_them_is_one():
    assert len(PAYLOADS) >= 60
    assert len(set(PAYLOADS.values())) == len(PAYLOADS)


def test_the_fields_are_found_by_asking_the_decoder():
    assert {"status_msg", "geolocation", "gpu_name", "image_uuid", "label", "public_ipaddr"} <= fields_read("instance")
    assert {"gpu_name", "geolocation", "driver_version"} <= fields_read("offer")
    assert {known.row for known in FIELDS.values()} <= fields_read("offer")
    assert {"name", "image", "tag"} <= fields_read("template")


@pytest.mark.parametrize(("kind", "field"), EVERYWHERE, ids=[f"{kind}.{field}" for kind, field in EVERYWHERE])
def test_a_payload_in_a_field_is_decoded_to_nothing_or_to_a_harmless_text(kind, field):
    decoder, row = DECODERS[kind]
    for name, payload in PAYLOADS.items():
        # As a text, inside the structures that fields may have, and as the name of something inside.
        for value in (payload, [payload], {payload: payload}, [{"HostIp": payload, "HostPort": payload}]):
            spoiled = decode(json.dumps({**row, field: value}).encode())
            try:
                found = decoder(spoiled)
            except Malformed as error:
                found = str(error)
            for text in texts_in(found):
                assert list(flaws_of_text(text)) == [], name
                assert "\n" not in text
                assert len(text) <= 1100
                text.encode("utf-8")


WORDS = ("error", "msg", "message", "detail")


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
@pytest.mark.parametrize("status", [200, 400, 404, 429, 500])
def test_a_payload_in_the_words_of_an_answer(status, payload):
    for said in [*({word: payload} for word in WORDS), dict.fromkeys(WORDS, payload), {payload: payload}, payload]:
        answer = Answer(Call("rent", "PUT", "/api/v0/asks/501/"), status, json.dumps(said).encode())
        assert list(flaws_of_text(answer.summary)) == []
        assert len(answer.summary) <= 400
    broken = Answer(Call("list", "GET", "/x"), status, payload.encode("utf-8", "surrogatepass"))
    assert list(flaws_of_text(broken.summary + broken.flaw)) == []


# --- through the whole tool -----------------------------------------------------------------------


@pytest.fixture
def quick(stub: Stub, shell: Shell) -> Shell:
    """A shell without the documented gaps between calls, and a fleet with as many seats as there are payloads."""
    shell.env["RECONCILE_PACE"] = "0"
    shell.spec.write_text(fleet(replicas=len(PAYLOADS)), encoding="utf-8")
    return shell


def spoil(row: dict[str, Any], fields: Iterable[str], payload: str) -> dict[str, Any]:
    return {**row, **dict.fromkeys(fields, payload)}


def inhabit(stub: Stub, shell: Shell, fields: list[str]) -> None:
    """An instance of ours, and one of nobody's, for every payload, which stands in `fields`."""
    (declared,) = load([str(shell.spec)]).fleets
    stub.instances.clear()
    for index, payload in enumerate(PAYLOADS.values()):
        mark = Mark(
            "default", Seat("june", index), spec_hash(declared), f"aaaaaa{chr(97 + index // 26)}{chr(97 + index % 26)}"
        )
        ours = instance_row(9001 + index, offer_row(501 + index), {**BODY, "label": write_label(mark)})
        theirs = {**instance_row(9501 + index, offer_row(801 + index), BODY), "label": payload}
        keep = [field for field in fields if field != "label"]
        stub.instances[9001 + index] = spoil(ours, keep, payload)
        stub.instances[9501 + index] = spoil(theirs, [*keep, "label"], payload)


def assert_harmless(ran: Any, shape: str) -> None:
    assert "Traceback" not in ran.said
    assert list(FLAWS[shape](ran.out)) == []
    assert list(flaws_of_text(ran.err)) == []
    ran.said.encode("utf-8")


def texts_of(kind: str) -> list[str]:
    """The fields of a row in which a text arrives at all, and the label."""
    decoder, row = DECODERS[kind]
    numbers = {"id", "machine_id", "host_id", "num_gpus", "dph_base", "storage_cost"}
    found = []
    for field in sorted(fields_read(kind) - numbers):
        read = decoder(decode(json.dumps({**row, field: "zebra"}).encode()))
        if any("zebra" in text for text in texts_in(read)):
            found.append(field)
    return found


INSTANCE_TEXTS = texts_of("instance")
OFFER_TEXTS = texts_of("offer")


@pytest.mark.parametrize("shape", FORMATS)
@pytest.mark.parametrize(
    "fields", [*([each] for each in INSTANCE_TEXTS), INSTANCE_TEXTS], ids=lambda f: "+".join(f)[:40]
)
def test_an_account_full_of_payloads(stub, quick, fields, shape):
    inhabit(stub, quick, fields)
    for command in ("status", "plan") if len(fields) > 1 else ("status",):
        ran = quick.run(command, str(quick.spec), "--format", shape, "--first-run" if command == "plan" else "--quiet")
        assert ran.code in (0, 1, 3, 4, 5), ran.said[:2000]
        assert_harmless(ran, shape)


@pytest.mark.parametrize("shape", FORMATS)
@pytest.mark.parametrize("fields", [*([each] for each in OFFER_TEXTS), OFFER_TEXTS], ids=lambda f: "+".join(f)[:40])
def test_a_market_full_of_payloads(stub, quick, fields, shape):
    quick.spec.write_text(fleet(replicas=3), encoding="utf-8")
    rows = [spoil(offer_row(501 + n), fields, payload) for n, payload in enumerate(PAYLOADS.values())]
    stub.offers = {row["id"]: row for row in [*rows, offer_row(901)]}
    for line in (["offers", "june", str(quick.spec)], ["plan", str(quick.spec), "--first-run"]):
        ran = quick.run(*line, "--format", shape)
        assert ran.code in (0, 1, 3), ran.said[:2000]
        assert_harmless(ran, shape)
    assert_harmless(quick.run("apply", str(quick.spec), "--first-run", "--yes", "--no-wait", "--format", shape), shape)


@pytest.mark.parametrize("shape", ["text", "json"])
@pytest.mark.parametrize("field", texts_of("template"))
def test_templates_full_of_payloads(stub, quick, field, shape):
    rows = [spoil({**TEMPLATE_ROW, "hash_id": f"{n:032x}"}, [field], text) for n, text in enumerate(PAYLOADS.values())]
    answer = says(200, {"success": True, "templates_found": len(rows), "templates": rows})
    stub.always("template", answer)
    for words in ("a", "pytorch"):
        assert_harmless(quick.run("templates", words, "--format", shape), shape)


@pytest.mark.parametrize("shape", FORMATS)
@pytest.mark.parametrize("route", ["account", "list", "search", "rent", "show"])
def test_errors_full_of_payloads(stub, desk, shape, route):
    """Each answer of a route is a refusal with a payload in every word; the ledger remembers none of it raw."""
    for payload in FEW:
        stub.always(route, says(400, {"success": False, **dict.fromkeys(WORDS, payload), "error": f"x {payload}"}))
        assert_harmless(desk.apply(shape=shape), shape)
    if desk.ledger.exists():
        assert b"\x1b[" not in desk.ledger.read_bytes()


@pytest.mark.parametrize("shape", FORMATS)
def test_a_refusal_that_made_an_instance_and_a_destroy_in_doubt(stub, desk, shape):
    def created(payload: str) -> Any:
        def answer(stub: Stub, request: Seen) -> Any:
            made = stub.make(request.number or 0, request.body)
            return says(200, {"success": False, "error": payload, "msg": payload, "new_contract": made})(stub, request)

        return answer

    for number, payload in enumerate(FEW):
        stub.offers[501 + number] = offer_row(501 + number)
        stub.on("rent", created(payload))
        stub.on("destroy", says(400, {"success": False, "error": payload, "msg": payload}))
        assert_harmless(desk.apply(shape=shape), shape)
        stub.instances.clear()
        desk.clock.time += 400


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_the_words_of_an_answer_in_every_view(payload):
    """All payloads at each place of a plan and a report where an answer's words are shown."""
    words = Answer(Call("rent", "PUT", "/x"), 400, json.dumps(dict.fromkeys(WORDS, payload)).encode()).summary
    for text in (words, safe(payload)):
        plan = samples.hostile(text)
        outcomes = [Outcome(kind, b.seat("june/0"), text, 5, Decimal(1)) for kind in ("refused", "doubtful", "skipped")]
        report = Report(plan, Ending.FAILED, b.NOW, tuple(outcomes), (text,), (text,), error=text, hint=text)
        pages = [plan_markdown(plan), status_markdown(plan), machine_report("markdown", report, "apply")]
        assert [flaw for page in [*pages, error_markdown(text, text, ())] for flaw in FLAWS["markdown"](page)] == []
        documents = [plan_document(plan), status_document(plan), error_document(text, text, 1, ())]
        said = [*map(dump, documents), machine_report("json", report, "apply")]
        assert [flaw for document in said for flaw in FLAWS["json"](document)] == []
        lines = [plan_text(plan, None), *map(outcome_text, outcomes), *ending_lines(report)]
        assert [flaw for line in lines for flaw in flaws_of_text(line)] == []
