"""A mark under one tag counts under every tag of the image that has its digest, and nowhere else."""

from __future__ import annotations

import pytest

from ledger_tool.core.ledger.record import Record
from ledger_tool.core.ledger.yanks import Yanks, yanks_of
from tests.support.values.make import digest, ledger_of, record

BAD = {"at": "2026-11-26T00:00:00Z", "reason": "it eats data"}
AMD, ARM = "linux/amd64", "linux/arm64"
YANKED = record("a", "v1", platform=AMD, digest=digest("amd"), index=digest("i"), yanked=BAD)


@pytest.mark.parametrize(
    ("other", "alone", "as_pulled"),
    [
        (record("a", "v1", platform=ARM, digest=digest("arm"), index=digest("i")), False, True),
        (record("a", "stable", platform=AMD, digest=digest("amd")), True, True),
        (record("a", "stable", digest=digest("i")), True, True),
        (record("a", "stable", platform=AMD, digest=digest("i")), False, False),
        (record("b", "v1", platform=AMD, digest=digest("amd"), index=digest("i")), False, False),
        (record("a", "v2", platform=AMD, digest=digest("other")), False, False),
    ],
)
def test_a_mark_counts_for_the_digest_and_as_pulled_for_the_whole_index(
    other: Record, alone: bool, as_pulled: bool
) -> None:
    yanks = yanks_of(ledger_of(YANKED, other))
    assert (yanks.of(other) is not None, yanks.of(other, as_pulled=True) is not None) == (alone, as_pulled)


def test_an_index_that_is_yanked_takes_its_images_along() -> None:
    index = record("a", "v1", digest=digest("i"), yanked=BAD)
    image = record("a", "v2", platform=AMD, digest=digest("amd"), index=digest("i"))
    yanks = yanks_of(ledger_of(index, image), "a")
    assert yanks.of(image) == index
    assert yanks.why(image) == "has the digest of a:v1, which is yanked: it eats data"
    assert yanks.why(index) == "is yanked: it eats data"
    assert Yanks().why(image) == ""
