"""Forges at the wire: GitHub's, GitLab's and Gitea's calls for requests to merge, checked against what is published.

A call, a header, a query or a field of a body that the published API does not have is taken note of in `wrong` and
answered with 500. Sources: GitHub REST API 2022-11-28 and GraphQL; GitLab REST API v4; Gitea 1.22's Swagger document.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote

from tests.support.registries.wire import Asked, Reply, Wire, as_json

TOKEN = "forge-token-0123456789abcdef"
ME = 42  # the token's user
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
    """One repository's requests. `requests` are the open ones, `users` and `labels` what is known. With `reading`, the
    token may only read.
    """

    kind = ""
    prefix = ""
    path = "team/ledger"
    fixed: ClassVar[Mapping[str, str]]

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.requests: list[dict[str, Any]] = []
        self.labels = {"digest": 1, "ready": 2}
        self.branches = {"main", "bump/app-v2"}
        self.protected: set[str] = set()
        self.rules: list[str] = []  # of GitHub's rulesets, for every branch
        self.drafts = True
        self.comments: list[dict[str, Any]] = []  # of request 7
        self.issues: list[dict[str, Any]] = []
        self.reading = False
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
        if self.reading and asked.method != "GET" and not path.endswith("/graphql"):
            return as_json({"message": "Resource not accessible by integration"}, 403)
        for (method, pattern), call in self.calls.items():
            if method == asked.method and (found := re.fullmatch(self.prefix + pattern, path)):
                arguments = {name: unquote(value) for name, value in found.groupdict().items()}
                return call.do(**arguments, **_query(call, query), **_body(call, asked))
        raise Wrong("no such call")

    def comment(self, author: int, body: str) -> dict[str, Any]:
        """Keep a new comment on request 7, and return it."""
        user = {"id": author, "login": f"user{author}"}
        self.comments.append({"id": 100 + len(self.comments), "body": body, "user": user, "author": user})
        return self.comments[-1]

    def issue(self, by: int = ME, **fields: Any) -> dict[str, Any]:
        """Keep a new issue, and return it."""
        number, user = len(self.issues) + 1, {"id": by, "login": f"user{by}"}
        self.issues.append({"number": number, "iid": number, "state": "open", "user": user, "author": user} | fields)
        return self.issues[-1]

    def whoami(self) -> Reply:
        return as_json({"id": ME, "login": "ledger-bot", "username": "ledger-bot"})

    def branch(self, name: str, **_: str) -> Reply:
        """Answer what GitHub, GitLab and Gitea all say of a branch."""
        if name not in self.branches:
            return as_json({"message": "Branch not found"}, 404)
        return as_json({"name": name, "protected": name in self.protected})

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
