"""A record has the line on which a reviewer sees that it changed."""

from __future__ import annotations

from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.position import RecordPositions
from tests.support.values.make import but, digest, ledger_of, record

V1 = record("app", platform="linux/amd64")


def line_of(ledger: Ledger, *words: str) -> int:
    """Return the line of the last of some texts, each looked for from where the one before it stands."""
    lines, line_number = codec.dumps(ledger).decode().split("\n"), 0
    for word in words:
        line_number = next(number for number, line in enumerate(lines[line_number:], line_number + 1) if word in line)
    return line_number


def test_a_record_stands_on_the_first_line_that_differs() -> None:
    rest = [record("aaa", labels={"x": "y"}), record("zzz")]
    before = ledger_of(*rest, V1)
    for change, words in (
        ({"digest": digest("evil")}, ("digest",)),
        ({"publishedAt": "2020-01-01T00:00:00Z"}, ("publishedAt",)),
        ({"index": digest("i")}, ("index",)),
        ({"ttl": "7d"}, ("sourceRef",)),  # which got a comma
    ):
        after = ledger_of(*rest, but(V1, **change))
        assert RecordPositions(before, after).of(V1.key) == (line_of(after, '"app"', *words), 7)
    whole = ledger_of(*rest, but(V1, platform=None))
    assert RecordPositions(whole, before).of(V1.key) == (line_of(before, '"app"', "platform"), 7)
    assert RecordPositions(ledger_of(*rest), before).of(V1.key) == (line_of(before, '"app"'), 7)


def test_what_is_gone_stands_where_something_else_is_now() -> None:
    before, after = ledger_of(record("aaa"), V1, record("zzz")), ledger_of(record("aaa"), record("zzz"))
    assert RecordPositions(before, after).of(V1.key) == (line_of(after, '"zzz"'), 1)
    assert RecordPositions(before, ledger_of(record("aaa"))).of(V1.key) == (line_of(after, '"aaa"'), 1)
    assert RecordPositions(before, Ledger()).of(V1.key) == RecordPositions(before, after).of(None) == (1, 1)
