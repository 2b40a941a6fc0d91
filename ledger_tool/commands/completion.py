"""What may stand in place of an unfinished word."""

from __future__ import annotations

from collections.abc import Callable

from ledger_tool.core.ledger import recorded
from ledger_tool.core.policy.policy import Policy


def names(read: Callable[[], bytes], word: str, *, needs_tag: bool) -> list[str]:
    """Return what a word may become, from the ledger's bytes: an image, up to its colon, and then an image:tag.

    `needs_tag` is false where an image alone is enough.
    """
    raw = read()
    image, colon, tag = word.partition(":")
    if not colon:
        matching = [name for name in recorded.images(raw) if name.startswith(word)]
        if len(matching) != 1 or not needs_tag:
            return [name + end for name in matching for end in (("", ":") if not needs_tag else (":",))]
        image = matching[0]
    return [f"{image}:{name}" for name in recorded.tags(raw, image) if name.startswith(tag)]


def environments(policy: Policy, word: str) -> list[str]:
    """Return the declared environments that begin with a word."""
    return [name for name in policy.environments if name.startswith(word)]


def platforms(read: Callable[[], bytes], word: str) -> list[str]:
    """Return the recorded platforms that begin with a word."""
    return [name for name in recorded.platforms(read()) if name.startswith(word)]
