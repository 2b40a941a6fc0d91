"""`post`: what a job has to say, where people decide: one comment on a request, and one issue about drift."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Protocol

MARK = "<!-- ledger review -->\n"
TITLE = "The registry differs from the ledger"
Done = Literal["posted", "edited", "closed", ""]


class RequestComment(Protocol):
    """A comment on a request."""

    @property
    def id(self) -> int:
        """Its id."""

    @property
    def author(self) -> int:
        """The id of who wrote it."""

    @property
    def body(self) -> str:
        """Its text."""


class Board(Protocol):
    """A repository's requests and issues on a forge. Methods raise Denied, UsageError and Unreachable."""

    def me(self) -> int:
        """Return the id of the token's user."""

    def comments(self, request: int) -> Iterable[RequestComment]:
        """Yield the comments on a request."""

    def write_comment(self, request: int, body: str, old: int | None) -> None:
        """Write a comment, or edit the one with the id `old`."""

    def find_issue(self, author: int) -> int | None:
        """Return the number of the open issue about drift that this user wrote."""

    def write_issue(self, title: str, body: str, old: int | None) -> None:
        """Open the issue about drift, or edit the open one with the number `old`."""

    def close_issue(self, number: int) -> None:
        """Close an issue."""


def post_review(board: Board, request: int, text: str) -> Done:
    """Write the review of a request, as one comment: the one with our mark by the token's user is edited."""
    me = board.me()
    ours = (one.id for one in board.comments(request) if one.author == me and one.body.startswith(MARK.strip()))
    old = next(ours, None)
    board.write_comment(request, text if text.startswith(MARK) else MARK + text, old)
    return "posted" if old is None else "edited"


def post_drift(board: Board, text: str) -> Done:
    """Write the issue about drift: the open one by the token's user is edited."""
    old = board.find_issue(board.me())
    board.write_issue(TITLE, text, old)
    return "posted" if old is None else "edited"


def close_drift(board: Board) -> Done:
    """Close the issue about drift, if one by the token's user is open."""
    if (number := board.find_issue(board.me())) is None:
        return ""
    board.close_issue(number)
    return "closed"
