"""Free text, and text in messages: nothing unseen gets in, and no secret gets out."""

from __future__ import annotations

import re
import unicodedata

import pytest

from ledger_tool.core.ledger import names
from ledger_tool.errors import InvalidValue

_COMMIT = "4ef5a3030654728decc420aa363a57670ae53de4"


@pytest.mark.parametrize(
    "source",
    [
        "https://u:TOKEN@h/x",
        f"https://u:TOKEN@h/x@{_COMMIT}",
        f"https://TOKEN@h/x@{_COMMIT}",
        f"HTTPS://TOKEN@h/x@{_COMMIT}",
        f"https://u:pass@TOKEN@h/x@{_COMMIT}",
        f"https://u:pass/TOKEN@h/x@{_COMMIT}",
        f"https:/u:TOKEN@h/x@{_COMMIT}",
        f"ssh://u:TOKEN@h/x@{_COMMIT}",
        f"ftp://TOKEN@h/x@{_COMMIT}",
        f"x-access-token:TOKEN@github.com/team/app@{_COMMIT}",
        f"https://u:{'x' * 600}TOKEN@h/x",
        f"https://u:TOKEN{'x' * 600}@h/x",
        f"https://u:TOKEN@h/{'x' * 9000}@{_COMMIT}",
    ],
)
def test_a_token_in_a_source_is_refused_and_never_repeated(source: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        names.parse_source_ref(source)
    assert "TOKEN" not in caught.value.message + caught.value.hint + str(caught.value)


def test_a_user_name_in_an_https_url_is_named_as_the_fault() -> None:
    for user in ("TOKEN", "u:TOKEN"):
        with pytest.raises(InvalidValue) as caught:
            names.parse_source_ref(f"https://{user}@h/x@{_COMMIT}")
        assert caught.value.message == "sourceRef has a user name or a password in its URL"


@pytest.mark.parametrize(
    "text",
    [
        "https://u:SECRET@h/x",
        "https://SECRET@h/x",
        "HTTP://u:SECRET@h",
        "ssh://git:SECRET@h/x",
        "two https://a@h and https://u:SECRET@h/x",
        "https://u:SEC@SECRET@h/x",
        "https://" + "a" * 500 + "SECRET@h/x",
    ],
)
def test_a_message_shows_a_url_without_its_credentials(text: str) -> None:
    assert "SECRET" not in names.shown(text, 2000)
    assert "***@h" in names.shown(text, 2000)


def test_a_message_shows_a_url_without_credentials_as_it_is() -> None:
    for url in (
        f"https://git.example.com/team/app@{_COMMIT}",
        "ssh://git@git.example.com:2222/app",
        "git@github.com:a/b",
    ):
        assert names.shown(url, 200) == url


def test_a_message_shows_hostile_text_escaped_and_cut() -> None:
    assert names.shown("a\x1b[31m\u202e\n") == r"a\x1b[31m\u202e\n"
    assert names.shown("\U000e0001") == r"\U000e0001"
    assert names.shown("###[error]x ##vso[task.complete] ## [a]") == r"##\x23[error]x #\x23vso[task.complete] ## [a]"
    assert names.shown("\ufffe\uffff") == r"\ufffe\uffff"
    assert names.shown("x" * 100) == "x" * 80 + "…"
    assert names.shown("x" * 80) == "x" * 80


@pytest.mark.parametrize(
    ("text", "character"),
    [
        ("a\nb", r"\n"),
        ("a\rb", r"\r"),
        ("a\tb", r"\t"),
        ("\x1b[31m", r"\x1b"),
        ("user\u202etxt.exe", r"\u202e"),
        ("zero\u200bwidth", r"\u200b"),
        ("next\u0085line", r"\x85"),
        ("line\u2028separator", r"\u2028"),
        ("x\nSigned-off-by: Someone <a@b>", r"\n"),
        ("x\n\nImage: other/app:v1", r"\n"),
        ("nul\0", r"\x00"),
        ("\ud800", r"\ud800"),
        ("tag\U000e0041", r"\U000e0041"),
    ],
)
def test_text_with_an_unseen_character_is_refused_and_the_character_named(text: str, character: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        names.parse_text(text, "reason")
    assert caught.value.message == f"reason contains the character `{character}`"


def test_no_control_separator_surrogate_or_bidi_character_is_let_through() -> None:
    bidi = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    hidden = [
        character
        for character in map(chr, range(0x110000))
        if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
        or unicodedata.bidirectional(character) in bidi
        or character in "\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
    ]
    assert len(hidden) > 2000
    assert [character for character in hidden if names.escaped(character) == character] == []


@pytest.mark.parametrize(
    "text",
    ["[skip ci]", "done [CI SKIP]", "x [no ci] y", "[skip actions]", "[actions skip]", "***NO_CI***", "[skip-ci]"],
)
def test_text_that_makes_hosts_skip_ci_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match="skip CI"):
        names.parse_text(text, "reason")


def test_text_is_normalized_stripped_and_at_most_1024_characters() -> None:
    assert names.parse_text("  Zu\u0308rich ", "reason") == "Zürich"
    assert names.parse_text("", "reason") == ""
    assert names.parse_text("é" * 1024, "reason") == "é" * 1024
    assert names.parse_text("e\u0301" * 1024, "reason") == "é" * 1024
    with pytest.raises(InvalidValue, match="longer than 1024"):
        names.parse_text("é" * 1025, "reason")


def test_text_of_every_script_is_welcome() -> None:
    for text in (
        '"quotes" and \\',
        "日本語",
        "עברית",
        "العربية",
        "🚀 😀",
        "$(id) `id` | <b> #1 @you",
        "Signed-off-by: me",
    ):
        assert names.parse_text(text, "reason") == text


def test_a_label_is_split_at_its_first_equals_sign() -> None:
    assert names.parse_label("query=a=b&c=d") == ("query", "a=b&c=d")
    assert names.parse_label("empty=") == ("empty", "")


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("env", "no `=`"),
        ("=x", "malformed"),
        ("a b=c", "malformed"),
        ("env=a\nb", r"label `env` contains"),
        ("é=x", "é"),
    ],
)
def test_a_bad_label_is_refused_by_name(label: str, told: str) -> None:
    with pytest.raises(InvalidValue, match=re.escape(told)):
        names.parse_label(label)
