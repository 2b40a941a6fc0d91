"""`publish --pull-request`: a branch and a request, against git over HTTP and a forge at the wire."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ledger_tool.core.changes.message import parse_message
from ledger_tool.core.changes.runclaim import RunClaim
from ledger_tool.edges.git.remote import RemoteRef
from tests.support.forges.fake_forge import TOKEN, FakeForge
from tests.support.forges.fake_forges import fake_forge
from tests.support.git.servers import HttpServer, http_server, make_key
from tests.support.git.tamper import commit, move_branch
from tests.support.git.upstream import Upstream, git
from tests.support.values.clock import at_the_time_of
from tests.support.values.make import digest, source
from tests.support.values.markdown import inline
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
github = pytest.mark.parametrize("team", ["github"], indirect=True)
BRANCH = "ledger/publish-myorg-app-v2-"


class _Branches(set[str]):
    """The branches of a real repository, for the forge to know."""

    def __init__(self, upstream: Upstream) -> None:
        super().__init__()
        self._upstream = upstream

    def __contains__(self, name: object) -> bool:
        return bool(self._upstream.git("rev-parse", "--quiet", "--verify", f"refs/heads/{name}", check=False))


@dataclass
class Team:
    """A ledger on a forge: the git remote, the forge's API, and the command with all that it needs."""

    upstream: Upstream
    forge: Any
    url: str
    run: Run

    def publish(self, *options: object, seed: str = "b", repo: str = "") -> Outcome:
        return self.run(
            "publish", f"myorg/app:v2@{digest(seed)}", "--source", source(seed), "--platform", "linux/amd64",
            "--offline", "--pull-request", "--repo", repo or self.url, "--forge", self.forge.kind, *options,
        )  # fmt: skip

    def branches(self) -> list[str]:
        return self.upstream.git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/ledger").split()

    @property
    def body(self) -> str:
        (request,) = self.forge.requests
        text: str = request.get("body") or request.get("description")
        return text


@pytest.fixture(params=["github", "gitlab", "gitea"])
def team(
    request: pytest.FixtureRequest, tmp_path: Path, ledger: Run, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Team]:
    with fake_forge(request.param) as forge:
        path = tmp_path / "srv" / f"{forge.path}.git"
        path.parent.mkdir(parents=True)
        upstream = Upstream.create(path)
        upstream.git("config", "http.receivepack", "true")
        forge.branches = _Branches(upstream)
        monkeypatch.setenv("LEDGER_TOKEN", TOKEN)
        monkeypatch.setenv("LEDGER_FORGE_TOKEN", TOKEN)
        monkeypatch.setenv("LEDGER_FORGE_URL", forge.wire.url)
        with http_server(tmp_path / "srv", TOKEN) as server:
            _seed(ledger, server, forge)
            yield Team(upstream, forge, server.url(f"{forge.path}.git"), ledger)


def _seed(ledger: Run, server: HttpServer, forge: FakeForge) -> None:
    done = ledger(
        "publish", f"myorg/app:v1@{digest('a')}", "--source", source("a"), "--platform", "linux/amd64", "--offline",
        "--repo", server.url(f"{forge.path}.git"),
    )  # fmt: skip
    assert done.code == 0, done.err


def test_a_branch_is_pushed_and_a_request_opened(team: Team) -> None:
    tip = team.upstream.tip()
    done = team.publish()
    assert done.code == 0, done.err
    (branch,) = team.branches()
    assert branch.startswith(BRANCH)
    assert team.upstream.tip() == tip
    assert team.upstream.git("log", "-1", "--format=%H %P", branch) == f"{done.json['commit']} {tip}"
    assert [one["tag"] for one in team.upstream.records(branch)] == ["v1", "v2"]
    asked = done.json["pullRequest"]
    assert (asked["branch"], asked["number"], asked["created"], asked["pushed"]) == (branch, 1, True, True)
    assert asked["url"] in done.err
    assert "1 image:tag: 1 added" in team.body
    assert "upgrade from `v1`" in team.body
    assert digest("b") in team.body


@github
def test_a_squash_with_the_request_s_text_as_its_message_is_explained(team: Team) -> None:
    """Some hosts use the text as it is, GitHub also breaks its lines."""
    reason = "rebuilt for @everyone, after a CVE in `debian` that nobody had seen before, see #1\tand more"
    done = team.publish("--label", "note=*a* b", "--force", "--reason", reason.replace("\t", " "))
    assert done.code == 0, done.err
    (branch,) = team.branches()
    assert "@everyone" not in "".join(token.content for token in inline(team.body) if token.type == "text")
    lines = [textwrap.fill(line, 72, break_long_words=False) if line.strip() else "" for line in team.body.split("\n")]
    tip = team.upstream.tip()
    for body in (team.body, "\n".join(lines), textwrap.dedent(team.body)):
        squash = f"Another title (#1)\n\n{body}\n\nCo-authored-by: Bob <bob@example.com>\n"
        move_branch(team.upstream, commit(team.upstream, squash, [tip], tree=branch))
        audited = team.run("audit", "--repo", team.url)
        assert audited.code == 0, audited.out + squash
        assert (
            team.run("log", "--limit", "1", "--format", "json", "--repo", team.url).json["entries"][0]["action"]
            == "publish"
        )


