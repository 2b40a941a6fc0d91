"""`remove`: records go, with a reason, and history keeps them."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.git.checker import check_history
from tests.support.git.upstream import Upstream
from tests.support.values.make import digest
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


def test_remove_deletes_with_a_reason_and_history_keeps_it(ledger: Run, recorded: Upstream) -> None:
    done = ledger("remove", "myorg/app:v1", "nginx:v1", "--reason", "published by mistake")
    assert done.code == 0, done.err
    assert {one["image"] for one in recorded.records()} == {"myorg/app", "myorg/web"}
    assert [one["records"] for one in done.json_lines] == [[], []]
    assert recorded.message().startswith("remove 2 images\n")
    assert ("Reason", "published by mistake") in recorded.trailers()
    assert ("Digest", digest("nginx")) in recorded.trailers()
    check_history(recorded.path)


def test_remove_of_one_platform_keeps_the_others(ledger: Run, recorded: Upstream) -> None:
    assert ledger("remove", "myorg/app:v1", "--platform", "linux/arm64", "--reason", "broken").code == 0
    assert [one["platform"] for one in ledger("get", "myorg/app:v1").json["records"]] == ["linux/amd64"]


def test_remove_refuses_what_is_not_there_and_asks_for_a_reason(ledger: Run, recorded: Upstream) -> None:
    assert ledger("remove", "nginx:v1", "nginx:v9", "--reason", "x").code == 3
    assert ledger("remove", "nginx:v1").code == 2
    assert ledger("remove", "nginx:v1", "--reason", " ").code == 2
    assert ledger("remove", "nginx", "--reason", "x").code == 2
    assert len(recorded.commits()) == 2
