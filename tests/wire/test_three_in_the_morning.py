"""Three in the morning: one host dies, nobody is there but cron, no daemon runs. It is replaced, and told twice."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from .looking import Told
from .webhook import POLICY, SECRET
from .world import Desk, Ran, fleet

EVERY_S = 600.0
LATE_S = (3.0, 0.5, 2.5, 1.0, 0.0)
"""A run of cron begins some seconds late, now more, now less."""
BOOT_S = 240.0


@dataclass
class Night:
    """Cron at an account whose instances need four minutes until they can be used."""

    desk: Desk
    runs: list[tuple[float, Ran]] = field(default_factory=list)
    """When each run began, and what it was."""

    def __post_init__(self) -> None:
        self.begins = self.desk.clock.time
        self.born: dict[int, float] = {}
        self.ready: dict[int, float] = {}
        self.desk.checks = Told(self._why)
        self.desk.stub.boots_as = "loading"

    def _why(self, number: int) -> str:
        return "" if number in self.ready else "connection refused"

    def pass_time(self, seconds: float) -> None:
        """Instances boot while time passes."""
        until = self.desk.clock.time + seconds
        for number, row in self.desk.stub.instances.items():
            up = self.born.setdefault(number, self.desk.clock.time) + BOOT_S
            if row["actual_status"] == "loading" and up <= until:
                row["actual_status"] = "running"
                self.ready[number] = up
        self.desk.clock.time = until

    def cron(self, runs: int) -> list[Ran]:
        """So many runs of `apply --yes --no-wait --quiet`, ten minutes apart as cron understands it."""
        for _ in range(runs):
            number = len(self.runs)
            due = self.begins + number * EVERY_S + LATE_S[number % len(LATE_S)]
            self.pass_time(max(0.0, due - self.desk.clock.time))
            at = self.desk.clock.time
            self.runs.append((at, self.desk.apply(quiet=True)))
        return [ran for _, ran in self.runs[-runs:]]


def clock_text(at: float) -> str:
    minutes = int(at // 60) % 1440
    return f"{minutes // 60:02}:{minutes % 60:02} UTC"


def goes_offline(night: Night, row: dict) -> str:
    """Vast.ai itself says that its host is gone."""
    row["actual_status"] = "offline"
    return f"host dead %s, instance {row['id']} is offline"


def goes_mute(night: Night, row: dict) -> str:
    """Vast.ai says that it runs, and nobody answers there."""
    del night.ready[row["id"]]
    return f"down %s, instance {row['id']} is unready: ssh: connection refused"


@pytest.mark.parametrize("dies", [goes_offline, goes_mute], ids=lambda dies: dies.__name__)
@pytest.mark.parametrize("replicas", [1, 2, 3, 4])
def test_one_host_dies(stub, desk, hook, replicas, dies):
    desk.declare(fleet(replicas=replicas), POLICY % "")
    night = Night(desk)
    night.cron(8)
    assert len(stub.instances) == replicas
    assert all(row["actual_status"] == "running" for row in stub.instances.values())
    assert {ran.said for ran in night.cron(2)} == {""}, "nothing happens, and nothing is said"
    assert hook.bodies == []

    dead = stub.instances[min(stub.instances)]
    night.pass_time(1.0)  # The worst moment: a run has just ended.
    said = dies(night, dead)
    died = desk.clock.time
    runs = night.cron(8)

    young = stub.instances[max(stub.instances)]
    assert dead["id"] not in stub.instances
    assert len(stub.instances) == replicas
    done = [[call.route for call in ran.sent("rent", "destroy")] for ran in runs]
    assert done == [[], ["destroy", "rent"], *[[]] * 6]
    assert {ran.code for ran in runs} == {0}
    assert night.ready[young["id"]] - died <= BOOT_S + 2 * EVERY_S + 10

    begins, ends = hook.bodies
    seen = next(at for at, _ in night.runs if at > died)
    assert (begins["kind"], begins["state"], begins["instance"]) == ("down", "begins", dead["id"])
    assert begins["text"] == f"june/0: {said % clock_text(seen)}"
    assert (ends["kind"], ends["state"], ends["instance"]) == ("down", "ends", young["id"])
    told = next(at for at, _ in night.runs if at > night.ready[young["id"]])
    assert ends["text"].startswith(f"june/0: replaced {clock_text(told)}, 20 min, +$0.0")
    assert not any(ran.said for ran in runs[3:]), "cron mails what was done, and is silent again"
    assert SECRET not in "".join(ran.said for ran in runs)
