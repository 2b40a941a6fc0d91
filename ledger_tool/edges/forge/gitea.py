"""Gitea's and Forgejo's pull requests.

Sources: Gitea's Swagger document, version 1.22 and later, `repository` and `issue`; "Work in progress pull requests".
"""

from __future__ import annotations

from collections.abc import Sequence

from ledger_tool.core.changes.proposal import Proposal, Proposed, one_line, shortened
from ledger_tool.core.ledger.names import shown
from ledger_tool.edges.forge.api import Token, pick, texts
from ledger_tool.edges.forge.github import Pulls
from ledger_tool.edges.forge.request import AlreadyOpen, Open, propose, reworded
from ledger_tool.errors import Denied, UsageError

PERMISSIONS = "it needs the scopes `write:repository` and `read:issue`, and `read:organization` for labels of one"
_DRAFT = "WIP: "
_DRAFTS = r"(?i)(?:wip:|\[wip\])\s*"


def headers(token: Token) -> dict[str, str]:
    """Return the headers of every request."""
    return {"Accept": "application/json", "Authorization": f"token {token.text}"}


class Gitea(Pulls):
    """A repository's pull requests on Gitea or Forgejo."""

    teams = ("requested_reviewers_teams", "name")
    page_size = {"limit": "50"}  # noqa: RUF012 - what a server lets at most by default

    def propose(self, proposal: Proposal) -> Proposed:
        """See `edges.forge.opening.Forge`."""
        return propose(self, proposal)

    def find(self, proposal: Proposal) -> Open | None:
        """See `Requests`. No version can filter by branch, so that all open ones are looked at."""
        pulls = self.api.pages(
            self.at(self.path, "/pulls"), "the pull requests", state="open", sort="recentupdate", **self.page_size
        )
        return next((self.parse(data) for data in pulls if self.is_ours(data, proposal)), None)

    def open(self, proposal: Proposal) -> Open:
        """See `Requests`."""
        body = {
            "title": one_line(proposal.title, _DRAFT if proposal.draft else ""),
            "head": proposal.branch,
            "base": proposal.base,
            "body": shortened(proposal.body),
            "labels": self._label_ids(proposal.labels),
        }
        what = "a new pull request"
        reply = self.api.ask("POST", self.at(self.path, "/pulls"), what, body=body, also=(404, 409, 422), once=True)
        if reply.status == 201:
            return self.parse(reply.data)
        message = f"{self.api.name} refuses the pull request: {reply.says or reply.status}"
        if reply.status == 409:
            raise AlreadyOpen(message, "look at the repository's pull requests")
        hint = "check that both branches are there and differ, and that the base is the one to merge into"
        raise UsageError(message, hint)

    def update(self, found: Open, proposal: Proposal) -> None:
        """See `Requests`."""
        words = reworded(found, proposal, _DRAFTS, _DRAFT)
        body: dict[str, object] = {"title": words[0], "body": words[1]} if words else {}
        there = texts(found.data, "labels", "name")
        if missing := [label for label in proposal.labels if label.lower() not in there]:
            ids = [pick(label, "id", int) for label in found.data["labels"]]
            body["labels"] = sorted({*ids, *self._label_ids(missing)})  # what is given takes the place of all
        if body:
            pull = self.at(self.path, f"/pulls/{found.number}")
            self.api.ask("PATCH", pull, "the pull request", body=body)
        self.request_reviews(found, proposal)

    def _label_ids(self, labels: Sequence[str]) -> list[int]:
        """Return the ids of labels of the repository or its organization. Raises UsageError for one that is neither."""
        wanted = {label.lower(): label for label in labels}
        owner = self.path.partition("/")[0]
        found: dict[str, int] = {}
        for path in (self.at(self.path, "/labels"), f"/orgs/{owner}/labels"):
            if not wanted.keys() - found.keys():
                break
            try:
                for label in self.api.pages(path, "the labels", **self.page_size):
                    name = pick(label, "name", str).lower()
                    if name in wanted:
                        found.setdefault(name, pick(label, "id", int))
            except Denied:
                if not path.startswith("/orgs/"):
                    raise  # a user has no organization's labels, and a token need not see them
        if missing := [wanted[name] for name in wanted if name not in found]:
            raise UsageError(
                f"{self.api.name} has no label `{shown(missing[0])}` for {shown(self.path)}",
                "make the label there first, or leave it out",
            )
        return sorted(found.values())
