"""Images to publish, from arguments and from a file of records (`--from`, JSON or JSON Lines).

Bytes in, drafts out. Every value is parsed here, once; what a record omits is filled in from the command
line's `Defaults`. Errors name the line (JSON Lines) or the position (a JSON array). `metadata` reads buildx's file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from ledger_tool.core.ledger import jsontext, names
from ledger_tool.core.ledger.query import is_far_ahead
from ledger_tool.core.ledger.record import FIELDS
from ledger_tool.core.policy.reference import Reference, parse_reference
from ledger_tool.core.writes.draft import Draft
from ledger_tool.errors import InvalidValue, LedgerError, UsageError

MAX_INPUT_BYTES = 100 * 1024 * 1024

_FIELDS = set(FIELDS) - {"provenance", "version", "forced", "yanked"}  # these are not a caller's to claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """Values from the command line for every image that does not have its own; `clock` is the time now."""

    published_at: names.Timestamp
    clock: names.Timestamp
    source_ref: names.SourceRef | LedgerError
    tag: names.Tag | None = None
    platform: names.Platform | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    ttl: names.Ttl | None = None

    def draft(self, reference: Reference, tag: names.Tag, digest: str, where: str = "") -> Draft:
        """Return the draft of an image without facts of its own; the digest may be `""`. Raises InvalidValue."""
        return Draft(
            reference=reference,
            tag=tag,
            digest=names.parse_digest(digest) if digest else None,
            platform=self.platform,
            published_at=self.published_at,
            source_ref=self.source_ref,
            labels=self.labels,
            depends_on=self.depends_on,
            ttl=self.ttl,
            where=where,
        )


@lru_cache(maxsize=1024)
def publication_time(value: str, clock: names.Timestamp) -> names.Timestamp:
    """Return a publishedAt. Raises InvalidValue if it is malformed, or well ahead of this machine's clock."""
    time = names.parse_timestamp(value)
    if is_far_ahead(time, clock):
        raise InvalidValue(
            "publishedAt",
            f"publishedAt {time} is over ten minutes ahead of this machine's clock ({clock})",
            "give the time of the push, or leave it out; `date -u` shows the clock",
        )
    return time


def draft_from_arguments(
    reference: Reference | None, digest: str, index: str, config: str, defaults: Defaults
) -> Draft:
    """Return the draft of the one image that a command line names.

    Raises UsageError if something is missing or given twice.
    """
    if reference is None:
        raise UsageError(
            "no image is named",
            "as in `ledger publish myorg/app:v1.5.0`; `--from` and `--metadata-file` name many images in a file",
        )
    check_agreement(reference, defaults.tag, digest)
    tag, given = defaults.tag or reference.tag, digest or reference.digest or ""
    if not tag:
        raise InvalidValue("tag", "`tag` is missing", "write `IMAGE:TAG@DIGEST`, or pass `--tag` or `--pr`")
    return replace(
        defaults.draft(reference, tag, given),
        index=names.parse_digest(index, "index") if index else None,
        config=names.parse_digest(config, "config") if config else None,
    )


def drafts_from_records(raw: bytes, defaults: Defaults) -> list[Draft]:
    """Return a draft for each record of a JSON array, or of JSON Lines. Raises UsageError naming the record."""
    drafts = []
    for where, value in _values(raw):
        try:
            drafts.append(_draft(value, defaults, where))
        except LedgerError as error:
            raise error.within(where) from error
    if not drafts:
        raise UsageError("the input contains no records", "give a JSON array of records, or one record per line")
    return drafts


def check_agreement(reference: Reference, tag: str | None, digest: str) -> None:
    """Raise UsageError if an image has another tag or digest than the ones given separately."""
    if reference.tag and tag and reference.tag != tag:
        raise UsageError(f"two tags are given, `{reference.tag}` and `{tag}`", "keep one of them")
    if reference.digest and digest and reference.digest != digest:
        raise UsageError(f"two digests are given, {reference.digest} and {names.shown(digest)}", "keep one of them")


def _values(raw: bytes) -> Iterable[tuple[str, Any]]:
    text = _text(raw, "the input")
    if text.lstrip().startswith("["):
        array = json_of(raw, "the input")
        return [(f"record {number}", value) for number, value in enumerate(array, 1)]
    if re.match(r"\s*\{\s*\n", text):  # one object, written over several lines
        return [("record 1", json_of(raw, "the input"))]
    return _json_lines(text)


