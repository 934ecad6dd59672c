"""The account's list: complete and sound, or an error."""

from __future__ import annotations

import json

import httpx
import pytest

from reconciler.errors import DoubtfulReading, KeyProblem, ReconcileError, Unreachable
from reconciler.vast.rows import COLUMNS, instance

from .world import CANARY, HTML, START, Script, page, provider_for, raw, row, said


def test_every_page_is_asked_for_with_the_cursor_of_the_one_before():
    rows = [row(number) for number in range(1, 61)]
    script = Script(page(rows[:25], 60, "t1"), page(rows[25:50], 60, "t2+/="), page(rows[50:], 60))
    listing = provider_for(script).instances()
    assert [each.id for each in listing.instances] == list(range(1, 61))
    assert listing.started_at == START
    common = {"limit": "25", "order_by": '[{"col":"id","dir":"asc"}]'}
    further = {**common, "select_cols": json.dumps(COLUMNS, separators=(",", ":"))}
    assert [dict(request.url.params) for request in script.requests] == [
        common,
        {**further, "after_token": "t1"},
        {**further, "after_token": "t2+/="},
    ]
    assert {(request.method, request.url.path) for request in script.requests} == {("GET", "/api/v1/instances/")}
    assert all(request.content == b"" for request in script.requests)


def test_every_column_that_is_read_is_asked_for_and_no_other():
    class Watched(dict[str, object]):
        def get(self, name: str, default: object = None) -> object:
            looked_at.add(name)
            return super().get(name, default)

    looked_at: set[str] = set()
    instance(Watched(row(7, "a", public_ipaddr="10.0.0.1", ssh_host="ssh5.vast.ai", ssh_port=10000)))
    assert looked_at == set(COLUMNS)


@pytest.mark.parametrize("column", ["label", "intended_status", "ports"])
def test_a_column_that_later_pages_do_not_tell_is_asked_for_with_the_whole_row(column):
    ours = {"label": "rc1/x", "intended_status": "running", "ports": {"22/tcp": [{"HostPort": "40022"}]}}
    rows = [{**row(number), **ours, "public_ipaddr": "203.0.113.7"} for number in range(1, 31)]
    lacking = [{**each, column: None} for each in rows[25:]]
    script = Script(page(rows[:25], 30, "t1"), page(lacking, 30), page(rows[25:], 30))
    listing = provider_for(script).instances()
    assert [each.label for each in listing.instances] == ["rc1/x"] * 30
    assert {each.intended for each in listing.instances} == {"running"}
    assert all(each.ssh_direct is not None for each in listing.instances)
    assert ["select_cols" in request.url.params for request in script.requests] == [False, True, False]
    assert [request.url.params.get("after_token") for request in script.requests] == [None, "t1", "t1"]


def test_what_no_row_of_page_one_tells_need_not_be_told_later():
    rows = [row(number) for number in range(1, 31)]
    script = Script(page(rows[:25], 30, "t1"), page(rows[25:], 30))
    assert len(provider_for(script).instances().instances) == 30
    assert len(script.requests) == 2


def test_an_account_without_instances_is_a_complete_list():
    assert provider_for(Script(page([]))).instances().instances == ()


def test_a_list_that_changes_between_pages_is_read_again_from_its_start():
    rows = [row(number) for number in range(1, 28)]
    script = Script(page(rows[:25], 26, "t"), page(rows[25:], 27), page(rows[:25], 27, "t"), page(rows[25:], 27))
    listing = provider_for(script).instances()
    assert len(listing.instances) == 27
    assert listing.started_at > START


def test_a_list_that_keeps_changing_is_doubtful_after_three_readings():
    script = Script(page([row(1)], 2))
    with pytest.raises(DoubtfulReading, match="kept changing"):
        provider_for(script).instances()
    assert len(script.requests) == 3


def _list(**changes: object) -> httpx.Response:
    body = {"success": True, "total_instances": 1, "next_token": None, "instances": [row(7)], **changes}
    return said(200, {name: value for name, value in body.items() if value is not ...})


