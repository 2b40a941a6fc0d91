"""GitHub and Gitea at the wire, which have pull requests of one shape; see `fake_forge`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from tests.support.forges.fake_forge import ME, TOKEN, USERS, Call, FakeForge, Wrong
from tests.support.registries.wire import Reply, Wire, as_json


class FakePulls(FakeForge):
    """What GitHub and Gitea have in common."""

    teams = ""
    repo = r"/repos/(?P<repo>[\w.-]+/[\w.-]+)"

    def __init__(self, wire: Wire) -> None:
        super().__init__(wire)
        self.reviews: list[dict[str, Any]] = []
        reviewers = {"reviewers": list, "team_reviewers": list}
        root = self.repo.partition("/repos/")[0]
        issue = {"title!": str, "body": str, "labels": list}
        edit = {"title": str, "body": str, "state": str}
        size = "per_page page" if self.kind == "github" else "limit page"
        self.calls |= {
            ("GET", root + "/user"): Call(self.whoami),
            ("GET", self.repo + "/issues/7/comments"): Call(self.list_comments, size),
            ("POST", self.repo + "/issues/7/comments"): Call(self.new_comment, "", {"body!": str}),
            ("PATCH", self.repo + r"/issues/comments/(?P<comment>\d+)"): Call(self.edit_comment, "", {"body!": str}),
            ("GET", self.repo + "/issues"): Call(self.list_issues, f"state labels {size}"),
            ("POST", self.repo + "/issues"): Call(self.new_issue, "", issue),
            ("PATCH", self.repo + r"/issues/(?P<index>\d+)"): Call(self.edit_issue, "", edit),
        }
        self.calls |= {
            ("GET", self.repo): Call(self.repository),
            ("GET", self.repo + r"/branches/(?P<name>[^/]+)"): Call(self.branch),
            ("GET", self.repo + r"/rules/branches/(?P<name>[^/]+)"): Call(self.list_rules, "per_page page"),
            ("POST", self.repo + r"/pulls/(?P<index>\d+)/requested_reviewers"): Call(self.ask, "", reviewers),
        }

    def repository(self, repo: str) -> Reply:
        if repo.lower() != self.path:
            return as_json({"message": "Not Found"}, 404)
        return as_json({"id": 7, "full_name": self.path, "html_url": f"{self.wire.url}/{self.path}"})

    def list_rules(self, repo: str, name: str, page: str, per_page: str) -> Reply:
        return self.page([{"type": rule} for rule in self.rules], page, per_page)

    def list_comments(self, repo: str, page: str, per_page: str = "", limit: str = "") -> Reply:
        return self.page(self.comments, page, per_page or limit)

    def new_comment(self, repo: str, body: str) -> Reply:
        return as_json(self.comment(ME, body), 201)

    def edit_comment(self, repo: str, comment: str, body: str) -> Reply:
        (kept,) = (one for one in self.comments if one["id"] == int(comment))
        kept["body"] = body
        return as_json(kept)

    def list_issues(self, repo: str, state: str, labels: str, page: str, per_page: str = "", limit: str = "") -> Reply:
        found = [one for one in self.issues if one["state"] == state and labels in one["labels"]]
        return self.page(found, page, per_page or limit)

    def new_issue(self, repo: str, labels: list[Any], **fields: Any) -> Reply:
        names = {number: name for name, number in self.labels.items()}
        return as_json(self.issue(labels=[names.get(one, one) for one in labels], **fields), 201)

    def edit_issue(self, repo: str, index: str, **fields: Any) -> Reply:
        self.issues[int(index) - 1].update(fields)
        return as_json(self.issues[int(index) - 1])

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
        del self.calls["GET", "/v3/user"]  # which the token of GitHub Actions may not ask
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

    def graphql(self, query: str, variables: Mapping[str, str] = {}) -> Reply:
        if query == "query { viewer { databaseId } }":
            return as_json({"data": {"viewer": {"databaseId": ME}}})
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
            ("POST", self.repo + "/labels"): Call(self.new_label, "", {"name!": str, "color!": str}),
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

    def new_label(self, repo: str, name: str, color: str) -> Reply:
        self.labels[name] = 50 + len(self.labels)
        return as_json({"id": self.labels[name], "name": name}, 201)

    def list_org_labels(self, org: str, limit: str, page: str) -> Reply:
        if not self.org_labels:
            return as_json({"message": "user redirect does not exist"}, 404)
        return self.page([{"id": one, "name": name} for name, one in self.org_labels.items()], page, limit)

    def _named(self, ids: Any) -> Any:
        names = {number: name for name, number in (self.labels | self.org_labels).items()}
        return [{"id": one, "name": names[one]} for one in ids]


def _invalid(error: Mapping[str, str]) -> Reply:
    return as_json({"message": "Validation Failed", "errors": [error], "documentation_url": "https://docs"}, 422)
