"""Texts that must never be shown, masked in every spelling in which a server may repeat them.

A server that got a credential may echo it: as it is, percent-encoded in a URL, in base64 (RFC 4648) as in
`Authorization: Basic`, in hex, or with the escapes of JSON, HTML or Python. A message that cuts a server's words may
also end in the middle of one.
"""

from __future__ import annotations

import base64
import html
import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import cached_property
from heapq import merge
from urllib.parse import quote, quote_plus, unquote

STARS = "***"
_SHORTEST = 4  # masking what is shorter would blank out the page
_SHORTEST_PART = 8  # of a secret in base64 after something else
_SHORTEST_LINE = 16
LONG_TOKEN = 16  # characters: a user name this long may be a token, too
LONG_USER = 10  # characters, of ssh; a shorter user name, such as `git`, is shown
_DIGEST = r"(?:sha\d+|md5|blake\w*):|[a-z0-9+._-]{2,12}:[0-9a-f]{8}"
# User names and passwords in a URL, and in what was meant as one. An `image:tag@digest` is none.
_in_url = re.compile(r"((?:\b[a-z][a-z0-9+.-]{0,40}:)?//)([^/\s]*)@", re.IGNORECASE)
# The beginnings of what was meant as a URL with a login, in whatever text: `http:/user:password@`, `user:password@`,
# and `https://user:password`, where the password may have a slash or a blank in it. No part is looked at over and over.
_one_slash = re.compile(r"(\bhttps?:/?)(?!/)[^/\s@:]*:", re.IGNORECASE)
_PORT = r"(?:\d{1,5}(?![^\s/`'\",;:.)])|PORT)"
_IPV6 = rf"\[[0-9a-f:.]+\](?!:(?!{_PORT}))"
_two_slashes = re.compile(rf"(https?://)(?!{_IPV6})[^\s/:@]+:(?!{_PORT})", re.IGNORECASE)
_user = re.compile(r"[^\s/@:`'\"(]+")
_user_start = re.compile(r"(?<![\w/.@%+-])[^\s/@:`'\"(]")
_password = re.compile(
    rf":(?!/|\*\*\*@)[^\s/@:`'\"]+@(?=[\w-]+(?:\.[\w-]+)*[:/]|[\w-]+\.[a-z])(?!{_DIGEST})", re.IGNORECASE
)
_END_OF_WORD, _END_OF_LINE = re.compile(r"[/\s]"), re.compile(r"[\n`'\"]")
_rest = re.compile(r"[^\s/@]*")
_userinfo = re.compile(
    rf"(?:[a-z][a-z0-9+.-]*:[/\\]+|[/\\]*)([^/\s@]*)@(?!{_DIGEST})(?=[^/\\\s@:]*[:/\\])", re.IGNORECASE
)
_WORD = r"[A-Za-z0-9+_]"  # of base64, but not `/` and `-`, which in a URL are something else
# What parameters of URLs with secrets in them are called.
SECRET_NAME = re.compile(
    r"token|secret|passw|pwd|auth|credential|signature|session|jwt|(?:api|access|private|secret)[_-]?key|^(?:sig|key)$",
    re.IGNORECASE,
)
# What forges, registries and clouds begin their tokens with, and a JWT (RFC 7519).
TOKEN = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:gh[opsur]_|github_pat_|gl[a-z]{2,6}-|npm_|dckr_[a-z]{3}_|dop_v1_|xox[a-z]-|hvs\.|pypi-)"
    r"(?=[\w-]*[A-Z0-9])[\w-]{12,}|sk-(?=[\w-]*[A-Z0-9])[\w-]{20,}|sk-(?:proj|ant)-[\w-]{12,}"
    r"|[rs]k_live_\w{12,}|-----BEGIN |A[KS]IA[A-Z0-9]{16}|eyJ[\w-]{8,}\.eyJ[\w-]{8,})"
)
_parameter = re.compile(r"([?&#;]([^\s=&;#?]*)=)[^\s&;#]+")


