"""One forge's REST API: patient within bounds, careful with the token, and trusting no answer.

A write that may have happened although no answer came is `Lost`: the caller checks before asking again.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.ledger.secrets import Mask
from ledger_tool.edges.http.client import Answer, Line, retry_after
from ledger_tool.edges.http.failure import FORGE
from ledger_tool.edges.http.host import Host, Lost
from ledger_tool.errors import Denied, Unreachable, UsageError

PATIENCE_SECONDS = 60.0  # how long a run waits in total, at a forge's request or on its own
SECONDARY_SECONDS = 60.0  # GitHub: "wait for at least one minute" if a secondary limit names no time
ANSWER_BYTES = 16 * 2**20
PAGES = 40
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ForgeToken:
    """A forge's token, with the variable that holds it and the permissions it needs, for messages."""

    variable: str
    text: str = field(repr=False)
    permissions: str


@dataclass(frozen=True, slots=True)
class ForgeReply:
    """An accepted answer: its status, its JSON, and the forge's error text, fit for messages."""

    status: int
    data: Any
    says: str
    more: bool  # there is a next page


class Api:
    """The API at the end of a line. `name` is the forge's, for messages; `headers` contain the token."""

    def __init__(
        self,
        name: str,
        line: Line,
        token: ForgeToken,
        headers: Mapping[str, str],
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = name
        self.base = line.origin
        self._token = token
        self._mask = Mask([token.text])
        self._headers = dict(headers)
        self.host = Host(
            line, name=name, sleep=sleep, rate_limit=self._rate_limit,
            backoff_seconds=1.0, run_seconds=PATIENCE_SECONDS, stays=True, setup=FORGE,
        )  # fmt: skip

    def get(self, path: str, what: str, **query: str) -> Any:
        """Return the JSON at a path; `what` names it in messages. Raises Denied, UsageError, Unreachable."""
        return self.ask("GET", path, what, query=query).data

    def pages(self, path: str, what: str, **query: str) -> Iterator[Mapping[str, Any]]:
        """Yield the objects of a list, page by page; raises what `get` does."""
        for page in range(1, PAGES + 1):
            reply = self.ask("GET", path, what, query=query | {"page": str(page)})
            if not isinstance(reply.data, list) or not all(isinstance(item, dict) for item in reply.data):
                raise Unreachable(f"{self.name} does not return a list of {what}", "run it again later")
            yield from reply.data
            if not reply.more or not reply.data:
                return
        raise Unreachable(f"{self.name} has more than {PAGES} pages of {what}", "close those that are no longer needed")

    def ask(
        self,
        method: str,
        path: str,
        what: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        also: tuple[int, ...] = (),
        once: bool = False,
    ) -> ForgeReply:
        """Send a request and return the answer if it is 2xx or one of `also`; `path` may be a whole URL of this host.

        `once` is for a request that must not happen twice: it raises Lost instead of asking again. Raises Denied,
        UsageError or Unreachable for any other answer.
        """
        url = path if path.startswith(("https://", "http://")) else self.base + path
        url += f"?{urlencode(query)}" if query else ""
        headers, content = self._headers, b""
        if body is not None:
            headers, content = headers | {"Content-Type": "application/json"}, json.dumps(body).encode()
        answer = self.host.request(method, url, headers, limit=ANSWER_BYTES, body=content, once=once)
        if not 200 <= answer.status < 300 and answer.status not in also:
            raise self._refusal(answer, what)
        try:
            data = json.loads(answer.body or b"null")
            is_whole = not once or isinstance(data, dict)
        except (ValueError, RecursionError):
            is_whole = False
        if not is_whole:
            kind = Lost if once and answer.status < 300 else Unreachable  # cut off, but the write happened
            hint = "check that LEDGER_FORGE_URL is the forge's address"
            raise kind(f"{self.name} does not return JSON for {what}", hint)
        more = bool(re.search(r'rel="?next\b', answer.headers.get("link", "")))
        return ForgeReply(answer.status, data, self._words(data), more)

    def _rate_limit(self, answer: Answer) -> float | None:
        """Return how many seconds a rate limit asks us to wait, read GitHub's way, or None if no limit was hit.

        GitHub may also answer 403, which it uses for a missing permission too.
        """
        if answer.status not in (403, 429):
            return None
        if "retry-after" in answer.headers and (seconds := retry_after(answer.headers["retry-after"])) is not None:
            return seconds
        is_used_up = answer.headers.get("x-ratelimit-remaining") == "0"
        reset = answer.headers.get("x-ratelimit-reset", "")
        if is_used_up and re.fullmatch(r"[0-9]{1,12}", reset):
            return max(0.0, int(reset) - time.time())
        is_limit = is_used_up or "retry-after" in answer.headers or "rate limit" in self._says(answer).lower()
        return SECONDARY_SECONDS if is_limit else None

    def _says(self, answer: Answer) -> str:
        try:
            return self._words(json.loads(answer.body))
        except (ValueError, RecursionError):
            return ""

    def _words(self, data: Any) -> str:
        """Return the forge's own text about an error, without the token."""
        texts = _texts(data) if isinstance(data, dict) else ()
        text = self._mask("; ".join(dict.fromkeys(texts)))
        return shown(text, 400).rstrip(".")

    def _refusal(self, answer: Answer, what: str) -> Denied | UsageError | Unreachable:
        says = self._says(answer)
        reason = f": {says}" if says else ""
        token, status = self._token, answer.status
        seconds = self._rate_limit(answer)
        if seconds is not None or status == 429:
            wait = f"; it asks us to wait {seconds:.0f} s" if seconds else ""
            return Unreachable(f"{self.name} limits the rate of requests ({status}){wait}", "run it again later")
        if status == 401:
            hint = f"set it to a valid token; {token.permissions}"
            return Denied(f"{self.name} does not accept the token in {token.variable}{reason}", hint)
        if status == 403:
            return Denied(f"{self.name} denies {what} to the token in {token.variable}{reason}", token.permissions)
        if status in (404, 410):
            return Denied(
                f"{self.name} has no {what}, or does not show it to the token in {token.variable}{reason}",
                f"check the remote's URL; {token.permissions}",
            )
        if answer.redirect or 300 <= status < 400:
            return UsageError(
                f"{self.name} redirects the request for {what}, and a token is never sent to another address",
                "set the remote's URL to the repository's new address, or LEDGER_FORGE_URL to the forge's",
            )
        if status < 500:
            return UsageError(
                f"{self.name} refuses {what} ({status}){reason}", "correct what it names, then run it again"
            )
        return Unreachable(f"{self.name} answers {status} for {what}{reason}", "run it again later")


def _texts(data: Any, depth: int = 0) -> Iterator[str]:
    """Yield the texts of an error, which GitHub, GitLab and Gitea write as text, lists, and mappings by field."""
    if isinstance(data, str):
        yield data.strip().rstrip(".")
    elif isinstance(data, list) and depth < 4:
        for item in data[:20]:
            yield from _texts(item, depth + 1)
    elif isinstance(data, dict) and depth == 0:
        for name in ("message", "error", "error_description", "errors"):
            yield from _texts(data.get(name), 1)
    elif isinstance(data, dict) and "message" in data:
        yield from _texts(data["message"], depth + 1)
    elif isinstance(data, dict) and "code" in data:  # GitHub: {"resource": …, "field": "base", "code": "invalid"}
        yield f"{data.get('field', '')} {data['code']}".strip()
    elif isinstance(data, dict) and depth < 4:  # GitLab: {"title": ["is too long"]}
        for name, value in list(data.items())[:20]:
            yield from (f"{name} {text}" for text in _texts(value, depth + 1))


def pick(data: Any, path: str, kind: type[T]) -> T:
    """Return a value from an answer, such as `head.ref`. Raises Unreachable if it is missing or of another type."""
    value = data
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if type(value) is not kind:
        raise Unreachable(f"the forge's answer lacks `{path}`", "check that `--forge` is the right kind; run it again")
    return value


def texts(data: Any, path: str, name: str) -> frozenset[str]:
    """Return the texts under `name` in a list of objects, in lower case; empty if there is no list."""
    objects = data.get(path) if isinstance(data, dict) else None
    items = objects if isinstance(objects, list) else []
    values = (item.get(name) if isinstance(item, dict) else item for item in items)
    return frozenset(value.lower() for value in values if isinstance(value, str))
