"""Opening and updating requests to merge, on each kind of forge, checked against its published API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from ledger_tool.core.changes.proposal import Proposal, Proposed
from ledger_tool.edges.forge.opening import Forge, open_forge
from ledger_tool.errors import Denied, UsageError
from tests.support.forges.fake_forge import TOKEN
from tests.support.forges.fake_forges import fake_forge
from tests.support.registries.wire import Asked, Reply, as_json

KINDS = ("github", "gitlab", "gitea")
PLAIN = Proposal(branch="bump/app-v2", base="main", title="publish myorg/app:v2", body="| a | b |\n|---|---|\n")
FULL = replace(PLAIN, labels=("digest",), reviewers=("alice",), draft=True)
BODY = {"github": "body", "gitea": "body", "gitlab": "description"}
DRAFT = {"github": "", "gitea": "WIP: ", "gitlab": "Draft: "}


@pytest.fixture(params=KINDS)
def there(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Return a forge of each kind."""
    with fake_forge(request.param) as forge:
        yield forge


@contextmanager
def opened(there: Any, remote: str = "", **environ: str) -> Iterator[Forge]:
    """Open a fake forge with a token."""
    given = {"LEDGER_FORGE_TOKEN": TOKEN} | environ
    with open_forge(remote or there.remote, kind=there.kind, environ=given, sleep=lambda _: None) as forge:
        yield forge


def proposed(there: Any, proposal: Proposal) -> Proposed:
    """Propose as a run of its own."""
    with opened(there) as forge:
        assert forge.push_options(proposal) == ()
        return forge.propose(proposal)


def reviewers(request: dict[str, Any]) -> list[str]:
    """Return who is asked for a review."""
    people = request.get("requested_reviewers") or request.get("reviewers") or []
    return [one.get("login") or one["username"] for one in people]


def labels(request: dict[str, Any]) -> list[str]:
    """Return a request's labels."""
    return [one if isinstance(one, str) else one["name"] for one in request["labels"]]


def writes(there: Any) -> int:
    """Return how many calls changed something."""
    return sum(one.method != "GET" for one in there.wire.asked)


def test_a_request_is_opened_with_all_that_was_asked_for(there: Any) -> None:
    done = proposed(there, FULL)
    (request,) = there.requests
    assert done == Proposed(request.get("html_url") or request["web_url"], 1, FULL.branch, True)
    assert request["title"] == DRAFT[there.kind] + FULL.title
    assert request[BODY[there.kind]] == FULL.body
    assert (labels(request), reviewers(request)) == (["digest"], ["alice"])
    assert there.kind != "github" or request["draft"] is True
    assert there.kind != "gitlab" or request["remove_source_branch"] is True


def test_a_second_run_finds_it_and_changes_nothing(there: Any) -> None:
    first = proposed(there, FULL)
    before = writes(there)
    assert proposed(there, FULL) == replace(first, created=False)
    assert writes(there) == before
    assert len(there.requests) == 1


def test_a_run_with_more_updates_what_differs_and_keeps_what_people_added(there: Any) -> None:
    proposed(there, FULL)
    more = replace(PLAIN, title="publish 2 images", body="new", labels=("READY",), reviewers=("Bob",))
    assert proposed(there, more) == Proposed(proposed(there, more).url, 1, more.branch, False)
    (request,) = there.requests
    assert request["title"] == DRAFT[there.kind] + "publish 2 images"  # what is a draft stays one
    assert request[BODY[there.kind]] == "new"
    assert [one.lower() for one in labels(request)] == ["digest", "ready"]
    assert [one.lower() for one in reviewers(request)] == ["alice", "bob"]


def test_draft_makes_an_open_request_one(there: Any) -> None:
    proposed(there, PLAIN)
    proposed(there, replace(PLAIN, draft=True))
    (request,) = there.requests
    assert request["title"] == DRAFT[there.kind] + PLAIN.title
    assert there.kind != "github" or request["draft"] is True


