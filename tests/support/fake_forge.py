"""Forges at the wire: GitHub's, GitLab's and Gitea's calls for requests to merge, checked against what is published.

A call, a header, a query or a field of a body that the published API does not have is taken note of in `wrong` and
answered with 500. Sources: GitHub REST API 2022-11-28 and GraphQL; GitLab REST API v4; Gitea 1.22's Swagger document.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote

from tests.support.wire import Asked, Reply, Wire, as_json, wire_server

TOKEN = "forge-token-0123456789abcdef"
USERS = {"alice": 11, "bob": 12, "carol": 13}


class Wrong(Exception):
    """The client broke the published API."""


@dataclass(frozen=True)
class Call:
    """A published call: its query's parameters, and the fields of its body with their types (`!`: required)."""

    do: Callable[..., Reply]
    query: str = ""
    body: Mapping[str, type] = field(default_factory=dict)


class FakeForge:
    """One repository's requests. `requests` are the open ones, `users` and `labels` what is known."""

    kind = ""
    prefix = ""
    path = "team/ledger"
    fixed: ClassVar[Mapping[str, str]]

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.requests: list[dict[str, Any]] = []
        self.labels = {"digest": 1, "ready": 2}
        self.branches = {"main", "bump/app-v2"}
        self.drafts = True
        self.wrong: list[str] = []
        self.calls: dict[tuple[str, str], Call] = {}
        wire.otherwise = self.answer

    @property
    def remote(self) -> str:
        """The git remote."""
        return f"{self.wire.url}/{self.path}.git"

    def answer(self, asked: Asked) -> Reply:
        """Check a request and do it."""
        try:
            return self._checked(asked)
        except Wrong as error:
            self.wrong.append(f"{asked.method} {asked.path}: {error}")
            return as_json({"message": "the fake forge does not know that"}, 500)

    def _checked(self, asked: Asked) -> Reply:
        path, _, query = asked.path.partition("?")
        given = asked.headers.get("authorization") or asked.headers.get("private-token")
        if given is None:
            raise Wrong("no token")
        for name, value in self.fixed.items():
            if asked.headers.get(name) != value and TOKEN not in value:
                raise Wrong(f"header {name}: {asked.headers.get(name)}")
        if given not in self.fixed.values():
            return as_json({"message": "Bad credentials"}, 401)
        if asked.headers.get("user-agent") != "ledger-tool":
            raise Wrong("no user agent")
        for (method, pattern), call in self.calls.items():
            if method == asked.method and (found := re.fullmatch(self.prefix + pattern, path)):
                arguments = {name: unquote(value) for name, value in found.groupdict().items()}
                return call.do(**arguments, **_query(call, query), **_body(call, asked))
        raise Wrong("no such call")

    def page(self, items: list[Any], page: str, size: str) -> Reply:
        """Answer a page of a list."""
        first, count = (int(page) - 1) * int(size), int(size)
        more = len(items) > first + count
        return as_json(items[first : first + count], link="https://example.net/next" if more else "")


def _query(call: Call, query: str) -> dict[str, Any]:
    pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    if unknown := {name for name, _ in pairs} - set(call.query.split()):
        raise Wrong(f"unknown query {unknown}")
    return dict(pairs)


def _body(call: Call, asked: Asked) -> dict[str, Any]:
    if not call.body:
        if asked.body:
            raise Wrong("a body where none belongs")
        return {}
    if asked.headers.get("content-type") != "application/json":
        raise Wrong(f"content type {asked.headers.get('content-type')}")
    body = json.loads(asked.body)
    known = {name.rstrip("!"): kind for name, kind in call.body.items()}
    for name, value in body.items():
        if name not in known or type(value) is not known[name]:
            raise Wrong(f"field {name}: {value!r}")
    if missing := {name.rstrip("!") for name in call.body if name.endswith("!")} - set(body):
        raise Wrong(f"missing {missing}")
    return dict(body)


