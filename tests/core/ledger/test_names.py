"""Each single value: what is taken, what it becomes, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest

from ledger_tool.core.ledger import names
from ledger_tool.errors import InvalidValue

_HEX64 = "0123456789abcdef" * 4
_COMMIT = "4ef5a3030654728decc420aa363a57670ae53de4"

_GOOD: dict[Callable[[str], str], list[str]] = {
    names.parse_image: ["nginx", "myorg/app", "a", "0", "a.b", "a_b", "a__b", "a-b", "a---b", "a/b/c/d", "a" * 255],
    names.parse_tag: ["v1.5.0", "latest", "_", "1.10", "V1", "a-", "a.", "t" * 128],
    names.parse_digest: [f"sha256:{_HEX64}", f"sha512:{_HEX64 * 2}"],
    names.parse_platform: [
        "linux/amd64",
        "linux/arm/v7",
        "linux/arm/v6",
        "linux/386",
        "linux/amd64/v3",
        "linux/ppc64le",
        "wasip1/wasm",
        "windows(10.0.20348.2340)/amd64",
    ],
    names.parse_source_ref: [
        f"https://git.example.com/team/app@{_COMMIT}",
        f"http://localhost:3000/team/app.git@{_COMMIT}",
        f"https://[::1]:8443/app@{_COMMIT}",
        f"ssh://git@git.example.com:2222/team/app.git@{_COMMIT}",
        f"git://git.example.com/app@{_COMMIT}",
        f"git@github.com:team/app.git@{_COMMIT}",
        f"https://git.example.com/app@{'0f' * 32}",
        f"https://dev.azure.com/org/My%20Project/_git/app@{_COMMIT}",
    ],
    names.parse_ttl: ["1m", "24h", "7d", "52w", "99999d"],
    names.parse_dependency: [
        f"debian@sha256:{_HEX64}",
        f"debian:bookworm@sha256:{_HEX64}",
        f"docker.io/library/debian:bookworm@sha256:{_HEX64}",
        f"localhost:5000/a/b@sha512:{_HEX64 * 2}",
        f"[::1]:5000/a@sha256:{_HEX64}",
    ],
    names.parse_label_key: ["env", "a", "org.example/team-name_x", "A1", "k" * 128],
    names.parse_timestamp: ["2026-11-24T09:30:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"],
}

_BAD: dict[Callable[[str], str], list[str]] = {
    names.parse_image: [
        "", "/", "a/", "/a", "a//b", "A", "a_-b", "a___b", "-a", "a-", ".a", "a..b", "a:b", "a@b", "a b", "a\n",
        "../etc", "é", "registry.example.com:5000/a", "a" * 256, "\x1b[31m", "ａ",
    ],
    names.parse_tag: [
        "", ".a", "-a", "--upload-pack=x", "v1\n", "v1\r", "v 1", "v1\x1b[31m", "v1/2", "v1:2", "é", "٣", "v1\0",
        "t" * 129,
    ],
    names.parse_digest: [
        "", "sha256:", _HEX64, f"sha256:{_HEX64}\n", f"\nsha256:{_HEX64}", f"sha256:{_HEX64[:-1]}", f"sha256:{_HEX64}0",
        f"sha256:{_HEX64.upper()}", f"SHA256:{_HEX64}", "md5:" + "0" * 32, f"sha512:{_HEX64}", "sha256:../../x",
        "sha256:" + "٣" * 64, f"sha256:{_HEX64} ", f"sha256-{_HEX64}", f"sha256:{_HEX64[:-1]}g",
    ],
    names.parse_platform: [
        "", "linux", "/", "linux/", "/amd64", "linux//v7", "linux/arm/v7/x", "linux/amd64\n", "linux/amd 64",
        "linux/amd64/", "windows()/amd64", "windows(10/amd64", "lin ux/amd64", "linux/\u212amd64",
        "l\x1bx/amd64", "a" * 300,
    ],
    names.parse_source_ref: [
        "", "@", _COMMIT, f"@{_COMMIT}", "https://git.example.com/app", "https://git.example.com/app@main",
        "https://git.example.com/app@4ef5a30", f"https://git.example.com/app@{_COMMIT.upper()}",
        f"https://git.example.com/app@{_COMMIT}\n", f"https://git.example.com/a b@{_COMMIT}", f"https:///app@{_COMMIT}",
        "ext::sh -c id", f"ext::sh -c id@{_COMMIT}", "--upload-pack=x", f"--upload-pack=x@{_COMMIT}",
        f"-oProxyCommand=x@{_COMMIT}", "fd::3", f"fd::3@{_COMMIT}", f"file:///etc/passwd@{_COMMIT}",
        f"/srv/git@{_COMMIT}",
        f"../app@{_COMMIT}", f"ssh://-oProxyCommand=x/a@{_COMMIT}", f"git@-host:x@{_COMMIT}",
        f"https://git.example.com/\0@{_COMMIT}", f"https://git.example.com/{'a' * 10_240}@{_COMMIT}",
        f"https://git.example.com/\x1b[2J@{_COMMIT}", f"https://git.example.com/app@{_COMMIT}0",
        f"https://git.example.com/app@{_COMMIT}#x", f"javascript:alert(1)@{_COMMIT}",
        f"https://gıt.example/app@{_COMMIT}",
    ],
    names.parse_ttl: ["", "7", "d", "0d", "07d", "-7d", "7 d", "7D", "7s", "7y", "100000d", "7d\n", "٧d", "1.5d"],
    names.parse_dependency: [
        "", "debian", "debian:bookworm", f"@sha256:{_HEX64}", f"debian@sha256:{_HEX64}\n", "debian@sha256:0",
        f"DEBIAN@sha256:{_HEX64}", f"a b@sha256:{_HEX64}", f"debian:@sha256:{_HEX64}", f"{'a/' * 400}a@sha256:{_HEX64}",
        f"u:p@host/a@sha256:{_HEX64}",
    ],
    names.parse_label_key: ["", "a b", "-a", "a-", "é", "a\n", "a=b", "a:b", 'a"', "k" * 129, "a\x1b"],
    names.parse_timestamp: [
        "", "2026-11-24", "2026-11-24T09:30Z", "2026-11-24T09:30:00", "2026-11-24T09:30:00Z\n", "2026-11-24T24:00:00Z",
        "2026-11-24T09:60:00Z", "2026-11-24T09:30:60Z", "2026-02-30T00:00:00Z", "2025-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00", "2026-11-24T09:30:00+24:00", "2026-11-24T09:30:00 Z", "٢026-11-24T09:30:00Z",
        "2026-11-24T09:30:00.Z", "2026-11-24T09:30:00,5Z", "20261124T093000Z", "now", "1764000000",
    ],
}  # fmt: skip


@pytest.mark.parametrize("parse", _GOOD, ids=lambda parse: parse.__name__)
def test_a_good_value_stays_as_it_is(parse: Callable[[str], str]) -> None:
    assert [parse(value) for value in _GOOD[parse]] == _GOOD[parse]


@pytest.mark.parametrize("parse", _BAD, ids=lambda parse: parse.__name__)
def test_a_bad_value_is_a_usage_error_in_one_printable_line(parse: Callable[[str], str]) -> None:
    outcomes = {value: _outcome(parse, value) for value in _BAD[parse]}
    assert {value: got for value, got in outcomes.items() if not isinstance(got, InvalidValue)} == {}
    for error in outcomes.values():
        assert isinstance(error, InvalidValue)
        assert error.exit_code == 2
        assert error.message.isprintable()
        assert len(error.message) < 200
        assert error.hint
        assert error.field in error.message


def _outcome(parse: Callable[[str], str], value: str) -> str | InvalidValue:
    try:
        return parse(value)
    except InvalidValue as error:
        return error


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("linux/x86_64", "linux/amd64"),
        ("linux/x86-64", "linux/amd64"),
        ("Linux/AMD64", "linux/amd64"),
        ("linux/amd64/v1", "linux/amd64"),
        ("linux/x86_64/v1", "linux/amd64"),
        ("linux/amd64/v2", "linux/amd64/v2"),
        ("linux/aarch64", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/arm64/8", "linux/arm64"),
        ("linux/aarch64/v8", "linux/arm64"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/7", "linux/arm/v7"),
        ("linux/arm/6", "linux/arm/v6"),
        ("linux/arm/5", "linux/arm/v5"),
        ("linux/armhf", "linux/arm/v7"),
        ("linux/armel", "linux/arm/v6"),
        ("linux/i386", "linux/386"),
        ("macos/aarch64", "darwin/arm64"),
        ("macOS/arm64", "darwin/arm64"),
        ("macosx/arm64", "macosx/arm64"),
        ("Windows(10.0.20348.2340)/x86_64", "windows(10.0.20348.2340)/amd64"),
    ],
)
def test_a_platform_has_one_name_as_in_containerd(given: str, normal: str) -> None:
    assert names.parse_platform(given) == normal


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("2026-11-24T10:30:00+01:00", "2026-11-24T09:30:00Z"),
        ("2026-11-24T00:30:00+01:00", "2026-11-23T23:30:00Z"),
        ("2026-12-31T23:30:00-00:45", "2027-01-01T00:15:00Z"),
        ("2026-11-24T09:30:00.123456789Z", "2026-11-24T09:30:00Z"),
        ("2026-11-24T09:30:00.999+00:00", "2026-11-24T09:30:00Z"),
        ("2026-11-24t09:30:00z", "2026-11-24T09:30:00Z"),
        ("2026-11-24 09:30:00Z", "2026-11-24T09:30:00Z"),
        ("0001-01-01T01:00:00+01:00", "0001-01-01T00:00:00Z"),
    ],
)
def test_a_time_is_written_in_utc_to_the_second(given: str, normal: str) -> None:
    assert names.parse_timestamp(given) == normal


def test_a_moment_of_any_zone_is_formatted_in_utc() -> None:
    moment = datetime(2026, 1, 1, 0, 30, 0, 999_999, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert names.format_timestamp(moment) == "2025-12-31T19:00:00Z"
    assert names.format_timestamp(datetime(7, 1, 2, tzinfo=UTC)) == "0007-01-02T00:00:00Z"


def test_a_field_of_its_own_name_is_named_in_the_error() -> None:
    for parse, field in ((names.parse_digest, "index"), (names.parse_timestamp, "since")):
        with pytest.raises(InvalidValue) as caught:
            parse("x", field)
        assert (caught.value.field, caught.value.message) == (field, f"{field} `x` is malformed")


@pytest.mark.parametrize(
    ("ttl", "length"),
    [
        ("90m", timedelta(minutes=90)),
        ("36h", timedelta(hours=36)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(days=14)),
    ],
)
def test_a_ttl_is_as_long_as_it_says(ttl: str, length: timedelta) -> None:
    assert names.ttl_length(names.parse_ttl(ttl)) == length
