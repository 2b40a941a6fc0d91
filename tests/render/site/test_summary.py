"""What `site` says that it did."""

from __future__ import annotations

import json

from ledger_tool.core.site.files import SiteWritten
from ledger_tool.render.site import summary
from tests.support.values.schemas import check_schema
from tests.support.values.site import commit


def test_the_line_counts_what_was_written_and_removed() -> None:
    assert summary.line(SiteWritten(129, 129, 0), "public") == "wrote 129 of 129 files to public"
    assert summary.line(SiteWritten(129, 1, 2), "a\x1bb") == "wrote 1 of 129 files to a\\x1bb, removed 2"
    assert summary.line(SiteWritten(129, 0, 0), "public") == "nothing to do: public is up to date, with 129 files"


def test_the_json_is_what_its_schema_says() -> None:
    value = json.loads(summary.as_json(SiteWritten(9, 3, 1), "public", commit("head")))
    check_schema("site-v1", value)
    assert (value["files"], value["written"], value["removed"]) == (9, 3, 1)
