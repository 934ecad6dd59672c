"""What `--probe` finds now is shown, and what the last run found without it; a strange host key is an alarm everywhere.

A simulated instance fails its checks here because the file beside the ledger holds another host key for it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from .project import Project

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "output.schema.json").read_text(encoding="utf-8"))
WHY = "unready: ssh: host key changed"
ALARM = "ALARM: june/0: instance {} has another SSH host key than the first time"


class Scene:
    """A fleet of one that was ready in the last run, and the host keys that were seen then."""

    def __init__(self, project: Project) -> None:
        self.project = project
        project.fleet()
        project.start()
        project.advance("2m")  # What passed within the last minute is not looked at again.
        self._hosts = project.path / ".reconcile" / "simulated.known_hosts"
        self._true = self._hosts.read_text(encoding="utf-8")
        self.id = project.ids()["june/0"]
        self.alarm = ALARM.format(self.id)

    def breaks(self) -> None:
        """From now on its key is another one than the one that was seen first."""
        self._hosts.write_text(re.sub(r"ssh-ed25519 \S+", "ssh-ed25519 AAAAB3Nz", self._true), encoding="utf-8")

    def mends(self) -> None:
        """Its key is the right one again."""
        self._hosts.write_text(self._true, encoding="utf-8")

    def run(self, *args: str) -> str:
        return self.project.run(args[0], "--simulate", *args[1:]).assert_success().out

    def read(self, *args: str) -> Any:
        document = json.loads(self.run(*args, "--format", "json"))
        jsonschema.validate(document, SCHEMA)
        return document

    def told(self) -> list[str]:
        """The kinds of what happened, the oldest first."""
        return [event["kind"] for event in self.read("events", "june/0")["events"]]


@pytest.fixture
def scene(project: Project) -> Scene:
    return Scene(project)


def shown_ready(scene: Scene, *probe: str) -> None:
    """Status and plan say that all is well, as text and as JSON."""
    text = scene.run("status", *probe)
    assert re.search(rf"june/0 +instance {scene.id} +ready ", text)
    assert "ALARM" not in text
    status = scene.read("status", *probe)
    (row,) = status["seats"]
    assert (row["state"], row["why"], status["fleets"][0]["running"], status["warnings"]) == ("ready", None, 1, [])
    text = scene.run("plan", *probe)
    assert "1 wanted, 1 running" in text
    assert "No changes. 1 instance as declared." in text
    plan = scene.read("plan", *probe)
    assert (plan["fleets"][0]["running"], plan["fleets"][0]["actions"], plan["warnings"]) == (1, [], [])


def shown_unready(scene: Scene, *probe: str) -> None:
    """Status and plan say that it fails its checks, and why."""
    text = scene.run("status", *probe)
    assert re.search(rf"june/0 +instance {scene.id} +unhealthy \({WHY}\)", text)
    assert f"! {scene.alarm}" in text
    status = scene.read("status", *probe)
    (row,) = status["seats"]
    assert (row["state"], row["why"], status["fleets"][0]["running"]) == ("unhealthy", WHY, 0)
    (warning,) = status["warnings"]
    assert warning.startswith(scene.alarm)
    text = scene.run("plan", *probe)
    assert "1 wanted, 0 running" in text
    assert f"instance {scene.id} is {WHY}" in text
    assert f"! {scene.alarm}" in text
    plan = scene.read("plan", *probe)
    (action,) = plan["fleets"][0]["actions"]
    assert (action["action"], action["reason"]) == ("replace", f"instance {scene.id} is {WHY}")
    assert action["instance"]["state"] == "unready"
    assert plan["warnings"] == [warning]


def test_what_was_ready_in_the_last_run_and_fails_now_is_shown_by_probe_alone(scene: Scene) -> None:
    scene.breaks()
    shown_ready(scene)
    shown_unready(scene, "--probe")
    shown_ready(scene)


def test_what_failed_in_the_last_run_and_passes_now_is_shown_by_probe_alone(scene: Scene) -> None:
    scene.breaks()
    scene.project.apply("--no-wait")
    scene.mends()
    scene.project.advance("2m")
    shown_unready(scene)
    shown_ready(scene, "--probe")
    shown_unready(scene)


def test_a_look_with_probe_is_remembered_nowhere(scene: Scene) -> None:
    scene.breaks()
    before = scene.project.kept()
    shown_unready(scene, "--probe")
    assert scene.project.kept() == before
    assert scene.told() == ["rented", "ready"]


# --- the alarm --------------------------------------------------------------------------------------


def test_another_host_key_is_said_by_each_apply_and_told_once(scene: Scene) -> None:
    scene.breaks()
    for _ in range(3):
        said = scene.project.apply("--no-wait").assert_success()
        assert f"! {scene.alarm}" in said.out
        scene.project.advance("2m")
    assert scene.told() == ["rented", "ready", "host key changed"]
    (event,) = [each for each in scene.read("events", "june/0")["events"] if each["kind"] == "host key changed"]
    assert (event["instance"], event["text"]) == (scene.id, "it has another SSH host key than the first time")
    assert "host key changed" in scene.run("events")
    document = json.loads(scene.project.apply("--no-wait", "--format", "json").assert_success().out)
    jsonschema.validate(document, SCHEMA)
    assert document["plan"]["warnings"][0].startswith(scene.alarm)
    scene.mends()
    scene.project.advance("2m")
    assert "ALARM" not in scene.project.apply("--no-wait").assert_success().out
    scene.breaks()
    scene.project.advance("2m")
    scene.project.apply("--no-wait").assert_success()
    assert scene.told().count("host key changed") == 2


def test_markdown_shows_the_alarm(scene: Scene) -> None:
    scene.breaks()
    for command in ("plan", "status"):
        assert "has another SSH host key" in scene.run(command, "--probe", "--format", "markdown")


def test_a_watch_tells_it_in_one_line_and_notifies_at_once(scene: Scene) -> None:
    scene.project.policy(notify=[{"url": {"from_env": "OPS"}}])
    scene.breaks()
    outcome = scene.project.run("watch", "--simulate", "--yes", "--passes", "4", "--listen", "off").assert_success()
    lines = [json.loads(line) for line in outcome.err.splitlines()]
    (alarm,) = [line for line in lines if line["event"] == "host_key_changed"]
    assert (alarm["level"], alarm["seat"], alarm["instance"]) == ("warning", "june/0", scene.id)
    (letter,) = [line["text"] for line in lines if line["event"] == "notification"]
    assert re.search(
        rf"june/0: down ..:.. UTC, instance {scene.id} has another SSH host key than the first time", letter
    )
    first_pass = next(place for place, line in enumerate(lines) if line["event"] == "pass")
    assert lines.index(alarm) < first_pass, "within the first pass that saw it"


def test_after_its_grace_it_is_replaced_and_the_alarm_is_over(scene: Scene) -> None:
    scene.breaks()
    for _ in range(8):
        scene.project.apply("--no-wait")
        scene.project.advance("3m")
    assert scene.project.ids()["june/0"] != scene.id
    assert scene.told().count("host key changed") == 1
    assert "ALARM" not in scene.run("status")
