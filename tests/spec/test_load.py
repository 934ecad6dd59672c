"""What the documents mean once they are right: fields, defaults, policies, and which files are read."""

from __future__ import annotations

import os
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from reconciler.core.model import (
    Banned,
    Blacklist,
    Clause,
    Container,
    Fleet,
    FromEnv,
    Gpu,
    HostRules,
    Latency,
    Limit,
    Limits,
    Modifiers,
    Policy,
    Port,
    Price,
    Regions,
    RegistryLogin,
    Rollout,
    RunwayHours,
    Scoring,
    Source,
    Spread,
    Tier,
    Weights,
)
from reconciler.core.notify import NOTICE_KINDS, Webhook
from reconciler.core.rental import Outbid, Rental
from reconciler.errors import WrongUsage
from reconciler.spec.load import load
from reconciler.spec.schema import load_schema

from .builders import FLEET, fleet

ROOT = Path(__file__).resolve().parents[2]

WHOLE = """\
kind: Fleet
name: june-voice
replicas: 3
min_ready: 2
priority: -1
paused: true
gpu: {models: [RTX_3060, rtx4060 ti], count: 2, min_vram_gb: 12}
regions:
  tiers: [{name: us-west, in: [US-CA, US], bonus: 0.2}, {name: eu, in: [Europe], bonus: -1}]
  blocked: [RU]
  elsewhere: {penalty: 0.25}
  strict_order: true
price: {max_per_hour: 0.50, budget_per_hour: 1.20, max_download_per_tb: 5, max_upload_per_tb: 6}
host:
  require: [verified, static_ip]
  min_reliability: 0.98
  min_download_mbps: 200
  min_upload_mbps: 50
  min_cpu_cores: 4
  min_ram_gb: 16
  min_disk_mbps: 500
  min_cuda: "12.4"
  min_driver: "580"
  min_direct_ports: 3
  min_days_left: 7
  query: "foo>=10 bar in [A_B, c]"
spread: {per_machine: 2, per_host: 25%}
blacklist:
  hosts: [12345]
  machines: [{id: 137831, reason: image pulls fail, until: 2026-12-31}]
latency: {users_at: [37.77, -122.42], max_ms: 60, trust_estimate: true, probe: true, timeout: 500ms}
scoring:
  weights: {latency: 0.35, price: 0.25, gpu: 0.2, reliability: 0.15, availability: 0.05}
  modifiers: {verified: 0.1, datacenter: 0, high_bandwidth: 0.08, new_host: -0.05}
container:
  image: ghcr.io/acme/june:2026-11-20
  registry_login: {server: ghcr.io, username: bot, password: {from_env: GHCR_READ_TOKEN, version: 2}}
  disk_gb: 50
  connect: jupyter-proxy
  ports: [8000, 8001/udp]
  env: {Z: NO, A: {from_env: HF_TOKEN}, T: 22:22, D: 2026-01-01}
  onstart: |
    echo one
    two
rollout: {order: destroy-first}
rental: {kind: interruptible, max_bid: 0.2, bid_over_floor: 12.5%, outbid: {wait: 30m, then: rebid}}
"""