def test_a_re_run_finds_the_same_request_and_changes_nothing(team: Team) -> None:
    first = team.publish()
    again = team.publish("--published-at", "2026-11-01T00:00:00Z")
    assert again.code == 0, again.err
    assert again.json["commit"] == first.json["commit"]
    assert again.json["pullRequest"] == first.json["pullRequest"] | {"created": False, "pushed": False}
    assert "already open" in again.err
    assert len(team.forge.requests) == 1


def test_another_digest_updates_the_same_request_on_the_tip_of_the_base(team: Team) -> None:
    team.publish()
    moved = team.upstream.commit_as_other_writer({"README": b"hello\n"})
    done = team.publish(seed="c")
    assert done.code == 0, done.err
    assert (done.json["pullRequest"]["created"], done.json["pullRequest"]["pushed"]) == (False, True)
    (branch,) = team.branches()
    assert team.upstream.git("log", "-1", "--format=%P", branch) == moved
    assert team.upstream.records(branch)[1]["digest"] == digest("c")
    assert digest("c") in team.body
    assert digest("b") not in team.body


@github
def test_what_the_ledger_has_is_not_proposed(team: Team) -> None:
    done = team.run(
        "publish", f"myorg/app:v1@{digest('a')}", "--source", source("a"), "--platform", "linux/amd64", "--offline",
        "--pull-request", "--repo", team.url, "--forge", team.forge.kind,
    )  # fmt: skip
    assert (done.code, done.json["changed"]) == (0, False)
    assert "pullRequest" not in done.json
    assert (team.branches(), team.forge.requests) == ([], [])


@github
def test_work_of_a_person_on_the_branch_is_not_lost(team: Team) -> None:
    team.publish()
    (branch,) = team.branches()
    theirs = team.upstream.commit_as_other_writer({"note": b"mine\n"}, "a note", branch)
    kept = team.publish()
    assert kept.code == 0, kept.err
    refused = team.publish(seed="c")
    assert refused.code == 3
    assert "has commits of somebody else" in refused.err
    assert team.upstream.tip(branch) == theirs


@github
def test_a_commit_that_a_person_amended_is_not_lost(team: Team) -> None:
    """It has the message of `ledger` still, and its transaction."""
    team.publish()
    (branch,) = team.branches()
    kept = team.upstream.git("cat-file", "commit", branch)
    amended = re.sub(r"^committer .*>", "committer Eve <eve@example.com>", kept, flags=re.MULTILINE)
    made = team.upstream.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=f"{amended}\n".encode())
    team.upstream.git("update-ref", f"refs/heads/{branch}", made)
    refused = team.publish(seed="c")
    assert refused.code == 3, refused.err
    assert "has commits of somebody else" in refused.err
    assert team.upstream.tip(branch) == made


@github
def test_a_write_of_somebody_else_on_the_branch_is_not_lost(team: Team) -> None:
    """Though its last commit is one of `ledger`, too."""
    team.publish()
    (branch,) = team.branches()
    for words in (("set", "myorg/app:v2", "--label", "env=prod"), ("remove", "myorg/app:v1", "--reason", "old")):
        done = team.run(*words, "--repo", team.url, "--branch", branch)
        assert done.code == 0, done.err
        theirs = team.upstream.tip(branch)
        refused = team.publish(seed="c")
        assert refused.code == 3
        assert "has commits of somebody else" in refused.err
        assert team.upstream.tip(branch) == theirs


@github
def test_a_commit_that_somebody_amended_with_another_file_is_not_lost(team: Team) -> None:
    team.publish()
    (branch,) = team.branches()
    ours = team.upstream.message(branch)
    content = team.upstream.content(branch)
    team.upstream.git("update-ref", f"refs/heads/{branch}", team.upstream.tip())
    theirs = team.upstream.commit_as_other_writer({"ledger.json": content, "note": b"mine\n"}, ours, branch)
    assert team.publish(seed="c").code == 3
    assert team.upstream.tip(branch) == theirs


@github
def test_two_platforms_of_one_tag_are_two_requests(team: Team) -> None:
    """Two jobs of a matrix: the second must not take the first one's record away."""
    first, second = (
        team.publish("--platform", name, "--index", digest("i"), seed=name) for name in ("linux/amd64", "linux/arm64")
    )
    assert (first.code, second.code) == (0, 0)
    assert len(team.forge.requests) == 2
    assert {team.upstream.records(branch)[1]["platform"] for branch in team.branches()} == {
        "linux/amd64", "linux/arm64"
    }  # fmt: skip


