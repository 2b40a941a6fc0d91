"""Versions in tags, and their order."""

from __future__ import annotations

import re
from functools import cmp_to_key
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger.version import Variant, VersionTag, most_exact, parse_version_tag, rank

# ---- tags as SemVer knows them: its prereleases are those that begin with a number or such a word

numbers = st.integers(0, 9999).map(str)
words = st.sampled_from(["alpha", "beta", "rc", "preview", "dev"])
anything = st.one_of(numbers, st.from_regex(r"[0-9]{0,2}[A-Za-z][0-9A-Za-z]{0,3}", fullmatch=True))
prereleases = st.one_of(
    st.lists(st.one_of(numbers, words), min_size=1, max_size=4).map(".".join),
    st.builds(lambda word, rest: ".".join([word, *rest]), words, st.lists(anything, max_size=3)),
)
releases = st.lists(numbers, min_size=3, max_size=3).map(".".join)
versions = st.one_of(releases, st.builds("{}-{}".format, releases, prereleases))

# ---- tags as they really are

short_numbers = st.one_of(st.integers(0, 3), st.integers(0, 30)).map(str)
counted = st.lists(short_numbers, min_size=1, max_size=4).map(".".join)
real_numbers = st.one_of(
    st.lists(short_numbers, min_size=1, max_size=4).map(".".join),
    st.sampled_from(
        ["2024.10.1", "22.04", "20240101", "20240115.2", "2024-01-15", "2024-01-15T10-00-00Z", "v1.5", "v2"]
    ),
)
stages = st.sampled_from(["", "", "-rc.1", "-rc.2", "rc1", "b2", ".dev4", "-preview", "-12", "-4ef5a30", "-20240101"])
rebuilds = st.sampled_from(["", "", "-r1", "-r10", "-ls45", "_9", "-5-g4ef5a30", "-build.4", "u392-b08"])
suffixes = st.sampled_from(["", "", "-alpine", "-alpine3.20", "-alpine3.21", "-debian-12", "_amd64", ".Final", "-k3s"])
tails = st.sampled_from(["", "", "-r7", "-r12", "1", "-20240102", "-77aa00b"])
prefixes = st.sampled_from(["", "", "", "release-", "RELEASE.", "php8.2-", "bookworm-"])
real_tags = st.builds("".join, st.tuples(prefixes, real_numbers, stages, rebuilds, suffixes, tails))
any_tags = st.one_of(real_tags, st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,30}", fullmatch=True))


def version(text: str) -> VersionTag:
    found = parse_version_tag(text)
    assert found is not None, text
    return found


def semver_order(a: str, b: str) -> int:
    """Return what SemVer 2.0.0 says in section 11, word for word, of words that do not end with a number: -1, 0 or 1.

    A number right behind a word is one of its own: `rc10` is read as `rc.10`.
    """
    (left, _, early), (right, _, late) = (text.partition("-") for text in (a, b))
    early, late = (re.sub(r"(?<![^.])([A-Za-z]+)([0-9]+)(?![^.])", r"\1.\2", text) for text in (early, late))
    sides = [[int(part) for part in side.split(".")] for side in (left, right)]
    if sides[0] != sides[1]:
        return -1 if sides[0] < sides[1] else 1
    if not early or not late:
        return bool(late) - bool(early)
    for one, other in zip(early.split("."), late.split("."), strict=False):
        if one == other:
            continue
        if one.isdigit() and other.isdigit():
            return -1 if int(one) < int(other) else 1
        if one.isdigit() or other.isdigit():
            return -1 if one.isdigit() else 1
        return -1 if one < other else 1
    more = early.count(".") - late.count(".")
    return (more > 0) - (more < 0)


