"""Whatever a host and its token server answer, absence and digests are only what was seen, and the password stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.registry.answer import is_registry
from ledger_tool.core.registry.drift import ABSENT
from ledger_tool.errors import LedgerError
from tests.support.registries.clients import BASIC, LOGIN, PASSWORD, rig
from tests.support.registries.tokens import unsigned_token
from tests.support.registries.wire import API_ROOT, Asked, Reply, Wire, as_json, image, served, sha256, wire_server
from tests.support.values.profiles import example_count

V1 = "/v2/myorg/app/manifests/v1"
TOKEN = "Bearer issued"
ANONYMOUS = "Bearer anonymous"
WITHHELD = f"Bearer {unsigned_token({'access': []})}"  # grants nothing
UNKNOWN = as_json({"errors": [{"code": "MANIFEST_UNKNOWN"}]}, 404)
ANSWERS = {
    "image": served(image()),
    "unknown": UNKNOWN,
    "404": Reply(404),
    "JSON 404": as_json({"errors": [{"message": "not found"}]}, 404),
    "page 404": Reply(404, {"Content-Type": "text/html"}, b"<html>"),
    "401": Reply(401),
    "Basic": Reply(401, {"WWW-Authenticate": 'Basic realm="x"'}),
    "Bearer": Reply(401, {"WWW-Authenticate": "Bearer realm"}),  # filled in, as the redirect is
    "scope": Reply(401, {"WWW-Authenticate": "Bearer scope"}),
    "403": Reply(403),
    "400": Reply(400),
    "500": Reply(500),
    "redirect": Reply(307),
    "near": Reply(302, {"Location": "/v2/near"}),
    "open": API_ROOT,
    "empty": Reply(200),
    "site": Reply(200, {"Content-Type": "text/html"}, b"<html>"),
}
MANIFEST = st.sampled_from(  # mostly what leads to an absence
    ["image", "unknown", "unknown", "unknown", "404", "JSON 404", "page 404", "401", "Basic", "Bearer", "scope", "403",
     "400", "500", "redirect", "near"]
)  # fmt: skip
ROOT = st.sampled_from(["open", "empty", "site", "page 404", "401", "Basic", "Bearer", "403", "500", "redirect"])


@dataclass
class Mood:
    """What the host answers to each kind of client, at first and then; and what the token server does."""

    manifest: dict[str, list[str]]
    root: dict[str, list[str]]
    elsewhere: str
    takes_password: bool
    token: str


MOODS = st.builds(
    Mood,
    manifest=st.fixed_dictionaries(
        {who: st.lists(MANIFEST, min_size=1, max_size=3) for who in ("", BASIC, TOKEN, ANONYMOUS)}
    ),
    root=st.fixed_dictionaries({who: st.lists(ROOT, min_size=1, max_size=2) for who in ("", BASIC)}),
    elsewhere=st.sampled_from(["image", "unknown", "403", "500"]),
    takes_password=st.booleans(),
    token=st.sampled_from([TOKEN, TOKEN, WITHHELD]),
)


@dataclass
class Seen:
    """What was asked, and answered."""

    told: list[tuple[Asked, Reply]] = field(default_factory=list)

    def of(self, path: str, *authorizations: str) -> list[Reply]:
        """Return the answers to these clients, or to any."""
        return [reply for asked, reply in self.told if asked.path == path and (
            not authorizations or asked.authorization in authorizations
        )]  # fmt: skip


@pytest.fixture(scope="module")
def hosts() -> Iterator[tuple[Wire, Wire]]:
    with wire_server() as wire, wire_server() as other:
        yield wire, other


def _play(wire: Wire, other: Wire, mood: Mood) -> Seen:
    seen = Seen()
    left = {("m", who): list(names) for who, names in mood.manifest.items()}
    left |= {("r", who): list(names) for who, names in mood.root.items()}

    def answer(kind: str, asked: Asked) -> Reply:
        who = TOKEN if asked.authorization == WITHHELD else asked.authorization
        names = left.get((kind, who)) or left[kind, ""]
        name = names.pop(0) if len(names) > 1 else names[0]
        reply = ANSWERS[name]
        if name == "redirect":
            reply = Reply(307, {"Location": f"{other.url}/elsewhere"})
        elif name in ("Bearer", "scope"):
            error = ',error="insufficient_scope"' if name == "scope" else ""
            reply = Reply(401, {"WWW-Authenticate": f'Bearer realm="{wire.url}/token",service="x"{error}'})
        seen.told.append((asked, reply))
        return reply

    def token(asked: Asked) -> Reply:
        if asked.authorization == BASIC:
            return as_json({"token": mood.token.removeprefix("Bearer ")}) if mood.takes_password else Reply(401)
        return as_json({"token": "anonymous"})

    for server in (wire, other):
        server.reset()
        server.asked.clear()
    wire.on(V1, lambda asked: answer("m", asked))
    wire.on("/v2/", lambda asked: answer("r", asked))
    wire.on("/token", token)
    wire.on("/v2/near", UNKNOWN)
    other.otherwise = ANSWERS[mood.elsewhere]
    return seen


def _check(hosts: tuple[Wire, Wire], mood: Mood, *, has_credential: bool) -> None:
    wire, other = hosts
    seen = _play(wire, other, mood)
    with rig(wire, LOGIN if has_credential else {}) as at:
        for _ in range(2):
            start = len(seen.told)
            try:
                digest = at.client.look("myorg/app", "v1")
            except LedgerError:
                continue
            now = Seen(seen.told[start:])
            if digest == ABSENT:
                _must_be_absent(seen, now, has_credential=has_credential)
            else:
                assert digest == sha256(image())
                assert ANSWERS["image"] in now.of(V1) or mood.elsewhere == "image"
    assert all(not asked.authorization and PASSWORD not in str(asked) for asked in other.asked)
    assert len(wire.asked) < 60


def _must_be_absent(seen: Seen, now: Seen, *, has_credential: bool) -> None:
    """Hold an absence against its definition in the contract: the registry's own words, and to whom they were said."""
    asked, reply = [one for one in now.told if one[0].path == V1][-1]
    assert (asked.method, reply) == ("GET", UNKNOWN)
    if has_credential:
        assert asked.authorization in (BASIC, TOKEN)
    else:
        assert [root for root in seen.of("/v2/", "") if _is_open(root)]


def _is_open(reply: Reply) -> bool:
    return reply.status == 200 and is_registry(200, {k.lower(): v for k, v in reply.headers.items()}, reply.body)


@example_count(60)
@given(MOODS, st.booleans())
def test_absence_is_only_what_the_contract_calls_so(hosts: tuple[Wire, Wire], mood: Mood, has_credential: bool) -> None:
    _check(hosts, mood, has_credential=has_credential)


@pytest.mark.storm
@example_count(3000)
@given(MOODS, st.booleans())
def test_absence_is_only_what_the_contract_calls_so_in_a_storm(
    hosts: tuple[Wire, Wire], mood: Mood, has_credential: bool
) -> None:
    _check(hosts, mood, has_credential=has_credential)
