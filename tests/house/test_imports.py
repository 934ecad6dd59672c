"""The house stands: imports go downwards only, the core is pure, and heavy libraries wait until they are needed."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "reconciler"

STOREYS = [
    {"__main__"},
    {"cli"},
    {"watch"},
    {"converge"},
    {"reconcile", "apply", "relabel", "views"},
    {"shopping"},
    {"survey", "rebid"},
    {"eyes"},
    {"spec", "vast", "probe", "ledger", "notify"},
    {"provider", "clock"},
    {"core"},
    {"errors", "diagnostics"},
    {"values"},
    {"__init__"},
]
"""From the roof down. Rooms of one storey do not know each other; `simulator` stands beside the house."""

BESIDE = "simulator"
HEIGHT = {room: -storey for storey, rooms in enumerate(STOREYS) for room in rooms}
HEAVY = {"deepdiff", "jsonschema", "paramiko", "rich"}
OUTSIDE_WORLD = {
    *("asyncio", "http", "httpx", "io", "locale", "logging", "multiprocessing", "os", "pathlib", "random", "secrets"),
    *("select", "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading", "time"),
    *("urllib", "uuid", "warnings"),
}
OUTSIDE_CALLS = {"open", "input", "print", "now", "today", "utcnow"}


@dataclass(frozen=True)
class Import:
    """One imported module, with where and when it is imported."""

    importer: str
    """Dotted, below the package: `vast.client`."""
    line: int
    name: str
    in_function: bool
    only_for_types: bool

    @property
    def importing_room(self) -> str:
        return self.importer.split(".")[0]

    @property
    def library(self) -> str:
        return self.name.split(".")[0]

    @property
    def room(self) -> str | None:
        """The imported room, when it is one of ours."""
        ours, _, rest = self.name.partition(".")
        return (rest.split(".")[0] or "__init__") if ours == PACKAGE.name else None

    @property
    def at_start(self) -> bool:
        """Done as soon as the importer is imported."""
        return not (self.in_function or self.only_for_types)

    def __str__(self) -> str:
        return f"reconciler.{self.importer}:{self.line} imports {self.name}"


def modules() -> dict[str, ast.Module]:
    """Every module by its dotted name below the package; a package goes by its folder's name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return found


def is_folder(module: str) -> bool:
    return (PACKAGE / Path(*module.split("."))).is_dir()


def names_of(node: ast.AST, module: str) -> list[str]:
    """The modules a node imports, absolute; `from reconciler import x` may mean the module x."""
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=source, names=names, level=level):
            base = source or ""
            if level:
                here = ["reconciler", *module.split(".")] + ([""] if is_folder(module) else [])
                base = ".".join([*here[: len(here) - level], *([source] if source else [])])
            return [f"{base}.{alias.name}" for alias in names] if base == "reconciler" else [base]
        case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called), args=[ast.Constant(value=str(name)), *_]):
            return [name] if called in ("import_module", "__import__") else []
        case _:
            return []


def inside(node: ast.AST, module: str, *, in_function: bool = False, only_for_types: bool = False) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        for name in names_of(child, module):
            line = getattr(child, "lineno", 0)
            yield Import(module, line, without_symbol(name), in_function, only_for_types)
        yield from inside(
            child,
            module,
            in_function=in_function or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda),
            only_for_types=only_for_types or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)),
        )


def without_symbol(name: str) -> str:
    """`reconciler.__version__` is a word of the package itself, `reconciler.errors` a module."""
    parts = name.split(".")
    below = PACKAGE.joinpath(*parts[1:2])
    is_module = below.is_dir() or below.with_suffix(".py").is_file()
    return name if parts[0] != "reconciler" or len(parts) == 1 or is_module else "reconciler"


MODULES = modules()
IMPORTS = [found for module, tree in MODULES.items() for found in inside(tree, module)]


def said(wrong: list[Import]) -> str:
    return "\n".join(map(str, wrong))


def test_every_module_belongs_to_a_room():
    assert {name.split(".")[0] for name in MODULES} <= {*HEIGHT, BESIDE}


def test_imports_are_found_at_all():
    assert any(found.importing_room == "provider" and found.room == "core" for found in IMPORTS)
    assert any(found.only_for_types for found in IMPORTS)


def test_imports_go_downwards_only():
    def upwards(found: Import) -> bool:
        here, there = found.importing_room, found.room
        if there in (None, BESIDE, here) or here == BESIDE:
            return False
        if (here, there) == ("errors", "diagnostics") and found.only_for_types:
            return False
        return HEIGHT[there] >= HEIGHT[here]

    wrong = [found for found in IMPORTS if upwards(found)]
    assert not wrong, said(wrong)


def test_the_core_knows_only_the_core_and_errors():
    allowed = {None, "core", "errors", "diagnostics", "values"}
    wrong = [found for found in IMPORTS if found.importing_room == "core" and found.room not in allowed]
    assert not wrong, said(wrong)


def test_the_core_has_no_way_out_into_the_world():
    wrong = [found for found in IMPORTS if found.importing_room == "core" and found.library in OUTSIDE_WORLD]
    assert not wrong, said(wrong)


def test_the_core_needs_no_library_to_be_imported():
    at_home = sys.stdlib_module_names | {"reconciler"}
    core = [found for found in IMPORTS if found.importing_room == "core" and found.at_start]
    wrong = [found for found in core if found.library not in at_home]
    assert not wrong, said(wrong)


@pytest.mark.parametrize("module", [name for name in MODULES if name.split(".")[0] == "core"])
def test_the_core_neither_opens_prints_nor_asks_the_time(module):
    for node in ast.walk(MODULES[module]):
        match node:
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)):
                assert called not in OUTSIDE_CALLS, f"reconciler.{module}:{node.lineno} calls {called}()"


def test_the_simulator_can_disagree_with_our_client():
    """It imports the standard library, httpx and errors, nothing else; asyncssh, an extra, inside functions."""

    def allowed(found: Import) -> bool:
        if found.room is not None:
            return found.room in (BESIDE, "errors")
        if found.library == "asyncssh":
            return not found.at_start
        return found.library == "httpx" or found.library in sys.stdlib_module_names

    wrong = [found for found in IMPORTS if found.importing_room == BESIDE and not allowed(found)]
    assert not wrong, said(wrong)


def test_only_the_command_line_imports_the_simulator_and_only_when_asked():
    users = [found for found in IMPORTS if found.room == BESIDE and found.importing_room != BESIDE]
    wrong = [found for found in users if found.importing_room != "cli" or found.at_start]
    assert not wrong, said(wrong)


def test_heavy_libraries_are_imported_by_the_function_that_needs_them():
    wrong = [found for found in IMPORTS if found.library in HEAVY and found.at_start]
    assert not wrong, said(wrong)


def test_httpx_is_imported_at_start_by_the_rooms_of_the_wire_only():
    users = [found for found in IMPORTS if found.library == "httpx" and found.at_start]
    wrong = [found for found in users if found.importing_room not in ("vast", BESIDE)]
    assert not wrong, said(wrong)