# The examples of SemVer 2.0.0, sections 2, 9 and 11.
ORDERED = [
    ["0.0.0-0", "0.0.0", "0.0.1", "0.9.0", "1.9.0", "1.10.0", "1.11.0", "2.0.0", "2.1.0", "2.1.1", "10.0.0"],
    [
        *("1.0.0-0", "1.0.0-0.3.7", "1.0.0-2", "1.0.0-11", "1.0.0-alpha", "1.0.0-alpha.1"),
        *("1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0"),
    ],
    ["1", "1.5", "v1.5.1", "1.5.1.2", "1.5.2", "2-alpine", "v2.0.1"],
    ["1.2.3-beta", "1.2.3-beta2", "1.2.3-beta9", "1.2.3-beta10", "1.2.3-beta-11", "1.2.3-rc9", "1.2.3-rc10", "1.2.3"],
    ["7.0.0-rc2-alpine", "7.0.0-rc10-alpine", "7.0.0-alpine"],
    ["3.13.0a1", "3.13.0b2", "3.13.0rc1", "3.13.0rc10", "3.13.0", "3.13.0-r2", "3.13.0-r10", "3.13.1.dev4", "3.13.1"],
    ["20.04", "22.04", "22.10", "2024.01.15", "2024.9.1", "2024.10.1"],
    ["20240101", "20240101.3", "20240101.10", "2024-01-15", "2024-02-01T10-00-00Z", "20240301"],
    ["3.4.6-debian-12-r2", "3.4.6-debian-12-r10", "3.4.7-debian-12-r0"],
    ["v1.25.3-k3s1", "v1.25.3-k3s2", "v1.25.3-k3s10", "v1.25.4-k3s1"],
    ["8u382-b05-jdk", "8u392-b08-jdk", "17_35-jdk", "17.0.9_9-jdk", "17.0.9_10-jdk"],
    ["11.6.1", "11.6.1-security-01", "11.6.1-security-02", "11.6.2"],
    ["7.0.11-14", "7.1.0-0", "7.1.0-20240101", "7.1.0-20240101-1200", "7.1.0-2024-02-01", "7.1.0"],
    ["v1.2.3", "v1.2.3-5-g4ef5a30", "v1.2.3-12-g77aa00b", "v1.2.4"],
    ["9.0-rc1", "9.0", "9.0-sp1", "9.0-sp2", "9.0-sp10", "9.1"],
    ["1.0.0", "1.0.0-p1", "1.0.0-p2", "1.0.0-p10", "1.0.1"],
    ["9.3p1", "9.3p2", "9.3p10", "9.4p1"],
    ["v1.5.0", "v1.5.0-hotfix", "v1.5.0-hotfix1", "v1.5.0-hotfix2", "v1.5.0-hotfix10", "v1.5.1-rc.1", "v1.5.1"],
    ["1.5.0-alpine", "1.5.0-alpine-patch", "1.5.0-alpine-patch2"],
    ["V1.5.0-RC1", "V1.5.0", "v1.6.0", "V1.10.0"],
]


@pytest.mark.parametrize("ordered", ORDERED)
def test_versions_are_ordered(ordered: list[str]) -> None:
    found = [version(text).precedence for text in ordered]
    assert all(low < high for low, high in pairwise(found))
    assert sorted(set(ordered), key=rank) == ordered


@given(versions, versions)
def test_the_order_is_that_of_semver(a: str, b: str) -> None:
    assert version(a).compare(version(b)) == semver_order(a, b)
    assert semver_order(a, b) == 0 or (rank(a) < rank(b)) == (semver_order(a, b) < 0)


@given(
    releases, words, st.integers(0, 9999), st.integers(0, 9999), st.lists(st.sampled_from(["", ".", "-"]), min_size=2)
)
def test_a_number_behind_a_word_counts_however_it_is_written(
    release: str, word: str, a: int, b: int, dots: list[str]
) -> None:
    one, other = (version(f"{release}-{word}{dot}{number}") for dot, number in zip(dots, (a, b), strict=False))
    assert one.compare(other) == (a > b) - (a < b)


