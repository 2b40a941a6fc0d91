"""Which tags of a registry the ledger should have, and which belong to other images or are to be ignored."""

from __future__ import annotations

import pytest

from ledger_tool.core.registry.untracked import is_attached, untracked

HEX = "0123456789abcdef" * 4


def test_untracked_tags_are_those_missing_from_the_ledger_each_listed_once() -> None:
    findings = untracked("r", "a", ["v2", "v1", "v3", "v2"], ["v1"])
    assert [(finding.tag, finding.drift, finding.kind) for finding in findings] == [
        ("v2", "untracked", "housekeeping"), ("v3", "untracked", "housekeeping"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "tag",
    [
        f"sha256-{HEX}.sig",
        f"sha256-{HEX}.att",
        f"sha256-{HEX}.sbom",
        f"sha256-{HEX}",
        f"sha512-{HEX}",
        f"sha512-{HEX}{HEX}.sig",
        f"sha256-{HEX}.cosign-bundle",
    ],
)
def test_a_tag_that_belongs_to_an_image_by_its_digest_is_left_out(tag: str) -> None:
    assert is_attached(tag)
    assert untracked("r", "a", [tag, "v1"], []) == untracked("r", "a", ["v1"], [])


@pytest.mark.parametrize(
    "tag",
    ["sha256-abc.sig", f"sha256-{HEX[1:]}", f"sha256-{HEX.upper()}", f"v1-sha256-{HEX}", f"sha256-{HEX}0", "v1.sig"],
)
def test_a_tag_that_only_looks_like_one_is_listed(tag: str) -> None:
    assert [finding.tag for finding in untracked("r", "a", [tag], [])] == [tag]


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("*:nightly-*", ["b1"]),
        ("team/app:nightly-*", ["b1"]),
        ("other/*:nightly-*", ["b1", "nightly-1", "nightly-2"]),
        ("team/*", []),
        ("*:b?", ["nightly-1", "nightly-2"]),
    ],
)
def test_patterns_of_the_settings_are_globs_of_images_or_of_image_tags(pattern: str, left: list[str]) -> None:
    findings = untracked("r", "team/app", ["nightly-1", "nightly-2", "b1"], [], ignore=["x:y", pattern])
    assert [finding.tag for finding in findings] == left
