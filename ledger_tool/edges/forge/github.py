"""GitHub's pull requests, and what Gitea's have in common with them.

Sources: GitHub REST API, version 2022-11-28, "Pull requests", "Review requests", "Labels", "Rules" and "Rate limits";
GraphQL API, `convertPullRequestToDraft`, for which there is no REST call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from ledger_tool.core.changes.proposal import Proposal
from ledger_tool.edges.forge.api import Api, ForgeToken, pick, texts
from ledger_tool.edges.forge.repository import ForgeRepository
from ledger_tool.edges.forge.request import PROTECTION, AlreadyOpen, OpenRequest, Requests
from ledger_tool.errors import Denied, UsageError

REFUSED_HINT = "check that both branches exist and differ, and that the base is the branch to merge into"
# Rules of rulesets that stop no push that only adds one commit.
_HARMLESS = {"creation", "deletion", "non_fast_forward", "required_linear_history"}
_DRAFT = "mutation($id: ID!) { convertPullRequestToDraft(input: {pullRequestId: $id}) { pullRequest { isDraft } } }"


def graphql(api: Api) -> str:
    """Return the address of GitHub's GraphQL API, which belongs to that of its REST API."""
    return api.base.removesuffix("/v3") + "/graphql"


class Pulls(Requests):
    """What GitHub and Gitea have in common: both have pull requests of the same shape at the same paths."""

    teams = ("requested_teams", "slug")
    page_size: ClassVar[Mapping[str, str]] = {"per_page": "100"}

    def __init__(self, api: Api, path: str) -> None:
        super().__init__(api)
        self.data: Mapping[str, Any] = api.get(f"/repos/{quote(path)}", f"repository {path}")
        self.path = pick(self.data, "full_name", str)  # its current path, if it was renamed

    @property
    def owner(self) -> str:
        """The user or the organization."""
        return self.path.partition("/")[0]

    def at(self, rest: str) -> str:
        """Return a path of the API below the repository."""
        return f"/repos/{quote(self.path)}{rest}"

    def rules_for(self, branch: str) -> Sequence[str]:
        path = self.at(f"/branches/{quote(branch, safe='')}")
        return [PROTECTION] if pick(self.api.get(path, f"branch {branch}"), "protected", bool) else []

    def find(self, proposal: Proposal) -> OpenRequest | None:
        query = {"state": "open", **self.query(proposal), **self.page_size}
        pulls = self.api.pages(self.at("/pulls"), "the pull requests", **query)
        return next((self.parse(data) for data in pulls if self._is_ours(data, proposal)), None)

    def query(self, proposal: Proposal) -> dict[str, str]:
        """Return the parameters that narrow down the list of open pull requests."""
        return {"head": f"{self.owner}:{proposal.branch}", "base": proposal.base}

    def _is_ours(self, data: Mapping[str, Any], proposal: Proposal) -> bool:
        """Return whether a pull request belongs to this branch, and not to a fork's branch of the same name."""
        head, base = data.get("head"), data.get("base")
        if not isinstance(head, dict) or not isinstance(base, dict):
            return False
        our_id = pick(self.data, "id", int)
        head_repository = head.get("repo") or {}
        expected = proposal.branch, proposal.base, our_id
        return (head.get("ref"), base.get("ref"), head_repository.get("id")) == expected

    def request_reviews(self, request: OpenRequest, proposal: Proposal) -> None:
        """Ask the reviewers who have neither been asked nor reviewed yet."""
        asked = texts(request.data, "requested_reviewers", "login")
        people = [name for name in proposal.reviewers if "/" not in name and name.lower() not in asked]
        asked = texts(request.data, *self.teams)
        teams = [team for name in proposal.reviewers if (team := name.partition("/")[2]) and team.lower() not in asked]
        if not people and not teams:
            return
        pull = self.at(f"/pulls/{request.number}")
        reviewed = {
            str(user.get("login", "")).lower()
            for review in self.api.pages(f"{pull}/reviews", "the reviews", **self.page_size)
            if isinstance(user := review.get("user"), dict)
        }
        people = [name for name in people if name.lower() not in reviewed]
        teams = (
            [] if reviewed else teams
        )  # a review does not name its team: after the first one, no team is asked again
        reviewers = {"reviewers": people, "team_reviewers": teams}
        if body := {name: values for name, values in reviewers.items() if values}:
            self.api.ask("POST", f"{pull}/requested_reviewers", "the reviewers", body=body)


class GitHub(Pulls):
    """A repository's pull requests on GitHub or GitHub Enterprise."""

    permissions = (
        "it needs `contents: write` and `pull-requests: write`; in GitHub Actions, the repository or organization also"
        " has to allow Actions to create pull requests"
    )

    @classmethod
    def api_base(cls, repository: ForgeRepository) -> str:
        """Return the API's address on GitHub, a GHE.com subdomain, or an Enterprise Server."""
        host = repository.host
        if host == "github.com":
            return "https://api.github.com"
        return f"https://api.{host}" if host.endswith(".ghe.com") else f"{repository.base}/api/v3"

    @staticmethod
    def headers(token: ForgeToken) -> dict[str, str]:
        return {
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "Authorization": f"Bearer {token.text}",
        }

    def rules_for(self, branch: str) -> Sequence[str]:
        rules = super().rules_for(branch)
        path = self.at(f"/rules/branches/{quote(branch, safe='')}")
        try:
            types = [pick(rule, "type", str) for rule in self.api.pages(path, "the rules", **self.page_size)]
        except Denied:  # an Enterprise Server without rulesets
            if not rules:
                raise
            types = []
        return [*rules, *(name for name in dict.fromkeys(types) if name not in _HARMLESS)]

    def open(self, proposal: Proposal) -> OpenRequest:
        body = {"head": proposal.branch, "base": proposal.base, "draft": proposal.draft, **self.words(proposal)}
        reply = self.api.ask("POST", self.at("/pulls"), "a new pull request", body=body, also=(422,), once=True)
        if reply.status != 422:
            return self.parse(reply.data)
        message = f"{self.api.name} refuses the pull request: {reply.says}"
        if "already exists" in reply.says:
            raise AlreadyOpen(message, "check the repository's pull requests")
        if "raft pull requests are not supported" in reply.says:
            raise UsageError(message, "leave `--pr-draft` out, or use a GitHub plan with drafts")
        raise UsageError(message, REFUSED_HINT)

    def update(self, request: OpenRequest, proposal: Proposal) -> None:
        if words := self.new_words(request, proposal):
            self.api.ask("PATCH", self.at(f"/pulls/{request.number}"), "the pull request", body=words)
        if missing := self.missing_labels(request, proposal):
            labels = self.at(f"/issues/{request.number}/labels")
            self.api.ask("POST", labels, "the labels", body={"labels": missing})
        self.request_reviews(request, proposal)
        if not proposal.draft or request.data.get("draft"):
            return
        body = {"query": _DRAFT, "variables": {"id": pick(request.data, "node_id", str)}}
        reply = self.api.ask("POST", graphql(self.api), "the draft state", body=body)
        if isinstance(reply.data, dict) and reply.data.get("errors"):  # GraphQL answers 200 to everything
            raise UsageError(
                f"{self.api.name} does not make the pull request a draft: {reply.says}", "leave `--pr-draft` out"
            )