def test_a_forks_branch_and_another_base_are_other_requests(there: Any) -> None:
    if there.kind == "gitlab":
        there.merge_request(source_branch=PLAIN.branch, target_branch="main", title="fork", source_project_id=99)
        there.merge_request(source_branch=PLAIN.branch, target_branch="other", title="base")
        there.calls["POST", "/projects/7/merge_requests"] = replace(
            there.calls["POST", "/projects/7/merge_requests"], do=lambda **fields: _opened(there, **fields)
        )
    else:
        there.pull("fork", PLAIN.branch, "main", "")["head"]["repo"] = {"id": 99}
        there.pull("gone", PLAIN.branch, "main", "")["head"]["repo"] = None
        there.pull("base", PLAIN.branch, "other", "")
        there.pull("branch", "another", "main", "")
        create = there.calls["POST", there.repo + "/pulls"]
        there.calls["POST", there.repo + "/pulls"] = replace(create, do=lambda repo, **fields: _opened(there, **fields))
    before = len(there.requests)
    assert proposed(there, PLAIN).created
    assert len(there.requests) == before + 1


def _opened(there: Any, **fields: Any) -> Reply:
    if there.kind == "gitlab":
        fields.pop("reviewer_ids"), fields.pop("labels")
        return as_json(there.merge_request(**fields), 201)
    fields.pop("labels", None), fields.pop("draft", None)
    return as_json(there.pull(**fields), 201)


def test_a_request_that_somebody_opened_first_is_used(there: Any) -> None:
    """Between our look and our POST another run opens the request: its 409 or 422 sends us to look again."""
    url = "/pulls" if there.kind != "gitlab" else "/merge_requests"
    first = {"seen": False}

    def race(asked: Asked) -> Reply:
        if asked.method == "POST" and not first["seen"] and asked.path.endswith(url):
            first["seen"] = True
            there.answer(asked)
        answer: Reply = there.answer(asked)
        return answer

    there.wire.otherwise = race
    assert proposed(there, PLAIN).created is False
    assert len(there.requests) == 1


@pytest.mark.parametrize(
    "fault", [Reply(502), Reply(raw=list), Reply(raw=lambda: [b"HTTP/1.1 201 Created\r\n"]), Reply(201, body=b'{"numb')]
)
def test_an_answer_that_was_lost_opens_no_second_request(there: Any, fault: Reply) -> None:
    url = "/pulls" if there.kind != "gitlab" else "/merge_requests"
    posts = []

    def lossy(asked: Asked) -> Reply:
        answer: Reply = there.answer(asked)
        if asked.method == "POST" and asked.path.endswith(url):
            posts.append(answer.status)
            return fault
        return answer

    there.wire.otherwise = lossy
    assert proposed(there, PLAIN).created is True
    assert posts == [201]
    assert len(there.requests) == 1


def test_a_request_that_never_arrived_is_sent_again(there: Any) -> None:
    url = "/pulls" if there.kind != "gitlab" else "/merge_requests"
    faults = [Reply(502), Reply(raw=list)]

    def lossy(asked: Asked) -> Reply:
        if asked.method == "POST" and asked.path.endswith(url) and faults:
            return faults.pop()
        answer: Reply = there.answer(asked)
        return answer

    there.wire.otherwise = lossy
    assert proposed(there, PLAIN).created is True
    assert len(there.requests) == 1


def test_an_unknown_base_branch_is_a_usage_error_in_the_forges_words(there: Any) -> None:
    with pytest.raises(UsageError, match=r"invalid|does not exist"):
        proposed(there, replace(PLAIN, base="nope"))


def test_an_unknown_reviewer_is_a_usage_error(there: Any) -> None:
    with pytest.raises(UsageError, match="nobody"):
        proposed(there, replace(PLAIN, reviewers=("nobody",)))


def test_an_unknown_repository_is_denied_and_says_both_reasons(there: Any) -> None:
    with (
        pytest.raises(Denied, match=r"has no (repository|project) .*, or does not show it to the token"),
        opened(there, f"{there.wire.url}/other/ledger.git"),
    ):
        pass


def test_a_wrong_token_is_denied_before_anything_is_pushed_and_not_shown(there: Any) -> None:
    with (
        pytest.raises(Denied, match="does not accept the token in LEDGER_FORGE_TOKEN") as caught,
        opened(there, LEDGER_FORGE_TOKEN="wrong-token-123"),
    ):
        pass
    assert "wrong-token-123" not in caught.value.message + caught.value.hint
    assert "it needs" in caught.value.hint


