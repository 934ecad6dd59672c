"""Where a watch serves its pages: on this very machine alone, unless somebody says otherwise."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from ipaddress import ip_address
from urllib.parse import urlsplit

import click
import pytest

from reconciler.cli.listening import Board, listening
from reconciler.cli.watch import watch
from reconciler.core.watching import STALLED_S

from .project import Project


def address_without_a_word() -> tuple[str, int]:
    """What the command is given for `--listen` where nobody writes it."""
    option = next(each for each in watch.params if each.name == "listen")
    context = click.Context(watch)
    host, port = option.type_cast_value(context, option.get_default(context))
    return host, port


@pytest.fixture
def taken() -> Iterator[None]:
    """The default port is somebody's, whoever that is."""
    with closing(socket.socket()) as own:
        with suppress(OSError):
            own.bind(address_without_a_word())
            own.listen(1)
        yield


def reaches(host: str, port: int) -> bool:
    with closing(socket.socket()) as client:
        client.settimeout(5)
        return client.connect_ex((host, port)) == 0


def test_without_a_word_it_is_a_loopback_address() -> None:
    host, port = address_without_a_word()
    assert ip_address(host).is_loopback
    assert 0 < port < 65536


def test_the_socket_is_bound_to_that_address_and_to_no_other_of_this_machine() -> None:
    host, _ = address_without_a_word()
    with listening((host, 0), Board(lambda: 0.0)) as url:
        bound = urlsplit(url)
        assert bound.hostname == "127.0.0.1"
        assert bound.port is not None
        assert reaches("127.0.0.1", bound.port)
        assert not reaches("127.0.0.2", bound.port), "as it would be on 0.0.0.0"


@pytest.mark.usefixtures("taken")
def test_the_command_itself_listens_there_without_a_word(project: Project) -> None:
    project.fleet()
    host, port = address_without_a_word()
    outcome = project.run("watch", "--simulate", "--yes", "--first-run", "--passes", "1")
    outcome.assert_clear(1, f"cannot listen on {host}:{port}")
    assert project.live() == []


def test_a_first_pass_that_hangs_is_stuck_like_any_other() -> None:
    clock = [1000.0]
    board = Board(lambda: clock[0])
    assert board.health() == (200, "ok: the first pass is under way\n")
    clock[0] += STALLED_S
    assert board.health()[0] == 200
    clock[0] += 1
    assert board.health() == (503, "stuck: the first pass began at 1970-01-01T00:16:40Z\n")
