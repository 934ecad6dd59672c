"""A user's folder with specs, the command line run in it in this process, and the simulated account as it really is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from reconciler.simulator import open_simulation

_STARTED: dict[tuple[tuple[str, bytes], ...], dict[str, bytes]] = {}
EXAMPLES = Path(__file__).parents[2] / "specs"
STATE = Path(".reconcile/simulated.json")
LEDGER = Path(".reconcile/simulated.db")
IMAGE = "ghcr.io/acme/june:1"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one command said and how it left."""

    args: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """All that was said."""
        return f"{self.out}\n{self.err}"

    @property
    def document(self) -> Any:
        """The JSON it printed."""
        return json.loads(self.out)

    def assert_code(self, code: int, *said: str) -> Outcome:
        """It left with `code`, said all of `said`, and showed no traceback."""
        told = f"reconcile {' '.join(self.args)}\nleft with {self.code}\n{self.text}"
        assert self.code == code, told
        assert "Traceback" not in self.text, told
        for part in said:
            assert part in self.text, f"{part!r} is not said\n{told}"
        return self

    def assert_success(self, *said: str) -> Outcome:
        """It left with 0 and said all of `said`."""
        return self.assert_code(0, *said)

    def assert_clear(self, code: int, *said: str) -> Outcome:
        """It left with `code` and one clear line, at most followed by the way on; nothing on stdout."""
        self.assert_code(code, *said)
        lines = [line for line in self.err.splitlines() if line.strip()]
        assert self.out == "", self.text
        assert lines[0].startswith("error: "), self.text
        assert len(lines) == 1 or (len(lines) == 2 and lines[1].startswith("  try: ")), self.text
        return self


@dataclass(frozen=True, slots=True)
class Live:
    """One instance of the simulated account, read from the world itself and not through the tool."""

    id: int
    owner: str
    seat: str
    machine: int
    host: int
    price: Decimal
    status: str | None
    image: str | None
    label: str

    @property
    def fleet(self) -> str:
        return self.seat.partition("/")[0]


class Project:
    """A folder of specs and one simulated world."""

    def __init__(self, path: Path, run: Callable[..., Outcome]) -> None:
        self.path = path
        self.run = run

    # --- what is declared

    def write(self, name: str, text: str) -> Path:
        """A file below the folder."""
        place = self.path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        return place

    def fleet(self, name: str = "june", file: str | None = None, **changes: Any) -> dict[str, Any]:
        """Declare a fleet of cheap cards that the simulated market always has; `price__max_per_hour=1` sets a field,
        None takes it out."""
        spec: dict[str, Any] = {
            "kind": "Fleet",
            "name": name,
            "gpu": {"models": ["RTX 3060", "RTX 3090"]},
            "price": {"max_per_hour": 0.5},
            "container": {"image": IMAGE},
        }
        for path, value in changes.items():
            _set(spec, path.split("__"), value)
        self.write(file or f"specs/{name}.yaml", json.dumps(spec, indent=2))
        return spec

    def policy(self, file: str = "specs/policy.yaml", **changes: Any) -> None:
        """Declare the policy."""
        policy: dict[str, Any] = {"kind": "Policy"}
        for path, value in changes.items():
            _set(policy, path.split("__"), value)
        self.write(file, json.dumps(policy, indent=2))

    def examples(self) -> None:
        """The example specs of the repository."""
        for spec in EXAMPLES.iterdir():
            self.write(f"specs/{spec.name}", spec.read_text(encoding="utf-8"))

    # --- what is done

    def start(self) -> None:
        """The declared fleets, applied and running. Worlds that began alike are shared, which saves the time."""
        declared = tuple((str(file), file.read_bytes()) for file in sorted(Path("specs").rglob("*")) if file.is_file())
        if declared not in _STARTED:
            self.apply().assert_success()
            _STARTED[declared] = self.kept()
        for name, kept in _STARTED[declared].items():
            (self.path / STATE.parent).mkdir(exist_ok=True)
            (self.path / STATE.parent / name).write_bytes(kept)

    def plan(self, *args: str) -> Outcome:
        return self.run("plan", "--simulate", *args)

    def apply(self, *args: str) -> Outcome:
        return self.run("apply", "--simulate", "--yes", *args)

    def status(self, *args: str) -> Outcome:
        return self.run("status", "--simulate", *args)

    def fail(self, *seats: str, how: str = "offline") -> None:
        for seat in seats:
            self.run("simulate", "fail", seat, "--as", how).assert_success()

    def advance(self, span: str) -> None:
        self.run("simulate", "advance", span).assert_success()

    def assert_settled(self, *args: str) -> None:
        """A further plan changes nothing."""
        self.plan("--exit-code", *args).assert_success("No changes")

    # --- what is there

    def live(self, fleet: str | None = None) -> list[Live]:
        """Every instance of the account that carries a label of ours, by seat and id."""
        with open_simulation(self.path / STATE) as simulation:
            found = [_live(row) for row in simulation.instances() if (row["label"] or "").startswith("rc1/")]
        return sorted(
            (one for one in found if fleet is None or one.fleet == fleet), key=lambda one: (one.fleet, one.seat, one.id)
        )

    def ids(self, fleet: str | None = None) -> dict[str, int]:
        """The instance of every seat; two in one seat are an error."""
        rows = self.live(fleet)
        assert len({row.seat for row in rows}) == len(rows), rows
        return {row.seat: row.id for row in rows}

    def assert_all_run(self, fleet: str, replicas: int) -> None:
        """Every seat of the fleet holds exactly one instance, which runs."""
        rows = self.live(fleet)
        assert [row.seat for row in rows] == [f"{fleet}/{index}" for index in range(replicas)], rows
        assert {row.status for row in rows} <= {"running"}, rows

    @property
    def state(self) -> Path:
        return self.path / STATE

    @property
    def ledger(self) -> Path:
        return self.path / LEDGER

    def kept(self) -> dict[str, bytes]:
        """Everything that is remembered and decides anything, byte by byte."""
        folder = self.path / STATE.parent
        return {
            file.name: file.read_bytes() for file in sorted(folder.iterdir()) if file.suffix not in (".lock", ".logs")
        }


def _set(spec: dict[str, Any], path: list[str], value: Any) -> None:
    for step in path[:-1]:
        spec = spec.setdefault(step, {})
    if value is None:
        spec.pop(path[-1], None)
    else:
        spec[path[-1]] = value


def _live(row: dict[str, Any]) -> Live:
    _, owner, fleet, index, *_ = row["label"].split("/")
    return Live(
        id=row["id"],
        owner=owner,
        seat=f"{fleet}/{index}",
        machine=row["machine_id"],
        host=row["host_id"],
        price=Decimal(str(row["dph_total"])),
        status=row["actual_status"],
        image=row["image_uuid"],
        label=row["label"],
    )
