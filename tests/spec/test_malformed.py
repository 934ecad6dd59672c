"""Every way to get a spec wrong that we know of, with the place, the word and the way out it is answered with."""

from __future__ import annotations

import gzip

import pytest

from reconciler.diagnostics import render

from .builders import FLEET, fleet

# sentence: (text, places and codes, words of the suggestion or message)
CASES: dict[str, tuple[str | bytes, list[str], str]] = {
    # form
    "a key written twice names both lines": (
        FLEET + "replicas: 1\nreplicas: 100\n",
        ["7:1 duplicate-key"],
        "on line 6",
    ),
    "an empty file is not no fleets": ("", ["empty-spec"], "empty"),
    "comments only are an empty file": ("# nothing\n", ["empty-spec"], "empty"),
    "a tilde is an empty document": ("~\n", ["1:1 empty-spec"], "empty"),
    "a lone document start is an empty document": ("---\n", ["2:1 empty-spec"], "empty"),
    "a trailing document start is an empty document": (FLEET + "---\n", ["7:1 empty-spec"], "empty"),
    "a list of fleets is told how to be written": ("fleets: []\n", ["1:1 missing-kind"], "one document for each fleet"),
    "fleets without content too": ("fleets:\n", ["1:1 missing-kind"], "one document for each fleet"),
    "a document without kind": ("name: june\n", ["1:1 missing-kind"], "add kind: Fleet"),
    "a policy without kind": ("owner: june\n", ["1:1 missing-kind"], "add kind: Policy"),
    "a kind in lower case": (fleet(kind="fleet"), ["1:7 unknown-kind"], "did you mean Fleet?"),
    "a list as document": ("- kind: Fleet\n", ["1:1 not-a-mapping"], "mapping"),
    "an anchor": (fleet(gpu="&g {models: [RTX 3060]}"), ["3:6 yaml-anchor"], "&g"),
    "a recursive anchor": ("a: &a [*a]\n", ["1:4 yaml-anchor", "1:8 yaml-anchor"], "*a"),
    "an alias bomb ends at its anchors": (
        "a: &a [x]\nb: &b [*a, *a]\n",
        ["1:4 yaml-anchor", "2:4 yaml-anchor", "2:8 yaml-anchor", "2:12 yaml-anchor"],
        "*a",
    ),
    "a merge key": (FLEET + "<<: {replicas: 2}\n", ["6:1 yaml-merge-key"], "write the fields out"),
    "a tag that builds objects": ("a: !!python/object/apply:os.system [x]\n", ["1:4 yaml-tag"], "not part of a spec"),
    "a tag of YAML's own": (FLEET + "replicas: !!int 3\n", ["6:11 yaml-tag"], "not part of a spec"),
    "nesting in brackets": ("a: " + "[" * 500, ["1:35 too-deep"], "32"),
    "nesting by the ten thousand": ("[" * 50_000 + "]" * 50_000, ["1:33 too-deep"], "32"),
    "nesting in blocks": ("".join(" " * i + "a:\n" for i in range(400)), ["33:33 too-deep"], "32"),
    "a number and true as keys": (
        "1: a\ntrue: b\n",
        ["1:1 key-not-text", "1:1 missing-kind", "2:1 key-not-text"],
        "not 1",
    ),
    "a list as key": ("? [a]\n: b\n", ["1:3 key-not-text"], "plain word"),
    "a tab before a key": ("kind: Fleet\ngpu:\n\tmodels: [a]\n", ["3:1 tab-indentation"], "two blanks"),
    "a NUL in quotes": (fleet(name='"a\\0"'), ["2:7 forbidden-character"], "NUL"),
    "an escape in quotes": (fleet(name='"\\e[31m"'), ["2:7 forbidden-character"], "escape"),
    "text that turns direction": (fleet(name="a\u202eb"), ["2:8 forbidden-character"], "right-to-left override"),
    "a blank without width": (fleet(name="a\u200bb"), ["2:8 forbidden-character"], "U+200B"),
    "a key with a Cyrillic letter": (
        "kind: Fleet\n" + FLEET[12:] + "r\u0435plicas: 2\n",
        ["6:1 non-ascii-key"],
        "cyrillic",
    ),
    "UTF-16": ("kind: Fleet".encode("utf-16"), ["not-yaml"], "UTF-16"),
    "Latin-1": ("kind: Fleet\nname: J\u00fcn".encode("latin-1"), ["2:8 not-utf8"], "0xfc"),
    "a gzip archive": (gzip.compress(b"kind: Fleet", mtime=0), ["not-yaml"], "gzip"),
    "a binary file": (b"a\0b", ["not-yaml"], "binary"),
    "HTML": ("<!DOCTYPE html><p>a: b: c", ["1:1 not-yaml"], "HTML"),
    "TOML": ('[fleet]\nname = "june"\n', ["1:1 not-yaml"], "TOML"),
    "a conflict of git": ("<<<<<<< HEAD\nkind: Fleet\n=======\n>>>>>>> x\n", ["1:1 conflict-marker"], "resolve"),
    "braces of a template": (fleet(name="{{ name }}"), ["2:8 template-braces"], "not expanded"),
    "a block of a template": ("{% if x %}\nkind: Fleet\n", ["1:2 template-braces"], "not expanded"),
    "a second colon": ("name: june: voice\n", ["1:11 yaml-syntax"], "second colon"),
    "quotes that never close": ("name: 'june\n", ["2:1 yaml-syntax"], "close the quotes"),
    "a file of more than 256 KiB": (FLEET + "#" * 300_000, ["too-large"], "262144"),
    "more values than a person writes": (
        "a: [" + "1," * 100_001 + "]",
        ["1:199999 too-many-values"],
        "100000",
    ),
    # numbers and words
    "five thousand digits": (FLEET + "replicas: " + "9" * 5000, ["6:11 number-too-long"], "18 digits"),
    "nineteen digits": (FLEET + "replicas: 1234567890123456789", ["6:11 number-too-long"], "18 digits"),
    "an exponent beyond all money": (fleet(price="{max_per_hour: 1.0e+999}"), ["4:23 number-too-long"], "18 digits"),
    "a number in quotes": (FLEET + 'replicas: "3"\n', ["6:11 wrong-type"], "write 3, without quotes"),
    "a fraction of a replica": (FLEET + "replicas: 3.0\n", ["6:11 wrong-type"], "from 0 to 10000"),
    "true for a number": (FLEET + "replicas: true\n", ["6:11 wrong-type"], "not true"),
    "less than nothing": (FLEET + "replicas: -1\n", ["6:11 out-of-range"], "from 0 to 10000"),
    "a million": (FLEET + "replicas: 1000000\n", ["6:11 out-of-range"], "from 0 to 10000"),
    "nothing at all": (FLEET + "replicas:\n", ["6:10 wrong-type"], "not nothing"),
    "a list for a number": (FLEET + "replicas: [1]\n", ["6:11 wrong-type"], "not a list"),
    "octal": (FLEET + "replicas: 010\n", ["6:11 wrong-type"], "write 10"),
    "hexadecimal": (FLEET + "replicas: 0x1f\n", ["6:11 wrong-type"], '"0x1f"'),
    "octal with a letter": (FLEET + "replicas: 0o10\n", ["6:11 wrong-type"], '"0o10"'),
    "underscores in a number": (FLEET + "replicas: 1_000\n", ["6:11 wrong-type"], "write 1000"),
    "base sixty": (FLEET + "replicas: 22:22\n", ["6:11 wrong-type"], '"22:22"'),
    "on for true": (FLEET + "paused: on\n", ["6:9 wrong-type"], "write true or false"),
    "NO is text": (FLEET + "paused: NO\n", ["6:9 wrong-type"], '"NO"'),
    "not a number": (fleet(price="{max_per_hour: .nan}"), ["4:23 wrong-type"], '".nan"'),
    "infinity": (fleet(price="{max_per_hour: .inf}"), ["4:23 wrong-type"], '".inf"'),
    "a number where text is wanted": (FLEET + "host: {min_cuda: 12.4}\n", ["6:18 wrong-type"], '"12.4"'),
    # money
    "a cap of nothing": (fleet(price="{max_per_hour: 0}"), ["4:23 out-of-range"], "0.001 to 128"),
    "a cap below nothing": (fleet(price="{max_per_hour: -0.5}"), ["4:23 out-of-range"], "0.001 to 128"),
    "a cap too small to mean money": (fleet(price="{max_per_hour: 1e-9}"), ["4:23 out-of-range"], "0.001 to 128"),
    "a cap of a million": (fleet(price="{max_per_hour: 1000000}"), ["4:23 out-of-range"], "0.001 to 128"),
    "a dollar sign": (fleet(price="{max_per_hour: 0.4$}"), ["4:23 wrong-type"], "write 0.4"),
    "a decimal comma": (fleet(price='{max_per_hour: "1,5"}'), ["4:23 wrong-type"], "write 1.5"),
    "no cap": (fleet(price="{}"), ["4:1 missing-field"], "max_per_hour: 0.5"),
    "no price": (fleet(price=""), ["1:1 missing-field"], "price is required"),
    # names
    "a path as name": (fleet(name="../x"), ["2:7 wrong-form"], "lower-case"),
    "a slash in a name": (fleet(name="a/b"), ["2:7 wrong-form"], "lower-case"),
    "an option as name": (fleet(name="-rf"), ["2:7 wrong-form"], "lower-case"),
    "an empty name": (fleet(name='""'), ["2:7 wrong-form"], "lower-case"),
    "a name of 300 letters": (fleet(name="a" * 300), ["2:7 wrong-form"], "1 to 40"),
    "blanks in a name": (fleet(name="june voice"), ["2:7 wrong-form"], "lower-case"),
    "a picture as name": (fleet(name="\U0001f600"), ["2:7 wrong-form"], "lower-case"),
    # fields
    "a misspelt field": (FLEET + "replica: 2\n", ["6:1 unknown-field"], "did you mean replicas?"),
    "a field at the wrong level": (FLEET + "disk_gb: 50\n", ["6:1 unknown-field"], "container.disk_gb"),
    "a misspelt required field is one mistake": (
        fleet(container="{imaeg: a/b:1}"),
        ["5:13 unknown-field"],
        "did you mean image?",
    ),
    "another address of the server": (FLEET + "api_url: http://x\n", ["6:1 unknown-field"], "fields here"),
    "an include": (FLEET + "include: http://x\n", ["6:1 unknown-field"], "fields here"),
    "a field of a later release": (FLEET + "gang: {}\n", ["6:1 unknown-field"], "fields here"),
    "min_ready above replicas": (FLEET + "min_ready: 2\n", ["6:12 contradicting-values"], "replicas, which is 1"),
    "no disk": (fleet(container="{image: a/b:1, disk_gb: 4}"), ["5:36 out-of-range"], "from 8"),
    "a misspelt word": (FLEET + "host: {require: [verifed]}\n", ["6:18 unknown-value"], "did you mean verified?"),
    "a required word twice": (FLEET + "host: {require: [verified, verified]}\n", ["6:28 repeated-value"], "twice"),
    "no percent": (FLEET + "spread: {per_host: 0%}\n", ["6:20 wrong-form"], "1% to 100%"),
    "a day that does not exist": (
        FLEET + "blacklist: {hosts: [{id: 2, until: 2026-02-30}]}\n",
        ["6:36 bad-date"],
        "calendar",
    ),
    "one GPU that is no list": (fleet(gpu="{models: RTX 3060}"), ["3:15 wrong-type"], "write [RTX 3060]"),
    "no GPU": (fleet(gpu="{models: []}"), ["3:15 empty-value"], "must not be empty"),
    "a misspelt GPU": (fleet(gpu="{models: [RTX 306O]}"), ["3:16 unknown-gpu"], "did you mean RTX 3060?"),
    "a GPU in two spellings": (fleet(gpu="{models: [RTX_3060, RTX3060]}"), ["3:26 repeated-value"], "twice"),
    # places
    "a state by its name": (FLEET + "regions: {blocked: [California]}\n", ["6:21 unknown-place"], "US-CA"),
    "a country by its name": (FLEET + "regions: {blocked: [Sweden]}\n", ["6:21 unknown-place"], "did you mean SE?"),
    "a tier that is blocked": (
        FLEET + "regions: {tiers: [{name: a, in: [SE]}], blocked: [Europe]}\n",
        ["6:34 contradicting-values"],
        "Europe",
    ),
    "two tiers of one name": (
        FLEET + "regions: {tiers: [{name: a, in: [SE]}, {name: a, in: [FR], bonus: 1}]}\n",
        ["6:47 repeated-value"],
        "rename",
    ),
    "nowhere at all": (FLEET + "regions: {elsewhere: refuse}\n", ["6:22 contradicting-values"], "no tiers"),
    "the old word for elsewhere": (
        FLEET + "regions: {elsewhere: allow}\n",
        ["6:22 unknown-value"],
        "must be refuse or a mapping (penalty)",
    ),
    "a penalty without a number": (FLEET + "regions: {elsewhere: {}}\n", ["6:11 missing-field"], "penalty: 0.25"),
    "a penalty below nothing": (FLEET + "regions: {elsewhere: {penalty: -1}}\n", ["6:32 out-of-range"], "from 0 to 2"),
    "a bonus of two": (
        FLEET + "regions: {tiers: [{name: a, in: [SE], bonus: 2}]}\n",
        ["6:46 out-of-range"],
        "from -1 to 1",
    ),
    # latency
    "users nowhere": (FLEET + "latency: {probe: true}\n", ["6:1 missing-field"], "latency.users_at is required"),
    "a latitude alone": (FLEET + "latency: {users_at: [37.77]}\n", ["6:21 wrong-form"], "2 entries, not 1"),
    "no coordinates at all": (FLEET + "latency: {users_at: []}\n", ["6:21 empty-value"], "must not be empty"),
    "a height too": (FLEET + "latency: {users_at: [1, 2, 3]}\n", ["6:21 too-long"], "at most 2"),
    "a town as coordinates": (FLEET + "latency: {users_at: Paris}\n", ["6:21 wrong-type"], "a list"),
    "longitude before latitude": (
        FLEET + "latency: {users_at: [-122.42, 37.77]}\n",
        ["6:22 out-of-range"],
        "did you mean [37.77, -122.42]?",
    ),
    "a latitude beyond the pole": (FLEET + "latency: {users_at: [91, 100]}\n", ["6:22 out-of-range"], "-90 to 90"),
    "a longitude beyond the date line": (
        FLEET + "latency: {users_at: [10, 181]}\n",
        ["6:26 out-of-range"],
        "-180 to 180",
    ),
    "a limit of nothing": (
        FLEET + "latency: {users_at: [1, 2], probe: true, max_ms: 0}\n",
        ["6:50 out-of-range"],
        "from 1",
    ),
    "a number as duration": (
        FLEET + "latency: {users_at: [1, 2], timeout: 3}\n",
        ["6:38 wrong-type"],
        "write 3s",
    ),
    "a duration in words": (
        FLEET + "latency: {users_at: [1, 2], timeout: 3 seconds}\n",
        ["6:38 wrong-form"],
        "500ms, 3s, 20m, 2h or 14d",
    ),
    "a timeout of an hour": (
        FLEET + "latency: {users_at: [1, 2], timeout: 1h}\n",
        ["6:38 out-of-range"],
        "100ms to 30s, not 1h",
    ),
    "a timeout of nothing": (FLEET + "latency: {users_at: [1, 2], timeout: 99ms}\n", ["6:38 out-of-range"], "99ms"),
    # scoring
    "a strategy nobody knows": (
        FLEET + "scoring: {strategy: cheapets}\n",
        ["6:21 unknown-value"],
        "did you mean cheapest?",
    ),
    "a strategy and weights": (
        FLEET + "scoring: {strategy: cheapest, weights: {price: 1}}\n",
        ["6:11 contradicting-values"],
        "keep one",
    ),
    "weights below one": (
        FLEET + "scoring: {weights: {price: 0.7, gpu: 0.2}}\n",
        ["6:11 weights-not-one"],
        "sum to 0.9, not to 1",
    ),
    "weights above one": (
        FLEET + "scoring: {weights: {price: 1, gpu: 0.2}}\n",
        ["6:11 weights-not-one"],
        "take 0.2 off",
    ),
    "no weights at all": (FLEET + "scoring: {weights: {}}\n", ["6:11 weights-not-one"], "sum to 0"),
    "a weight that is refused already is not summed": (
        FLEET + "scoring: {weights: {price: 1.5, gpu: -0.5}}\n",
        ["6:28 out-of-range", "6:38 out-of-range"],
        "from 0 to 1",
    ),
    "a misspelt weight": (
        FLEET + "scoring: {weights: {prize: 1, price: 1}}\n",
        ["6:21 unknown-field"],
        "did you mean price?",
    ),
    "a modifier of two": (FLEET + "scoring: {modifiers: {verified: 2}}\n", ["6:33 out-of-range"], "from -1 to 1"),
    # container
    "no tag": (fleet(container="{image: acme/june}"), ["5:20 image-without-tag"], "digest"),
    "an address as image": (fleet(container="{image: 'http://169.254.169.254/x'}"), ["5:20 bad-image"], "address"),
    "an option as image": (fleet(container="{image: --privileged}"), ["5:20 bad-image"], "registry/name:tag"),
    "a command as image": (fleet(container="{image: $(id)}"), ["5:20 bad-image"], "not expanded"),
    "a variable in an image": (fleet(container="{image: 'a/b:${TAG}'}"), ["5:20 bad-image"], "not expanded"),
    "credentials in an image": (fleet(container="{image: 'u:p@h.io/b:1'}"), ["5:20 bad-image"], "registry_login"),
    "an image of 2000 letters": (
        fleet(container="{image: " + "a" * 2000 + "}"),
        ["5:20 too-long"],
        "1024",
    ),
    "image and template": (
        fleet(container="{image: a/b:1, vast_template: 4e17788f74f0}"),
        ["5:27 image-and-template"],
        "keep one",
    ),
    "neither image nor template": (fleet(container="{}"), ["5:1 missing-field"], "an image or a vast_template"),
    "a port of zero": (fleet(container="{image: a/b:1, ports: [0]}"), ["5:35 out-of-range"], "65535"),
    "a port too high": (fleet(container="{image: a/b:1, ports: [65536]}"), ["5:35 out-of-range"], "65535"),
    "a port too high with protocol": (
        fleet(container="{image: a/b:1, ports: [65536/udp]}"),
        ["5:35 out-of-range"],
        "65535",
    ),
    "a port mapping": (fleet(container="{image: a/b:1, ports: [22:22]}"), ["5:35 wrong-form"], "8001/udp"),
    "a port twice": (fleet(container="{image: a/b:1, ports: [80, 80/tcp]}"), ["5:39 repeated-value"], "80/tcp"),
    "an assignment as variable": (fleet(container="{image: a/b:1, env: {A=B: x}}"), ["5:33 bad-env-name"], "letters"),
    "an option as variable": (fleet(container="{image: a/b:1, env: {-v: x}}"), ["5:33 bad-env-name"], "letters"),
    "a number as value": (fleet(container="{image: a/b:1, env: {A: 8001}}"), ["5:36 wrong-type"], "in quotes"),
    "a value of 300 letters": (
        fleet(container="{image: a/b:1, env: {A: '" + "x " * 150 + "'}}"),
        ["5:36 too-long"],
        "256",
    ),
    "a value of two lines": (
        fleet(container='{image: a/b:1, env: {A: "x\\ny"}}'),
        ["5:36 forbidden-character"],
        "only onstart",
    ),
    "257 variables": (
        fleet(container="{image: a/b:1, env: {" + ", ".join(f"A{i}: x" for i in range(257)) + "}}"),
        ["5:32 too-long"],
        "256",
    ),
    "our own key for the host": (
        fleet(container="{image: a/b:1, env: {A: {from_env: VAST_API_KEY}}}"),
        ["5:47 forbidden-secret"],
        "never reach a rented host",
    ),
    "a token of CI for the registry": (
        fleet(
            container="{image: a/b:1, registry_login: {server: a.io, username: b, password: {from_env: GITHUB_TOKEN}}}"
        ),
        ["5:92 forbidden-secret"],
        "never reach a rented host",
    ),
    "a script of 5000 bytes": (
        fleet(container="{image: a/b:1, onstart: '" + "x" * 5000 + "'}"),
        ["5:36 too-long"],
        "4096",
    ),
    "script and arguments too long together": (
        fleet(
            container="{image: a/b:1, ports: [1], connect: args, onstart: '"
            + "x " * 1500
            + "', args: ['"
            + "y " * 1500
            + "']}"
        ),
        ["5:54 too-long"],
        "4096",
    ),
    "a script with a NUL": (
        fleet(container='{image: a/b:1, onstart: "a\\0"}'),
        ["5:36 forbidden-character"],
        "NUL",
    ),
    "a script with Windows line ends": (
        fleet(container='{image: a/b:1, onstart: "a\\r\\nb"}'),
        ["5:36 forbidden-character"],
        "carriage return",
    ),
    "arguments that nobody passes on": (
        fleet(container="{image: a/b:1, args: [x]}"),
        ["5:27 contradicting-values"],
        "connect: args",
    ),
}


