"""What a publish records of an index is what clients pull: held against containerd's own way to choose."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.commands.inspect import inspect
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.errors import RuleRefused
from tests.support.registries.documents import NAMES, PLATFORMS, Documents, chosen, registries
from tests.support.values.make import draft
from tests.support.values.profiles import example_count


@given(registries())
@example_count(150)
def test_a_client_for_a_recorded_platform_pulls_the_recorded_image(made: Documents) -> None:
    pulled = {name: chosen(made, made.tagged, wanted) for name, wanted in zip(NAMES, PLATFORMS, strict=True)}
    pulled = {name: digest for name, digest in pulled.items() if digest}
    try:
        found = inspect([draft(digest=None)], Snapshot("", Ledger(), Policy((Registry(made.name),))), made)
    except RuleRefused:
        assert not pulled
        return
    recorded = {one.platform: one.digest for one in found.drafts}
    assert len(recorded) == len(found.drafts)
    assert {platform: digest for platform, digest in recorded.items() if platform in pulled} == pulled
    assert all(one.looked_at and one.index == made.tagged for one in found.drafts)


@given(registries(), st.sampled_from(NAMES))
@example_count(100)
def test_a_platform_picks_what_a_client_for_it_pulls(made: Documents, name: str) -> None:
    pulled = chosen(made, made.tagged, PLATFORMS[NAMES.index(name)])
    platform = draft(digest=None, platform=name)
    try:
        found = inspect([platform], Snapshot("", Ledger(), Policy((Registry(made.name),))), made)
    except RuleRefused:
        assert not pulled
    else:
        (one,) = found.drafts
        assert pulled in ("", one.digest)
