"""Keys, servers and scopes that are not what they should be: the right code, one clear line, no key, no traceback."""

from __future__ import annotations

import time

import pytest

from .stub import KEY, Reply, Seen, Stub, page_of_html, says, wrong_key
from .world import Shell, ended, fleet


def clear(ran, code):
    """One clear line on stderr, beside what is waited for, and nothing that should not be there."""
    assert ran.code == code, ran.said
    assert "Traceback" not in ran.said
    assert KEY not in ran.said
    lines = [line for line in ran.err.splitlines() if not line.startswith(("  try: ", "  ... "))]
    assert len(lines) == 1, ran.err
    assert lines[0].startswith(("error: ", "Error: "))
    return lines[0]


# --- keys -----------------------------------------------------------------------------------------


def test_no_key(stub, shell):
    ran = shell.apply(VAST_API_KEY=None)
    assert "no Vast.ai API key" in clear(ran, 1)
    assert "VAST_API_KEY" in ran.err
    assert stub.seen == []


@pytest.mark.parametrize("command", ["apply", "plan", "status", "offers"])
def test_a_wrong_key(stub, shell, command):
    wrong = "bad" * 20
    words = {"apply": ["--yes"], "offers": []}.get(command, [])
    first = ["june"] if command == "offers" else []
    ran = shell.run(command, *first, str(shell.spec), *words, VAST_API_KEY=wrong)
    assert "auth_error" in clear(ran, 1)
    assert wrong not in ran.said
    assert stub.mutations == []


def test_two_variables_that_differ(stub, shell):
    ran = shell.apply(VASTAI_API_KEY="other" * 9)
    assert "both set and differ" in clear(ran, 1)
    assert "other" * 9 not in ran.said
    assert stub.seen == []


def test_two_variables_that_agree(stub, shell):
    assert shell.apply("--no-wait", VASTAI_API_KEY=KEY).code == 0


def key_file(shell, mode, name="key"):
    path = shell.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{KEY}\n", encoding="ascii")
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_named_key_file_that_others_can_read(stub, shell, mode):
    path = key_file(shell, mode)
    ran = shell.apply(VAST_API_KEY=None, VAST_API_KEY_FILE=str(path))
    assert "can be read by others" in clear(ran, 1)
    assert f"chmod 600 {path}" in ran.err
    assert stub.seen == []


def test_a_named_key_file_of_ones_own(stub, shell):
    path = key_file(shell, 0o600)
    ran = shell.apply("--no-wait", VAST_API_KEY=None, VAST_API_KEY_FILE=str(path))
    assert ran.code == 0, ran.said
    assert {r.headers["Authorization"] for r in stub.seen} == {f"Bearer {KEY}"}


def test_a_named_key_file_that_is_not_there(stub, shell):
    ran = shell.apply(VAST_API_KEY=None, VAST_API_KEY_FILE="nowhere")
    assert "nowhere" in clear(ran, 1)


def test_the_official_clients_file_is_used_with_one_warning(stub, shell):
    path = key_file(shell, 0o644, ".config/vastai/vast_api_key")
    ran = shell.apply("--no-wait", VAST_API_KEY=None)
    assert ran.code == 0, ran.said
    assert ran.err.count("warning: ") == 1
    assert f"chmod 600 {path}" in ran.err
    assert KEY not in ran.said


def test_the_key_is_no_option(stub, shell):
    ran = shell.run("apply", str(shell.spec), "--api-key", "x")
    assert ran.code == 2
    assert stub.seen == []


# --- servers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["apply", "plan"])
def test_a_dead_server_is_said_soon(tmp_path, command):
    with Stub() as stub:
        gone = stub.url
    began = time.monotonic()
    shell = Shell(None, tmp_path)
    ran = ended(shell.start(command, str(shell.spec), *(["--yes"] if command == "apply" else []), VAST_URL=gone))
    assert time.monotonic() - began < 20
    assert "no connection" in clear(ran, 1)


def test_an_answer_in_html(stub, shell):
    stub.always("account", page_of_html)
    assert "not JSON" in clear(shell.apply(), 1)
    assert stub.mutations == []


def test_a_redirect_of_the_whole_server_is_an_error_and_is_not_followed(stub, shell):
    with Stub() as other:
        stub.always("account", says(301, b"", Location=f"{other.url}/api/v0/users/current"))
        assert "301" in clear(shell.apply(), 1)
        assert other.seen == []


def test_words_of_the_server_reach_the_terminal_without_control_characters(stub, shell):
    told = {"success": False, "error": "odd", "msg": f"\x1b[31mred\u202e and {KEY}\nerror: two"}
    stub.always("account", says(400, told))
    line = clear(shell.apply(), 1)
    assert "\x1b" not in line
    assert "\u202e" not in line


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://10.0.0.1:8080", "unencrypted"),
        ("http://vast.example.org", "unencrypted"),
        ("http://localhost.example.org", "unencrypted"),
        ("ftp://127.0.0.1", "not a server's address"),
        ("http://user:secret-word@127.0.0.1", "not a server's address"),
    ],
)
def test_a_server_that_the_key_must_not_travel_to(shell, url, word):
    ran = shell.apply(VAST_URL=url, RECONCILE_SETTLE=None)
    assert word in clear(ran, 2)
    assert "secret-word" not in ran.said


