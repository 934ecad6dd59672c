"""One word, one meaning: how Vast.ai spells its fields is known in two rooms only."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "reconciler"
ROOMS_OF_THE_WIRE = {"vast", "simulator"}
_WIRE = """
    dph_total dph_base dph_total_adj discounted_dph_total min_bid storage_cost storage_total_cost allocated_storage
    inet_down inet_up inet_down_cost inet_up_cost direct_port_count public_ipaddr
    actual_status cur_state next_state intended_status status_msg target_state cancel_unavail
    geolocation reliability2 verification hosting_type machine_dir ask_contract_id bundle_id
    num_gpus gpu_ram gpu_totalram gpu_frac cpu_ram cpu_cores_effective disk_space disk_bw cuda_max_good
    template_hash_id runtype image_uuid image_runtype image_login extra_env new_contract no_such_ask
    next_token instances_found hash_id count_created recommended_disk_space jup_direct use_ssh templates_found
"""
WIRE_NAMES = frozenset(_WIRE.split())
"""Vast.ai's names that are not also plain words of the house (`machine_id`, `host_id` and `gpu_name` are)."""


def sources() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if room(path) not in ROOMS_OF_THE_WIRE)


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0]


def told(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def words(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every identifier and every word of a string, with its line; docstrings and comments are prose."""
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if id(node) in prose and isinstance(node, ast.Constant):
            continue
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Constant(value=str(text)):
                yield from ((line, word) for word in words_of_string(text))
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.alias(name=name):
                yield line, name
            case ast.keyword(arg=str(name)):
                yield line, name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield line, name


def words_of_string(text: str) -> Iterator[str]:
    """In a sentence only names that cannot be English count; alone, every word does."""
    found = re.findall(r"\w+", text)
    yield from (word for word in found if "_" in word or word[-1].isdigit() or len(found) == 1)


@pytest.mark.parametrize("path", sources(), ids=told)
def test_wire_names_stay_in_the_rooms_of_the_wire(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    wrong = [f"{told(path)}:{line}: {word}" for line, word in words(tree) if word in WIRE_NAMES]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", [path for path in sources() if room(path) != "cli"], ids=told)
def test_only_the_command_line_prints(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Name(id="print")):
                pytest.fail(f"{told(path)}:{node.lineno} prints")
