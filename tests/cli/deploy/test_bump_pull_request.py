"""`bump --pull-request`: a branch and a request for manifests, against git over HTTP and a forge at the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.forges.branches import BranchesOf
from tests.support.forges.fake_forge import TOKEN
from tests.support.forges.fake_forges import fake_forge
from tests.support.git.deployed import NEW, POD, SETTINGS, Deployed, moved
from tests.support.git.servers import http_server
from tests.support.git.upstream import DIE, Upstream, git
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


@dataclass
class Fleet:
    """A checkout of manifests, its origin on a forge, and the command."""

    deployed: Deployed
    origin: Upstream
    forge: Any
    run: Run

    def bump(self, *words: object) -> Outcome:
        asked = ("bump", "pods", "--policy", "semver:^1", "--repo", self.deployed.ledger, "--pull-request")
        return self.run(*asked, "--forge", self.forge.kind, *words)

    def branches(self) -> list[str]:
        return self.origin.git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads/ledger").split()


@pytest.fixture(params=["github", "gitlab", "gitea"])
def fleet(
    request: pytest.FixtureRequest, tmp_path: Path, ledger: Run, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Fleet]:
    deployed = Deployed.create(tmp_path)
    with fake_forge(request.param) as forge:
        path = tmp_path / "srv" / f"{forge.path}.git"
        git("clone", "--quiet", "--bare", deployed.folder, path)
        origin = Upstream(path)
        origin.git("config", "http.receivepack", "true")
        forge.branches = BranchesOf(origin)
        monkeypatch.setenv("LEDGER_FORGE_TOKEN", TOKEN)
        monkeypatch.setenv("LEDGER_FORGE_URL", forge.wire.url)
        with http_server(tmp_path / "srv", TOKEN) as server:
            deployed.git("remote", "add", "origin", server.url(f"{forge.path}.git"))
            monkeypatch.chdir(deployed.folder)
            yield Fleet(deployed, origin, forge, ledger)


github = pytest.mark.parametrize("fleet", ["github"], indirect=True)


def test_the_base_of_origin_is_changed_on_a_branch_and_a_request_opened(fleet: Fleet) -> None:
    fleet.deployed.write("pods/a.yaml", "work: in progress\n")
    fleet.deployed.git("checkout", "--quiet", "-b", "mine")
    tip, refs = fleet.origin.tip(), fleet.deployed.git("for-each-ref")
    done = fleet.bump("--format", "json")
    assert done.code == 0, done.err
    (branch,) = fleet.branches()
    assert branch.startswith("ledger/bump-")
    assert fleet.origin.git("log", "-1", "--format=%H %P", branch) == f"{done.json['commit']} {tip}"
    assert fleet.origin.tip() == tip
    assert fleet.origin.content(branch, "pods/a.yaml").decode() == moved(POD)
    assert [edit["path"] for edit in done.json["edits"]] == ["pods/a.yaml", "pods/b.yaml"]
    (request,) = fleet.forge.requests
    body = request.get("body") or request.get("description")
    assert request["title"] == "bump myorg/app to v1.1.0"
    assert "`v1.0.0` | `v1.1.0`" in body
    assert NEW[:19] in body
    assert "/-/compare/" in body
    asked = done.json["pullRequest"]
    assert (asked["branch"], asked["created"]) == (branch, True)
    assert asked["url"] in done.err
    # Nothing here has moved.
    assert fleet.deployed.read("pods/a.yaml") == "work: in progress\n"
    assert fleet.deployed.git("status", "--porcelain") == " M pods/a.yaml"
    assert fleet.deployed.git("for-each-ref") == refs


@github
def test_a_request_that_proposes_what_is_no_longer_wanted_is_named(fleet: Fleet) -> None:
    """As after a promotion that was taken back before its request was merged."""
    first = fleet.bump("--format", "json").json
    (branch,) = fleet.branches()
    fleet.origin.git("update-ref", "refs/heads/main", branch)
    done = fleet.bump()
    assert (done.code, fleet.origin.tip(branch)) == (0, first["commit"])
    assert f"and the branch {branch} is there from an earlier run: if its request is open, close it" in done.err


@github
def test_the_request_of_an_environment_is_one_of_its_own(fleet: Fleet) -> None:
    repo = fleet.deployed.ledger
    (repo / "ledger.yaml").write_text(SETTINGS + "environments: {prod: {}}\n")
    git("init", "--quiet", repo)
    git("-C", repo, "add", ".")
    git("-C", repo, "commit", "--quiet", "-m", "start")
    assert fleet.run("promote", "myorg/app:v1.1.0", "--to", "prod", "--repo", repo).code == 0
    assert fleet.bump().code == 0
    words = ("bump", "pods", "--env", "prod", "--repo", repo, "--pull-request", "--forge", "github")
    assert fleet.run(*words).code == 0
    assert len(fleet.branches()) == 2
    assert [request["title"] for request in fleet.forge.requests] == [
        "bump myorg/app to v1.1.0", "bump myorg/app to v1.1.0, as in prod",
    ]  # fmt: skip
    assert fleet.run(*words).code == 0
    assert len(fleet.forge.requests) == 2


@github
def test_a_second_run_pushes_nothing_and_a_moved_base_is_followed(fleet: Fleet) -> None:
    first = fleet.bump("--format", "json").json
    second = fleet.bump("--format", "json").json
    assert second["commit"] == first["commit"]
    assert second["pullRequest"] == first["pullRequest"] | {"created": False}
    fleet.origin.commit_as_other_writer({"other.txt": b"more\n"})
    third = fleet.bump("--format", "json").json
    (branch,) = fleet.branches()
    assert fleet.origin.git("rev-parse", f"{branch}^") == fleet.origin.tip()
    assert third["commit"] == fleet.origin.tip(branch) != first["commit"]
    assert len(fleet.forge.requests) == 1


@github
def test_a_branch_with_the_work_of_others_is_left_alone(fleet: Fleet) -> None:
    fleet.bump()
    (branch,) = fleet.branches()
    theirs = fleet.origin.commit_as_other_writer({"theirs.txt": b"theirs\n"}, branch=branch)
    fleet.origin.commit_as_other_writer({"other.txt": b"more\n"})
    refused = fleet.bump()
    assert refused.code == 2
    assert f"the branch {branch} has a commit that" in refused.err
    assert fleet.origin.tip(branch) == theirs


@github
def test_where_nothing_moves_nothing_is_pushed_or_asked_for(fleet: Fleet) -> None:
    done = fleet.bump("--format", "json", "--policy", "myorg/app=ignore")
    assert (done.code, done.json["edits"], done.json["pullRequest"]) == (0, [], None)
    assert (fleet.branches(), fleet.forge.requests) == ([], [])


@github
def test_a_named_path_of_the_base_without_anything_to_read_is_never_green(fleet: Fleet) -> None:
    fleet.origin.commit_as_other_writer({"pods": b"a file\n"})
    done = fleet.bump("--format", "json")
    assert (done.code, done.json["edits"], done.json["pullRequest"]) == (2, [], None)
    assert [unread["path"] for unread in done.json["unread"]] == ["pods"]
    assert (fleet.branches(), fleet.forge.requests) == ([], [])


@github
def test_a_push_that_is_refused_says_so(fleet: Fleet) -> None:
    fleet.origin.hook("pre-receive", "echo no bumps on friday >&2; exit 1")
    refused = fleet.bump()
    assert refused.code == 6
    assert "no bumps on friday" in refused.err
    assert fleet.forge.requests == []


@github
def test_a_push_whose_answer_is_lost_is_settled_by_looking(fleet: Fleet, tmp_path: Path) -> None:
    fleet.origin.once("reference-transaction", DIE, tmp_path / "once", when='[ "$1" = committed ]')
    done = fleet.bump("--format", "json")
    assert done.code == 0, done.err
    (branch,) = fleet.branches()
    assert done.json["commit"] == fleet.origin.tip(branch)
    assert "the push reported an error, but the edits are in the branch" in done.err
    assert len(fleet.forge.requests) == 1


@github
def test_a_push_is_tried_again_where_the_server_died_before_it_made_the_branch(fleet: Fleet, tmp_path: Path) -> None:
    fleet.origin.once("pre-receive", DIE, tmp_path / "once")
    done = fleet.bump("--format", "json")
    assert done.code == 0, done.err
    assert [done.json["commit"]] == [fleet.origin.tip(branch) for branch in fleet.branches()]


@github
def test_a_branch_that_somebody_else_made_meanwhile_is_left_alone(fleet: Fleet, tmp_path: Path) -> None:
    theirs = fleet.origin.git("commit-tree", "main^{tree}", "-p", "main", "-m", "theirs")
    fleet.origin.once("update", f'env -u GIT_QUARANTINE_PATH git update-ref "$1" {theirs}', tmp_path / "once")
    done = fleet.bump()
    assert done.code == 5
    assert "somebody else moved" in done.err
    assert [fleet.origin.tip(branch) for branch in fleet.branches()] == [theirs]
    assert fleet.forge.requests == []


@github
def test_what_a_request_needs_is_asked_for(fleet: Fleet) -> None:
    assert "no branch `nope`" in fleet.bump("--base", "nope").err
    assert fleet.bump("--commit").code == 2
    assert fleet.bump("--check").code == 2
    words = ("bump", "pods", "--policy", "semver:^1", "--repo", fleet.deployed.ledger)
    assert fleet.run(*words, "--base", "main").code == 2
    assert fleet.run(*words, "--pr-label", "x").code == 2
    missing = fleet.run("bump", "typo", "--repo", fleet.deployed.ledger, "--pull-request", "--forge", "github")
    assert "the base has no typo" in missing.err
    fleet.deployed.git("remote", "remove", "origin")
    assert "no remote `origin`" in fleet.bump().err


@github
def test_the_chart_is_that_of_the_base_and_not_the_one_that_is_checked_out(fleet: Fleet) -> None:
    values = "image:\n  repository: registry.example.com/myorg/app\n  tag: v1.0.0\n"
    line = "image: {{ .Values.image.repository }}:{{ .Values.image.tag }}"
    fleet.deployed.write("pods/chart/Chart.yaml", "name: chart\n")
    fleet.deployed.write("pods/chart/templates/a.yaml", line)
    fleet.deployed.write("pods/chart/values.yaml", values)
    fleet.deployed.git("add", "--all")
    fleet.deployed.git("commit", "--quiet", "-m", "a chart")
    fleet.deployed.git("push", "--quiet", fleet.origin.path, "HEAD:main")
    fleet.deployed.write("pods/chart/templates/a.yaml", line + "@{{ .Values.image.digest }}")
    fleet.bump()
    (branch,) = fleet.branches()
    written = fleet.origin.content(branch, "pods/chart/values.yaml").decode()
    assert written == values.replace("v1.0.0", f"v1.1.0@{NEW}")
    fleet.bump("--style", "digest")
    assert len(fleet.branches()) == 2, "another style is another question"


@github
@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        ("http://127.0.0.1:1/x.git", 5, "the URL of the manifests' `origin`"),
        ("ssh://git@127.0.0.1:1/x.git", 5, "the URL of the manifests' `origin`"),
        ("", 6, "LEDGER_FORGE_TOKEN"),
    ],
)
def test_what_is_wrong_with_origin_is_not_said_of_the_ledger(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, url: str, code: int, words: str
) -> None:
    if url:
        fleet.deployed.git("remote", "set-url", "origin", url)
    else:
        monkeypatch.setenv("LEDGER_FORGE_TOKEN", "wrong")
    done = fleet.bump()
    assert done.code == code, done.err
    assert words in done.err
    assert not any(name in done.err for name in ("--repo", "ledger's URL", "ledger doctor", "LEDGER_TOKEN", "--deploy"))
