r"""The grammar of every single value in a ledger, and one parser for each.

A parser takes text from outside and returns the value in its one normal form, or raises
`InvalidValue`. The patterns here are those of `schema/ledger-v1.schema.json`; a test keeps the
two the same. They are written for `fullmatch`: in Python `^...$` lets a trailing newline through.

Sources: image and tag, OCI distribution-spec 1.1 "Pulling manifests"; digest, OCI image-spec 1.1
"Digests"; platform, containerd `platforms` package; time, RFC 3339 section 5.6.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import NewType

from ledger_tool.core.ledger.secrets import STARS, redacted
from ledger_tool.errors import InvalidValue

LEDGER, SETTINGS = "ledger.json", "ledger.yaml"  # the two files
ALLOWED_SIGNERS, KEYRING = "allowed_signers", "allowed_signers.asc"  # beside them: SSH keys, and OpenPGP ones

Image = NewType("Image", str)
Tag = NewType("Tag", str)
Digest = NewType("Digest", str)
Platform = NewType("Platform", str)
SourceRef = NewType("SourceRef", str)
Timestamp = NewType("Timestamp", str)
Ttl = NewType("Ttl", str)

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
IMAGE = rf"{_COMPONENT}(?:/{_COMPONENT})*"
IMAGE_MAX = 255
TAG = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
DIGEST = r"(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})"
PLATFORM = r"[a-z0-9]+(?:\([A-Za-z0-9._+-]{1,64}\))?/[a-z0-9_]{1,32}(?:/[a-z0-9.]{1,32})?"
TIMESTAMP = r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z"
TTL = r"[1-9][0-9]{0,4}[mhdw]"
HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9a-fA-F:.]{2,45}\])(?::[0-9]{1,5})?"
# A registry as `ledger.yaml` and the command line name it: `http://` in front of a plain-HTTP one.
REGISTRY = rf"(?:https?://)?{HOST}"
# What `ledger.yaml` may call a registry, a key of manifests, a signer, and a key's file.
REGISTRY_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
MANIFEST_KEY = r"[A-Za-z_][A-Za-z0-9_.-]{0,127}"
PRINCIPAL = r"gpg:[0-9A-F]{40}|(?!gpg:)[A-Za-z0-9][A-Za-z0-9@._+:/-]{0,255}"
# Not `ledger.json`, whose owners are those of its images, and nothing that is no path of a repository.
# Nor what other tools take for more than it is to fnmatch: braces, `**`, `!`, an escape, an open bracket.
FILE_PATTERN = (
    r"(?![/!]|ledger\.json$|(?:.*/)?(?:\.{0,2}|\.git)(?:/|$)|.*\*\*|.*\[!?\]?[^\]]*$)[^\s\x00-\x1f\x7f{}\\]{1,256}"
)
KEY_FILE = r"(?!/|.*(?:^|/)\.\.?(?:/|$)|.*/(?:/|$))[A-Za-z0-9._/-]{1,255}"
# No query and no fragment: tokens hide there. No brackets: a host may obey a `[skip ci]`.
_PATH = r"[A-Za-z0-9._~:/!$&'()*+,;=%-]{0,1999}"
_USER = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}@"
# Only an ssh URL may have a user name (`git@`); in an https URL it is nearly always a token.
SOURCE_REF = (
    rf"(?:https?://{HOST}(?:/{_PATH})?|(?:ssh|git)://(?:{_USER})?{HOST}(?:/{_PATH})?"
    rf"|{_USER}[A-Za-z0-9][A-Za-z0-9.-]{{0,252}}:[A-Za-z0-9~/]{_PATH})@[0-9a-f]{{40}}(?:[0-9a-f]{{24}})?"
)
# `[registry/]image[:tag]@digest`: what a Dockerfile's FROM takes, by the only identity that is trusted.
DEPENDENCY = rf"(?:{HOST}/)?{_COMPONENT}(?:/{_COMPONENT})*(?::{TAG})?@{DIGEST}"
DEPENDENCY_MAX = 640
LABEL_KEY = r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,126}[A-Za-z0-9])?"
TEXT_MAX = 1024

# Controls, bidi and zero-width characters, other invisible format characters, line and paragraph
# separators, lone surrogates: a record must not contain what a person cannot see.
UNSEEN = (
    "\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f"
    "\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ud800-\\udfff\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb"
)
UNSEEN_ASTRAL = "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
TEXT = rf"(?! )[^{UNSEEN}{UNSEEN_ASTRAL}]*(?<! )"

_unseen = re.compile(f"[{UNSEEN}{UNSEEN_ASTRAL}]")
# `##[error]` and `##vso[task.setvariable …]` are commands to a CI runner anywhere in a line of its log;
# U+FFFE and U+FFFF are not characters, and XML cannot hold them.
_unsafe = re.compile(r"##(?=[A-Za-z]*\[)|[\ufffe\uffff]")
_skip_ci = re.compile(
    r"\[(?:skip|no)[ _-](?:ci|actions|azp|azurepipelines)\]|\[(?:ci|actions|azp)[ _-]skip\]"
    r"|\*\*\*NO_CI\*\*\*|skip-checks:",
    re.IGNORECASE,
)


def escaped(value: str) -> str:
    """Return `value` with what a terminal or a CI system would act on, or a reader would miss, written as `\\x1b`."""
    if value.isascii() and value.isprintable() and "##" not in value:  # nothing below matches in such a text
        return value

    def written(match: re.Match[str]) -> str:
        return match[0].encode("unicode_escape", "backslashreplace").decode()

    return _unsafe.sub(lambda match: r"#\x23" if match[0] == "##" else written(match), _unseen.sub(written, value))


def shown(value: str, limit: int = 80) -> str:
    """Return `value` as a message can safely show it: escaped, cut, without the credentials of URLs."""
    clean = escaped(redacted(value[: max(4 * limit, 10_000)]))
    return clean if len(clean) <= limit else clean[:limit] + "…"


def shown_address(value: str, limit: int = 300) -> str:
    """Return what should be an address as a message can show it: without all that is, or was meant as, a login."""
    before, is_login, rest = value.rpartition("@")
    if not is_login or re.match(r"[.~]|/(?!/)", value):  # a path may have an `@`
        return shown(value, limit)
    scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]*:/+|/*", before)
    return shown(f"{scheme[0] if scheme else ''}{STARS}@{rest}", limit)


def some_of(values: Sequence[str], most: int) -> str:
    """Return the first values as a list in words, with an ellipsis in the place of the others."""
    return ", ".join(values[:most]) + (", …" if len(values) > most else "")


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number of things in words: `1 commit`, `2 commits`; `plural` is for nouns that need more than an `s`."""
    return f"{number} {noun}" if number == 1 else f"{number} {plural or noun + 's'}"