@given(st.lists(versions, max_size=6, unique=True))
def test_tags_are_sorted_as_semver_sorts_them(tags: list[str]) -> None:
    ordered = sorted(sorted(tags, key=rank), key=cmp_to_key(semver_order))  # spelled in two ways, it is one version
    assert sorted(tags, key=rank) == ordered


@given(any_tags, any_tags, any_tags)
def test_the_order_of_all_tags_is_total(a: str, b: str, c: str) -> None:
    x, y, z = rank(a), rank(b), rank(c)
    assert (x < y) + (a == b) + (x > y) == 1
    if x <= y <= z:
        assert x <= z


@given(any_tags, any_tags)
def test_two_versions_are_compared_alike_from_both_sides(a: str, b: str) -> None:
    one, other = parse_version_tag(a), parse_version_tag(b)
    if one and other:
        there, back = one.compare(other), other.compare(one)
        assert there is None if back is None else there == -back
        assert one.is_compatible(other) == other.is_compatible(one)
        assert one.compare(one) == 0


@given(st.one_of(any_tags, st.text(max_size=40)))
def test_the_parts_of_a_tag_make_the_tag(text: str) -> None:
    found = parse_version_tag(text)
    assert found is None or str(found) == text


@given(counted, stages, suffixes.filter(lambda suffix: suffix not in (".Final", "-k3s")))
def test_a_real_tag_is_its_version_and_its_suffix(number: str, stage: str, suffix: str) -> None:
    found = parse_version_tag(number + stage + suffix)
    if found:
        assert (found.number + found.stage, found.variant.suffix) == (number + stage, suffix)


def test_parts_that_are_left_out_are_zero_and_counted() -> None:
    assert version("1").precedence == version("v1.0").precedence == version("1.0.0").precedence
    assert [len(version(text).numbers) for text in ("1", "v1.0", "1.0.0", "1.0-rc.1")] == [1, 2, 3, 2]
    assert version("v1.5").release == (1, 5, 0)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "v",
            "latest",
            "main",
            "stable",
            "pr-42",
            "vv1",
            "Vv1.0",
            "version1",
            "1.x",
            "^1",
            "1.0.0-",
            "1..0",
            ".1",
        ),
        *("1.2.3+5", "01.2.3", "1.0.0-a..b", "1.0.0\n", " 1", "1 ", "1.0.0-ä", "１.0", "-1", "1.-1", "1.2.x"),
        *("1234567", "12345", "20241301", "1700000000", "12-34", "16-3.4", "sha-4ef5a30", "1234b56"),
        *("4ef5a3030654728decc420aa363a57670ae53de4", "1e10", "7e5d2c3", "sha256-" + "0" * 64),
        *("main-4ef5a30-1700000000", "alpine", "alpine3.20", "alpine3.20.1", "ubi9", "ltsc2022", "a-"),
        *("php8.2-fpm-alpine", "windowsservercore-ltsc2022"),
        *("0" * 64, "9" * 128, "1.0." + "9" * 200),
    ],
)
def test_names_commits_and_digests_are_not_versions(text: str) -> None:
    assert parse_version_tag(text) is None


@pytest.mark.parametrize("text", ["7", "22", "2022", "9999", "7-alpine", "2022-latest", "1.25-alpine", "2024.1.15"])
def test_short_numbers_and_variants_are_versions(text: str) -> None:
    assert str(version(text)) == text


