"""Templates: a few that everybody knows, their search, and what a rental takes from one."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Answer, answer, invalid_request
from reconciler.simulator.conditions import tests

if TYPE_CHECKING:
    from reconciler.simulator.incoming import Request
    from reconciler.simulator.world import World

CREATED = 1730000000.0
"""2024-10-27, when the built-in templates began."""


def _template(number: int, hash_id: str, name: str, image: str, tag: str, used: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number, "hash_id": hash_id, "name": name, "image": image, "tag": tag, "default_tag": tag,
        "creator_id": 62897, "created_at": CREATED + number, "recent_create_date": CREATED + 60_000_000 + number,
        "count_created": used, "private": False, "recommended": True, "recommended_disk_space": 16.0,
        "docker_login_repo": None, "jup_direct": True, "ssh_direct": True, "use_ssh": True, "use_jupyter_lab": False,
        "runtype": "jupyter", "env": "", "onstart": "", "href": "", "repo": "", "desc": name, "readme": "",
        "readme_visible": True, "jupyter_dir": None, "extra_filters": "{}", **more,
    }  # fmt: skip


TEMPLATES = (
    _template(
        220001, "4e17788f74f075dd9aab7d0d4427968f", "PyTorch (Vast)", "vastai/pytorch", "2.8.0-cuda-12.8.1", 912_455,
        env="-p 1111:1111 -p 8080:8080 -e DATA_DIRECTORY=/workspace/", onstart="entrypoint.sh",
    ),
    _template(
        220002, "661d064bbda1f2a133816b6d55da07c3", "PyTorch (cuDNN Devel)", "pytorch/pytorch",
        "2.4.0-cuda12.4-cudnn9-devel", 455_012,
    ),
    _template(
        220003, "305ac3ff18bde5b3b4c1a3a2b7a5b5f0", "NVIDIA CUDA", "vastai/base-image", "cuda-12.8.1-auto", 301_777,
        jup_direct=False, runtype="ssh",
    ),
    _template(
        220004, "9b7d2a1c5e8f4d03b6a90c7e1f2d3a48", "vLLM", "vllm/vllm-openai", "v0.11.0", 88_020,
        jup_direct=False, use_ssh=False, ssh_direct=False, runtype="args", env="-p 8000:8000",
        recommended_disk_space=60.0,
    ),
)  # fmt: skip
"""The hash of the first is the documentation's example; the others' contents are examples too."""


def search(_world: World, request: Request) -> Answer:
    """The templates that match."""
    filters = request.structure("select_filters", {})
    columns = request.structure("select_cols", ["*"])
    for name in filters:
        if name not in TEMPLATES[0]:
            raise invalid_request(f"{name} is not a valid search key")
    checks = [(name, test) for name, condition in filters.items() for test in tests(condition)]
    found = [template for template in TEMPLATES if all(test(template[name]) for name, test in checks)]
    if not found:
        return answer({"success": False, "msg": "No templates found"})
    if "*" not in columns:
        found = [{str(name): template.get(str(name)) for name in columns} for template in found]
    return answer({"success": True, "templates_found": len(found), "templates": found})


def known(hash_id: object) -> dict[str, Any] | None:
    """The built-in template of a hash."""
    return next((template for template in TEMPLATES if template["hash_id"] == hash_id), None)


def template_fields(hash_id: str | None) -> dict[str, Any]:
    """The fields of an instance that name its template."""
    template = known(hash_id) or {}
    return {"template_id": template.get("id"), "template_hash_id": hash_id, "template_name": template.get("name")}


def completed(body: dict[str, Any]) -> dict[str, Any]:
    """A rental's request with what it leaves to its template: what it names itself wins, also within `env`."""
    template = known(body.get("template_hash_id"))
    if template is None:
        return body
    own = {name: value for name, value in body.items() if value is not None}
    env = own.get("env", {})
    merged = {**_flags(template["env"]), **env} if isinstance(env, dict) else env
    image = f"{template['image']}:{template['tag']}"
    return {"image": image, "onstart": template["onstart"] or None, "runtype": _runtype(template), **own, "env": merged}


def _runtype(template: dict[str, Any]) -> str:
    if template["runtype"] == "args":
        return "args"
    ssh = "ssh_direc ssh_proxy" if template["ssh_direct"] else "ssh_proxy"
    return f"jupyter_direc {ssh}" if template["runtype"] == "jupyter" else ssh


def _flags(text: str) -> dict[str, str]:
    """Docker's flags as the object that a request has: `-e A=1 -p 80:80` is `{"A": "1", "-p 80:80": "1"}`."""
    words = iter(shlex.split(text))
    found = {}
    for flag, value in zip(words, words, strict=True):
        name, _, content = value.partition("=")
        found[name if flag == "-e" else f"{flag} {value}"] = content if flag == "-e" else "1"
    return found
