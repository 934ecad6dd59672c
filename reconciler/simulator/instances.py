"""A contract as the API shows it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.simulator.boots import MESSAGES
from reconciler.simulator.pricing import costs
from reconciler.simulator.rng import token, whole
from reconciler.simulator.templates import template_fields

if TYPE_CHECKING:
    from reconciler.simulator.contracts import Contract
    from reconciler.simulator.machines import Row

_PUBLISHED = re.compile(r"-p\s+(?:\d+:)?(\d+)(/udp|/tcp)?$")
"""A port of the container in the environment's docker form, such as `-p 8000:8000` or `-p 53:53/udp`."""

SSH = "22/tcp"
"""The SSH server's port in a container."""


class Reached(NamedTuple):
    """Where an instance can really be reached on this machine."""

    ports: dict[str, int]
    """By docker name."""
    ssh: int
    """Behind the proxy and behind its own port 22 is the same server."""


def instance(contract: Contract, now: float, seed: object, reached: Reached | None = None) -> Row:
    """The row of the list and of the single read; both show the same. Addresses are invented unless it is reached."""
    at = min(now, contract.failed) if contract.fault == "offline" else now
    status = contract.status(now)
    shown = contract.undisturbed(at)
    running = status == "running" or (contract.fault == "offline" and shown == "running")
    terms = contract.terms
    gpu, disk = contract.gpu_per_hour, contract.disk_per_hour
    memory = terms["gpu_ram"] * terms["num_gpus"]
    return {
        **terms,
        "id": contract.id,
        "label": contract.label,
        "actual_status": status,
        "intended_status": contract.intended,
        "cur_state": contract.current,
        "next_state": contract.current,
        "status_msg": _message(contract, status, at),
        "hosting_type": None,
        "start_date": contract.created,
        "duration": terms["end_date"] - now,
        "uptime_mins": None,
        "time_remaining": "",
        "time_remaining_isbid": "",
        "gpu_totalram": memory,
        "gpu_util": 0.0 if running else None,
        "gpu_temp": 41.0 if running else None,
        "cpu_util": 0.0,
        "mem_limit": round((terms["cpu_ram"] or 0) / 1024, 3) if running else None,
        "mem_usage": 0.5 if running else None,
        "vmem_usage": 0.0 if running else None,
        "disk_space": contract.disk,
        "disk_usage": 0.0009360000258311629 if running else -1,
        "disk_util": 0.0009360000258311629 if running else -1,
        "inet_down_billed": None,
        "inet_up_billed": None,
        "image_uuid": contract.image,
        "image_args": contract.args,
        "image_runtype": contract.runtype,
        "onstart": contract.onstart,
        "extra_env": contract.env,
        "jupyter_token": token(seed, "jupyter", contract.id),
        **template_fields(contract.template),
        **_addresses(contract, running, seed, reached),
        "country_code": None,
        "is_bid": contract.bid is not None,
        "dph_base": gpu,
        "dph_total": gpu + disk,
        "storage_total_cost": disk,
        "vram_costperhour": (gpu + disk) / memory if memory else None,
        "dlperf_per_dphtotal": (terms["dlperf"] or 0) / (gpu + disk) if gpu + disk else None,
        "flops_per_dphtotal": (terms["total_flops"] or 0) / (gpu + disk) if gpu + disk else None,
        "search": costs(gpu, disk),
        "instance": costs(gpu if running and contract.fault is None and contract.current == "running" else 0, disk),
        "credit_balance": None,
        "credit_discount": None,
        "client_run_time": 1.1,
        "host_run_time": 2592000.0,
        "logo": "/static/logos/vastai_small2.png",
        "rentable": False,
        "external": False,
        "webpage": None,
        "volume_info": [],
    }


def _message(contract: Contract, status: str | None, now: float) -> str | None:
    if status is None:
        return None
    if contract.queued:
        return "Attempting to schedule your instance. Your GPU is currently in use.\n"
    if (
        status in ("loading", "created")
        and contract.failure in MESSAGES
        and (status == "created" or now >= contract.runs)
    ):
        return MESSAGES[contract.failure]
    if status == "loading":
        return f"{token('layer', contract.id)[:12]}: Pull complete\n"
    name = (contract.image or f"template {contract.template}").replace(":", "_")
    return f"success, running {name}/{contract.runtype.split('_')[0]}\n"


def _addresses(contract: Contract, running: bool, seed: object, reached: Reached | None) -> Row:
    number = whole(seed, "ssh", contract.id)
    first = 20000 + number % 40000
    ports = _ports(contract, first, reached) if running else {}
    found: dict[str, Any] = {
        "ssh_idx": str(number % 9 + 1),
        "ssh_host": f"ssh{number % 9 + 1}.vast.ai",
        "ssh_port": 10000 + contract.id % 30000,
        "machine_dir_ssh_port": 20000 + contract.machine_id % 25000,
        "public_ipaddr": f"{contract.terms['public_ipaddr']}\n",
        "local_ipaddrs": "10.0.0.4 172.17.0.1 \n",
        "direct_port_start": first if ports else -1,
        "direct_port_end": first + len(ports) - 1 if ports else -1,
    }
    if reached is not None:
        # Clients add one to the proxy's port where the instance runs Jupyter.
        port = reached.ssh - ("jupyter" in contract.runtype)
        found |= {"public_ipaddr": "127.0.0.1\n", "ssh_host": "127.0.0.1", "ssh_port": port}
    if running:
        found["ports"] = ports
    return found


def _ports(contract: Contract, first: int, reached: Reached | None) -> dict[str, list[dict[str, str]]]:
    """Container ports by docker name; the host's ports are text."""
    real = reached.ports if reached is not None else {}
    return {
        name: [{"HostIp": address, "HostPort": str(real.get(name, first + number))} for address in ("0.0.0.0", "::")]
        for number, name in enumerate(published(contract))
    }


def published(contract: Contract) -> list[str]:
    """The ports a container shows by their docker names, only as many as the host has."""
    wanted = [SSH] if "direc" in contract.runtype else []
    if "direc" in contract.runtype and "jupyter" in contract.runtype:
        wanted.append("8080/tcp")
    for name, _ in contract.env:
        if found := _PUBLISHED.match(name):
            wanted.append(f"{found[1]}{found[2] or '/tcp'}")
    return list(dict.fromkeys(wanted))[: contract.terms["direct_port_count"]]