@pytest.mark.parametrize(
    ("tag", "prefix", "number", "suffix"),
    [
        ("1.5.0", "", "1.5.0", ""),
        ("v1.5.0-rc.1", "", "v1.5.0-rc.1", ""),
        ("1.27-alpine", "", "1.27", "-alpine"),
        ("8-alpine3.20", "", "8", "-alpine3.20"),
        ("10.0.12-alpine3.23-composite-amd64", "", "10.0.12", "-alpine3.23-composite-amd64"),
        ("11.0-preview-alpine-amd64", "", "11.0-preview", "-alpine-amd64"),
        ("11.0.100-preview.7.25380.108-noble", "", "11.0.100-preview.7.25380.108", "-noble"),
        ("release-v1.5.0-beta-2-slim", "release-", "v1.5.0-beta-2", "-slim"),
        ("jdk-17.0.1", "jdk-", "17.0.1", ""),
        ("php8.2-1.2.3", "php8.2-", "1.2.3", ""),
        ("1.2.3-debian-12-r5", "", "1.2.3", "-debian-12"),
        ("3.0.0-M1", "", "3.0.0-M1", ""),
        ("1.0.0-0.3.7", "", "1.0.0-0.3.7", ""),
        ("1.0.0-1.el8", "", "1.0.0", "-1.el8"),
        ("5.1-beta-windowsservercore-ltsc2022", "", "5.1-beta", "-windowsservercore-ltsc2022"),
        ("1.2.3-arm64v8", "", "1.2.3", "-arm64v8"),
        ("1.2-bookworm-slim", "", "1.2", "-bookworm-slim"),
        ("8-jre-hotspot-focal", "", "8", "-jre-hotspot-focal"),
        ("2022-CU10-ubuntu-22.04", "", "2022-CU10", "-ubuntu-22.04"),
        ("21.0.1_12-jdk-alpine", "", "21.0.1_12", "-jdk-alpine"),
        ("amd64-1.2.3-ls45", "amd64-", "1.2.3-ls45", ""),
        ("v1.24.9-rancher1-1", "", "v1.24.9", "-rancher"),
        ("v1.28.3-eksbuild.1", "", "v1.28.3", "-eksbuild"),
        ("RELEASE.2024-01-01T00-00-00Z", "RELEASE.", "2024-01-01T00-00-00Z", ""),
        ("bookworm-20240110-slim", "bookworm-", "20240110", "-slim"),
        ("1.2.3-alpine-4ef5a30", "", "1.2.3", "-alpine"),
        ("3.13.0rc1-slim", "", "3.13.0rc1", "-slim"),
        ("1.2.3.Final", "", "1.2.3", ".Final"),
        ("2.1.0_amd64", "", "2.1.0", "_amd64"),
        ("1.2.3-r4.3", "", "1.2.3", "-r4.3"),
        ("1.0.4-20200608160520Z", "", "1.0.4-20200608160520Z", ""),
        ("1.0.4-20200608-1605-alpine", "", "1.0.4-20200608-1605", "-alpine"),
        ("20231101-230548-g159857a0b", "", "20231101-230548-g159857a0b", ""),
        ("4.8-20250909-windowsservercore-ltsc2022", "", "4.8-20250909", "-windowsservercore-ltsc2022"),
        ("1.43.1.10611-1e34174b1", "", "1.43.1.10611-1e34174b1", ""),
        ("1.2.1-29_base", "", "1.2.1-29", "_base"),
        ("3.26.3-5.g87159cd", "", "3.26.3-5.g87159cd", ""),
        ("8.10-1132.1729006342", "", "8.10-1132.1729006342", ""),
        ("1.2.3-cuda12.1-cudnn8-runtime", "", "1.2.3", "-cuda12.1-cudnn8-runtime"),
        ("V1.5.0-alpine", "", "V1.5.0", "-alpine"),
        ("release-V1.5", "release-", "V1.5", ""),
        ("1.0.0-p1-alpine", "", "1.0.0-p1", "-alpine"),
        ("1.2.3-hotfixes", "", "1.2.3", "-hotfixes"),
        ("1.2.3-php", "", "1.2.3", "-php"),
        ("1.2.3-python3", "", "1.2.3", "-python3"),
    ],
)
def test_a_tag_is_a_version_of_a_variant(tag: str, prefix: str, number: str, suffix: str) -> None:
    parsed = version(tag)
    assert (parsed.variant.prefix, parsed.version, parsed.variant.suffix) == (prefix, number, suffix)


