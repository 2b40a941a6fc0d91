"""The forges' API at the wire: patience, rate limits, redirects, garbage, and who sees the token."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from ledger_tool.edges.forge.api import Api, ForgeToken, _texts, pick
from ledger_tool.edges.forge.opening import open_forge
from ledger_tool.edges.http.client import Line
from ledger_tool.errors import Denied, Unreachable, UsageError
from tests.support.forges.fake_forge import TOKEN
from tests.support.git.servers import free_port, make_certificate, silent_server
from tests.support.registries.wire import Asked, Reply, Wire, as_json, wire_server
from tests.support.values.strategies import json_values

HELD = ForgeToken("GITHUB_TOKEN", TOKEN, "it needs much")
FINE = as_json({"id": 7})


class At:
    """An API at a wire server, and how long it wanted to sleep."""

    def __init__(self, base: str, **more: Any) -> None:
        self.slept: list[float] = []
        headers = {"Authorization": f"Bearer {TOKEN}"}
        self.api = Api("git.corp", Line(base, **more), HELD, headers, sleep=self.slept.append)

    def get(self) -> Any:
        return self.api.get("/x", "thing")

    def post(self, *, once: bool = False) -> Any:
        return self.api.ask("POST", "/x", "thing", body={"a": "é"}, once=once).data


@pytest.fixture
def at(wire: Wire) -> Iterator[At]:
    made = At(wire.url)
    yield made
    made.api.host.close()


def _limited(status: int = 403, message: str = "no", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, named, b'{"message": "%s"}' % message.encode())


@pytest.mark.parametrize("fault", [Reply(429), Reply(500), Reply(502), Reply(503), Reply(504), Reply(raw=list)])
def test_a_failure_twice_and_then_an_answer_is_an_answer(wire: Wire, at: At, fault: Reply) -> None:
    wire.on("/x", fault, fault, FINE)
    assert at.get() == {"id": 7}
    assert wire.count() == 3
    assert sum(at.slept) > 0
    wire.on("/x", fault, FINE)
    assert at.post() == {"id": 7}


def test_failures_without_end_end_after_four_tries(wire: Wire, at: At) -> None:
    wire.on("/x", Reply(503))
    with pytest.raises(Unreachable, match="answers 503"):
        at.get()
    assert wire.count() == 4


def _date(seconds: int) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("limited", "least", "most"),
    [
        (lambda: _limited(429, Retry_After="7"), 7.0, 7.0),
        (lambda: _limited(403, Retry_After="7"), 7.0, 7.0),
        (lambda: _limited(429, Retry_After=_date(40)), 5.0, 41.0),
        (lambda: _limited(403, X_RateLimit_Remaining="0", X_RateLimit_Reset=str(int(time.time()) + 50)), 10.0, 51.0),
        (lambda: _limited(403, "You have exceeded a secondary rate limit"), 60.0, 60.0),
    ],
)
def test_a_rate_limit_is_waited_for_as_long_as_it_says(
    wire: Wire, at: At, limited: Callable[[], Reply], least: float, most: float
) -> None:
    wire.on("/x", limited(), FINE)
    assert at.post(once=True) == {"id": 7}  # a limit says that nothing was done
    (slept,) = at.slept
    assert least - 0.1 <= slept <= most + 0.25  # some of it has passed by then, and a little jitter is added


@pytest.mark.parametrize(
    "limited",
    [
        lambda: _limited(429, Retry_After="3600"),
        lambda: _limited(403, X_RateLimit_Remaining="0", X_RateLimit_Reset=str(int(time.time()) + 3600)),
    ],
)
def test_more_patience_than_a_run_has_is_try_again_at_once(wire: Wire, at: At, limited: Callable[[], Reply]) -> None:
    wire.on("/x", limited())
    with pytest.raises(Unreachable, match=r"limits the rate of requests \(4.*\); it asks us to wait 3[56]\d\d s"):
        at.get()
    assert (wire.count(), at.slept) == (1, [])


def test_patience_is_one_for_the_whole_run(wire: Wire, at: At) -> None:
    wire.on("/x", _limited(429, Retry_After="40"), FINE, _limited(429, Retry_After="40"))
    at.get()
    with pytest.raises(Unreachable, match="asks us to wait 40 s"):
        at.get()


def test_a_403_without_a_limit_is_denied_at_once(wire: Wire, at: At) -> None:
    wire.on("/x", _limited(403, "Resource not accessible", X_RateLimit_Remaining="4999"))
    with pytest.raises(Denied, match="denies thing to the token in GITHUB_TOKEN: Resource not accessible"):
        at.get()
    assert wire.count() == 1


def test_a_forge_that_is_down_hangs_or_is_silent_is_unreachable() -> None:
    down = At(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Unreachable, match="did not answer: nothing listens on port"):
        down.get()
    with silent_server() as port:
        hanging = At(f"http://127.0.0.1:{port}", read_seconds=0.05)
        with pytest.raises(Unreachable, match="did not answer: it takes connections, but said nothing"):
            hanging.get()
        hanging.api.host.close()
    down.api.host.close()


def test_a_certificate_that_is_not_trusted_is_not_tried_again(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    with wire_server(certificate) as wire:
        wire.on("/x", FINE)
        at = At(wire.url)
        with pytest.raises(Unreachable, match="its certificate is not trusted"):
            at.post(once=True)
        at.api.host.close()
        trusting = At(wire.url, ca_file=str(certificate[0]))
        assert trusting.get() == {"id": 7}
        trusting.api.host.close()


def test_a_body_is_json_with_its_type(wire: Wire, at: At) -> None:
    wire.on("/x", FINE)
    at.post()
    (asked,) = wire.asked
    assert asked.headers["content-type"] == "application/json"
    assert asked.body == b'{"a": "\\u00e9"}'


def test_an_endless_answer_is_bounded(wire: Wire, at: At) -> None:
    wire.on("/x", lambda asked: wire.endless())
    with pytest.raises(Unreachable, match="the body is larger than 16 MiB"):
        at.get()
    assert wire.count() == 1


@pytest.mark.parametrize("body", [b"<html>log in</html>", b"{", b"\xff", b"[" * 100_000])
def test_a_body_that_is_not_json_is_unreachable_and_the_error_shows_the_address(
    wire: Wire, at: At, body: bytes
) -> None:
    wire.on("/x", Reply(body=body))
    with pytest.raises(Unreachable, match="does not return JSON for thing") as caught:
        at.get()
    assert "LEDGER_FORGE_URL" in caught.value.hint
    wire.on("/x", Reply(422, body=body))
    with pytest.raises(UsageError, match=r"refuses thing \(422\)$"):
        at.get()


def test_pages_are_read_to_the_last_and_no_further_than_forty(wire: Wire, at: At) -> None:
    def page(asked: Asked) -> Reply:
        number = int(asked.path.rpartition("=")[2])
        return as_json([{"n": number}], link="https://evil.example/next" if number < 3 else "")

    wire.on("/x", page)
    assert [one["n"] for one in at.api.pages("/x", "things")] == [1, 2, 3]
    wire.on("/x", as_json([{"n": 1}], link="again"))
    with pytest.raises(Unreachable, match="more than 40 pages of things"):
        list(at.api.pages("/x", "things"))
    for wrong in ({"n": 1}, [1], None):
        wire.on("/x", as_json(wrong))
        with pytest.raises(Unreachable, match="does not return a list of things"):
            list(at.api.pages("/x", "things"))


def test_a_get_follows_a_redirect_within_the_host_and_keeps_the_token(wire: Wire, at: At) -> None:
    wire.on("/x", Reply(301, {"Location": "/moved"}))
    wire.on("/moved", Reply(307, {"Location": f"{wire.url}/again"}))
    wire.on("/again", FINE)
    assert at.get() == {"id": 7}
    assert wire.asked[-1].authorization == f"Bearer {TOKEN}"


def test_a_redirect_to_another_origin_is_not_followed_and_sees_no_token(wire: Wire, other: Wire, at: At) -> None:
    for location in (f"{other.url}/x", f"//{other.host}/x", f"https://{wire.host}/x", "http://["):
        wire.on("/x", Reply(302, {"Location": location}))
        with pytest.raises(UsageError, match="redirects the request for thing"):
            at.get()
    assert other.asked == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_write_follows_no_redirect(wire: Wire, at: At, status: int) -> None:
    wire.on("/x", Reply(status, {"Location": "/moved"}))
    with pytest.raises(UsageError, match="redirects the request"):
        at.post()
    assert wire.count() == 1


def test_a_redirect_loop_ends(wire: Wire, at: At) -> None:
    wire.on("/x", Reply(302, {"Location": "/x"}))
    with pytest.raises(Unreachable, match="more than 5 redirects"):
        at.get()
    assert wire.count() == 6


def test_a_netrc_and_cookies_are_ignored(wire: Wire, hermetic: Path, at: At) -> None:
    netrc = hermetic / ".netrc"
    netrc.write_text("machine 127.0.0.1 login robot password hunter22\ndefault login a password b\n")
    netrc.chmod(0o600)
    wire.on("/x", Reply(200, {"Set-Cookie": "a=b"}, b"{}"))
    at.get()
    at.get()
    assert {one.authorization for one in wire.asked} == {f"Bearer {TOKEN}"}
    assert not any("cookie" in one.headers for one in wire.asked)


def test_the_token_is_in_no_message_even_where_the_forge_repeats_it(wire: Wire, at: At) -> None:
    for status in (400, 401, 403, 404, 409, 422):
        wire.on("/x", as_json({"message": f"bad token {TOKEN}\x1b[0m ::add-mask::"}, status))
        with pytest.raises((Denied, UsageError)) as caught:
            at.get()
        assert TOKEN not in caught.value.message + caught.value.hint
        assert r"bad token ***\x1b[0m" in caught.value.message


def test_an_ill_named_ca_file_is_a_usage_error(tmp_path: Path) -> None:
    environ = {"GITHUB_TOKEN": TOKEN, "SSL_CERT_FILE": str(tmp_path / "none.pem")}
    with (
        pytest.raises(UsageError, match="cannot be read as a file of CA certificates"),
        open_forge("git@github.com:o/r", environ=environ),
    ):
        pass


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"message": "Not Found.", "documentation_url": "x"}, ["Not Found"]),
        ({"errors": [{"field": "base", "code": "invalid"}, {"message": "m"}]}, ["base invalid", "m"]),
        ({"message": {"title": ["is too long"], "base": ["x"]}}, ["title is too long", "base x"]),
        ({"message": ["a", "b"]}, ["a", "b"]),
        ({"error": "invalid_token", "error_description": "Token was revoked."}, ["invalid_token", "Token was revoked"]),
        ({"message": "x", "errors": ["branch does not exist"], "url": "u"}, ["x", "branch does not exist"]),
        ({"errors": None, "message": 7}, []),
    ],
)  # fmt: skip
def test_each_forges_way_to_say_what_is_wrong_is_understood(said: Any, expected: list[str]) -> None:
    assert list(_texts(said)) == expected


@given(json_values)
def test_no_error_of_a_forge_breaks_the_reader(said: Any) -> None:
    assert all(isinstance(text, str) for text in _texts(said))


@given(json_values)
def test_a_field_that_is_missing_or_of_another_type_is_unreachable(data: Any) -> None:
    with pytest.raises(Unreachable, match="answer lacks `no"):
        pick({"no": data}, "no.such.field", str)
    with pytest.raises(Unreachable):
        pick({"number": True}, "number", int)
