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
from collections.abc import Iterable, Iterator
from functools import cached_property
from urllib.parse import quote, quote_plus, unquote

STARS = "***"
_SHORTEST = 4  # masking what is shorter would blank out the page
_SHORTEST_PART = 8  # of a secret in base64 after something else
_SHORTEST_LINE = 16
LONG_TOKEN = 16  # characters: a user name this long may be a token, too
LONG_USER = 10  # characters, of ssh; a shorter user name, such as `git`, is shown
_DIGEST = r"(?:sha\d+|md5|blake\w*):|[a-z0-9+._-]{2,12}:[0-9a-f]{8}"
# User names and passwords in a URL, and in what was meant as one. An `image:tag@digest` is none.
_in_url = re.compile(r"((?:\b[a-z][a-z0-9+.-]*:)?//)([^/\s]*)@", re.IGNORECASE)
_mistyped = re.compile(
    rf"(\bhttps?:/?)(?!/)[^/\s@]*:[^/\s]*@"
    rf"|(?<![\w/.@%+-])[^\s/@:`'\"(]+:(?!/|\*\*\*@)[^\s/@:`'\"]+@(?=[\w-]+(?:\.[\w-]+)*[:/]|[\w-]+\.[a-z])(?!{_DIGEST})"
    r"|(https?://)[^\s/:@]+:(?!\d{1,5}(?![^\s/`'\",;:.)])|PORT)(?:[^\n`'\"]*@|[^\s/@]+)",
    re.IGNORECASE,
)
_userinfo = re.compile(
    rf"(?:[a-z][a-z0-9+.-]*:[/\\]+|[/\\]*)([^/\s@]*)@(?!{_DIGEST})(?=[^/\\\s@:]*[:/\\])", re.IGNORECASE
)
_WORD = r"[A-Za-z0-9+_]"  # of base64, but not `/` and `-`, which in a URL are something else


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

    def of_typo(match: re.Match[str]) -> str:
        return f"{match[1] or match[2] or ''}{STARS}{'@' if match[0].endswith('@') else ''}"

    return _mistyped.sub(of_typo, _in_url.sub(of_url, text))


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
