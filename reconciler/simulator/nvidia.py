"""What `nvidia-smi` says in a container: the rented GPUs as a table, as a list, or as comma-separated values."""

from __future__ import annotations

from typing import NamedTuple

from reconciler.simulator.drivers import full_name
from reconciler.simulator.lies import DRIVER_FAILS, GPU_MISSING, OLDER_DRIVER, WRONG_MEMORY, WRONG_NAME
from reconciler.simulator.rng import token

NO_DRIVER = (
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA "
    "driver is installed and running.\n\n"
)
ANOTHER_NAME = "Tesla K80"

_UNITS = {
    **dict.fromkeys(("memory.total", "memory.used", "memory.free"), "MiB"),
    **dict.fromkeys(("utilization.gpu", "utilization.memory"), "%"),
    **dict.fromkeys(("power.draw", "power.limit"), "W"),
}
_LINE = "+" + "-" * 89 + "+"
_ROW = f"+{'-' * 41}+{'-' * 24}+{'-' * 22}+"
_HEADS = (
    f"|{'-' * 41}+{'-' * 24}+{'-' * 22}+",
    "| GPU  Name                 Persistence-M | Bus-Id          Disp.A | Volatile Uncorr. ECC |",
    "| Fan  Temp   Perf          Pwr:Usage/Cap |           Memory-Usage | GPU-Util  Compute M. |",
    f"|{'=' * 41}+{'=' * 24}+{'=' * 22}|",
)


class Gpus(NamedTuple):
    """What was rented, as the market names it."""

    name: str
    number: int
    memory: int
    """MiB of one GPU."""
    driver: str
    cuda: float
    watts: float
    machine: int


class Reply(NamedTuple):
    """What a command prints, and its exit code."""

    out: str = ""
    code: int = 0
    error: str = ""


def answer(arguments: list[str], gpus: Gpus, lie: str | None) -> Reply:
    """Run `nvidia-smi` with these arguments."""
    if lie == DRIVER_FAILS:
        return Reply(NO_DRIVER, 9)
    gpus = gpus._replace(
        number=gpus.number - (lie == GPU_MISSING),
        memory=gpus.memory // 2 if lie == WRONG_MEMORY else gpus.memory,
        driver=_older(gpus.driver) if lie == OLDER_DRIVER else gpus.driver,
    )
    name = ANOTHER_NAME if lie == WRONG_NAME else full_name(gpus.name)
    if not gpus.number:
        return Reply("No devices were found\n", 6)
    if not arguments:
        return Reply(_table(name, gpus))
    if arguments in (["-L"], ["--list-gpus"]):
        rows = enumerate(_rows(name, gpus))
        return Reply("".join(f"GPU {number}: {name} (UUID: {row['uuid']})\n" for number, row in rows))
    return _queried(arguments, _rows(name, gpus))


def _older(driver: str) -> str:
    """`570.133.07` -> `569.133.07`."""
    major, _, rest = driver.partition(".")
    return f"{int(major) - 1}.{rest}" if major.isdecimal() else driver


def _queried(arguments: list[str], rows: list[dict[str, str]]) -> Reply:
    options = _options(arguments)
    if options is None or "query-gpu" not in options:
        return Reply("Invalid combination of input arguments. Please run 'nvidia-smi -h' for help.\n\n", 2)
    style = options.get("format", "").split(",")
    if style[0] != "csv":
        return Reply("Missing required --format=csv option. Please run 'nvidia-smi -h' for help.\n\n", 2)
    fields = [field.strip() for field in options["query-gpu"].split(",")]
    for field in fields:
        if field not in rows[0]:
            return Reply(f'Field "{field}" is not a valid field to query.\n\n', 2)
    units = "nounits" not in style
    lines = [", ".join(_value(field, row[field], units) for field in fields) for row in rows]
    if "noheader" not in style:
        lines.insert(0, ", ".join(f"{field} [{_UNITS[field]}]" if field in _UNITS else field for field in fields))
    return Reply("".join(f"{line}\n" for line in lines))


def _options(arguments: list[str]) -> dict[str, str] | None:
    """The two options of a query, in either way of writing; None where there is anything else."""
    found = {}
    words = iter(arguments)
    for word in words:
        name, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or name not in ("query-gpu", "format"):
            return None
        found[name] = value if equals else next(words, "")
    return found


def _value(field: str, value: str, units: bool) -> str:
    return f"{value} {_UNITS[field]}" if units and field in _UNITS else value


def _rows(name: str, gpus: Gpus) -> list[dict[str, str]]:
    shared = {
        "name": name,
        "gpu_name": name,
        "count": str(gpus.number),
        "driver_version": gpus.driver,
        "memory.total": str(gpus.memory),
        "memory.used": "1",
        "memory.free": str(gpus.memory - 1),
        "utilization.gpu": "0",
        "utilization.memory": "0",
        "temperature.gpu": "41",
        "power.draw": "22.00",
        "power.limit": f"{gpus.watts:.2f}",
        "pstate": "P8",
    }
    return [
        {**shared, "index": str(place), "uuid": _uuid(gpus, place), "pci.bus_id": f"00000000:{place + 1:02X}:00.0"}
        for place in range(gpus.number)
    ]


def _uuid(gpus: Gpus, place: int) -> str:
    digits = token("gpu", gpus.machine, place)
    return f"GPU-{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}"


def _table(name: str, gpus: Gpus) -> str:
    top = f"NVIDIA-SMI {gpus.driver:<22} Driver Version: {gpus.driver:<14} CUDA Version: {gpus.cuda:<8}"
    return "\n".join([_LINE, f"| {top} |", *_HEADS, *(_boxes(name, gpus, place) for place in range(gpus.number)), ""])


def _boxes(name: str, gpus: Gpus, place: int) -> str:
    power, memory = f"22W / {gpus.watts:4.0f}W", f"1MiB / {gpus.memory:6d}MiB"
    return "\n".join(
        [
            f"| {place:3d}  {name[:30]:<30} On  |   00000000:{place + 1:02X}:00.0 Off |                  Off |",
            f"| 30%   41C    P8    {power:>20} | {memory:>22} |      0%      Default |",
            f"|{' ' * 41}|{' ' * 24}|                  N/A |",
            _ROW,
        ]
    )