def _json_lines(text: str) -> Iterator[tuple[str, Any]]:
    """Yield the value of each line, one at a time: there may be very many."""
    number, start = 1, 0
    while start <= len(text):
        end = text.find("\n", start)
        end = end if end >= 0 else len(text)
        if text[start:end].strip():
            yield f"line {number}", _line(text[start:end], number)
        number, start = number + 1, end + 1


def _line(line: str, number: int) -> Any:
    try:
        return jsontext.parse(line)
    except jsontext.JsonFault as fault:
        raise UsageError(
            f"line {number}, column {fault.offset + 1}: {fault.reason}", "give one JSON object per line"
        ) from None


def json_of(raw: bytes, what: str) -> Any:
    """Return the value of an input's JSON. Raises UsageError, which says where `what` is wrong."""
    text = _text(raw, what)
    try:
        return jsontext.parse(text)
    except jsontext.JsonFault as fault:
        line, column = jsontext.line_and_column(text, fault.offset)
        raise UsageError(
            f"{what} is not JSON: line {line}, column {column}: {fault.reason}",
            "check the file that the previous step wrote",
        ) from None


def _text(raw: bytes, what: str) -> str:
    if len(raw) > MAX_INPUT_BYTES:
        raise UsageError(f"{what} is larger than {MAX_INPUT_BYTES // 2**20} MB", "publish in several batches")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{what} is not UTF-8 at byte {error.start}", "write the file as UTF-8") from None


def _draft(value: Any, defaults: Defaults, where: str) -> Draft:
    if not isinstance(value, dict):
        raise UsageError("a record is a JSON object", "give the fields of a record as in ledger.json")
    if unknown := sorted(value.keys() - _FIELDS):
        raise InvalidValue(
            unknown[0], f"unknown field `{names.shown(unknown[0])}`", f"the fields are {', '.join(sorted(_FIELDS))}"
        )
    reference = parse_reference(_string(value, "image", required=True))
    tag = names.parse_tag(text) if (text := _once(value, "tag", reference.tag)) else defaults.tag
    if not tag:
        raise InvalidValue("tag", "`tag` is missing", "give each record its tag")
    digest = _once(value, "digest", reference.digest)
    return Draft(
        reference=reference,
        tag=tag,
        digest=names.parse_digest(digest) if digest else None,
        platform=names.parse_platform(text) if (text := _string(value, "platform")) else defaults.platform,
        index=names.parse_digest(text, "index") if (text := _string(value, "index")) else None,
        config=names.parse_digest(text, "config") if (text := _string(value, "config")) else None,
        published_at=(
            publication_time(text, defaults.clock) if (text := _string(value, "publishedAt")) else defaults.published_at
        ),
        source_ref=names.parse_source_ref(text) if (text := _string(value, "sourceRef")) else defaults.source_ref,
        labels={**defaults.labels, **_labels(value["labels"])} if "labels" in value else defaults.labels,
        depends_on=_dependencies(value.get("dependsOn", [])) or defaults.depends_on,
        ttl=names.parse_ttl(text) if (text := _string(value, "ttl")) else defaults.ttl,
        where=where,
    )


def _string(value: Mapping[str, Any], name: str, *, required: bool = False) -> str:
    text = value.get(name)
    if text is None and not required:
        return ""
    if not isinstance(text, str):
        what = "is missing" if text is None else f"should be a string, not {names.shown(json.dumps(text), 40)}"
        raise InvalidValue(name, f"`{name}` {what}", "give the fields of a record as in ledger.json")
    return text


def _once(value: Mapping[str, Any], name: str, in_image: str | None) -> str:
    """Return the value of a field or else from the image's name, or `""`. Raises InvalidValue if they differ."""
    text = _string(value, name)
    if text and in_image and text != in_image:
        raise InvalidValue(name, f"two {name}s are given, in `image` and in `{name}`", "keep one of them")
    return text or in_image or ""


def _labels(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise InvalidValue("labels", "`labels` should be an object of strings", 'write them as `{"env": "prod"}`')
    return {
        names.parse_label_key(key): names.parse_text(text, f"label `{names.shown(key)}`") for key, text in value.items()
    }


def _dependencies(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise InvalidValue(
            "dependsOn",
            "`dependsOn` should be an array of strings",
            "write each base image as `[registry/]image[:tag]@digest`",
        )
    return tuple(dict.fromkeys(names.parse_dependency(text) for text in value))