@github
def test_what_is_proposed_again_after_the_base_moved_stands_on_its_tip(team: Team) -> None:
    """A move that was merged, undone by another move, and is wanted again: the branch of the first is still there."""
    move = ("publish", "myorg/app:v1", "--source", source("x"), "--platform", "linux/amd64", "--offline",
            "--force", "--reason", "rebuilt", "--repo", team.url)  # fmt: skip
    wanted = (*move, "--digest", digest("x"), "--pull-request", "--forge", "github")
    assert team.run(*wanted).code == 0
    (branch,) = team.branches()
    team.upstream.git("update-ref", "refs/heads/main", branch)
    assert team.run(*move, "--digest", digest("y")).code == 0
    done = team.run(*wanted)
    assert done.code == 0, done.err
    assert team.upstream.git("log", "-1", "--format=%P", branch) == team.upstream.tip()
    assert team.upstream.records(branch)[0]["forced"]["replaces"] == digest("y")


@github
def test_a_removal_that_is_proposed_again_changes_nothing(team: Team) -> None:
    words = ("remove", "myorg/app:v1", "--reason", "old", "--repo", team.url, "--pull-request", "--forge", "github")
    assert team.run(*words).code == 0
    (branch,) = team.branches()
    tip = team.upstream.tip(branch)
    assert team.run(*words).code == 0
    assert team.upstream.tip(branch) == tip


