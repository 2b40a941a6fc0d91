"""A shared ssh connection is only a way to save time: whatever becomes of it, git still gets to the remote."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from ledger_tool.edges.deadline import Deadline
from ledger_tool.edges.git.connection import Connection, asked, connect
from ledger_tool.edges.git.location import Address, Credentials, parse_location
from ledger_tool.edges.git.process import Completed
from ledger_tool.edges.git.workspace import Workspace
from ledger_tool.errors import Unreachable
from tests.support.git.servers import make_key

BROKEN = Completed(128, b"", "fatal: Could not read from remote repository.\n")
GOOD = Completed(0, b"", "")


def _address(url: str) -> Address:
    address = parse_location(url)
    assert isinstance(address, Address)
    return address


def _connecting(folder: Path, script: str, seconds: float) -> tuple[Connection, Path]:
    """Connect with a program in place of ssh; return the connection, and where its socket would be."""
    program = folder / "ssh"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    socket = folder / "socket"
    address = _address("ssh://git@127.0.0.1:1/x.git")
    connection = connect(address, [str(program)], str(socket), os.environ, Deadline(seconds))
    assert connection
    return connection, socket


def test_each_remote_has_a_socket_of_its_own(hermetic: Path) -> None:
    key = make_key(hermetic / "key")
    with Workspace(None, credentials=Credentials(deploy_key=str(key))) as workspace:
        urls = ["ssh://a@one.example/x", "ssh://b@one.example/x", "ssh://a@two.example/x", "ssh://a@one.example:22/x"]
        commands = {
            workspace.repository(hermetic / "x.git", _address(url)).environment["GIT_SSH_COMMAND"] for url in urls * 2
        }
    sockets = {one for command in commands for one in re.findall(r"ControlPath=(\S+)", command)}
    assert len(commands) == len(sockets) == len(urls)


def test_an_ssh_that_makes_no_socket_is_given_up_while_there_is_time(tmp_path: Path) -> None:
    connection, _ = _connecting(tmp_path, "exec sleep 60", 2.0)
    assert connection.made() is None
    assert 0 < connection.left < 2
    assert connection._child.poll() is not None


@pytest.mark.parametrize(
    "words", ["", "Connection to 127.0.0.1 closed by remote host.", "connect to host 127.0.0.1: Connection refused"]
)
def test_a_connection_that_ends_is_left_to_git(tmp_path: Path, words: str) -> None:
    connection, _ = _connecting(tmp_path, f"echo '{words}' >&2; exit 255", 60.0)
    assert connection.made() is None


@pytest.mark.parametrize("words", ["git@host: Permission denied (publickey).", "Host key verification failed."])
def test_a_login_that_is_refused_is_believed(tmp_path: Path, words: str) -> None:
    connection, _ = _connecting(tmp_path, f"echo '{words}' >&2; exit 255", 60.0)
    done = connection.made()
    assert done
    assert words in done.stderr


@pytest.mark.parametrize("first", [BROKEN, Unreachable("timed out after 5 s in fetch", "")])
@pytest.mark.parametrize("has_time", [True, False])
def test_what_fails_over_a_connection_is_asked_without_it(
    tmp_path: Path, first: Completed | Unreachable, has_time: bool
) -> None:
    connection, socket = _connecting(tmp_path, "exec sleep 60", 60.0)
    socket.touch()
    were_shared = []

    def ask() -> Completed:
        were_shared.append(connection.is_shared)
        if not connection.is_shared:
            return GOOD
        if isinstance(first, Unreachable):
            raise first
        return first

    deadline = Deadline(60.0 if has_time else 0.0)
    try:
        answer: object = asked(ask, connection, deadline)
    except Unreachable as error:
        answer = error
    assert answer is (GOOD if has_time else first)
    assert were_shared == [True, False][: 1 + has_time]
    assert not connection.is_shared


def test_an_answer_over_a_connection_leaves_it_as_it_is(tmp_path: Path) -> None:
    connection, socket = _connecting(tmp_path, "exec sleep 60", 60.0)
    socket.touch()
    assert asked(lambda: GOOD, connection, Deadline(60)) is GOOD
    assert connection.is_shared
    connection.stop()
    assert not connection.is_shared
