"""Every fault by name: which calls it can strike, what happens, and what does it. The one list of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from reconciler.simulator import faults_of_effects as effects
from reconciler.simulator import faults_of_reading as reading
from reconciler.simulator import faults_of_the_wire as wire
from reconciler.simulator.faults_of_the_wire import Action, body, saying
from reconciler.simulator.scene import CALLS


class Fault(NamedTuple):
    """One row of the table."""

    calls: tuple[str, ...]
    action: Action
    meaning: str
    """What happens, in a line; the documentation shows the same."""
    settings: Mapping[str, float] = {}
    """What a rule may set besides, and what it is if not set."""


_CHANGES = ("rent", "destroy")
_READS = ("list", "show", "search", "account")
_RENT, _LIST, _SHOW, _DESTROY, _SEARCH = (("rent",), ("list",), ("show",), ("destroy",), ("search",))
_RETRY_AFTER = {"seconds": 0}
"""None, as documented, unless a rule sets it."""

_WIRE = {
    "before": Fault(CALLS, wire.before, "the connection is reset before anything is done"),
    "after": Fault(_CHANGES, wire.after, "it is done; the connection closes without an answer"),
    "late": Fault(
        _CHANGES, wire.late, "no answer; it is done `seconds` after the client's patience of 30 s", {"seconds": 60}
    ),
    "timeout": Fault(CALLS, wire.timeout, "nothing is done, and no answer comes"),
    "slow": Fault(CALLS, wire.slow, "it is done; the answer takes `seconds`", {"seconds": 20}),
    "reset": Fault(CALLS, wire.reset, "it is done; the connection ends in the middle of the answer's body"),
    "server_error": Fault(CALLS, saying(wire.server_error), "`status` 5xx, and nothing is done", {"status": 502}),
    "server_error_after": Fault(
        _CHANGES, saying(wire.server_error, effect=True), "it is done, and `status` 5xx is the answer", {"status": 502}
    ),
    "too_frequent_text": Fault(
        CALLS, saying(wire.frequent_text), "429 as plain text; `seconds` are its `Retry-After`", _RETRY_AFTER
    ),
    "too_frequent_detail": Fault(
        CALLS, saying(wire.frequent_detail), "429 as `{detail}`; `seconds` are its `Retry-After`", _RETRY_AFTER
    ),
    "too_frequent_json": Fault(
        CALLS, saying(wire.frequent_json), "429 with `rate_limit_exceeded`; `seconds` as above", _RETRY_AFTER
    ),
    "too_frequent_text_after": Fault(
        _CHANGES, saying(wire.frequent_text, effect=True), "it is done, and 429 as plain text is the answer"
    ),
    "too_frequent_detail_after": Fault(
        _CHANGES, saying(wire.frequent_detail, effect=True), "it is done, and 429 as `{detail}` is the answer"
    ),
    "too_frequent_json_after": Fault(
        _CHANGES, saying(wire.frequent_json, effect=True), "it is done, and 429 `rate_limit_exceeded` is the answer"
    ),
    "forbidden": Fault(CALLS, saying(wire.forbidden), "403 with a web page, as the edge sends it"),
    "redirect": Fault(CALLS, saying(wire.redirect), "a redirect whose body is an empty list", {"status": 301}),
    "auth": Fault(CALLS, saying(wire.auth), "404 `auth_error`, as for a wrong key"),
    "api_gone": Fault(CALLS, saying(wire.api_gone), "410 `deprecated_endpoint`, as of a retired route"),
    "html": Fault(CALLS, saying(wire.html, effect=True), "it is done; the answer is a web page with status 200"),
    "empty": Fault(CALLS, saying(body(b""), effect=True), "it is done; the answer is 200 without a body"),
    "json_null": Fault(_READS, saying(body(b"null")), "the whole body is `null`"),
    "json_text": Fault(_READS, saying(body(b'""')), 'the whole body is `""`'),
    "json_object": Fault(_READS, saying(body(b"{}")), "the whole body is `{}`"),
    "json_list": Fault(_READS, saying(body(b"[]")), "the whole body is `[]`"),
}

_EFFECTS = {
    "no_such_ask": Fault(
        _RENT, saying(effects.no_such_ask), "`status` 400, 404 or 410: somebody else has the offer", {"status": 404}
    ),
    "bad_args": Fault(_RENT, saying(effects.bad_args), "400 `invalid_args`"),
    "refused_but_created": Fault(
        _RENT, effects.rented(effects.refused_but_created), "rented; the answer is 400 and names the contract"
    ),
    "no_id": Fault(_RENT, effects.rented(effects.no_id), "rented; the answer does not name the contract"),
    "text_id": Fault(_RENT, effects.rented(effects.text_id), "rented; the contract's id is a text"),
    "offer_id": Fault(_RENT, effects.rented(effects.offer_id), "rented; the answer names the offer's id instead"),
    "twice": Fault(_RENT, effects.rented(effects.twice), "rented, and a like offer too, under the same label"),
    "other_price": Fault(_RENT, effects.made(effects.other_price), "rented at one and a half times the offer's price"),
    "other_kind": Fault(
        _RENT, effects.made(effects.other_kind), "rented on demand in place of by a bid, or by the least bid"
    ),
    "label_cut": Fault(_RENT, effects.made(effects.label_cut), "rented; half of the label is lost"),
    "label_dropped": Fault(_RENT, effects.made(effects.label_dropped), "rented; the label is lost"),
    "dies": Fault(_RENT, effects.made(effects.dies), "rented; the container exits at once"),
    "not_found": Fault(_DESTROY, saying(effects.not_found), "404 `no_such_instance`, though there is one"),
    "not_successful": Fault(_DESTROY, saying(effects.not_successful), "200 with `success: false`; nothing is done"),
    "comes_back": Fault(
        _DESTROY, effects.comes_back, "destroyed; after `seconds` it is back, once for each instance", {"seconds": 60}
    ),
    "still_listed": Fault(
        _DESTROY, effects.still_listed, "destroyed; the list goes on showing it for `seconds`", {"seconds": 30}
    ),
}

_READING = {
    "stale": Fault(_LIST, reading.stale, "the account as it was `seconds` ago", {"seconds": 30}),
    "older": Fault(_LIST, reading.older, "as it was `seconds` before the last list was answered", {"seconds": 1}),
    "truncated": Fault(_LIST, reading.changed(reading.truncated), "the second half is missing; the total counts it"),
    "truncated_no_total": Fault(
        _LIST, reading.changed(reading.truncated_no_total), "the second half is missing, and so is the total"
    ),
    "other_account": Fault(_LIST, reading.changed(reading.other_account), "the rows of somebody else"),
    "other_user": Fault(("account",), reading.other_user, "the account of somebody else"),
    "duplicate_ids": Fault(_LIST, reading.changed(reading.duplicate_ids), "the first row comes twice"),
    "token_loop": Fault(_LIST, reading.token_loop, "each page leads back to the first one"),
    "token_invalid": Fault(_LIST, reading.changed(reading.token_invalid), "the cursor leads to 400 `invalid_token`"),
    "count_changed": Fault(_LIST, reading.changed(reading.count_changed), "this page's total is one more than before"),
    "row_without_id": Fault(_LIST, reading.changed(reading.row_without_id), "the first row has no id"),
    "unknown_status": Fault(_LIST, reading.changed(reading.unknown_status), "the first row's status is a new word"),
    "gone_though_alive": Fault(_SHOW, reading.shown(reading.gone_though_alive), "`instances` is null"),
    "alive_though_gone": Fault(_SHOW, reading.stale, "the instance as it was `seconds` ago", {"seconds": 30}),
    "other_row": Fault(_SHOW, reading.shown(reading.other_row), "the row has another id"),
    "no_offers": Fault(_SEARCH, reading.changed(reading.no_offers, "offers"), "no offers"),
    "non_matching": Fault(_SEARCH, reading.non_matching, "offers that were not asked for"),
    "price_nan": Fault(_SEARCH, reading.changed(reading.priced(float("nan")), "offers"), "prices that are NaN"),
    "price_negative": Fault(_SEARCH, reading.changed(reading.priced(-0.1), "offers"), "prices below zero"),
    "no_machine": Fault(_SEARCH, reading.changed(reading.no_machine, "offers"), "offers without `machine_id`"),
    "over_cap": Fault(_SEARCH, reading.changed(reading.over_cap, "offers"), "more than 64 offers"),
    "quota": Fault(_SEARCH, saying(wire.quota), "429 `search_quota_exceeded`"),
}

TABLE: dict[str, Fault] = {**_WIRE, **_EFFECTS, **_READING}
"""Every fault."""
