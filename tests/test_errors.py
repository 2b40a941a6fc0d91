"""An error keeps its kind and what it carries when a place is put in front of its message."""

from __future__ import annotations

import pytest

from ledger_tool.errors import Conflict, InvalidValue, LedgerError, UsageError


def test_within_puts_the_place_in_front_and_keeps_the_rest() -> None:
    error = Conflict("it is taken", "pick another", existing=[{"tag": "v1"}], given="sha256:1", ledger_commit="abc")
    named = error.within("line 17")
    assert type(named) is Conflict
    assert (named.message, str(named), named.hint) == ("line 17: it is taken", "line 17: it is taken", "pick another")
    assert (named.existing, named.given, named.ledger_commit) == ([{"tag": "v1"}], "sha256:1", "abc")


def test_within_may_say_what_else_to_do() -> None:
    assert UsageError("no", "mend it").within("here", "ask there").hint == "ask there"


def test_an_error_that_two_places_share_is_named_by_each_alone() -> None:
    error = InvalidValue("tag", "no tag", "add one")
    assert [error.within(where).message for where in ("line 1", "line 2", "")] == [
        "line 1: no tag",
        "line 2: no tag",
        "no tag",
    ]
    assert error.message == "no tag"


def test_within_keeps_where_the_error_came_from() -> None:
    def fails() -> None:
        raise UsageError("no")

    with pytest.raises(LedgerError) as caught:
        fails()
    assert caught.value.within("here").__traceback__ is caught.value.__traceback__
