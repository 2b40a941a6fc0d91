"""How hosts write the message of a squash, given the messages of its commits, the oldest first.

GitHub's and GitLab's formats are those of their documentation ("About pull request merges", "Commit message
templates"), Gitea's is that of its source (`GetSquashMergeCommitMessages`), Bitbucket's is that of Atlassian's editor
extension, git's is `SQUASH_MSG` of `git merge --squash`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence

CO_AUTHOR = "Co-authored-by: Bob <bob@example.com>"


def _bulleted(messages: Sequence[str], between: str) -> str:
    return between.join(f"* {message.strip()}" for message in messages)


def github(messages: Sequence[str]) -> str:
    """Return GitHub's message: the commits with bullets, the newest last, and the other authors."""
    return f"Release the apps (#12)\n\n{_bulleted(messages, chr(10) * 2)}\n\n---------\n\n{CO_AUTHOR}\n"


def gitlab(messages: Sequence[str]) -> str:
    """Return GitLab's message for the template `%{title}`, `%{all_commits}`, `%{reference}`."""
    return f"Release the apps\n\n{_bulleted(messages, chr(10) * 2)}\n\nSee merge request team/ledger!12\n"


def bitbucket(messages: Sequence[str]) -> str:
    """Return Bitbucket's message: no empty line between two commits, and the newest first."""
    commits = _bulleted(list(reversed(messages)), "\n")
    return f"Merged in release (pull request #12)\n\nRelease the apps\n\n{commits}\n\nApproved-by: Bob\n"


def azure(messages: Sequence[str]) -> str:
    """Return Azure DevOps' message of a request whose description was filled with the messages of the commits."""
    told = "\n\n".join(message.strip() for message in messages)
    return f"Merged PR 123: Release the apps\n\n{told}\n\nRelated work items: #45\n"


def gitea(messages: Sequence[str]) -> str:
    """Return Gitea's message before it followed GitHub's style: the messages as they are, one after the other.

    The subject of the first is left out if it is the request's title.
    """
    title = messages[0].partition("\n")[0]
    told = "".join([messages[0].removeprefix(title), *messages[1:]])
    return f"{title} (#12)\n\n{told.lstrip()}\n\n{CO_AUTHOR}\n"


def git(messages: Sequence[str]) -> str:
    """Return what `git merge --squash` prepares, the newest commit first."""
    parts = ["Squashed commit of the following:"]
    for number, message in enumerate(reversed(messages)):
        facts = f"commit {number:040}\nAuthor: Bob <bob@example.com>\nDate:   Fri Nov 27 12:00:00 2026 +0000"
        parts.append(f"{facts}\n\n{textwrap.indent(message.strip(), '    ', lambda _: True)}")
    return "\n\n".join(parts) + "\n"


def wrapped(messages: Sequence[str]) -> str:
    """Return GitHub's message as it is when a request's text is used: each line is broken at 72 characters."""
    lines = github(messages).split("\n")
    return "\n".join(
        textwrap.fill(line, 72, break_long_words=False, break_on_hyphens=False) if line else "" for line in lines
    )


FORMATS: Mapping[str, Callable[[Sequence[str]], str]] = {
    one.__name__: one for one in (github, gitlab, bitbucket, azure, gitea, git, wrapped)
}