def test_a_permission_that_is_missing_is_denied_with_the_page_of_what_is_open(there: Any) -> None:
    proposed(there, PLAIN)

    def no_writes(asked: Asked) -> Reply:
        if asked.method == "GET":
            answer: Reply = there.answer(asked)
            return answer
        return Reply(403, body=b'{"message": "Resource not accessible by \\u001b[31mintegration"}')

    there.wire.otherwise = no_writes
    with pytest.raises(Denied, match=r"/1 is open, but .* denies the .*Resource not accessible by \\x1b") as caught:
        proposed(there, replace(PLAIN, title="new"))
    assert "it needs" in caught.value.hint


def test_a_long_title_and_body_are_cut_to_what_forges_take(there: Any) -> None:
    long = replace(PLAIN, title="publish\n" + "x" * 300, body="line é\n" * 20_000)
    proposed(there, long)
    (request,) = there.requests
    assert request["title"].startswith("publish xxx")
    assert len(request["title"]) == 255
    body = request[BODY[there.kind]]
    assert len(body) <= 65_536
    assert body.endswith("The rest is omitted: the forge accepts no more text.*")
    before = writes(there)
    assert proposed(there, long).created is False
    assert writes(there) == before


@pytest.mark.parametrize("kind", ["github", "gitea"])
def test_a_team_is_asked_once_and_nobody_who_has_reviewed_is_asked_again(kind: str) -> None:
    with fake_forge(kind) as there:
        wanted = replace(PLAIN, reviewers=("alice", "team/release"))
        proposed(there, wanted)
        (request,) = there.requests
        assert [one["name"] for one in request[there.teams]] == ["release"]
        request["requested_reviewers"], request[there.teams] = [], []  # as GitHub does when they have reviewed
        there.reviews += [{"user": None, "state": "COMMENTED"}] * 120 + [{"user": {"login": "Alice"}}]
        before = writes(there)
        proposed(there, wanted)
        assert writes(there) == before
        proposed(there, replace(wanted, reviewers=("alice", "bob", "team/release")))
        assert (reviewers(request), request[there.teams]) == (["bob"], [])


def test_github_that_has_no_drafts_says_so() -> None:
    with fake_forge("github") as there:
        there.drafts = False
        with pytest.raises(UsageError, match="Draft pull requests are not supported") as caught:
            proposed(there, FULL)
        assert "leave `--pr-draft` out" in caught.value.hint
        proposed(there, PLAIN)
        with pytest.raises(UsageError, match=r"is open, but .* does not make the pull request a draft: Draft pull"):
            proposed(there, FULL)


def test_github_without_a_change_to_propose_says_so() -> None:
    with fake_forge("github") as there, pytest.raises(UsageError, match="No commits between main and same-as-main"):
        proposed(there, replace(PLAIN, branch="same-as-main"))


def test_a_repository_that_was_renamed_is_found_where_it_is_now() -> None:
    with fake_forge("github") as there:
        there.wire.on("/api/v3/repos/old/name", Reply(301, {"Location": f"{there.wire.url}/api/v3/repos/team/ledger"}))
        with opened(there, f"{there.wire.url}/old/name.git") as forge:
            assert forge.propose(PLAIN).created


def test_a_label_that_gitea_does_not_know_is_an_error_before_anything_is_opened() -> None:
    with fake_forge("gitea") as there:
        with pytest.raises(UsageError, match="has no label `nope` for team/ledger"):
            proposed(there, replace(PLAIN, labels=("digest", "nope")))
        assert there.requests == []
        there.org_labels = {}
        with pytest.raises(UsageError, match="has no label `org-wide`"):
            proposed(there, replace(PLAIN, labels=("org-wide",)))


def test_giteas_lists_are_read_page_by_page() -> None:
    with fake_forge("gitea") as there:
        there.page_max = 20
        there.labels = {f"label-{number}": number for number in range(1, 130)}
        for number in range(70):
            there.pull(f"other {number}", f"other-{number}", "main", "")
        proposed(there, replace(PLAIN, labels=("label-129", "org-wide")))
        assert labels(there.requests[-1]) == ["org-wide", "label-129"]
        there.requests.insert(0, there.requests.pop())
        there.requests.reverse()
        assert proposed(there, PLAIN).created is False


def test_gitlab_takes_no_team_and_no_comma_in_a_label() -> None:
    with fake_forge("gitlab") as there:
        with pytest.raises(UsageError, match="has no user `team/release`"):
            proposed(there, replace(PLAIN, reviewers=("team/release",)))
        with pytest.raises(UsageError, match="contains a comma"):
            proposed(there, replace(PLAIN, labels=("a,b",)))
        assert there.requests == []