class FakePulls(FakeForge):
    """What GitHub and Gitea have in common."""

    teams = ""
    repo = r"/repos/(?P<repo>[\w.-]+/[\w.-]+)"

    def __init__(self, wire: Wire) -> None:
        super().__init__(wire)
        self.reviews: list[dict[str, Any]] = []
        reviewers = {"reviewers": list, "team_reviewers": list}
        self.calls |= {
            ("GET", self.repo): Call(self.repository),
            ("POST", self.repo + r"/pulls/(?P<index>\d+)/requested_reviewers"): Call(self.ask, "", reviewers),
        }

    def repository(self, repo: str) -> Reply:
        if repo.lower() != self.path:
            return as_json({"message": "Not Found"}, 404)
        return as_json({"id": 7, "full_name": self.path, "html_url": f"{self.wire.url}/{self.path}"})

    def pull(self, title: str, head: str, base: str, body: str, **more: Any) -> dict[str, Any]:
        """Keep a new pull request, and return it."""
        number = len(self.requests) + 1
        made = {
            "number": number,
            "node_id": f"PR_{number}",
            "html_url": f"{self.wire.url}/{self.path}/pull/{number}",
            "title": title,
            "body": body or None,
            "labels": [],
            "requested_reviewers": [],
            self.teams: [],
            "draft": False,
            "head": {"ref": head, "repo": {"id": 7}},
            "base": {"ref": base, "repo": {"id": 7}},
        }
        self.requests.append(made | more)
        return self.requests[-1]

    def ask(self, repo: str, index: str, reviewers: Sequence[str] = (), team_reviewers: Sequence[str] = ()) -> Reply:
        if unknown := [name for name in reviewers if name.lower() not in USERS]:
            message = f"Reviews may only be requested from collaborators. {unknown[0]} is not one."
            return as_json({"message": message}, 422)
        pull = self.requests[int(index) - 1]
        pull["requested_reviewers"] += [{"login": name} for name in reviewers]
        pull[self.teams] += [{"name": name, "slug": name} for name in team_reviewers]
        return as_json(pull, 201)


class FakeGitHub(FakePulls):
    """GitHub Enterprise Server: its API is below the pages' address, so that one server is both."""

    kind = "github"
    prefix = "/api"
    teams = "requested_teams"
    repo = r"/v3/repos/(?P<repo>[\w.-]+/[\w.-]+)"
    fixed: ClassVar = {
        "accept": "application/vnd.github+json",
        "x-github-api-version": "2022-11-28",
        "authorization": f"Bearer {TOKEN}",
    }

    def __init__(self, wire: Wire) -> None:
        super().__init__(wire)
        new = {"title!": str, "head!": str, "base!": str, "body": str, "draft": bool}
        self.calls |= {
            ("GET", self.repo + "/pulls"): Call(self.listing, "state head base sort direction per_page page"),
            ("POST", self.repo + "/pulls"): Call(self.create, "", new),
            ("PATCH", self.repo + r"/pulls/(?P<index>\d+)"): Call(self.edit, "", {"title": str, "body": str}),
            ("POST", self.repo + r"/issues/(?P<index>\d+)/labels"): Call(self.label, "", {"labels!": list}),
            ("GET", self.repo + r"/pulls/(?P<index>\d+)/reviews"): Call(self.reviewed, "per_page page"),
            ("POST", "/graphql"): Call(self.graphql, "", {"query!": str, "variables": dict}),
        }

    def listing(self, repo: str, state: str, head: str, base: str, per_page: str, page: str) -> Reply:
        owner, colon, branch = head.partition(":")
        found = self.requests
        if colon:  # what is no `owner:branch` is ignored, and all are listed
            found = [one for one in found if owner == repo.split("/")[0] and one["head"]["ref"] == branch]
        return self.page([one for one in found if one["base"]["ref"] == base], page, per_page)

    def create(self, repo: str, title: str, head: str, base: str, body: str = "", draft: bool = False) -> Reply:
        if draft and not self.drafts:
            return as_json({"message": "Draft pull requests are not supported in this repository."}, 422)
        if base not in self.branches:
            return _invalid({"resource": "PullRequest", "field": "base", "code": "invalid"})
        if head == "same-as-main":
            message = f"No commits between {base} and {head}"
            return _invalid({"resource": "PullRequest", "code": "custom", "message": message})
        if any((one["head"]["ref"], one["base"]["ref"]) == (head, base) for one in self.requests):
            message = f"A pull request already exists for {repo.split('/')[0]}:{head}."
            return _invalid({"resource": "PullRequest", "code": "custom", "message": message})
        if len(body) > 65_536 or len(title) > 256:
            message = "body is too long (maximum is 65536 characters)"
            return _invalid({"resource": "Issue", "code": "custom", "field": "body", "message": message})
        return as_json(self.pull(title, head, base, body, draft=draft), 201)

    def edit(self, repo: str, index: str, **fields: Any) -> Reply:
        self.requests[int(index) - 1].update(fields)
        return as_json(self.requests[int(index) - 1])

    def label(self, repo: str, index: str, labels: list[str]) -> Reply:
        self.requests[int(index) - 1]["labels"] += [{"id": 1, "name": name} for name in labels]
        return as_json(self.requests[int(index) - 1]["labels"])

    def reviewed(self, repo: str, index: str, per_page: str, page: str) -> Reply:
        return self.page(self.reviews, page, per_page)

    def graphql(self, query: str, variables: Mapping[str, str]) -> Reply:
        if "convertPullRequestToDraft(input: {pullRequestId: $id})" not in query:
            raise Wrong(query)
        if not self.drafts:
            return as_json({"data": None, "errors": [{"message": "Draft pull requests are not supported."}]})
        (pull,) = (one for one in self.requests if one["node_id"] == variables["id"])
        pull["draft"] = True
        return as_json({"data": {"convertPullRequestToDraft": {"pullRequest": {"isDraft": True}}}})


