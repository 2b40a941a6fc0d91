"""Hypothesis strategies for what a ledger may hold, written from the contract and not from the program's patterns."""

from __future__ import annotations

import unicodedata
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
)


def hexadecimal(length: int) -> st.SearchStrategy[str]:
    """Give lower-case hex digits."""
    return st.text(_HEX, min_size=length, max_size=length)


_components = st.one_of(
    st.sampled_from(["app", "myorg", "a", "a.b", "a_b", "a__b", "a--b", "0"]),
    st.text(_LOWER, min_size=1, max_size=12),
)
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
platforms = st.sampled_from(
    ["linux/amd64", "linux/arm64", "linux/arm/v7", "linux/386", "windows(10.0.20348.2340)/amd64", "darwin/arm64"]
)
timestamps = st.datetimes().map(lambda moment: moment.replace(microsecond=0).isoformat() + "Z")
source_refs = st.builds(
    "{}@{}".format,
    st.sampled_from(
        [
            "https://git.example.com/team/app",
            "http://localhost:3000/a/b.git",
            "ssh://git@git.example.com:2222/team/app.git",
            "git@git.example.com:team/app.git",
        ]
    ),
    st.one_of(hexadecimal(40), hexadecimal(64)),
)
ttls = st.builds("{}{}".format, st.integers(1, 99999), st.sampled_from("mhdw"))
label_keys = st.one_of(
    st.sampled_from(["env", "team", "org.example/x-y_z", "A"]), st.text(_WORD, min_size=1, max_size=10)
)
dependencies = st.one_of(
    st.builds("docker.io/library/{}@{}".format, _components, digests),
    st.builds(
        "{}@{}".format,
        st.sampled_from(["debian", "debian:bookworm", "localhost:5000/a/b:c", "[::1]:5000/a", "Registry.example/a"]),
        digests,
    ),
)
_characters = st.one_of(
    st.sampled_from("\"\\/'` =:#<>&|%{}é中🚀\u0301\u212a\u2126\u00a0"),
    st.characters(
        exclude_categories=("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"),
        exclude_characters=_INVISIBLE + "".join(map(chr, range(0xE0100, 0xE01F0))),
    ),
)
texts = st.text(_characters, max_size=30).map(lambda text: unicodedata.normalize("NFC", text).strip(" "))
reasons = texts.filter(bool)


def _marks(first: str, values: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str]]:
    return st.builds(lambda value, reason: {first: value, "reason": reason}, values, reasons)


@st.composite
def record_fields(draw: st.DrawFn, image: str | None = None, tag: str | None = None, platform: str = "?") -> Any:
    """Draw a record's JSON object, its keys in canonical order; `platform` `?` draws one, `""` leaves it out."""
    chosen = draw(st.one_of(st.none(), platforms)) if platform == "?" else platform
    fields = {
        "image": image or draw(images),
        "tag": tag or draw(tags),
        "platform": chosen,
        "digest": draw(digests),
        "index": draw(st.one_of(st.none(), digests)),
        "config": draw(st.one_of(st.none(), digests)),
        "publishedAt": draw(timestamps),
        "sourceRef": draw(source_refs),
        "labels": dict(sorted(draw(st.dictionaries(label_keys, texts, max_size=3)).items())),
        "dependsOn": draw(st.lists(dependencies, max_size=3, unique=True)),
        "ttl": draw(st.one_of(st.none(), ttls)),
        "forced": draw(st.none() | _marks("replaces", digests)),
        "yanked": draw(st.none() | _marks("at", timestamps)),
    }
    return {name: value for name, value in fields.items() if value}


@st.composite
def ledger_objects(draw: st.DrawFn, max_size: int = 6) -> list[dict[str, Any]]:
    """Draw the records of a valid ledger as JSON objects, in canonical order."""
    by_name: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for fields in draw(st.lists(record_fields(), max_size=max_size)):
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
