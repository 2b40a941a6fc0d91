"""The page that says what the states mean: every word that a badge of the site may have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ledger_tool.core.site.files import SiteFile
from ledger_tool.core.site.paths import STATES
from ledger_tool.render.site.shell import Shell
from ledger_tool.render.site.wording import Badge


class StateGroup(NamedTuple):
    """The states of one kind of thing, and whence they are known; `id` is where the page has them."""

    id: str
    title: str
    whence: str
    states: Sequence[tuple[Badge, str]]


def pages(shell: Shell) -> Iterator[SiteFile]:
    """Yield the page."""
    yield shell.page(STATES, "states.html", groups=GROUPS)


GROUPS = (
    StateGroup(
        "environments", "What an environment has",
        "Compared with the environment that it takes its versions from, or with the newest version of the image.",
        (
            (Badge("good", "same as"), "It has what that environment has."),
            (Badge("good", "newest"), "It has the newest version of the image."),
            (Badge("doubtful", "behind"), "The other version is newer."),
            (Badge("doubtful", "ahead"), "The other version is older."),
            (Badge("doubtful", "differs"), "The versions differ, and nothing says which is newer."),
            (Badge("doubtful", "other digest"), "It has the same version, and another image under it."),
            (Badge("minor", "not in"), "That environment has nothing of the image."),
            (Badge("minor", "nothing newer known"), "The image has no newest version to compare it with."),
            (Badge("bad", "unfit"), "Its version is yanked, expired, replaced or gone; or nothing declares it."),
        ),
    ),
    StateGroup(
        "tags", "A tag", "As the ledger has it.",
        (
            (Badge("good", "newest"), "Published last of what may be used; releases come before previews."),
            (Badge("bad", "yanked"), "It must not be used; the reason stands beside it."),
            (Badge("bad", "expired"), "Its time to live is over: the registry may delete it."),
            (Badge("minor", "expiring"), "It has a time to live."),
            (Badge("doubtful", "forced"), "It replaced another image under the same tag, for the reason beside it."),
            (Badge("minor", "mutable"), "It may move to another image at any time: deploy it by its digest."),
            (Badge("doubtful", "outdated base"), "What it was built on has moved on: it has to be rebuilt."),
        ),
    ),
    StateGroup(
        "drift", "Drift", "What the registries serve, by the last report of ledger reconcile.",
        (
            (Badge("bad", "gone"), "The registry no longer has the image: it cannot be pulled."),
            (Badge("bad", "children-missing"), "Part of the image is missing: pulling it fails on some platform."),
            (Badge("bad", "withdrawn"), "An environment has a version that is yanked, expired or no longer recorded."),
            (Badge("bad", "tag-moved"), "The tag serves another image than the recorded one."),
            (Badge("bad", "provenance-broken"), "A signed statement about the image does not hold."),
            (Badge("bad", "provenance-replaced"), "A statement holds, but it is not the recorded one."),
            (Badge("bad", "provenance-revoked"), "The recorded signer is no longer trusted."),
            (Badge("bad", "provenance-missing"), "No trusted signer has made a statement about the image."),
            (Badge("bad", "tag-missing"), "The tag is gone; the digest can still be pulled."),
            (Badge("bad", "index-moved"), "The tag serves another index, with the same image for this platform."),
            (Badge("minor", "expired"), "It is as recorded, and its time to live is over."),
            (Badge("minor", "untracked"), "The registry has a tag that the ledger does not have."),
            (Badge("doubtful", "unknown"), "It could not be observed: neither drift nor in sync."),
            (Badge("good", "in-sync"), "The registry serves what the ledger has."),
        ),
    ),
    StateGroup(
        "running", "What runs", "Compared with what should run, by the last report of ledger running.",
        (
            (Badge("bad", "unknown"), "It has the name of an image of the ledger, which never had its digest."),
            (Badge("bad", "yanked"), "It must not be used."),
            (Badge("bad", "replaced"), "The ledger once had it, and now has something else in its place."),
            (Badge("doubtful", "ahead"), "It is newer than what should run."),
            (Badge("doubtful", "behind"), "It is older than what should run."),
            (Badge("bad", "differs"), "It is not what should run, and nothing says which is newer."),
            (Badge("minor", "expired"), "Its time to live is over, and no environment has it."),
            (Badge("doubtful", "unpinned"), "Nothing tells its digest."),
            (Badge("minor", "foreign"), "It is not an image of this ledger's registries."),
            (Badge("minor", "as-recorded"), "It is what should run."),
        ),
    ),
)  # fmt: skip
