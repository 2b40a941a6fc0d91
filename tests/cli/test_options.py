"""What every option and argument has in common: none takes an empty value."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.git.upstream import Upstream
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("check", "--base", ""), "--base"),
        (("audit", "--allowed-signers", ""), "--allowed-signers"),
        (("remove", "a/b:v1", "--platform", "", "--reason", "x"), "--platform"),
        (("publish", "a/b:v1", "--index", ""), "--index"),
        (("set", "", "--ttl", "1d"), "PATTERN..."),
        (("set", "a/b:v1", "--label", "a=b", "--label", ""), "--label"),
        (("diff", "main", ""), "HEAD"),
        (("get", "a/b:v1", "--at", ""), "--at"),
        (("reconcile", "--format", ""), "--format"),
    ],
)
def test_an_empty_value_is_refused_since_a_script_s_variable_may_be_unset(
    ledger: Run, upstream: Upstream, words: tuple[str, ...], name: str
) -> None:
    done = ledger(*words, "--repo", upstream.url)
    assert done.code == 2
    assert f"`{name}` is given an empty value" in done.err


def test_an_empty_variable_of_the_environment_counts_as_unset(
    ledger: Run, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_DEPLOY_KEY", "")
    assert ledger("list", "--repo", upstream.url).code == 0
