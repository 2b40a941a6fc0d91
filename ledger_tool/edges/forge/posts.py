"""What a job says on a forge: one comment on a request, and one issue, each edited in place.

Sources: GitHub REST API 2022-11-28, "Issue comments", "Issues"; GitHub GraphQL API, `viewer`; Gitea 1.22's Swagger
document; GitLab REST API v4, "Notes", "Issues", "Labels", "Users".
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote

from ledger_tool.core.changes.proposal import shortened
from ledger_tool.edges.forge.api import Api, pick
from ledger_tool.edges.forge.gitea import Gitea
from ledger_tool.edges.forge.github import GitHub, graphql
from ledger_tool.edges.forge.gitlab import GitLab

_DRIFT = "ledger-drift"
_COLOR = "b60205"
# The one question that a token of GitHub Actions may ask about itself: `GET /user` is denied to it.
_VIEWER = "query { viewer { databaseId } }"


@dataclass(frozen=True, slots=True)
class ForgeComment:
    """A comment on a request: its id, who wrote it, and its text."""

    id: int
    author: int
    body: str


class Posts(ABC):
    """See `commands.post.Board`: one repository's, on one kind of forge."""

    def __init__(self, api: Api, path: str) -> None:
        self.api = api
        self.at = self._base(path)

    @staticmethod
    @abstractmethod
    def _base(path: str) -> str:
        """Return the API's path of the repository."""

    @abstractmethod
    def comments(self, request: int) -> Iterator[ForgeComment]:
        """Yield the comments on a request."""

    @abstractmethod
    def write_comment(self, request: int, body: str, old: int | None) -> None:
        """Write a comment, or edit the one with the id `old`."""

    @abstractmethod
    def find_issue(self, author: int) -> int | None:
        """Return the number of the open issue about drift by this author, the oldest if there are several.

        Whoever may open an issue may give it our label, too, on some forges and through a template.
        """

    @abstractmethod
    def write_issue(self, title: str, body: str, old: int | None) -> None:
        """Open the issue about drift, or edit the open one with the number `old`."""

    @abstractmethod
    def close_issue(self, number: int) -> None:
        """Close an issue."""

    def me(self) -> int:
        """Return the id of the token's user."""
        return pick(self.api.get("/user", "the token's user"), "id", int)


class PullPosts(Posts):
    """GitHub's and Gitea's, which are alike."""

    page_size: ClassVar[Mapping[str, str]]

    @staticmethod
    def _base(path: str) -> str:
        return f"/repos/{quote(path)}"

    def comments(self, request: int) -> Iterator[ForgeComment]:
        path = f"{self.at}/issues/{request}/comments"
        for data in self.api.pages(path, "the comments", **self.page_size):
            yield ForgeComment(pick(data, "id", int), _author(data, "user"), pick(data, "body", str))

    def write_comment(self, request: int, body: str, old: int | None) -> None:
        text = {"body": shortened(body)}
        if old is None:
            self.api.ask("POST", f"{self.at}/issues/{request}/comments", "a comment", body=text)
        else:
            self.api.ask("PATCH", f"{self.at}/issues/comments/{old}", "the comment", body=text)

    def find_issue(self, author: int) -> int | None:
        query = {"state": "open", "labels": _DRIFT, **self.page_size}
        found = self.api.pages(f"{self.at}/issues", "the issues", **query)
        issues = (data for data in found if not data.get("pull_request") and _author(data, "user") == author)
        return min((pick(data, "number", int) for data in issues), default=None)

    def write_issue(self, title: str, body: str, old: int | None) -> None:
        if old is None:
            issue = {"title": title, "body": shortened(body), "labels": self._labels()}
            self.api.ask("POST", f"{self.at}/issues", "an issue", body=issue)
        else:
            self.api.ask("PATCH", f"{self.at}/issues/{old}", "the issue", body={"body": shortened(body)})

    def close_issue(self, number: int) -> None:
        self.api.ask("PATCH", f"{self.at}/issues/{number}", "the issue", body={"state": "closed"})

    @abstractmethod
    def _labels(self) -> list[Any]:
        """Return the label of a new issue, as the API takes it; it is created if missing."""


class GitHubPosts(PullPosts):
    """A repository's on GitHub or GitHub Enterprise; a label that is missing is created with the issue."""

    page_size: ClassVar[Mapping[str, str]] = {"per_page": "100"}

    def me(self) -> int:
        reply = self.api.ask("POST", graphql(self.api), "the token's user", body={"query": _VIEWER})
        return pick(reply.data, "data.viewer.databaseId", int)

    def _labels(self) -> list[Any]:
        return [_DRIFT]


class GiteaPosts(PullPosts):
    """A repository's on Gitea or Forgejo, whose issues take the ids of labels."""

    page_size: ClassVar[Mapping[str, str]] = {"limit": "50"}

    def _labels(self) -> list[Any]:
        path = f"{self.at}/labels"
        for label in self.api.pages(path, "the labels", **self.page_size):
            if pick(label, "name", str) == _DRIFT:
                return [pick(label, "id", int)]
        label = {"name": _DRIFT, "color": _COLOR}
        return [pick(self.api.ask("POST", path, "a label", body=label).data, "id", int)]


class GitLabPosts(Posts):
    """A project's on GitLab."""

    @staticmethod
    def _base(path: str) -> str:
        return f"/projects/{quote(path, safe='')}"

    def comments(self, request: int) -> Iterator[ForgeComment]:
        path = f"{self.at}/merge_requests/{request}/notes"
        for data in self.api.pages(path, "the notes", sort="asc", per_page="100"):
            yield ForgeComment(pick(data, "id", int), _author(data, "author"), pick(data, "body", str))

    def write_comment(self, request: int, body: str, old: int | None) -> None:
        path = f"{self.at}/merge_requests/{request}/notes"
        method, path = ("POST", path) if old is None else ("PUT", f"{path}/{old}")
        self.api.ask(method, path, "a note", body={"body": shortened(body)})

    def find_issue(self, author: int) -> int | None:
        query = {"state": "opened", "labels": _DRIFT, "per_page": "100"}
        found = self.api.pages(f"{self.at}/issues", "the issues", **query)
        return min((pick(data, "iid", int) for data in found if _author(data, "author") == author), default=None)

    def write_issue(self, title: str, body: str, old: int | None) -> None:
        text = {"description": shortened(body)}
        if old is None:
            issue = {"title": title, "labels": _DRIFT, **text}
            self.api.ask("POST", f"{self.at}/issues", "an issue", body=issue)
        else:
            self.api.ask("PUT", f"{self.at}/issues/{old}", "the issue", body=text)

    def close_issue(self, number: int) -> None:
        self.api.ask("PUT", f"{self.at}/issues/{number}", "the issue", body={"state_event": "close"})


def _author(data: Mapping[str, Any], field: str) -> int:
    """Return the id of who wrote something; 0 if the account is gone."""
    return pick(data, f"{field}.id", int) if data.get(field) else 0


# Of each kind of forge: its API, its posts, and the permissions that a token needs.
KINDS: Mapping[str, tuple[type[GitHub | GitLab | Gitea], type[Posts], str]] = {
    "github": (GitHub, GitHubPosts, "it needs `pull-requests: write` and `issues: write`"),
    "gitlab": (GitLab, GitLabPosts, "it needs the scope `api`, and the role Reporter in the project"),
    "gitea": (Gitea, GiteaPosts, "it needs the scopes `write:issue` and `read:user`"),
}