@pytest.mark.parametrize(("text", "expected", "words"), CASES.values(), ids=CASES.keys())
def test_a_malformed_spec_is_refused_where_it_is_wrong(folder, text, expected, words):
    diagnostics = folder.write("f.yaml", text).refused("f.yaml")
    assert [f"{d.place} {d.code}" for d in diagnostics] == [
        f"f.yaml:{each}" if ":" in each.split()[0] else f"f.yaml {each}" for each in expected
    ]
    assert words in "\n".join(map(render, diagnostics))


NUMBERS: dict[str, tuple[str, str, str | None]] = {
    # sentence: (a field, how the value is written there, what is suggested)
    "a number as duration": ("rollout: {canary: %s}", "15", "write 15s"),
    "a number that no duration has": ("rollout: {canary: %s}", "1.5", None),
    "true as duration": ("rollout: {canary: %s}", "true", None),
    "true as another duration": ("readiness: {boot_timeout: %s}", "true", None),
    "a number as percentage": ("rental: {kind: interruptible, bid_over_floor: %s}", "10", "write 10%"),
    "a fraction of a percentage": ("rental: {kind: interruptible, bid_over_floor: %s}", "12.5", "write 12.5%"),
    "a share, which may mean 20%": ("rental: {kind: interruptible, bid_over_floor: %s}", "0.2", None),
    "more than any percentage": ("rental: {kind: interruptible, bid_over_floor: %s}", "1000", None),
    "true as percentage": ("rental: {kind: interruptible, bid_over_floor: %s}", "true", None),
    "a fraction as number or percentage": ("rollout: {at_once: %s}", "1.5", None),
    "true as number or percentage": ("rollout: {at_once: %s}", "true", None),
    "a version": ("host: {min_cuda: %s}", "12.4", 'put it in quotes: "12.4"'),
    "a number that no version has": ("host: {min_cuda: %s}", "-12", None),
    "true as text": ("gpu: {models: [%s]}", "true", 'put it in quotes: "true"'),
    "a number as one of several words": ("rollout: {order: %s}", "1", None),
}


