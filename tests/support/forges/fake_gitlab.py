"""GitLab at the wire; see `fake_forge`."""

from __future__ import annotations

from typing import Any, ClassVar

from tests.support.forges.fake_forge import ME, TOKEN, USERS, Call, FakeForge, Wrong
from tests.support.registries.wire import Reply, Wire, as_json


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
        project = r"/projects/(?P<project>[\w.%-]+)"
        issue = {"title!": str, "description": str, "labels": str}
        self.calls |= {
            ("GET", "/user"): Call(self.whoami),
            ("GET", project + "/merge_requests/7/notes"): Call(self.list_notes, "sort per_page page"),
            ("POST", project + "/merge_requests/7/notes"): Call(self.new_note, "", {"body!": str}),
            ("PUT", project + r"/merge_requests/7/notes/(?P<comment>\d+)"): Call(self.edit_note, "", {"body!": str}),
            ("GET", project + "/issues"): Call(self.list_issues, "state labels per_page page"),
            ("POST", project + "/issues"): Call(self.new_issue, "", issue),
            ("PUT", project + r"/issues/(?P<iid>\d+)"): Call(
                self.edit_issue, "", {"description": str, "state_event": str}
            ),
            ("GET", r"/projects/(?P<project>[\w.%-]+)"): Call(self.project),
            ("GET", r"/projects/7/repository/branches/(?P<name>[^/]+)"): Call(self.branch),
            ("GET", requests): Call(self.listing, listing),
            ("POST", requests): Call(self.create, "", new),
            ("PUT", requests + r"/(?P<iid>\d+)"): Call(self.edit, "", edit),
            ("GET", "/users"): Call(self.users, "username active page per_page"),
        }

    def list_notes(self, project: str, sort: str, per_page: str, page: str) -> Reply:
        return self.page(self.comments, page, per_page)

    def new_note(self, project: str, body: str) -> Reply:
        return as_json(self.comment(ME, body), 201)

    def edit_note(self, project: str, comment: str, body: str) -> Reply:
        (note,) = (one for one in self.comments if one["id"] == int(comment))
        note["body"] = body
        return as_json(note)

    def list_issues(self, project: str, state: str, labels: str, per_page: str, page: str) -> Reply:
        if state != "opened":
            raise Wrong(state)
        found = [one for one in self.issues if one["state"] == "open" and labels in one["labels"]]
        return self.page(found, page, per_page)

    def new_issue(self, project: str, title: str, description: str, labels: str) -> Reply:
        return as_json(self.issue(title=title, body=description, labels=labels.split(",")), 201)

    def edit_issue(self, project: str, iid: str, description: str = "", state_event: str = "") -> Reply:
        issue = self.issues[int(iid) - 1]
        issue |= {"body": description} if description else {}
        issue |= {"state": "closed"} if state_event == "close" else {}
        return as_json(issue)

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
