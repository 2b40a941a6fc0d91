"""What a pull or merge request should be, and what the forge has."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate

from ledger_tool.core.ledger.names import escaped, shown
from ledger_tool.core.ledger.record import Key, Name
from ledger_tool.errors import InvalidValue

TITLE_MAX = 255  # GitLab's and Gitea's; GitHub's is one more
BODY_MAX = 65_536  # GitHub's, in characters
_LINE = r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,255}"
_REVIEWER = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,254}(?:/[A-Za-z0-9_][A-Za-z0-9._-]{0,254})?"
_CUT = "\n\n*The rest is omitted: the forge accepts no more text.*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A request to merge `branch` into `base`, two branches of one repository.

    `body` is Markdown. `reviewers` are user names, or teams as `org/team` if the forge has teams. `labels` and
    `reviewers` are added to the existing ones. `draft` makes it a draft; without it, a draft stays one. Raises
    InvalidValue for a malformed label or reviewer.
    """

    branch: str
    base: str
    title: str
    body: str
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    draft: bool = False

    def __post_init__(self) -> None:
        for label in self.labels:
            if not re.fullmatch(_LINE, label) or label != label.strip():
                hint = "a label of a pull request is one line of at most 255 characters"
                raise InvalidValue("label", f"the pull request's label `{shown(label)}` is malformed", hint)
        for name in self.reviewers:
            if not re.fullmatch(_REVIEWER, name):
                hint = "a reviewer is a user name such as `alice`, without `@`, or a team such as `myorg/release`"
                raise InvalidValue("reviewer", f"the reviewer `{shown(name)}` is malformed", hint)


@dataclass(frozen=True, slots=True)
class Proposed:
    """The request that is now open: its page, its number there if known, and its branch.

    `created` says whether it is new, and `pushed` whether the branch got a commit; None where that was not looked at.
    """

    url: str
    number: int | None
    branch: str
    created: bool
    pushed: bool | None = None


def one_line(title: str, prefix: str = "") -> str:
    """Return a title that every forge accepts: one line, with the prefix of a draft, cut if too long."""
    text = prefix + escaped(" ".join(title.split()))
    return text if len(text) <= TITLE_MAX else text[: TITLE_MAX - 1] + "…"


def shortened(body: str, limit: int = BODY_MAX, length: Callable[[str], int] = len) -> str:
    """Return a body of at most `limit`, cut after a line, with a note; `length` measures it."""
    if length(body) <= limit:
        return body
    lines = body.split("\n")
    lengths = list(accumulate(length(line + "\n") for line in lines))
    kept = bisect_right(lengths, limit - length(_CUT))
    return "\n".join(lines[:kept]) + _CUT


def branch_name(verb: str, keys: Iterable[Key]) -> str:
    """Return the branch for a write of some records: the same for the same keys, whatever their digests."""
    unique = sorted(set(keys))
    names = {Name(key.image, key.tag) for key in unique}
    what = str(names.pop()) if len(names) == 1 else f"{len(names)}-images"
    words = re.sub(r"[^A-Za-z0-9._]+|\.(?=\.|$)", "-", what)[:80].strip("-.")
    checksum = sha256("\n".join(map(str, unique)).encode()).hexdigest()[:10]
    return f"ledger/{verb}-{words}-{checksum}"
