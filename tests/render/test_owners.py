"""Whose signatures are needed, in a few lines whatever there is."""

from __future__ import annotations

from ledger_tool.core.judging.owners import Owned
from ledger_tool.render.markdown import code
from ledger_tool.render.owners import signature_lines

MANY = [Owned(f"image{at}", ("ci", "ada") if at % 2 else (f"owner{at}",)) for at in range(60)]


def test_one_line_for_each_group_of_owners_names_everything_where_there_is_room() -> None:
    lines = list(signature_lines(MANY, str))
    assert len(lines) == 31
    assert lines[1].startswith("needs the signature of ci or ada: image1, image3, ")
    assert lines[1].endswith(", image59")


def test_in_a_comment_names_and_lines_are_bounded() -> None:
    lines = list(signature_lines(MANY, code, 5))
    assert len(lines) == 11
    assert lines[1].endswith("`image1`, `image3`, `image5`, `image7`, `image9` and 25 more")
    assert lines[-1] == "needs 21 more signatures; `ledger diff` shows them"