def test_every_field_arrives(folder):
    (found,) = folder.write("june.yaml", WHOLE).load("june.yaml").fleets
    assert found == Fleet(
        name="june-voice",
        replicas=3,
        min_ready=2,
        priority=-1,
        paused=True,
        gpu=Gpu(("RTX 3060", "RTX 4060 Ti"), 2, Decimal(12)),
        regions=Regions(
            (Tier("us-west", ("US-CA", "US"), Decimal("0.2")), Tier("eu", ("Europe",), Decimal(-1))),
            ("RU",),
            "allow",
            Decimal("0.25"),
            True,
        ),
        price=Price(Decimal("0.50"), Decimal("1.20"), Decimal(5), Decimal(6)),
        host=HostRules(
            ("verified", "static_ip"),
            *map(Decimal, ("0.98", 200, 50, 4, 16, 500)),
            min_cuda="12.4",
            min_driver="580",
            min_direct_ports=3,
            min_days_left=Decimal(7),
            query=(
                Clause("foo", "gte", (Decimal(10),), "foo>=10"),
                Clause("bar", "in", ("A B", "c"), "bar in [A_B, c]"),
            ),
        ),
        spread=Spread(Limit(Decimal(2)), Limit(Decimal(25), percent=True)),
        blacklist=Blacklist((Banned(12345),), (Banned(137831, "image pulls fail", date(2026, 12, 31)),)),
        latency=Latency((Decimal("37.77"), Decimal("-122.42")), Decimal(60), True, True, Decimal("0.5")),
        scoring=Scoring(
            None,
            Weights(*map(Decimal, ("0.35", "0.25", "0.2", "0.15", "0.05"))),
            Modifiers(*map(Decimal, ("0.1", "0", "0.08", "-0.05"))),
        ),
        container=Container(
            image="ghcr.io/acme/june:2026-11-20",
            registry_login=RegistryLogin("ghcr.io", "bot", FromEnv("GHCR_READ_TOKEN", 2)),
            disk_gb=50,
            connect="jupyter-proxy",
            ports=(Port(8000), Port(8001, "udp")),
            env=(("A", FromEnv("HF_TOKEN")), ("D", "2026-01-01"), ("T", "22:22"), ("Z", "NO")),
            onstart="echo one\ntwo\n",
        ),
        rollout=Rollout("destroy-first"),
        rental=Rental("interruptible", Decimal("0.2"), Decimal("12.5"), Outbid(1800.0, "rebid")),
        source=Source("june.yaml", 1),
    )


def test_money_and_measures_are_exact(folder):
    (found,) = folder.write("june.yaml", WHOLE).load("june.yaml").fleets
    ranking = (found.regions, found.latency, found.scoring.weights, found.scoring.modifiers, *found.regions.tiers)
    parts = (found.price, found.host, found.gpu, *ranking)
    values = [getattr(part, name) for part in parts for name in part.__slots__]
    values += [*found.latency.users_at]
    assert [type(found.latency.probe), type(found.latency.trust_estimate)] == [bool, bool]
    assert not any(isinstance(value, float) for value in values)


def test_what_is_not_written_has_the_defaults_of_the_model(folder):
    (found,) = folder.write("f.yaml", FLEET).load("f.yaml").fleets
    container = Container(image="acme/june:1", connect="ssh-direct")
    assert found == Fleet("june", Gpu(("RTX 3060",)), Price(Decimal("0.5")), container, source=Source("f.yaml", 1))


TIERS = "tiers: [{name: a, in: [SE]}]"
ELSEWHERE = {
    "not written, without tiers": ("{}", "allow", 0),
    "not written, with tiers": (f"{{{TIERS}}}", "refuse", 0),
    "refused by name": (f"{{{TIERS}, elsewhere: refuse}}", "refuse", 0),
    "with a penalty": (f"{{{TIERS}, elsewhere: {{penalty: 2}}}}", "allow", 2),
    "without any": (f"{{{TIERS}, elsewhere: {{penalty: 0}}}}", "allow", 0),
}