class FakeGitea(FakePulls):
    """Gitea, or Forgejo."""

    kind = "gitea"
    prefix = "/api/v1"
    teams = "requested_reviewers_teams"
    fixed: ClassVar = {"accept": "application/json", "authorization": f"token {TOKEN}"}

    def __init__(self, wire: Wire) -> None:
        super().__init__(wire)
        self.org_labels = {"org-wide": 90}
        self.page_max = 50
        new = {"title!": str, "head!": str, "base!": str, "body": str, "labels": list}
        edit = {"title": str, "body": str, "labels": list}
        self.calls |= {
            ("GET", self.repo + "/pulls"): Call(
                self.listing, "base_branch state sort milestone labels poster page limit"
            ),
            ("POST", self.repo + "/pulls"): Call(self.create, "", new),
            ("PATCH", self.repo + r"/pulls/(?P<index>\d+)"): Call(self.edit, "", edit),
            ("GET", self.repo + r"/pulls/(?P<index>\d+)/reviews"): Call(self.reviewed, "page limit"),
            ("GET", self.repo + "/labels"): Call(self.list_labels, "page limit"),
            ("GET", r"/orgs/(?P<org>[\w.-]+)/labels"): Call(self.list_org_labels, "page limit"),
        }

    def listing(self, repo: str, state: str, sort: str, limit: str, page: str) -> Reply:
        if sort not in ("oldest", "recentupdate", "recentclose", "leastupdate", "mostcomment", "leastcomment"):
            raise Wrong(sort)
        return self.page(self.requests, page, str(min(int(limit), self.page_max)))

    def create(self, repo: str, title: str, head: str, base: str, body: str = "", labels: Sequence[int] = ()) -> Reply:
        if base not in self.branches:
            return as_json({"message": "The target couldn't be found.", "errors": ["branch does not exist"]}, 404)
        if any((one["head"]["ref"], one["base"]["ref"]) == (head, base) for one in self.requests):
            return as_json({"message": "pull request already exists for these targets [id: 1]"}, 409)
        return as_json(self.pull(title, head, base, body, labels=self._named(labels)), 201)

    def edit(self, repo: str, index: str, labels: list[int] | None = None, **fields: Any) -> Reply:
        pull = self.requests[int(index) - 1]
        pull.update(fields)
        if labels is not None:
            pull["labels"] = self._named(labels)
        return as_json(pull, 201)

    def reviewed(self, repo: str, index: str, limit: str, page: str) -> Reply:
        return self.page(self.reviews, page, limit)

    def list_labels(self, repo: str, limit: str, page: str) -> Reply:
        return self.page([{"id": one, "name": name} for name, one in self.labels.items()], page, limit)

    def list_org_labels(self, org: str, limit: str, page: str) -> Reply:
        if not self.org_labels:
            return as_json({"message": "user redirect does not exist"}, 404)
        return self.page([{"id": one, "name": name} for name, one in self.org_labels.items()], page, limit)

    def _named(self, ids: Any) -> Any:
        names = {number: name for name, number in (self.labels | self.org_labels).items()}
        return [{"id": one, "name": names[one]} for one in ids]


