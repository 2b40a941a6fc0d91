"""GitHub's pull requests, and what Gitea's have in common with them.

Sources: GitHub REST API, version 2022-11-28, "Pull requests", "Review requests", "Labels" and "Rate limits"; GraphQL
API, `convertPullRequestToDraft`, for which there is no REST call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ledger_tool.core.changes.proposal import Proposal, Proposed, one_line, shortened
from ledger_tool.edges.forge.api import Api, Token, pick, texts
from ledger_tool.edges.forge.place import Place
from ledger_tool.edges.forge.request import AlreadyOpen, Open, is_team, parse_open, propose, same_text
from ledger_tool.errors import UsageError

PERMISSIONS = (
    "it needs `contents: write` and `pull-requests: write`; in GitHub Actions, the repository or organization also has"
    " to allow that Actions create pull requests"
)
_DRAFT = "mutation($id: ID!) { convertPullRequestToDraft(input: {pullRequestId: $id}) { pullRequest { isDraft } } }"


def headers(token: Token) -> dict[str, str]:
    """Return the headers of every request."""
    return {
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
        "Authorization": f"Bearer {token.text}",
    }


def api_base(place: Place) -> str:
    """Return the API's address: GitHub's, that of a GHE.com subdomain, or that of an Enterprise Server."""
    if place.host == "github.com":
        return "https://api.github.com"
    return f"https://api.{place.host}" if place.host.endswith(".ghe.com") else f"{place.base}/api/v3"


class Pulls:
    """What GitHub and Gitea have in common: both have pull requests of the same shape at the same paths."""

    teams = ("requested_teams", "slug")

    def __init__(self, api: Api, path: str) -> None:
        self.api = api
        self.path = path
        self.repository: Mapping[str, Any] = api.get(self.at(path), f"repository {path}")
        self.path = pick(self.repository, "full_name", str)  # where it is now, if it was renamed

    def at(self, path: str, rest: str = "") -> str:
        """Return the API's path of a repository."""
        return f"/repos/{quote(path)}{rest}"

    def push_options(self, proposal: Proposal) -> tuple[str, ...]:
        """Return nothing: the API is spoken to."""
        del proposal
        return ()

    def is_ours(self, data: Mapping[str, Any], proposal: Proposal) -> bool:
        """Tell whether a pull request is this branch's, and not that of a fork's branch of the same name."""
        head, base = data.get("head"), data.get("base")
        if not isinstance(head, dict) or not isinstance(base, dict):
            return False
        ours = pick(self.repository, "id", int)
        there = head.get("repo") or {}
        return (head.get("ref"), base.get("ref"), there.get("id")) == (proposal.branch, proposal.base, ours)

    def parse(self, data: Any) -> Open:
        """Return the pull request that an answer describes."""
        return parse_open(data, number="number", url="html_url", body="body")

    def request_reviews(self, found: Open, proposal: Proposal) -> None:
        """Ask those reviewers who are not asked and have not reviewed yet."""
        asked = texts(found.data, "requested_reviewers", "login")
        people = [one for one in proposal.reviewers if not is_team(one) and one.lower() not in asked]
        asked_teams = texts(found.data, *self.teams)
        groups = [one.partition("/")[2] for one in proposal.reviewers if is_team(one)]
        groups = [one for one in groups if one.lower() not in asked_teams]
        if not people and not groups:
            return
        pull = self.at(self.path, f"/pulls/{found.number}")
        done = {
            str(user.get("login", "")).lower()
            for review in self.api.pages(f"{pull}/reviews", "the reviews", **self.page_size)
            if isinstance(user := review.get("user"), dict)
        }
        people = [one for one in people if one.lower() not in done]
        groups = [] if done else groups  # a review does not say for which team: once there is one, none is asked again
        wanted = {"reviewers": people, "team_reviewers": groups}
        if body := {name: values for name, values in wanted.items() if values}:
            self.api.ask("POST", f"{pull}/requested_reviewers", "the reviewers", body=body)

    page_size: Mapping[str, str] = {"per_page": "100"}


class GitHub(Pulls):
    """A repository's pull requests on GitHub or GitHub Enterprise."""

    def __init__(self, api: Api, path: str, graphql: str) -> None:
        super().__init__(api, path)
        self._graphql = graphql

    def propose(self, proposal: Proposal) -> Proposed:
        """See `edges.forge.opening.Forge`."""
        return propose(self, proposal)

    def find(self, proposal: Proposal) -> Open | None:
        """See `Requests`."""
        owner = self.path.partition("/")[0]
        pulls = self.api.pages(
            self.at(self.path, "/pulls"),
            "the pull requests",
            state="open",
            head=f"{owner}:{proposal.branch}",
            base=proposal.base,
            **self.page_size,
        )
        return next((self.parse(data) for data in pulls if self.is_ours(data, proposal)), None)

    def open(self, proposal: Proposal) -> Open:
        """See `Requests`."""
        body = {
            "title": one_line(proposal.title),
            "head": proposal.branch,
            "base": proposal.base,
            "body": shortened(proposal.body),
            "draft": proposal.draft,
        }
        what = "a new pull request"
        reply = self.api.ask("POST", self.at(self.path, "/pulls"), what, body=body, also=(422,), once=True)
        if reply.status != 422:
            return self.parse(reply.data)
        message = f"{self.api.name} refuses the pull request: {reply.says}"
        if "already exists" in reply.says:
            raise AlreadyOpen(message, "look at the repository's pull requests")
        if "raft pull requests are not supported" in reply.says:
            raise UsageError(message, "leave `--pr-draft` out, or use a plan of GitHub that has drafts")
        hint = "check that both branches are there and differ, and that the base is the one to merge into"
        raise UsageError(message, hint)

    def update(self, found: Open, proposal: Proposal) -> None:
        """See `Requests`."""
        title, body = one_line(proposal.title), shortened(proposal.body)
        if found.title != title or not same_text(found.body, body):
            pull = self.at(self.path, f"/pulls/{found.number}")
            self.api.ask("PATCH", pull, "the pull request", body={"title": title, "body": body})
        labels = texts(found.data, "labels", "name")
        if missing := [label for label in proposal.labels if label.lower() not in labels]:
            issue = self.at(self.path, f"/issues/{found.number}/labels")
            self.api.ask("POST", issue, "the labels", body={"labels": missing})
        self.request_reviews(found, proposal)
        if proposal.draft and not found.data.get("draft"):
            self._make_draft(pick(found.data, "node_id", str))

    def _make_draft(self, node: str) -> None:
        body = {"query": _DRAFT, "variables": {"id": node}}
        reply = self.api.ask("POST", self._graphql, "the draft state", body=body)
        if isinstance(reply.data, dict) and reply.data.get("errors"):  # GraphQL answers 200 to everything
            raise UsageError(
                f"{self.api.name} does not make the pull request a draft: {reply.says}", "leave `--pr-draft` out"
            )
