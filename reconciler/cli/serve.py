"""`reconcile simulate serve`: the simulated Vast.ai behind a real HTTP server, for any client that knows `VAST_URL`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.signals import asking_to_stop
from reconciler.errors import WrongUsage

if TYPE_CHECKING:
    from reconciler.simulator.faults import Rule
    from reconciler.simulator.lies import Telling
    from reconciler.simulator.server import SimulatorServer
    from reconciler.simulator.shells import Shells
    from reconciler.simulator.simulation import Simulation
    from reconciler.simulator.world import World

_file = click.Path(path_type=Path)


class Finite(click.FloatRange):
    """A number in a range; `nan` is in none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number, or wrong usage."""
        number: float = super().convert(value, param, ctx)
        if number != number:
            self.fail(f"{value} is not a number", param, ctx)
        return number


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, metavar="N", help="0, the default, takes a free one.")
@click.option("--seed", type=int, metavar="N", help="Begin on the generated market of this seed.")
@click.option("--market", type=_file, metavar="FILE", help="Begin on this recorded market.")
@click.option("--state", type=_file, metavar="FILE", help="Keep the world in this file; without it, in memory only.")
@click.option(
    "--speed",
    type=Finite(0, 100_000),
    default=60.0,
    show_default=True,
    metavar="N",
    help="How many times as fast as the real clock the world's own runs; 0: it moves by hand only.",
)
@click.option("--faults", type=_file, metavar="FILE", help="Let chosen calls fail, as this YAML file says.")
@click.option("--ssh", is_flag=True, help="Give each running instance a real SSH server and health checks.")
@click.option("--lively", is_flag=True, help="Begin a world with rivals, outages, failing boots and a busy market.")
@click.option("--no-limits", is_flag=True, help="Refuse no request for coming too early, nor for being one too many.")
def serve(
    port: int,
    seed: int | None,
    market: Path | None,
    state: Path | None,
    speed: float,
    faults: Path | None,
    lively: bool,
    ssh: bool,
    no_limits: bool,
) -> int:
    """Serve the simulated world over HTTP on 127.0.0.1, until Ctrl-C or SIGTERM.

    The first two lines it prints are what another shell needs. With --state the file is written at the end, and no
    other command can use that world meanwhile.

    \b
    Examples:
      reconcile simulate serve
      reconcile simulate serve --port 8765 --speed 0 --faults faults.yaml
      reconcile simulate serve --ssh
    """
    from reconciler.simulator.server import SimulatorServer

    rules, lies = read_faults(faults) if faults else ((), ())
    shells = _shells(ssh, lies)
    asked = threading.Event()
    with _world(state, market, seed, lively) as (world, simulation), asking_to_stop(asked.set):
        with SimulatorServer(
            world, port=port, speed=speed, faults=rules, shells=shells, limits=not no_limits
        ) as server:
            _announce(server, world, speed, len(rules))
            asked.wait()
        if simulation is not None:
            simulation.save()
            click.echo(f"the world is kept in {state}", err=True)
    return 0


@contextmanager
def _world(
    state: Path | None, market: Path | None, seed: int | None, lively: bool
) -> Iterator[tuple[World, Simulation | None]]:
    """A world in memory, or the one of a state file under its lock."""
    from reconciler.simulator.laws import LIVELY
    from reconciler.simulator.simulation import begun, open_simulation

    laws = LIVELY if lively else None
    if state is None:
        yield begun(market, seed, laws), None
        return
    with open_simulation(state, market=market, seed=seed, laws=laws) as simulation:
        yield simulation.world, simulation


def _shells(ssh: bool, lies: tuple[Telling, ...]) -> Shells | None:
    """What makes instances reachable, when that is wanted."""
    if lies and not ssh:
        raise WrongUsage("lies are told by instances that can be reached", hint="add --ssh")
    if not ssh:
        return None
    from reconciler.simulator.shells import Shells

    _make_room()
    return Shells(lies)


def _make_room() -> None:
    """Each instance keeps a few ports: allow as many open files as the system lets us."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _announce(server: SimulatorServer, world: World, speed: float, faults: int) -> None:
    from reconciler.simulator.simulation import described

    click.echo(f"export VAST_URL={server.url}")
    click.echo("export VAST_API_KEY=any")
    pace = f"its clock runs {speed:g} times as fast as yours" if speed else "its clock moves by hand only"
    failing = f"; {faults} fault{'s' if faults != 1 else ''}" if faults else ""
    if server.service.shells is not None:
        failing += "; its instances can be reached"
    if not world.limited:
        failing += "; it limits nobody"
    click.echo(f"serving the {described(world)}; {pace}{failing}; Ctrl-C ends it", err=True)


def read_faults(path: Path) -> tuple[tuple[Rule, ...], tuple[Telling, ...]]:
    """The faults and the lies of a YAML file."""
    import yaml

    from reconciler.simulator.faults import parse
    from reconciler.simulator.lies import parse_all

    try:
        plain: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WrongUsage(f"the faults {path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        why = " ".join(str(error).split())[:200]
        raise WrongUsage(f"the faults {path} are not YAML: {why}") from error
    try:
        if isinstance(plain, dict) and "lies" in plain:
            lies = parse_all(plain.pop("lies"))
            return parse(plain) if plain else (), lies
        return parse(plain), ()
    except WrongUsage as error:
        raise WrongUsage(f"{path}: {error}", hint=error.hint) from None
