"""Settings of other tools become fields of a spec, each with where it came from; what is wrong has its place."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core import gpus, places
from reconciler.diagnostics import Diagnostic
from reconciler.errors import InvalidInput
from reconciler.spec.events import parse
from reconciler.spec.files import found_at
from reconciler.spec.first.judging import judge
from reconciler.spec.first.latency import latency_lines
from reconciler.spec.first.lines import LINES
from reconciler.spec.first.meanings import MEANINGS
from reconciler.spec.first.owning import owner_name
from reconciler.spec.first.settings import Settings, read_settings
from reconciler.spec.first.writing import policy_text, spec_text
from reconciler.spec.load import load
from reconciler.spec.page import Page
from reconciler.spec.rules import check_fleet, check_policy
from reconciler.spec.schema import check
from reconciler.spec.tree import plain

from .test_diagnostics_page import SECTIONS

FILE = "config.env"


def settings(folder: Path, text: str, file: str = FILE) -> Settings:
    (folder / file).write_text(text, encoding="utf-8")
    return read_settings(found_at(file, folder))


def fields(text: str) -> object:
    """The document of a written spec, without its kind and what every first spec has."""
    (document,), problems = parse(Page(FILE, Path(FILE), tuple(text.split("\n"))), text)
    assert problems == []
    assert check("fleet", document.root) == []
    assert [found for found in check_fleet(document.root) if not found.warning] == []
    return plain(document.root)


STANDARD = fields(spec_text("x"))


def made(folder: Path, text: str, file: str = FILE) -> dict[str, object]:
    """What settings change in the first spec, field by field; nothing is wrong with them."""
    found = settings(folder, text, file)
    assert found.diagnostics == []
    written = spec_text("x", found)
    assert judge(written, found) == []
    return dict(_changed((), fields(written), STANDARD))


def _changed(route, new, old):
    for name, value in new.items():
        before = old.get(name) if isinstance(old, dict) else None
        if isinstance(value, dict):
            yield from _changed((*route, name), value, before)
        elif value != before:
            yield ".".join((*route, name)), value


def tiers(*tokens: str) -> dict[str, object]:
    rows = [{"name": token.lower().replace(" ", "-"), "in": [token]} for token in tokens]
    return {"regions.tiers": rows, **({"regions.strict_order": True} if len(rows) > 1 else {})}


# --- one setting at a time ----------------------------------------------------------------------------

ENV = {
    "a GPU": ("VAST_GPU_TYPE=RTX3060", {"gpu.models": ["RTX 3060"]}),
    "several GPUs, in any spelling": (
        'VAST_GPU_TYPE="rtx_4090, A100-SXM4,RTX 3090"',
        {"gpu.models": ["RTX 4090", "A100 SXM4", "RTX 3090"]},
    ),
    "the same GPU twice": ("VAST_GPU_TYPE=RTX3060,RTX_3060", {"gpu.models": ["RTX 3060"]}),
    "memory in GB": ("VAST_MIN_GPU_MEMORY=12", {"gpu.min_vram_gb": 12}),
    "memory in MB": ("VAST_MIN_GPU_MEMORY=24564", {"gpu.min_vram_gb": 24}),
    "memory of a thousand is GB still": ("VAST_MIN_GPU_MEMORY=1000", {"gpu.min_vram_gb": 1000}),
    "memory that is no whole number of GB": ("VAST_MIN_GPU_MEMORY=12000", {"gpu.min_vram_gb": Decimal("11.7")}),
    "memory with its unit": ("VAST_MIN_GPU_MEMORY=16384 MB", {"gpu.min_vram_gb": 16}),
    "memory with a small unit's name": ("VAST_MIN_GPU_MEMORY=24gb", {"gpu.min_vram_gb": 24}),
    "a price": ("VAST_MAX_PRICE_PER_HOUR=0.35", {"price.max_per_hour": Decimal("0.35")}),
    "a price in dollars": ("VAST_MAX_PRICE_PER_HOUR=$1.25/h", {"price.max_per_hour": Decimal("1.25")}),
    "a price without a zero": ("VAST_MAX_PRICE_PER_HOUR=.25", {"price.max_per_hour": Decimal("0.25")}),
    "a share": ("VAST_RELIABILITY_SCORE=0.9", {"host.min_reliability": Decimal("0.9")}),
    "a share in percent": ("VAST_RELIABILITY_SCORE=98", {"host.min_reliability": Decimal("0.98")}),
    "a share with its sign": ("VAST_RELIABILITY_SCORE=99.5%", {"host.min_reliability": Decimal("0.995")}),
    "all of it": ("VAST_RELIABILITY_SCORE=1", {"host.min_reliability": 1}),
    "speeds": (
        "VAST_MIN_DOWNLOAD_SPEED=200\nVAST_MIN_UPLOAD_SPEED=150Mbps",
        {"host.min_download_mbps": 200, "host.min_upload_mbps": 150},
    ),
    "a country": ("VAST_DATACENTER_LOCATION=US", tiers("US")),
    "a continent in short": ("VAST_DATACENTER_LOCATION=EU", tiers("Europe")),
    "a continent in capitals": ("VAST_DATACENTER_LOCATION=ASIA", tiers("Asia")),
    "places in order": ("VAST_PREFERRED_REGIONS=US-CA,us_tx,Canada,NO", tiers("US-CA", "US-TX", "CA", "NO")),
    "preferences come before the location, whatever the order": (
        "VAST_DATACENTER_LOCATION=US\nVAST_PREFERRED_REGIONS=US-CA,US-WA",
        tiers("US-CA", "US-WA", "US"),
    ),
    "a location that is among the preferences": (
        "VAST_PREFERRED_REGIONS=US-CA,US,CA\nVAST_DATACENTER_LOCATION=US",
        tiers("US-CA", "US", "CA"),
    ),
    "verified hosts": ("VAST_VERIFIED_ONLY=true", {"host.require": ["verified"]}),
    "unverified ones too": ("VAST_VERIFIED_ONLY=no", {"host.require": []}),
    "what can be rented": ("VAST_RENTABLE_ONLY=1", {}),
    "what cannot": ("VAST_RENTABLE_ONLY=false", {}),
    "an empty value is none": ("VAST_GPU_TYPE=\nVAST_MAX_PRICE_PER_HOUR=''", {}),
    "an empty file": ("", {}),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), ENV.values(), ids=ENV.keys())
def test_a_line_of_an_env_file_becomes(tmp_path, text, expected):
    assert made(tmp_path, text) == expected


PROVIDER = {
    "cards, memory, price and disk": (
        "preferredGpuTypes: ['RTX 4090', RTX_3090]\nminVramGb: 24\nmaxHourlyUsd: 1.00\ndefaultDiskGb: 50\n",
        {
            "gpu.models": ["RTX 4090", "RTX 3090"],
            "gpu.min_vram_gb": 24,
            "price.max_per_hour": Decimal("1.00"),
            "container.disk_gb": 50,
        },
    ),
    "the same in JSON": (
        '{"vast": {"preferredGpuTypes": ["L4"], "minVramGb": 24576, "maxHourlyUsd": 2, "defaultDiskGb": 50.5}}',
        {"gpu.models": ["L4"], "gpu.min_vram_gb": 24, "price.max_per_hour": 2, "container.disk_gb": 51},
    ),
    "JSON over several lines": ('\n{\n  "maxHourlyUsd":\n    0.75\n}\n', {"price.max_per_hour": Decimal("0.75")}),
    "a list of preferred cards": ("gpu: {preferred_types: [RTX3060, L40S]}", {"gpu.models": ["RTX 3060", "L40S"]}),
    "blocked hosts": ("blacklist:\n  blocked_hosts: [12345, '12346', 12345]\n", {"blacklist.hosts": [12345, 12346]}),
    "no blocked hosts": ("blacklist: {blocked_hosts: []}\n", {}),
    "blocked places": ("blacklist: {blocked_locations: [RU, CN]}\n", {"regions.blocked": ["RU", "CN"]}),
    "a latency check is no field of the tree yet": ("latency_check: {enabled: true, max_acceptable_ms: 50}\n", {}),
    "a selection": (
        "selection:\n  gpu: {fallback_types: [RTX_3060, RTX_3090], primary_type: RTX_4060, memory_gb: 8, count: 2}\n"
        "  performance: {min_download_mbps: 50, min_upload_mbps: 60, reliability_score: 0.85,"
        " max_price_per_hour: 0.8, verified_only: false, rentable_only: true}\n",
        {
            "gpu.models": ["RTX 4060", "RTX 3060", "RTX 3090"],
            "gpu.min_vram_gb": 8,
            "gpu.count": 2,
            "host.min_download_mbps": 50,
            "host.min_upload_mbps": 60,
            "host.min_reliability": Decimal("0.85"),
            "host.require": [],
            "price.max_per_hour": Decimal("0.8"),
        },
    ),
    "the text of a ConfigMap": (
        "kind: ConfigMap\ndata:\n  selection.yaml: |\n    selection:\n      gpu:\n        type: RTX3090\n"
        "---\nkind: ConfigMap\ndata:\n  weights.yaml: |\n    blacklist:\n      blocked_hosts: [7]\n",
        {"gpu.models": ["RTX 3090"], "blacklist.hosts": [7]},
    ),
    "names of an env file, below a key": ("env: {VAST_GPU_TYPE: RTX3090}\n", {"gpu.models": ["RTX 3090"]}),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), PROVIDER.values(), ids=PROVIDER.keys())
def test_a_provider_config_becomes(tmp_path, text, expected):
    assert made(tmp_path, text, "provider.yaml") == expected


def test_every_known_setting_is_in_these_tables():
    tables = " ".join(text for table in (ENV, PROVIDER) for text, _ in table.values())
    assert [keys for keys in MEANINGS if keys[-1] not in tables] == []


def test_every_setting_is_told_with_its_line_also_within_a_text(tmp_path):
    text = PROVIDER["the text of a ConfigMap"][0]
    spec = spec_text("x", settings(tmp_path, text, "p.yaml"))
    assert "models: [RTX 3090] # from selection.gpu.type, p.yaml:6" in spec
    assert "hosts: [7] # from blacklist.blocked_hosts, p.yaml:12" in spec


# --- latency ------------------------------------------------------------------------------------------

LATENCY = {
    "all of it": (
        "latency_check: {enabled: true, max_acceptable_ms: 50, timeout_seconds: 5}",
        {"max_ms": 50, "probe": True, "timeout": "5s"},
    ),
    "fractions are rounded up": (
        "latency_check: {max_latency_ms: 49.5, timeout: 2.5}", {"max_ms": 50, "probe": True, "timeout": "3s"},
    ),
    "on, without numbers": ("latency_check: true", {"probe": True}),
    "off": ("latency_check: {enabled: false, max_acceptable_ms: 50}", None),
    "off, in a word": ("latency_check: off", None),
}  # fmt: skip


def uncommented(text: str) -> str:
    """The text with every example taken out of its comment."""
    return re.sub(r"^(\s*)# (?=\s*(?:[a-z_]+:|- \{))", r"\1", text, flags=re.MULTILINE)


@pytest.mark.parametrize(("text", "expected"), LATENCY.values(), ids=LATENCY.keys())
def test_a_latency_check_becomes(tmp_path, text, expected):
    found = settings(tmp_path, text, "p.yaml")
    assert found.diagnostics == []
    lines = latency_lines([part for parts in found.parts.values() for part in parts])
    if expected is None:
        assert lines == []
        assert "not enabled there" in found.remarks[0]
    else:
        block = uncommented("\n".join(lines))
        (document,), _ = parse(Page("p", Path("p"), tuple(block.split("\n"))), block)
        told = plain(document.root)
        assert told["latency"].items() >= expected.items()
        assert "from latency_check" in block


def test_what_is_not_understood_of_a_latency_check_is_named(tmp_path):
    found = settings(tmp_path, "latency_check: {max_ms: 50, retries: 3, regions: [a]}", "p.yaml")
    assert found.unknown == ["latency_check.retries", "latency_check.regions"]


# --- what is wrong ------------------------------------------------------------------------------------

WRONG = {
    "a price that is no number": ("VAST_MAX_PRICE_PER_HOUR=cheap", "1:25 wrong-type for example 0.50"),
    "a price with a comma": ("X=1\nVAST_MAX_PRICE_PER_HOUR='0,50'", "2:26 wrong-type write 0.50"),
    "a price in euros": ("VAST_MAX_PRICE_PER_HOUR=0.50€", "1:25 wrong-type write 0.50"),
    "a price below nothing": ("VAST_MAX_PRICE_PER_HOUR=-1", "1:25 wrong-type for example"),
    "a price of nothing": ("VAST_MAX_PRICE_PER_HOUR=0", "1:25 out-of-range"),
    "a price beyond all": ("VAST_MAX_PRICE_PER_HOUR=500", "1:25 out-of-range"),
    "something to expand": ("VAST_MIN_UPLOAD_SPEED=${SPEED:-100}", "1:23 wrong-type nothing is expanded"),
    "a GPU with its digits turned": ("VAST_GPU_TYPE=RTX3060,RTX_3900", "1:23 unknown-gpu did you mean RTX 3090"),
    "a GPU in short": ("export VAST_GPU_TYPE=A4000", "1:22 unknown-gpu did you mean RTX A4000"),
    "a family of GPUs": ("VAST_GPU_TYPE=H100", "1:15 unknown-gpu did you mean H100 NVL or H100 PCIE or H100 SXM"),
    "a GPU like none": ("VAST_GPU_TYPE=Voodoo2", "1:15 unknown-gpu write a name of the market"),
    "a state that is none": ("VAST_PREFERRED_REGIONS=US-CA,US-XX", "1:30 unknown-place write US-CA"),
    "a misspelt continent": ("VAST_DATACENTER_LOCATION=Eurpoe", "1:26 unknown-place did you mean Europe"),
    "a reliability beyond all": ("VAST_RELIABILITY_SCORE=950", "1:24 out-of-range for example 0.95"),
    "neither yes nor no": ("VAST_VERIFIED_ONLY=perhaps", "1:20 wrong-type write true or false"),
    "memory in another unit": ("VAST_MIN_GPU_MEMORY=12 TB", "1:21 wrong-type for example 12"),
    "memory without end": ("VAST_MIN_GPU_MEMORY=99999999", "1:21 out-of-range"),
    "a list where a number is": ("maxHourlyUsd: [1, 2]", "1:15 wrong-type for example"),
    "a mapping where a list is": ("preferredGpuTypes: {a: b}", "1:20 wrong-type"),
    "a list of lists": ("preferredGpuTypes: [[RTX 3060]]", "1:21 wrong-type"),
    "a host that is no number": ("blocked_hosts: [1, evil.example]", "1:20 wrong-type"),
    "a disk too small": ("defaultDiskGb: 4", "1:16 out-of-range"),
    "half a GPU": ("gpu: {count: 0.5}", "1:14 wrong-type"),
    "a latency that is no number": ("latency_check: {max_ms: low}", "1:25 wrong-type for example 60"),
    "a place that is blocked and wanted": (
        "VAST_PREFERRED_REGIONS: US-CA\nblacklist: {blocked_locations: [US]}", "1:25 contradicting-values",
    ),
    "a wrong value within a text": (
        "data:\n  a.yaml: |\n    # words\n    gpu:\n      type: RTX3909\n", "5:13 unknown-gpu did you mean RTX 3090",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_value_is_told_at_its_place(tmp_path, text, expected):
    found = settings(tmp_path, text)
    (only,) = [*found.diagnostics, *judge(spec_text("x", found), found)]
    place, code, *hint = expected.split(" ", 2)
    assert (only.severity, f"{only.line}:{only.column}", only.code, only.file) == ("error", place, code, FILE)
    assert not hint or (only.suggestion or "").startswith(hint[0])
    assert code in SECTIONS


def test_everything_wrong_is_told_at_once(tmp_path):
    text = "\n".join(text for text, _ in WRONG.values() if text.startswith("VAST_") and "\n" not in text)
    found = settings(tmp_path, "VAST_GPU_TYPE=A4000,Voodoo2\nVAST_RELIABILITY_SCORE=950\nVAST_VERIFIED_ONLY=x\n")
    assert [each.line for each in found.diagnostics] == [1, 1, 2, 3]
    assert settings(tmp_path, text).diagnostics  # Each name is there several times: the last ones count.


# --- what is not copied -------------------------------------------------------------------------------


def test_secrets_are_named_and_their_values_are_nowhere(tmp_path):
    text = (
        "VAST_API_KEY=aaaa1111\nMY_TOKEN='bbbb2222'\nexport DB_PASSWORD=cccc3333\nSECRET_WORD=dddd4444\n"
        'PEM="-----BEGIN PRIVATE KEY-----\nVAST_GPU_TYPE=eeee5555\n-----END PRIVATE KEY-----"\n'
        "PLAIN=hf_abcdefghijklmnop1234567890\nVAST_MAX_PRICE_PER_HOUR=0.3\n"
    )
    found = settings(tmp_path, text)
    assert found.secrets == ["VAST_API_KEY", "MY_TOKEN", "DB_PASSWORD", "SECRET_WORD", "PEM", "PLAIN"]
    assert found.unknown == []
    said = spec_text("x", found) + str(found.remarks)
    assert not [value for value in ("aaaa", "bbbb", "cccc", "dddd", "eeee", "BEGIN", "hf_") if value in said]


def test_secrets_of_a_tree_are_named_too(tmp_path):
    text = "apiKey: aaaa\nauth: {sshKeyPath: x, note: sk-abc123def456ghi789}\nsecrets: {a: b}\nport: 1\n"
    found = settings(tmp_path, text, "p.yaml")
    assert found.secrets == ["apiKey", "auth.sshKeyPath", "auth.note", "secrets"]
    assert found.unknown == ["port"]


def test_what_is_not_understood_is_named_by_its_largest_part_and_its_value_is_not(tmp_path):
    text = "a: {b: {c: value1, d: value2}}\ne: {minVramGb: 8, f: value3}\ng:\n- h: value4\n"
    found = settings(tmp_path, text, "p.yaml")
    assert found.unknown == ["a", "e.f", "g"]
    assert "value" not in spec_text("x", found)


def test_a_name_is_safe_to_print(tmp_path):
    found = settings(tmp_path, '"a\\tx\\nb": 1\nminVramGb: 8\n', "p.yaml")
    assert found.unknown == ["a\\u0009x\\u000ab"]


def test_a_name_that_no_spec_could_have_stops_nothing(tmp_path):
    found = settings(tmp_path, "größe: 1\n12: 3\nminVramGb: 8\n", "p.yaml")
    assert found.unknown == ["line 1", "line 2"]
    assert "min_vram_gb: 8" in spec_text("x", found)


# --- the form of the files ----------------------------------------------------------------------------


def test_the_last_of_several_lines_counts_as_in_a_shell_and_the_others_are_told(tmp_path):
    found = settings(tmp_path, "VAST_MIN_GPU_MEMORY=8\n#\nVAST_MIN_GPU_MEMORY=16\n")
    (told,) = found.diagnostics
    assert (told.severity, told.code, told.line) == ("warning", "duplicate-key", 1)
    assert "min_vram_gb: 16" in spec_text("x", found)


def test_two_settings_for_one_field_are_told(tmp_path):
    found = settings(tmp_path, "maxHourlyUsd: 1\nperformance: {max_price_per_hour: 2}\n", "p.yaml")
    (told,) = found.diagnostics
    assert (told.severity, told.code, told.line) == ("warning", "repeated-value", 2)


FORMS = {
    "blanks and comments": "\n  # VAST_GPU_TYPE=no\n\t VAST_MIN_GPU_MEMORY = 12   # GB\n",
    "line ends of another system": "A=1\r\nVAST_MIN_GPU_MEMORY=12\r\n",
    "a mark at the start": "\ufeffVAST_MIN_GPU_MEMORY=12",
    "export": "set -a\nexport   VAST_MIN_GPU_MEMORY=12",
    "double quotes": 'VAST_MIN_GPU_MEMORY="12" # GB',
    "single quotes": "VAST_MIN_GPU_MEMORY='12'",
    "a text over several lines before it": "A='x\nVAST_MIN_GPU_MEMORY=9\n'\nVAST_MIN_GPU_MEMORY=12",
    "an escaped quote before it": 'A="x \\" y"\nVAST_MIN_GPU_MEMORY=12',
    "an address before it": "URL=http://x: y\nVAST_MIN_GPU_MEMORY=12",
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS.keys())
def test_an_env_file_may_be_written_so(tmp_path, text):
    assert made(tmp_path, text) == {"gpu.min_vram_gb": 12}


UNREADABLE = {
    "two readings": ("minVramGb: 1\nminVramGb: 2\n", "2 duplicate-key"),
    "no YAML": ("a: [1\n", "2 yaml-syntax"),
    "a key that is a list": ("minVramGb: 8\n? [a]\n: 1\n", "2 key-not-text"),
    "an anchor": ("a: &x 1\nb: *x\n", "1 yaml-anchor"),
}


@pytest.mark.parametrize(("text", "expected"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_tree_that_cannot_be_read_is_refused_with_its_place(tmp_path, text, expected):
    with pytest.raises(InvalidInput) as caught:
        settings(tmp_path, text, "p.yaml")
    first: Diagnostic = caught.value.diagnostics[0]
    assert f"{first.line} {first.code}" == expected


# --- the text that is written -------------------------------------------------------------------------


def test_every_field_of_the_first_spec_is_explained_and_no_line_is_too_long():
    for line in spec_text("../schemas/fleet.schema.json").splitlines():
        assert len(line) <= 120, line
        opens_a_block = re.fullmatch(r"(# )?[a-z_]+:", line)
        assert opens_a_block or line == "kind: Fleet" or "- {" in line or "# " in line, line


def test_every_example_counts_once_its_comment_is_taken_away():
    told = fields(uncommented(spec_text("x")))
    for line in LINES:
        block = told[line.block] if line.block else told
        assert line.name in block, line.name


def test_every_example_of_the_policy_counts_too():
    text = uncommented(policy_text("x", "june"))
    (document,), problems = parse(Page("p", Path("p"), tuple(text.split("\n"))), text)
    assert problems == []
    assert [*check("policy", document.root), *check_policy(document.root)] == []
    assert set(plain(document.root)) == {"kind", "owner", "limits", "protect", "blacklist", "defaults"}


def test_a_country_that_others_read_as_no_is_in_quotes(tmp_path):
    assert '{name: "no", in: ["NO"]}' in spec_text("x", settings(tmp_path, "VAST_PREFERRED_REGIONS=NO"))


def test_many_hosts_are_folded(tmp_path):
    ids = list(range(10**9, 10**9 + 200))
    assert made(tmp_path, f"blocked_hosts: {ids}", "p.yaml") == {"blacklist.hosts": ids}
    assert max(map(len, spec_text("x", settings(tmp_path, f"blocked_hosts: {ids}", "p.yaml")).splitlines())) < 200


@given(
    models=st.lists(st.sampled_from(gpus.KNOWN), min_size=1, max_size=5, unique=True),
    regions=st.lists(st.sampled_from(["US", "US-CA", "SE", "NO", "Europe", "North America"]), unique=True),
    price=st.decimals("0.001", "128", places=3),
    memory=st.integers(1, 1000) | st.integers(1025, 10**6),
    reliability=st.integers(0, 100),
    hosts=st.lists(st.integers(1, 10**15 - 1), max_size=20, unique=True),
)
def test_what_is_written_means_what_was_read(tmp_path_factory, models, regions, price, memory, reliability, hosts):
    folder = tmp_path_factory.mktemp("settings")
    text = (
        f"VAST_GPU_TYPE: {','.join(models)}\nVAST_PREFERRED_REGIONS: '{','.join(regions)}'\nmaxHourlyUsd: {price}\n"
        f"minVramGb: {memory}\nVAST_RELIABILITY_SCORE: {reliability}\nblocked_hosts: {hosts}\n"
    )
    found = settings(folder, text, "p.yaml")
    assert found.diagnostics == []
    (folder / "spec.yaml").write_text(spec_text("x", found), encoding="utf-8")
    (fleet,) = load(["spec.yaml"], cwd=folder).fleets
    assert fleet.gpu.models == tuple(models)
    assert [tier.places for tier in fleet.regions.tiers] == [(token,) for token in regions]
    assert fleet.price.max_per_hour == price
    wanted = Decimal(memory) / 1024 if memory > 1000 else Decimal(memory)
    assert abs(fleet.gpu.min_vram_gb - wanted) <= Decimal("0.05")
    assert fleet.host.min_reliability == (Decimal(reliability) / 100 if reliability > 1 else reliability)
    assert [banned.id for banned in fleet.blacklist.hosts] == hosts


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_and_no_word_of_it_is_written(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("settings")
    try:
        found = settings(folder, f"A={text}\nMINE='canary-{text}'\n")
    except InvalidInput:
        return
    written = spec_text("x", found)
    assert "canary" not in written
    fields(written)


@given(st.text(max_size=40))
def test_any_folder_names_an_owner(name):
    assert re.fullmatch("[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?", owner_name(name))


@given(st.text(max_size=20))
def test_a_place_in_other_words_is_a_place(word):
    said = places.spelt(word)
    assert said is None or places.is_known(said)
