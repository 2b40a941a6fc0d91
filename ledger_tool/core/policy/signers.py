"""Who may sign a commit, by the ledger's own files: SSH keys of `allowed_signers`, and GPG keys by fingerprint.

`allowed_signers` is read as ssh-keygen does ("ALLOWED SIGNERS" in ssh-keygen(1), `sshsig.c` of OpenSSH), except that a
time without a zone is UTC everywhere, that a key for certificates is not taken, and that a line which makes no sense
grants nothing and takes nothing from the others. A principal `gpg:FINGERPRINT` names a GPG key itself: who holds it is
known from the fingerprint, wherever the key came from.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from ledger_tool.core.ledger.names import Timestamp, format_timestamp

GPG = "gpg:"
MAX_SIGNERS = 2**20  # bytes of each of the two files
_NAMESPACE = "git"
_LINE = re.compile(r'[ \t]*(?:"(?P<quoted>[^"]*)"|(?P<plain>[^ \t"]+))[ \t]+(?P<rest>.*)')
_KEY = re.compile(r"(?P<type>(?:ssh|ecdsa|sk)-[a-z0-9@.-]+)[ \t]+(?P<blob>[A-Za-z0-9+/]+=*)(?:[ \t].*)?")
_OPTION = re.compile(r'(?P<name>[A-Za-z-]+)(?:="(?P<value>[^"]*)")?(?:,(?=[^ \t])|(?=[ \t]))')
_TIMES = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}


@dataclass(frozen=True, slots=True)
class AllowedKey:
    """A key that may sign commits as whom its `principals` (patterns, some after `!`) match, in a span of time."""

    principals: tuple[str, ...]
    fingerprint: str
    after: Timestamp | None = None
    before: Timestamp | None = None

    def may_sign(self, principal: str, at: Timestamp) -> bool:
        """Return whether it may sign as a principal in a commit that was made at a time."""
        return self.is_valid(at) and is_listed(principal, self.principals)

    def is_valid(self, at: Timestamp) -> bool:
        """Return whether it may sign in a commit that was made at a time."""
        return (self.after is None or at >= self.after) and (self.before is None or at <= self.before)


@dataclass(frozen=True, slots=True)
class SignersFault:
    """A line of `allowed_signers`, from 1, that grants nothing, and why."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class AllowedSigners:
    """The keys of an `allowed_signers` file, and the lines that make no sense."""

    keys: Sequence[AllowedKey] = ()
    faults: Sequence[SignersFault] = ()

    def may_sign(self, fingerprint: str, principal: str, at: Timestamp) -> bool:
        """Return whether a key may sign as a principal in a commit that was made at a time."""
        return any(key.fingerprint == fingerprint and key.may_sign(principal, at) for key in self.keys)

    def names(self, fingerprint: str, at: Timestamp) -> str:
        """Return what the file calls a key at a time, or if it may not sign then, at others; `""`: it is not listed."""
        own = [key for key in self.keys if key.fingerprint == fingerprint]
        named = [name for key in [one for one in own if one.is_valid(at)] or own for name in key.principals]
        return ", ".join(dict.fromkeys(named))

    def is_outdated(self, fingerprint: str, at: Timestamp) -> bool:
        """Return whether a key is listed, and may not sign at a time."""
        own = [key for key in self.keys if key.fingerprint == fingerprint]
        return bool(own) and not any(key.is_valid(at) for key in own)


def parse_signers(raw: bytes) -> AllowedSigners:
    """Return what the bytes of an `allowed_signers` file say."""
    keys: list[AllowedKey] = []
    faults: list[SignersFault] = []
    for number, line in enumerate(raw.decode("utf-8", "replace").split("\n"), 1):
        text = line.removesuffix("\r").strip(" \t")
        if not text or text.startswith("#"):
            continue
        try:
            keys += _parse_line(text)
        except ValueError as error:
            faults.append(SignersFault(number, str(error)))
    return AllowedSigners(tuple(keys), tuple(faults))


def _parse_line(text: str) -> Iterator[AllowedKey]:
    """Yield the key of a line, none if it may not sign commits. Raises ValueError that says what is wrong."""
    line = _LINE.fullmatch(text)
    if line is None:
        raise ValueError("the line is not principals, then options if any, then a public key")
    principals = tuple((line["quoted"] if line["quoted"] is not None else line["plain"]).split(","))
    if not all(principals):
        raise ValueError("a principal is empty")
    options, rest = _options(line["rest"])
    fingerprint = _fingerprint(rest)
    if "cert-authority" in options:
        raise ValueError("a key for certificates (`cert-authority`) cannot sign as an owner: list the keys themselves")
    if "namespaces" in options and not is_listed(_NAMESPACE, options["namespaces"].split(",")):
        return
    after, before = _time(options, "valid-after"), _time(options, "valid-before")
    if after and before and before <= after:
        raise ValueError("`valid-before` is not after `valid-after`")
    yield AllowedKey(principals, fingerprint, after, before)


def _options(text: str) -> tuple[dict[str, str], str]:
    """Return the options in front of a key, and the rest of the line."""
    options: dict[str, str] = {}
    if _KEY.fullmatch(text):
        return options, text
    position = 0
    while option := _OPTION.match(text, position):
        name, value = option["name"].lower(), option["value"]
        known = {"cert-authority": False, "namespaces": True, "valid-after": True, "valid-before": True}
        if name not in known or (value is not None) != known[name] or name in options:
            raise ValueError(f"the option `{name}` is unknown, repeated, or not as ssh-keygen takes it")
        options[name] = value or ""
        position = option.end()
        if text[position - 1] != ",":
            break
    return options, text[position:].lstrip(" \t")


def _fingerprint(text: str) -> str:
    """Return the fingerprint of a public key, as ssh-keygen writes it."""
    key = _KEY.fullmatch(text)
    try:
        blob = base64.b64decode(key["blob"], validate=True) if key else b""
        if key and base64.b64encode(blob).decode() != key["blob"]:  # ssh-keygen takes no padding too much
            blob = b""
    except binascii.Error:
        blob = b""
    name = (key["type"] if key else "").encode()
    if not name or not blob.startswith(len(name).to_bytes(4, "big") + name):
        raise ValueError("there is no public key, or it is malformed")
    if b"-cert-" in name:
        raise ValueError("a certificate cannot sign as an owner: list the key itself")
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def _time(options: dict[str, str], name: str) -> Timestamp | None:
    if name not in options:
        return None
    digits = options[name].removesuffix("Z")
    try:
        if not re.fullmatch(r"[0-9]+", digits):
            raise ValueError
        return format_timestamp(datetime.strptime(digits, _TIMES[len(digits)]).replace(tzinfo=UTC))
    except (KeyError, ValueError):
        raise ValueError(f"`{name}` is not a time such as 20261231 or 202612312359Z") from None


def is_listed(name: str, patterns: Sequence[str]) -> bool:
    """Return whether a list of patterns, some of them after `!`, names it (PATTERNS in ssh_config(5))."""
    denied = any(pattern.startswith("!") and _matches(name, pattern[1:]) for pattern in patterns)
    return not denied and any(_matches(name, pattern) for pattern in patterns if not pattern.startswith("!"))


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern.replace("[", "[[]"))  # to ssh, a bracket is a letter
