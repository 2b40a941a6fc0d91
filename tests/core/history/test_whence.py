"""Where a digest is in a ledger's text, and from when to when a log has it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger_tool.core.history.log import LogEntry
from ledger_tool.core.history.whence import Occurrence, index_spans, occurrences_in, parse_digest_prefix, spans
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.record import Key, Name
from ledger_tool.errors import InvalidValue
from tests.support.values.make import digest, ledger_bytes, record

AMD, ARM = "linux/amd64", "linux/arm64"


def entry(seed: str, platform: str = AMD, action: str = "publish", replaces: tuple[str, ...] = ()) -> LogEntry:
    gone = tuple(map(digest, replaces))
    return LogEntry(
        "c", Timestamp("2026-01-01T00:00:00Z"), "A <a>", action, Name("a", "v1"), platform, digest(seed), gone
    )


def spanned(seed: str, *entries: LogEntry) -> list[tuple[str, int, int | None]]:
    """Return platform at the end, and the numbers of the first and the last entry, of each span of a digest."""
    found = spans(entries, parse_digest_prefix(digest(seed)))
    return [(one.key.platform, entries.index(one.start), entries.index(one.end) if one.end else None) for one in found]


def test_a_span_lasts_until_another_digest_or_none_is_there() -> None:
    log = [entry("a"), entry("b", replaces=("a",)), entry("a", replaces=("b",)), entry("a", action="set")]
    assert spanned("a", *log) == [(AMD, 0, 1), (AMD, 2, None)]
    assert spanned("b", *log) == [(AMD, 1, 2)]
    assert spanned("a", *log, entry("a", action="prune")) == [(AMD, 0, 1), (AMD, 2, 4)]


def test_a_span_ends_where_the_platform_changes_hands() -> None:
    log = [entry("a"), entry("b", ARM), entry("w", "", replaces=("a", "b")), entry("c", replaces=("w",))]
    assert spanned("a", *log) == [(AMD, 0, 2)]
    assert spanned("b", *log) == [(ARM, 1, 2)]
    assert spanned("w", *log) == [("", 2, 3)]


def test_a_platform_that_is_filled_in_does_not_end_a_span() -> None:
    assert spanned("a", entry("a", ""), entry("a"), entry("b", ARM)) == [(AMD, 0, None)]


def test_another_platform_does_not_end_a_span() -> None:
    assert spanned("a", entry("a"), entry("b", ARM), entry("b", ARM, action="remove")) == [(AMD, 0, None)]


def test_places_are_told_apart() -> None:
    raw = ledger_bytes(
        record(platform=AMD, digest=digest("a"), index=digest("i"), labels={"x": digest("i")}),
        record(platform=ARM, digest=digest("b"), index=digest("i"), dependsOn=[f"debian@{digest('a')}"]),
        record(tag="v2", digest=digest("c"), config=digest("a")),
    )

    def found(seed: str) -> list[Occurrence]:
        return sorted(occurrences_in(raw, parse_digest_prefix(digest(seed)[7:19])), key=lambda one: (one.key, one.kind))

    v1, v2 = Key("myorg/app", "v1", AMD), Key("myorg/app", "v2", "")
    assert found("a") == [Occurrence("image", v1, digest("a")), Occurrence("config", v2, digest("a"))]  # type: ignore[arg-type]
    assert [(one.kind, one.key.platform) for one in found("i")] == [("index", AMD), ("index", ARM)]
    assert found("nope") == []


def test_an_entry_that_is_not_a_record_is_skipped() -> None:
    for raw in (digest().encode(), ledger_bytes(record()).replace(b'"tag"', b'"gat"'), f'{{"x": "{digest()}"'.encode()):
        assert occurrences_in(raw, parse_digest_prefix(digest())) == {}


@pytest.mark.parametrize("value", ["sha256:" + "a" * 65, "sha1:" + "a" * 40, "a" * 11, "A" * 12, "a" * 129, "é" * 12])
def test_a_malformed_digest_is_refused(value: str) -> None:
    with pytest.raises(InvalidValue):
        parse_digest_prefix(value)


def test_a_digest_without_its_algorithm_may_be_either() -> None:
    wanted = parse_digest_prefix("a" * 12)
    assert wanted.is_of("sha256:" + "a" * 64)
    assert wanted.is_of("sha512:" + "a" * 128)
    assert not parse_digest_prefix("sha256:" + "a" * 12).is_of("sha512:" + "a" * 128)
    assert not wanted.is_of(None)


def indexed(seed: str, index: str, platform: str = AMD, action: str = "publish", before: str = "") -> LogEntry:
    own = replace(entry(seed, platform, action), commit=f"from {before} to {index}")
    return replace(own, index=index and digest(index), replaces_index=before and digest(before))


def indexes(*entries: LogEntry) -> list[tuple[str, str, int, int | None]]:
    """Return platform, index, and the numbers of the first and the last entry, of each span of an index."""
    seeds = {digest(seed): seed for seed in "ij"}
    return [
        (
            one.key.platform,
            seeds[one.start.index],
            entries.index(one.start),
            entries.index(one.end) if one.end else None,
        )
        for one in index_spans(entries)
    ]


def test_an_index_lasts_for_each_platform_until_another_is_told_or_the_record_is_gone() -> None:
    log = [indexed("a", "i"), indexed("b", "i", ARM), indexed("a", "", action="set")]
    assert indexes(*log) == [(AMD, "i", 0, None), (ARM, "i", 1, None)]
    moved = [*log, indexed("c", "j", before="i"), indexed("d", "j", ARM, before="i")]
    assert indexes(*moved) == [(AMD, "i", 0, 3), (ARM, "i", 1, 3), (AMD, "j", 3, None), (ARM, "j", 4, None)]
    assert indexes(*log, indexed("b", "", ARM, action="remove")) == [(ARM, "i", 1, 3), (AMD, "i", 0, None)]
    assert indexes(*log, indexed("a", "", before="i")) == [(AMD, "i", 0, 3), (ARM, "i", 1, 3)]