@pytest.mark.parametrize(("line", "written", "hint"), NUMBERS.values(), ids=NUMBERS.keys())
def test_what_is_suggested_for_a_number_is_accepted_there(folder, line, written, hint):
    name = line.split(":")[0]
    (found,) = folder.write("f.yaml", fleet(**{name: ""}) + line % written).refused()
    assert (found.code, found.suggestion) == ("wrong-type", hint)
    if hint is not None:
        folder.write(
            "f.yaml", fleet(**{name: ""}) + line % hint.removeprefix("write ").removeprefix("put it in quotes: ")
        )
        assert not [each for each in folder.judged() if each.code in ("wrong-type", "wrong-form")]


def test_a_number_or_a_percentage_is_said_to_be_wanted(folder):
    (found,) = folder.write("f.yaml", FLEET + "rollout: {at_once: 1.5}\n").refused()
    wanted = "a whole number from 1 to 10000 or a percentage from 1% to 100%"
    assert found.message == f"rollout.at_once must be {wanted}, not the number 1.5"


def test_the_caret_stands_under_the_mistake(folder):
    (wrong,) = folder.write("f.yaml", FLEET + "  \nreplica: 2\n").refused("f.yaml")
    assert render(wrong).splitlines() == [
        'f.yaml:7:1: error[unknown-field]: unknown field "replica"',
        "    7 | replica: 2",
        "        ^^^^^^^",
        "      = did you mean replicas?",
    ]


