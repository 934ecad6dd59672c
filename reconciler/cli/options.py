"""The options that several commands share, and their values as one object."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import click

from reconciler.values import dataclass

Command = TypeVar("Command", bound=Callable[..., Any])
DEFAULT_PATHS = ("specs/",)
DEFAULT_STATE = Path(".reconcile/simulated.json")
LONGEST_S = 366 * 24 * 3600
_DOLLARS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?", re.ASCII)
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


class Duration(click.ParamType[float]):
    """A span of time such as `90s`, `10m` or `1h30m`, as seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds, from text; a number is taken as it is."""
        if isinstance(value, int | float):
            return float(value)
        found = _DURATION.fullmatch(value)
        if not value or found is None:
            self.fail(f"{value!r} is not a time such as 90s, 10m or 1h30m", param, ctx)
        hours, minutes, seconds = (int(part or 0) for part in found.groups())
        span = hours * 3600 + minutes * 60 + seconds
        if span > LONGEST_S:
            self.fail(f"{value!r} is longer than a year", param, ctx)
        return float(span)


@dataclass(frozen=True, slots=True)
class Where:
    """Which world a command acts on: the real account, or the simulated one in a state file."""

    simulate: bool
    market: Path | None
    seed: int | None
    state: Path


def ledger_beside(state: Path) -> Path:
    """The ledger of a simulated world: `simulated.db` beside `simulated.json`."""
    return state.with_suffix(".db") if state.suffix == ".json" else state.with_name(f"{state.name}.db")


def logs_beside(ledger: Path) -> Path:
    """The kept logs of a ledger: the folder `simulated.logs` beside `simulated.db`."""
    return ledger.with_suffix(".logs")


@dataclass(frozen=True, slots=True)
class Scope:
    """What is declared: files or directories, a part of their fleets, the policy."""

    paths: tuple[str, ...]
    fleets: tuple[str, ...]
    policy: str | None


@dataclass(frozen=True, slots=True)
class Shape:
    """How to say it."""

    format: str
    quiet: bool


def _chain(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def state_option(text: str) -> Callable[[Command], Command]:
    """`--state FILE`, which is never the ledger beside it."""

    def checked(ctx: click.Context, param: click.Parameter, state: Path) -> Path:
        if not state.name:
            raise click.BadParameter(f"{str(state)!r} is not a file", ctx, param)
        if state.suffix == ".db":
            raise click.BadParameter(f"{state} would be its own ledger; give it another ending than .db", ctx, param)
        return state

    return click.option(
        "--state",
        type=click.Path(path_type=Path),
        default=DEFAULT_STATE,
        show_default=True,
        metavar="FILE",
        callback=checked,
        help=text,
    )


world_options = _chain(
    click.option("--simulate", is_flag=True, help="Act on the simulated market instead of an account."),
    click.option(
        "--market",
        type=click.Path(path_type=Path),
        help="With --simulate: begin on this recorded market.",
        metavar="FILE",
    ),
    click.option("--seed", type=int, help="With --simulate: begin on the generated market of this seed.", metavar="N"),
    state_option("With --simulate: the file that holds the simulated world."),
)
policy_option = click.option(
    "--policy", type=click.Path(), metavar="FILE", help="The policy, instead of the one found by place."
)
scope_options = _chain(
    click.argument("paths", nargs=-1, type=click.Path(), metavar="[PATH]..."),
    click.option("--fleet", "fleets", multiple=True, metavar="NAME", help="Only this fleet. Repeatable."),
    policy_option,
)
shape_options = _chain(
    click.option(
        "--format",
        type=click.Choice(["text", "json", "markdown"]),
        default="text",
        show_default=True,
        help="For people, machines or a pull request.",
    ),
    click.option("--quiet", "-q", is_flag=True, help="Say nothing unless something changed, failed or was refused."),
)
prune_option = click.option(
    "--prune", multiple=True, metavar="FLEET", help="Destroy the instances of this fleet, declared nowhere. Repeatable."
)
max_destroys_option = click.option(
    "--max-destroys",
    type=click.IntRange(min=0),
    metavar="N",
    help="Lift the guard on unasked destroys to N a fleet; exactly N for a protected fleet.",
)
accept_gone_option = click.option(
    "--accept-gone",
    type=click.IntRange(min=1),
    metavar="N",
    help="Believe that exactly N instances are gone, which vanished together.",
)


class Dollars(click.ParamType[Decimal]):
    """An amount of money per hour, such as `1.50`."""

    name = "usd"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """The exact amount."""
        if isinstance(value, Decimal):
            return value
        if not _DOLLARS.fullmatch(value):
            self.fail(f"{value!r} is not an amount such as 1.50", param, ctx)
        return Decimal(value)


max_added_option = click.option(
    "--max-added-per-hour",
    type=Dollars(),
    metavar="USD",
    help="Never let one run add more than this, in $/h, to what the fleets bill when it begins.",
)
approve_option = click.option(
    "--approve",
    multiple=True,
    metavar="FLEET/INDEX",
    help="Take the cheaper place that was proposed for this seat. Repeatable.",
)
beside_option = click.option(
    "--beside", multiple=True, metavar="OWNER", help="Have a fleet although this owner has one of its name. Repeatable."
)
replace_option = click.option(
    "--replace",
    "replacing",
    multiple=True,
    metavar="FLEET/INDEX",
    help="Have another instance in this seat, whatever is wrong with the one that is there. Repeatable.",
)
lock_timeout_option = click.option(
    "--lock-timeout",
    type=Duration(),
    default="0s",
    show_default=True,
    help="How long to wait while another run holds the ledger.",
)
probe_option = click.option(
    "--probe", is_flag=True, help="Look at the instances now, instead of telling what the last run found."
)
first_run_option = click.option(
    "--first-run", is_flag=True, help="Skip the cold start's wait when the account holds nothing of this owner."
)


def where(values: dict[str, Any]) -> Where:
    """Take the world's options out of a command's values."""
    taken = Where(values.pop("simulate"), values.pop("market"), values.pop("seed"), values.pop("state"))
    if not taken.simulate and (taken.market is not None or taken.seed is not None):
        raise click.UsageError("--market and --seed need --simulate")
    return taken


def scope(values: dict[str, Any]) -> Scope:
    """Take the scope's options out of a command's values."""
    paths = values.pop("paths") or DEFAULT_PATHS
    if "" in paths:
        raise click.UsageError("a path is empty: a variable that is not set?")
    return Scope(tuple(paths), tuple(values.pop("fleets")), values.pop("policy"))


def shape(values: dict[str, Any]) -> Shape:
    """Take the output's options out of a command's values."""
    return Shape(values.pop("format"), values.pop("quiet"))
