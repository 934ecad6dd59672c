"""Checks that can be made and times that mean something are read; others are refused where they stand."""

from __future__ import annotations

import pytest

from reconciler.core.readiness import Check, HealthRules, Readiness
from reconciler.core.strikes import StrikeRules

from .builders import fleet

ARGS = "{image: a/b:1, connect: args, ports: [8000, 53/udp]}"
SSH = "{image: a/b:1, ports: [8000, 53/udp]}"
TEMPLATE = "{vast_template: 4e17788f74f075dd9aab7d0d4427968f}"

REFUSED = {
    # container, what is added: code, words
    "ssh without an SSH server": (ARGS, "readiness: {checks: [{ssh: {}}]}", "contradicting-values", "needs ssh"),
    "gpu without an SSH server": (ARGS, "readiness: {checks: [{gpu: {}}]}", "contradicting-values", "needs ssh"),
    "a command without an SSH server": (
        ARGS,
        "readiness: {checks: [{command: {run: 'true'}}]}",
        *("contradicting-values", "needs ssh"),
    ),
    "a port that is not published": (
        SSH,
        "readiness: {checks: [{http: {port: 8001}}]}",
        *("contradicting-values", "port 8001 is not in container.ports"),
    ),
    "a port that is published for udp": (
        SSH,
        "readiness: {checks: [{tcp: {port: 53}}]}",
        *("contradicting-values", "published for udp only"),
    ),
    "a boot of no time": (SSH, "readiness: {boot_timeout: 59s}", "out-of-range", "from 1m to 1d"),
    "a boot without end": (SSH, "readiness: {boot_timeout: 25h}", "out-of-range", "from 1m to 1d"),
    "patience of no time": (SSH, "health: {unhealthy_after: 0s}", "out-of-range", "from 1m to 1d"),
    "no duration": (SSH, "health: {unhealthy_after: soon}", "wrong-form", "a duration"),
    "a list without a check": (SSH, "readiness: {checks: []}", "empty-value", "checks"),
    "a check of no kind": (SSH, "readiness: {checks: [{}]}", "wrong-type", "checks"),
    "a check of two kinds": (SSH, "readiness: {checks: [{ssh: {}, gpu: {}}]}", "too-long", "checks"),
    "a check nobody knows": (SSH, "readiness: {checks: [{ping: {}}]}", "unknown-field", "ping"),
    "a check by its bare name": (SSH, "readiness: {checks: [ssh]}", "wrong-type", "checks"),
    "http without a port": (SSH, "readiness: {checks: [{http: {}}]}", "missing-field", "port"),
    "a path that is none": (
        SSH,
        "readiness: {checks: [{http: {port: 8000, path: healthz}}]}",
        *("wrong-form", "a path such as /healthz"),
    ),
}


@pytest.mark.parametrize(("container", "more", "code", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_checked_is_refused(folder, container, more, code, said):
    folder.write("f.yaml", fleet(container=container) + f"{more}\n")
    found = folder.refused("f.yaml")
    assert [each.code for each in found] == [code]
    assert said in f"{found[0].message} {found[0].suggestion}"


FINE = {
    "tcp and http with args": (ARGS, "readiness: {checks: [{tcp: {port: 8000}}, {http: {port: 8000}}]}"),
    "anything of a template: nobody knows what it publishes": (
        TEMPLATE,
        "readiness: {checks: [{ssh: {}}, {http: {port: 8001}}]}",
    ),
    "args with a port of its own": (ARGS, ""),
}


@pytest.mark.parametrize(("container", "more"), FINE.values(), ids=FINE.keys())
def test_what_can_be_checked_is_read_without_a_word(folder, container, more):
    folder.write("f.yaml", fleet(container=container) + f"{more}\n")
    assert folder.load("f.yaml").warnings == ()


WARNED = {
    "nothing to be asked": ("{image: a/b:1, connect: args}", "", "nothing-to-check"),
    "nothing but udp": ("{image: a/b:1, connect: args, ports: [53/udp]}", "", "nothing-to-check"),
    "the same twice": (SSH, "readiness: {checks: [{ssh: {}}, {ssh: {}}]}", "repeated-value"),
}


@pytest.mark.parametrize(("container", "more", "code"), WARNED.values(), ids=WARNED.keys())
def test_what_is_odd_is_warned_of(folder, container, more, code):
    folder.write("f.yaml", fleet(container=container) + f"{more}\n")
    assert [each.code for each in folder.load("f.yaml").warnings] == [code]


def test_all_of_it_is_read(folder):
    more = """\
readiness:
  boot_timeout: 30m
  checks: [{ssh: {}}, {gpu: {}}, {tcp: {port: 8000}}, {http: {port: 8000, path: /ok}}, {command: {run: "test -f /a"}}]
health: {unhealthy_after: 5m, on_manual_stop: replace}
"""
    folder.write("f.yaml", fleet(container=SSH) + more)
    (found,) = folder.load("f.yaml").fleets
    checks = (
        *(Check("ssh"), Check("gpu"), Check("tcp", 8000), Check("http", 8000, "/ok")),
        Check("command", run="test -f /a"),
    )
    assert (found.readiness, found.health) == (Readiness(1800.0, checks), HealthRules(300.0))
    assert found.on_manual_stop == "replace"


def test_without_a_word_the_defaults_hold(folder):
    folder.write("f.yaml", fleet())
    (found,) = folder.load("f.yaml").fleets
    assert (found.readiness, found.health, folder.load("f.yaml").policy.strikes) == (
        *(Readiness(), HealthRules()),
        StrikeRules(),
    )


def test_the_strikes_of_a_policy_are_read(folder):
    folder.write("f.yaml", fleet())
    folder.write("policy.yaml", "kind: Policy\nstrikes: {after: 2, for: 12h, doubling: false, at_most: 7d}\n")
    assert folder.load().policy.strikes == StrikeRules(2, 43_200.0, False, 604_800.0)


STRIKES = {
    "no time": ("{for: 0s}", "out-of-range"),
    "for ever": ("{at_most: 366d}", "out-of-range"),
    "less at most than at first": ("{for: 2d, at_most: 1d}", "contradicting-values"),
    "more at first than at most by default": ("{for: 15d}", "contradicting-values"),
    "after none": ("{after: 0}", "out-of-range"),
}


@pytest.mark.parametrize(("written", "code"), STRIKES.values(), ids=STRIKES.keys())
def test_strikes_that_mean_nothing_are_refused(folder, written, code):
    folder.write("f.yaml", fleet())
    folder.write("policy.yaml", f"kind: Policy\nstrikes: {written}\n")
    assert [each.code for each in folder.refused()] == [code]
