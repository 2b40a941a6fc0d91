"""`--from`: JSON arrays, JSON Lines and single objects become drafts, or an error that names the record."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import SourceRef, parse_platform, parse_tag, parse_timestamp, parse_ttl
from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.reference import parse_reference
from ledger_tool.core.writes import publish as rules
from ledger_tool.core.writes.draft import Draft
from ledger_tool.core.writes.input import MAX_INPUT_BYTES, Defaults, draft_from_arguments, drafts_from_records
from ledger_tool.errors import InvalidValue, LedgerError, UsageError
from tests.support.values.make import SOURCE, WHEN, digest, draft, fields, source
from tests.support.values.profiles import example_count
from tests.support.values.strategies import json_values, record_fields

NOW = parse_timestamp("2026-01-01T00:00:00Z")
LAST = parse_timestamp("9999-12-31T23:59:59Z")  # nothing is ahead of it
DEFAULTS = Defaults(published_at=NOW, clock=LAST, source_ref=SourceRef(source("job")))
ONE, TWO = fields("a"), fields("b", platform="linux/amd64", labels={"env": "prod"})


def lines(*values: Any) -> bytes:
    return "".join(json.dumps(value) + "\n" for value in values).encode()


def read(raw: bytes, defaults: Defaults = DEFAULTS) -> list[Draft]:
    return drafts_from_records(raw, defaults)


def refused(raw: bytes, defaults: Defaults = DEFAULTS) -> LedgerError:
    """Return the error of reading and publishing: what is still missing, the rules refuse, and name its place too."""
    with pytest.raises(LedgerError) as caught:
        publish(read(raw, defaults))
    return caught.value


def publish(drafts: list[Draft]) -> Change:
    return rules.publish(Snapshot("", Ledger(), Policy()), drafts)


def names(drafts: list[Draft]) -> list[str]:
    return [f"{one.reference.path}:{one.tag}" for one in drafts]


@pytest.mark.parametrize(
    "raw",
    [
        lines(ONE, TWO),
        json.dumps([ONE, TWO]).encode(),
        json.dumps([ONE, TWO], indent=2).encode(),
        b"\xef\xbb\xbf" + lines(ONE, TWO),
        b"\xef\xbb\xbf" + json.dumps([ONE, TWO]).encode(),
        lines(ONE, TWO).replace(b"\n", b"\r\n"),
        b"\n\n" + lines(ONE) + b"  \n" + lines(TWO) + b"\n",
        lines(ONE, TWO).rstrip(),
        b" \n [" + json.dumps(ONE).encode() + b",\n" + json.dumps(TWO).encode() + b"]",
    ],
)
def test_an_array_and_json_lines_mean_the_same(raw: bytes) -> None:
    assert names(read(raw)) == ["a:v1", "b:v1"]
    assert [replace(one, where="") for one in read(raw)] == [
        draft("a"),
        draft("b", platform="linux/amd64", labels={"env": "prod"}),
    ]


@pytest.mark.parametrize("raw", [json.dumps(ONE).encode(), json.dumps(ONE, indent=2).encode(), lines(ONE)])
def test_a_single_object_is_one_record_however_it_is_laid_out(raw: bytes) -> None:
    assert names(read(raw)) == ["a:v1"]


@example_count(60)
@given(st.lists(record_fields(image=st.just("myorg/app")), min_size=1, max_size=2), st.booleans())
def test_records_of_a_ledger_are_read_as_they_are(objects: list[dict[str, Any]], array: bool) -> None:
    for fact in objects:
        for name in ("provenance", "version", "forced", "yanked"):  # no caller may claim these
            fact.pop(name, None)
    raw = json.dumps(objects, ensure_ascii=False).encode() if array else lines(*objects)
    for one, fact in zip(read(raw), objects, strict=True):
        assert (one.reference.path, one.tag, one.digest) == (fact["image"], fact["tag"], fact["digest"])
        assert (one.published_at, one.source_ref) == (fact["publishedAt"], fact["sourceRef"])
        assert (one.platform, one.index, one.config) == tuple(map(fact.get, ("platform", "index", "config")))
        assert (one.labels, one.ttl) == (fact.get("labels", {}), fact.get("ttl"))
        assert list(one.depends_on) == fact.get("dependsOn", [])


def test_what_a_record_leaves_open_the_command_line_fills_in() -> None:
    defaults = Defaults(
        published_at=parse_timestamp(WHEN),
        clock=LAST,
        source_ref=SourceRef(SOURCE),
        tag=parse_tag("v9"),
        platform=parse_platform("linux/arm64"),
        labels={"env": "test", "team": "core"},
        depends_on=(f"debian@{digest()}",),
        ttl=parse_ttl("7d"),
    )
    (bare,) = read(lines({"image": "a", "digest": digest()}), defaults)
    assert (bare.tag, bare.platform, bare.ttl) == ("v9", "linux/arm64", "7d")
    assert (bare.published_at, bare.source_ref, bare.depends_on) == (WHEN, SOURCE, (f"debian@{digest()}",))
    said = {"platform": "linux/amd64", "ttl": "1d", "labels": {"env": "prod"}, "publishedAt": "2020-01-01T00:00:00Z"}
    (full,) = read(lines({"image": "a", "tag": "v1", "digest": digest()} | said), defaults)
    assert (full.tag, full.platform, full.ttl, full.published_at) == ("v1", "linux/amd64", "1d", "2020-01-01T00:00:00Z")
    assert full.labels == {"env": "prod", "team": "core"}


def test_values_are_brought_into_their_normal_form() -> None:
    loose = ONE | {
        "platform": "linux/x86_64",
        "publishedAt": "2026-11-24T10:30:00.5+01:00",
        "labels": {"a": " Zu\u0308 "},
    }
    (one,) = read(lines(loose))
    assert (one.platform, one.published_at, one.labels) == ("linux/amd64", WHEN, {"a": "Zü"})


def test_the_image_may_hold_registry_tag_and_digest() -> None:
    (one,) = read(lines({"image": f"registry.example.com:5000/a/b:v7@{digest()}"}))
    assert (one.reference.registry, one.reference.path) == ("registry.example.com:5000", "a/b")
    assert (one.tag, one.digest) == ("v7", digest())


def test_a_tag_in_the_image_is_said_and_so_wins_over_the_command_line() -> None:
    (one,) = read(lines({"image": "a:v7", "digest": digest()}), replace(DEFAULTS, tag=parse_tag("v9")))
    assert one.tag == "v7"


@pytest.mark.parametrize("field", ["tag", "digest"])
def test_a_record_that_says_two_different_things_is_refused(field: str) -> None:
    one = fields(f"a:v1@{digest()}")
    assert names(read(lines(one))) == ["a:v1"]  # the same thing twice is fine
    error = refused(lines(one | {field: "v2" if field == "tag" else digest("b")}))
    assert error.message == f"line 1: two {field}s are given, in `image` and in `{field}`"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"colour": "red"}, "unknown field `colour`"),
        ({"\x1b[31m": "red"}, r"unknown field `\x1b[31m`"),
        ({"forced": {"replaces": digest(), "reason": "x"}}, "unknown field `forced`"),
        ({"image": None}, "`image` is missing"),
        ({"image": 5}, "`image` should be a string, not 5"),
        ({"image": "A"}, "image `A` is malformed"),
        ({"tag": "-v"}, "tag `-v` is malformed"),
        ({"tag": None}, "`tag` is missing"),
        ({"tag": ["v1"]}, '`tag` should be a string, not ["v1"]'),
        ({"digest": None}, "`digest` is missing"),
        ({"digest": "md5:0"}, "digest `md5:0` is malformed"),
        ({"digest": True}, "`digest` should be a string, not true"),
        ({"index": "x"}, "index `x` is malformed"),
        ({"config": "x"}, "config `x` is malformed"),
        ({"platform": "linux"}, "platform `linux` is malformed"),
        ({"publishedAt": "yesterday"}, "publishedAt `yesterday` is malformed"),
        ({"publishedAt": "2026-02-30T00:00:00Z"}, "is not a calendar date"),
        ({"publishedAt": 1764000000}, "`publishedAt` should be a string, not 1764000000"),
        ({"sourceRef": "https://h/x"}, "sourceRef `https://h/x` is malformed"),
        ({"ttl": "soon"}, "ttl `soon` is malformed"),
        ({"ttl": 7}, "`ttl` should be a string, not 7"),
        ({"labels": []}, "`labels` should be an object of strings"),
        ({"labels": {"a": 1}}, "`labels` should be an object of strings"),
        ({"labels": {"a b": "c"}}, "label `a b` is malformed"),
        ({"labels": {"a": "b\nSigned-off-by: x"}}, r"label `a` contains the character `\n`"),
        ({"dependsOn": "debian"}, "`dependsOn` should be an array of strings"),
        ({"dependsOn": [5]}, "`dependsOn` should be an array of strings"),
        ({"dependsOn": ["debian"]}, "dependsOn `debian` is malformed"),
    ],
)
def test_a_bad_record_is_named_by_its_line_or_position_and_by_its_field(change: dict[str, Any], told: str) -> None:
    bad = {name: value for name, value in (TWO | change).items() if value is not None}
    by_line, by_position = refused(lines(ONE, bad)), refused(json.dumps([ONE, bad]).encode())
    assert by_line.message.startswith("line 2: ")
    assert by_position.message.startswith("record 2: ")
    for error in (by_line, by_position):
        assert told in error.message
        assert error.exit_code == 2
        assert error.hint


def test_a_token_in_a_source_is_not_repeated() -> None:
    assert "TOKEN" not in refused(lines(ONE | {"sourceRef": f"https://u:TOKEN@h/x@{'0' * 40}"})).message


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "contains no records"),
        (b" \n \n", "contains no records"),
        (b"[]", "contains no records"),
        (b"\xff", "not UTF-8 at byte 0"),
        (lines(ONE)[:-1] + b"\xff\n", f"not UTF-8 at byte {len(lines(ONE)) - 1}"),
        (b"42", "line 1: a record is a JSON object"),
        (b'["a"]', "record 1: a record is a JSON object"),
        (b"[[]]", "record 1: a record is a JSON object"),
        (lines(ONE) + b"{nonsense}\n", "line 2, column 2: "),
        (lines(ONE) + b'{"image": "a", "image": "b"}\n', "line 2, column 16: the key `image` appears twice"),
        (lines(ONE) + b'{"image": NaN}\n', "line 2, column 11: `NaN` is not JSON"),
        (lines(ONE) + b'{"image": "\\ud800"}\n', "line 2, column 12: a lone surrogate"),
        (lines(ONE) + b'{"image": ' + b"9" * 5000 + b"}\n", "line 2, column 11: a number"),
        (lines(ONE) + b"[" * 100_000, "line 2, column 65: nested deeper"),
        (b"[" * 100_000, "line 1, column 65: nested deeper"),
        (b'[\n  {"image": "a",}\n]', "line 2, column 17: "),
        (b"[" + lines(ONE), "line 2, column 1: "),
    ],
)
def test_input_that_cannot_be_read_is_refused_with_its_place(raw: bytes, told: str) -> None:
    error = refused(raw)
    assert isinstance(error, UsageError)
    assert told in error.message


def test_an_escaped_backslash_before_u_and_hex_digits_is_not_a_surrogate() -> None:
    (one,) = read(lines(ONE | {"labels": {"device": "D:\\udev", "drive": "C:\\ud800"}}))
    assert one.labels == {"device": "D:\\udev", "drive": "C:\\ud800"}


def test_input_beyond_the_limit_is_refused_unread() -> None:
    assert "larger than 100 MB" in refused(b" " * (MAX_INPUT_BYTES + 1)).message


def test_a_missing_source_is_told_with_the_record_that_needs_it() -> None:
    def nowhere() -> Defaults:
        return replace(
            DEFAULTS, source_ref=UsageError("sourceRef is missing, and no known CI system tells it", "pass it")
        )

    assert names(read(lines(ONE), nowhere())) == ["a:v1"]
    bare = {name: value for name, value in TWO.items() if name != "sourceRef"}
    assert refused(lines(ONE, bare), nowhere()).message.startswith("line 2: sourceRef is missing")


@given(st.lists(json_values, max_size=3), st.booleans())
def test_arbitrary_json_is_read_or_is_a_usage_error(values: list[Any], array: bool) -> None:
    raw = json.dumps(values).encode() if array else lines(*values)
    try:
        read(raw)
    except UsageError as error:
        told = error.message
        assert "\n" not in told
    else:
        raise AssertionError(raw)  # no random value happens to be a record


def named(text: str) -> Any:
    return parse_reference(text)


def test_the_arguments_of_a_command_line_make_a_draft() -> None:
    one = draft_from_arguments(named(f"a:v1@{digest()}"), "", digest("i"), digest("c"), DEFAULTS)
    assert (one.tag, one.digest, one.index, one.config, one.where) == ("v1", digest(), digest("i"), digest("c"), "")
    split = draft_from_arguments(named("a"), digest(), "", "", replace(DEFAULTS, tag=parse_tag("v1")))
    assert (split.reference, split.tag, split.digest) == (named("a"), "v1", digest())
    assert draft_from_arguments(named(f"a:v1@{digest()}"), digest(), "", "", DEFAULTS).digest == digest()


@pytest.mark.parametrize(
    ("image", "by_option", "tag", "told"),
    [
        ("", "", "", "no image is named"),
        (f"a@{digest()}", "", "", "`tag` is missing"),
        ("a:v1", "", "", "`digest` is missing"),
        ("a:v1", digest(), "v2", "two tags are given"),
        (f"a:v1@{digest()}", digest("b"), "", "two digests are given"),
        ("a:v1", "sha256:0", "", "digest `sha256:0` is malformed"),
    ],
)
def test_arguments_that_miss_or_repeat_something_are_refused(image: str, by_option: str, tag: str, told: str) -> None:
    defaults = replace(DEFAULTS, tag=parse_tag(tag) if tag else None)
    with pytest.raises(UsageError) as caught:
        publish([draft_from_arguments(named(image) if image else None, by_option, "", "", defaults)])
    assert told in caught.value.message
    assert caught.value.hint
    assert isinstance(caught.value, InvalidValue) or "given" in told or "no image" in told


@pytest.mark.parametrize(("time", "is_fine"), [("2026-01-01T00:10:00Z", True), ("2026-01-01T00:10:01Z", False)])
def test_a_time_well_ahead_of_the_clock_is_refused_and_names_the_record(time: str, is_fine: bool) -> None:
    defaults, raw = replace(DEFAULTS, clock=NOW), lines(ONE | {"publishedAt": time})
    if is_fine:
        assert read(raw, defaults)[0].published_at == time
    else:
        with pytest.raises(InvalidValue, match=r"line 1: publishedAt 2026-01-01T00:10:01Z is over ten minutes ahead"):
            read(raw, defaults)
