"""Gitea's and Forgejo's pull requests.

Sources: Gitea's Swagger document, version 1.22 and later, `repository` and `issue`; "Work in progress pull requests".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from ledger_tool.core.changes.proposal import Proposal
from ledger_tool.core.ledger.names import shown
from ledger_tool.edges.forge.api import ForgeToken, pick
from ledger_tool.edges.forge.github import REFUSED_HINT, Pulls
from ledger_tool.edges.forge.request import AlreadyOpen, OpenRequest
from ledger_tool.errors import Denied, UsageError


class Gitea(Pulls):
    """A repository's pull requests on Gitea or Forgejo."""

    permissions = (
        "it needs the scopes `write:repository` and `read:issue`, and `read:organization` for an organization's labels"
    )
    api_path = "/api/v1"
    draft = "WIP: "
    drafts = r"(?i)(?:wip:|\[wip\])\s*"
    teams = ("requested_reviewers_teams", "name")
    page_size: ClassVar[Mapping[str, str]] = {"limit": "50"}  # the most that a server allows by default

    @staticmethod
    def headers(token: ForgeToken) -> dict[str, str]:
        return {"Accept": "application/json", "Authorization": f"token {token.text}"}

    def query(self, proposal: Proposal) -> dict[str, str]:
        """See `Pulls`. No version can filter by branch, so all open pull requests are read."""
        del proposal
        return {"sort": "recentupdate"}

    def open(self, proposal: Proposal) -> OpenRequest:
        labels = self._label_ids(proposal.labels)
        body = {"head": proposal.branch, "base": proposal.base, "labels": labels, **self.words(proposal)}
        what, also = "a new pull request", (404, 409, 422)
        reply = self.api.ask("POST", self.at("/pulls"), what, body=body, also=also, once=True)
        if reply.status == 201:
            return self.parse(reply.data)
        message = f"{self.api.name} refuses the pull request: {reply.says or reply.status}"
        if reply.status == 409:
            raise AlreadyOpen(message, "check the repository's pull requests")
        raise UsageError(message, REFUSED_HINT)

    def update(self, request: OpenRequest, proposal: Proposal) -> None:
        body = self.new_words(request, proposal)
        if missing := self.missing_labels(request, proposal):
            ids = [pick(label, "id", int) for label in request.data["labels"]]
            body["labels"] = sorted({*ids, *self._label_ids(missing)})  # this list replaces all labels
        if body:
            self.api.ask("PATCH", self.at(f"/pulls/{request.number}"), "the pull request", body=body)
        self.request_reviews(request, proposal)

    def _label_ids(self, labels: Sequence[str]) -> list[int]:
        """Return the ids of labels of the repository or its organization. Raises UsageError for an unknown label."""
        label_by_name = {label.lower(): label for label in labels}
        ids: dict[str, int] = {}
        for path in (self.at("/labels"), f"/orgs/{self.owner}/labels"):
            if not label_by_name.keys() - ids.keys():
                break
            try:
                for label in self.api.pages(path, "the labels", **self.page_size):
                    name = pick(label, "name", str).lower()
                    if name in label_by_name:
                        ids.setdefault(name, pick(label, "id", int))
            except Denied:
                if not path.startswith("/orgs/"):
                    raise  # a user's account has no such labels, and a token need not see them
        if missing := [label for name, label in label_by_name.items() if name not in ids]:
            raise UsageError(
                f"{self.api.name} has no label `{shown(missing[0])}` for {shown(self.path)}",
                "create the label there first, or leave it out",
            )
        return sorted(ids.values())
