"""Versions in tags, and their order."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger.version import Variant, Version, parse_version, parse_version_tag

numbers = st.integers(0, 9999).map(str)
identifiers = st.one_of(numbers, st.from_regex(r"[0-9]{0,2}[A-Za-z-][0-9A-Za-z-]{0,3}", fullmatch=True))
prereleases = st.lists(identifiers, min_size=1, max_size=4).map(".".join)
releases = st.lists(numbers, min_size=3, max_size=3).map(".".join)
versions = st.one_of(releases, st.builds("{}-{}".format, releases, prereleases))


def version(text: str) -> Version:
    found = parse_version(text)
    assert found is not None, text
    return found


# The examples of SemVer 2.0.0, sections 2, 9 and 11.
ORDERED = [
    ["0.0.0-0", "0.0.0", "0.0.1", "0.9.0", "1.9.0", "1.10.0", "1.11.0", "2.0.0", "2.1.0", "2.1.1", "10.0.0"],
    [
        *("1.0.0-0", "1.0.0-0.3.7", "1.0.0-2", "1.0.0-11", "1.0.0--", "1.0.0-alpha", "1.0.0-alpha.1"),
        *("1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0"),
    ],
    ["1", "1.5", "v1.5.1", "2-alpine", "v2"],
]


@pytest.mark.parametrize("ordered", ORDERED)
def test_versions_are_ordered_as_semver_says(ordered: list[str]) -> None:
    found = [version(text) for text in ordered]
    assert sorted(found[1:] + found[:1]) == found
    assert all(low < high for low, high in pairwise(found))


def test_parts_that_are_left_out_are_zero_and_counted() -> None:
    assert version("1") == version("v1.0") == version("1.0.0")
    assert len({version("1"), version("v1.0"), version("1.0.0")}) == 1
    assert [version(text).parts for text in ("1", "v1.0", "1.0.0", "1.0-rc.1")] == [1, 2, 3, 2]
    assert version("v1.5").release == (1, 5, 0)


def test_text_and_prerelease_are_kept_as_given() -> None:
    found = version("v1.5.0-rc.1")
    assert (str(found), found.prerelease) == ("v1.5.0-rc.1", "rc.1")
    assert version("1.5.0").prerelease == ""


@pytest.mark.parametrize(
    "text",
    [
        *("", "v", "latest", "main", "stable", "pr-42", "vv1", "V1.0", "version1", "1.x", "^1", "1.0.0-", "1..0", ".1"),
        *("1.2.3.4", "1.2.3_4", "1.2.3+5", "01.2.3", "1.02", "1.0.0-01", "1.0.0-a..b", "1.0.0\n", " 1", "1 "),
        *("1.0.0-ä", "１.0", "-1", "1.-1"),
    ],
)
def test_anything_else_is_not_a_version(text: str) -> None:
    assert parse_version(text) is None


@pytest.mark.parametrize(
    "text",
    [
        *("1234567", "12345", "v20240101", "20240101", "20240101.1", "20240101-4ef5a30"),
        *("2024-01-15", "2024-01-15T10-00", "2024.01.15", "1700000000", "12-34"),
        *("4ef5a3030654728decc420aa363a57670ae53de4", "1e10", "7e5d2c3", "sha-4ef5a30", "sha256-" + "0" * 64),
        "0" * 64,
        "9" * 128,
        "1.0." + "9" * 200,
    ],
)
def test_commit_ids_dates_and_digests_are_not_versions(text: str) -> None:
    assert parse_version(text) is None


@pytest.mark.parametrize("text", ["7", "22", "2022", "9999", "7-alpine", "2022-latest", "1.25-alpine", "2024.1.15"])
def test_short_numbers_and_variants_are_versions(text: str) -> None:
    assert version(text).text == text


@given(versions, versions, versions)
def test_the_order_is_total_and_agrees_with_equality(a: str, b: str, c: str) -> None:
    x, y, z = version(a), version(b), version(c)
    assert (x < y) + (x == y) + (x > y) == 1
    if x <= y <= z:
        assert x <= z
    if x == y:
        assert hash(x) == hash(y)


@given(versions, st.sampled_from(["", "v"]))
def test_a_prerelease_comes_before_its_release(text: str, v: str) -> None:
    found = version(v + text)
    release = version(".".join(map(str, found.release)))
    assert found < release if found.prerelease else found == release


@given(st.text(max_size=40))
def test_any_text_is_a_version_or_none(text: str) -> None:
    found = parse_version(text)
    assert found is None or found.text == text


@pytest.mark.parametrize(
    ("tag", "number", "prefix", "suffix"),
    [
        ("1.5.0", "1.5.0", "", ""),
        ("v1.5.0-rc.1", "v1.5.0-rc.1", "", ""),
        ("1.27-alpine", "1.27", "", "alpine"),
        ("8-alpine3.20", "8", "", "alpine3.20"),
        ("10.0.12-alpine3.23-composite-amd64", "10.0.12", "", "alpine3.23-composite-amd64"),
        ("11.0-preview-alpine-amd64", "11.0-preview", "", "alpine-amd64"),
        ("11.0.100-preview.7.25380.108-noble", "11.0.100-preview.7.25380.108", "", "noble"),
        ("release-v1.5.0-beta-2-slim", "v1.5.0-beta-2", "release", "slim"),
        ("jdk-17.0.1", "17.0.1", "jdk", ""),
        ("1.2.3-debian-12-r5", "1.2.3", "", "debian-12-r5"),
        ("3.0.0-M1", "3.0.0-M1", "", ""),
        ("1.0.0-0.3.7", "1.0.0-0.3.7", "", ""),
        ("5.1-beta-windowsservercore-ltsc2022", "5.1-beta", "", "windowsservercore-ltsc2022"),
        ("1.2.3-arm64v8", "1.2.3", "", "arm64v8"),
        ("1.2-bookworm-slim", "1.2", "", "bookworm-slim"),
    ],
)
def test_a_tag_is_a_version_of_a_variant(tag: str, number: str, prefix: str, suffix: str) -> None:
    parsed = parse_version_tag(tag)
    assert parsed is not None
    assert (parsed.version.text, parsed.variant) == (number, Variant(prefix, suffix))


@pytest.mark.parametrize(
    "tag",
    [
        "latest",
        "alpine",
        "alpine3.20",
        "pr-42",
        "sha-4ef5a30",
        "2024-01-15",
        "12-34",
        "20240101.1",
        "1.2.3-",
        "",
        "v",
        "a-",
    ],
)
def test_a_name_or_a_date_is_not_a_version_of_a_variant(tag: str) -> None:
    assert parse_version_tag(tag) is None


@given(versions)
def test_whatever_semver_reads_without_a_variant_has_the_same_order(text: str) -> None:
    parsed = parse_version_tag(text)
    if parsed and parsed.variant == Variant():
        assert parsed.version == version(text)


def test_versions_in_a_variant_do_not_make_another_family_but_architectures_do() -> None:
    def family(suffix: str) -> tuple[str, ...]:
        return Variant("", suffix).family

    assert family("alpine3.23") == family("alpine3.24") == family("alpine") != family("alpine3.23-slim")
    assert family("debian-12-r5") == family("debian-13-r0")
    assert len({family(f"noble-{name}") for name in ("amd64", "arm64v8", "arm32v7", "arm32v6")}) == 4


@pytest.mark.parametrize(
    ("floating", "exact", "covers"),
    [
        ("10.0", "10.0.12", True),
        ("10", "10.2", True),
        ("10.0", "10.1.0", False),
        ("10.0.1", "10.0.1", False),
        ("11.0-preview", "11.0.0-preview.7", True),
        ("11.0-preview", "11.0.0-rc.1", False),
        ("1", "10.0.0", False),
    ],
)
def test_a_shorter_version_covers_the_exact_ones_that_begin_with_it(floating: str, exact: str, covers: bool) -> None:
    one, other = parse_version_tag(floating), parse_version_tag(exact)
    assert one is not None
    assert other is not None
    assert one.covers(other) is covers