@pytest.mark.parametrize("url", [None, "https://console.vast.ai"])
def test_the_settle_time_is_not_shortened_where_money_is_at_stake(shell, url):
    ran = shell.apply(VAST_URL=url, RECONCILE_SETTLE="1")
    assert "RECONCILE_SETTLE" in clear(ran, 2)
    paceless = shell.apply(VAST_URL=url, RECONCILE_SETTLE=None, RECONCILE_PACE="0")
    assert "RECONCILE_PACE" in clear(paceless, 2)


@pytest.mark.parametrize("said", ["slow", "-1", "nan", "2", ""])
def test_a_pace_that_is_none(stub, shell, said):
    assert "RECONCILE_PACE" in clear(shell.apply(RECONCILE_PACE=said), 2)
    assert stub.seen == []


@pytest.mark.parametrize("said", ["soon", "-1", "nan", "inf", "1e9", ""])
def test_a_settle_time_that_is_none(stub, shell, said):
    assert "RECONCILE_SETTLE" in clear(shell.apply(RECONCILE_SETTLE=said), 2)
    assert stub.seen == []


def test_a_shortened_settle_time_settles_a_doubt_in_seconds(stub, shell):
    stub.on("rent", says(502, b""))
    assert shell.apply("--no-wait").code == 5
    time.sleep(1)
    assert shell.apply("--no-wait").code == 5
    time.sleep(1.1)
    ran = shell.apply("--no-wait")
    assert (ran.code, len(stub.of("rent"))) == (0, 2), ran.said


# --- scopes ---------------------------------------------------------------------------------------

NO_USER_READ = {
    "401": says(401, {"success": False, "error": "auth_error", "msg": "missing scope user_read"}),
    "403": says(403, {"success": False, "error": "forbidden", "msg": "missing scope user_read"}),
    "404 auth_error": wrong_key,
}


@pytest.mark.parametrize("answer", NO_USER_READ.values(), ids=NO_USER_READ.keys())
def test_a_key_that_may_not_read_the_account_plans_but_does_not_apply(stub, desk, answer):
    stub.always("account", answer)
    plan = desk.plan()
    assert plan.code == 0
    assert "1 to create" in plan.out
    assert "ccount not pinned" in plan.out
    ran = desk.apply()
    assert (ran.code, ran.mutations) == (1, [])
    assert "user_read" in ran.err or "key was refused" in ran.err
    assert not desk.ledger.exists()


def test_a_key_that_may_not_list_neither_plans_nor_applies(stub, desk):
    stub.always("list", says(403, {"success": False, "error": "forbidden", "msg": "missing scope instance_read"}))
    assert (desk.plan().code, desk.apply().code, stub.mutations) == (1, 1, [])


def test_a_key_that_may_not_rent_stops_the_rents_and_leaves_a_doubt(stub, desk):
    stub.always("rent", says(403, {"success": False, "error": "forbidden", "msg": "missing scope instance_write"}))
    ran = desk.apply()
    assert (ran.code, len(ran.mutations)) == (5, 1)


# --- secrets --------------------------------------------------------------------------------------

SECRET = """\
kind: Fleet
name: june
gpu: {models: [RTX 3060]}
price: {max_per_hour: 0.50}
container: {image: "ghcr.io/acme/june:1", env: {TOKEN: {from_env: TOKEN}}}
"""


def test_a_secret_that_is_not_set_is_missed_before_anything_is_sent(stub, shell):
    shell.spec.write_text(SECRET, encoding="utf-8")
    ran = shell.apply("--no-wait")
    assert ran.code == 4
    assert "held back by secret not set: TOKEN not set in the environment, so fleet june rents nothing" in ran.out
    assert "lifted by: export TOKEN" in ran.out
    assert stub.mutations == []
    assert stub.of("search") == [], "nothing is looked for that may not be rented"


def test_a_secret_that_one_fleet_lacks_holds_up_no_other(stub, desk, monkeypatch):
    """A dead host of another fleet is replaced in its time, with its grace remembered from run to run."""
    monkeypatch.delenv("TOKEN", raising=False)
    desk.declare(fleet("july"), SECRET)
    desk.apply()
    (dead,) = stub.instances
    stub.instances[dead]["actual_status"] = "offline"
    for _ in range(3):
        desk.clock.time += 600
        assert desk.apply().code == 4
    assert dead not in stub.instances
    assert len(stub.instances) == 1
    assert all("/july/" in row["label"] for row in stub.instances.values())
    monkeypatch.setenv("TOKEN", "hf-s3cret")
    assert desk.apply().code == 0
    assert len(stub.instances) == 2


def test_the_accounts_key_never_reaches_a_host_by_another_name(stub, shell):
    shell.spec.write_text(SECRET, encoding="utf-8")
    ran = shell.apply("--no-wait", TOKEN=KEY)
    assert ran.code == 1, ran.said
    assert stub.mutations == []
    assert KEY not in ran.said


def test_a_secret_that_the_server_echoes_is_not_printed(stub, shell):
    def echoes(stub: Stub, request: Seen) -> Reply:
        return Reply(400, {"success": False, "error": "invalid_args", "msg": f"bad: {request.body['env']}"})

    shell.spec.write_text(SECRET, encoding="utf-8")
    stub.on("rent", echoes)
    ran = shell.apply("--no-wait", TOKEN="hunter2-hunter2")
    assert ran.code == 1
    assert "invalid_args" in ran.said
    assert "hunter2" not in ran.said
