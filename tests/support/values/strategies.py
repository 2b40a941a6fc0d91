"""Hypothesis strategies for what a ledger may hold, written from the contract and not from the program's patterns."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.record import from_json
from tests.support.values.make import ledger_of

_HEX = "0123456789abcdef"
_LOWER = "abcdefghijklmnopqrstuvwxyz0123456789"
_WORD = _LOWER + _LOWER[:26].upper()
# Invisible, though Unicode files them under letters, marks or unassigned ones.
_INVISIBLE = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0"
    + "".join(map(chr, range(0xFE00, 0xFE10)))
    + "".join(map(chr, range(0xFFF0, 0xFFF9)))
    + "".join(map(chr, range(0xE0100, 0xE01F0)))
)
_FORBIDDEN = {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"}


def hexadecimal(length: int) -> st.SearchStrategy[str]:
    """Give lower-case hex digits."""
    return st.binary(min_size=length // 2, max_size=length // 2).map(bytes.hex)


_NAMES = ["app", "myorg", "a", "a.b", "a_b", "a__b", "a--b", "0"]
_components = st.sampled_from(_NAMES) | st.text(_LOWER, min_size=1, max_size=12)
images = st.lists(_components, min_size=1, max_size=3).map("/".join)
tags = st.one_of(
    st.sampled_from(["v1", "v1.5.0", "latest", "_", "NaN", "V-1"]),
    st.builds(lambda first, rest: first + rest, st.sampled_from(_WORD + "_"), st.text(_WORD + "._-", max_size=20)),
)
digests = st.one_of(
    st.sampled_from(["sha256:" + digit * 64 for digit in "0123"]),
    hexadecimal(64).map("sha256:{}".format),
    hexadecimal(128).map("sha512:{}".format),
)
_PLATFORMS = [
    "linux/amd64", "linux/arm64", "linux/arm/v7", "linux/386", "windows(10.0.20348.2340)/amd64", "darwin/arm64"
]  # fmt: skip
platforms = st.sampled_from(_PLATFORMS)
_FIRST, _LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
timestamps = st.integers(0, (_LAST - _FIRST) // timedelta(seconds=1)).map(
    lambda seconds: (_FIRST + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
)
_SOURCES = [
    "https://git.example.com/team/app",
    "http://localhost:3000/a/b.git",
    "ssh://git@git.example.com:2222/team/app.git",
    "git@git.example.com:team/app.git",
]
source_refs = st.builds("{}@{}".format, st.sampled_from(_SOURCES), st.one_of(hexadecimal(40), hexadecimal(64)))
ttls = st.builds("{}{}".format, st.integers(1, 99999), st.sampled_from("mhdw"))
label_keys = st.one_of(
    st.sampled_from(["env", "team", "org.example/x-y_z", "A"]), st.text(_WORD, min_size=1, max_size=10)
)
_BASES = ["debian", "debian:bookworm", "localhost:5000/a/b:c", "[::1]:5000/a", "Registry.example/a"]
dependencies = st.one_of(
    st.builds("docker.io/library/{}@{}".format, _components, digests),
    st.builds("{}@{}".format, st.sampled_from(_BASES), digests),
)


def _allowed(text: str) -> str:
    """Leave out what a text of the ledger may not hold; a strategy without it takes far longer to draw from."""
    kept = [letter for letter in text if unicodedata.category(letter) not in _FORBIDDEN and letter not in _INVISIBLE]
    return unicodedata.normalize("NFC", "".join(kept)).strip(" ")


_odd = st.text("\"\\/'` =:#<>&|%{}é中🚀\u0301\u212a\u2126\u00a0", max_size=10)
texts = st.one_of(st.text(max_size=20), _odd, st.builds("{}{}{}".format, _odd, st.text(max_size=10), _odd)).map(
    _allowed
)
reasons = texts.map(lambda text: text or "why")


def _marks(first: str, values: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str] | None]:
    return st.none() | st.builds(lambda value, reason: {first: value, "reason": reason}, values, reasons)


# What only has to be told apart, in a record, is one of a few, since each further choice makes all examples slower.
_few_images = [*_NAMES, "a/b", "myorg/app", "a.b/a_b/a__b"]
_few_digests = ["sha256:" + digit * 64 for digit in "012345"] + ["sha512:" + digit * 128 for digit in "67"]
_few_sources = [f"{url}@{commit}" for url in _SOURCES for commit in ("1" * 40, "c0ffee" + "0" * 34, "2" * 64)]
_few_bases = [f"{name}@{digest}" for name in ("docker.io/library/app", *_BASES) for digest in _few_digests]
_PROVENANCES = [
    {"digest": _few_digests[0]},
    {"digest": _few_digests[1], "signer": "release@example.com"},
    {"digest": _few_digests[6], "builder": "https://ci.example.com/runner", "signer": "é"},
]
# Of each field of a record, in canonical order; None leaves it out.
_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "image": st.sampled_from(_few_images),
    "tag": tags,
    "platform": st.sampled_from([None, None, *_PLATFORMS]),
    "digest": st.sampled_from(_few_digests),
    "index": st.sampled_from([None, None, *_few_digests]),
    "config": st.sampled_from([None, None, *_few_digests]),
    "publishedAt": timestamps,
    "sourceRef": st.sampled_from(_few_sources),
    "labels": st.dictionaries(label_keys, texts, max_size=3).map(lambda labels: dict(sorted(labels.items()))),
    "dependsOn": st.lists(st.sampled_from(_few_bases), max_size=3, unique=True),
    "ttl": st.none() | ttls,
    "provenance": st.sampled_from([None, None, None, *_PROVENANCES]),
    "version": st.sampled_from([None, None, None, "v1.4.2"]),
    "forced": _marks("replaces", st.sampled_from(_few_digests)),
    "yanked": _marks("at", timestamps),
}


def record_fields(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Give records as JSON objects, their keys in canonical order; some of the fields may be given otherwise."""
    return st.tuples(*(_FIELDS | fields).values()).map(
        lambda values: {name: value for name, value in zip(_FIELDS, values, strict=True) if value}
    )


def ledger_objects(max_size: int = 6) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Give the records of a valid ledger as JSON objects, in canonical order."""
    return st.lists(record_fields(), max_size=max_size).map(_that_go_together)


def _that_go_together(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    by_name: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for fields in records:
        siblings = by_name.setdefault((fields["image"], fields["tag"]), {})
        platform = fields.get("platform", "")
        if not siblings or (platform and "" not in siblings):  # without a platform, a record stands alone
            siblings[platform] = fields
    return [by_name[name][platform] for name in sorted(by_name) for platform in sorted(by_name[name])]


def ledgers(max_size: int = 6) -> st.SearchStrategy[Ledger]:
    """Give valid ledgers."""
    return ledger_objects(max_size).map(lambda objects: ledger_of(*map(from_json, objects)))


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