def test_numbers_years_and_dates_are_not_versions_of_one_another() -> None:
    assert [version(tag).variant for tag in ("1.5.0", "2024.10.1", "20240101", "2024-01-15")] == [
        Variant(scheme=scheme) for scheme in ("number", "year", "date", "dashed date")
    ]
    assert version("1.5.0").compare(version("20240101")) is None
    assert version("0.118.3").compare(version("2020.12.0")) == -1


def test_nobody_can_tell_which_of_two_commits_is_later() -> None:
    assert version("1.2.3-4ef5a30").compare(version("1.2.3-77aa00b")) is None
    assert version("1.2.3-alpine-4ef5a30").compare(version("1.2.3-alpine-77aa00b")) is None
    assert version("1.2.3-4ef5a30").compare(version("1.2.4-77aa00b")) == -1


def test_a_rebuild_is_not_another_variant_unless_it_is_counted_in_another_way() -> None:
    assert version("1.2.3").is_compatible(version("1.2.3-r4"))
    assert version("3.4.6-debian-12").is_compatible(version("3.4.6-debian-12-r7"))
    assert not version("1.2.3-ls4").is_compatible(version("1.2.3-r4"))
    assert not version("1.2.3-alpine").is_compatible(version("1.2.3-r4"))
    assert version("v1.5.0-hotfix").is_compatible(version("v1.5.0-hotfix2"))
    assert not version("9.0-sp1").is_compatible(version("9.0-p2"))


@pytest.mark.parametrize("other", ["20240101.3", "20240101T1200", "20240102.2", "20240101-3-1"])
def test_what_follows_a_day_is_counted_in_one_way(other: str) -> None:
    assert version("20240101-2").is_compatible(version("20240102-10"))
    assert version("20240101-2").is_compatible(version("20240102"))
    assert version("20240101").is_compatible(version(other))
    assert not version("20240101-2").is_compatible(version(other))


def test_versions_in_a_variant_do_not_make_another_family_but_architectures_do() -> None:
    def family(suffix: str) -> tuple[str, ...]:
        return version(f"1.2.3-{suffix}").variant.family

    assert family("alpine3.23") == family("alpine3.24") == family("alpine") != family("alpine3.23-slim")
    assert family("debian-12-r5") == family("debian-13-r0")
    assert len({family(f"noble-{name}") for name in ("amd64", "arm64v8", "arm32v7", "arm32v6")}) == 4


@pytest.mark.parametrize(
    ("tag", "same", "exact"),
    [
        ("latest", "1 1.27 1.27.3 1.27.3-bookworm", "1.27.3"),
        ("stable-alpine", "1.27.3 1.27.3-alpine 1.27-alpine", "1.27.3-alpine"),
        ("stable-alpine-slim", "1.27.3 1.27.3-slim 1.27.3-alpine-slim", "1.27.3-alpine-slim"),
        ("1.27-alpine", "1.27.3 1.27-alpine 1.27.3-alpine 1.27.3-alpine3.20", "1.27.3-alpine"),
        ("3.4.6-debian-12", "3.4.6-debian-12-r7 3.4.6-debian-12", "3.4.6-debian-12-r7"),
        ("1.27", "1.28.0 1.27", None),
        ("1.27.3", "1.27.3", None),
    ],
)
def test_the_version_of_a_digest_is_the_most_exact_tag_of_it(tag: str, same: str, exact: str | None) -> None:
    found = most_exact([version(text) for text in same.split()], tag)
    assert (found and str(found)) == exact


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
        ("3.4.6", "3.4.6-r7", True),
        ("3.4.6-r7", "3.4.6-r7", False),
        ("20240101", "20240101.3", False),
    ],
)
def test_a_shorter_version_covers_the_exact_ones_that_begin_with_it(floating: str, exact: str, covers: bool) -> None:
    one, other = parse_version_tag(floating), parse_version_tag(exact)
    assert one is not None
    assert other is not None
    assert one.covers(other) is covers