@pytest.mark.parametrize(("text", "expected", "penalty"), ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_what_becomes_of_offers_elsewhere(folder, text, expected, penalty):
    (found,) = folder.write("f.yaml", FLEET + f"regions: {text}\n").load().fleets
    assert (found.regions.elsewhere, found.regions.penalty) == (expected, penalty)


USERS = "latency: {users_at: [37.77, -122.42]}\n"
STRATEGIES = {
    "cheapest when nothing is said": ("", "cheapest", None),
    "the distance first where the users are known": (USERS, "latency-first", None),
    "the distance first with modifiers alone": (USERS + "scoring: {modifiers: {verified: 1}}\n", "latency-first", None),
    "as written, whatever is known": (USERS + "scoring: {strategy: reliable}\n", "reliable", None),
    "weights stand for themselves": (USERS + "scoring: {weights: {price: 1}}\n", None, Weights(price=Decimal(1))),
}


@pytest.mark.parametrize(("text", "strategy", "weights"), STRATEGIES.values(), ids=STRATEGIES.keys())
def test_how_offers_are_ranked(folder, text, strategy, weights):
    (found,) = folder.write("f.yaml", FLEET + text).load().fleets
    assert (found.scoring.strategy, found.scoring.weights) == (strategy, weights)


def test_where_the_users_are_is_enough_about_them(folder):
    (found,) = folder.write("f.yaml", FLEET + USERS).load().fleets
    assert found.latency == Latency((Decimal("37.77"), Decimal("-122.42")))


def test_users_in_the_policy_count_for_its_fleets(folder):
    folder.write("policy.yaml", "kind: Policy\ndefaults: {latency: {users_at: [1, 2]}}\n").write("f.yaml")
    (found,) = folder.load().fleets
    assert found.latency == Latency((Decimal(1), Decimal(2)))
    assert found.scoring.strategy == "latency-first"


@pytest.mark.parametrize("replicas", [0, 1, 5])
def test_as_many_must_be_ready_as_are_wanted(folder, replicas):
    (found,) = folder.write("f.yaml", FLEET + f"replicas: {replicas}\n").load().fleets
    assert found.min_ready == found.replicas == replicas


def test_a_template_decides_itself_how_it_is_reached(folder):
    template = "vast_template: 4e17788f74f075dd9aab7d0d4427968f"
    assert folder.write("f.yaml", fleet(container=f"{{{template}}}")).load().fleets[0].container.connect is None
    text = fleet(container=f"{{{template}, connect: ssh-proxy}}")
    assert folder.write("f.yaml", text).load().fleets[0].container.connect == "ssh-proxy"


ACCEPTED = {
    "JSON": '{"kind": "Fleet", "name": "june", "gpu": {"models": ["RTX 3060"]}, "price": {"max_per_hour": 0.5},\n'
    ' "container": {"image": "acme/june:1"}}',
    "Windows line ends": FLEET.replace("\n", "\r\n"),
    "a byte order mark": "\ufeff" + FLEET,
    "a comment and a document start before it": "# june\n---\n" + FLEET,
    "the smallest cap": fleet(price="{max_per_hour: 0.001}"),
    "a number with an exponent": fleet(price="{max_per_hour: 5e-1}"),
    "a digest without a tag": fleet(container="{image: acme/june@sha256:" + "0a" * 32 + "}"),
    "a registry with a port": fleet(container="{image: 'localhost:5000/a/b:1'}"),
    "letters beyond ASCII in values": FLEET + "blacklist: {hosts: [{id: 1, reason: Ger\u00e4t defekt}]}\n",
    "a variable that is not expanded": fleet(container="{image: a/b:1, env: {A: '${HOME}'}}"),
    "braces in a script": fleet(container="{image: a/b:1, onstart: 'docker ps --format \"{{.ID}}\"'}"),
    "the first and the last port": fleet(container="{image: a/b:1, ports: [1, 65535]}"),
}


@pytest.mark.parametrize("text", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_unusual_but_right_documents_are_accepted(folder, text):
    loaded = folder.write("f.yaml", text).load("f.yaml")
    assert [found.name for found in loaded.fleets] == ["june"]
    assert loaded.warnings == ()


def test_text_of_one_meaning_has_one_form(folder):
    folder.write("f.yaml", FLEET + "blacklist: {hosts: [{id: 1, reason: Gera\u0308t}]}\n")
    assert folder.load().fleets[0].blacklist.hosts[0].reason == "Ger\u00e4t"


# --- files ----------------------------------------------------------------------------------------


def test_a_directory_is_read_through_and_sorted_by_name(folder):
    folder.write("specs/z.yaml", fleet(name="a")).write("specs/deep/b.yml", fleet(name="c") + "---\n" + fleet(name="b"))
    folder.write("specs/.hidden/x.yaml", "[").write("specs/.x.yaml", "[").write("specs/notes.txt", "[")
    loaded = folder.load("specs/")
    assert [(found.name, found.source) for found in loaded.fleets] == [
        ("a", Source("specs/z.yaml", 1)),
        ("b", Source("specs/deep/b.yml", 7)),
        ("c", Source("specs/deep/b.yml", 1)),
    ]
    assert loaded.files == ("specs/deep/b.yml", "specs/z.yaml")
    assert loaded.complete


def test_a_file_alone_is_not_everything(folder):
    folder.write("a.yaml").write("b.yaml", fleet(name="other"))
    loaded = folder.load("a.yaml")
    assert [found.name for found in loaded.fleets] == ["june"]
    assert not loaded.complete


def test_a_file_named_twice_is_read_once(folder):
    loaded = folder.write("specs/a.yaml").load("specs", "specs/a.yaml", "./specs/a.yaml")
    assert loaded.files == ("specs/a.yaml",)


def test_no_spec_file_is_no_fleet(folder):
    folder.write("specs/notes.txt", "x")
    assert folder.load("specs").fleets == ()
    assert folder.write("p.yaml", "kind: Policy\n").load("p.yaml").fleets == ()


@pytest.mark.parametrize("path", ["nothing.yaml", "no/dir", "a\0b"])
def test_a_path_that_does_not_exist_is_wrong_usage(folder, path):
    with pytest.raises(WrongUsage):
        folder.load(path)


def test_a_policy_file_that_does_not_exist_is_wrong_usage(folder):
    with pytest.raises(WrongUsage):
        folder.write("a.yaml").load("a.yaml", policy="nothing.yaml")


def test_two_fleets_of_one_name_name_both_places(folder):
    (wrong,) = folder.write("a.yaml").write("b.yaml").refused()
    assert (wrong.place, wrong.code) == ("b.yaml:2:7", "same-fleet-name")
    assert "a.yaml:2" in wrong.message


def test_a_pipe_is_refused_without_waiting(folder):
    os.mkfifo(folder.path / "f.yaml")
    assert folder.codes("f.yaml") == folder.codes() == ["f.yaml unreadable-file"]


def test_a_device_is_refused(folder):
    assert folder.codes("/dev/zero") == ["/dev/zero unreadable-file"]


def test_a_file_without_permission_is_refused_to_all_but_root(folder):
    (folder.write("f.yaml").path / "f.yaml").chmod(0)
    if os.geteuid() == 0:
        assert folder.load().fleets
    else:
        assert folder.codes() == ["f.yaml unreadable-file"]


def test_a_link_to_nowhere_is_refused(folder):
    (folder.path / "f.yaml").symlink_to("gone.yaml")
    assert folder.codes() == folder.codes("f.yaml") == ["f.yaml unreadable-file"]


def test_links_in_a_circle_are_refused(folder):
    folder.write("specs/a.yaml")
    (folder.path / "specs" / "again").symlink_to("..")
    assert folder.codes("specs") == ["specs/again/specs unreadable-file"]


def test_a_linked_folder_is_read(folder):
    folder.write("real/a.yaml").write("specs/b.yaml", fleet(name="b"))
    (folder.path / "specs" / "more").symlink_to("../real")
    assert [found.name for found in folder.load("specs").fleets] == ["b", "june"]


def test_a_folder_named_like_a_spec_is_a_folder(folder):
    assert folder.write("x.yaml/a.yaml").load().files == ("x.yaml/a.yaml",)


def test_all_files_together_have_a_limit(folder):
    for index in range(6):
        folder.write(f"{index}.yaml", fleet(name=f"f{index}") + "#" * 200_000)
    assert folder.codes() == ["5.yaml too-large"]


def test_a_file_name_cannot_forge_output(folder):
    folder.write("a\x1b[31m\n.yaml", "[")
    assert folder.refused()[0].file == "a\\u001b[31m\\u000a.yaml"


# --- the policy -----------------------------------------------------------------------------------

POLICY = """\
kind: Policy
owner: voice-team
limits:
  budget_per_hour: 9.50
  budget_per_30_days: 4000
  max_instances: 40
  max_unasked_destroy_share: 0.5
  rents_per_run: 10
  min_runway_hours: {warn: 48}
protect: [june]
blacklist: {hosts: [7]}
"""


def test_a_policy_arrives(folder):
    loaded = folder.write("policy.yaml", POLICY).write("a.yaml").load()
    limits = Limits(Decimal("9.50"), 40, Decimal("0.5"), 10, RunwayHours(Decimal(48), Decimal(2)), Decimal(4000))
    assert loaded.policy == Policy("voice-team", limits, ("june",), Blacklist((Banned(7),)), "policy.yaml")


def test_webhooks_arrive_and_are_told_everything_unless_they_say_what(folder):
    text = "kind: Policy\nnotify: [{url: {from_env: A}}, {url: {from_env: B}, format: slack, on: [down, leak]}]\n"
    loaded = folder.write("policy.yaml", text).write("a.yaml").load()
    assert loaded.policy.notify.webhooks == (Webhook("A"), Webhook("B", "slack", ("down", "leak")))
    assert load_schema("policy")["properties"]["notify"]["items"]["properties"]["on"]["default"] == list(NOTICE_KINDS)


def test_without_a_policy_the_defaults_hold(folder):
    assert folder.write("a.yaml").load().policy == Policy()


DEFAULTS = """\
kind: Policy
defaults:
  host: {require: [datacenter], min_reliability: 0.99}
  price: {max_per_hour: 1}
  container: {disk_gb: 99, env: {A: policy, B: policy}}
"""


def test_defaults_lie_under_every_fleet(folder):
    folder.write("policy.yaml", DEFAULTS)
    folder.write("a.yaml", fleet(price="{max_upload_per_tb: 1}", container="{image: a/b:1, env: {B: fleet}}"))
    folder.write("b.yaml", fleet(name="b", price="") + "host: {require: [verified, static_ip]}\n")
    a, b = sorted(folder.load().fleets, key=lambda found: found.source.file)
    assert (a.price.max_per_hour, a.price.max_upload_per_tb) == (1, 1)
    assert (a.container.disk_gb, a.container.env) == (99, (("A", "policy"), ("B", "fleet")))
    assert (a.host.require, a.host.min_reliability) == (("datacenter",), Decimal("0.99"))
    assert (b.host.require, b.host.min_reliability) == (("verified", "static_ip"), Decimal("0.99"))
    assert b.price.max_per_hour == 1


def test_what_is_wrong_in_the_defaults_is_said_once_and_there(folder):
    folder.write("policy.yaml", "kind: Policy\ndefaults:\n  host: {min_cuda: 12}\n  gpu: {modles: [x]}\n")
    folder.write("a.yaml").write("b.yaml", fleet(name="b"))
    assert folder.codes() == ["policy.yaml:3:20 wrong-type", "policy.yaml:4:9 unknown-field"]


def test_a_rule_broken_in_the_defaults_is_shown_there(folder):
    folder.write("policy.yaml", "kind: Policy\ndefaults:\n  regions: {blocked: [Narnia]}\n").write("a.yaml")
    assert folder.codes() == ["policy.yaml:3:23 unknown-place"]


def test_what_is_missing_after_the_merge_is_missing_in_the_fleet(folder):
    folder.write("policy.yaml", "kind: Policy\ndefaults: {gpu: {count: 2}, price: {max_upload_per_tb: 1}}\n")
    folder.write("a.yaml", fleet(gpu="", price="{max_download_per_tb: 1}"))
    assert folder.codes() == ["a.yaml:1:1 missing-field", "a.yaml:3:1 missing-field"]


def test_a_list_item_of_the_defaults_must_be_whole(folder):
    folder.write("policy.yaml", "kind: Policy\ndefaults: {regions: {tiers: [{name: a}]}}\n").write("a.yaml")
    assert [each.split(":")[0] for each in folder.codes()] == ["policy.yaml"]


POLICY_MISTAKES = {
    "an owner too long": ("owner: " + "a" * 21, "2:8 wrong-form"),
    "an unknown field": ("tell: x", "2:1 unknown-field"),
    "a name in the defaults": ("defaults: {name: x}", "2:12 unknown-field"),
    "refusing above warning": ("limits: {min_runway_hours: {refuse: 30}}", "2:28 contradicting-values"),
    "a share above one": ("limits: {max_unasked_destroy_share: 30}", "2:37 out-of-range"),
    "a webhook's address written out": ("notify: [{url: https://x}]", "2:16 wrong-type"),
    "a webhook without an address": ("notify: [{format: slack}]", "2:10 missing-field"),
    "an unknown format": ("notify: [{url: {from_env: A}, format: xml}]", "2:39 unknown-value"),
    "an unknown kind": ("notify: [{url: {from_env: A}, on: [rain]}]", "2:36 unknown-value"),
    "no kind at all": ("notify: [{url: {from_env: A}, on: []}]", "2:35 empty-value"),
    "a webhook named twice": ("notify: [{url: {from_env: A}}, {url: {from_env: A}}]", "2:49 repeated-value"),
    "the account's key as an address": ("notify: [{url: {from_env: VAST_API_KEY}}]", "2:27 forbidden-secret"),
    "a fleet protected twice": ("protect: [a, a]", "2:14 repeated-value"),
}


@pytest.mark.parametrize(("line", "expected"), POLICY_MISTAKES.values(), ids=POLICY_MISTAKES.keys())
def test_a_wrong_policy_is_refused(folder, line, expected):
    assert folder.write("p.yaml", f"kind: Policy\n{line}\n").codes("p.yaml") == [f"p.yaml:{expected}"]


def test_a_broken_policy_does_not_accuse_the_fleets(folder):
    folder.write("policy.yaml", DEFAULTS + "owner: A\n").write("a.yaml", fleet(price=""))
    assert folder.codes() == ["policy.yaml:6:8 wrong-form"]


@pytest.mark.parametrize("place", ["specs/eu/rules.yaml", "specs/rules.yml", "rules.yaml", "specs/eu/other.yaml"])
def test_a_file_alone_is_read_as_in_its_directory(folder, place):
    folder.write("specs/eu/a.yaml", fleet(price="")).write("specs/eu/b.yaml", fleet(name="b"))
    folder.write(place, POLICY + "defaults: {price: {max_per_hour: 3}}\n---\n" + fleet(name="other"))
    alone, together = folder.load("specs/eu/a.yaml"), folder.load("specs/eu")
    assert alone.policy == together.policy
    assert alone.policy.file == place
    assert alone.fleets[0] in together.fleets
    assert [found.name for found in alone.fleets] == ["june"]


def test_two_policies_name_both_places(folder):
    folder.write("a.yaml").write("p.yaml", "kind: Policy\n").write("q.yaml", "kind: Policy\n")
    for paths in ([], ["a.yaml"]):
        (wrong,) = folder.refused(*paths)
        assert (wrong.place, wrong.code) == ("q.yaml:1:1", "two-policies")
        assert "p.yaml:1" in wrong.message


def test_two_policies_in_one_file(folder):
    assert folder.write("p.yaml", "kind: Policy\n---\nkind: Policy\n").codes() == ["p.yaml:3:1 two-policies"]


def test_files_governed_differently_do_not_run_together(folder):
    folder.write("a/p.yaml", "kind: Policy\n").write("a/x.yaml").write("b/y.yaml", fleet(name="y"))
    assert folder.codes() == ["b/y.yaml policy-elsewhere"]
    folder.write("b/p.yaml", "kind: Policy\n")
    assert folder.codes() == folder.codes("a/x.yaml", "b/y.yaml") == ["b/p.yaml:1:1 two-policies"]


def test_a_named_policy_wins(folder):
    folder.write("specs/a.yaml").write("specs/p.yaml", "kind: Policy\n").write(
        "strict.yaml", "kind: Policy\nowner: s\n"
    )
    loaded = folder.load("specs", policy="strict.yaml")
    assert (loaded.policy.owner, loaded.policy.file) == ("s", "strict.yaml")
    assert folder.codes("specs", policy="specs/a.yaml") == ["specs/a.yaml no-policy"]


def test_the_search_ends_at_the_repository(folder):
    folder.write("p.yaml", "kind: Policy\n").write("inner/a.yaml")
    (folder.path / "inner" / ".git").mkdir()
    assert folder.load("inner/a.yaml").policy == Policy()


def test_without_a_repository_the_search_ends_where_the_user_stands(folder):
    (folder.path / ".git").rmdir()
    folder.write("p.yaml", "kind: Policy\n").write("specs/eu/a.yaml").write(
        "specs/p.yaml", "kind: Policy\nowner: near\n"
    )
    assert folder.load("specs/eu/a.yaml").policy.owner == "near"
    (folder.path / "specs" / "p.yaml").unlink()
    assert folder.load("specs/eu/a.yaml").policy.file == "p.yaml"
    folder.path = folder.path / "specs"
    assert folder.load("eu/a.yaml").policy == Policy()


def test_a_broken_neighbour_counts_only_where_it_may_hold_the_policy(folder):
    folder.write("a.yaml").write("broken.yaml", "a: [")
    assert folder.load("a.yaml").policy == Policy()
    folder.write("broken.yaml", "kind: Policy\na: [")
    assert folder.codes("a.yaml") == ["broken.yaml:2:5 yaml-syntax"]


# --- scripts --------------------------------------------------------------------------------------

WITH_SCRIPT = fleet(container="{image: a/b:1, onstart: {file: start.sh}}")


def test_a_script_is_read_from_its_file(folder):
    folder.write("specs/a.yaml", WITH_SCRIPT).write("specs/start.sh", "echo hi\n")
    assert folder.load("specs/a.yaml").fleets[0].container.onstart == "echo hi\n"


def test_a_script_of_the_defaults_lies_beside_the_policy(folder):
    folder.write("p.yaml", "kind: Policy\ndefaults: {container: {onstart: {file: start.sh}}}\n").write(
        "start.sh", "x\n"
    )
    folder.write("specs/a.yaml").write("specs/start.sh", "wrong\n")
    assert folder.load("specs/a.yaml").fleets[0].container.onstart == "x\n"


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "link", "folder", "pipe", "gone", "big", "empty", "a\\0b"]
)
def test_a_script_from_elsewhere_or_of_another_kind_is_refused(folder, name):
    folder.write("secret", "x").write("specs/big", "x" * 5000).write("specs/empty", "").write("specs/folder/x", "")
    (folder.path / "specs" / "link").symlink_to("../secret")
    os.mkfifo(folder.path / "specs" / "pipe")
    folder.write("specs/a.yaml", fleet(container=f'{{image: a/b:1, onstart: {{file: "{name}"}}}}'))
    expected = "forbidden-character" if "\\0" in name else "bad-script-file"
    assert {each.split()[1] for each in folder.codes("specs")} >= {expected}


