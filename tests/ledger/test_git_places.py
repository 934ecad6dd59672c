"""What `RECONCILE_LEDGER` may say of a git repository, and what git is told of it."""

from __future__ import annotations

from base64 import b64encode
from contextlib import suppress
from pathlib import Path

import pytest
from builders import known, record
from repositories import PASSWORD, REF, Bridge, git, tip_of, wrapper

from reconciler.core.secret import Hidden
from reconciler.errors import NotSaved
from reconciler.ledger.git.place import GitPlace, place_of
from reconciler.ledger.git.store import GitStore

MEANT = {
    "git:origin": ("origin", REF),
    "git:origin#refs/reconcile/ledger": ("origin", REF),
    "git:../ledger.git#refs/heads/ledger-of_2.x": ("../ledger.git", "refs/heads/ledger-of_2.x"),
    "git:git@github.com:acme/specs.git#refs/a/b": ("git@github.com:acme/specs.git", "refs/a/b"),
    "git:https://x:y@github.com/acme/specs": ("https://x:y@github.com/acme/specs", REF),
    "git:ssh://git@host:2222/~/specs.git": ("ssh://git@host:2222/~/specs.git", REF),
    "git:http://127.0.0.1:8080/specs.git": ("http://127.0.0.1:8080/specs.git", REF),
    "git:/srv/odd#name.git#refs/a/b": None,
    "git:": None,
    "git:#refs/a/b": None,
    "git:--upload-pack=touch /tmp/x#refs/a/b": None,
    "git:ext::sh -c true#refs/a/b": None,
    "git:origin#": None,
    "git:origin#main": None,
    "git:origin#refs/reconcile": None,
    "git:origin#refs/reconcile/": None,
    "git:origin#refs//ledger": None,
    "git:origin#refs/a/../b": None,
    "git:origin#refs/a/b.lock": None,
    "git:origin#refs/a/.b": None,
    "git:origin#refs/a/b:refs/heads/main": None,
    "git:origin#refs/a/b c": None,
    "git:or\nigin#refs/a/b": None,
    "git:http://github.com/acme/specs": None,
    "git:git://github.com/acme/specs": None,
    "git:ftp://127.0.0.1/specs": None,
    "git:https:///specs": None,
    "git:https://[half": None,
    "https://x:secret-word@github.com/acme/specs#refs/a/b": None,
    "origin#refs/reconcile/ledger": None,
    "Git:origin": None,
    "github:acme/specs": None,
}


@pytest.mark.parametrize(("said", "meant"), MEANT.items(), ids=MEANT.keys())
def test_a_place_is_understood_or_refused_with_the_right_form(said, meant):
    if meant is None:
        with pytest.raises(NotSaved, match="RECONCILE_LEDGER") as refusal:
            place_of(Hidden(said))
        assert "git:REMOTE#refs/reconcile/ledger" in refusal.value.hint or "https" in refusal.value.hint
        assert "secret-word" not in f"{refusal.value} {refusal.value.hint}"
    else:
        assert place_of(Hidden(said)) == GitPlace(*meant)


@pytest.mark.parametrize("said", ["/var/lib/ledger.db", "./git:odd.db", "git.db", "C:/ledger.db", "./foo:bar"])
def test_all_else_is_a_file(said):
    assert place_of(Hidden(said)) == Path(said)


def test_a_place_does_not_show_itself():
    assert "secret-word" not in repr(place_of(Hidden("git:https://me:secret-word@host/x.git")))


# --- from the place to the repository -------------------------------------------------------------


def saved_at(remote: str, folder: Path, **options: object) -> str:
    """Where a store of this remote says that it is, once it has saved something."""
    store = GitStore(GitPlace(Hidden(remote)), account=1, owner="default", folder=folder, **options)
    store.load()
    store.save(record(known()))
    store.close()
    reader = GitStore(GitPlace(Hidden(remote)), account=1, owner="default", folder=folder, read_only=True)
    assert reader.load() == record(known())
    reader.close()
    return store._ref.shown


@pytest.fixture
def specs(tmp_path: Path, bare: Path) -> Path:
    """A repository of specs, with the bare one as its origin and a file that is not committed."""
    folder = tmp_path / "specs"
    folder.mkdir()
    git(folder, "init", "--quiet", ".")
    (folder / "june.yaml").write_text("kind: Fleet\n")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "first")
    git(folder, "remote", "add", "origin", "../ledger.git")
    (folder / "may.yaml").write_text("kind: Fleet\n")
    git(folder, "add", "may.yaml")
    return folder


@pytest.mark.parametrize("form", ["origin", "../ledger.git", "file://{bare}", "{bare}"])
def test_a_remote_is_a_name_a_path_or_a_url(specs, bare, form):
    assert saved_at(form.format(bare=bare), specs) == f"git:{form.format(bare=bare)}#{REF}"
    assert tip_of(bare)


def test_a_name_is_found_from_a_folder_below(specs, bare):
    below = specs / "fleets"
    below.mkdir()
    saved_at("origin", below)
    assert tip_of(bare)


def test_the_address_for_pushing_is_the_one_that_is_written_to(specs, bare):
    git(specs, "remote", "set-url", "origin", "/nowhere")
    git(specs, "remote", "set-url", "--push", "origin", str(bare))
    store = GitStore(GitPlace(Hidden("origin")), account=1, owner="default", folder=specs)
    store.load()
    store.save(record(known()))
    store.close()
    assert tip_of(bare)


