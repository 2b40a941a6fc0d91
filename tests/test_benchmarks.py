"""What is measured is a ledger as the rules want it, and the docs have no figures but those that were measured."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import data, results, years
from benchmarks.__main__ import BENCHMARKS
from benchmarks.report import Beside, Row, as_json, from_json, line
from benchmarks.world import world
from tests.support.stage.docs import prose
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]

_UNITS = r"(?:ms|s|milliseconds?|seconds?|minutes?|hours?|[KMG]B|x|times|percent|%)"
_NUMBER = r"(?:\d[\d,.]*|(?:under|about|some|half|quarter of|eighth of) (?:an?|the)|some|few|two|three|five|ten)"
_FIGURE = re.compile(rf"\b{_NUMBER} ?(?:{_UNITS}|speed|time)\b")
_OF_SPEED = re.compile(
    r"\b(?:takes? (?:about|around|some|under|less|\d)|took|faster|slower|quicker|longer to|longer with"
    r"|at an? \w+ of|(?<!byte )per second|on (?:two|four|\d+) (?:cores|processors)|of memory|the speed)\b"
)


def test_the_ledger_that_is_measured_passes_the_check(ledger: Run, tmp_path: Path) -> None:
    (tmp_path / "ledger.json").write_bytes(data.ledger(501))
    done = ledger("check", "--repo", tmp_path)
    assert (done.code, done.out) == (0, "")


def test_a_row_says_what_the_program_took_beside_its_limit_and_its_peer_and_whether_that_is_the_target() -> None:
    row = Row(
        "publish",
        [2.0, 3.0, 9.0],
        limit=Beside("git", [1.0, 2.0, 3.0]),
        peer=Beside("script", [4.0]),
        target="<= 1.5 x",
    )
    assert line(row).split("  ")[0] == "publish"
    assert " ".join(line(row).split()) == "publish git 2 s script 4 s 3 s 2.00 x <= 1.5 x MISSED"
    assert " ".join(line(Row("get", [1.0], target="<= 2 s")).split()) == "get 1 s <= 2 s met"
    assert from_json(as_json(row)) == row


def test_a_target_of_something_that_is_not_measured_is_an_error() -> None:
    for target in ("<= 1.5 x", "<= 3 MB"):
        with pytest.raises(ValueError, match="not measured"):
            line(Row("get", [1.0], target=target))


def test_a_year_can_be_measured() -> None:
    with world() as small:
        rows = list(years.measured(small, records=250, publishes=20, points=2, rounds=1))
    assert [list(row.points) for row in rows if row.points] == [[10, 20]] * 3
    assert all(row.median > 0 for row in rows)


def test_every_benchmark_is_shown_on_some_page() -> None:
    shown = [name for page in results.pages() for name in results.shown_in(page.read_text("utf-8"))]
    assert sorted(shown) == sorted(BENCHMARKS)


@pytest.mark.parametrize("page", results.pages(), ids=lambda page: page.name)
def test_the_pages_show_the_figures_that_were_kept(page: Path) -> None:
    text = page.read_text("utf-8")
    is_current = results.updated(text) == text
    assert is_current, "run `python -m benchmarks.results`"


@pytest.mark.parametrize("page", results.pages(), ids=lambda page: page.name)
def test_a_page_has_no_figure_of_time_or_memory_but_those_that_were_measured(page: Path) -> None:
    text = prose(results.without_tables(page.read_text("utf-8")))
    sentences = [
        one for part in re.split(r"\n\n|\n(?=[-|#])", text) for one in re.split(r"(?<=[.;:])\s+(?=[A-Z`*])", part)
    ]
    told = [one for one in sentences if _FIGURE.search(one) and _OF_SPEED.search(one)]
    assert told == [], "show the rows of a benchmark instead (benchmarks/results.py)"