def _matched(field: str, pattern: str, value: str, hint: str, limit: int = 10_000) -> str:
    if len(value) > limit:
        raise InvalidValue(field, f"{field} is longer than {limit} characters", hint)
    if not _compiled(pattern).fullmatch(value):
        raise InvalidValue(field, f"{field} `{shown(value)}` is malformed", hint)
    return value


_compiled = cache(re.compile)  # of few patterns, asked for each value of a long file


def parse_image(value: str) -> Image:
    """Return a repository name without a registry (`myorg/app`), or raise InvalidValue."""
    hint = "an image is lower-case path components such as `myorg/app`, without a registry and without a tag"
    return Image(_matched("image", IMAGE, value, hint, IMAGE_MAX))


def parse_tag(value: str) -> Tag:
    """Return an OCI tag, or raise InvalidValue."""
    hint = "a tag is up to 128 of `A-Z a-z 0-9 _ . -` and starts with neither `.` nor `-`"
    return Tag(_matched("tag", TAG, value, hint))


def parse_digest(value: str, field: str = "digest") -> Digest:
    """Return a digest, or raise InvalidValue. Upper case is refused, not folded: see OCI image-spec "Digests"."""
    hint = "a digest is `sha256:` and 64 lower-case hex digits, or `sha512:` and 128"
    return Digest(_matched(field, DIGEST, value, hint))


def listed_platforms(platforms: Iterable[Platform | None]) -> str:
    """Return platforms as a message lists them."""
    return ", ".join(platform or "none given" for platform in platforms)


# containerd's normal form: one name for each architecture, the default variant left out.
_ARCHITECTURES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386", "i686": "386"}
_VARIANTS = {
    "armhf": "arm/v7",
    "armel": "arm/v6",
    "arm": "arm/v7",
    "arm/5": "arm/v5",
    "arm/6": "arm/v6",
    "arm/7": "arm/v7",
    "arm/8": "arm/v8",
    "arm64/v8": "arm64",
    "arm64/8": "arm64",
    "amd64/v1": "amd64",
}


@lru_cache(maxsize=256)
def parse_platform(value: str) -> Platform:
    """Return `os[(version)]/architecture[/variant]` in containerd's normal form, or raise InvalidValue."""
    hint = "a platform is `os/architecture[/variant]`, such as `linux/amd64` or `linux/arm/v7`"
    if not value.isascii():  # `lower` would turn look-alikes into letters
        raise InvalidValue("platform", f"platform `{shown(value)}` is malformed", hint)
    system, slash, rest = value.partition("/")
    name, parenthesis, version = system.partition("(")
    name = "darwin" if name.lower() == "macos" else name.lower()
    architecture, between, variant = rest.lower().partition("/")
    processor = _ARCHITECTURES.get(architecture, architecture) + between + variant
    normal = f"{name}{parenthesis}{version}{slash}{_VARIANTS.get(processor, processor)}"
    return Platform(_matched("platform", PLATFORM, normal, hint, 200))


