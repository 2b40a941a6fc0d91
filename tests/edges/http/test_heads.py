"""A HEAD over a connection that is open: the same request, and the same answer, as the library's."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPResponse

import pytest
import requests
from hypothesis import example, given
from hypothesis import strategies as st

from ledger_tool.edges.http.client import Answer, Line
from ledger_tool.edges.http.heads import HeadAnswer, Unusual, exchange, head_request
from tests.support.registries.wire import Reply, Wire
from tests.support.values.profiles import example_count

PATH = "/v2/myorg/app/manifests/v1"
HEADERS = {"Accept": "application/vnd.oci.image.index.v1+json, */*", "Authorization": "Bearer abc.def"}


@pytest.fixture
def line(wire: Wire) -> Iterator[Line]:
    with closing(Line(wire.url)) as made:
        yield made


def _head(line: Line, path: str = PATH, **limits: float) -> Answer:
    usual = line.limits(limits.get("silent", 5.0))
    return line.send("HEAD", line.origin + path, HEADERS, limit=0, limits=usual)


def _exchanged(raw: bytes) -> HeadAnswer:
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        theirs.sendall(raw)
        theirs.shutdown(socket.SHUT_WR)
        return exchange(ours, b"HEAD / HTTP/1.1\r\n\r\n", silent_seconds=5.0, until=time.monotonic() + 5.0)


def _by_the_library(raw: bytes) -> tuple[int, dict[str, str]]:
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        theirs.sendall(raw)
        theirs.shutdown(socket.SHUT_WR)
        with closing(HTTPResponse(ours, method="HEAD")) as response:
            response.begin()
            names = dict.fromkeys(name.lower() for name in response.headers)
            return response.status, {name: ", ".join(response.headers.get_all(name) or ()) for name in names}


_NAMES = st.sampled_from(
    ["Date", "docker-content-digest", "Content-Length", "Connection", "X", "", "a b", "é", "Tréma"]
)
_VALUES = st.sampled_from(["", " ", "a", " a", "\ta b ", "é", "keep-alive", "close", "5", "\x00", "a\x7f", "sha256:0a"])
_ENDS = st.sampled_from(["\r\n"] * 6 + ["\n", "\r", "\r\n ", "\x0b\r\n", "\x1c"])
_STARTS = st.sampled_from(
    ["HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found", "HTTP/1.1 200", "HTTP/1.1 200 ", "HTTP/1.0 200 OK", "HTTP/1.1 99 X",
     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK", "HTTP/1.1 103 Hints", "HTTP/2 200", "http/1.1 200 OK", "", "200"]
)  # fmt: skip
_FIELDS = st.lists(st.tuples(_NAMES, st.sampled_from([":"] * 6 + [" :", ""]), _VALUES, _ENDS), max_size=4)


@example_count(300)
@example("HTTP/1.1 200 OK", [("X", ":", "1", "\r\n")] * 101, "")
@given(_STARTS, _FIELDS, st.sampled_from(["", "", "", "body", "HTTP/1.1 200 OK\r\n\r\n"]))
def test_whatever_is_answered_is_read_as_the_library_reads_it_or_left_to_it(
    start: str, fields: list[tuple[str, str, str, str]], after: str
) -> None:
    raw = (f"{start}\r\n" + "".join("".join(field) for field in fields) + "\r\n" + after).encode("latin-1")
    try:
        answer = _exchanged(raw)
    except Unusual:
        return
    assert not after
    assert (answer.status, answer.headers) == _by_the_library(raw)
    assert not (answer.keeps and "close" in answer.headers.get("connection", ""))


@given(st.lists(st.integers(1, 60), max_size=5))
def test_an_answer_may_arrive_in_pieces(sizes: list[int]) -> None:
    raw = b"HTTP/1.1 200 OK\r\nDocker-Content-Digest: sha256:0a\r\nX: 1\r\nx: 2\r\n\r\n"
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        offset = 0
        pieces = _Pieces(ours, theirs, [*sizes, len(raw)], raw, offset)
        answer = exchange(pieces, b"HEAD", silent_seconds=5.0, until=time.monotonic() + 5.0)  # type: ignore[arg-type]
    assert answer == HeadAnswer(200, {"docker-content-digest": "sha256:0a", "x": "1, 2"}, keeps=True)


class _Pieces:
    """A socket whose other end sends the next piece only when something is read."""

    def __init__(self, ours: socket.socket, theirs: socket.socket, sizes: list[int], raw: bytes, offset: int) -> None:
        self._ours, self._theirs, self._sizes, self._raw, self._offset = ours, theirs, sizes, raw, offset
        self.settimeout, self.sendall = ours.settimeout, ours.sendall

    def recv(self, size: int) -> bytes:
        number = self._sizes.pop(0)
        self._theirs.sendall(self._raw[self._offset : self._offset + number])
        self._offset += number
        return self._ours.recv(size)


@pytest.mark.parametrize("target", ["", "v2/", "/a b", "/a\r\nX: 1", "/é", "/a%20b", "/a#b", "http://other/"])
def test_a_target_that_is_not_plain_is_left_to_the_library(target: str) -> None:
    assert head_request("registry.example.com", None, target, HEADERS) == b""


@pytest.mark.parametrize("value", ["a\r\nX: 1", "a\nX: 1", "é", "a\x00"])
def test_a_header_that_is_not_plain_is_left_to_the_library(value: str) -> None:
    assert head_request("registry.example.com", None, PATH, {"Authorization": value}) == b""


@pytest.mark.parametrize("host", ["::1", "a b", "a\r\nX: 1", ""])
def test_a_host_that_is_not_plain_is_left_to_the_library(host: str) -> None:
    assert head_request(host, None, PATH, {}) == b""


def test_the_second_head_is_the_same_request_and_has_the_same_answer(wire: Wire, line: Line) -> None:
    wire.on(PATH, Reply(200, {"Docker-Content-Digest": "sha256:0a", "X-A": "1"}))
    first, second = (_head(line) for _ in range(2))
    undated = [{**answer.headers, "date": ""} for answer in (first, second)]
    assert (first.status, undated[0], first.url, first.body) == (second.status, undated[1], second.url, second.body)
    assert wire.asked[0] == wire.asked[1]
    assert list(wire.asked[0].headers.items()) == list(wire.asked[1].headers.items())


def test_an_unusual_answer_is_asked_for_again_by_the_library_which_is_used_from_then_on(wire: Wire, line: Line) -> None:
    odd = b"HTTP/1.1 200 OK\r\nX-Name: caf\xe9\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"  # as the wire does
    wire.on(PATH, Reply(200), Reply(raw=lambda: [odd]))
    assert [_head(line).headers.get("x-name") for _ in range(3)] == [None, "caf\xe9", "caf\xe9"]
    assert wire.count(PATH) == 4


def test_a_connection_that_was_closed_is_opened_again(wire: Wire, line: Line) -> None:
    wire.on(PATH, Reply(200), Reply(200, {"Connection": "close"}), Reply(404))
    assert [_head(line).status for _ in range(4)] == [200, 200, 404, 404]


def test_a_host_that_says_nothing_is_not_waited_for_longer_than_its_limit(wire: Wire, line: Line) -> None:
    def silent() -> Iterator[bytes]:
        wire.over.wait(10)
        yield b""

    wire.on(PATH, Reply(200), Reply(raw=silent))
    assert _head(line).status == 200
    with pytest.raises(requests.ReadTimeout):
        _head(line, silent=0.2)


def test_a_redirect_is_an_answer(wire: Wire, line: Line) -> None:
    wire.on(PATH, Reply(200), Reply(307, {"Location": "/elsewhere"}))
    assert [_head(line).redirect for _ in range(2)] == ["", "/elsewhere"]
