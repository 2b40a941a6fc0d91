"""Queries for records: by pattern, label, source and time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import (
    Platform,
    Tag,
    Timestamp,
    format_timestamp,
    listed_platforms,
    parse_timestamp,
    parse_ttl,
    shown,
    ttl_length,
)
from ledger_tool.core.ledger.record import Name, Record
from ledger_tool.errors import InvalidValue, RuleRefused, UnknownImage

_GLOB = r"[*?\[]"
LEEWAY = timedelta(minutes=10)  # by which the clocks of two machines may differ


def matches(pattern: str, image: str, tag: str) -> bool:
    """Return whether a glob names an image (`myorg/*`) or, with a colon in it, an image:tag (`myorg/*:v1.*`)."""
    return fnmatchcase(f"{image}:{tag}" if ":" in pattern else image, pattern)


def unknown_image(what: str, known: Iterable[tuple[str, str]]) -> UnknownImage:
    """Return the error for a name or pattern without a record; `known` are the images and tags of the ledger."""
    return UnknownImage(f"the ledger has no record of {shown(what, 200)}", meant(what, list(known)))


def meant(what: str, known: Sequence[tuple[str, str]]) -> str:
    """Return the hint for an unknown name or pattern: what it may mean among these images and tags, or how to look."""
    from ledger_tool.core.ledger.nearest import did_you_mean, near_names  # here, since few runs need it

    image, _, tag = what.partition(":")
    if re.search(_GLOB, image):
        return "`ledger list` shows what it has"
    if re.search(_GLOB, tag):
        others = [one for one in near_names(known, image) if one != image]
        near = [f"{one}:{tag}" for one in others if any(matches(f"{one}:{tag}", *name) for name in known)]
    else:
        near = [one for one in near_names(known, image, tag) if one != what]  # it is there, and not asked for
    if near:
        return did_you_mean(near)
    others = near_names(known, image)
    if not others:
        return "`ledger list` shows what it has"
    return f"`ledger list '{others[0]}'` shows the tags that {'it' if others[0] == image else others[0]} has"


def unknown_platform(records: Sequence[Record], platform: Platform) -> UnknownImage:
    """Return the error for a platform that an image:tag does not have."""
    platforms = listed_platforms(record.platform for record in records)
    return UnknownImage(f"{records[0].name} has no record for {platform}", f"its platforms are: {platforms}")


def no_pull_digest(records: Sequence[Record]) -> RuleRefused:
    """Return the error for an image:tag whose records share no digest to pull it by."""
    platforms = listed_platforms(record.platform for record in records)
    return RuleRefused(
        f"{records[0].name} has several images and no common index digest",
        f"pass `--platform` with one of: {platforms}",
    )


def select_named(
    ledger: Ledger, patterns: Sequence[str], wanted: Callable[[str, str, str], bool] = lambda *_: True
) -> list[Record]:
    """Return the records that any of the patterns names, and whose image, tag and platform are `wanted`.

    Raises UnknownImage for a pattern that matches no record.
    """
    unmatched = set(patterns)

    def is_named(image: str, tag: str) -> bool:
        hits = {pattern for pattern in patterns if matches(pattern, image, tag)}
        unmatched.difference_update(hits)
        return bool(hits)

    records = list(ledger.select(lambda image, tag, platform: is_named(image, tag) and wanted(image, tag, platform)))
    if unmatched:
        raise unknown_image(min(unmatched), ledger.names())
    return records


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """The criteria of a query; an empty one does not restrict it. `since` is inclusive.

    Of an `environment`, all that it has matches, and nothing else.
    """

    pattern: str = "*"
    environment: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    since: Timestamp | None = None
    expired_at: Timestamp | None = None


def select(ledger: Ledger, query: Query) -> Iterator[Record]:
    """Yield the records that match a query, in key order."""
    environment = query.environment
    named = ledger.select(lambda image, tag, _: environment in ("", tag) and matches(query.pattern, image, tag))
    return (record for record in named if _matches(record, query))


def _matches(record: Record, query: Query) -> bool:
    return (
        has_labels(record, query.labels)
        and (record.is_environment or not query.environment)
        and query.source in record.source_ref
        and (query.since is None or record.published_at >= query.since)
        and (query.expired_at is None or is_expired(record, query.expired_at))
    )


def has_labels(record: Record, labels: Mapping[str, str]) -> bool:
    """Return whether a record has all of these labels."""
    return all(record.labels.get(key) == value for key, value in labels.items())


def is_expired(record: Record, now: Timestamp) -> bool:
    """Return whether a record's own TTL has run out at `now`; without a TTL it never does."""
    if record.ttl is None:
        return False
    published = datetime.fromisoformat(record.published_at)
    return datetime.fromisoformat(now) - published >= ttl_length(record.ttl)


def versions_had(records: Iterable[Record]) -> dict[Name, Tag]:
    """Return which versions environments have, and an environment that has each: no prune takes their records."""
    return {Name(record.image, record.version): record.tag for record in records if record.version is not None}


def expiry(record: Record) -> Timestamp | None:
    """Return when a record's own TTL runs out, or None if it has none, or not within the years that a time can have."""
    if record.ttl is None:
        return None
    try:
        return format_timestamp(datetime.fromisoformat(record.published_at) + ttl_length(record.ttl))
    except OverflowError:
        return None


def is_far_ahead(time: Timestamp, of: Timestamp) -> bool:
    """Return whether a time is ahead of another by more than clocks differ: ten minutes."""
    return time > of and datetime.fromisoformat(time) - datetime.fromisoformat(of) > LEEWAY


def parse_when(value: str, now: datetime) -> Timestamp:
    """Return the time that `2026-11-24`, an RFC 3339 time, or a length back from now (`7d`) means.

    Raises InvalidValue.
    """
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        value += "T00:00:00Z"
    try:
        if not re.fullmatch(r"[0-9]+[mhdw]", value):
            return parse_timestamp(value, "time")
        back = ttl_length(parse_ttl(value))
    except InvalidValue:
        hint = "write a date (`2026-11-24`), a time (`2026-11-24T09:30:00Z`) or a length back from now (`7d`)"
        raise InvalidValue("time", f"time `{shown(value)}` is malformed", hint) from None
    return format_timestamp(now - back) if now.timestamp() > back.total_seconds() else Timestamp("0001-01-01T00:00:00Z")
