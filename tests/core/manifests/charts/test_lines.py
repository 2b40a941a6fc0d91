"""The lines of a chart, found by their values: an index finds what a look at each line would find."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.manifests.charts.follow import PrintedLine
from ledger_tool.core.manifests.charts.lines import PrintedLines
from ledger_tool.core.manifests.charts.paths import VALUES, covers, is_at, merged_globals

keys = st.sampled_from(["image", "tag", "global", "sub", "*", "?"])
paths = st.lists(keys, max_size=4).map(lambda path: ("Values", *path)) | st.just(("",)) | st.just(("", "sub"))
places = st.lists(st.sampled_from(["image", "tag", "global", "sub"]), max_size=4).map(lambda path: (*VALUES, *path))
lines = st.builds(
    lambda used: PrintedLine("a.yaml", 1, "", used, frozenset(), frozenset()), st.frozensets(paths, max_size=3)
)


@given(st.lists(lines, max_size=8), places)
def test_an_index_finds_what_a_look_at_each_line_finds(printed: list[PrintedLine], place: tuple[str, ...]) -> None:
    index = PrintedLines(printed)
    at = [id(line) for line in index.at(place)]
    assert at == sorted(at, key=[id(line) for line in printed].index)
    for line in printed:
        is_there = any(is_at(path, place) or is_at(merged_globals(path), merged_globals(place)) for path in line.used)
        assert (id(line) in at) or not is_there
        is_over = any(path[:1] == VALUES and covers(path, place) for path in line.used)
        assert (id(line) in [id(one) for one in index.over(place)]) or not is_over
