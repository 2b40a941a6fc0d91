"""What a message claims about the run that made its commit: never a secret, a second line or another trailer."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.changes import message
from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.changes.message import parse_message
from ledger_tool.core.changes.runclaim import NO_RUN, RunClaim, parse_actor, parse_run, read_claim
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.writes import publish as rules
from ledger_tool.errors import InvalidValue
from tests.support.git.upstream import git
from tests.support.values import squashes
from tests.support.values.make import draft
from tests.support.values.profiles import example_count

RUNS = [
    "https://github.com/octocat/Hello-World/actions/runs/6863940854",
    "https://gitlab.example.com:8443/group/app/-/pipelines/1234567",
    "https://dev.azure.com/fabrikam/My%20App/_build/results?buildId=42&view=results",
    "http://jenkins.example.com/job/team/job/app/job/feature%252Fnew/12/",
    "https://buildkite.com/team/app/builds/7#0190046e-e199-453b-a302-a21a4d649d31",
    "https://bitbucket.org/team/app/addon/pipelines/home#!/results/7",
    "https://teamcity.example.com/viewLog.html?buildId=7&buildTypeId=App_Build",
    "https://ci.example.com?build=7",
    "https://[2001:db8::1]:8080/runs/1",
    f"https://ci.example.com/{'x' * 1900}",
]
_NO_RUNS = [
    "javascript:alert(1)",
    "ftp://ci.example.com/1",
    "ssh://ci.example.com/1",
    "file:///etc/passwd",
    "//ci.example.com/1",
    "ci.example.com/1",
    "https://",
    "https:///runs/1",
    "HTTPS://ci.example.com/1",
    "https://ci.example.com/runs/1\nReason: forged",
    "https://ci.example.com/runs/1\r",
    "https://ci.example.com/runs/\x1b[31m1",
    "https://ci.example.com/runs/1 Image: app:v1",
    "https://ci.example.com/runs/\u202e1",
    "https://ci.example.com/[skip ci]",
    "https://ci.example.com/<b>",
    "https://ci.example.com/`id`",
    'https://ci.example.com/"1"',
    f"https://ci.example.com/{'x' * 2000}",
]
_SECRET_RUNS = [
    "https://alice:TOPSECRET@ci.example.com/runs/1",
    "https://TOPSECRET@ci.example.com/runs/1",
    "https://ci.example.com/runs/1?access_token=TOPSECRET",
    "https://ci.example.com/runs/1?build=7&private_token=TOPSECRET",
    "https://ci.example.com/runs/1?build=7;job_token=TOPSECRET",
    "https://ci.example.com/runs/1?Password=TOPSECRET",
    "https://ci.example.com/runs/1?X-Amz-Signature=TOPSECRET",
    "https://ci.example.com/runs/1?sig=TOPSECRET",
    "https://ci.example.com/runs/1?api_key=TOPSECRET",
    "https://ci.example.com/runs/1?%74oken=TOPSECRET",
    "https://ci.example.com/runs/1#id_token=TOPSECRET",
]
_ACTORS = ["alice", "dependabot[bot]", "Zoë van der Berg", "{c788b2da-b7a2-404c-9e26-d3f077557007}", "a@example.com"]


def _change() -> Change:
    return rules.publish(Snapshot("", Ledger(), Policy()), [draft()])


@pytest.mark.parametrize("run", RUNS)
def test_the_url_of_a_page_is_a_run(run: str) -> None:
    assert parse_run(run) == run


@pytest.mark.parametrize("run", [*_NO_RUNS, *_SECRET_RUNS])
def test_what_is_not_the_url_of_a_page_or_has_a_secret_is_refused_and_not_read(run: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        parse_run(run)
    assert caught.value.exit_code == 2
    assert "TOPSECRET" not in caught.value.in_full
    assert read_claim(run, "alice") == RunClaim("", "alice")


@pytest.mark.parametrize("actor", _ACTORS)
def test_any_name_is_an_actor(actor: str) -> None:
    assert parse_actor(f" {actor} ") == actor


@pytest.mark.parametrize(
    "actor",
    [
        "a\nReason: forged",
        "a\x1b[2J",
        "a\u202eb",
        "a\u200bb",
        "[skip ci]",
        "x" * 256,
        "https://u:TOPSECRET@h.example.com/",
    ],
)
def test_an_actor_that_hides_something_is_refused_and_not_read(actor: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        parse_actor(actor)
    assert "TOPSECRET" not in caught.value.in_full
    assert read_claim(RUNS[0], actor) == RunClaim(RUNS[0])


def test_run_and_actor_stand_in_the_last_block_of_trailers_before_the_transaction() -> None:
    text = message.compose(_change(), "t1", RunClaim(RUNS[0], "alice"))
    trailers = git("interpret-trailers", "--parse", stdin=text.encode()).splitlines()
    assert trailers[-3:] == [f"Run: {RUNS[0]}", "Actor: alice", "Transaction-Id: t1"]
    assert message.compose(_change(), "t1") == message.compose(_change(), "t1", NO_RUN)
    assert parse_message(message.compose(_change(), "t1")).block.run == NO_RUN


@example_count(60)
@given(
    st.sampled_from(["", *RUNS]),
    st.one_of(st.sampled_from(["", *_ACTORS, "Reason: why", "Run: https://x", "* Image: a:b"]), st.text(max_size=30)),
    st.sampled_from(sorted(squashes.FORMATS)),
)
def test_a_claim_comes_back_from_git_and_from_the_squash_of_every_host(run: str, actor: str, host: str) -> None:
    claim = read_claim(run, actor)
    text = message.compose(_change(), "t1", claim)
    assert parse_message(text).block.run == claim
    assert [line for line in text.split("\n") if line.startswith("Actor: ")] == [f"Actor: {claim.actor}"] * bool(
        claim.actor
    )
    other = message.compose(rules.publish(Snapshot("", Ledger(), Policy()), [draft("other")]), "t2", RunClaim(RUNS[1]))
    squashed = parse_message(squashes.FORMATS[host]([text, other]))
    runs = {block.entries[0].name.image: block.run for block in squashed.blocks}
    assert set(runs) == {"myorg/app", "other"}
    assert runs["other"] == RunClaim(RUNS[1])
    words = re.sub(r"\s+", " ", claim.actor)
    assert (runs["myorg/app"].url, re.sub(r"\s+", " ", runs["myorg/app"].actor)) == (claim.url, words)


@pytest.mark.parametrize(
    "token",
    [
        "ghp_0123456789abcdefABCDEF0123456789abcd",
        "github_pat_11ABCDEFG0abcdefghijkl",
        "glpat-ABCdefGHI012345678_x",
        "glcbt-64_ABCdefGHI01234567",
        "dckr_pat_ABCdefGHI012345678",
        "AKIAABCDEFGHIJKLMNOP",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "sk-proj-abcdefghijklmnopqrstuvwxyz",
        "sk-abcdefgh0123456789ABCDEF",
        "sk_live_abcdefgh0123456789",
    ],
)
def test_a_token_is_refused_by_its_looks_wherever_it_stands_and_not_repeated(token: str) -> None:
    for parse, value in (
        (parse_actor, token),
        (parse_actor, f"bot {token}"),
        (parse_run, f"https://ci.example.com/{token}/1"),
        (parse_run, f"https://ci.example.com/1?q={token}"),
        (parse_run, f"https://ci.example.com/1#{token}"),
    ):
        with pytest.raises(InvalidValue) as caught:
            parse(value)
        assert "a token in it" in caught.value.message
        assert token not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    "name",
    [
        "glenn-the-great-engineer",
        "npm_publisher",
        "xox-team",
        "gha_bot",
        "glass-of-water-bot",
        "sk-slovakia-translators-team",
    ],
)
def test_a_name_that_only_begins_like_a_token_is_a_name(name: str) -> None:
    assert parse_actor(name) == name
    assert parse_run(f"https://ci.example.com/{name}/1")


def test_the_beginning_of_a_private_key_is_no_actor_and_a_port_that_does_not_exist_no_run() -> None:
    with pytest.raises(InvalidValue, match="a token in it"):
        parse_actor("-----BEGIN OPENSSH PRIVATE KEY-----")
    for port in ("99999", "0", "65536"):
        with pytest.raises(InvalidValue, match="is not the http"):
            parse_run(f"https://ci.example.com:{port}/runs/1")
    assert parse_run("https://ci.example.com:65535/runs/1")