@pytest.mark.parametrize(("data", "code"), [(b"a\r\nb", "forbidden-character"), (b"a\0b", "forbidden-character")])
def test_a_script_of_odd_bytes_is_refused(folder, data, code):
    folder.write("a.yaml", WITH_SCRIPT).write("start.sh", data)
    assert folder.codes() == [f"a.yaml:5:43 {code}"]


def test_a_script_in_another_encoding_is_refused(folder):
    assert folder.write("a.yaml", WITH_SCRIPT).write("start.sh", b"\xff").codes() == ["a.yaml:5:43 bad-script-file"]


def test_a_secret_in_a_script_file_is_warned_of(folder):
    folder.write("a.yaml", WITH_SCRIPT).write("start.sh", "export T=ghp_abcdefghijklmnopqrst0123456789\n")
    assert [warning.code for warning in folder.load().warnings] == ["literal-secret"]


# --- our own specs --------------------------------------------------------------------------------


def test_the_specs_of_the_repository_load_without_a_word():
    loaded = load(["specs"], cwd=ROOT)
    assert [found.name for found in loaded.fleets] == ["flux-training", "na-budget", "na-low-latency", "na-performance"]
    assert {found.replicas for found in loaded.fleets} == {1}
    assert (loaded.warnings, loaded.policy) == ((), Policy())