@lru_cache(maxsize=1024)  # one commit often gives several images
def parse_source_ref(value: str) -> SourceRef:
    """Return `URL@COMMIT`, or raise InvalidValue.

    The commit is a full id (40 or 64 hex digits); the URL is http(s), ssh, git or scp-like. A user name
    or password in an http(s) URL is refused: it would be published to everyone who reads the ledger.
    A value that may contain one is not repeated in the message.
    """
    hint = "write `--source URL@COMMIT` with the full commit id, such as `https://git.example.com/team/app@4ef5a303…`"
    if value.count("@") > 1 and re.match(r"(?i)https?://[^/]*@.*@", value):
        raise InvalidValue("sourceRef", "sourceRef has a user name or a password in its URL", hint)
    if "@" in re.sub(r"@[0-9a-fA-F]+$", "", value) and not _compiled(SOURCE_REF).fullmatch(value):
        raise InvalidValue("sourceRef", "sourceRef is malformed", hint)
    return SourceRef(_matched("sourceRef", SOURCE_REF, value, hint, 2400))


_rfc3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def parse_timestamp(value: str, field: str = "publishedAt") -> Timestamp:
    """Return an RFC 3339 time in UTC to the second (`2026-11-24T09:30:00Z`), or raise InvalidValue."""
    hint = "a time is RFC 3339 with its zone, such as `2026-11-24T09:30:00Z`"
    if not _rfc3339.fullmatch(value):
        raise InvalidValue(field, f"{field} `{shown(value)}` is malformed", hint)
    whole = re.sub(r"\.[0-9]+", "", value.upper()) if "." in value else value.upper()
    try:
        moment = datetime.fromisoformat(whole)
        return Timestamp(whole) if whole[10] == "T" and whole[-1] == "Z" else format_timestamp(moment)
    except (ValueError, OverflowError):
        raise InvalidValue(field, f"{field} `{shown(value)}` is not a calendar date", hint) from None


def format_timestamp(moment: datetime) -> Timestamp:
    """Return an aware datetime as the ledger writes it."""
    return Timestamp(moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0"))


def parse_ttl(value: str) -> Ttl:
    """Return a time to live (`7d`: minutes `m`, hours `h`, days `d`, weeks `w`), or raise InvalidValue."""
    return Ttl(_matched("ttl", TTL, value, "a TTL is a whole number above 0 and a unit of `m h d w`, such as `7d`"))


@lru_cache(maxsize=256)
def ttl_length(ttl: Ttl) -> timedelta:
    """Return how long a TTL lasts."""
    unit = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}[ttl[-1]]
    return timedelta(**{unit: int(ttl[:-1])})


def parse_dependency(value: str) -> str:
    """Return an image reference `[registry/]image[:tag]@digest`, or raise InvalidValue."""
    hint = "write the base image as `[registry/]image[:tag]@digest`"
    return _matched("dependsOn", DEPENDENCY, value, hint, DEPENDENCY_MAX)


def parse_text(value: str, field: str) -> str:
    """Return free text (a label's value, a reason) in NFC and stripped, or raise InvalidValue.

    Control, bidi and zero-width characters are refused, since they hide from a reviewer what a machine
    reads, as are the marks that make a host skip CI, since the text goes into a commit message.
    """
    value = unicodedata.normalize("NFC", value).strip(" ")
    if bad := _unseen.search(value):
        raise InvalidValue(
            field, f"{field} contains the character `{escaped(bad[0])}`", "write it on one line, in visible characters"
        )
    if len(value) > TEXT_MAX:
        raise InvalidValue(field, f"{field} is longer than {TEXT_MAX} characters", "shorten it")
    if mark := _skip_ci.search(value):
        raise InvalidValue(
            field, f"{field} contains `{mark[0]}`, which makes hosts skip CI", "write it without that mark"
        )
    return value


def parse_label(value: str) -> tuple[str, str]:
    """Return the key and the value of `K=V`, or raise InvalidValue."""
    key, equals, text = value.partition("=")
    if not equals:
        raise InvalidValue("label", f"label `{shown(value)}` has no `=`", "write `--label KEY=VALUE`")
    return parse_label_key(key), parse_text(text, f"label `{shown(key)}`")


def parse_label_key(value: str) -> str:
    """Return a label's key, or raise InvalidValue."""
    hint = "a label's key is up to 128 of `A-Z a-z 0-9 . _ / -` and starts and ends with a letter or digit"
    return _matched("label", LABEL_KEY, value, hint)
