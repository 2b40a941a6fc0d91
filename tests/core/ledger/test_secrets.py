"""A secret that a server repeats is masked, however it is spelled; everything else stays as it is."""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger_tool.core.ledger.secrets import LONG_USER, Mask, redacted, secrets_of_header

SECRET = "hunter2/hünter+3&x"
BASIC = base64.b64encode(f"robot:{SECRET}".encode()).decode()
SPELLINGS = {
    "plain": SECRET,
    "percent-encoded": quote(SECRET, safe=""),
    "percent-encoded as a path": quote(SECRET),
    "percent-encoded in lower case": quote(SECRET, safe="").lower(),
    "percent-encoded as a form": quote_plus(SECRET),
    "percent-encoded twice": quote(quote(SECRET, safe=""), safe=""),
    "base64": base64.b64encode(SECRET.encode()).decode(),
    "base64 of a login": BASIC,
    "base64 of a login without its end": BASIC.rstrip("="),
    "base64 of a login for URLs": base64.urlsafe_b64encode(f"ci:{SECRET}".encode()).decode(),
    "base64 of a login in a URL": quote(BASIC, safe=""),
    "base64 in the middle of something": base64.b64encode(f"x{SECRET}, and more".encode()).decode(),
    "hex": SECRET.encode().hex(),
    "JSON": json.dumps(SECRET),
    "HTML": SECRET.replace("&", "&amp;"),
    "Python": ascii(SECRET),
}


@pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_a_secret_is_masked_in_every_spelling(spelled: str) -> None:
    masked = Mask([SECRET])(f"the server says '{spelled}' to us")
    assert masked.replace('"', "").replace("''", "'") in (
        "the server says '***' to us",
        "the server says 'cm9ib3Q6***' to us",
    )


@pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_the_beginning_of_a_secret_in_a_message_that_was_cut_is_masked(spelled: str) -> None:
    text = spelled.strip("'\"")
    cut = f"refused: {text[: len(text) * 3 // 4]}…"
    assert Mask([SECRET])(cut).endswith("***…")


@given(
    st.text("aZ09 %/+~&é\n\U0001f600", min_size=8, max_size=30),
    st.text("abc:é", max_size=5),
    st.text("abc:é", max_size=5),
)
def test_whatever_stands_around_it_no_base64_of_a_secret_is_left(secret: str, before: str, behind: str) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = encode(f"{before}{secret}{behind}".encode()).decode()
        left = Mask([secret])(f"<{text}>")
        assert "***" in left
        assert len(left) <= 5 + (len(before.encode()) + len(behind.encode())) * 4 // 3 + 8


@given(st.text("abc …é%=+/-\n", max_size=60))
def test_a_text_without_a_secret_stays_as_it_is(text: str) -> None:
    assert Mask(["\N{SNOWMAN}" * 9])(text) == text
    assert Mask(["", "abc", "c" * 61])(text) == text


def test_the_lines_of_a_key_are_secrets_too() -> None:
    lines = ["-----BEGIN KEY-----", "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU", "QyNTUxOQAAACBKsecretSecret"]
    mask = Mask(["\n".join(lines)])
    assert mask(lines[2]) == "***"
    assert mask(repr("\n".join(lines))) == "'***'"


def test_a_mask_of_more_secrets_masks_the_earlier_ones_as_well() -> None:
    mask = Mask(["first-secret"])
    assert mask.and_of(["first-secret"]) is mask
    assert mask.and_of(["second-secret"])("first-secret, second-secret") == "***, ***"


def test_a_megabyte_is_masked_in_linear_time() -> None:
    text = "a" * 1_000_000 + BASIC + "/" * 1_000_000
    assert "***" in Mask([SECRET])(text)


@pytest.mark.parametrize(
    "text",
    [
        f"myorg/app:v1@sha256:{'a' * 64}",
        f"app:v1@SHA256:{'A' * 64}",
        "app:v1.5@sha256:short",
        "app:v1@md5:d41d8cd98f00b204e9800998ecf8427e",
        "app:v1.5@latest",
        f"registry:5000/app:v1@sha256:{'a' * 64}",
        f"https://git.example.com:8443/team/app@{'4' * 40}",
        "git@git.example.com:team/ledger.git",
        "ssh://git@git.example.com:22/team/ledger.git",
        "write `http://localhost:5000`, or http://HOST:PORT",
        "http://127.0.0.1:5000/v2/: 404",
        "https://h:8443, and more",
    ],
)
def test_what_is_no_login_is_shown(text: str) -> None:
    assert redacted(text) == text


def test_every_url_of_a_text_is_shown_without_its_login() -> None:
    assert redacted("https://u:p@a/b, then //t@c/d and (u:p@e:f)") == "https://***@a/b, then //***@c/d and (***@e:f)"


# What `redacted` does, as two expressions, which take a time that grows with the cube.
_IN_URL = re.compile(r"((?:\b[a-z][a-z0-9+.-]*:)?//)([^/\s]*)@", re.IGNORECASE)
_DIGEST = r"(?:sha\d+|md5|blake\w*):|[a-z0-9+._-]{2,12}:[0-9a-f]{8}"
_LOGINS = re.compile(
    rf"(\bhttps?:/?)(?!/)[^/\s@]*:[^/\s]*@"
    rf"|(?<![\w/.@%+-])[^\s/@:`'\"(]+:(?!/|\*\*\*@)[^\s/@:`'\"]+@(?=[\w-]+(?:\.[\w-]+)*[:/]|[\w-]+\.[a-z])(?!{_DIGEST})"
    r"|(https?://)[^\s/:@]+:(?!\d{1,5}(?![^\s/`'\",;:.)])|PORT)(?:[^\n`'\"]*@|[^\s/@]+)",
    re.IGNORECASE,
)
_WORDS = st.sampled_from(
    [
        *("http:", "https:/", "http://", "ssh://", "//", "/", ":", "@", "u", "p.x", "h:8", " ", "\n", "(", "'", "$"),
        *("***", "sha256:", "%", "-", "port", "8080", "é", "a"),
    ]
)


@given(st.lists(_WORDS, max_size=14).map("".join))
@example("http:u@http:a:b@c")
@example("http://a:b c@d`e@f")
@example("http:a:b@u:p@h:1")
def test_logins_are_found_as_expressions_find_them(text: str) -> None:
    def shown(match: re.Match[str]) -> str:
        return f"{match[1] or match[2] or ''}***{'@' if match[0].endswith('@') else ''}"

    def of_url(match: re.Match[str]) -> str:
        is_short = match[1].lower() == "ssh://" and ":" not in match[2] and len(match[2]) <= LONG_USER
        return match[0] if is_short else f"{match[1]}***@"

    assert redacted(text) == _LOGINS.sub(shown, _IN_URL.sub(of_url, text))


@pytest.mark.parametrize(
    "piece",
    ["http:", "http:/", "http://a:b ", "a:", "$", "a.", "a-b:", "${A:-", "//", "@", "x@", ":@", "http:u@", "é:@"],
)
def test_no_text_is_looked_at_over_and_over(piece: str) -> None:
    assert redacted(piece * (400_000 // len(piece)))  # not in a time that grows with the square


def test_the_login_of_a_header_is_a_secret_however_it_is_written() -> None:
    basic = base64.b64encode(b"x-access-token:ghs_0123456789").decode()
    assert {basic, "ghs_0123456789"} <= set(secrets_of_header(f"AUTHORIZATION: basic {basic}"))
    assert "0123456789ab" in secrets_of_header("Private-Token: 0123456789ab")
    assert secrets_of_header("X-Team: ours") == []
