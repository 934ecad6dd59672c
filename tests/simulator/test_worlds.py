from __future__ import annotations

import json
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import Busy, NotSaved, WrongUsage
from reconciler.simulator import open_simulation, reset
from reconciler.simulator.generate import DEFAULT_SEED

from .doors import RECORDINGS, Caller, recording


def lived(path: Path) -> bytes:
    """The state file after the same small life."""
    with open_simulation(path) as simulation:
        caller = Caller(simulation)
        rows = caller.search(verified={}, disk_space={"gte": 20}, order=[["dph_total", "asc"]])
        first = caller.rented(rows[0]["id"], label="one")
        caller.rented(rows[5]["id"], label="two", env={"A": "ä"})
        simulation.advance(5 * 3600)
        caller.search()
        caller.ok("DELETE", f"/api/v0/instances/{first}/", {})
        simulation.save()
    return path.read_bytes()


def test_the_same_requests_give_the_same_world_byte_for_byte(tmp_path: Path) -> None:
    assert lived(tmp_path / "a.json") == lived(tmp_path / "b.json")


def test_a_world_is_the_same_in_another_process(tmp_path: Path) -> None:
    here = lived(tmp_path / "a.json")
    code = "import sys; from pathlib import Path; from simulator.test_worlds import lived; lived(Path(sys.argv[1]))"
    tests = str(Path(__file__).parents[1])
    root = str(Path(__file__).parents[2])
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "b.json")],
        check=True,
        env={"PYTHONPATH": f"{root}:{tests}", "PYTHONHASHSEED": "5"},
    )
    assert (tmp_path / "b.json").read_bytes() == here


def test_a_saved_world_goes_on_as_if_it_had_not_been_closed(tmp_path: Path) -> None:
    lived(tmp_path / "a.json")
    (tmp_path / "b.json").write_bytes((tmp_path / "a.json").read_bytes())

    def goes_on(path: Path, closing: bool) -> tuple[Any, bytes]:
        simulation = open_simulation(path)
        seen = []
        for _ in range(3):
            caller = Caller(simulation)
            seen.append([caller.search(verified={}), caller.listed()])
            simulation.advance(7 * 3600)
            if closing:
                simulation.save()
                simulation.close()
                simulation = open_simulation(path)
        simulation.save()
        simulation.close()
        return seen, path.read_bytes()

    assert goes_on(tmp_path / "a.json", False) == goes_on(tmp_path / "b.json", True)


def test_a_new_world_is_written_by_save_only_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / ".reconcile" / "simulated.json"
    with open_simulation(path) as simulation:
        assert not path.exists()
        simulation.save()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir() if not one.name.endswith(".lock")] == [path.name]
    reset(path)
    assert not path.exists()
    reset(path)


def test_two_commands_cannot_use_one_world_at_once(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    with open_simulation(path) as simulation:
        simulation.save()
        with pytest.raises(Busy):
            open_simulation(path)
        with pytest.raises(Busy):
            reset(path)
        assert path.exists()
    open_simulation(path).close()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"format": "another"}', b"\xff\xfe", b'{"format":"reconcile-simulated-world","version":3}'],
)
def test_a_state_file_that_is_not_ours_is_named_and_left_in_place(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "world.json"
    path.write_bytes(content)
    with pytest.raises(NotSaved, match=r"world\.json") as error:
        open_simulation(path)
    assert error.value.hint
    assert path.read_bytes() == content
    reset(path)
    open_simulation(path).close()


@pytest.mark.parametrize("lacking", ["market", "now", "following_id", "credit", "limits", "contracts", "changes"])
def test_a_state_file_that_lacks_something_is_damaged(tmp_path: Path, lacking: str) -> None:
    path = tmp_path / "world.json"
    saved = json.loads(lived(path))
    for damage in ("remove", "spoil"):
        spoilt = {name: value for name, value in saved.items() if name != lacking}
        if damage == "spoil":
            spoilt[lacking] = ["x"]
        path.write_text(json.dumps(spoilt))
        with pytest.raises(NotSaved, match="damaged"):
            open_simulation(path)


def test_a_state_file_belongs_to_one_market(tmp_path: Path) -> None:
    path = tmp_path / "world.json"
    with open_simulation(path, seed=5) as simulation:
        assert simulation.description == "generated market, seed 5"
        simulation.save()
    open_simulation(path, seed=5).close()
    open_simulation(path).close()
    for other in ({"seed": 6}, {"market": tmp_path / "market.json"}):
        with pytest.raises(WrongUsage) as error:
            open_simulation(path, **other)  # type: ignore[arg-type]
        assert "reconcile simulate reset" in str(error.value.hint)
    with pytest.raises(WrongUsage):
        open_simulation(tmp_path / "other.json", seed=5, market=tmp_path / "market.json")


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b"{}", b"7", b"[1]", b'[{"id": 1}]', b'{"offers_by_model": {"A": 0}}']
)
def test_a_file_that_is_no_market_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "market.json"
    source.write_bytes(content)
    with pytest.raises(NotSaved, match=r"market\.json") as error:
        open_simulation(tmp_path / "world.json", market=source)
    assert "\n" not in str(error.value)
    open_simulation(tmp_path / "world.json").close()


def test_a_market_file_that_does_not_exist_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match=r"none\.json"):
        open_simulation(tmp_path / "world.json", market=tmp_path / "none.json")


@pytest.mark.recorded
@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recorded_world_begins_at_the_recordings_time_and_stays_still(tmp_path: Path, name: str) -> None:
    path = tmp_path / "world.json"
    with open_simulation(path, market=recording(name)) as simulation:
        assert simulation.description == f"recorded market {name}"
        begun = time.strftime("%Y-%m-%d", time.gmtime(simulation.clock.now()))
        assert begun in name
        caller = Caller(simulation)
        before = {row["id"] for row in caller.everything(verified={}, duration={"gte": 20 * 86400})}
        rented = next(iter(before))
        caller.rented(rented, disk=8)
        simulation.advance(86400)
        after = {row["id"] for row in caller.everything(verified={}, duration={"gte": 19 * 86400})}
        assert rented not in after
        assert len(before - after) <= 8
        simulation.save()
    with open_simulation(path) as simulation:
        assert simulation.description == f"recorded market {name}"
        assert len(simulation.instances()) == 1


def test_the_market_is_still_for_minutes_and_moves_with_the_hours(tmp_path: Path) -> None:
    with open_simulation(tmp_path / "world.json") as simulation:
        caller = Caller(simulation)

        def slots() -> dict[int, float]:
            return {row["id"]: row["dph_base"] for row in caller.everything(verified={})}

        before = slots()
        simulation.advance(600)
        assert slots() == before
        simulation.advance(8 * 3600)
        after = slots()
        kept = before.keys() & after.keys()
        assert 0.6 < len(kept) / len(before) < 0.9
        assert any(before[one] != after[one] for one in kept)
        simulation.advance(10 * 86400)
        assert 0.7 < len(slots()) / len(before) < 1.3


def test_opening_and_saving_the_default_world_is_quick(tmp_path: Path) -> None:
    lived(tmp_path / "world.json")
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        with open_simulation(tmp_path / "world.json", seed=DEFAULT_SEED) as simulation:
            simulation.save()
        times.append(time.perf_counter() - begun)
    assert min(times) < 0.06
