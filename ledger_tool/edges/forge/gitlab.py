r"""GitLab's merge requests: through the API if there is a token, otherwise through push options.

Sources: GitLab REST API v4, "Merge requests", "Users", "Projects"; "Push options"; git-push(1), `--push-option`. GitLab
reads `\n` in a description as the end of a line, since git allows no line breaks in a push option.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, urlencode

from ledger_tool.core.changes.proposal import Proposal, Proposed, one_line, shortened
from ledger_tool.core.ledger.names import shown
from ledger_tool.edges.forge.api import Api, ForgeToken, pick, texts
from ledger_tool.edges.forge.repository import ForgeRepository
from ledger_tool.edges.forge.request import PROTECTION, AlreadyOpen, OpenRequest, Requests
from ledger_tool.errors import UsageError

_OPTION_BYTES = 60_000  # git sends an option in one packet of at most 65,516 bytes


class GitLab(Requests):
    """A project's merge requests, through the API."""

    permissions = "it needs the scope `api`, and the role Developer in the project"
    api_path = "/api/v4"
    fields = ("iid", "web_url", "description")
    draft = "Draft: "
    drafts = r"(?i)(?:draft:|\[draft\]|\(draft\))\s*"

    @staticmethod
    def headers(token: ForgeToken) -> dict[str, str]:
        return {"Accept": "application/json", "PRIVATE-TOKEN": token.text}

    def __init__(self, api: Api, path: str) -> None:
        super().__init__(api)
        project = api.get(f"/projects/{quote(path, safe='')}", f"project {path}")
        self._id = pick(project, "id", int)  # stays valid after a rename
        self._requests = f"/projects/{self._id}/merge_requests"

    def push_options(self, proposal: Proposal) -> tuple[str, ...]:
        _check_labels(proposal.labels)
        return ()

    def rules_for(self, branch: str) -> Sequence[str]:
        path = f"/projects/{self._id}/repository/branches/{quote(branch, safe='')}"
        return [PROTECTION] if pick(self.api.get(path, f"branch {branch}"), "protected", bool) else []

    def find(self, proposal: Proposal) -> OpenRequest | None:
        branches = {"source_branch": proposal.branch, "target_branch": proposal.base}
        ours = branches | {"source_project_id": self._id}
        requests = self.api.pages(self._requests, "the merge requests", state="opened", per_page="100", **branches)
        return next((self.parse(data) for data in requests if ours.items() <= data.items()), None)

    def open(self, proposal: Proposal) -> OpenRequest:
        body = {
            "source_branch": proposal.branch,
            "target_branch": proposal.base,
            "labels": ",".join(proposal.labels),
            "reviewer_ids": self._user_ids(proposal.reviewers),
            "remove_source_branch": True,
            **self.words(proposal),
        }
        reply = self.api.ask("POST", self._requests, "a new merge request", body=body, also=(409,), once=True)
        if reply.status == 409:
            hint = "check the project's merge requests"
            raise AlreadyOpen(f"{self.api.name} refuses the merge request: {reply.says}", hint)
        return self.parse(reply.data)

    def update(self, request: OpenRequest, proposal: Proposal) -> None:
        body = self.new_words(request, proposal)
        if missing := self.missing_labels(request, proposal):
            body["add_labels"] = ",".join(missing)
        asked = texts(request.data, "reviewers", "username")
        if new := [name for name in proposal.reviewers if name.lower() not in asked]:
            ids = [pick(user, "id", int) for user in request.data.get("reviewers") or []]
            body["reviewer_ids"] = [*ids, *self._user_ids(new)]
        if body:
            self.api.ask("PUT", f"{self._requests}/{request.number}", "the merge request", body=body)

    def _user_ids(self, names: Sequence[str]) -> list[int]:
        ids = []
        for name in names:
            users = [] if "/" in name else self.api.get("/users", "the users", username=name)
            if not isinstance(users, list) or len(users) != 1:
                raise UsageError(
                    f"{self.api.name} has no user `{shown(name)}`", "write each reviewer as in their profile's URL"
                )
            ids.append(pick(users[0], "id", int))
        return ids


class GitLabByPush:
    """A project's merge requests, through push options: the API is not called, and GitLab reports little."""

    def __init__(self, repository: ForgeRepository) -> None:
        self._repository = repository

    def push_options(self, proposal: Proposal) -> tuple[str, ...]:
        """Return the options of the push. Raises UsageError for reviewers, which no option can name."""
        if proposal.reviewers:
            message = f"{self._repository.name} accepts reviewers only with a token"
            raise UsageError(message, "set GITLAB_TOKEN, or leave the reviewers out")
        _check_labels(proposal.labels)
        return (
            "merge_request.create",
            f"merge_request.target={proposal.base}",
            f"merge_request.title={one_line(proposal.title)}",
            f"merge_request.description={_in_one_line(proposal.body)}",
            "merge_request.remove_source_branch",
            *(f"merge_request.label={label}" for label in proposal.labels),
            *(["merge_request.draft"] if proposal.draft else []),
        )

    def propose(self, proposal: Proposal) -> Proposed:
        """Return the page that lists the branch's merge request; the push opened it without returning its address."""
        query = urlencode({"state": "opened", "source_branch": proposal.branch})
        page = f"{self._repository.base}/{quote(self._repository.path)}/-/merge_requests?{query}"
        return Proposed(page, None, proposal.branch, False)


def _in_one_line(body: str) -> str:
    # `\n` in the text itself would become a line break: the entity reads the same in Markdown
    text = body.replace("\r\n", "\n").replace("\\n", "&#92;n").replace("\0", "")
    text = shortened(text, _OPTION_BYTES, lambda part: len(part.encode()) + part.count("\n"))
    return text.strip().replace("\n", "\\n").replace("\r", " ")


def _check_labels(labels: Sequence[str]) -> None:
    for label in labels:
        if "," in label:
            raise UsageError(f"the label `{shown(label)}` contains a comma, which GitLab does not allow", "change it")