def test_the_caret_stands_under_an_indented_value_behind_a_wide_blank(folder):
    (wrong,) = folder.write("f.yaml", fleet(price="\n  max_per_hour:\t'x'")).refused("f.yaml")
    assert render(wrong).splitlines()[1:3] == ["    5 |   max_per_hour: 'x'", "                        ^^^"]


def test_everything_is_said_at_once_in_order(folder):
    folder.write("a.yaml", fleet(name="A") + "replica: 1\n").write("b.yaml", "a: [\n").write("c.yaml")
    assert folder.codes() == ["a.yaml:2:7 wrong-form", "a.yaml:6:1 unknown-field", "b.yaml:2:1 yaml-syntax"]


SECRETS = {
    "an OpenAI key": "sk-proj-abcdef0123456789abcdef",
    "a GitHub token": "ghp_abcdefghijklmnopqrst0123456789",
    "a Hugging Face token": "hf_abcdefghijklmnopqrst0123456789",
    "an AWS key": "AKIAIOSFODNN7EXAMPLE",
    "forty random characters": "Zk3vQ9xLm2Tn8RwYp5Ba7CdE1FgH4JsUoV6iX0qW",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
@pytest.mark.parametrize(
    "place", ["env: {A: '%s'}", "onstart: 'export A=%s'", "ports: [1], connect: args, args: ['%s']"]
)
def test_a_literal_secret_is_warned_of_and_never_shown(folder, secret, place):
    folder.write("f.yaml", fleet(container="{image: a/b:1, " + place % secret + "}"))
    (warning,) = folder.load("f.yaml").warnings
    assert (warning.code, warning.severity, warning.line) == ("literal-secret", "warning", 5)
    assert secret not in render(warning)
    assert "*" * len(secret) in warning.source


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
@pytest.mark.parametrize(
    "place", ["env: {%s: x y}", "image: '%s'", "registry_login: {password: '%s'}", "connect: %s", "env: {A: '%s': x}"]
)
def test_other_findings_of_the_line_do_not_show_it_either(folder, secret, place):
    folder.write("f.yaml", fleet(container="{" + place % secret + ", zzz: 1}"))
    assert secret not in "\n".join(map(render, folder.refused("f.yaml")))


def test_a_password_is_not_shown_even_where_it_looks_like_a_word(folder):
    folder.write(
        "f.yaml", fleet(container="{image: a/b:1, registry_login: {server: a.io, username: b, password: hunter2}}")
    )
    (wrong,) = folder.refused("f.yaml")
    assert wrong.code == "wrong-type"
    assert "hunter2" not in render(wrong)


def test_ordinary_scripts_are_no_secrets(folder):
    script = "pip install hf_transfer && python /workspace/stable-diffusion-webui/launch.py --listen --port 8000 --api"
    assert folder.write("f.yaml", fleet(container=f"{{image: a/b:1, onstart: '{script}'}}")).load().warnings == ()


WARNINGS = {
    "a tag that moves": (fleet(container="{image: acme/june:latest}"), "5:20 moving-tag", "fixed tag"),
    "a card not seen yet": (fleet(gpu="{models: [RTX 9999]}"), "3:16 unlisted-gpu", "RTX 9999"),
    "a budget below the cap": (
        fleet(price="{max_per_hour: 2, budget_per_hour: 1}"),
        "4:43 budget-below-cap",
        "lower one",
    ),
    "a penalty without tiers": (FLEET + "regions: {elsewhere: {penalty: 1}}\n", "6:32 no-effect", "add tiers"),
    "an order that orders nothing": (
        FLEET + "regions: {tiers: [{name: a, in: [SE]}, {name: b, in: [FR], bonus: 0.0}]}\n",
        "6:40 no-effect",
        "the tiers a and b",
    ),
    "Canada among US states": (
        FLEET + "regions: {tiers: [{name: a, in: [US-WA, CA]}]}\n",
        "6:41 country-like-a-state",
        "US-CA",
    ),
    "Gabon among US states that are out": (
        FLEET + "regions: {blocked: [GA, US-FL]}\n",
        "6:21 country-like-a-state",
        "Georgia is US-GA",
    ),
    "a limit that refuses nothing": (
        FLEET + "latency: {users_at: [1, 2], max_ms: 60, probe: false}\n",
        "6:37 no-effect",
        "trust_estimate: true",
    ),
    "a strategy of distance without users": (
        FLEET + "scoring: {strategy: low-latency}\n",
        "6:21 no-effect",
        "users_at",
    ),
    "a bid without the kind": (FLEET + "rental: {max_bid: 0.2}\n", "6:10 no-effect", "add kind: interruptible"),
    "a lost bid on demand": (FLEET + "rental: {kind: on-demand, outbid: {wait: 1h}}\n", "6:27 no-effect", "full price"),
    "a bid above the cap": (
        FLEET + "rental: {kind: interruptible, max_bid: 0.6}\n",
        "6:40 no-effect",
        "price.max_per_hour 0.5",
    ),
    "a weight of distance without users": (
        FLEET + "scoring: {weights: {latency: 0.5, price: 0.5}}\n",
        "6:30 no-effect",
        "its weight 0.5 goes to the others",
    ),
}


@pytest.mark.parametrize(("text", "expected", "words"), WARNINGS.values(), ids=WARNINGS.keys())
def test_what_may_be_meant_is_only_warned_of(folder, text, expected, words):
    (warning,) = folder.write("f.yaml", text).load("f.yaml").warnings
    assert f"{warning.line}:{warning.column} {warning.code}" == expected
    assert warning.severity == "warning"
    assert words in f"{warning.message} {warning.suggestion}"


QUIET = {
    "tiers whose order counts": "regions: {tiers: [{name: a, in: [SE], bonus: 1}, {name: b, in: [FR]}]}",
    "tiers that are taken in turn": "regions: {tiers: [{name: a, in: [SE]}, {name: b, in: [FR]}], strict_order: true}",
    "Canada in a tier of its own": "regions: {tiers: [{name: a, in: [US-CA], bonus: 1}, {name: b, in: [CA]}]}",
    "Canada beside a whole country": "regions: {tiers: [{name: a, in: [CA, US]}]}",
    "a limit on estimates": "latency: {users_at: [1, 2], max_ms: 60, trust_estimate: true}",
    "users at the pole and the date line": "latency: {users_at: [-90, 180], max_ms: 60, probe: true}",
    "the longest timeout": "latency: {users_at: [1, 2], timeout: 30s}",
    "the shortest timeout": "latency: {users_at: [1, 2], timeout: 100ms}",
    "a bid at the cap": "rental: {kind: interruptible, max_bid: 0.5, outbid: {wait: 0s, then: on-demand}}",
    "the longest wait for a lost bid": "rental: {kind: interruptible, outbid: {wait: 14d, then: replace}}",
    "bids at the floor, never raised": "rental: {kind: interruptible, bid_over_floor: 0%}",
    "rented on demand in so many words": "rental: {kind: on-demand}",
    "a weight of distance that is nothing": "scoring: {weights: {latency: 0, price: 1}}",
}


@pytest.mark.parametrize("text", QUIET.values(), ids=QUIET.keys())
def test_what_has_an_effect_is_not_warned_of(folder, text):
    assert folder.write("f.yaml", FLEET + text + "\n").load().warnings == ()


FULL_OF_MISTAKES = {
    "unknown fields": FLEET + "".join(f"k{index}: 1\n" for index in range(25_000)),
    "places nobody knows": FLEET + "regions: {blocked: [" + "Sweeeen," * 30_000 + "]}",
    "keys written twice": FLEET + "replicas: 1\n" * 18_000,
    "something near a secret": fleet(container="{image: a/b:1, onstart: '" + "sk-" * 80_000 + "'}"),
}


@pytest.mark.parametrize("text", FULL_OF_MISTAKES.values(), ids=FULL_OF_MISTAKES.keys())
def test_a_file_full_of_mistakes_is_answered_briefly(folder, text):
    assert 0 < len(folder.write("f.yaml", text).refused()) < 250


BIDS = {
    "a kind nobody knows": ("{kind: spot}", "6:16", "interruptible"),
    "a bid of nothing": ("{kind: interruptible, max_bid: 0}", "6:40", "0.001"),
    "a share without a percent sign": ("{kind: interruptible, bid_over_floor: 10}", "6:47", "bid_over_floor"),
    "a negative share": ("{kind: interruptible, bid_over_floor: -5%}", "6:47", "percentage"),
    "a wait without a unit": ("{kind: interruptible, outbid: {wait: 2 hours}}", "6:46", "duration"),
    "a wait of weeks": ("{kind: interruptible, outbid: {wait: 15d}}", "6:46", "from 0s to 14d"),
    "something else to do": ("{kind: interruptible, outbid: {then: wait}}", "6:46", "rebid"),
    "a misspelt field": ("{kind: interruptible, maxbid: 0.2}", "6:31", "did you mean max_bid"),
    "raised by nothing": (
        "{kind: interruptible, bid_over_floor: 0%, outbid: {then: rebid}}",
        "6:47",
        "raised by bid_over_floor, which is 0%",
    ),
    "raised by nothing, with decimals": (
        "{kind: interruptible, bid_over_floor: 0.00%, outbid: {then: rebid}}",
        "6:47",
        "which is 0.00%",
    ),
}


@pytest.mark.parametrize(("rental", "place", "words"), BIDS.values(), ids=BIDS.keys())
def test_what_is_wrong_about_bids_is_shown_in_its_place(folder, rental, place, words):
    (found,) = folder.write("f.yaml", f"{FLEET}rental: {rental}\n").refused()
    assert f"{found.line}:{found.column}" == place
    assert words in f"{found.message} {found.suggestion}"
