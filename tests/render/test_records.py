"""Records as JSON, JSON Lines and CSV: other programs read back exactly what is there."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from ledger_tool.commands.records import TaggedRecords
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import Image, Tag, parse_timestamp
from ledger_tool.core.ledger.record import FIELDS, Name, Record, to_json
from ledger_tool.core.writes.input import Defaults, drafts_from_records
from ledger_tool.errors import UsageError
from ledger_tool.render import records as render
from tests.support.values.make import WHEN, digest, fields, record
from tests.support.values.profiles import example_count
from tests.support.values.strategies import ledgers


def cells(found: list[Record]) -> list[list[str]]:
    """Return the rows below the header, as a CSV reader takes them apart."""
    return list(csv.reader(render.as_csv(found), strict=True))[1:]


@example_count(40)
@given(ledgers())
def test_json_is_the_records_as_the_ledger_has_them(ledger: Ledger) -> None:
    found = list(ledger.records())
    assert json.loads(render.as_json(found)) == [to_json(one) for one in found]
    assert [json.loads(line) for line in render.as_json_lines(found)] == [to_json(one) for one in found]


@example_count(40)
@given(ledgers())
def test_csv_gives_every_field_back(ledger: Ledger) -> None:
    found = list(ledger.records())
    header = next(iter(render.as_csv(found))).split(",")
    for one, row in zip(found, cells(found), strict=True):
        values = dict(zip(header, row, strict=True))
        for name, value in to_json(one).items():
            assert values.pop(name) == value if isinstance(value, str) else json.loads(values.pop(name, "")) == value
        assert set(values.values()) <= {""}


def test_the_header_of_csv_is_there_without_records() -> None:
    assert list(render.as_csv([])) == [
        "image,tag,platform,digest,index,config,publishedAt,sourceRef,labels,dependsOn,ttl,provenance,version,forced,yanked"
    ]


@pytest.mark.parametrize("formula", ["=cmd|'/C calc'!A0", "+1+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_cell_that_a_spreadsheet_would_run_is_defused(formula: str) -> None:
    # No valid record has such a value; CSV does not rely on that.
    hostile = replace(record(), image=Image(formula), tag=Tag(formula))
    assert cells([hostile])[0][:2] == [f"'{formula}", f"'{formula}"]


@pytest.mark.parametrize("text", ['say "hi"', "a,b", "a;b", "ünïcödé 🚀", "=1+1", "'quoted'", "<img onerror>|`x`"])
def test_a_label_survives_csv_as_json_in_its_cell(text: str) -> None:
    row = dict(zip(FIELDS, cells([record(labels={"note": text})])[0], strict=True))
    assert json.loads(row["labels"]) == {"note": text}


def test_each_record_is_one_line_of_csv_and_of_json_lines() -> None:
    found = [record("a", labels={"a": "x", "b": "y"}), record("b", dependsOn=[f"debian@{digest()}"])]
    assert all("\n" not in line for line in [*render.as_csv(found), *render.as_json_lines(found)])
    assert len(list(render.as_json_lines(found))) == 2


def test_what_list_prints_as_json_lines_publish_reads() -> None:
    now = parse_timestamp(WHEN)
    nowhere = Defaults(published_at=now, clock=now, source_ref=UsageError("no source"))
    found = [record("a", platform="linux/amd64", labels={"env": "prod"}, ttl="7d"), record("b", index=digest("i"))]
    drafts = drafts_from_records("\n".join(render.as_json_lines(found)).encode(), nowhere)
    assert [(one.reference.path, one.digest, one.index, one.labels) for one in drafts] == [
        (one.image, one.digest, one.index, one.labels) for one in found
    ]


def test_get_prints_the_image_with_its_digest_and_records() -> None:
    records = (record(index=digest("i")),)
    tagged = TaggedRecords(Name("myorg/app", "v1"), digest("i"), "registry.example.com/myorg/app", records)
    assert json.loads(render.tag_as_json(tagged)) == {
        "image": "myorg/app",
        "tag": "v1",
        "digest": digest("i"),
        "records": [fields(index=digest("i"))],
    }


def test_text_of_every_script_is_printed_as_it_is() -> None:
    one = record(labels={"city": "Zürich 🚀"})
    printed = [
        render.as_json([one]),
        *render.as_json_lines([one]),
        "\n".join(render.as_csv([one])),
        render.tag_as_json(TaggedRecords(Name("a", "v1"), None, "a", (one,))),
    ]
    assert all("Zürich 🚀" in text for text in printed)


def test_get_says_null_where_there_is_no_single_digest() -> None:
    value: Any = json.loads(render.tag_as_json(TaggedRecords(Name("a", "v1"), None, "a", (record("a"),))))
    assert value["digest"] is None