def test_a_name_that_is_no_remote_is_refused(specs):
    with pytest.raises(NotSaved, match="no git remote upstream"):
        saved_at("upstream", specs)


def everything(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_the_repository_of_the_specs_is_left_as_it_is(specs, tmp_path, monkeypatch):
    """Its work tree, index, refs, objects, settings and hooks; also where this runs inside one of its hooks."""
    told = tmp_path / "told"
    for hook in ("pre-push", "reference-transaction", "post-checkout"):
        path = specs / ".git" / "hooks" / hook
        path.write_text(f"#!/bin/sh\ntouch {told}\n")
        path.chmod(0o755)
    before = everything(specs)
    monkeypatch.setenv("GIT_DIR", str(specs / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(specs / ".git" / "index"))
    saved_at("origin", specs)
    assert everything(specs) == before
    assert not told.exists()


def test_nothing_of_the_users_settings_runs_or_is_sent_besides(specs, bare, tmp_path, monkeypatch):
    """Hooks and templates for every repository, signatures, push options."""
    told, hooks, settings = tmp_path / "told", tmp_path / "hooks", tmp_path / "settings"
    hooks.mkdir()
    for hook in ("pre-push", "reference-transaction"):
        (hooks / hook).write_text(f"#!/bin/sh\ntouch {told}\n")
        (hooks / hook).chmod(0o755)
    settings.write_text(
        f"[core]\n hooksPath = {hooks}\n[push]\n gpgSign = true\n followTags = true\n pushOption = ci.skip\n"
        "[commit]\n gpgSign = true\n[fetch]\n prune = true\n[user]\n name = somebody\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "somebody")
    saved_at(f"file://{bare}", specs)
    assert git(bare, "log", "-1", "--format=%an %ae %cn %G?", REF) == "reconcile reconcile@localhost reconcile N"
    assert git(bare, "for-each-ref", "--format=%(refname)") == REF


def test_git_is_given_no_key_and_no_trace_to_write(specs, tmp_path, monkeypatch):
    told = tmp_path / "told"
    for name in ("VAST_API_KEY", "VASTAI_API_KEY", "RECONCILE_PLAN_KEY", "GIT_TRACE", "GIT_TRACE_CURL"):
        monkeypatch.setenv(name, "canary-word")
    monkeypatch.setenv("SSH_AUTH_SOCK", "kept")
    saved_at("origin", specs, program=wrapper(tmp_path / "bin", f'env >> {told}; exec "$GIT" "$@"'))
    assert "canary-word" not in told.read_text()
    assert "SSH_AUTH_SOCK=kept" in told.read_text()


def test_a_working_area_is_removed_at_the_end(bare, tmp_path, monkeypatch):
    area = tmp_path / "tmp"
    area.mkdir()
    monkeypatch.setenv("TMPDIR", str(area))
    monkeypatch.setattr("tempfile.tempdir", None)
    store = GitStore(GitPlace(Hidden(str(bare))), account=1, owner="default")
    assert list(area.iterdir())
    store.close()
    assert list(area.iterdir()) == []
    with pytest.raises(NotSaved):
        GitStore(GitPlace(Hidden(str(tmp_path / "nowhere"))), account=1, owner="default")
    assert list(area.iterdir()) == []


# --- passwords ------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["in the URL", "in the remote's URL", "as a header of the repository"])
def test_a_password_gets_the_store_in_and_is_shown_nowhere(specs, bare, monkeypatch, way):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    watched: list[str] = []

    def watch(bridge: Bridge, request: object) -> bool:
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):  # It has ended meanwhile.
                watched.append(file.read_bytes().decode("latin-1"))
        return False

    with Bridge(bare.parent, password=PASSWORD) as bridge:
        bridge.before = watch
        remote = bridge.url(bare.name, f"x-access-token:{PASSWORD}@")
        if way == "in the remote's URL":
            git(specs, "remote", "set-url", "origin", remote)
            remote = "origin"
        elif way == "as a header of the repository":
            said = b64encode(f"x-access-token:{PASSWORD}".encode()).decode()
            git(specs, "config", f"http.{bridge.url('')}.extraheader", f"Authorization: Basic {said}")
            remote = bridge.url(bare.name)
        shown = saved_at(remote, specs)
        assert PASSWORD not in shown
        assert any("git-remote-http" in line or "remote-http" in line for line in watched)
        assert not any(PASSWORD in line for line in watched)
        hook = bare / "hooks" / "pre-receive"
        hook.parent.mkdir()
        hook.write_text(f"#!/bin/sh\necho {PASSWORD} may not push >&2\nexit 1\n")
        hook.chmod(0o755)
        store = GitStore(GitPlace(Hidden(remote)), account=1, owner="default", folder=specs)
        with pytest.raises(NotSaved, match="may not push") as refusal:
            store.save(record())
        store.close()
        assert PASSWORD not in f"{refusal.value} {refusal.value.hint}"
        assert "contents: write" in refusal.value.hint


def test_a_wrong_password_is_refused_without_being_asked_for_or_said(bare, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Bridge(bare.parent, password=PASSWORD) as bridge:
        for user in ("", "x-access-token:wrong-canary@", "wrong-canary@"):
            place = GitPlace(Hidden(bridge.url(bare.name, user)))
            with pytest.raises(NotSaved, match="cannot be reached") as refusal:
                GitStore(place, account=1, owner="default")
            assert "wrong-canary" not in f"{refusal.value} {refusal.value.hint}"
