"""Records for `get` and `list`: JSON, JSON Lines, CSV, and a table that fits the terminal."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence

from ledger_tool.commands.records import TaggedRecords
from ledger_tool.core.ledger.query import expiry
from ledger_tool.core.ledger.record import FIELDS, Record, to_json
from ledger_tool.render import json
from ledger_tool.render.table import Column, fullest, table
from ledger_tool.render.view import View


def as_json(records: Sequence[Record]) -> str:
    """Return a JSON array of the records as in `ledger.json`."""
    return json.document([to_json(record) for record in records])


def as_json_lines(records: Sequence[Record]) -> Iterator[str]:
    """Yield each record as a JSON object on one line; `publish --from` takes those without marks."""
    return (json.line(to_json(record)) for record in records)


def as_csv(records: Sequence[Record]) -> Iterator[str]:
    """Yield CSV lines (RFC 4180) with a header; objects and lists are JSON.

    A cell that a spreadsheet would read as a formula gets an apostrophe in front.
    """
    yield ",".join(FIELDS)
    for record in records:
        fields = to_json(record)
        cells = (_cell(fields[name]) if name in fields else "" for name in FIELDS)
        line = io.StringIO()
        csv.writer(line).writerow(cells)
        yield line.getvalue().removesuffix("\r\n")


def _cell(value: object) -> str:
    text = value if isinstance(value, str) else json.line(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


_COLUMNS = (
    Column("IMAGE", "name"),
    Column("TAG", "name"),
    Column("VERSION", "name"),
    Column("PLATFORM", spare=3),
    Column("DIGEST"),
    Column("PUBLISHED", spare=2),
    Column("SOURCE", spare=1),
    Column("NOTE", role=lambda text: "bad" if "yanked" in text else "doubtful"),
)


def as_table(records: Sequence[Record], view: View) -> Iterator[str]:
    """Yield the lines of a table."""
    rows = [
        (
            record.image,
            record.tag,
            record.version or "",
            record.platform or "-",
            view.digest(record.digest),
            view.time(record.published_at),
            view.source(record.source_ref),
            " ".join(name for name, mark in (("yanked", record.yanked), ("forced", record.forced)) if mark),
        )
        for record in records
    ]
    return table(_COLUMNS, rows, view)


def tag_as_json(tagged: TaggedRecords) -> str:
    """Return the JSON object that `get` prints; `schema/get-v1.schema.json` describes it."""
    value = {
        "image": tagged.name.image,
        "tag": tagged.name.tag,
        "digest": tagged.digest,
        "records": [to_json(record) for record in tagged.records],
    }
    return json.document(value)


def tag_as_text(tagged: TaggedRecords, view: View) -> Iterator[str]:
    """Yield what a person wants to know of one image:tag: what to pull it by, then the facts, then its platforms."""
    yield view.painted(str(tagged.name), "heading")
    pulled = f"{tagged.repository}@{tagged.digest}" if tagged.digest else "no common index digest; see `--platform`"
    facts = [("pull by", pulled)]
    for name, told in _FACTS.items():
        values = {record.platform or "": told(record) for record in tagged.records}
        if len(set(values.values())) == 1:
            facts += [(name, text) for text in next(iter(values.values()))]
        else:
            facts += [(name, f"{platform or '-'}: {text}") for platform, texts in values.items() for text in texts]
    yield from table((Column(""), Column("", "prose")), [(f"  {name}", text) for name, text in facts], view)
    if len(tagged.records) > 1 or tagged.records[0].index:
        yield ""
        yield from fullest(
            (Column("PLATFORM"), Column("DIGEST")),
            lambda view: [(record.platform or "-", view.digest(record.digest)) for record in tagged.records],
            view,
        )


# What a record says, by the name that a person reads, without the image:tag, the platform and the digest.
_FACTS: Mapping[str, Callable[[Record], tuple[str, ...]]] = {
    "published": lambda record: (record.published_at,),
    "source": lambda record: (record.source_ref,),
    "version": lambda record: tuple(filter(None, [record.version])),
    "labels": lambda record: tuple(f"{key}={value}" for key, value in record.labels.items()),
    "built on": lambda record: tuple(record.depends_on),
    "builder": lambda record: tuple(filter(None, [record.provenance.builder])) if record.provenance else (),
    "signer": lambda record: tuple(filter(None, [record.provenance.signer])) if record.provenance else (),
    "provenance": lambda record: (record.provenance.digest,) if record.provenance else (),
    "ttl": lambda record: (", until ".join(filter(None, [record.ttl, expiry(record)])),) if record.ttl else (),
    "forced": lambda record: (
        (f"{record.forced.reason} (instead of {record.forced.replaces})",) if record.forced else ()
    ),
    "yanked": lambda record: (f"{record.yanked.reason} ({record.yanked.at})",) if record.yanked else (),
}


def doubt_notes(tagged: TaggedRecords) -> Iterator[str]:
    """Yield a warning for each reason why what is shown is not to be used."""
    yield from (f"warning: {tagged.name} {why}" for why in tagged.doubts)


def no_registry_notes(tagged: TaggedRecords) -> Iterator[str]:
    """Yield a note if nothing says which registry a reference without one means."""
    if tagged.repository == tagged.name.image:
        yield f"note: ledger.yaml names no registry for {tagged.name.image}; clients use their own default"