@github
def test_a_branch_that_is_deleted_meanwhile_is_made_again(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    assert team.publish().code == 0
    (branch,) = team.branches()
    tip = team.upstream.tip(branch)
    real, seen = RemoteRef.look, [tip]
    team.upstream.git("update-ref", "-d", f"refs/heads/{branch}")
    monkeypatch.setattr(RemoteRef, "look", lambda ref: seen.pop() if seen else real(ref))
    done = team.publish(seed="c")
    assert done.code == 0, done.err
    assert team.upstream.records(branch)[1]["digest"] == digest("c")


@github
def test_a_branch_that_stands_in_the_way_of_all_others_is_named(team: Team) -> None:
    team.upstream.git("branch", "ledger", "main")
    done = team.publish()
    assert done.code == 2
    assert "has a branch `ledger`" in done.err


@github
def test_a_refused_push_of_a_branch_does_not_hint_at_the_option_again(team: Team) -> None:
    team.upstream.hook("pre-receive", 'echo "no such branches" >&2; exit 1')
    done = team.publish()
    assert done.code == 6
    assert "no such branches" in done.err
    assert "--pull-request" not in done.err
    assert "`ledger/" in done.err


def test_a_server_without_push_options_is_told_apart_from_a_broken_one(
    upstream: Upstream, ledger: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.git("config", "http.receivepack", "true")
    monkeypatch.setenv("LEDGER_TOKEN", TOKEN)
    with http_server(upstream.path.parent.parent, TOKEN) as server:
        done = ledger(
            "publish", f"myorg/app:v2@{digest()}", "--source", source(1), "--offline", "--pull-request",
            "--repo", server.url(f"{upstream.path.parent.name}/ledger.git"), "--forge", "gitlab",
        )  # fmt: skip
    assert done.code == 2
    assert "GITLAB_TOKEN" in done.err


def test_labels_reviewers_and_draft_are_asked_for(team: Team) -> None:
    done = team.publish("--pr-label", "digest", "--pr-reviewer", "alice", "--pr-draft")
    assert done.code == 0, done.err
    (request,) = team.forge.requests
    assert "digest" in str(request["labels"])
    assert request.get("draft") or request["title"].startswith(("Draft: ", "WIP: "))


@github
def test_a_conflict_with_the_base_is_refused_before_anything_is_pushed(team: Team) -> None:
    done = team.run(
        "publish", f"myorg/app:v1@{digest('z')}", "--source", source("z"), "--platform", "linux/amd64", "--offline",
        "--pull-request", "--repo", team.url, "--forge", team.forge.kind,
    )  # fmt: skip
    assert done.code == 3
    assert team.branches() == []


@github
def test_a_checkout_means_its_remote_and_stays_as_it_is(team: Team, tmp_path: Path) -> None:
    folder = tmp_path / "clone"
    git("clone", "-q", team.upstream.url, folder)
    git("-C", folder, "remote", "set-url", "origin", team.url)
    before = git("-C", folder, "rev-parse", "HEAD")
    done = team.publish(repo=str(folder))
    assert done.code == 0, done.err
    assert len(team.branches()) == 1
    assert git("-C", folder, "rev-parse", "HEAD") == before
    assert git("-C", folder, "status", "--porcelain") == ""


def test_the_request_names_the_run_and_another_run_of_the_same_change_leaves_the_branch(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = "https://ci.example.com/runs/1"
    monkeypatch.setenv("LEDGER_RUN", first)
    monkeypatch.setenv("LEDGER_ACTOR", "alice")
    assert team.publish().code == 0
    (branch,) = team.branches()
    tip = team.upstream.tip(branch)
    assert f"Run: {first}\nActor: alice\nTransaction-Id: " in team.upstream.message(tip)
    assert f"- run: [`{first}`]({first}) started by `alice`" in team.body
    assert parse_message(f"A title (#1)\n\n{team.body}").block.run == RunClaim(first, "alice")
    monkeypatch.setenv("LEDGER_RUN", "https://ci.example.com/runs/2")
    assert team.publish().code == 0
    assert team.upstream.tip(branch) == tip


@github
def test_a_dry_run_asks_nobody(team: Team) -> None:
    done = team.publish("--dry-run")
    assert done.code == 0, done.err
    assert (team.branches(), team.forge.requests) == ([], [])


@github
def test_every_command_that_writes_can_propose(team: Team) -> None:
    old = ("--offline", "--ttl", "1d", "--published-at", "2020-01-01T00:00:00Z", "--repo", team.url)
    with at_the_time_of(old):
        done = team.run("publish", f"myorg/app:pr-1@{digest(1)}", "--source", source(1), *old)
    assert done.code == 0, done.err
    tip = team.upstream.tip()
    for words in (
        ("set", "myorg/*", "--label", "a=b"),
        ("yank", "myorg/app:v1", "--reason", "crashes"),
        ("remove", "myorg/app:v1", "--reason", "crashes"),
        ("prune", "--yes", "--format", "json"),
    ):
        done = team.run(*words, "--repo", team.url, "--pull-request", "--forge", "github")
        assert done.code == 0, done.err
        asked = done.json if words[0].startswith("prune") else done.json_lines[0]
        assert asked["pullRequest"]["branch"].startswith(f"ledger/{words[0]}-")
    assert len(team.forge.requests) == 4
    assert team.upstream.tip() == tip


def test_without_a_token_nothing_is_pushed(upstream: Upstream, ledger: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    upstream.git("config", "http.receivepack", "true")
    monkeypatch.setenv("LEDGER_TOKEN", TOKEN)
    with http_server(upstream.path.parent.parent, TOKEN) as server:
        done = ledger(
            "publish", f"myorg/app:v2@{digest()}", "--source", source(1), "--offline", "--pull-request",
            "--repo", server.url(f"{upstream.path.parent.name}/ledger.git"), "--forge", "github",
        )  # fmt: skip
    assert done.code == 6
    assert "GITHUB_TOKEN" in done.err
    assert upstream.git("for-each-ref", "refs/heads/ledger") == ""


def test_a_refused_push_hints_at_the_option(upstream: Upstream, ledger: Run) -> None:
    upstream.hook("pre-receive", 'echo "protected branch" >&2; exit 1')
    done = ledger("publish", f"myorg/app:v2@{digest()}", "--source", source(1), "--offline", "--repo", upstream.url)
    assert done.code == 6
    assert "`--pull-request`" in done.err


def test_options_of_a_request_without_one_are_a_mistake(upstream: Upstream, ledger: Run) -> None:
    done = ledger(
        "publish", f"myorg/app:v2@{digest()}", "--source", source(1), "--offline", "--pr-label", "x",
        "--repo", upstream.url,
    )  # fmt: skip
    assert done.code == 2
    assert "--pull-request" in done.err


@github
def test_what_somebody_owns_is_signed_in_the_request_that_says_so(
    team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GNUPGHOME", "/nonexistent")
    key = make_key(tmp_path / "owner")
    files = {
        "ledger.yaml": b"owners:\n  - images: ['myorg/*']\n    signers: [ci]\n",
        "allowed_signers": f"ci {key.with_suffix('.pub').read_text()}".encode(),
    }
    team.upstream.commit_as_other_writer(files, "owners")
    done = team.publish()
    assert (done.code, team.branches(), team.forge.requests) == (6, [], [])
    done = team.publish("--deploy-key", key)
    assert done.code == 0, done.err
    (branch,) = team.branches()
    checked = team.run("check", "--repo", team.url, "--branch", branch, "--base", "main")
    assert checked.code == 0, checked.out
    assert "- **needs the signature of `ci`: `myorg/app`**" in team.body
    assert (
        "Merge by fast-forward, or in a merge commit: a squash or a rebase would lose the owner's signature"
        in team.body
    )
    assert team.publish("--deploy-key", key).json["pullRequest"]["pushed"] is False