class FakeGitLab(FakeForge):
    """GitLab; the project is in a subgroup."""

    kind = "gitlab"
    prefix = "/api/v4"
    path = "team/sub/ledger"
    fixed: ClassVar = {"accept": "application/json", "private-token": TOKEN}

    def __init__(self, wire: Wire) -> None:
        super().__init__(wire)
        both = {"title": str, "description": str, "reviewer_ids": list, "remove_source_branch": bool}
        new = both | {"source_branch!": str, "target_branch!": str, "title!": str, "labels": str}
        del new["title"]
        edit = both | {"add_labels": str, "remove_labels": str, "state_event": str, "target_branch": str}
        requests = "/projects/7/merge_requests"
        listing = "state source_branch target_branch order_by sort scope per_page page"
        self.calls |= {
            ("GET", r"/projects/(?P<project>[\w.%-]+)"): Call(self.project),
            ("GET", requests): Call(self.listing, listing),
            ("POST", requests): Call(self.create, "", new),
            ("PUT", requests + r"/(?P<iid>\d+)"): Call(self.edit, "", edit),
            ("GET", "/users"): Call(self.users, "username active page per_page"),
        }

    def project(self, project: str) -> Reply:
        if project != self.path:
            return as_json({"message": "404 Project Not Found"}, 404)
        return as_json({"id": 7, "path_with_namespace": self.path})

    def listing(self, state: str, source_branch: str, target_branch: str, per_page: str, page: str) -> Reply:
        if state != "opened":
            raise Wrong(state)
        found = [
            one
            for one in self.requests
            if (one["source_branch"], one["target_branch"]) == (source_branch, target_branch)
        ]
        return self.page(found, page, per_page)

    def merge_request(self, **fields: Any) -> dict[str, Any]:
        """Keep a new merge request, and return it."""
        iid = len(self.requests) + 1
        made = {
            "id": 1000 + iid,
            "iid": iid,
            "web_url": f"{self.wire.url}/{self.path}/-/merge_requests/{iid}",
            "source_project_id": 7,
            "target_project_id": 7,
            "description": None,
            "labels": [],
            "reviewers": [],
        }
        self.requests.append(made | fields)
        return self.requests[-1]

    def create(self, source_branch: str, target_branch: str, labels: str = "", **fields: Any) -> Reply:
        if target_branch not in self.branches:
            return as_json({"message": {"target_branch": ["does not exist"]}}, 400)
        if any((one["source_branch"], one["target_branch"]) == (source_branch, target_branch) for one in self.requests):
            return as_json({"message": ["Another open merge request already exists for this source branch: !1"]}, 409)
        fields["reviewers"] = _people(fields.pop("reviewer_ids", []))
        names = [name for name in labels.split(",") if name]
        made = self.merge_request(source_branch=source_branch, target_branch=target_branch, labels=names, **fields)
        return as_json(made, 201)

    def edit(self, iid: str, add_labels: str = "", reviewer_ids: Any = None, **fields: Any) -> Reply:
        request = self.requests[int(iid) - 1]
        request.update(fields)
        request["labels"] += [name for name in add_labels.split(",") if name]
        if reviewer_ids is not None:
            request["reviewers"] = _people(reviewer_ids)
        return as_json(request)

    def users(self, username: str) -> Reply:
        return as_json([{"id": USERS[username.lower()], "username": username}] if username.lower() in USERS else [])


def _people(ids: Any) -> Any:
    return [{"id": one, "username": next(name for name, number in USERS.items() if number == one)} for one in ids]


def _invalid(error: Mapping[str, str]) -> Reply:
    return as_json({"message": "Validation Failed", "errors": [error], "documentation_url": "https://docs"}, 422)


FORGES: dict[str, type[FakeForge]] = {one.kind: one for one in (FakeGitHub, FakeGitLab, FakeGitea)}


@contextmanager
def fake_forge(kind: str) -> Iterator[Any]:
    """Run a forge of a kind; on the way out, whatever broke the published API is a failure."""
    with wire_server() as wire:
        forge = FORGES[kind](wire)
        yield forge
    assert forge.wrong == []
