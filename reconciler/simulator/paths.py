"""Every path that the simulator answers."""

from __future__ import annotations

import re
from typing import NamedTuple

from reconciler.simulator import (
    billing,
    catalogue,
    extending,
    finding,
    keys,
    listing,
    managing,
    results,
    templates,
    updating,
    volumes,
)
from reconciler.simulator.incoming import Handler
from reconciler.simulator.renting import rent


class Route(NamedTuple):
    """Method and path, the limiter's name for it, whether it needs a key, and who answers."""

    method: str
    path: re.Pattern[str]
    limit: str
    key: bool
    handler: Handler


def _route(method: str, path: str, limit: str, handler: Handler, key: bool = True) -> Route:
    """Below `/api/v0` unless it names v1. `{id}` stands for a number.

    The last slash may be left out unless the path ends with `!`.
    """
    version = "" if path.startswith("/v1") else "/v0"
    pattern = re.escape(f"/api{version}{path}".removesuffix("!")).replace(r"\{id\}", "([0-9]{1,18})")
    return Route(method, re.compile(pattern if path.endswith("!") else pattern.rstrip("/") + "/?"), limit, key, handler)


ROUTES = (
    _route("POST", "/bundles/", "search", finding.by_body, key=False),
    _route("GET", "/bundles/", "search", finding.by_query, key=False),
    _route("PUT", "/search/asks/", "search", finding.by_asks, key=False),
    _route("GET", "/search/asks/", "search", finding.by_query, key=False),
    _route("PUT", "/asks/{id}/", "create", lambda w, r: rent(w, r.ids[0], r.body)),
    _route("POST", "/asks/bulk/", "bulk create", finding.rent_many),
    _route("PUT", "/launch_instance/", "launch", finding.launch),
    _route("GET", "/v1/instances/", "list", lambda w, r: listing.listing(w, r.query)),
    _route("GET", "/v1/instances/lite/", "lite", lambda w, r: listing.lite(w, r.query)),
    _route("GET", "/instances/!", "list", listing.retired),
    _route("GET", "/instances!", "list", listing.moved),
    _route("GET", "/instances/filters/", "", listing.combinations),
    _route("GET", "/instances/count/", "count", listing.counted),
    _route("GET", "/instances/pending-price-increases/", "", extending.pending),
    _route("PUT", "/instances/accept-price-increase/", "", extending.accept),
    _route("PUT", "/instances/reject-price-increase/", "", extending.reject),
    _route("GET", "/instances/{id}/", "show", lambda w, r: managing.show(w, r.ids[0])),
    _route("PUT", "/instances/{id}/", "manage", lambda w, r: managing.manage(w, r.ids[0], r.body)),
    _route("PUT", "/instances/", "manage", lambda w, r: managing.manage_many(w, r.body)),
    _route("DELETE", "/instances/{id}/", "destroy", lambda w, r: managing.destroy(w, r.ids[0])),
    _route("DELETE", "/instances/", "destroy", lambda w, r: managing.destroy_many(w, r.body)),
    _route("PUT", "/instances/bid_price/{id}/", "bid", lambda w, r: managing.change_bid(w, r.ids[0], r.body)),
    _route("PUT", "/instances/reboot/{id}/", "reboot", lambda w, r: managing.reboot(w, r.ids[0])),
    _route("PUT", "/instances/recycle/{id}/", "recycle", lambda w, r: managing.recycle(w, r.ids[0])),
    _route("PUT", "/instances/request_logs/{id}/", "", results.request_logs),
    _route("PUT", "/instances/command/{id}/", "command", results.command),
    _route("PUT", "/instances/prepay/{id}/", "prepay", billing.prepay),
    _route("PUT", "/instances/update_template/{id}/", "", updating.update_template),
    _route("POST", "/instances/take_snapshot/{id}/", "", updating.take_snapshot),
    _route("GET", "/instances/{id}/ssh/", "", keys.of_instance),
    _route("POST", "/instances/{id}/ssh/", "attach", keys.attached),
    _route("DELETE", "/instances/{id}/ssh/{id}/", "detach", keys.detached),
    _route("GET", "/ssh/", "", keys.listed),
    _route("POST", "/ssh/", "ssh", keys.added),
    _route("PUT", "/ssh/{id}/", "ssh", keys.changed),
    _route("DELETE", "/ssh/{id}/", "", keys.deleted),
    _route("GET", "/users/current/", "", catalogue.user),
    _route("GET", "/template/", "template", templates.search),
    _route("GET", "/charges/", "charges", billing.charges),
    _route("GET", "/v1/invoices/", "invoices", billing.invoices),
    _route("GET", "/volumes/", "volumes", volumes.listed),
    _route("POST", "/volumes/search/", "", volumes.offers),
    _route("PUT", "/volumes/", "volumes", volumes.made),
    _route("DELETE", "/volumes/", "volumes", volumes.deleted),
    _route("GET", "/gpu_names/unique/", "", catalogue.gpu_names, key=False),
    _route("GET", "/gpu_types/", "", catalogue.gpu_types, key=False),
)
"""What the simulator answers, apart from the files of logs; any other path gets the web page."""
