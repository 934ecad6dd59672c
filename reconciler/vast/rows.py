"""A row of the account's list, or the record of a single read -> `Instance`. Both have the same fields (seen)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

from reconciler.core.instance import Endpoint, Instance
from reconciler.core.text import safe
from reconciler.vast.decode import (
    MAX_ID,
    Malformed,
    Record,
    as_record,
    flag,
    identifier,
    known_text,
    moment,
    number,
    whole,
)
from reconciler.vast.ports import SSH, published
from reconciler.vast.setups import setup

COLUMNS = (
    *(
        "id",
        "label",
        "machine_id",
        "host_id",
        "gpu_name",
        "num_gpus",
        "gpu_ram",
        "driver_version",
        "geolocation",
        "disk_space",
    ),
    *(
        "dph_total",
        "storage_total_cost",
        "min_bid",
        "is_bid",
        "image_uuid",
        "template_hash_id",
        "start_date",
        "end_date",
    ),
    *("actual_status", "intended_status", "cur_state", "next_state", "status_msg"),
    *("public_ipaddr", "ports", "ssh_host", "ssh_port", "image_runtype", "extra_env", "onstart", "image_args"),
)
"""Every field of a row that is read, here and in `setups`."""

_MAX_LABEL = 1024
"""Documented limit. Ours are far shorter, so a label cut here is none of ours."""

_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}")
_ZERO, _ONE, _LEAST = Decimal(0), Decimal(1), Decimal("1e-9")
_MOST_MONEY, _MOST_DISK_GB, _MOST_VRAM_MB = Decimal(10**5), Decimal(10**7), Decimal(10**8)


def instance(value: object) -> Instance:
    """The instance of one row. Without an id and a readable label the row, and so its answer, is `Malformed`;
    any other field that is odd is simply not known."""
    row = as_record(value)
    number_of_it = identifier(row.get("id")) if row is not None else None
    if row is None or number_of_it is None:
        raise Malformed("a row has no id")
    endpoints = published(row)
    return Instance(
        id=number_of_it,
        label=_label(row),
        machine_id=whole(row, "machine_id", 1, MAX_ID),
        host_id=whole(row, "host_id", 1, MAX_ID),
        gpu_name=known_text(row, "gpu_name", 64),
        gpu_count=whole(row, "num_gpus", 1, 1024),
        vram_mb=number(row, "gpu_ram", _ONE, _MOST_VRAM_MB),
        driver=known_text(row, "driver_version", 32),
        location=known_text(row, "geolocation", 80),
        price_per_hour=number(row, "dph_total", _LEAST, _MOST_MONEY),
        storage_per_hour=number(row, "storage_total_cost", _ZERO, _MOST_MONEY),
        disk_gb=number(row, "disk_space", _ZERO, _MOST_DISK_GB),
        image=known_text(row, "image_uuid", 1024),
        vast_template=known_text(row, "template_hash_id", 128),
        interruptible=flag(row, "is_bid"),
        reported=known_text(row, "actual_status", 32),
        intended=known_text(row, "intended_status", 32),
        current=known_text(row, "cur_state", 32),
        heading=known_text(row, "next_state", 32),
        message=known_text(row, "status_msg", 256),
        started_at=moment(row, "start_date"),
        ends_at=moment(row, "end_date"),
        ssh_direct=dict(endpoints).get(SSH),
        ssh_proxy=_proxy(row),
        setup=setup(row),
        endpoints=endpoints,
        least_bid=number(row, "min_bid", _ZERO, _MOST_MONEY),
    )


def instances(rows: Iterable[object]) -> list[Instance]:
    """All of them, or `Malformed`."""
    return [instance(row) for row in rows]


def _label(row: Record) -> str | None:
    # A row that does not speak of its label at all is a torn row: taking it for unlabelled would make an instance
    # of ours look like nobody's, and its seat look empty.
    value = row.get("label", 0)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise Malformed("a row has no readable label")
    return value[:_MAX_LABEL].encode("utf-8", "backslashreplace").decode()


def _proxy(row: Record) -> Endpoint | None:
    host, port = row.get("ssh_host"), whole(row, "ssh_port", 1, 65534)
    if not isinstance(host, str) or port is None or not _HOST.fullmatch(host.strip()):
        return None
    # The official client adds one where the instance runs Jupyter.
    runtype = row.get("image_runtype")
    return Endpoint(safe(host), port + (isinstance(runtype, str) and "jupyter" in runtype))
