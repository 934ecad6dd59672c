"""The first host key of an instance is kept beside the ledger, in a file that `ssh` understands."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.probe.known_hosts import MOST_BYTES, MOST_KEPT, HostKey, KnownHosts, alias, hosts_beside

ONE, OTHER = HostKey("ssh-ed25519", "AAAAC3Nza1"), HostKey("ssh-ed25519", "AAAAC3Nza2")


def test_the_first_key_is_kept_and_another_one_is_not_it(tmp_path):
    hosts = KnownHosts(tmp_path / "hosts")
    assert hosts.first(7) is None
    assert hosts.is_the_first(7, ONE)
    assert hosts.is_the_first(7, ONE)
    assert not hosts.is_the_first(7, OTHER)
    assert hosts.is_the_first(8, OTHER)
    again = KnownHosts(tmp_path / "hosts")
    assert (again.first(7), again.first(8)) == (ONE, OTHER)
    assert not again.is_the_first(7, OTHER)


def test_the_same_body_under_another_kind_is_another_key():
    hosts = KnownHosts()
    assert hosts.is_the_first(7, ONE)
    assert not hosts.is_the_first(7, ONE._replace(kind="ssh-rsa"))


def test_the_file_is_openssh_s_own_and_only_its_owner_reads_it(tmp_path):
    path = tmp_path / "folder" / "hosts"
    KnownHosts(path).is_the_first(41250007, ONE)
    assert path.read_text() == "instance-41250007 ssh-ed25519 AAAAC3Nza1\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert alias(41250007) == "instance-41250007"


FILES = {
    "what ssh wrote, with a comment": ("instance-7 ssh-ed25519 AAAAC3Nza1 root@host\n", ONE),
    "the first of two": ("instance-7 ssh-ed25519 AAAAC3Nza1\ninstance-7 ssh-ed25519 AAAAC3Nza2\n", ONE),
    "one after a torn line": ("instance-7 ssh-ed\ninstance-7 ssh-ed25519 AAAAC3Nza1\n", ONE),
    "another host's": ("[203.0.113.7]:40022 ssh-ed25519 AAAAC3Nza1\n", None),
    "a longer number": ("instance-77 ssh-ed25519 AAAAC3Nza1\n", None),
    "no text": ("\x00\xff" * 100, None),
    "nothing": ("", None),
}


@pytest.mark.parametrize(("text", "known"), FILES.values(), ids=FILES)
def test_what_a_file_says(text, known, tmp_path):
    path = tmp_path / "hosts"
    path.write_text(text)
    assert KnownHosts(path).first(7) == known


def test_the_key_of_one_that_is_looked_at_is_held_however_many_come_and_go():
    hosts = KnownHosts()
    assert hosts.is_the_first(7, ONE)
    for other in range(1_000, 1_000 + 2 * MOST_KEPT):
        assert hosts.is_the_first(other, OTHER)
        if other % 1_000 == 0:
            assert not hosts.is_the_first(7, OTHER)
    assert (hosts.first(7), hosts.first(1_000)) == (ONE, None)


def test_of_a_file_that_is_too_long_the_newest_keys_are_held(tmp_path):
    path = tmp_path / "hosts"
    ids = range(1_000_000, 1_000_000 + MOST_KEPT + 10)
    path.write_text("".join(f"instance-{each} ssh-ed25519 AAAAC3Nza1\n" for each in ids))
    hosts = KnownHosts(path)
    assert (hosts.first(ids[9]), hosts.first(ids[10]), hosts.first(ids[-1])) == (None, ONE, ONE)


def test_of_a_file_of_too_many_bytes_the_end_is_read(tmp_path):
    path = tmp_path / "hosts"
    filler = "x" * 90 + "\n"
    path.write_text(
        "instance-7 ssh-ed25519 AAAAC3Nza1\n" + filler * (MOST_BYTES // 90) + "instance-8 ssh-ed25519 AAAAC3Nza1\n"
    )
    assert (KnownHosts(path).first(7), KnownHosts(path).first(8)) == (None, ONE)


def test_a_line_that_somebody_was_killed_in_spoils_no_other(tmp_path):
    path = tmp_path / "hosts"
    path.write_text("instance-6 ssh-ed25519 AAA")
    assert KnownHosts(path).is_the_first(7, ONE)
    assert path.read_text() == "instance-6 ssh-ed25519 AAA\ninstance-7 ssh-ed25519 AAAAC3Nza1\n"


def test_two_programs_at_once_lose_nothing(tmp_path):
    one, other = KnownHosts(tmp_path / "hosts"), KnownHosts(tmp_path / "hosts")
    assert other.first(7) is None
    assert one.is_the_first(7, ONE)
    assert other.is_the_first(8, OTHER)
    again = KnownHosts(tmp_path / "hosts")
    assert (again.first(7), again.first(8)) == (ONE, OTHER)


@pytest.mark.parametrize("place", ["a folder", "below a file", "a device"])
def test_where_nothing_can_be_written_the_key_holds_for_this_run(place, tmp_path):
    (tmp_path / "file").write_text("")
    path = {"a folder": tmp_path, "below a file": tmp_path / "file" / "hosts", "a device": Path(os.devnull)}[place]
    hosts = KnownHosts(path)
    assert hosts.is_the_first(7, ONE)
    assert not hosts.is_the_first(7, OTHER)


def test_another_file_is_another_memory(tmp_path):
    hosts = KnownHosts()
    hosts.is_the_first(7, ONE)
    hosts.use(tmp_path / "hosts")
    assert hosts.is_the_first(7, OTHER)
    hosts.use(tmp_path / "hosts")
    assert not hosts.is_the_first(7, ONE)


LEDGERS = {"7-default.db": "7-default.known_hosts", "ledger": "ledger.known_hosts", "a.b.db": "a.b.known_hosts"}


@pytest.mark.parametrize(("ledger", "hosts"), LEDGERS.items())
def test_the_file_is_beside_the_ledger(ledger, hosts):
    assert hosts_beside(Path("/state") / ledger) == Path("/state") / hosts