def _row(**fields: object) -> httpx.Response:
    return _list(instances=[{name: value for name, value in row(**fields).items() if value is not ...}])


DOUBTFUL = {
    "R1 an empty body": raw(200, b""),
    "R1 null": raw(200, b"null"),
    "R1 an empty string": raw(200, b'""'),
    "R1 zero": raw(200, b"0"),
    "R1 true": raw(200, b"true"),
    "R1 an empty list": raw(200, b"[]"),
    "R1 an empty object": raw(200, b"{}"),
    "R1 a bare list of rows": said(200, [row(7)]),
    "R2 no instances": _list(instances=...),
    "R2 instances null": _list(instances=None),
    "R2 instances a string": _list(instances=""),
    "R2 instances an object": _list(instances={"7": row(7)}),
    "R2 a list of null": _list(instances=[None]),
    "R2 a list of strings": _list(instances=["7"]),
    "R3 HTML with 200": HTML,
    "R3 cut JSON": raw(200, b'{"success": true, "instances": ['),
    "R3 two documents": raw(200, b'{"success": true}{"success": true}'),
    "R3 a byte order mark": raw(200, b"\xef\xbb\xbf" + page([]).content),
    "R3 Latin-1": raw(200, page([row(7, "ok")]).content.replace(b"ok", b"\xfc")),
    "R3 UTF-16": raw(200, page([]).content.decode().encode("utf-16-le")),
    "R3 NUL": raw(200, page([]).content + b"\0"),
    "R3 total_instances twice": raw(200, page([]).content[:-1] + b',"total_instances":0}'),
    "R3 a key twice within a row": raw(200, page([row(7)]).content.replace(b'"id":7', b'"id":7,"id":8')),
    "R3 NaN": raw(200, page([row(7)]).content.replace(b'"id":7', b'"id":7,"x":NaN')),
    "R3 Infinity": raw(200, page([row(7)]).content.replace(b'"id":7', b'"id":7,"x":-Infinity')),
    "R3 1e-99999999999999999999": raw(
        200, page([row(7)]).content.replace(b'"id":7', b'"id":7,"x":1e-99999999999999999999')
    ),
    "R3 1e999": raw(200, page([row(7)]).content.replace(b'"id":7', b'"id":7,"x":1e999')),
    "R3 1e999999999999999999999": raw(
        200, page([row(7)]).content.replace(b'"id":7', b'"id":7,"x":1e99999999999999999999')
    ),
    "R3 ten thousand digits": raw(200, page([row(7)]).content.replace(b'"id":7', b'"id":7,"x":' + b"9" * 10_000)),
    "R3 nested a hundred thousand deep": raw(200, b'{"instances":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "R4 more than 16 MiB": raw(200, b" " * (16 * 1024 * 1024) + page([]).content),
    "R5 a redirect to another origin": raw(302, b"", Location="https://example.com/"),
    "R5 a redirect to http": raw(301, b'{"instances":[]}', Location="http://console.vast.ai/api/v1/instances/"),
    "R5 a redirect to itself": raw(308, b"", Location="https://console.vast.ai/api/v1/instances/"),
    "R6 success false": _list(success=False),
    "R6 an error word beside a list": _list(error="deprecated_endpoint"),
    "R6 no word of success": _list(success=...),
    "R6 success as text": _list(success="true"),
    "R6 204": raw(204, b""),
    "R6 206": httpx.Response(206, content=page([]).content),
    "R6 410 deprecated": said(410, {"success": False, "error": "deprecated_endpoint", "msg": "Use /api/v1/instances/"}),
    "R6 200 deprecated": said(200, {"success": False, "error": "deprecated_endpoint"}),
    "R6 the retired empty list": said(200, {"instances": []}),
    "R6 400": said(400, {"success": False, "error": "invalid_token", "msg": "x"}),
    "R6 404 in HTML": raw(404, b"<html>not found</html>"),
    "R8 a token that comes again": page([], 2, "t"),
    "R8 an empty token": page([row(7)], 2, ""),
    "R8 a token that is a number": page([row(7)], 2, 5),
    "R8 a token without rows": page([], 2, "t1"),
    "R8 a total that is missing": _list(total_instances=...),
    "R8 a negative total": _list(total_instances=-1),
    "R8 a total that is a float": _list(total_instances=1.0),
    "R8 a total that is true": _list(total_instances=True),
    "R8 a larger total": _list(total_instances=2),
    "R8 a smaller total": _list(total_instances=0),
    "R8 the count of rows contradicts them": _list(instances_found=3),
    "R9 no id": _row(id=...),
    "R9 an id as text": _row(id="7"),
    "R9 a negative id": _row(id=-7),
    "R9 an id that is true": _row(id=True),
    "R9 an id that is a float": _row(id=7.0),
    "R9 an id twice": page([row(7), row(7)]),
    "R9 a label that is a number": _row(label=5),
    "R9 a label that is a list": _row(label=["a"]),
    "R9 a row without a label": _row(label=...),
}


@pytest.mark.parametrize("answer", DOUBTFUL.values(), ids=DOUBTFUL.keys())
def test_a_list_that_is_not_beyond_doubt_is_no_list(answer):
    with pytest.raises(DoubtfulReading) as caught:
        provider_for(Script(answer)).instances()
    assert "GET /api/v1/instances/" in str(caught.value)
    assert len(str(caught.value)) < 400


SECOND_PAGES = {
    "an empty token, then more": [page([row(1)], 2, ""), page([row(2)], 2)],
    "a page without rows, then the rows": [page([], 1, "a"), page([row(1)], 1)],
}


@pytest.mark.parametrize("steps", SECOND_PAGES.values(), ids=SECOND_PAGES.keys())
def test_a_flaw_of_one_page_is_not_healed_by_the_next(steps):
    with pytest.raises(DoubtfulReading):
        provider_for(Script(*steps)).instances()


def test_pages_that_disagree_about_the_total_are_never_joined():
    script = Script(page([row(1)], 2, "a"), page([row(2)], 5), page([row(1), row(2), row(3)]))
    assert len(provider_for(script).instances().instances) == 3


def test_pages_that_never_end_are_doubtful():
    script = Script(page([row(1)], 9, "a"), page([row(2)], 9, "b"), page([row(3)], 9, "a"), page([row(4)], 9, "b"))
    with pytest.raises(DoubtfulReading, match="end"):
        provider_for(script).instances()


KEY = {
    "a wrong key is a 404": said(404, {"success": False, "error": "auth_error", "msg": "Invalid user key"}),
    "no key is a 403": said(403, {"success": False, "error": "auth_error", "msg": "This action requires login."}),
    "401": said(401, {"success": False, "msg": "Invalid user key"}),
    "a missing scope": said(403, {"success": False, "error": "forbidden", "msg": "no"}),
    "a missing scope without a word": said(403, {"detail": "Forbidden"}),
    "an expired session": said(404, {"success": False, "msg": "Session expired. Please log in again."}),
}


@pytest.mark.parametrize("answer", KEY.values(), ids=KEY.keys())
@pytest.mark.parametrize("method", ["instances", "account", "instance", "destroy"])
def test_an_answer_about_the_key_is_a_key_problem_at_once(answer, method):
    script = Script(answer)
    call = getattr(provider_for(script), method)
    with pytest.raises(KeyProblem) as caught:
        call(*([7] if method in ("instance", "destroy") else []))
    assert len(script.requests) == 1
    assert caught.value.hint


PASSING = {
    "timeout": httpx.ReadTimeout("x"),
    "reset": httpx.ReadError("x"),
    "refused": httpx.ConnectError("x"),
    "500": raw(500, "<html>cloudflare</html>"),
    "502 in JSON": said(502, {"success": False}),
    "429 in text": raw(429, "API requests too frequent"),
    "429 in JSON": said(429, {"success": False, "error": "rate_limit_exceeded", "msg": "threshold=1.0"}),
    "edge 403": raw(403, "<html>403 Forbidden</html>"),
}


@pytest.mark.parametrize("step", PASSING.values(), ids=PASSING.keys())
def test_a_reading_survives_three_passing_failures(step):
    script = Script(step, step, step, page([row(7)]))
    assert [each.id for each in provider_for(script).instances().instances] == [7]


@pytest.mark.parametrize("step", PASSING.values(), ids=PASSING.keys())
def test_a_reading_gives_up_after_four_tries(step):
    script = Script(step)
    with pytest.raises(Unreachable, match=r"GET /api/v1/instances/"):
        provider_for(script).instances()
    assert len(script.requests) == 4


def test_every_exception_of_the_http_library_becomes_one_of_ours():
    kinds = [
        kind
        for kind in vars(httpx).values()
        if isinstance(kind, type) and issubclass(kind, Exception) and kind is not httpx.HTTPStatusError
    ]
    assert len(kinds) > 20
    request = httpx.Request("GET", "https://x/")
    errors = [kind() if kind in (httpx.StreamConsumed, httpx.StreamClosed, httpx.ResponseNotRead, httpx.RequestNotRead)
              else kind("secret") for kind in kinds]  # fmt: skip
    errors.append(httpx.HTTPStatusError("secret", request=request, response=httpx.Response(500)))
    for error in errors:
        with pytest.raises(ReconcileError) as caught:
            provider_for(Script(error)).instances()
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None


def test_the_key_is_in_no_error():
    import traceback

    for step in [*DOUBTFUL.values(), *KEY.values(), said(400, {"error": f"x {CANARY}", "msg": CANARY})]:
        try:
            provider_for(Script(step)).instances()
        except ReconcileError as error:
            text = "".join(traceback.format_exception(error)) + repr(error) + str(error.hint)
            assert CANARY not in text


def test_odd_fields_of_a_row_are_unknown_and_never_stop_the_list():
    odd = row(
        7,
        "x" * 70_000,
        actual_status=5,
        start_date=1_795_000_000_000,
        dph_total="0.5",
        geolocation="\x1b[31mUS",
        status_msg="a\n::error::b‮" + "m" * 1_000_000,
        extra_env={"A": "secret"},
        jupyter_token="secret",
        num_gpus=2.0,
        gpu_ram=-1,
        driver_version=570133007,
        ports=[],
        ssh_host="a b",
        ssh_port=22,
    )
    (found,) = provider_for(Script(page([odd]))).instances().instances
    assert found.label is not None
    assert len(found.label) == 1024
    assert (found.reported, found.started_at, found.price_per_hour, found.vram_mb) == (None, None, None, None)
    assert (found.gpu_count, found.driver, found.ssh_direct, found.ssh_proxy) == (2, None, None, None)
    assert found.location == "\\u001b[31mUS"
    assert found.message is not None
    assert found.message.startswith("a\\u000a::error::b\\u202e")
    assert len(found.message) <= 256
    assert "secret" not in repr(found)


@pytest.mark.parametrize("label", [None, ""])
def test_an_empty_label_is_none(label):
    (found,) = provider_for(Script(page([row(7, label)]))).instances().instances
    assert found.label is None


@pytest.mark.parametrize("label", ["rc1/o/f/0/a/b/c", " rc1 ", "e\u0301", "&amp;", "a\x1b"])
def test_a_label_is_kept_as_it_is(label):
    (found,) = provider_for(Script(page([row(7, label)]))).instances().instances
    assert found.label == label


def test_a_lone_surrogate_in_a_label_can_be_stored():
    body = json.dumps({"success": True, "total_instances": 1, "next_token": None, "instances": [row(7, "\ud800")]})
    (found,) = provider_for(Script(raw(200, body))).instances().instances
    assert found.label == "\\ud800"
