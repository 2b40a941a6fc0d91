r"""GitLab's merge requests: by the API where there is a token, else by the options of the push.

Sources: GitLab REST API v4, "Merge requests", "Users", "Projects"; "Push options"; git-push(1), `--push-option`. GitLab
takes `\n` in a description for the end of a line, since git lets no line end into a push option.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, urlencode

from ledger_tool.core.changes.proposal import Proposal, Proposed, one_line, shortened
from ledger_tool.core.ledger.names import shown
from ledger_tool.edges.forge.api import Api, Token, pick, texts
from ledger_tool.edges.forge.place import Place
from ledger_tool.edges.forge.request import AlreadyOpen, Open, is_team, parse_open, propose, reworded
from ledger_tool.errors import UsageError

PERMISSIONS = "it needs the scope `api`, and the role Developer in the project"
_DRAFT = "Draft: "
_DRAFTS = r"(?i)(?:draft:|\[draft\]|\(draft\))\s*"
_OPTION_BYTES = 60_000  # git sends an option in one packet of at most 65,516 bytes


def headers(token: Token) -> dict[str, str]:
    """Return the headers of every request."""
    return {"Accept": "application/json", "PRIVATE-TOKEN": token.text}


class GitLab:
    """A project's merge requests, by the API."""

    def __init__(self, api: Api, path: str) -> None:
        self.api = api
        project = api.get(f"/projects/{quote(path, safe='')}", f"project {path}")
        self._id = pick(project, "id", int)  # holds after a rename, too
        self._requests = f"/projects/{self._id}/merge_requests"

    def push_options(self, proposal: Proposal) -> tuple[str, ...]:
        """Return nothing: the API is spoken to."""
        _check_labels(proposal.labels)
        return ()

    def propose(self, proposal: Proposal) -> Proposed:
        """See `edges.forge.opening.Forge`."""
        _check_labels(proposal.labels)
        return propose(self, proposal)

    def find(self, proposal: Proposal) -> Open | None:
        """See `Requests`."""
        found = self.api.pages(
            self._requests,
            "the merge requests",
            state="opened",
            source_branch=proposal.branch,
            target_branch=proposal.base,
            per_page="100",
        )
        wanted = (proposal.branch, proposal.base, self._id)
        for data in found:
            if (data.get("source_branch"), data.get("target_branch"), data.get("source_project_id")) == wanted:
                return parse_open(data, number="iid", url="web_url", body="description")
        return None

    def open(self, proposal: Proposal) -> Open:
        """See `Requests`."""
        body = {
            "source_branch": proposal.branch,
            "target_branch": proposal.base,
            "title": one_line(proposal.title, _DRAFT if proposal.draft else ""),
            "description": shortened(proposal.body),
            "labels": ",".join(proposal.labels),
            "reviewer_ids": self._user_ids(proposal.reviewers),
            "remove_source_branch": True,
        }
        reply = self.api.ask("POST", self._requests, "a new merge request", body=body, also=(409,), once=True)
        if reply.status == 409:
            hint = "look at the project's merge requests"
            raise AlreadyOpen(f"{self.api.name} refuses the merge request: {reply.says}", hint)
        return parse_open(reply.data, number="iid", url="web_url", body="description")

    def update(self, found: Open, proposal: Proposal) -> None:
        """See `Requests`."""
        words = reworded(found, proposal, _DRAFTS, _DRAFT)
        body: dict[str, object] = {"title": words[0], "description": words[1]} if words else {}
        there = texts(found.data, "labels", "name")
        if missing := [label for label in proposal.labels if label.lower() not in there]:
            body["add_labels"] = ",".join(missing)
        asked = texts(found.data, "reviewers", "username")
        if new := [name for name in proposal.reviewers if name.lower() not in asked]:
            ids = [pick(one, "id", int) for one in found.data.get("reviewers") or []]
            body["reviewer_ids"] = [*ids, *self._user_ids(new)]
        if body:
            self.api.ask("PUT", f"{self._requests}/{found.number}", "the merge request", body=body)

    def _user_ids(self, names: Sequence[str]) -> list[int]:
        found = []
        for name in names:
            users = [] if is_team(name) else self.api.get("/users", "the users", username=name)
            ids = [pick(user, "id", int) for user in users] if isinstance(users, list) else []
            if len(ids) != 1:
                raise UsageError(
                    f"{self.api.name} has no user `{shown(name)}`", "name each reviewer as in the address of their page"
                )
            found += ids
        return found


class GitLabByPush:
    """A project's merge requests, by the options of the push: nothing is asked, and little is told."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def push_options(self, proposal: Proposal) -> tuple[str, ...]:
        """Return what the push has to say. Raises UsageError for reviewers, for which there is no option."""
        if proposal.reviewers:
            raise UsageError(
                f"{self._place.name} takes reviewers only with a token", "set GITLAB_TOKEN, or leave the reviewers out"
            )
        _check_labels(proposal.labels)
        options = [
            "merge_request.create",
            f"merge_request.target={proposal.base}",
            f"merge_request.title={one_line(proposal.title)}",
            f"merge_request.description={_in_one_line(proposal.body)}",
            "merge_request.remove_source_branch",
            *(f"merge_request.label={label}" for label in proposal.labels),
            *(["merge_request.draft"] if proposal.draft else []),
        ]
        return tuple(options)

    def propose(self, proposal: Proposal) -> Proposed:
        """Return the page that lists the branch's merge request: the push has opened it, and does not tell more."""
        query = urlencode({"state": "opened", "source_branch": proposal.branch})
        return Proposed(f"{self._place.base}/{quote(self._place.path)}/-/merge_requests?{query}", None, False)


def _in_one_line(body: str) -> str:
    # `\n` in the text itself would become a line's end: the entity reads the same in Markdown
    text = body.replace("\r\n", "\n").replace("\\n", "&#92;n").replace("\0", "")
    text = shortened(text, _OPTION_BYTES, lambda part: len(part.encode()) + part.count("\n"))
    return text.strip().replace("\n", "\\n").replace("\r", " ")


def _check_labels(labels: Sequence[str]) -> None:
    for label in labels:
        if "," in label:
            raise UsageError(f"the label `{shown(label)}` has a comma, which GitLab allows in no label", "change it")
