"""What a policy makes of one reference: real tags, their variants, and what can't be told."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.version import parse_version_tag
from ledger_tool.core.ledger.words import parse_words
from ledger_tool.core.manifests.bump import BumpRules, judge_bump
from ledger_tool.core.manifests.catalogue import Catalogue
from ledger_tool.core.manifests.pin import Judgement
from ledger_tool.core.manifests.policyrules import parse_rule
from ledger_tool.core.manifests.site import Site
from ledger_tool.core.policy.policy import Policy
from tests.support import ROOT
from tests.support.values.make import digest, ledger_of, record

SETTINGS = Policy(mutable=("latest", "stable", "alpine", "edge"))


def judged(policy: str, catalogue: Catalogue, tag: str, pinned: str = "", allow: Iterable[str] = ()) -> Judgement:
    """Return the outcome for `a:tag@pinned`, or what of it is given."""
    text = "a" + (f":{tag}" if tag else "") + (f"@{pinned}" if pinned else "")
    site = Site(line=1, text=text, name="a", tag=tag, digest=pinned, whole=True)
    done = judge_bump(site, catalogue, BumpRules(rules=[parse_rule(policy)], allowed=frozenset(allow)))
    assert done is not None
    return done


def bumped(
    policy: str,
    reference: str,
    tags: Iterable[str],
    *,
    same: str = "",
    mutable: Iterable[str] = (),
    allow: Iterable[str] = (),
    pinned: str = "",
) -> Judgement:
    """Return the outcome for `a:reference@pinned`; tags are published in order, `same` are two of one digest."""
    alias, _, original = same.partition("=")
    records = [
        record(
            "a",
            tag,
            digest=digest(original if tag == alias else tag),
            publishedAt=f"2026-11-01T{at // 60:02}:{at % 60:02}:00Z",
        )
        for at, tag in enumerate(dict.fromkeys(tags))
    ]
    settings = Policy(mutable=(*SETTINGS.mutable, *mutable))
    catalogue = Catalogue(Snapshot("", ledger_of(*records), settings), Timestamp("2026-11-25T00:00:00Z"))
    return judged(policy, catalogue, reference, pinned, allow=allow)


def moved(policy: str, tag: str, others: str, **more: object) -> str:
    """Return the tag that a recorded tag moves to; itself if it stays."""
    done = bumped(policy, tag, [tag, *others.split()], **more)  # type: ignore[arg-type]
    assert done.wanted is None or done.kind in ("behind", "unpinned"), done
    return done.wanted.tag if done.wanted else tag


@pytest.mark.parametrize(
    ("policy", "tag", "others", "chosen"),
    [
        ("semver:^1", "1.27-alpine", "1.28.0 1.28-alpine 1.28.0-alpine 2.0-alpine", "1.28-alpine"),
        ("semver:^1", "1.27-alpine", "1.28.0-alpine 1.28.0", "1.28.0-alpine"),
        ("semver:^1", "1.27-alpine", "1.28.0 1.28-alpine3.20", "1.27-alpine"),
        ("semver:^1", "1.27.3", "1.28.0-alpine 1.28.0-rc.1", "1.27.3"),
        ("semver:^1", "1.27.3-alpine3.20", "1.27.4-alpine3.21 1.27.4-alpine", "1.27.3-alpine3.20"),
        ("semver:*", "17.0.1-jdk17", "21.0.1-jdk21 17.0.2-jdk17", "17.0.2-jdk17"),
        ("newest", "1.27-alpine", "1.28-alpine 1.28.0", "1.28-alpine"),
        ("newest:1.*", "1.27-alpine", "1.28-alpine 1.28.0", "1.28-alpine"),
        ("newest:*-alpine", "1.27", "1.28-alpine 1.28.0", "1.28-alpine"),
        ("newest", "main-3", "main-4 1.0-alpine", "main-4"),
        # without a version, the words are the variant
        ("newest", "openjdk-17-jdk", "openjdk-21-jdk openjdk-21-jre", "openjdk-21-jdk"),
        ("newest", "openjdk-17-jdk", "openjdk-8-jdk", "openjdk-17-jdk"),
        (
            "newest",
            "openjdk-17-jdk-debian-12",
            "openjdk-21-jdk-debian-12 openjdk-21-jdk-debian-13",
            "openjdk-21-jdk-debian-12",
        ),
        ("newest", "main-4ef5a30", "main-77aa00b dev-99bb11c", "main-77aa00b"),
        ("newest", "main-4ef5a30", "main-1234567 main-12 main 1.0.0", "main-1234567"),
        ("newest", "main-123-4ef5a30", "main-124-77aa00b feature-125-aaaaaa7", "main-124-77aa00b"),
        ("newest", "main-123-4ef5a30", "main-123-77aa00b main-122-99bb11c", "main-123-77aa00b"),
        ("newest", "build-123", "build-124 test-125", "build-124"),
        ("newest", "build-9", "build-10 build-8", "build-10"),
        ("newest", "sha-4ef5a30", "sha-77aa00b v1.0.0", "sha-77aa00b"),
        ("newest", "4ef5a30", "77aa00b v1.0.0 latest 12", "77aa00b"),
        ("newest", "4ef5a30-20240101T1200Z", "77aa00b-20240102T0900Z 77aa00b", "77aa00b-20240102T0900Z"),
        ("newest", "pr-42-4ef5a30", "pr-42-77aa00b pr-43-99bb11c", "pr-42-77aa00b"),
        ("newest", "php8-4ef5a30", "php8-77aa00b php9-99bb11c", "php8-77aa00b"),
        ("newest:main-*", "main-4ef5a30", "main-77aa00b main-debug-99bb11c", "main-77aa00b"),
        ("newest:nightly*", "nightly", "nightly-debug", "nightly"),
        # what was published later may be older
        ("newest", "v1.5.0", "v1.6.0 v1.6.0-debug v1.4.9", "v1.6.0"),
        ("newest", "1.5.0", "1.6.0 1.4.9", "1.6.0"),
        ("newest", "1.5.0", "1.6.0 1.5.1", "1.5.1"),
        ("newest", "1.5.0", "1.6.0 1.6.0-rc.1", "1.6.0"),
        ("newest", "1.5.0", "1.6.0-rc.1 1.6.0-4ef5a30 1.6.0-12", "1.5.0"),
        ("newest", "1.6.0-rc.1", "1.6.0-rc.2 1.7.0-rc.1", "1.6.0-rc.2"),
        ("newest", "1.6.0-4ef5a30", "1.6.1-77aa00b 1.7.0-rc.1", "1.6.1-77aa00b"),
        ("newest:1.*", "1.5.0", "1.6.0 1.7.0-rc.1", "1.6.0"),
        ("newest:1.*-rc.*", "1.5.0", "1.6.0 1.7.0-rc.1", "1.7.0-rc.1"),
        ("newest:1.*-rc.*", "1.6.0-rc.1", "1.6.0 1.7.0-rc.1", "1.7.0-rc.1"),
        ("newest:main-*", "1.5.0", "main-4 main-1.6-4ef5a30", "main-1.6-4ef5a30"),
        # a number behind a word is a number
        ("semver:^1", "1.2.3-rc9", "1.2.3-rc10", "1.2.3-rc10"),
        ("prerelease:*", "v1.0.0-beta9", "v1.0.0-beta10 v1.0.0-beta2", "v1.0.0-beta10"),
        # nobody can tell what `-dev` alone is, unless it was published after its release
        ("semver:^3", "3.12-dev", "3.13 3.13-dev", "3.13-dev"),
        ("semver:^1", "1.21.0-dev-amd64", "1.22.0-amd64 1.22.0-dev-amd64", "1.22.0-dev-amd64"),
        ("newest", "3.12-dev", "3.13 3.13-dev 3.13", "3.13-dev"),
        ("semver:^1", "1.5.0-dev", "1.5.0 1.6.0", "1.5.0-dev"),
        ("prerelease:^1", "1.5.0", "1.5.1 1.6.0-dev", "1.5.1"),
        ("prerelease:^1", "1.5.0-dev", "1.6.0 1.6.0-dev 1.7.0", "1.6.0-dev"),
        ("regex:(?P<version>[0-9.]+)", "1.27-alpine", "1.28-alpine 1.28.0", "1.28.0"),
        ("tag:stable", "1.27-alpine", "stable", "stable"),
        # a tag of fewer numbers stays one, where there is one for the newest version
        ("semver:^1", "1.27", "1.28 1.28.3 1", "1.28"),
        ("semver:^1", "1.27", "1.28.3 1", "1.28.3"),
        ("semver:^1", "1.27", "1.28 1.29.0", "1.29.0"),
        ("semver:^1", "1", "1.28 1.28.3", "1"),
        ("semver:*", "1", "1.28 2.1.3 2 2.1", "2"),
        ("semver:^1", "1.27.3", "1.28 1.28.0 1", "1.28.0"),
        ("semver:^1", "1.9.1", "1.10", "1.10"),
        ("semver:^3", "3.4.6", "3.4.6-r7 3.4.7-r1", "3.4.7-r1"),
        ("semver:^3", "3.4.6", "3.4.6-r7 3.4.7-r1 3.4.7", "3.4.7-r1"),
        ("semver:^11", "11.6.1", "11.6.1-security-01", "11.6.1-security-01"),
        ("semver:*", "17-jre", "21.0.1_12-jre 21-jre 21.0.1_12-jdk", "21-jre"),
        ("semver:^3", "3.26.0-3", "3.26.0-4 3.26.1-2 3.26.1-beta", "3.26.1-2"),
        # prereleases and builds
        ("semver:^1", "1.5.0", "1.6.0-rc.1 1.6.0-beta 1.6.0b2 1.6.0-12 1.6.0-4ef5a30", "1.5.0"),
        ("prerelease:^1", "1.5.0", "1.6.0-rc.1 1.6.0-beta", "1.6.0-rc.1"),
        ("semver:^1", "1.6.0-rc.1", "1.6.0-rc.2 1.7.0-rc.1", "1.6.0-rc.2"),
        ("semver:^1", "1.6.0-rc.1", "1.6.0 1.7.0-rc.1", "1.6.0"),
        ("semver:^1", "1.4.0-123", "1.5.0-130 1.6.0-rc.1 1.6.0-4ef5a30", "1.5.0-130"),
        ("semver:^1", "1.4.0-4ef5a30", "1.4.0-77aa00b 1.4.0-0000aaa", "1.4.0-4ef5a30"),
        # other ways of counting
        ("semver:*", "1.5.0", "20240101 2024.10.1 1.6.0", "1.6.0"),
        ("semver:*", "20240101", "20240201 1.6.0 2024.10.1", "20240201"),
        ("semver:*", "2024.9.1", "2024.10.1 3.0", "2024.10.1"),
        ("semver:^1", "v1.5.0", "v1.6.0 1.6.0", "v1.6.0"),
        ("semver:^1", "release-1.2", "1.4.0 release-1.3", "release-1.3"),
    ],
)
def test_a_reference_moves_within_its_variant(policy: str, tag: str, others: str, chosen: str) -> None:
    assert moved(policy, tag, others) == chosen


@pytest.mark.parametrize(
    ("policy", "tag", "tags"),
    [
        ("semver:^1", "1.2.3-rc10", "1.2.3-rc9 1.2.3-rc10 1.2.3-rc2"),
        ("semver:^1", "1.2.3-rc10", "1.2.3-rc2 1.2.3-rc10"),
        ("prerelease:*", "v1.0.0-beta10", "v1.0.0-beta2 v1.0.0-beta10"),
        ("semver:^1", "1.2.3-Beta1", "1.2.3-alpha2 1.2.3-Beta1"),  # by the letters, alpha is later than Beta
        ("prerelease:^1", "1.2.3-Beta1", "1.2.3-alpha2 1.2.3-Beta1"),
    ],
)
def test_a_prerelease_does_not_go_back_against_the_order_of_publication(policy: str, tag: str, tags: str) -> None:
    done = bumped(policy, tag, tags.split())
    assert done.wanted is None or done.wanted.tag == tag


def test_a_prerelease_may_go_back_if_it_is_allowed() -> None:
    done = bumped("semver:^1", "1.2.3-Beta1", ["1.2.3-alpha2", "1.2.3-Beta1"], allow=["older"])
    assert done.wanted is not None
    assert done.wanted.tag == "1.2.3-alpha2"


@pytest.mark.parametrize(
    ("policy", "tag", "others"),
    [
        ("semver:^1", "1.5.0-dev", "1.6.0-dev 1.5.0 1.6.0"),
        ("semver:^1", "1.5.0-dev", "1.5.0 1.6.0 1.6.0-dev 1.7.0-dev"),
        ("newest", "1.5.0-dev", "1.6.0-dev"),
    ],
)
def test_what_may_be_a_prerelease_or_a_variant_is_reported(policy: str, tag: str, others: str) -> None:
    done = bumped(policy, tag, [tag, *others.split()])
    assert (done.kind, done.wanted) == ("behind", None)
    assert "of which nobody can tell whether it is a pre-release or a variant" in done.message


def test_a_release_that_is_newer_than_a_doubtful_tag_is_named() -> None:
    done = bumped("semver:^1", "1.5.0-dev", ["1.5.0-dev", "1.6.0"])
    message = "a stays at 1.5.0-dev: semver:^1 has nothing newer of its variant; 1.6.0 is newer"
    assert done.note == ("other-variant", message)


def test_newest_names_no_variant_that_was_published_before_the_reference() -> None:
    assert bumped("newest", "1.4.9", ["1.5.0", "1.5.0-debug", "1.4.9"]).note is None
    done = bumped("newest", "1.4.9", ["1.5.0", "1.4.9", "1.5.0-debug"])
    assert done.note is not None
    assert done.note.message.endswith("; 1.5.0-debug is newer")


def test_newest_goes_back_to_no_earlier_time() -> None:
    tags = ["main-4ef5a30-1700000000", "main-77aa00b-1700000100", "main-99bb11c-1699999999"]
    assert moved("newest", tags[0], " ".join(tags[1:])) == tags[1]


def test_nothing_newer_is_claimed_after_a_backport() -> None:
    assert bumped("newest", "v1.6.0", ["v1.5.0", "v1.6.0", "v1.6.0-debug", "v1.4.9"]).note is None


@pytest.mark.parametrize(
    ("tag", "tags", "same", "chosen"),
    [
        ("latest", "1.5.0 1.6.0 latest 1.6.1-debug", "latest=1.6.0", "1.6.0"),
        ("latest", "1.5.0 1.6.0 latest 1.7.0 main-3", "latest=1.6.0", "1.7.0"),
        (
            "latest-alpine",
            "1.6.0-alpine latest-alpine 1.7.0-alpine 1.7.0",
            "latest-alpine=1.6.0-alpine",
            "1.7.0-alpine",
        ),
    ],
)
def test_newest_goes_on_from_the_version_of_a_floating_name(tag: str, tags: str, same: str, chosen: str) -> None:
    done = bumped("newest", tag, tags.split(), same=same)
    assert done.wanted is not None
    assert done.wanted.tag == chosen


@pytest.mark.parametrize(
    ("tag", "tags"),
    [
        ("stable-slim", "stable-slim stable"),
        ("edge", "edge 1.0.0 edge-debug"),
        ("develop", "develop main 1.0.0"),
        ("pr-42", "pr-42 pr-43"),
        ("ltsc2022", "ltsc2022 ltsc2025"),
        ("latest", "1.0.0 latest"),
        ("main", "main main-77aa00b"),
    ],
)
def test_newest_reports_a_name_where_nothing_tells_what_is_newer(tag: str, tags: str) -> None:
    done = bumped("newest", tag, tags.split())
    assert (done.kind, done.wanted) == ("behind", None)
    assert done.message.endswith(f": write the version that is meant, or follow the tag with `tag:{tag}`")


def test_a_tag_that_may_move_is_not_taken_for_a_more_exact_one() -> None:
    assert moved("semver:*", "1.27.3", "1.28 2", mutable=["1.28", "2"]) == "1.27.3"
    assert moved("semver:*", "1.27", "1.28 1.28.3 2", mutable=["1.28", "2"]) == "1.28.3"
    assert moved("semver:*", "1.27", "1.28 1.28.3 2", mutable=["1.27", "1.28", "2"]) == "1.28"
    assert moved("semver:*", "1", "1.28 2", mutable=["1", "1.28", "2"]) == "2"
    assert moved("semver:^3", "3.26.0-3", "3.26.1 3.26.1-2", mutable=["3.26.1"]) == "3.26.1-2"
    assert moved("semver:*", "1.27.3", "1.28 1.29", mutable=["1.29"]) == "1.28"
    assert moved("semver:*", "latest", "0 1", mutable=["1"], same="latest=0") == "0"


def test_a_tag_without_a_rebuild_stays_one_where_it_names_the_newest() -> None:
    assert moved("semver:^3", "3.4.6", "3.4.7-ls1 3.4.7", mutable=["3.4.7"]) == "3.4.7-ls1"
    assert moved("semver:^3", "3.4.6", "3.4.7-ls1 3.4.7", mutable=["3.4.6", "3.4.7"]) == "3.4.7"
    assert moved("semver:^3", "3.4.6", "3.4.7-ls1 3.4.7", same="3.4.7=3.4.7-ls1") == "3.4.7"
    assert moved("semver:^3", "3.4.6", "3.4.6-ls2", same="3.4.6=3.4.6-ls2") == "3.4.6"


@pytest.mark.parametrize(
    ("tag", "others", "other"),
    [
        ("1.27-alpine", "1.28.0 1.27.5", "1.28.0"),
        ("1.27.3-alpine3.20", "1.28.0 1.27.4-alpine3.21", "1.27.4-alpine3.21"),
        ("1.27.3-alpine", "1.28.0-bookworm 1.28.0", "1.28.0"),
    ],
)
def test_a_newer_version_of_another_variant_is_named_where_there_is_none_of_its_own(
    tag: str, others: str, other: str
) -> None:
    done = bumped("semver:^1", tag, [tag, *others.split()])
    message = f"a stays at {tag}: semver:^1 has nothing newer of its variant; {other} is newer"
    assert done.note == ("other-variant", message)
    assert done.wanted is None or done.wanted.tag == tag


@pytest.mark.parametrize(
    ("tag", "others"), [("1.27-alpine", "1.28-alpine 1.29.0"), ("1.27", "1.27.5-alpine 1.27.5"), ("1.0", "2.0-alpine")]
)
def test_nothing_is_said_of_other_variants_where_it_moves_or_they_are_not_newer(tag: str, others: str) -> None:
    assert bumped("semver:^1", tag, [tag, *others.split()]).note is None


@pytest.mark.parametrize(
    ("tag", "tags", "same", "chosen"),
    [
        ("latest", "1.5.0 1.6.0 latest", "latest=1.6.0", "1.6.0"),
        ("latest", "1.5.0 latest 1.6.0", "latest=1.5.0", "1.6.0"),
        ("latest", "1.5.0 1.5.0-alpine latest 1.6.0-alpine 1.5.1", "latest=1.5.0", "1.5.1"),
        ("alpine", "1.5.0-alpine alpine 1.6.0 1.6.0-alpine", "alpine=1.5.0-alpine", "1.6.0-alpine"),
    ],
)
def test_a_tag_without_a_version_is_the_version_that_has_its_digest(
    tag: str, tags: str, same: str, chosen: str
) -> None:
    done = bumped("semver:^1", tag, tags.split(), same=same)
    assert done.kind == "behind"
    assert done.wanted is not None
    assert done.wanted.tag == chosen


@pytest.mark.parametrize(
    ("tag", "tags", "same", "words"),
    [
        ("latest", "1.6.0 latest", "", "which has the digest of no version, so semver:^1 cannot tell what is newer"),
        ("latest", "latest 1.6.0", "", "which has the digest of no version, so semver:^1 cannot tell what is newer"),
        ("latest", "1.6.0 2.0.0 latest", "latest=2.0.0", "which is 2.0.0 for now, and semver:^1 chooses 1.6.0"),
        ("latest", "latest", "", "no version of it matches semver:^1"),
        ("edge", "2.0.0 edge", "", "no version of it matches semver:^1"),
        ("alpine", "1.6.0", "", "which has the digest of no version"),
        ("sha-4ef5a30", "1.6.0 sha-4ef5a30", "", "which has the digest of no version"),
    ],
)  # fmt: skip
def test_a_tag_without_a_version_is_reported_where_it_cannot_be_moved(
    tag: str, tags: str, same: str, words: str
) -> None:
    done = bumped("semver:^1", tag, tags.split(), same=same)
    assert (done.kind, done.wanted) == ("behind", None)
    assert done.message.startswith(f"a is at {tag}, {words}")
    assert done.message.endswith(": write the version that is meant")


def test_an_image_without_a_tag_goes_to_the_newest_plain_version() -> None:
    done = bumped("semver:^1", "", ["1.5.0", "1.6.0", "1.7.0-alpine", "release-1.8.0"])
    assert done.wanted is not None
    assert done.wanted.tag == "1.6.0"


def test_a_floating_tag_does_not_go_below_the_version_of_its_digest() -> None:
    tags = ["1.28.5", "1", "1.27.9"]
    assert bumped("semver:~1.27", "1", tags, same="1=1.28.5").wanted is None
    done = bumped("semver:~1.27", "1", tags, same="1=1.28.5", allow=["older"])
    assert done.wanted is not None
    assert done.wanted.tag == "1.27.9"


def test_a_tag_of_the_same_digest_but_a_lower_version_is_older() -> None:
    assert bumped("semver:^1", "2", ["2", "1"], same="2=1").wanted is None


def test_newest_takes_a_tag_without_a_version_for_what_it_is() -> None:
    assert moved("newest", "main-9", "1.5.0 main-10", same="main-9=1.5.0") == "main-10"


def test_a_floating_tag_that_is_asked_for_is_as_new_as_the_version_of_its_digest() -> None:
    assert moved("tag:1", "1.5.0", "1.5.1 1", same="1=1.5.1") == "1"
    assert moved("tag:1", "1.5.1", "1.5.0 1", same="1=1.5.0") == "1.5.1"
    assert moved("tag:1", "1.5.0", "1") == "1"
    assert moved("tag:1", "1.5.0", "1", same="1=1.5.0") == "1"


# ---- the table of the documentation

_ROW = re.compile(r"^\| `([^`]+)` \|(.*)\|(.*)\|(.*)\| `([^`]+)` \|(.*)\|(.*)\|$", re.MULTILINE)
_ROWS = _ROW.findall((ROOT / "docs/manifests.md").read_text("utf-8"))


def test_the_documentation_has_a_table_of_real_tags() -> None:
    assert len(_ROWS) > 25


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row[0])
def test_the_table_of_real_tags_is_true(row: tuple[str, ...]) -> None:
    tag, *cells = row
    prefix, version, suffix, policy, target, others = (cell.strip(" `") for cell in cells)
    parsed = parse_version_tag(tag)
    if version == "none":
        assert parsed is None
    else:
        assert parsed is not None
        assert (parsed.variant.prefix, parsed.version, parsed.variant.suffix) == (prefix, version, suffix)
    recorded = [tag, *others.replace("`", "").split()]
    done = bumped(policy, tag, recorded if target in ("stays", "reported") else [*recorded, target])
    if target == "reported":
        assert (done.kind, done.wanted) == ("behind", None)
    elif target == "stays":
        assert done.note is not None
        assert done.note.kind == "other-variant"
        assert done.wanted is None or done.wanted.tag == tag
    else:
        assert done.wanted is not None
        assert done.wanted.tag == target


# ---- whatever the tags

numbers = st.lists(st.integers(0, 2).map(str), min_size=1, max_size=3).map(".".join)
tags = st.one_of(
    st.builds(
        "".join,
        st.tuples(
            st.sampled_from(["", "", "", "release-"]),
            st.sampled_from(["", "", "v"]),
            numbers,
            st.sampled_from(["", "", "", "-rc.1", "-rc.2", "-12", "-4ef5a30", "-77aa00b"]),
            st.sampled_from(["", "", "-r1", "-r2"]),
            st.sampled_from(["", "", "-alpine", "-alpine3.20", "-alpine3.21"]),
        ),
    ),
    st.sampled_from(["latest", "20240101", "20240102", "2024.1.1", "2024.2", "main-3", "1.0-dev", "1.1-dev", "2-dev"]),
    st.builds(
        "".join,
        st.tuples(
            st.sampled_from(["main", "main-debug", "openjdk", "pr", "latest"]),
            st.sampled_from(["", "-1", "-2", "-17"]),
            st.sampled_from(["", "-4ef5a30", "-77aa00b", "-1234567", "-jdk", "-jre"]),
            st.sampled_from(["", "", "-12"]),
        ),
    ),
)
policies = st.sampled_from(
    ["semver:*", "semver:^1", "semver:~1.1", "prerelease:*", "semver:>=1 <2", "newest", "newest:1.*"]
)
seeds, days = st.integers(0, 3), st.integers(1, 6)


@given(policies, st.lists(tags, min_size=1, max_size=8, unique=True), st.data())
def test_a_bump_keeps_the_variant_goes_never_down_and_is_done_at_once(
    policy: str, recorded: list[str], data: st.DataObject
) -> None:
    """Several tags may have one digest; the reference may have a digest, and a tag that the ledger does not have."""
    records = [
        record("a", tag, digest=digest(data.draw(seeds)), publishedAt=f"2026-11-0{data.draw(days)}T00:00:00Z")
        for tag in recorded
    ]
    settings = Policy(mutable=tuple(data.draw(st.lists(st.sampled_from(recorded), max_size=2))))
    catalogue = Catalogue(Snapshot("", ledger_of(*records), settings), Timestamp("2026-11-25T00:00:00Z"))
    tag = data.draw(st.sampled_from(recorded) | tags)
    pinned = data.draw(st.sampled_from(["", *(one.digest for one in records)]))

    done = judged(policy, catalogue, tag, pinned)
    if done.wanted is None:
        return
    assert done.wanted.digest == catalogue.releases("a")[done.wanted.tag].digest
    before, after = parse_version_tag(tag), parse_version_tag(done.wanted.tag)
    if before and not policy.startswith("newest:"):
        assert after is not None
        assert (after.variant.prefix, after.variant.suffix) == (before.variant.prefix, before.variant.suffix)
        assert policy == "newest" or (after.compare(before) or 0) >= 0
    if before is None and policy == "newest" and parse_words(tag).moves:
        assert parse_words(done.wanted.tag).shape == parse_words(tag).shape
    if not policy.startswith(("prerelease", "newest:")) and after and after.stage and after.stage != "-dev":
        assert before is None or before.stage or before.is_floating, "a release became a pre-release"
    again = judged(policy, catalogue, done.wanted.tag, done.wanted.digest)
    assert (again.wanted, again.kind) == (None, ""), "a second run has something left to do"


@pytest.mark.parametrize("policy", ["newest", "newest:v1*", "semver:^1", "semver:~1.5", "prerelease:^1", "tag:v1.4.0"])
@pytest.mark.parametrize("tag", ["v9", "v9.0.0", "v1.5.1", "v1.7.0-alpine"])
@pytest.mark.parametrize("pinned", ["", digest("else")])
def test_a_tag_that_the_ledger_does_not_have_is_reported_unless_it_moves(policy: str, tag: str, pinned: str) -> None:
    done = bumped(policy, tag, ["v1.4.0", "v1.5.0"], pinned=pinned)
    assert done.wanted or done.kind in ("unknown", "behind"), done


def test_numbers_of_another_shape_are_another_series() -> None:
    assert moved("newest", "01.02.03", "01.02.04 1.2.5 001 002") == "01.02.04"
    assert moved("newest", "001", "002 01.02.03") == "002"


@pytest.mark.parametrize("policy", ["newest:stable", "tag:stable", r"regex:(?P<x>1\.0\.0)"])
def test_a_choice_that_is_refused_since_it_is_older_is_said(policy: str) -> None:
    done = bumped(policy, "1.1.0", ["1.0.0", "stable", "1.1.0"], same="stable=1.0.0")
    assert (done.wanted, done.kind) == (None, "")
    assert done.note
    assert "which is older (`--allow older` permits it)" in done.note.message


@pytest.mark.parametrize(("of", "kind"), [("v1.5.0", "stale"), ("else", "stale"), ("v2.0.0", "")])
def test_a_wrong_digest_is_stale_where_a_reference_stays(of: str, kind: str) -> None:
    assert bumped("semver:^1", "v2.0.0", ["v1.5.0", "v2.0.0"], pinned=digest(of)).kind == kind