class Mask:
    """Masks secrets: `Mask(secrets)(text)` returns a text without them."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self.secrets = frozenset(secret for secret in secrets if len(secret) >= _SHORTEST)

    def __call__(self, text: str) -> str:
        """Return `text` with each spelling of a secret replaced by `***`."""
        for core in self._cores:
            if core in text:  # with what stands around it, which also holds some bits of the secret
                text = re.sub(rf"(?<!{_WORD}){_WORD}*[/-]?{re.escape(core)}[/-]?{_WORD}*(=|%3[Dd])*", STARS, text)
                text = text.replace(core, STARS)
        for spelling in self._spellings:
            if spelling in text:
                text = text.replace(spelling, STARS)
        return self._without_cut(text) if "…" in text else text

    def and_of(self, secrets: Iterable[str]) -> Mask:
        """Return a mask that masks these as well."""
        more = self.secrets.union(secrets)
        return self if more == self.secrets else Mask(more)

    @cached_property
    def _spellings(self) -> list[str]:
        """All spellings but base64 after something else, the longest first."""
        spelled = {spelling for secret in self.secrets for text in _texts(secret) for spelling in _spelled(text)}
        return sorted((text for text in spelled if len(text) >= _SHORTEST), key=lambda text: (-len(text), text))

    @cached_property
    def _cores(self) -> list[str]:
        cores = {core for secret in self.secrets for text in _texts(secret) for core in _base64(text)}
        return sorted(cores, key=lambda core: (-len(core), core))

    def _without_cut(self, text: str) -> str:
        """Return a text without the beginning of a secret in front of an ellipsis, where a message was cut."""
        pieces = text.split("…")
        for number, piece in enumerate(pieces[:-1]):
            ends = (_cut_off(piece, spelling) for spelling in (*self._spellings, *self._cores))
            if length := max(ends, default=0):
                pieces[number] = piece[:-length] + STARS
        return "…".join(pieces)


def _cut_off(piece: str, spelling: str) -> int:
    """Return how long the beginning of a spelling is at the end of a piece, or 0 if that says nothing."""
    longest = min(len(spelling), len(piece))
    return next((size for size in range(longest, _SHORTEST - 1, -1) if piece.endswith(spelling[:size])), 0)


def _texts(secret: str) -> Iterator[str]:
    """Yield a secret, its long lines (a key is shown line by line), and what it is without percent-encoding."""
    yield secret
    yield from (line for line in re.split(r"\s+|\\[rn]", secret) if _SHORTEST_LINE <= len(line) < len(secret))
    decoded = unquote(secret)
    if decoded != secret and len(decoded) >= _SHORTEST:
        yield decoded


def _spelled(text: str) -> Iterator[str]:
    """Yield the spellings in which a text stands on its own."""
    raw = text.encode(errors="surrogatepass")
    yield text
    all_encoded = quote(raw, safe="")
    percent = {quote(raw, safe=safe) for safe in ("/", "/:", "!$&'()*+,;=:@/?-._~")}
    percent |= {all_encoded, quote_plus(raw), "".join(f"%{byte:02X}" for byte in raw), quote(all_encoded, safe="")}
    yield from percent
    yield from (re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), spelled) for spelled in percent)
    yield from (raw.hex(), raw.hex().upper())
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1].replace("/", r"\/")
    yield from (html.escape(text), html.escape(text, quote=False))
    yield text.encode("unicode_escape", "backslashreplace").decode()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        encoded = encode(raw).decode()
        yield from (encoded, encoded.rstrip("="), quote(encoded, safe=""))


def _base64(text: str) -> Iterator[str]:
    """Yield what a text makes of base64 at each of the three places where it may begin in what is encoded.

    Whatever stands in front of it, such as a user's name, and behind it, these characters stay the same.
    """
    raw = text.encode(errors="surrogatepass")
    if len(raw) < _SHORTEST_PART:
        return
    for before in range(3):
        bits = 8 * (before + len(raw))
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(bytes(before) + raw).decode()[-(-8 * before // 6) : bits // 6]


def redacted(text: str) -> str:
    """Return `text` without the user names and passwords of URLs, and of what was meant as one.

    A short user name of ssh is no secret.
    """

    def of_url(match: re.Match[str]) -> str:
        before, user = match.groups()
        is_ssh_user = before.lower() == "ssh://" and ":" not in user and len(user) <= LONG_USER
        return match[0] if is_ssh_user else f"{before}{STARS}@"

    if "@" not in text and "://" not in text:  # no pattern below matches without one of the two
        return text
    text = _in_url.sub(of_url, text)
    pieces, done = [], 0
    for start, end, kept in merge(_with_one_slash(text), _without_scheme(text), _with_two_slashes(text)):
        if start >= done:
            pieces += [text[done:start], kept, STARS, "@" if text[end - 1] == "@" else ""]
            done = end
    return "".join([*pieces, text[done:]])


def without_tokens(text: str) -> str:
    """Return `text` without what looks like a token, and without the values of URL parameters whose name says so."""

    def of_parameter(match: re.Match[str]) -> str:
        return match[1] + STARS if SECRET_NAME.search(unquote(match[2])) else match[0]

    text = _parameter.sub(of_parameter, text) if "=" in text else text
    return TOKEN.sub(STARS, text)


_Login = tuple[int, int, str]  # where what was meant as one starts and ends, and what of it is shown


def _with_one_slash(text: str) -> Iterator[_Login]:
    last = _LastAt(text, _END_OF_WORD)
    for found in _one_slash.finditer(text):
        if (at := last.behind(found.end())) >= 0:
            yield found.start(), at + 1, found[1]


def _without_scheme(text: str) -> Iterator[_Login]:
    for user in _user.finditer(text) if "@" in text else ():
        password = _password.match(text, user.end())
        start = _user_start.search(text, user.start(), user.end()) if password else None
        if password and start:
            yield start.start(), password.end(), ""


def _with_two_slashes(text: str) -> Iterator[_Login]:
    last = _LastAt(text, _END_OF_LINE)
    for found in _two_slashes.finditer(text):
        at, rest = last.behind(found.end()), _rest.match(text, found.end())
        end = at + 1 if at >= 0 else rest.end() if rest else 0
        if end > found.end():
            yield found.start(), end, found[1]


class _LastAt:
    """The last `@` of each stretch of a text; each is looked for once."""

    def __init__(self, text: str, end: re.Pattern[str]) -> None:
        self._text = text
        self._ends = [*(match.start() for match in end.finditer(text)), len(text)] if "@" in text else []
        self._last: dict[int, int] = {}

    def behind(self, start: int) -> int:
        """Return where the last `@` is from a place to the end of its stretch, or -1."""
        if not self._ends:
            return -1
        number = bisect_left(self._ends, start)
        end = self._ends[number]
        if end not in self._last:
            self._last[end] = self._text.rfind("@", self._ends[number - 1] if number else 0, end)
        return self._last[end] if self._last[end] >= start else -1


def secrets_of_url(text: str) -> list[str]:
    """Return the credentials in a URL, or in what was meant as one: the password, and a user name that is a token."""
    match = _userinfo.match(text)
    user, colon, password = match[1].partition(":") if match else ("", "", "")
    parts = [password, *([user] if len(user) >= LONG_TOKEN or (colon and not password) else [])]
    parts += [part.rpartition(":")[2] for part in parts]
    return [spelling for part in parts for spelling in dict.fromkeys((part, unquote(part))) if spelling]


def secrets_of_header(value: str) -> list[str]:
    """Return the credentials in an HTTP header, such as `Authorization: Basic …` (RFC 9110 section 11.6.2)."""
    content = value.partition(":")[2].strip()
    words = [word for word in content.split() if len(word) >= 8]
    secrets = [content] * (len(content) >= 8) + words
    for word in words:
        try:
            decoded = base64.b64decode(word + "=" * (-len(word) % 4), validate=True).decode("utf-8")
        except ValueError:
            continue
        user, colon, password = decoded.partition(":")
        if colon and decoded.isprintable():
            secrets += [password, *([user] if len(user) >= LONG_TOKEN or not password else [])]
    return [secret for secret in secrets if secret]
